/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: replace the page table under a drive that never stops */

#ifndef HF_SWAP_H
#define HF_SWAP_H

#include "drive.h"

struct swap_result {
	uint32_t done;		/* swaps */
	uint32_t refused;	/* attaches that were refused */
	int refused_as;		/* what the kernel said to them: -errno, or 0 */
	uint64_t reads;		/* commands completed meanwhile */
};

/*
 * Build a second page table over the same memory, at the same addresses, and
 * replace one by the other @swaps times, while a second thread keeps the drive
 * reading and checks every byte. Every tenth time also try a page table that the
 * driver may refuse. After each attach, refused or not, a command that was sent
 * later must complete: a drive that has stopped cannot lose anything.
 *
 * The drive's load must be idle; it is idle again afterwards, on d->map, and the
 * second table is gone. Faulted, lost and corrupt data are left in
 * d->load.counts. 0, or -errno with a complaint: a swap was refused or has ended
 * the DMA. *@r is valid in any case.
 */
int swap_tables(struct drive *d, uint32_t swaps, struct swap_result *r);

#endif /* HF_SWAP_H */
