/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: what the agent must know in the next kernel, in a preserved memfd */

#ifndef HF_LEDGER_H
#define HF_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "fio.h"
#include "memory.h"
#include "nic.h"
#include "nvme.h"
#include "topology.h"

#define LEDGER_VERSION 6
#define LEDGER_SLOTS 4096	/* as many as an I/O queue has entries */

/* What a slot of the DMA memory is used for. */
enum slot_use {
	SLOT_FREE,
	SLOT_READ,
	SLOT_WRITE,
};

/*
 * One command and its buffer. @group is the piece of the drive (GROUP_BLOCKS
 * blocks from group * GROUP_BLOCKS on); @generation is what a read must find
 * there, or what a write puts there.
 */
struct slot {
	uint8_t use;		/* enum slot_use; not free: in flight */
	uint8_t at_jump;	/* was in flight at the last jump */
	uint16_t group;
	uint32_t generation;
};

/* The state. Plain data: the next kernel's agent may be another build of it. */
struct ledger_state {
	uint32_t cycle;		/* the one that begins with the jump */
	uint32_t device_preserved; /* 0: only the memfds were (hf.control=unpreserved) */

	uint64_t tsc_jump;	/* TSC before the last steps to the jump */
	uint64_t tsc_adjust;	/* IA32_TSC_ADJUST, if tsc_adjust_known */
	uint32_t tsc_adjust_known;
	uint32_t tsc_khz;
	uint32_t tsc_invariant;

	uint32_t rate;		/* commands per second asked for; 0: the drive has no rate */
	uint32_t blackout_ms;	/* how long the next one is expected to be */
	uint32_t depth;		/* slots in use */
	uint32_t inflight;	/* commands in flight at the jump */
	uint32_t watches;	/* of the kernel's, the first so many are the drive's */

	uint64_t iova;		/* of the DMA memory */
	uint64_t again;		/* bytes of IOVA on which it is there again; see struct iommu_map */
	uint64_t preserve_ns;	/* what preserving the iommufds took; DMA goes on meanwhile */
	uint32_t dev_id;	/* in the retrieved iommufd, once it is bound; else 0 */
	struct nvme_state nvme;
	struct topology topology; /* what is watched for PCI errors */
	struct nic_state nic;
	struct fio_state fio;
	uint64_t faults;	/* seen by this kernel since the last cycle's record */

	struct slot slots[LEDGER_SLOTS];
	uint32_t generation[LEDGER_SLOTS]; /* of each group, as far as writes are done */
};

/*
 * The memfd holds two copies, written in turn: whatever moment a kernel dies in,
 * one of them is whole. A copy says its version and size, and carries a CRC32C of
 * the rest.
 */
struct ledger {
	struct memory mem;
	uint64_t sequence;	/* of the newest copy */
	struct ledger_state state; /* ours to change; in the memfd after ledger_commit() */
};

/* Bytes of the memfd. */
size_t ledger_size(void);

/* A new ledger, all zero, nothing committed. */
int ledger_create(struct ledger *l);

/*
 * The newest whole copy in the retrieved memfd @fd (taken). With a complaint:
 * -EPROTO: another version or size, or content that cannot be. -EBADMSG: no whole copy.
 */
int ledger_adopt(struct ledger *l, int fd);

/* Write the state over the older copy. It is whole in the memfd on return. */
void ledger_commit(struct ledger *l);

/* The same on plain memory of ledger_size() bytes, for the tests. */
void ledger_write(void *mem, uint64_t sequence, const struct ledger_state *state);
int ledger_read(const void *mem, uint64_t *sequence, struct ledger_state *state);

#endif /* HF_LEDGER_H */
