// SPDX-License-Identifier: GPL-2.0-only
/* Description: what one cycle came to: verdict, and the record for the lab */

#include "record.h"

#include <stdio.h>

static uint64_t data_findings(const struct cycle_result *r)
{
	return r->dma.lost + r->dma.corrupt + r->dma.stray;
}

static uint64_t device_findings(const struct cycle_result *r)
{
	return r->dma.faulted + r->device;
}

/* No DMA in a part of the blackout: its zero faults prove nothing. */
static const char *idle_part(const struct cycle_result *r)
{
	const uint64_t *n = r->phases.arrived;

	if (!r->in_blackout)
		return "no DMA arrived in the blackout";
	if (!r->timeline)
		return NULL;
	if (!n[PHASE_JUMP] && !n[PHASE_EARLY_BOOT])
		return "no DMA arrived between the jump and the IOMMU's take-over";
	if (!n[PHASE_RESTORE] && !n[PHASE_INIT] && !n[PHASE_RETRIEVE])
		return "no DMA arrived between the IOMMU's take-over and retrieve";
	return NULL;
}

static const char *objection(const struct cycle_result *r)
{
	if (r->dma.lost)
		return "commands were lost";
	if (r->dma.faulted)
		return "commands were faulted";
	if (r->dma.corrupt)
		return "data is corrupt";
	if (r->dma.stray)
		return "DMA went astray";
	if (r->iommu.count)
		return "the IOMMU recorded faults";
	if (r->device)
		return "the device reports errors";
	if (r->dma.completed != r->inflight)
		return "the account of commands does not add up";
	if (!r->adopted)
		return "the controller was not adopted";
	if (r->cc_before != r->cc_after)
		return "the controller was configured anew";
	if (r->irq_spurious || r->irq_nobody_cared)
		return "there were interrupts that nobody expected";
	if (r->bystanders.bad)
		return "bystanders lost data";
	return idle_part(r);
}

bool record_judge(struct cycle_result *r)
{
	const char *why = objection(r);

	if (why && !r->reason[0])
		snprintf(r->reason, sizeof(r->reason), "%s", why);
	return !r->reason[0];
}

static double ticks_ms(const struct cycle_result *r, uint64_t ticks)
{
	return r->tsc_usable && r->tsc_khz ? (double)ticks / r->tsc_khz : 0;
}

double record_blackout_ms(const struct cycle_result *r)
{
	return r->resumed ? ticks_ms(r, r->tsc_end - r->tsc_begin) : 0;
}

static json_t *integer(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *dma_json(const struct cycle_result *r)
{
	json_t *by_phase = json_object();

	for (int i = 0; i < PHASES; i++) {
		if (r->phases.known[i])
			json_object_set_new(by_phase, phase_names[i],
					    integer(r->phases.arrived[i]));
	}
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}",
			 "inflight", integer(r->inflight), "completed", integer(r->dma.completed),
			 "in_blackout", integer(r->in_blackout),
			 "in_blackout_by_phase", by_phase, "faulted", integer(r->dma.faulted),
			 "lost", integer(r->dma.lost), "corrupt", integer(r->dma.corrupt),
			 "stray", integer(r->dma.stray),
			 "verified_bytes", integer(r->dma.verified_bytes),
			 "rate", integer(r->rate));
}

static json_t *blackout_json(const struct cycle_result *r)
{
	uint64_t ticks = r->resumed && r->tsc_usable ? r->tsc_end - r->tsc_begin : 0;
	json_t *phases = json_object();

	for (int i = 0; i < PHASES; i++) {
		if (r->phases.known[i] && r->tsc_usable)
			json_object_set_new(phases, phase_names[i],
					    json_real(ticks_ms(r, r->phases.ticks[i])));
	}
	return json_pack("{s:o,s:f,s:o}", "tsc", integer(ticks), "ms", record_blackout_ms(r),
			 "phases", phases);
}

static json_t *walk_json(const struct restore_walk *w)
{
	if (!w->there)
		return json_null();
	return json_pack("{s:s,s:o,s:o,s:o}", "where", w->where, "tables", integer(w->tables),
			 "entries_read", integer(w->entries_read), "ns", integer(w->ns));
}

static json_t *bystanders_json(const struct bystander_counts *b)
{
	return json_pack("{s:o,s:o,s:o,s:o}", "bytes", integer(b->bytes), "kept", integer(b->kept),
			 "frames", integer(b->frames), "bad", integer(b->bad));
}

json_t *record_json(const struct cycle_result *r, bool pass)
{
	json_t *oracles = json_pack("{s:o,s:o,s:o}", "iommu",
				    r->iommu.there ? integer(r->iommu.count) : json_null(),
				    "device", integer(device_findings(r)),
				    "data", integer(data_findings(r)));
	json_t *controller = json_pack("{s:o,s:o,s:o}", "csts", integer(r->csts), "cc_before",
				       integer(r->cc_before), "cc_after", integer(r->cc_after));
	json_t *irq = json_pack("{s:o,s:o}", "spurious", integer(r->irq_spurious),
				"nobody_cared", integer(r->irq_nobody_cared));

	return json_pack("{s:s,s:s,s:o,s:o,s:b,s:o,s:o,s:o,s:o,s:o}", "verdict",
			 pass ? "pass" : "fail", "reason", r->reason, "dma", dma_json(r),
			 "oracles", oracles, "adopted", (int)r->adopted, "controller", controller,
			 "restore_walk", walk_json(&r->walk), "blackout", blackout_json(r),
			 "irq", irq, "bystanders", bystanders_json(&r->bystanders));
}
