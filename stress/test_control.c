// SPDX-License-Identifier: GPL-2.0-only
/* Description: what is broken on purpose, where, and only there */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control.c"

static void names(void **state)
{
	(void)state;
	assert_true(control_known("none"));
	assert_true(control_known("unpreserved"));
	assert_true(control_known("stray-write"));
	assert_false(control_known("flipped-byte"));
	assert_false(control_known(""));
	assert_true(control_shows_early("unmapped"));
	assert_false(control_shows_early("stray-write"));
	assert_false(control_shows_early("none"));
}

static void nothing_breaks_elsewhere(void **state)
{
	static struct drive drive;

	(void)state;
	for (enum control_at at = CONTROL_FULL; at <= CONTROL_RESUMED; at++) {
		assert_int_equal(control_break("none", at, &drive, NULL), 0);
		assert_int_equal(control_break("unpreserved", at, &drive, NULL), 0);
		if (at != CONTROL_LAST_FILL)
			assert_int_equal(control_break("stray-write", at, &drive, NULL), 0);
		assert_false(drive.load.astray);
	}
	assert_int_equal(control_break("stray-write", CONTROL_LAST_FILL, &drive, NULL), 0);
	assert_true(drive.load.astray);
}

static void without_its_load_it_cannot(void **state)
{
	static struct drive drive;
	static struct nic nic;

	(void)state;
	assert_int_equal(control_break("stray-write", CONTROL_LAST_FILL, NULL, &nic), -EINVAL);
	assert_non_null(strstr(complaint(), "needs the load nvme"));
	assert_int_equal(control_break("slow-consumer", CONTROL_RESUMED, &drive, NULL), -EINVAL);
	assert_int_equal(control_break("slow-consumer", CONTROL_FULL, &drive, NULL), 0);
}

/* Who takes it away leaves the queue as any reader does. */
static void a_completion_is_dropped_unseen(void **state)
{
	static struct nvme_cqe ring[4] = { { .cid = 7, .status = 1 }, { .cid = 9, .status = 1 } };
	static struct drive drive = { .nvme.cq = { .ring = ring, .entries = 4, .phase = 1 } };
	struct nvme_cqe cqe;

	(void)state;
	assert_int_equal(control_break("dropped-completion", CONTROL_ADOPTED, &drive, NULL), 0);
	assert_true(nvme_next(&drive.nvme, &cqe));
	assert_int_equal(cqe.cid, 9);
	assert_int_equal(drive.load.counts.reaped, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(nothing_breaks_elsewhere),
		cmocka_unit_test(without_its_load_it_cannot),
		cmocka_unit_test(a_completion_is_dropped_unseen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
