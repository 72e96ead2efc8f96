// SPDX-License-Identifier: GPL-2.0-only
/* Description: an NVMe controller that can be started, or adopted while it runs */

#include "nvme.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "complain.h"

/* Registers (NVMe Base 2.0, 3.1.3) */
#define REG_CAP	0x00
#define REG_CC	0x14
#define REG_CSTS 0x1c
#define REG_AQA	0x24
#define REG_ASQ	0x28
#define REG_ACQ	0x30
#define REG_DOORBELLS 0x1000

/* CC: entries of 64 and 16 bytes, round robin, 4 KiB pages, NVM command set, enabled */
#define CC_ENABLED (4u << 20 | 6u << 16 | 1u)

#define ADMIN_ENTRIES 64u
#define MAX_ENTRIES 4096u
#define ADMIN_TIMEOUT_MS 10000

/* Admin commands (5.1 ...) */
#define ADMIN_CREATE_SQ	0x01
#define ADMIN_CREATE_CQ	0x05
#define ADMIN_IDENTIFY	0x06
#define ADMIN_SET_FEATURES 0x09
#define FEATURE_QUEUES	0x07

struct sqe {
	uint8_t opcode, flags;
	uint16_t cid;
	uint32_t nsid;
	uint64_t reserved, metadata, prp1, prp2;
	uint32_t cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
};

_Static_assert(sizeof(struct sqe) == 64, "CC says so");
_Static_assert(sizeof(struct nvme_cqe) == 16, "CC says so");

static uint32_t read32(volatile void *bar, uint32_t reg)
{
	return *(volatile uint32_t *)((volatile uint8_t *)bar + reg);
}

static void write32(volatile void *bar, uint32_t reg, uint32_t value)
{
	*(volatile uint32_t *)((volatile uint8_t *)bar + reg) = value;
}

/* 64-bit registers may be accessed in halves (3.1.1): not every bridge takes more. */
static uint64_t read64(volatile void *bar, uint32_t reg)
{
	uint64_t low = read32(bar, reg);

	return low | (uint64_t)read32(bar, reg + 4) << 32;
}

static void write64(volatile void *bar, uint32_t reg, uint64_t value)
{
	write32(bar, reg, (uint32_t)value);
	write32(bar, reg + 4, (uint32_t)(value >> 32));
}

uint32_t nvme_csts(volatile void *bar)
{
	return read32(bar, REG_CSTS);
}

uint32_t nvme_cc(volatile void *bar)
{
	return read32(bar, REG_CC);
}

void nvme_disable(volatile void *bar)
{
	write32(bar, REG_CC, 0);
}

static void ring(const struct nvme *n, uint32_t queue, bool completion, uint32_t value)
{
	/*
	 * Release: what the device will read (entries, data) is written before
	 * the doorbell, and what we read of a completion queue entry is read
	 * before it is given back. x86 keeps stores to memory before stores to
	 * uncached space, so it is the compiler that must be held.
	 */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	write32(n->bar, REG_DOORBELLS + (2 * queue + completion) * n->stride, value);
}

static int wait_ready(const struct nvme *n, uint32_t ready)
{
	/* CAP.TO, bits 24-31: units of 500 ms. */
	uint64_t timeout_ms = (read64(n->bar, REG_CAP) >> 24 & 0xff) * 500 + 500;
	uint64_t end = now_ms() + timeout_ms;

	while ((nvme_csts(n->bar) & NVME_CSTS_RDY) != ready) {
		if (now_ms() > end)
			return complain(-ETIMEDOUT, "the controller did not become %s in %llu ms",
					ready ? "ready" : "idle", (unsigned long long)timeout_ms);
		sleep_ms(1);
	}
	if (nvme_csts(n->bar) & NVME_CSTS_CFS)
		return complain(-EIO, "the controller reports a fatal status");
	return 0;
}

static struct sqe *admin_sqe(const struct nvme *n, uint8_t opcode)
{
	struct sqe *e = (struct sqe *)(void *)(n->dma->map + DMA_ADMIN_SQ) + n->admin_tail;

	memset(e, 0, sizeof(*e));
	e->opcode = opcode;
	e->cid = (uint16_t)n->admin_tail;
	return e;
}

/* Run the command that admin_sqe() began; the only one in the admin queue. */
static int admin_run(struct nvme *n, const char *what, uint32_t *result)
{
	uint64_t end = now_ms() + ADMIN_TIMEOUT_MS;
	struct nvme_cqe cqe;

	n->admin_tail = (n->admin_tail + 1) % ADMIN_ENTRIES;
	ring(n, 0, false, n->admin_tail);
	while (!cq_peek(&n->admin_cq, &cqe)) {
		if (now_ms() > end)
			return complain(-ETIMEDOUT, "NVMe %s: no answer", what);
	}
	cq_advance(&n->admin_cq);
	ring(n, 0, true, n->admin_cq.head);
	if (cqe.status >> 1)
		return complain(-EIO, "NVMe %s: status 0x%x", what, cqe.status >> 1);
	if (result)
		*result = cqe.result;
	return 0;
}

static int enable(struct nvme *n)
{
	int err;

	write32(n->bar, REG_CC, 0);
	err = wait_ready(n, 0);
	if (err)
		return err;
	write32(n->bar, REG_AQA, n->state.aqa);
	write64(n->bar, REG_ASQ, n->state.asq);
	write64(n->bar, REG_ACQ, n->state.acq);
	write32(n->bar, REG_CC, n->state.cc);
	return wait_ready(n, NVME_CSTS_RDY);
}

/* Identify Namespace (NVM Command Set 1.0, 4.1.5.1), by byte offset. */
static int check_namespace(struct nvme *n, const uint8_t *id)
{
	unsigned int format = id[26] & 0xf;		/* FLBAS */
	bool extended = id[26] & 0x10;
	unsigned int type = id[29] & 0x7;		/* DPS */
	const uint8_t *lbaf = id + 128 + 4 * format;	/* MS, LBADS */
	unsigned int metadata = lbaf[0] | lbaf[1] << 8;

	memcpy(&n->state.blocks, id, sizeof(n->state.blocks));
	if (!n->state.blocks)
		return complain(-ENODEV, "the controller has no namespace 1");
	if (lbaf[2] == 9 && metadata == 8 && extended && type == 1)
		return 0;
	return complain(-EINVAL, "namespace 1 has blocks of 2^%u + %u bytes%s, protection type "
			"%u; needed are 512 + 8 in one piece, type 1", lbaf[2], metadata,
			extended ? "" : " apart", type);
}

static int identify(struct nvme *n)
{
	struct sqe *e = admin_sqe(n, ADMIN_IDENTIFY);
	int err;

	e->nsid = n->state.nsid;
	e->prp1 = n->iova + DMA_ADMIN_DATA;
	err = admin_run(n, "identify namespace", NULL);
	return err ? err : check_namespace(n, n->dma->map + DMA_ADMIN_DATA);
}

/*
 * 5.27.1.5: to be done before the first I/O queue is made. Counts are minus one, of
 * submission queues in the lower and completion queues in the upper half.
 */
static int set_queue_count(struct nvme *n)
{
	struct sqe *e = admin_sqe(n, ADMIN_SET_FEATURES);
	uint32_t granted, queues;
	int err;

	e->cdw10 = FEATURE_QUEUES;
	e->cdw11 = (NVME_IO_QUEUE - 1) << 16 | (NVME_IO_QUEUE - 1);
	err = admin_run(n, "set number of queues", &granted);
	if (err)
		return err;
	queues = (granted & 0xffff) < granted >> 16 ? granted & 0xffff : granted >> 16;
	n->state.qid = (uint16_t)(queues + 1 < NVME_IO_QUEUE ? queues + 1 : NVME_IO_QUEUE);
	return 0;
}

static int make_queues(struct nvme *n)
{
	uint32_t size = n->state.entries - 1;
	struct sqe *e = admin_sqe(n, ADMIN_CREATE_CQ);
	int err;

	/* 5.4: contiguous (bit 0), interrupts disabled (bit 1 clear). */
	e->prp1 = n->iova + DMA_IO_CQ;
	e->cdw10 = size << 16 | n->state.qid;
	e->cdw11 = 1;
	err = admin_run(n, "create completion queue", NULL);
	if (err)
		return err;
	/* 5.5: contiguous, its completion queue in the upper half. */
	e = admin_sqe(n, ADMIN_CREATE_SQ);
	e->prp1 = n->iova + DMA_IO_SQ;
	e->cdw10 = size << 16 | n->state.qid;
	e->cdw11 = (uint32_t)n->state.qid << 16 | 1;
	return admin_run(n, "create submission queue", NULL);
}

static void use_memory(struct nvme *n, const struct memory *dma, uint64_t iova)
{
	n->dma = dma;
	n->iova = iova;
	n->cq.ring = (struct nvme_cqe *)(void *)(dma->map + DMA_IO_CQ);
	n->admin_cq.ring = (struct nvme_cqe *)(void *)(dma->map + DMA_ADMIN_CQ);
}

/* 0xffffffff is what a device that does not answer reads as. */
static int use_bar(struct nvme *n, volatile void *bar)
{
	uint64_t cap = read64(bar, REG_CAP);

	n->bar = bar;
	n->stride = 4u << (cap >> 32 & 0xf);
	if (cap == UINT64_MAX)
		return complain(-ENODEV, "the controller does not answer");
	if (2 * (NVME_IO_QUEUE + 1) * n->stride > NVME_BAR_SIZE - REG_DOORBELLS)
		return complain(-EINVAL, "doorbells are %u bytes apart", n->stride);
	return 0;
}

int nvme_start(struct nvme *n, volatile void *bar, const struct memory *dma, uint64_t iova,
	       uint32_t depth)
{
	uint64_t cap;
	int err;

	memset(n, 0, sizeof(*n));
	use_memory(n, dma, iova);
	err = use_bar(n, bar);
	if (err)
		return err;
	cap = read64(bar, REG_CAP);
	n->state = (struct nvme_state){
		.cc = CC_ENABLED,
		.aqa = (ADMIN_ENTRIES - 1) << 16 | (ADMIN_ENTRIES - 1),
		.asq = iova + DMA_ADMIN_SQ,
		.acq = iova + DMA_ADMIN_CQ,
		.entries = (uint32_t)(cap & 0xffff) + 1,	/* CAP.MQES */
		.cq_phase = 1,
		.nsid = 1,
	};
	if (n->state.entries > MAX_ENTRIES)
		n->state.entries = MAX_ENTRIES;
	/* A queue is full with one entry less than it has (3.3.1.5). */
	if (depth >= n->state.entries)
		return complain(-EINVAL, "depth %u: the controller has queues of %u", depth,
				n->state.entries);
	n->cq.entries = n->state.entries;
	n->cq.phase = 1;
	n->admin_cq.entries = ADMIN_ENTRIES;
	n->admin_cq.phase = 1;
	err = enable(n);
	if (!err)
		err = identify(n);
	if (!err)
		err = set_queue_count(n);
	return err ? err : make_queues(n);
}

void nvme_adopt_memory(struct nvme *n, const struct memory *dma, uint64_t iova,
		       const struct nvme_state *state)
{
	memset(n, 0, sizeof(*n));
	use_memory(n, dma, iova);
	n->state = *state;
	n->cq.entries = state->entries;
	n->cq.head = state->cq_head;
	n->cq.phase = state->cq_phase;
}

int nvme_adopt(struct nvme *n, volatile void *bar, const struct memory *dma, uint64_t iova,
	       const struct nvme_state *state)
{
	char why[128];
	int err;

	nvme_adopt_memory(n, dma, iova, state);
	err = use_bar(n, bar);
	if (err)
		return err;
	if (nvme_differs(bar, state, why, sizeof(why)))
		return complain(-ESTALE, "the controller is not as it was left:%s", why);
	return 0;
}

unsigned int nvme_differs(volatile void *bar, const struct nvme_state *state, char *why,
			  size_t size)
{
	uint32_t csts = nvme_csts(bar);
	const struct {
		bool differs;
		const char *word;
	} findings[] = {
		{ csts == UINT32_MAX, " no answer" },
		{ csts != UINT32_MAX && (csts & NVME_CSTS_CFS), " fatal status" },
		{ !(csts & NVME_CSTS_RDY), " not ready" },
		{ read32(bar, REG_CC) != state->cc, " other configuration" },
		{ read32(bar, REG_AQA) != state->aqa || read64(bar, REG_ASQ) != state->asq ||
		  read64(bar, REG_ACQ) != state->acq, " other admin queues" },
	};
	unsigned int count = 0;
	size_t used = 0;

	why[0] = 0;
	for (size_t i = 0; i < sizeof(findings) / sizeof(findings[0]); i++) {
		if (!findings[i].differs)
			continue;
		count++;
		if (used < size)
			used += (size_t)snprintf(why + used, size - used, "%s%s",
						 used ? "," : "", findings[i].word);
	}
	return count;
}

void nvme_queue(struct nvme *n, uint8_t opcode, uint16_t cid, uint64_t lba, uint16_t count,
		uint64_t offset)
{
	struct sqe *e = (struct sqe *)(void *)(n->dma->map + DMA_IO_SQ) + n->state.sq_tail;

	*e = (struct sqe){
		.opcode = opcode,
		.cid = cid,
		.nsid = n->state.nsid,
		.prp1 = n->iova + offset,
		.prp2 = n->iova + offset + 4096,
		.cdw10 = (uint32_t)lba,
		.cdw11 = (uint32_t)(lba >> 32),
		/* Count minus one; PRINFO (bits 26-29) 0: carry, do not check. */
		.cdw12 = count - 1u,
	};
	n->state.sq_tail = (n->state.sq_tail + 1) % n->state.entries;
}

void nvme_ring(struct nvme *n)
{
	ring(n, n->state.qid, false, n->state.sq_tail);
}

bool nvme_next(struct nvme *n, struct nvme_cqe *cqe)
{
	if (!cq_peek(&n->cq, cqe))
		return false;
	cq_advance(&n->cq);
	n->state.cq_head = n->cq.head;
	n->state.cq_phase = n->cq.phase;
	return true;
}

void nvme_release(struct nvme *n)
{
	if (n->bar)
		ring(n, n->state.qid, true, n->cq.head);
}
