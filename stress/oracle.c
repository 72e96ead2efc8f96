// SPDX-License-Identifier: GPL-2.0-only
/* Description: ask every oracle in the guest what became of the DMA of a cycle */

#include "oracle.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "pcidev.h"

/* What the controller says of itself, through our BAR, or past whoever has it now. */
static void ask_device(struct cycle_result *r, const struct drive *d, char *why,
		       unsigned int size)
{
	volatile void *bar = d->bar;
	struct pci_errors errors;

	why[0] = 0;
	if (!bar)
		bar = pcidev_look_at_bar0(d->bdf, NVME_BAR_SIZE);
	r->cc_before = d->state->nvme.cc;
	if (bar) {
		r->csts = nvme_csts(bar);
		r->cc_after = nvme_cc(bar);
		r->device = nvme_differs(bar, &d->state->nvme, why, size);
	} else {
		r->device = 1;
		snprintf(why, size, " it cannot be looked at");
	}
	if (!pcidev_errors(d->bdf, &errors))
		r->device += pcidev_new_errors(&d->state->errors, &errors);
}

static void ask_iommu(struct cycle_result *r, const struct drive *d, uint64_t *faults)
{
	uint64_t before = *faults;

	handover_faults(&r->iommu);
	*faults = r->iommu.count;
	/* What the old kernel saw after its last record belongs to this cycle. */
	r->iommu.count += d->state->faults - before;
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

static void ask_timeline(struct cycle_result *r, const struct ledger_state *s)
{
	struct timeline timeline;

	handover_timeline(&timeline);
	r->timeline = timeline.there;
	r->tsc_khz = s->tsc_khz;
	r->tsc_usable = tsc_comparable(s);
	r->tsc_begin = s->tsc_jump;
	if (!r->resumed)
		r->tsc_end = tsc_now();
	phases_split(&r->phases, &timeline, r->tsc_begin, r->tsc_end, r->in_blackout);
}

void oracle_ask(struct cycle_result *r, const struct drive *d, uint64_t *faults, char *why,
		unsigned int size)
{
	r->inflight = d->state->inflight;
	r->rate = d->state->rate;
	r->dma = d->load.counts;
	ask_device(r, d, why, size);
	ask_iommu(r, d, faults);
	ask_timeline(r, d->state);
	r->irq_spurious = irq_spurious();
	r->irq_nobody_cared = irq_nobody_cared();
}

void oracle_explain(struct cycle_result *r, const char *problem)
{
	size_t used = strlen(r->reason);
	char iommu[32] = "not there";

	if (r->iommu.there)
		snprintf(iommu, sizeof(iommu), "%llu", (unsigned long long)r->iommu.count);
	snprintf(r->reason + used, sizeof(r->reason) - used,
		 "; lost %llu of %u; seen by data: %llu, device: %llu, iommu: %s%s%s",
		 (unsigned long long)r->dma.lost, r->inflight,
		 (unsigned long long)(r->dma.lost + r->dma.corrupt + r->dma.stray),
		 (unsigned long long)(r->dma.faulted + r->device), iommu,
		 problem[0] ? "; first: " : "", problem);
}
