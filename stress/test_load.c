// SPDX-License-Identifier: GPL-2.0-only
/* Description: every way a command can end is counted as what it is */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "load.c"

#define DEPTH 16u
#define ENTRIES 24u
#define IOVA (1ULL << 40)

/* A drive that does what a test tells it: queues in memory, doorbells in an array. */
static uint32_t bar[NVME_BAR_SIZE / 4];
static uint8_t disk[DEPTH * GROUP_BYTES];
static struct memory dma;
static struct ledger_state state;
static struct nvme nvme;
static struct load load;
static uint32_t sq_head, cq_tail;
static uint16_t cq_phase;

struct command {	/* the parts of a submission queue entry that are used */
	uint8_t opcode, flags;
	uint16_t cid;
	uint32_t nsid;
	uint64_t reserved, metadata, prp1, prp2;
	uint32_t lba, lba_high, length, rest[3];
};

static struct command *next_command(void)
{
	struct command *c = (struct command *)(void *)(dma.map + DMA_IO_SQ) + sq_head;

	sq_head = (sq_head + 1) % ENTRIES;
	return c;
}

static void post(uint16_t cid, uint16_t status)
{
	struct nvme_cqe *e = (struct nvme_cqe *)(void *)(dma.map + DMA_IO_CQ) + cq_tail;

	e->cid = cid;
	e->sq_id = 1;
	e->status = (uint16_t)(status << 1 | cq_phase);
	cq_tail = (cq_tail + 1) % ENTRIES;
	cq_phase = cq_tail ? cq_phase : !cq_phase;
}

/* Move the data of @c between disk and its two pages. */
static void transfer(const struct command *c)
{
	uint8_t *on_disk = disk + (uint64_t)c->lba * BLOCK_SIZE;
	uint8_t *first = dma.map + (c->prp1 - IOVA), *second = dma.map + (c->prp2 - IOVA);

	if (c->opcode == NVME_READ) {
		memcpy(first, on_disk, 4096);
		memcpy(second, on_disk + 4096, GROUP_BYTES - 4096);
	} else {
		memcpy(on_disk, first, 4096);
		memcpy(on_disk + 4096, second, GROUP_BYTES - 4096);
	}
}

/* Do @n commands well. */
static void serve(uint32_t n)
{
	while (n--) {
		struct command *c = next_command();

		transfer(c);
		post(c->cid, 0);
	}
}

static int setup(void **s)
{
	struct nvme_state queues = { .entries = ENTRIES, .cq_phase = 1, .nsid = 1, .qid = 1 };

	(void)s;
	if (!dma.map && memory_create(&dma, "dma", dma_size(DEPTH)))
		return -1;
	memset(dma.map, 0, dma.size);
	memset(bar, 0, sizeof(bar));
	memset(&state, 0, sizeof(state));
	sq_head = cq_tail = 0;
	cq_phase = 1;
	state.depth = DEPTH;
	nvme_adopt_memory(&nvme, &dma, IOVA, &queues);
	nvme.bar = bar;
	nvme.stride = 4;
	load_init(&load, &nvme, &dma, &state);
	load_fill(&load, LOAD_INIT);
	serve(DEPTH);
	load_reap(&load);
	load.counts = (struct load_counts){ 0 };
	return load.inflight || load.problem[0] ? -1 : 0;
}

static void expect(uint64_t other, uint64_t faulted, uint64_t lost, uint64_t corrupt,
		   uint64_t stray)
{
	assert_int_equal(load.counts.other, other);
	assert_int_equal(load.counts.faulted, faulted);
	assert_int_equal(load.counts.lost, lost);
	assert_int_equal(load.counts.corrupt, corrupt);
	assert_int_equal(load.counts.stray, stray);
}

static void clean_commands_count_as_completed(void **s)
{
	(void)s;
	for (uint32_t cycle = 0; cycle < 8; cycle++) {
		state.cycle = cycle;
		assert_int_equal(load_fill(&load, LOAD_MIX), DEPTH);
		serve(DEPTH);
		assert_int_equal(load_reap(&load), DEPTH);
		assert_int_equal(load_fill(&load, LOAD_READ), DEPTH);
		serve(DEPTH);
		load_reap(&load);
		load_check_canaries(&load);
	}
	expect(16ULL * DEPTH, 0, 0, 0, 0);
	assert_int_equal(load.counts.verified_bytes, 16ULL * DEPTH * GROUP_BYTES);
	assert_string_equal(load.problem, "");
}

static void doorbells_follow_the_queues(void **s)
{
	(void)s;
	load_fill(&load, LOAD_READ);
	assert_int_equal(bar[0x1008 / 4], 2 * DEPTH % ENTRIES);
	serve(5);
	load_reap(&load);
	assert_int_equal(bar[0x100c / 4], (DEPTH + 5) % ENTRIES);
}

static void error_status_is_faulted(void **s)
{
	(void)s;
	load_fill(&load, LOAD_READ);
	post(next_command()->cid, 0x4);
	serve(DEPTH - 1);
	load_reap(&load);
	expect(DEPTH - 1, 1, 0, 0, 0);
	assert_non_null(strstr(load.problem, "status 0x4"));
}

/* Success, and nothing in memory: what a silent fault looks like. */
static void success_without_data_is_lost(void **s)
{
	(void)s;
	load_fill(&load, LOAD_READ);
	post(next_command()->cid, 0);
	serve(DEPTH - 1);
	load_reap(&load);
	expect(DEPTH - 1, 0, 1, 0, 0);
}

/* The second page did not come. */
static void torn_read_is_corrupt(void **s)
{
	struct command *c;

	(void)s;
	load_fill(&load, LOAD_READ);
	c = next_command();
	memcpy(dma.map + (c->prp1 - IOVA), disk + (uint64_t)c->lba * BLOCK_SIZE, 4096);
	post(c->cid, 0);
	load_reap(&load);
	expect(0, 0, 0, 1, 0);
}

static void lost_write_is_corrupt_at_read_back(void **s)
{
	(void)s;
	load_fill(&load, LOAD_INIT);
	post(next_command()->cid, 0);
	serve(DEPTH - 1);
	load_reap(&load);
	expect(DEPTH, 0, 0, 0, 0);
	load_fill(&load, LOAD_READ);
	serve(DEPTH);
	load_reap(&load);
	expect(2 * DEPTH - 1, 0, 0, 1, 0);
	assert_non_null(strstr(load.problem, "stale"));
}

static void changed_write_buffer_is_stray(void **s)
{
	struct command *c;

	(void)s;
	load_fill(&load, LOAD_INIT);
	c = next_command();
	transfer(c);
	dma.map[c->prp1 - IOVA + 100] ^= 1;
	post(c->cid, 0);
	load_reap(&load);
	expect(0, 0, 0, 0, 1);
}

static void unknown_and_double_completions_are_stray(void **s)
{
	uint16_t cid;

	(void)s;
	load_fill(&load, LOAD_READ);
	cid = next_command()->cid;
	sq_head = (sq_head + ENTRIES - 1) % ENTRIES;
	serve(1);
	post(cid, 0);
	post(DEPTH, 0);
	load_reap(&load);
	expect(1, 0, 0, 0, 2);
}

/* One byte in each kind of canary: before the slots, beside data, page, tail. */
static void every_canary_is_watched(void **s)
{
	const uint64_t at[] = {
		DMA_ADMIN_END, DMA_IO_CQ_END + 5, DMA_SLOTS - 1, DMA_SLOTS + GROUP_BYTES,
		DMA_SLOTS + 2 * 4096, DMA_SLOTS + DEPTH * DMA_SLOT_SIZE - 1,
		DMA_SLOTS + DEPTH * DMA_SLOT_SIZE,
	};

	(void)s;
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		load.counts.stray = 0;
		dma.map[at[i]] ^= 0x80;
		load_check_canaries(&load);
		assert_int_equal(load.counts.stray, 1);
		load_check_canaries(&load);
		assert_int_equal(load.counts.stray, 1);
	}
}

static void what_never_completes_is_lost(void **s)
{
	(void)s;
	load_fill(&load, LOAD_READ);
	serve(10);
	assert_int_equal(load_drain(&load, 1), DEPTH - 10);
	load_give_up(&load);
	expect(10, 0, DEPTH - 10, 0, 0);
}

/* The control: a real command of the device, whose data goes where none may. */
static void command_astray_is_stray(void **s)
{
	(void)s;
	load.astray = true;
	load_fill(&load, LOAD_READ);
	serve(DEPTH);
	load_reap(&load);
	expect(DEPTH - 1, 0, 1, 0, 0);
	load_check_canaries(&load);
	expect(DEPTH - 1, 0, 1, 0, 1);
	assert_false(load.astray);
}

/* The control: somebody has taken the entry, and nobody was told. */
static void dropped_completion_is_lost(void **s)
{
	struct nvme_cqe cqe;

	(void)s;
	load_fill(&load, LOAD_READ);
	serve(DEPTH);
	assert_true(nvme_next(&nvme, &cqe));
	assert_int_equal(load_drain(&load, 1), 1);
	load_give_up(&load);
	expect(DEPTH - 1, 0, 1, 0, 0);
}

/* The tenth entry's DMA was lost; six came behind it, which no reader ever sees. */
static void hole_in_the_queue_is_counted(void **s)
{
	struct nvme_cqe *ring = (struct nvme_cqe *)(void *)(dma.map + DMA_IO_CQ);

	(void)s;
	load_fill(&load, LOAD_READ);
	serve(DEPTH);
	ring[(DEPTH + 9) % ENTRIES].status ^= 1;
	load_drain(&load, 1);
	load_give_up(&load);
	expect(9, 0, DEPTH - 9, 0, DEPTH - 10);
}

/* As the next kernel does it: nothing but the ledger's state and the memory. */
static void adopted_load_goes_on(void **s)
{
	static struct ledger_state next_state;
	struct nvme_state queues;
	struct nvme next_nvme;
	struct load next;

	(void)s;
	load_fill(&load, LOAD_MIX);
	serve(3);
	load_reap(&load);
	for (uint32_t i = 0; i < DEPTH; i++)
		state.slots[i].at_jump = state.slots[i].use != SLOT_FREE;
	queues = nvme.state;
	next_state = state;
	serve(DEPTH - 3);
	nvme_adopt_memory(&next_nvme, &dma, IOVA, &queues);
	load_adopt(&next, &next_nvme, &dma, &next_state);
	assert_int_equal(next.inflight, DEPTH - 3);
	assert_int_equal(cq_arrived(&next_nvme.cq, next.inflight), DEPTH - 3);
	load_reap(&next);
	assert_int_equal(next.counts.completed, DEPTH - 3);
	assert_int_equal(next.counts.other, 0);
	assert_int_equal(next.inflight, 0);
	assert_string_equal(next.problem, "");
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(clean_commands_count_as_completed), TEST(doorbells_follow_the_queues),
		TEST(error_status_is_faulted), TEST(success_without_data_is_lost),
		TEST(torn_read_is_corrupt), TEST(lost_write_is_corrupt_at_read_back),
		TEST(changed_write_buffer_is_stray),
		TEST(unknown_and_double_completions_are_stray), TEST(every_canary_is_watched),
		TEST(what_never_completes_is_lost), TEST(hole_in_the_queue_is_counted),
		TEST(command_astray_is_stray), TEST(dropped_completion_is_lost),
		TEST(adopted_load_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
