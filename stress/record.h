/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: what one cycle came to: verdict, and the record for the lab */

#ifndef HF_RECORD_H
#define HF_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "bystander.h"
#include "drive.h"
#include "fio.h"
#include "forwarder.h"
#include "handover.h"
#include "nic.h"
#include "pmu.h"
#include "steps.h"
#include "topology.h"

/* Everything that was measured in one cycle. */
struct cycle_result {
	const struct drive *drive; /* the loads of preserved devices; NULL: there is none */
	const struct nic *nic;
	const struct forwarder *forwarder; /* beside them, DPDK and fio; NULL: there is none */
	const struct fio *fio;
	struct phases phases;	/* completions and frames together */
	struct phases nic_phases; /* frames alone */
	bool timeline;		/* the kernel gave one: phases are known */
	bool adopted;		/* the devices were handed over, and went on */
	bool tsc_usable;	/* the TSC may be subtracted across the jump */
	uint64_t tsc_begin, tsc_end; /* of the blackout */
	uint32_t tsc_khz;
	bool resumed;		/* tsc_end is when the last load had new DMA */
	struct faults iommu;
	struct topology_changes pci;
	struct restore_walk walk;
	struct steps steps;
	struct pmu pmu;		/* counts from when the agent came */
	struct bystander_counts bystanders;
	uint64_t irq_spurious, irq_nobody_cared;
	char reason[256];	/* why it failed; "" if it did not, until judged */
};

/* DMA of all loads that came before the agent did. */
uint64_t record_in_blackout(const struct cycle_result *r);

/* What the oracles "data" and "device" have to say. */
uint64_t record_data(const struct cycle_result *r);
uint64_t record_device(const struct cycle_result *r);

/* Pass or fail; writes the first reason to fail to r->reason, if none is there. */
bool record_judge(struct cycle_result *r);

/* Milliseconds of the blackout; 0: unknown. */
double record_blackout_ms(const struct cycle_result *r);

/* The "cycle" event. Ends the counters. */
json_t *record_json(struct cycle_result *r, bool pass);

#endif /* HF_RECORD_H */
