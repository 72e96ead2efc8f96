// SPDX-License-Identifier: GPL-2.0-only
/* Description: the drive under load, from its binding to its verified data */

#include "drive.h"

#include <errno.h>
#include <string.h>

#include "complain.h"
#include "pcidev.h"

static int attach(struct drive *d)
{
	int err = pcidev_bind_vfio(d->bdf);

	if (err)
		return err;
	d->iommufd = iommu_open();
	if (d->iommufd < 0)
		return d->iommufd;
	err = vfio_open(&d->vfio, d->bdf);
	if (!err)
		err = vfio_bind(&d->vfio, d->iommufd);
	if (!err)
		err = iommu_map_above(&d->map, d->iommufd, d->dma.fd, d->dma.size, &d->vfio,
				      memory_top_of_ram());
	/* Pinning may have moved folios: are they still whole? */
	if (!err)
		err = memory_check_huge(&d->dma);
	if (!err)
		err = vfio_attach(&d->vfio, &d->map);
	if (!err)
		err = vfio_enable_dma(&d->vfio);
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

	*d = (struct drive){ .bdf = bdf, .state = state };
	err = memory_create_huge(&d->dma, "dma", dma_size(state->depth));
	if (!err)
		err = attach(d);
	if (err)
		return err;
	state->iova = d->map.iova;
	err = nvme_start(&d->nvme, d->bar, &d->dma, d->map.iova, state->depth);
	return err ? err : write_and_read(d);
}

int drive_adopt_memory(struct drive *d, const char *bdf, struct ledger_state *state, int fd)
{
	int err;

	*d = (struct drive){ .bdf = bdf, .state = state, .map.iova = state->iova };
	err = memory_adopt_huge(&d->dma, fd);
	if (err)
		return err;
	nvme_adopt_memory(&d->nvme, &d->dma, state->iova, &state->nvme);
	load_adopt(&d->load, &d->nvme, &d->dma, state);
	return 0;
}

int drive_adopt(struct drive *d)
{
	int err = vfio_bind(&d->vfio, d->iommufd);

	if (!err)
		err = vfio_map_bar0(&d->vfio, NVME_BAR_SIZE, &d->bar);
	return err ? err : nvme_adopt(&d->nvme, d->bar, &d->dma, d->state->iova,
				      &d->state->nvme);
}

int drive_replace(struct drive *d)
{
	struct iommu_map old = d->map;
	int err = iommu_map(&d->map, d->iommufd, d->dma.fd, d->dma.size, &d->vfio);

	if (err == -ERANGE)
		return complain(err, "the IOVA does not fit the new page table");
	if (!err)
		err = vfio_attach(&d->vfio, &d->map);
	if (!err && old.hwpt)
		err = iommu_unmap(&old, d->iommufd);
	return err;
}
