/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: an NVMe controller that can be started, or adopted while it runs */

#ifndef HF_NVME_H
#define HF_NVME_H

#include <stdbool.h>
#include <stdint.h>

#include "cq.h"
#include "memory.h"

/* Bytes of BAR 0 that we use: registers, and the doorbells of our queue pairs. */
#define NVME_BAR_SIZE 0x2000

/*
 * The number of our I/O queues, or the highest that the controller has. Ordinary
 * drivers begin at 1 and rarely get here: in the emulator's log, which does not say
 * which drive it speaks of, queues of this number are ours.
 */
#define NVME_IO_QUEUE 64

#define NVME_READ 0x02	/* NVM Command Set 1.0, 3.2.4 */
#define NVME_WRITE 0x01	/* 3.2.6 */

/* Controller Status (NVMe Base 2.0, 3.1.3.6) */
#define NVME_CSTS_RDY 0x1u
#define NVME_CSTS_CFS 0x2u

/*
 * All that the next kernel must know to go on where this one stopped; kept in
 * the ledger. The configuration words are there to see that the controller is
 * the one that we left: another driver, or a reset, changes at least one.
 */
struct nvme_state {
	uint32_t cc;		/* Controller Configuration, 3.1.3.5 */
	uint32_t aqa;		/* Admin Queue Attributes, 3.1.3.8 */
	uint64_t asq, acq;	/* Admin queue bases, 3.1.3.9, 3.1.3.10: IOVAs */
	uint32_t entries;	/* of the I/O queues, both */
	uint32_t sq_tail;	/* next free entry; rung at the doorbell */
	uint32_t cq_head;	/* next entry to read; rung at the doorbell */
	uint16_t cq_phase;	/* the tag that a new entry has there */
	uint16_t nsid;
	uint16_t qid;		/* of the I/O queues, both */
	uint64_t blocks;	/* size of the namespace */
};

/*
 * One admin queue pair and one I/O queue pair (state.qid) in @dma, polled: the
 * I/O completion queue is made with interrupts disabled. No locking: one thread.
 * Without @bar the queues can still be read, which is all that is left of a
 * controller that was not preserved.
 */
struct nvme {
	volatile void *bar;
	const struct memory *dma;
	uint64_t iova;		/* of the start of @dma */
	uint32_t stride;	/* bytes between doorbells, 4 << CAP.DSTRD */
	struct nvme_state state;
	struct cq cq;
	struct cq admin_cq;
	uint32_t admin_tail;
};

/*
 * First kernel: reset and enable the controller, make the I/O queues with room
 * for @depth commands in flight. The namespace must have blocks of 512 + 8 bytes
 * in one piece and protection type 1. Up to CAP.TO (at most 128 s) long.
 * -ENODEV, -EINVAL, -ETIMEDOUT, -EIO, each with a complaint.
 */
int nvme_start(struct nvme *n, volatile void *bar, const struct memory *dma, uint64_t iova,
	       uint32_t depth);

/*
 * Next kernel: go on with the queues of @state. Writes nothing to the controller.
 * -ESTALE, with a complaint: it is not as it was left; *n can be used to look.
 */
int nvme_adopt(struct nvme *n, volatile void *bar, const struct memory *dma, uint64_t iova,
	       const struct nvme_state *state);

/* The same without registers: only the completion queue in @dma. */
void nvme_adopt_memory(struct nvme *n, const struct memory *dma, uint64_t iova,
		       const struct nvme_state *state);

/*
 * Is the controller at @bar running the queues of @state? Counts what is not so:
 * not ready, fatal status, other configuration, other admin queues. Reads only.
 * Each finding adds a word to @why.
 */
unsigned int nvme_differs(volatile void *bar, const struct nvme_state *state, char *why,
			  size_t size);

uint32_t nvme_csts(volatile void *bar);
uint32_t nvme_cc(volatile void *bar);

/* Reset the controller, and do not wait for it. */
void nvme_disable(volatile void *bar);

/*
 * Put a command for @count blocks from @lba on into the submission queue; the
 * data is at @offset of the DMA memory, on a page boundary, over two pages. The
 * caller keeps fewer than state.entries commands in flight. The controller sees
 * it at the next nvme_ring().
 */
void nvme_queue(struct nvme *n, uint8_t opcode, uint16_t cid, uint64_t lba, uint16_t count,
		uint64_t offset);

/* Ring the submission doorbell: the controller owns everything queued so far. */
void nvme_ring(struct nvme *n);

/* The next completion, if there is one. */
bool nvme_next(struct nvme *n, struct nvme_cqe *cqe);

/* Ring the completion doorbell: the entries taken so far are the controller's again. */
void nvme_release(struct nvme *n);

#endif /* HF_NVME_H */
