/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: iommufd address spaces and a device behind its vfio character device */

#ifndef HF_IOMMU_H
#define HF_IOMMU_H

#include <stddef.h>
#include <stdint.h>

/*
 * All functions return 0 (or what is said), or -errno with a complaint.
 *
 * Order in the first kernel: iommu_open, vfio_open, vfio_bind, iommu_map,
 * vfio_attach. In a next kernel iommufd and device come from the session;
 * vfio_bind() then adopts the attachment that the device already runs on, and
 * vfio_attach() replaces it without a moment in which DMA is blocked.
 */

/* A device opened through /dev/vfio/devices. */
struct vfio {
	int fd;
	uint32_t dev_id;	/* in the iommufd, after vfio_bind() */
};

#define IOMMU_AGAIN (1ULL << 30)

/* Memory that a device sees at [iova, iova + size). */
struct iommu_map {
	uint32_t ioas, hwpt;	/* objects of the iommufd */
	uint64_t iova;
	size_t size;
	uint64_t again;		/* bytes from iova + IOMMU_AGAIN on, in which it sees the same memory over
				 * and over; unless 0, all is mapped in pages of 4 KiB */
};

/* Where I/O page faults would be reported. */
struct iommu_fault_queue {
	int fd;
	uint32_t id;
};

int iommu_open(void);

/* Open the character device of the PCI function @bdf, bound to vfio-pci before. */
int vfio_open(struct vfio *v, const char *bdf);

/*
 * -EPERM: no interrupt remapping. If v->dev_id is not 0, the device may be bound already, by an
 * agent that died: it has that number then.
 */
int vfio_bind(struct vfio *v, int iommufd);

/*
 * A new address space with @size bytes of @memfd from offset 0 on, readable and
 * writable at map->iova, an area before DMA_DATA and one behind it, and a page table
 * over it that suits the device: it is full before any device uses it. map->again is the
 * caller's. -ERANGE, without complaint: the device cannot reach all of map.
 */
int iommu_map(struct iommu_map *map, int iommufd, int memfd, size_t size, const struct vfio *v);

/*
 * A first mapping at an address above @top_of_ram: whatever DMA ends up behind no
 * IOMMU then hits no memory.
 */
int iommu_map_above(struct iommu_map *map, int iommufd, int memfd, size_t size,
		    const struct vfio *v, uint64_t top_of_ram);

/* Free page table and address space of @map; no device may be attached to it. */
int iommu_unmap(const struct iommu_map *map, int iommufd);

/* Of the memory of @map unmap what is behind DMA_DATA, whoever uses it. */
int iommu_unmap_data(const struct iommu_map *map, int iommufd);

/*
 * A page table over the address space @ioas that asks for I/O page faults. Only
 * devices with PRI have these, and the driver learns that when it is attached: it
 * must refuse all others. map->hwpt is 0 if the IOMMU cannot even make one. It is
 * no complaint.
 */
void iommu_map_refused(struct iommu_map *map, struct iommu_fault_queue *faults, int iommufd,
		       const struct vfio *v, uint32_t ioas);

/* Nothing happens the second time. */
void iommu_unmap_refused(struct iommu_map *map, struct iommu_fault_queue *faults, int iommufd);

/* Attach the device to map->hwpt, or replace what it is attached to. */
int vfio_attach(const struct vfio *v, const struct iommu_map *map);

/* The opposite; a preserved device refuses. */
int vfio_detach(const struct vfio *v);

/*
 * What ends a device's DMA, and its user may do at any time but while it is handed over. They
 * return 0 or -errno without complaint.
 */
int vfio_reset(const struct vfio *v);
/* ... of all on its bus, */
int vfio_hot_reset(const struct vfio *v);
int vfio_low_power(const struct vfio *v);
/* ... or by a register of configuration space. */
int vfio_write_config(const struct vfio *v, unsigned int at, uint16_t word);

/* Map the first @size bytes of BAR 0. Device memory: only volatile accesses. */
int vfio_map_bar0(const struct vfio *v, size_t size, volatile void **bar);

/* Turn on memory decode and bus mastering in COMMAND. First kernel only. */
int vfio_enable_dma(const struct vfio *v);

#endif /* HF_IOMMU_H */
