/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: the NVMe load: commands in flight, and the account of every one */

#ifndef HF_LOAD_H
#define HF_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "ledger.h"
#include "memory.h"
#include "nvme.h"

/* Blocks of a command: 4160 bytes, so that two PRPs must be right. */
#define GROUP_BLOCKS 8
#define GROUP_BYTES (GROUP_BLOCKS * 520)

/*
 * Every command ends in exactly one of these:
 *	completed  the device says success, and the data is right
 *	faulted    the device says failure
 *	lost       no completion came, or none of a read's data did
 *	corrupt    the device says success, and the data is wrong
 * stray is DMA that nobody asked for: a completion of no command in flight, a
 * write's buffer or a canary changed, a completion behind a hole in the queue.
 */
struct load_counts {
	uint64_t completed;	/* of those in flight at the jump */
	uint64_t other;		/* completed, begun in this kernel */
	uint64_t faulted, lost, corrupt, stray;
	uint64_t verified_bytes;
	uint64_t reaped;	/* completions taken, whatever they said */
};

/*
 * Slots and generations live in the ledger's state, so that a commit of the
 * ledger says what is in flight.
 */
struct load {
	struct nvme *nvme;
	const struct memory *dma;
	struct ledger_state *state;
	uint32_t inflight;
	struct load_counts counts;
	bool astray;		/* control: the next read leads into a canary */
	char problem[128];	/* the first command or canary that was not right */
};

enum load_mix {
	LOAD_INIT,	/* write every group with its next generation */
	LOAD_READ,	/* read every group */
	LOAD_MIX,	/* a quarter writes, the rest reads; other slots write in each cycle */
};

/* Begin: state->depth slots, all free. Fills the canaries. */
void load_init(struct load *l, struct nvme *nvme, const struct memory *dma,
	       struct ledger_state *state);

/* Go on with what state->slots says: all that was in flight, still is. */
void load_adopt(struct load *l, struct nvme *nvme, const struct memory *dma,
		struct ledger_state *state);

/* Give every free slot a command of @mix, and ring. Returns how many there were. */
uint32_t load_fill(struct load *l, enum load_mix mix);

/* How many of the commands in flight are reads. */
uint32_t load_reads(const struct load *l);

/* Take and verify all completions that have arrived. Returns how many there were. */
uint32_t load_reap(struct load *l);

/*
 * Reap until nothing is in flight; gives up when nothing arrived for @timeout_ms.
 * Returns what is still in flight; it is not counted as lost yet.
 */
uint32_t load_drain(struct load *l, uint32_t timeout_ms);

/* Count what is in flight as lost, and completions behind a hole as stray. */
void load_give_up(struct load *l);

/* Look at all canaries; a damaged area counts as stray, and is mended. */
void load_check_canaries(struct load *l);

#endif /* HF_LOAD_H */
