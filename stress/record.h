/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: what one cycle came to: verdict, and the record for the lab */

#ifndef HF_RECORD_H
#define HF_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "bystander.h"
#include "handover.h"
#include "load.h"

/* Everything that was measured in one cycle. */
struct cycle_result {
	struct load_counts dma;
	uint32_t inflight;	/* at the jump */
	uint64_t in_blackout;	/* completions that came before the first new one */
	struct phases phases;
	bool timeline;		/* the kernel gave one: phases are known */
	bool adopted;		/* the device was handed over, and went on */
	bool tsc_usable;	/* the TSC may be subtracted across the jump */
	uint64_t tsc_begin, tsc_end; /* of the blackout */
	uint32_t tsc_khz;
	bool resumed;		/* tsc_end is that of a new completion */
	uint32_t rate;
	struct faults iommu;
	unsigned int device;	/* findings of the device oracle, beside faulted commands */
	uint32_t csts, cc_before, cc_after;
	struct restore_walk walk;
	struct bystander_counts bystanders;
	uint64_t irq_spurious, irq_nobody_cared;
	char reason[256];	/* why it failed; "" if it did not, until judged */
};

/* Pass or fail; writes the first reason to fail to r->reason, if none is there. */
bool record_judge(struct cycle_result *r);

/* Milliseconds of the blackout; 0: unknown. */
double record_blackout_ms(const struct cycle_result *r);

/* The "cycle" event. */
json_t *record_json(const struct cycle_result *r, bool pass);

#endif /* HF_RECORD_H */
