// SPDX-License-Identifier: GPL-2.0-only
/* Description: what one cycle came to: verdict, and the record for the lab */

#include "record.h"

#include <stdio.h>

uint64_t record_in_blackout(const struct cycle_result *r)
{
	return (r->drive ? r->drive->in_blackout : 0) + (r->nic ? r->nic->in_blackout : 0);
}

uint64_t record_data(const struct cycle_result *r)
{
	return (r->drive ? drive_findings(r->drive) : 0) +
	       (r->nic ? nic_findings(&r->nic->load.counts) : 0) +
	       (r->forwarder ? echo_findings(&r->forwarder->counts) : 0) +
	       (r->fio ? r->fio->counts.wrong : 0);
}

uint64_t record_device(const struct cycle_result *r)
{
	return (r->drive ? r->drive->load.counts.faulted + r->drive->device : 0) +
	       (r->nic ? r->nic->load.counts.faulted + r->nic->device : 0) +
	       topology_findings(&r->pci);
}

/* No DMA in a part of the blackout: its zero faults prove nothing. */
static const char *idle_phases(const struct phases *p)
{
	const uint64_t *n = p->arrived;

	if (!n[PHASE_JUMP] && !n[PHASE_EARLY_BOOT])
		return "no DMA arrived between the jump and the IOMMU's take-over";
	if (!n[PHASE_RESTORE] && !n[PHASE_INIT] && !n[PHASE_RETRIEVE])
		return "no DMA arrived between the IOMMU's take-over and retrieve";
	return NULL;
}

static const char *idle_part(const struct cycle_result *r)
{
	const char *why = r->timeline ? idle_phases(&r->phases) : NULL;

	/* A ring that is full has an excuse. */
	if (!why && r->timeline && r->nic && !r->nic->filled && idle_phases(&r->nic_phases))
		why = "the NIC's DMA stood still in a part of the blackout";
	return why;
}

/* It still runs: that all goes back is judged at its end. */
static const char *forwarder_objection(const struct forwarder *f)
{
	if (!f->counts.received)
		return "DPDK received no frame";
	return echo_findings(&f->counts) ? "DPDK's frames were lost or damaged" : NULL;
}

static const char *objection(const struct cycle_result *r)
{
	const char *why = r->drive ? drive_judge(r->drive, r->adopted) : NULL;

	if (!why && r->nic)
		why = nic_judge(r->nic, r->adopted);
	if (!why && r->forwarder)
		why = forwarder_objection(r->forwarder);
	if (!why && r->fio)
		why = fio_judge(&r->fio->counts);
	if (why)
		return why;
	if (r->iommu.count)
		return "the IOMMU recorded faults";
	if (topology_findings(&r->pci))
		return "a device reports errors, or a bridge above it";
	if (r->irq_spurious || r->irq_nobody_cared)
		return "there were interrupts that nobody expected";
	if (r->bystanders.bad)
		return "bystanders lost data";
	if (r->walk.bad || r->walk.missing)
		return "tables of the previous kernel were damaged: see kmsg";
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

static json_t *by_phase_json(const struct phases *p)
{
	json_t *by_phase = json_object();

	for (int i = 0; i < PHASES; i++) {
		if (p->known[i])
			json_object_set_new(by_phase, phase_names[i], integer(p->arrived[i]));
	}
	return by_phase;
}

static json_t *nic_with_phases(const struct cycle_result *r)
{
	json_t *nic = nic_json(r->nic);

	json_object_set_new(nic, "in_blackout_by_phase", by_phase_json(&r->nic_phases));
	return nic;
}

/* All loads together; commands in flight are the drive's. */
static json_t *dma_json(const struct cycle_result *r)
{
	struct load_counts c = { 0 };

	if (r->drive)
		c = r->drive->load.counts;
	if (r->nic) {
		const struct nic_counts *n = &r->nic->load.counts;

		c.faulted += n->faulted;
		c.lost += n->lost;
		c.corrupt += n->torn;
		c.stray += n->stray + n->duplicate + n->late;
		c.verified_bytes += n->bytes;
	}
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}",
			 "inflight", integer(r->drive ? r->drive->state->inflight : 0),
			 "completed", integer(c.completed),
			 "in_blackout", integer(record_in_blackout(r)),
			 "in_blackout_by_phase", by_phase_json(&r->phases),
			 "faulted", integer(c.faulted), "lost", integer(c.lost),
			 "corrupt", integer(c.corrupt), "stray", integer(c.stray),
			 "verified_bytes", integer(c.verified_bytes),
			 "rate", integer(r->drive ? r->drive->state->rate : 0));
}

static json_t *controller_json(const struct drive *d)
{
	return json_pack("{s:o,s:o,s:o}", "csts", integer(d->csts),
			 "cc_before", integer(d->state->nvme.cc), "cc_after", integer(d->cc));
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
	json_t *levels = json_null();

	if (!w->there)
		return json_null();
	if (w->levels)
		levels = json_array();
	for (unsigned int i = 0; i < w->levels; i++)
		json_array_append_new(levels, integer(w->of_level[i]));
	return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o}", "where", w->where,
			 "tables", integer(w->tables), "levels", levels, "entries_read",
			 integer(w->entries_read), "bad", integer(w->bad), "missing",
			 integer(w->missing), "ns", integer(w->ns));
}

static json_t *bystanders_json(const struct bystander_counts *b)
{
	return json_pack("{s:o,s:o,s:o,s:o}", "bytes", integer(b->bytes), "kept", integer(b->kept),
			 "frames", integer(b->frames), "bad", integer(b->bad));
}

json_t *record_json(struct cycle_result *r, bool pass)
{
	json_t *oracles = json_pack("{s:o,s:o,s:o}", "iommu",
				    r->iommu.there ? integer(r->iommu.count) : json_null(),
				    "device", integer(record_device(r)),
				    "data", integer(record_data(r)));
	json_t *irq = json_pack("{s:o,s:o}", "spurious", integer(r->irq_spurious),
				"nobody_cared", integer(r->irq_nobody_cared));

	return json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "verdict",
			 pass ? "pass" : "fail", "reason", r->reason,
			 "dma", dma_json(r), "nic", r->nic ? nic_with_phases(r) : json_null(),
			 "dpdk", r->forwarder ? forwarder_json(r->forwarder) : json_null(),
			 "fio", r->fio ? fio_json(&r->fio->counts) : json_null(),
			 "oracles", oracles, "adopted", (int)r->adopted,
			 "controller", r->drive ? controller_json(r->drive) : json_null(),
			 "restore_walk", walk_json(&r->walk),
			 "steps_ns", steps_json(&r->steps), "iommu_pmu",
			 pmu_stop(&r->pmu), "blackout", blackout_json(r),
			 "irq", irq, "bystanders", bystanders_json(&r->bystanders),
			 "pci", topology_json(&r->pci));
}
