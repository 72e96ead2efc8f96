/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: the drive under load, from its binding to its verified data */

#ifndef HF_DRIVE_H
#define HF_DRIVE_H

#include "iommu.h"
#include "ledger.h"
#include "load.h"
#include "memory.h"
#include "nvme.h"

#define DRAIN_MS 20000	/* without any completion: the queue is dead */

/*
 * All that belongs to one NVMe drive. @state is the ledger's; it says what is in
 * flight, and everything that the next kernel needs to go on. Functions return 0
 * or -errno with a complaint.
 */
struct drive {
	const char *bdf;
	struct ledger_state *state;
	struct memory dma;
	int iommufd;
	struct vfio vfio;
	struct iommu_map map;
	volatile void *bar;	/* NULL: the controller is not ours */
	struct nvme nvme;
	struct load load;
};

/*
 * First kernel: memory for state->depth commands, device bound, attached and
 * started, all data written and read back. Fills state->iova.
 */
int drive_start(struct drive *d, const char *bdf, struct ledger_state *state);

/* Next kernel: the retrieved memory @fd (taken), and what has arrived in it. */
int drive_adopt_memory(struct drive *d, const char *bdf, struct ledger_state *state, int fd);

/*
 * Next kernel: d->iommufd and d->vfio.fd are retrieved. Bind, which adopts the
 * live attachment, and go on with the running controller. -ESTALE: it is not as
 * it was left.
 */
int drive_adopt(struct drive *d);

/*
 * Replace the page table under the running device by a new one of the same
 * content. The old one and its address space are freed if they were made here.
 */
int drive_replace(struct drive *d);

/* Wait for all commands; -EIO if any did not end well, or a canary is damaged. */
int drive_expect_clean(struct drive *d, const char *when);

#endif /* HF_DRIVE_H */
