// SPDX-License-Identifier: GPL-2.0-only
/* Description: replace the page table under a drive that never stops */

#include "swap.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "clock.h"
#include "complain.h"

/*
 * Few commands make one round through the queue short: a swap is over when a command
 * has completed that was sent after it.
 */
#define SWAP_DEPTH 256
#define QUIET_MS 30000	/* a drive without load answers within this, also on a busy host */
#define REFUSE_EVERY 10	/* swaps between two that the driver may refuse */

struct swap {
	struct drive *d;
	struct swap_result *r;
	struct iommu_map other;		/* the one that is not in use */
	struct iommu_map refused;	/* .hwpt 0: this IOMMU refuses none */
	struct iommu_fault_queue faults;
	atomic_bool stop;
	atomic_ulong reads;
};

static void *keep_reading(void *arg)
{
	struct swap *s = arg;

	while (!atomic_load_explicit(&s->stop, memory_order_relaxed)) {
		/* Counted before the next ones are sent: what is not counted is in flight. */
		atomic_fetch_add(&s->reads, load_reap(&s->d->load));
		load_fill(&s->d->load, LOAD_READ);
	}
	return NULL;
}

/*
 * Does the drive still read? What is in flight, or has arrived unseen, may all be
 * from before; one completion more than that is of a command sent after this call.
 */
static bool still_reading(struct swap *s)
{
	unsigned long reads = atomic_load(&s->reads);
	uint64_t end = now_ms() + QUIET_MS;

	while (atomic_load_explicit(&s->reads, memory_order_relaxed) - reads <= SWAP_DEPTH) {
		if (now_ms() > end)
			return false;
		sleep_ms(1);
	}
	return true;
}

/*
 * Not every IOMMU driver has a reason to refuse it. One that takes it has made one more
 * swap, and is not asked again.
 */
static int try_refused(struct swap *s)
{
	int err = vfio_attach(&s->d->vfio, &s->refused);

	if (!err) {
		if (!still_reading(s))
			return complain(-EIO, "no DMA on a page table for I/O page faults");
		err = vfio_attach(&s->d->vfio, &s->d->map);
		if (err)
			return err;
		iommu_unmap_refused(&s->refused, &s->faults, s->d->iommufd);
		return 0;
	}
	complaint_clear();
	s->r->refused++;
	s->r->refused_as = err;
	if (!still_reading(s))
		return complain(err, "swap %u: no DMA after an attach that was refused",
				s->r->done);
	return 0;
}

static int swap_once(struct swap *s)
{
	struct iommu_map was = s->d->map;
	int err = vfio_attach(&s->d->vfio, &s->other);

	if (err)
		return err;
	s->d->map = s->other;
	s->other = was;
	s->r->done++;
	if (!still_reading(s))
		return complain(-EIO, "no DMA after swap %u", s->r->done);
	if (s->r->done % REFUSE_EVERY == 0 && s->refused.hwpt)
		return try_refused(s);
	return 0;
}

static int swap_all(struct swap *s, uint32_t swaps)
{
	pthread_t reader;
	int err = 0;

	if (pthread_create(&reader, NULL, keep_reading, s))
		return complain(-EAGAIN, "no second thread");
	while (!err && s->r->done < swaps)
		err = swap_once(s);
	atomic_store(&s->stop, true);
	pthread_join(reader, NULL);
	s->r->reads = atomic_load(&s->reads);
	return err;
}

int swap_tables(struct drive *d, uint32_t swaps, struct swap_result *r)
{
	struct swap s = { .d = d, .r = r, .other = { .iova = d->map.iova, .again = d->map.again } };
	uint32_t depth = d->state->depth;
	int err, freed;

	*r = (struct swap_result){ 0 };
	err = iommu_map(&s.other, d->iommufd, d->dma.fd, d->dma.size, &d->vfio);
	if (err)
		return complain(err, "no second page table");
	iommu_map_refused(&s.refused, &s.faults, d->iommufd, &d->vfio, d->map.ioas);

	d->state->depth = SWAP_DEPTH;
	err = swap_all(&s, swaps);
	if (load_drain(&d->load, QUIET_MS))
		load_give_up(&d->load);
	/* Where the canaries are depends on the depth. */
	d->state->depth = depth;
	load_check_canaries(&d->load);

	iommu_unmap_refused(&s.refused, &s.faults, d->iommufd);
	freed = iommu_unmap(&s.other, d->iommufd);
	return err ? err : freed;
}
