// SPDX-License-Identifier: GPL-2.0-only
/* Description: the ledger survives whatever moment its writer dies in */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ledger.c"

static uint8_t *mem;
static struct ledger_state in, out;
static uint64_t sequence;

static int setup(void **state)
{
	(void)state;
	complaint_clear();
	mem = aligned_alloc(PAGE, ledger_size());
	memset(mem, 0, ledger_size());
	memset(&in, 0, sizeof(in));
	sequence = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(mem);
	return 0;
}

static void commit(uint64_t number, uint32_t cycle)
{
	in.cycle = cycle;
	/* The last byte differs, too: a copy of all but it is torn. */
	in.generation[LEDGER_SLOTS - 1] = cycle * 0x01010101u;
	ledger_write(mem, number, &in);
}

static void empty_memory_has_no_copy(void **state)
{
	(void)state;
	assert_int_equal(ledger_read(mem, &sequence, &out), -EBADMSG);
}

static void newest_copy_is_read(void **state)
{
	(void)state;
	for (uint32_t i = 1; i < 6; i++) {
		commit(i, 10 * i);
		assert_int_equal(ledger_read(mem, &sequence, &out), 0);
		assert_int_equal(sequence, i);
		assert_memory_equal(&in, &out, sizeof(in));
	}
}

/* A commit that stops after any number of bytes leaves the copy before it. */
static void torn_commit_is_not_read(void **state)
{
	size_t cuts[] = { 1, 8, 12, 20, 24, 28, 32, 100, sizeof(struct copy) / 2,
			  sizeof(struct copy) - 1 };
	uint8_t *before = malloc(ledger_size()), *after = malloc(ledger_size());

	(void)state;
	commit(1, 1);
	commit(2, 2);
	memcpy(before, mem, ledger_size());
	commit(3, 3);
	memcpy(after, mem, ledger_size());
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		/* Copy 3 is where copy 1 was: in the second half. */
		memcpy(mem, before, ledger_size());
		memcpy(mem + COPY_SIZE, after + COPY_SIZE, cuts[i]);
		assert_int_equal(ledger_read(mem, &sequence, &out), 0);
		assert_int_equal(out.cycle, sequence);
		assert_int_equal(sequence, 2);
	}
	free(before);
	free(after);
}

static void bad_checksum_falls_back(void **state)
{
	(void)state;
	commit(1, 1);
	commit(2, 2);
	((struct copy *)(void *)mem)->state.depth ^= 1;
	assert_int_equal(ledger_read(mem, &sequence, &out), 0);
	assert_int_equal(out.cycle, 1);
	((struct copy *)(void *)(mem + COPY_SIZE))->state.slots[7].group ^= 1;
	assert_int_equal(ledger_read(mem, &sequence, &out), -EBADMSG);
}

/* A wrong sequence number must not make an old copy the newest. */
static void sequence_is_checksummed(void **state)
{
	(void)state;
	commit(1, 1);
	commit(2, 2);
	((struct copy *)(void *)(mem + COPY_SIZE))->sequence = 9;
	assert_int_equal(ledger_read(mem, &sequence, &out), 0);
	assert_int_equal(sequence, 2);
}

static void other_version_is_refused(void **state)
{
	(void)state;
	commit(1, 1);
	((struct copy *)(void *)(mem + COPY_SIZE))->version++;
	assert_int_equal(ledger_read(mem, &sequence, &out), -EPROTO);
	assert_non_null(strstr(complaint(), "version 6"));
}

static void other_size_is_refused(void **state)
{
	(void)state;
	commit(1, 1);
	((struct copy *)(void *)(mem + COPY_SIZE))->size -= 8;
	assert_int_equal(ledger_read(mem, &sequence, &out), -EPROTO);
}

/* A good checksum over what cannot be: indices of another build, or of a broken one. */
static void content_that_cannot_be_is_refused(void **state)
{
#define REFUSED(member, value) do { \
	memset(&in, 0, sizeof(in)); \
	in.depth = 100; \
	in.nvme.entries = 1024; \
	commit(1, 1); \
	assert_int_equal(ledger_read(mem, &sequence, &out), 0); \
	in.member = value; \
	commit(1, 1); \
	complaint_clear(); \
	assert_int_equal(ledger_read(mem, &sequence, &out), -EPROTO); \
	assert_non_null(strstr(complaint(), "no good")); \
} while (0)
	(void)state;
	REFUSED(depth, LEDGER_SLOTS + 1);
	REFUSED(depth, 1024);
	REFUSED(inflight, 101);
	REFUSED(nvme.entries, LEDGER_SLOTS + 1);
	REFUSED(nvme.cq_head, 1024);
	REFUSED(nvme.sq_tail, 1024);
	REFUSED(nvme.cq_phase, 2);
	REFUSED(nvme.qid, NVME_IO_QUEUE + 1);
	REFUSED(slots[99].group, LEDGER_SLOTS);
	REFUSED(slots[99].use, SLOT_WRITE + 1);
	REFUSED(topology.count, TOPOLOGY_FUNCTIONS + 1);
	REFUSED(nic.load.gap_count, NIC_GAPS + 1);
#undef REFUSED
	memset(&in, 0, sizeof(in));
	in.topology.count = 1;
	memset(in.topology.functions[0].bdf, 'x', PCIDEV_BDF_SIZE);
	commit(1, 1);
	assert_int_equal(ledger_read(mem, &sequence, &out), -EPROTO);
}

/* Through a real memfd, as the agent does it. */
static void memfd_round_trip(void **state)
{
	static struct ledger old, next;

	(void)state;
	assert_int_equal(ledger_create(&old), 0);
	old.state.cycle = 41;
	ledger_commit(&old);
	old.state.cycle = 42;
	ledger_commit(&old);
	assert_int_equal(ledger_adopt(&next, old.mem.fd), 0);
	assert_int_equal(next.state.cycle, 42);
	assert_int_equal(next.sequence, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(empty_memory_has_no_copy, setup, teardown),
		cmocka_unit_test_setup_teardown(newest_copy_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(torn_commit_is_not_read, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_checksum_falls_back, setup, teardown),
		cmocka_unit_test_setup_teardown(sequence_is_checksummed, setup, teardown),
		cmocka_unit_test_setup_teardown(other_version_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(other_size_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(content_that_cannot_be_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(memfd_round_trip, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
