/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: what must be refused on the way, and where the agent may die: kernel/HANDOVER.md */

#ifndef HF_EXITS_H
#define HF_EXITS_H

#include <stddef.h>
#include <stdint.h>

#include "channel.h"
#include "iommu.h"

/* A preserved device, as far as refusals are concerned. */
struct exit_device {
	const char *bdf;
	const char *driver;	/* of the kernel, which would take it */
	const struct vfio *vfio;
	const struct iommu_map *map;
	int iommufd, memfd;	/* -1: not retrieved yet */
	uint64_t iommufd_token, vfio_token;
};

/*
 * Tell the lab what came of one thing that was tried: @err is what came back, @want what had
 * to, 0 for success. A complaint that it made is dropped.
 */
void exits_tell(struct channel *c, const char *what, const char *bdf, int err, int want);

/*
 * In PRESERVED, with DMA going on: reset, map, unmap, attach and detach are refused, and so
 * is whatever would take pages from the memfd.
 */
void exits_preserved(struct channel *c, const struct exit_device *d);

/*
 * In LIVE: reset, the kernel's own driver, and a foreign iommufd are refused; COMMAND is not
 * even written for a moment, which the emulator's log would show.
 */
void exits_live(struct channel *c, const struct exit_device *d);

/* An image that was loaded by the old system call knows nothing of what is preserved. */
int exits_load_bare(void);

/* Is bus mastering off? */
void exits_quiet(struct channel *c, const char *bdf);

#endif /* HF_EXITS_H */
