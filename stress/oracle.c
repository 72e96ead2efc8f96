// SPDX-License-Identifier: GPL-2.0-only
/* Description: ask every oracle in the guest what became of the DMA of a cycle */

#include "oracle.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"

static void ask_devices(struct drive *drive, struct nic *nic, char *why, size_t size)
{
	size_t used = 0;

	why[0] = 0;
	if (drive) {
		drive_ask(drive, why, size);
		used = strlen(why);
	}
	if (nic)
		nic_ask(nic, why + used, size - used);
}

static void ask_iommu(struct cycle_result *r, const struct ledger_state *s, uint64_t *faults)
{
	uint64_t before = *faults;

	handover_faults(&r->iommu);
	*faults = r->iommu.count;
	/* What the old kernel saw after its last record belongs to this cycle. */
	r->iommu.count += s->faults - before;
	handover_restore_walk(&r->walk);
}

/* Nothing may be subtracted across the jump if the TSC could have been changed. */
static bool tsc_comparable(const struct ledger_state *s)
{
	uint64_t adjust;

	if (!s->tsc_invariant || !tsc_invariant())
		return false;
	return !s->tsc_adjust_known || !tsc_adjust(&adjust) || adjust == s->tsc_adjust;
}

/* The blackout ends when all loads have verified DMA again. */
static void find_end(struct cycle_result *r)
{
	r->resumed = (!r->drive || r->drive->resumed) && (!r->nic || r->nic->resumed);
	if (r->drive)
		r->tsc_end = r->drive->tsc_resumed;
	if (r->nic && r->nic->tsc_resumed > r->tsc_end)
		r->tsc_end = r->nic->tsc_resumed;
	if (!r->resumed)
		r->tsc_end = tsc_now();
}

static void ask_timeline(struct cycle_result *r, const struct ledger_state *s)
{
	struct timeline timeline;

	handover_timeline(&timeline);
	r->timeline = timeline.there;
	r->tsc_khz = s->tsc_khz;
	r->tsc_usable = tsc_comparable(s);
	r->tsc_begin = s->tsc_jump;
	find_end(r);
	if (timeline.set[MARK_FREEZE] && r->tsc_usable && r->tsc_khz &&
	    timeline.tsc[MARK_FREEZE] > r->tsc_begin)
		step_add(&r->steps, STEP_FREEZE, (timeline.tsc[MARK_FREEZE] - r->tsc_begin) *
			 1000000 / r->tsc_khz);
	phases_split(&r->phases, &timeline, r->tsc_begin, r->tsc_end, record_in_blackout(r));
	if (!r->nic)
		return;
	timeline_drop(&timeline, s->watches);
	phases_split(&r->nic_phases, &timeline, r->tsc_begin, r->tsc_end, r->nic->in_blackout);
}

void oracle_ask(struct cycle_result *r, struct drive *drive, struct nic *nic,
		const struct ledger_state *s, uint64_t *faults, char *why, size_t size)
{
	ask_devices(drive, nic, why, size);
	topology_compare(&s->topology, &r->pci);
	ask_iommu(r, s, faults);
	ask_timeline(r, s);
	step_add(&r->steps, STEP_PRESERVE, s->preserve_ns);
	steps_ask_kernel(&r->steps);
	r->irq_spurious = irq_spurious();
	r->irq_nobody_cared = irq_nobody_cared();
}

void oracle_explain(struct cycle_result *r)
{
	const char *problem = r->drive ? r->drive->load.problem : "";
	size_t used = strlen(r->reason);
	char iommu[32] = "not there";

	if (!problem[0] && r->nic)
		problem = r->nic->load.problem;
	if (r->iommu.there)
		snprintf(iommu, sizeof(iommu), "%llu", (unsigned long long)r->iommu.count);
	if (r->drive)
		used += (size_t)snprintf(r->reason + used, sizeof(r->reason) - used,
					 "; lost %llu of %u commands",
					 (unsigned long long)r->drive->load.counts.lost,
					 r->drive->state->inflight);
	if (r->nic)
		used += (size_t)snprintf(r->reason + used, sizeof(r->reason) - used,
					 "; lost %llu frames",
					 (unsigned long long)r->nic->load.counts.lost);
	snprintf(r->reason + used, sizeof(r->reason) - used,
		 "; seen by data: %llu, device: %llu, iommu: %s%s%s",
		 (unsigned long long)record_data(r), (unsigned long long)record_device(r), iommu,
		 problem[0] ? "; first: " : "", problem);
}
