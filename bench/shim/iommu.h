/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: linux/iommu.h for page tables without an IOMMU: no IOTLB to be flushed */
#ifndef HF_SHIM_IOMMU_H
#define HF_SHIM_IOMMU_H

#define IOMMU_READ (1 << 0)
#define IOMMU_WRITE (1 << 1)
#define IOMMU_CACHE (1 << 2)
#define IOMMU_NOEXEC (1 << 3)
#define IOMMU_MMIO (1 << 4)
#define __IOMMU_DOMAIN_PAGING (1U << 0)
#define IOMMU_DIRTY_NO_CLEAR (1 << 0)

struct device;

struct iommu_domain {
	unsigned int type;
	unsigned long pgsize_bitmap;
	struct {
		dma_addr_t aperture_start;
		dma_addr_t aperture_end;
		bool force_aperture;
	} geometry;
	bool is_iommupt;
};

struct iommu_pages_list {
	struct list_head pages;
};

#define IOMMU_PAGES_LIST_INIT(name) \
	((struct iommu_pages_list){ .pages = LIST_HEAD_INIT(name.pages) })

struct iommu_pages_cluster {
	unsigned long pages;
	unsigned int taken;
};

struct iommu_iotlb_gather {
	unsigned long start;
	unsigned long end;
	struct {
		u8 leaf_levels_bitmap;
		u8 table_levels_bitmap;
	} pt;
	struct iommu_pages_list freelist;
};

struct iommu_dirty_bitmap {
	void *bitmap;
	struct iommu_iotlb_gather *gather;
};

static inline void iommu_iotlb_gather_init(struct iommu_iotlb_gather *gather)
{
	*gather = (struct iommu_iotlb_gather){
		.start = ULONG_MAX,
		.freelist = IOMMU_PAGES_LIST_INIT(gather->freelist),
	};
}

void iommu_put_pages_list(struct iommu_pages_list *list);

static inline void iommu_iotlb_sync(struct iommu_domain *domain,
				    struct iommu_iotlb_gather *gather)
{
	iommu_put_pages_list(&gather->freelist);
	iommu_iotlb_gather_init(gather);
}

#define iommu_iotlb_gather_queued(gather) false
#define iommu_iotlb_gather_is_disjoint(gather, iova, size) false
#define iommu_iotlb_gather_add_range(gather, iova, size) do { } while (0)
#define iommu_flush_iotlb_all(domain) do { } while (0)
#define iova_bitmap_set(bitmap, iova, len) do { } while (0)
#define clflush_cache_range(addr, len) do { (void)(addr); } while (0)

/* Never called on x86, but compiled */
enum { DMA_TO_DEVICE };
#define dma_map_single(dev, virt, size, dir) virt_to_phys(virt)
#define dma_unmap_single(dev, addr, size, dir) do { } while (0)
#define dma_mapping_error(dev, addr) 0

#endif
