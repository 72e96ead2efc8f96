/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: the loads beside the best that others have: fio and testpmd, in one kernel */

#ifndef HF_COMPARE_H
#define HF_COMPARE_H

#include <jansson.h>
#include <stdint.h>

#include "drive.h"
#include "nic.h"

/*
 * What is compared is work per cost: what all processors of this machine did meanwhile,
 * interrupts and the kernel too. So it says how little a load takes away from what is measured
 * beside it. Cost is counted in instructions where the machine shows them (bench/insn.c), else
 * in seconds of processor time, which an emulator makes of instructions in its own way.
 *
 * Each ratio is ours by theirs. Ours verifies every byte; theirs only take them. What
 * a load does while nothing comes is part of its cost: testpmd polls, ours sleeps.
 */
#define COMPARE_DEPTH 128	/* commands in flight, ours and fio's */

/*
 * Our reads of @d beside those of @program (fio) on @file, the kernel's drive, by each of the
 * engines that are worth trying; @seconds each. New reference, or NULL with a complaint.
 */
json_t *compare_drive(struct drive *d, const char *program, const char *file, uint32_t seconds);

/* Our receiving by @n beside dpdk-testpmd, @program, in its mode rxonly on the port @bdf. */
json_t *compare_nic(struct nic *n, const char *program, const char *bdf, uint32_t seconds);

#endif /* HF_COMPARE_H */
