// SPDX-License-Identifier: GPL-2.0-only
/* Description: memory of the kernel before that is not what the ledger says, is let go of */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "drive.c"
#include "nic.h"

#define BDF "0000:01:00.0"
#define DEPTH 1000u

static struct ledger_state state;
static struct drive drive;
static struct nic nic;

/* A descriptor of a memfd, as if retrieved. */
static int retrieved(size_t size)
{
	struct memory m;

	assert_int_equal(memory_create(&m, "retrieved", size), 0);
	munmap(m.map, m.size);
	return m.fd;
}

static int setup(void **s)
{
	(void)s;
	complaint_clear();
	memset(&state, 0, sizeof(state));
	state.depth = DEPTH;
	state.nvme.entries = 1024;
	return 0;
}

static void good_memory_is_kept(void **s)
{
	(void)s;
	assert_int_equal(drive_adopt_memory(&drive, BDF, &state, retrieved(dma_size(DEPTH))), 0);
	assert_non_null(drive.dma.map);
	memory_drop(&drive.dma);
	assert_null(drive.dma.map);
}

/* Nobody may look for completions in what is left of it. */
static void memory_of_fewer_commands_is_refused(void **s)
{
	(void)s;
	assert_int_equal(drive_adopt_memory(&drive, BDF, &state,
					    retrieved(dma_size(DEPTH) - HUGE_SIZE)), -EPROTO);
	assert_non_null(strstr(complaint(), "1000 commands"));
	assert_null(drive.dma.map);
}

static void ledger_without_a_drive_is_refused(void **s)
{
	(void)s;
	state.nvme.entries = 0;
	assert_int_equal(drive_adopt_memory(&drive, BDF, &state, retrieved(dma_size(DEPTH))),
			 -EPROTO);
	assert_null(drive.dma.map);
}

static void ledger_without_a_nic_is_refused(void **s)
{
	(void)s;
	assert_true(nic_adopt_memory(&nic, BDF, &state.nic, retrieved(HUGE_SIZE)) < 0);
	assert_null(nic.dma.map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(good_memory_is_kept, setup),
		cmocka_unit_test_setup(memory_of_fewer_commands_is_refused, setup),
		cmocka_unit_test_setup(ledger_without_a_drive_is_refused, setup),
		cmocka_unit_test_setup(ledger_without_a_nic_is_refused, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
