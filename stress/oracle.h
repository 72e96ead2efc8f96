/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: ask every oracle in the guest what became of the DMA of a cycle */

#ifndef HF_ORACLE_H
#define HF_ORACLE_H

#include <stdint.h>

#include "drive.h"
#include "record.h"

/*
 * Fill @r once the load is settled: the account of commands, the device (its
 * registers, PCI status and AER), the IOMMU's fault records, interrupts, and the
 * kernel's timeline. @faults: IOMMU faults of this kernel that earlier records
 * have counted; moved on. @why gets words for what is wrong with the controller.
 */
void oracle_ask(struct cycle_result *r, const struct drive *d, uint64_t *faults, char *why,
		unsigned int size);

/* Add to r->reason which oracle saw what. @problem: the first thing that was wrong. */
void oracle_explain(struct cycle_result *r, const char *problem);

#endif /* HF_ORACLE_H */
