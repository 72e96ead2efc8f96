/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: what must be refused on the way, and where the agent may die: kernel/HANDOVER.md */

#ifndef HF_EXITS_H
#define HF_EXITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel.h"
#include "iommu.h"
#include "memory.h"

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
 * Whatever would reset the device, switch off its power or bus mastering, remove it, or take
 * pages from its memory is refused in @state, and it is bus master after that. Nor is COMMAND
 * written for a moment, which the emulator's log would show. @bound: also by the device's file.
 */
void exits_disturb(struct channel *c, const char *state, const struct exit_device *d, bool bound);

/* In PRESERVED, with DMA going on: that, and map, attach and detach are refused. */
void exits_preserved(struct channel *c, const struct exit_device *d);

/* In LIVE: that, the kernel's own driver, and a foreign iommufd are refused. */
void exits_live(struct channel *c, const struct exit_device *d);

/* Memory of the session, mapped. */
struct exit_memory {
	const char *what;	/* must come of it: for the lab */
	const struct memory *memory;
	uint64_t *frames;	/* where its pages were */
};

/* Compaction moves no page of @held, although it moves others. */
void exits_compaction(struct channel *c, const char *state, struct exit_memory *held, size_t count);

/* An image that was loaded by the old system call knows nothing of what is preserved. */
int exits_load_bare(void);

/* Is bus mastering off? */
void exits_quiet(struct channel *c, const char *bdf);

/* Is it on? */
void exits_master(struct channel *c, const char *state, const char *bdf);

/*
 * An image that declares nothing of hand-overs, or another version: @kernel with one word of its
 * declaration changed. Loading works, the jump must not.
 */
void exits_foreign_images(struct channel *c, int kernel, int initrd, const char *cmdline);

/*
 * In LIVE: its driver is gone, so the device cannot be retrieved from @session; when it is back,
 * it can.
 */
void exits_driver_absent(struct channel *c, const struct exit_device *d, int session);

/* Are @want KiB of memory free, but for @spare? Waits a bit. */
void exits_memory_back(struct channel *c, int64_t want, int64_t spare);

/* Does the kernel's log have @text in @want lines? */
void exits_logged(struct channel *c, const char *text, uint64_t want);

/* Let this kernel inject @fault from now on; "none". -errno with a complaint. */
int exits_inject(const char *fault);

/* Bring the machine down: "reboot" or "panic". Returns -errno with a complaint. */
int exits_bring_down(const char *how);

#endif /* HF_EXITS_H */
