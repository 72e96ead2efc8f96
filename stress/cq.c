// SPDX-License-Identifier: GPL-2.0-only
/* Description: an NVMe completion queue, also one that another kernel began to read */

#include "cq.h"

/* Is entry number @ahead from head new? Its phase is inverted behind the ring's end. */
static bool is_new(const struct cq *cq, uint32_t ahead)
{
	uint32_t at = cq->head + ahead;
	bool wrapped = at >= cq->entries;
	uint16_t phase = wrapped ? !cq->phase : cq->phase;

	at -= wrapped ? cq->entries : 0;
	/*
	 * Acquire: the tag is what the device writes last, so the rest of the
	 * entry, and the data before it, may be read only after it.
	 */
	return (__atomic_load_n(&cq->ring[at].status, __ATOMIC_ACQUIRE) & 1) == phase;
}

bool cq_peek(const struct cq *cq, struct nvme_cqe *cqe)
{
	if (!is_new(cq, 0))
		return false;
	*cqe = cq->ring[cq->head];
	return true;
}

void cq_advance(struct cq *cq)
{
	if (++cq->head < cq->entries)
		return;
	cq->head = 0;
	cq->phase = !cq->phase;
}

uint32_t cq_arrived(const struct cq *cq, uint32_t outstanding)
{
	uint32_t n = 0;

	while (n < outstanding && n < cq->entries && is_new(cq, n))
		n++;
	return n;
}

uint32_t cq_beyond_hole(const struct cq *cq, uint32_t outstanding)
{
	uint32_t n = 0;

	for (uint32_t i = cq_arrived(cq, outstanding); i < outstanding && i < cq->entries; i++)
		n += is_new(cq, i);
	return n;
}
