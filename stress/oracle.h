/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: ask every oracle in the guest what became of the DMA of a cycle */

#ifndef HF_ORACLE_H
#define HF_ORACLE_H

#include <stdint.h>

#include "ledger.h"
#include "record.h"

/*
 * Settle the accounts of @drive and @nic (NULL: none), which are r->drive and r->nic, and
 * fill the rest of @r: the devices' registers, PCI status and AER of the devices and of the
 * bridges above them, the IOMMU's fault records, interrupts, and the kernel's timeline.
 * @faults: IOMMU faults of this kernel that earlier records have counted; moved on. @why gets
 * words for what is wrong with the devices.
 */
void oracle_ask(struct cycle_result *r, struct drive *drive, struct nic *nic,
		const struct ledger_state *s, uint64_t *faults, char *why, size_t size);

/* Add to r->reason which oracle saw what, and the first thing that was wrong. */
void oracle_explain(struct cycle_result *r);

#endif /* HF_ORACLE_H */
