/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: kernel-owned devices beside the preserved one: do they still work? */

#ifndef HF_BYSTANDER_H
#define HF_BYSTANDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A next kernel that takes over a live IOMMU must still serve devices that nobody
 * has preserved. These have ordinary drivers and use the DMA API of the same unit:
 * an NVMe drive that is written, read back, and read again in the next kernel; and
 * two Ethernet ports that are connected with each other.
 */
struct bystanders {
	bool drive, nics;	/* which are asked for */
};

struct bystander_counts {
	uint64_t bytes;		/* of the drive: written and read back right */
	uint64_t kept;		/* of the drive: found as the kernel before left them */
	uint64_t frames;	/* sent by one port, received whole by the other */
	uint64_t bad;		/* blocks or frames that were lost or wrong */
};

/*
 * Parse "nvme,nic", either or "". -EINVAL with a complaint for any other word.
 */
int bystanders_init(struct bystanders *b, const char *list);

/*
 * Let each do DMA; the drive's data are overwritten. Ports are switched on, which takes
 * seconds. @cycle is the kernel's number in the run; 0 is the first. The counts are
 * valid in any case. -errno with a complaint: one is not there, or has failed.
 */
int bystanders_run(const struct bystanders *b, uint32_t cycle, struct bystander_counts *c);

/*
 * Where the drive is: the first namespace of the only drive that the kernel's own driver has.
 * Its first 8 MiB are ours. -ENODEV with a complaint: there is none, or more than one.
 */
int bystander_drive(char *path, size_t size);

#endif /* HF_BYSTANDER_H */
