// SPDX-License-Identifier: GPL-2.0-only
/* Description: the drive under load, from its binding to its verified data */

#include "drive.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "attach.h"
#include "clock.h"
#include "complain.h"
#include "handover.h"
#include "pcidev.h"

#define RESUME_MS 30000		/* from adoption to the first new completion */

static int attach(struct drive *d)
{
	int err = attach_new(d->bdf, &d->dma, &d->iommufd, &d->vfio, &d->map);

	return err ? err : vfio_map_bar0(&d->vfio, NVME_BAR_SIZE, &d->bar);
}

int drive_expect_clean(struct drive *d, const char *when)
{
	const struct load_counts *c = &d->load.counts;

	if (load_drain(&d->load, DRAIN_MS))
		return complain(-ETIMEDOUT, "%s: %u commands did not complete", when,
				d->load.inflight);
	load_check_canaries(&d->load);
	if (c->faulted || c->lost || c->corrupt || c->stray)
		return complain(-EIO, "%s: %s", when, d->load.problem);
	return 0;
}

static int write_and_read(struct drive *d)
{
	int err;

	if (d->nvme.state.blocks < (uint64_t)d->state->depth * GROUP_BLOCKS)
		return complain(-ENOSPC, "the drive has only %llu blocks",
				(unsigned long long)d->nvme.state.blocks);
	load_init(&d->load, &d->nvme, &d->dma, d->state);
	load_fill(&d->load, LOAD_INIT);
	err = drive_expect_clean(d, "first write");
	if (err)
		return err;
	load_fill(&d->load, LOAD_READ);
	return drive_expect_clean(d, "first read");
}

int drive_start(struct drive *d, const char *bdf, struct ledger_state *state)
{
	int err;

	*d = (struct drive){ .bdf = bdf, .state = state, .map.again = state->again };
	err = memory_create_huge(&d->dma, "dma", dma_size(state->depth));
	if (!err)
		err = attach(d);
	if (err)
		return err;
	state->iova = d->map.iova;
	err = nvme_start(&d->nvme, d->bar, &d->dma, d->map.iova, state->depth);
	return err ? err : write_and_read(d);
}

/* Is the retrieved memory what the ledger's drive needs? */
static int check_memory(const struct drive *d)
{
	const struct ledger_state *s = d->state;

	if (!s->nvme.entries)
		return complain(-EPROTO, "the ledger knows of no drive");
	if (d->dma.size < dma_size(s->depth))
		return complain(-EPROTO, "the drive's memory has %zu bytes, %u commands need %zu",
				d->dma.size, s->depth, dma_size(s->depth));
	return 0;
}

int drive_adopt_memory(struct drive *d, const char *bdf, struct ledger_state *state, int fd)
{
	int err;

	*d = (struct drive){
		.bdf = bdf, .state = state,
		.map = { .iova = state->iova, .again = state->again },
	};
	err = memory_adopt_huge(&d->dma, fd);
	if (!err)
		err = check_memory(d);
	if (err && d->dma.map)
		memory_drop(&d->dma);
	if (err)
		return err;
	nvme_adopt_memory(&d->nvme, &d->dma, state->iova, &state->nvme);
	load_adopt(&d->load, &d->nvme, &d->dma, state);
	return 0;
}

int drive_adopt(struct drive *d, struct steps *steps)
{
	uint64_t begin = step_begin();
	int err;

	d->vfio.dev_id = d->state->dev_id;
	err = vfio_bind(&d->vfio, d->iommufd);
	step_end(steps, STEP_ATTACH, begin);
	d->state->dev_id = d->vfio.dev_id;
	if (!err)
		err = vfio_map_bar0(&d->vfio, NVME_BAR_SIZE, &d->bar);
	return err ? err : nvme_adopt(&d->nvme, d->bar, &d->dma, d->state->iova,
				      &d->state->nvme);
}

int drive_replace(struct drive *d, struct steps *steps)
{
	return attach_replace(&d->dma, d->iommufd, &d->vfio, &d->map, steps);
}

/*
 * The kernel counts completions at its marks by their phase tag. From head to the
 * ring's end a new entry has the phase of this pass, before it the other.
 */
static unsigned int watch_queue(const struct drive *d)
{
	const struct cq *cq = &d->nvme.cq;

	return handover_watch(d->dma.fd, DMA_IO_CQ + cq->head * sizeof(struct nvme_cqe),
			      cq->entries - cq->head, CQE_PHASE_BYTE, CQE_PHASE_MASK, cq->phase) +
	       handover_watch(d->dma.fd, DMA_IO_CQ, cq->head, CQE_PHASE_BYTE, CQE_PHASE_MASK,
			      !cq->phase);
}

void drive_close(struct drive *d)
{
	struct ledger_state *s = d->state;

	load_reap(&d->load);
	s->watches = watch_queue(d);
	for (uint32_t i = 0; i < s->depth; i++)
		s->slots[i].at_jump = s->slots[i].use != SLOT_FREE;
	s->inflight = d->load.inflight;
	s->dev_id = 0;
	s->nvme = d->nvme.state;
}

int drive_resume(struct drive *d)
{
	struct load *load = &d->load;
	uint64_t end = now_ms() + RESUME_MS;

	d->in_blackout = cq_arrived(&d->nvme.cq, load->inflight);
	load_reap(load);
	/* The submission queue goes on, too. */
	load_fill(load, LOAD_READ);
	while (load->counts.reaped <= d->in_blackout) {
		if (now_ms() > end)
			return complain(-ETIMEDOUT, "no new completion after the controller was "
					"adopted");
		if (!load_reap(load))
			sleep_ms(1);
	}
	d->tsc_resumed = tsc_now();
	d->resumed = true;
	return 0;
}

void drive_verify(struct drive *d)
{
	if (!load_drain(&d->load, DRAIN_MS)) {
		load_fill(&d->load, LOAD_READ);
		load_drain(&d->load, DRAIN_MS);
	}
	load_check_canaries(&d->load);
}

void drive_remains(struct drive *d, uint32_t quiet_ms)
{
	if (!d->in_blackout)
		d->in_blackout = cq_arrived(&d->nvme.cq, d->load.inflight);
	load_drain(&d->load, quiet_ms);
	load_check_canaries(&d->load);
}

void drive_ask(struct drive *d, char *why, size_t size)
{
	volatile void *bar = d->bar;

	if (d->dma.map)
		load_give_up(&d->load);
	else
		d->load.counts.lost = d->state->inflight;
	if (!bar)
		bar = pcidev_look_at_bar0(d->bdf, NVME_BAR_SIZE);
	if (bar) {
		d->csts = nvme_csts(bar);
		d->cc = nvme_cc(bar);
		d->device = nvme_differs(bar, &d->state->nvme, why, size);
	} else {
		d->device = 1;
		snprintf(why, size, " it cannot be looked at");
	}
}

uint64_t drive_findings(const struct drive *d)
{
	const struct load_counts *c = &d->load.counts;

	return c->lost + c->corrupt + c->stray;
}

const char *drive_judge(const struct drive *d, bool adopted)
{
	const struct load_counts *c = &d->load.counts;

	if (c->lost)
		return "commands were lost";
	if (c->faulted)
		return "commands were faulted";
	if (c->corrupt)
		return "data is corrupt";
	if (c->stray)
		return "DMA went astray";
	if (d->device)
		return "the drive reports errors";
	if (c->completed != d->state->inflight)
		return "the account of commands does not add up";
	if (!adopted || !d->resumed)
		return "the controller was not adopted";
	if (d->state->nvme.cc != d->cc)
		return "the controller was configured anew";
	return d->in_blackout ? NULL : "no command completed in the blackout";
}
