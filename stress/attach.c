// SPDX-License-Identifier: GPL-2.0-only
/* Description: a device, the iommufd it is bound to, and its page table over a memfd */

#include "attach.h"

#include <errno.h>

#include "complain.h"
#include "pcidev.h"

int attach_new(const char *bdf, const struct memory *dma, int *iommufd, struct vfio *v,
	       struct iommu_map *map)
{
	int err = pcidev_bind_vfio(bdf);

	if (err)
		return err;
	*iommufd = iommu_open();
	if (*iommufd < 0)
		return *iommufd;
	err = vfio_open(v, bdf);
	if (!err)
		err = vfio_bind(v, *iommufd);
	if (!err)
		err = iommu_map_above(map, *iommufd, dma->fd, dma->size, v, memory_top_of_ram());
	/* Pinning may have moved folios: are they still whole? */
	if (!err)
		err = memory_check_huge(dma);
	if (!err)
		err = vfio_attach(v, map);
	return err ? err : vfio_enable_dma(v);
}

int attach_replace(const struct memory *dma, int iommufd, const struct vfio *v,
		   struct iommu_map *map, struct steps *steps)
{
	struct iommu_map old = *map;
	uint64_t begin = step_begin();
	int err = iommu_map(map, iommufd, dma->fd, dma->size, v);

	if (err == -ERANGE)
		return complain(err, "IOVA 0x%llx does not fit the new page table",
				(unsigned long long)map->iova);
	if (err)
		return err;
	step_end(steps, STEP_MAP, begin);
	begin = step_begin_replace();
	err = vfio_attach(v, map);
	step_end_replace(steps, begin);
	if (!err && old.hwpt)
		err = iommu_unmap(&old, iommufd);
	return err;
}
