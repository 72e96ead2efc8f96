/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: the drive under load, from its binding to its verified data */

#ifndef HF_DRIVE_H
#define HF_DRIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "iommu.h"
#include "ledger.h"
#include "load.h"
#include "memory.h"
#include "nvme.h"
#include "steps.h"

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
	uint64_t in_blackout;	/* completions that were there when the agent came */
	bool resumed;
	uint64_t tsc_resumed;	/* of the first new completion */
	unsigned int device;	/* findings about the device, beside faulted commands */
	uint32_t csts, cc;	/* at that time */
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
 * it was left. What this one and drive_replace() take is added to @steps.
 */
int drive_adopt(struct drive *d, struct steps *steps);

/*
 * Replace the page table under the running device by a new one of the same
 * content. The old one and its address space are freed if they were made here.
 */
int drive_replace(struct drive *d, struct steps *steps);

/*
 * The last before the ledger's commit: take what has come, put all into the ledger, and
 * let the kernel count what comes from here on (after handover_watch_clear(), which is
 * the caller's).
 */
void drive_close(struct drive *d);

/* Go on in both queues, until a completion has come that was not there before. */
int drive_resume(struct drive *d);

/* Let all that is in flight end, then read every block there is. */
void drive_verify(struct drive *d);

/* Nobody runs the controller's queues any more: what comes within @quiet_ms, is all there is. */
void drive_remains(struct drive *d, uint32_t quiet_ms);

/*
 * Settle the account: what is in flight is lost. Then ask the device, through our BAR or past
 * whoever has it now: findings into d->device, words for them to @why.
 */
void drive_ask(struct drive *d, char *why, size_t size);

/* What the data oracle has to say. */
uint64_t drive_findings(const struct drive *d);

/* Why the cycle is not clean; NULL: it is. With @adopted, it must have resumed. */
const char *drive_judge(const struct drive *d, bool adopted);

/* Wait for all commands; -EIO if any did not end well, or a canary is damaged. */
int drive_expect_clean(struct drive *d, const char *when);

#endif /* HF_DRIVE_H */
