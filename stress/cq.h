/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: an NVMe completion queue, also one that another kernel began to read */

#ifndef HF_CQ_H
#define HF_CQ_H

#include <stdbool.h>
#include <stdint.h>

/* Completion queue entry (NVMe Base 2.0, 4.6.1), little endian as this host is. */
struct nvme_cqe {
	uint32_t result;
	uint32_t reserved;
	uint16_t sq_head;
	uint16_t sq_id;
	uint16_t cid;
	uint16_t status;	/* bit 0: phase; 1-8: code; 9-11: type; 14: more; 15: do not retry */
};

/* Where the phase tag is, for the kernel's own count at its marks. */
#define CQE_PHASE_BYTE 14
#define CQE_PHASE_MASK 1

/*
 * The reader's side. The device writes entries in ring order and inverts the
 * phase tag on every pass (NVMe Base 2.0, 4.6.1); the memory was zero when the
 * queue was created, so the first pass has phase 1. @head and @phase are all
 * that a reader must remember: the next kernel puts them back from the ledger,
 * and everything that came since is in the memory.
 */
struct cq {
	struct nvme_cqe *ring;	/* DMA memory; the device writes, we read */
	uint32_t entries;
	uint32_t head;		/* the entry that is read next */
	uint16_t phase;		/* its tag, once it is new */
};

/* Is there a new entry? Copies it; does not move on. */
bool cq_peek(const struct cq *cq, struct nvme_cqe *cqe);

/* Move on by one entry. */
void cq_advance(struct cq *cq);

/* New entries from head on, in one piece. At most @outstanding are looked for. */
uint32_t cq_arrived(const struct cq *cq, uint32_t outstanding);

/*
 * New entries behind the first missing one, among the @outstanding ones that may
 * come. The device writes in order, so anything but 0 is an entry whose DMA was
 * lost: no reader that goes by the phase ever gets past it.
 */
uint32_t cq_beyond_hole(const struct cq *cq, uint32_t outstanding);

#endif /* HF_CQ_H */
