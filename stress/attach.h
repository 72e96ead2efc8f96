/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: a device, the iommufd it is bound to, and its page table over a memfd */

#ifndef HF_ATTACH_H
#define HF_ATTACH_H

#include "iommu.h"
#include "memory.h"
#include "steps.h"

/* All return 0 or -errno with a complaint. */

/*
 * First kernel: bind the function @bdf, open a new iommufd, map all of @dma at an address above
 * all RAM, and as map->again says, attach, and switch DMA on.
 */
int attach_new(const char *bdf, const struct memory *dma, int *iommufd, struct vfio *v,
	       struct iommu_map *map);

/*
 * Replace the page table under the running device by a new one of the same content. The old
 * one and its address space are freed if they were made here. What it takes is added to @steps.
 */
int attach_replace(const struct memory *dma, int iommufd, const struct vfio *v,
		   struct iommu_map *map, struct steps *steps);

#endif /* HF_ATTACH_H */
