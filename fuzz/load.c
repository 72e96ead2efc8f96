// SPDX-License-Identifier: GPL-2.0-only
/* Description: fuzz target: a drive that completes whatever it likes, and writes wherever */

/* Input: what the drive and the agent do, one after the other; a byte says what. */

#include "fake_clock.h"

#include "../stress/load.c"

#include <sys/mman.h>

#include "fuzz.h"

#define DEPTH 16u
#define ENTRIES 24u
#define IOVA (1ULL << 40)

enum action { SERVE, COMPLETE, WRITE, REAP, FILL, CANARIES, GIVE_UP, DRAIN, ADOPT, ACTIONS };

static uint32_t bar[NVME_BAR_SIZE / 4];
static struct memory dma = { .fd = -1 };
static struct ledger_state state;
static struct nvme nvme;
static struct load load;
static uint64_t begun;	/* commands */

static void prepare(void)
{
	struct nvme_state queues = { .entries = ENTRIES, .cq_phase = 1, .nsid = 1, .qid = 1 };

	if (!dma.map) {
		dma.size = dma_size(DEPTH);
		dma.map = mmap(NULL, dma.size, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		MUST(dma.map != MAP_FAILED);
		state.depth = DEPTH;
		nvme_adopt_memory(&nvme, &dma, IOVA, &queues);
		load_init(&load, &nvme, &dma, &state);
	}
	/* Canaries are mended when they are looked at. */
	memset(dma.map + DMA_IO_CQ, 0, ENTRIES * sizeof(struct nvme_cqe));
	nvme_adopt_memory(&nvme, &dma, IOVA, &queues);
	nvme.bar = bar;
	nvme.stride = 4;
	memset(state.slots, 0, sizeof(state.slots));
	memset(state.generation, 0, sizeof(state.generation));
	load_adopt(&load, &nvme, &dma, &state);
	begun = 0;
}

/* The next completion, from where the reader is: @status without the phase. */
static void complete(uint16_t cid, uint16_t sq_id, uint16_t status)
{
	struct nvme_cqe *e = &nvme.cq.ring[nvme.cq.head];

	e->cid = cid;
	e->sq_id = sq_id;
	e->status = (uint16_t)(status << 1 | nvme.cq.phase);
}

/* What a good drive does with a read of a slot: the data are those that are asked for. */
static void serve(uint32_t slot)
{
	const struct slot *s = &state.slots[slot];

	if (s->use == SLOT_READ)
		blocks_fill(slot_data(&load, slot), GROUP_BLOCKS, slot_lba(s), s->generation);
	complete((uint16_t)slot, 1, 0);
}

/* Anywhere: the queues, the slots, and rarely elsewhere. */
static void write_somewhere(struct fuzz *f)
{
	uint64_t where = fuzz_number(f, 1);

	if (where < 0x80)
		fuzz_patch(f, dma.map + DMA_IO_CQ, ENTRIES * sizeof(struct nvme_cqe));
	else if (where < 0xf0)
		fuzz_patch(f, dma.map + DMA_SLOTS, DEPTH * DMA_SLOT_SIZE);
	else
		fuzz_patch(f, dma.map, dma.size);
}

static void act(struct fuzz *f)
{
	switch (fuzz_number(f, 1) % ACTIONS) {
	case SERVE:
		serve((uint32_t)fuzz_number(f, 1) % DEPTH);
		load_reap(&load);
		break;
	case COMPLETE:
		complete((uint16_t)fuzz_number(f, 2), (uint16_t)fuzz_number(f, 2),
			 (uint16_t)fuzz_number(f, 2));
		break;
	case WRITE:
		write_somewhere(f);
		break;
	case REAP:
		load_reap(&load);
		break;
	case FILL:
		begun += load_fill(&load, fuzz_number(f, 1) % (LOAD_MIX + 1));
		break;
	case CANARIES:
		load_check_canaries(&load);
		break;
	case GIVE_UP:
		load_give_up(&load);
		break;
	case DRAIN:
		load_drain(&load, 50);
		break;
	case ADOPT:
		state.cycle = (uint32_t)fuzz_number(f, 4);
		for (uint32_t i = 0; i < DEPTH; i++)
			state.slots[i].at_jump = state.slots[i].use != SLOT_FREE;
		break;
	}
}

/* Every command has ended in one way, or has not ended. */
static void check_account(void)
{
	const struct load_counts *c = &load.counts;
	uint64_t ended = c->completed + c->other + c->faulted + c->lost + c->corrupt;
	uint32_t inflight = 0;

	for (uint32_t i = 0; i < DEPTH; i++)
		inflight += state.slots[i].use != SLOT_FREE;
	MUST(inflight == load.inflight);
	MUST(ended + inflight <= begun);
	/* The others are writes whose data were changed. */
	MUST(begun - ended - inflight <= c->stray);
	MUST(!c->stray == !*load.problem || c->faulted || c->lost || c->corrupt);
}

FUZZ()
{
	struct fuzz f = { data, size };

	prepare();
	while (f.left)
		act(&f);
	check_account();
	return 0;
}
