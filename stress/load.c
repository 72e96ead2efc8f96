// SPDX-License-Identifier: GPL-2.0-only
/* Description: the NVMe load: commands in flight, and the account of every one */

#include "load.h"

#include <stdbool.h>
#include <string.h>

#include "blocks.h"
#include "clock.h"
#include "complain.h"

_Static_assert(GROUP_BYTES == GROUP_BLOCKS * BLOCK_SIZE, "a group is whole blocks");
_Static_assert(GROUP_BYTES > 4096 && GROUP_BYTES <= 8192, "a command has two PRPs");

/* Moves slots to other groups from cycle to cycle; prime to every depth but its multiples. */
#define ROTATION 331u

#define problem(l, ...) complain_into((l)->problem, sizeof((l)->problem), __VA_ARGS__)

static uint64_t slot_offset(uint32_t slot)
{
	return DMA_SLOTS + (uint64_t)slot * DMA_SLOT_SIZE;
}

static uint8_t *slot_data(const struct load *l, uint32_t slot)
{
	return l->dma->map + slot_offset(slot);
}

static uint64_t slot_lba(const struct slot *s)
{
	return (uint64_t)s->group * GROUP_BLOCKS;
}

/* Areas that no DMA may touch: number @i, in order; false behind the last. */
static bool canary_area(const struct load *l, uint32_t i, uint64_t *from, uint64_t *to)
{
	const uint64_t head[][2] = {
		{ DMA_ADMIN_END, DMA_IO_CQ },
		{ DMA_IO_CQ_END, DMA_IO_SQ },
		{ DMA_IO_SQ_END, DMA_SLOTS },
	};
	const uint32_t heads = sizeof(head) / sizeof(head[0]);

	if (i < heads) {
		*from = head[i][0];
		*to = head[i][1];
		return true;
	}
	i -= heads;
	if (i < l->state->depth) {
		*from = slot_offset(i) + GROUP_BYTES;
		*to = slot_offset(i + 1);
		return true;
	}
	*from = slot_offset(i);
	*to = l->dma->size;
	return i == l->state->depth;
}

/* What is in a buffer before a read: copied, which takes a tenth of making it each time. */
static uint64_t poison[GROUP_BYTES / 8];

static void begin(struct load *l, struct nvme *nvme, const struct memory *dma,
		  struct ledger_state *state)
{
	*l = (struct load){ .nvme = nvme, .dma = dma, .state = state };
	pattern_fill(poison, sizeof(poison), SEED_POISON);
}

static void fill_canaries(const struct load *l)
{
	uint64_t from, to;

	for (uint32_t i = 0; canary_area(l, i, &from, &to); i++)
		pattern_fill(l->dma->map + from, to - from, SEED_CANARY ^ from);
}

void load_check_canaries(struct load *l)
{
	uint64_t from, to;

	for (uint32_t i = 0; canary_area(l, i, &from, &to); i++) {
		size_t words = pattern_damage(l->dma->map + from, to - from, SEED_CANARY ^ from);

		if (!words)
			continue;
		l->counts.stray++;
		problem(l, "canary at 0x%llx: %zu words changed", (unsigned long long)from, words);
		pattern_fill(l->dma->map + from, to - from, SEED_CANARY ^ from);
	}
}

void load_init(struct load *l, struct nvme *nvme, const struct memory *dma,
	       struct ledger_state *state)
{
	begin(l, nvme, dma, state);
	memset(state->slots, 0, sizeof(state->slots));
	memset(state->generation, 0, sizeof(state->generation));
	fill_canaries(l);
}

void load_adopt(struct load *l, struct nvme *nvme, const struct memory *dma,
		struct ledger_state *state)
{
	begin(l, nvme, dma, state);
	for (uint32_t i = 0; i < state->depth; i++)
		l->inflight += state->slots[i].use != SLOT_FREE;
}

static bool slot_writes(const struct load *l, uint32_t slot, enum load_mix mix)
{
	if (mix == LOAD_MIX)
		return (slot + l->state->cycle) % 4 == 0;
	return mix == LOAD_INIT;
}

static void start(struct load *l, uint32_t i, bool write)
{
	struct slot *s = &l->state->slots[i];
	uint64_t offset = slot_offset(i);

	s->use = write ? SLOT_WRITE : SLOT_READ;
	s->at_jump = 0;
	s->group = (uint16_t)((i + l->state->cycle * ROTATION) % l->state->depth);
	s->generation = l->state->generation[s->group] + write;
	if (write)
		blocks_fill(slot_data(l, i), GROUP_BLOCKS, slot_lba(s), s->generation);
	else
		memcpy(slot_data(l, i), poison, GROUP_BYTES);
	if (l->astray && !write) {
		l->astray = false;
		offset = DMA_ADMIN_END;
	}
	nvme_queue(l->nvme, write ? NVME_WRITE : NVME_READ, (uint16_t)i, slot_lba(s),
		   GROUP_BLOCKS, offset);
	l->inflight++;
}

uint32_t load_fill(struct load *l, enum load_mix mix)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->state->depth; i++) {
		if (l->state->slots[i].use != SLOT_FREE)
			continue;
		start(l, i, slot_writes(l, i, mix));
		n++;
	}
	if (n)
		nvme_ring(l->nvme);
	return n;
}

/* Success says the device: is the data right? */
static bool check_data(struct load *l, uint32_t i)
{
	const struct slot *s = &l->state->slots[i];
	enum block_fault fault = blocks_check(slot_data(l, i), GROUP_BLOCKS, slot_lba(s),
					      s->generation);

	l->counts.verified_bytes += GROUP_BYTES;
	if (fault == BLOCK_OK)
		return true;
	problem(l, "%s of LBA %llu: %s", s->use == SLOT_READ ? "read" : "write",
		(unsigned long long)slot_lba(s), block_fault_name(fault));
	/* A write's data is not the device's to change. */
	if (s->use == SLOT_WRITE)
		l->counts.stray++;
	else if (memcmp(slot_data(l, i), poison, GROUP_BYTES) != 0)
		l->counts.corrupt++;
	else
		l->counts.lost++;
	return false;
}

static void finish(struct load *l, uint32_t i, uint16_t status)
{
	struct slot *s = &l->state->slots[i];

	if (status) {
		l->counts.faulted++;
		problem(l, "LBA %llu: status 0x%x", (unsigned long long)slot_lba(s), status);
	} else if (check_data(l, i)) {
		l->counts.completed += s->at_jump;
		l->counts.other += !s->at_jump;
	}
	if (s->use == SLOT_WRITE && !status)
		l->state->generation[s->group] = s->generation;
	s->use = SLOT_FREE;
	s->at_jump = 0;
	l->inflight--;
}

static void take(struct load *l, const struct nvme_cqe *cqe)
{
	l->counts.reaped++;
	if (cqe->sq_id == l->nvme->state.qid && cqe->cid < l->state->depth &&
	    l->state->slots[cqe->cid].use != SLOT_FREE) {
		finish(l, cqe->cid, cqe->status >> 1);
		return;
	}
	l->counts.stray++;
	problem(l, "completion of queue %u, command %u, which is not in flight", cqe->sq_id,
		cqe->cid);
}

uint32_t load_reads(const struct load *l)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->state->depth; i++)
		n += l->state->slots[i].use == SLOT_READ;
	return n;
}

uint32_t load_reap(struct load *l)
{
	struct nvme_cqe cqe;
	uint32_t n = 0;

	while (nvme_next(l->nvme, &cqe)) {
		take(l, &cqe);
		n++;
	}
	if (n)
		nvme_release(l->nvme);
	return n;
}

uint32_t load_drain(struct load *l, uint32_t timeout_ms)
{
	uint64_t end = now_ms() + timeout_ms;

	while (l->inflight && now_ms() < end) {
		if (load_reap(l))
			end = now_ms() + timeout_ms;
		else
			sleep_ms(1);
	}
	return l->inflight;
}

void load_give_up(struct load *l)
{
	uint32_t behind = cq_beyond_hole(&l->nvme->cq, l->inflight);

	if (behind)
		problem(l, "%u completions behind a hole in the queue", behind);
	l->counts.stray += behind;
	l->counts.lost += l->inflight;
	l->inflight = 0;
	for (uint32_t i = 0; i < l->state->depth; i++)
		l->state->slots[i].use = SLOT_FREE;
}
