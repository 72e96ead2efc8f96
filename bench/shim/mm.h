/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: struct page, zones and nodes, as much of them as restore and free touch */
#ifndef HF_SHIM_MM_H
#define HF_SHIM_MM_H

#include <linux/folio_batch.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_ALIGNED(addr) (!((unsigned long)(addr) & (PAGE_SIZE - 1)))
#define PHYS_PFN(x) ((unsigned long)((x) >> PAGE_SHIFT))
#define PFN_PHYS(x) ((phys_addr_t)(x) << PAGE_SHIFT)
#define NUMA_NO_NODE (-1)
#define numa_mem_id() 0

/*
 * include/linux/mm_types.h, without what other users keep in the same words. Every page is a
 * folio of its own: the model has no larger allocations.
 */
struct page {
	struct {
		unsigned long f;
	} flags;
	union {
		struct list_head lru;
		struct list_head pcp_list;
		struct list_head buddy_list;
	};
	void *mapping;
	unsigned long index;
	unsigned long private;
	unsigned int page_type;
	atomic_t _refcount;
	unsigned long memcg_data;
};

_Static_assert(sizeof(struct page) == 64, "one cache line, as in the kernel");

struct folio {
	union {
		struct page page;
		struct {
			unsigned long hf_to_private[5];
			void *private;
		};
	};
};

_Static_assert(offsetof(struct folio, private) == offsetof(struct page, private), "");

/* bench/model.c: the struct page of a PFN is vmemmap[PFN], memory is at page_offset + phys */
extern struct page *vmemmap;
extern char *page_offset;

#define pfn_to_page(pfn) (vmemmap + (pfn))
#define pfn_folio(pfn) page_folio(pfn_to_page(pfn))
#define page_to_pfn(page) ((unsigned long)((page) - vmemmap))
#define phys_to_virt(phys) ((void *)(page_offset + (phys)))
#define virt_to_phys(virt) ((phys_addr_t)((char *)(virt) - page_offset))
#define __va phys_to_virt
#define page_address(page) phys_to_virt(PFN_PHYS(page_to_pfn(page)))
#define page_folio(p) ((struct folio *)(p))
#define folio_pfn(folio) page_to_pfn(&(folio)->page)
#define folio_address(folio) page_address(&(folio)->page)
#define virt_to_page(virt) pfn_to_page(PHYS_PFN(virt_to_phys(virt)))
#define virt_to_folio(virt) page_folio(virt_to_page(virt))
#define folio_order(folio) ((void)(folio), 0U)
#define folio_nr_pages(folio) ((void)(folio), 1UL)

static inline unsigned int get_order(unsigned long size)
{
	return size <= PAGE_SIZE ? 0 : (unsigned int)ilog2((size - 1) >> PAGE_SHIFT) + 1;
}

static inline void set_page_count(struct page *page, int v)
{
	WRITE_ONCE(page->_refcount.counter, v);
}

/* include/linux/mmzone.h: the fields that matter, in its order */
enum zone_type {
	ZONE_DMA,
	ZONE_DMA32,
	ZONE_NORMAL,
	ZONE_MOVABLE,
	ZONE_DEVICE,
	MAX_NR_ZONES
};

enum {
	MAX_PAGE_ORDER = 10,
	NR_PAGE_ORDERS,
	HPAGE_PMD_ORDER = 9,
	pageblock_order = 9,
	PAGE_ALLOC_COSTLY_ORDER = 3,
	HF_MIGRATE_TYPES = 4,
	HF_PCP_LISTS = 3 * (PAGE_ALLOC_COSTLY_ORDER + 1) + 2,
};

enum node_stat_item {
	NR_SECONDARY_PAGETABLE,
	NR_IOMMU_PAGES,
	NR_VM_NODE_STAT_ITEMS
};

enum zone_stat_item {
	NR_FREE_PAGES,
	NR_FREE_PAGES_BLOCKS,
	NR_FREE_CMA_PAGES,
	NR_VM_ZONE_STAT_ITEMS
};

enum { WMARK_MIN, WMARK_LOW, WMARK_HIGH, NR_WMARK };

struct free_area {
	struct list_head free_list[HF_MIGRATE_TYPES];
	unsigned long nr_free;
};

struct per_cpu_stat {
	signed char stat_threshold;
	signed char diff[NR_VM_NODE_STAT_ITEMS + NR_VM_ZONE_STAT_ITEMS];
};

struct zone {
	unsigned long _watermark[NR_WMARK];
	unsigned long nr_free_highatomic;
	long lowmem_reserve[MAX_NR_ZONES];
	int node;
	struct pglist_data *zone_pgdat;
	struct per_cpu_pages *per_cpu_pageset;
	struct per_cpu_stat *per_cpu_zonestats;
	atomic_long_t managed_pages;
	struct free_area free_area[NR_PAGE_ORDERS] ____cacheline_aligned_in_smp;
	unsigned long flags;
	spinlock_t lock;
	atomic_long_t vm_stat[NR_VM_ZONE_STAT_ITEMS] ____cacheline_aligned_in_smp;
};

struct pglist_data {
	struct zone node_zones[MAX_NR_ZONES];
	int node_id;
	unsigned long totalreserve_pages;
	struct per_cpu_stat *per_cpu_nodestats;
	atomic_long_t vm_stat[NR_VM_NODE_STAT_ITEMS];
};

enum { HF_MAX_NODES = 16 };
extern struct pglist_data node_data[HF_MAX_NODES];

/* include/linux/page-flags-layout.h: node and zone are the top bits of the flags */
#define HF_NODE_SHIFT 58
#define HF_ZONE_SHIFT 55
#define page_zone_id(page) ((page)->flags.f >> HF_ZONE_SHIFT)
#define page_zonenum(page) ((page)->flags.f >> HF_ZONE_SHIFT & 7)
#define NODE_DATA(nid) (&node_data[nid])
#define page_to_nid(page) ((page)->flags.f >> HF_NODE_SHIFT)
#define page_zone(page) (&NODE_DATA(page_to_nid(page))->node_zones[page_zonenum(page)])
#define folio_zone(folio) page_zone(&(folio)->page)
#define folio_pgdat(folio) NODE_DATA(page_to_nid(&(folio)->page))

void mod_node_page_state(struct pglist_data *pgdat, enum node_stat_item item, long delta);
void lruvec_stat_mod_folio(struct folio *folio, enum node_stat_item item, int delta);

struct folio *__folio_alloc_node(gfp_t gfp, unsigned int order, int nid);
struct page *alloc_page(gfp_t gfp);
void __folio_put(struct folio *folio);
void folios_put_refs(struct folio_batch *folios, unsigned int *refs);
void free_unref_folios(struct folio_batch *folios);

#define folio_ref_sub_and_test(folio, n) \
	(!__atomic_sub_fetch(&(folio)->page._refcount.counter, (int)(n), __ATOMIC_SEQ_CST))

/* Where tables are is for the shape to say, so the allocator has no blocks of them to give */
#define alloc_pages_node(nid, gfp, order) \
	((void)(nid), (void)(gfp), (void)(order), (struct page *)NULL)
#define split_page(page, order) do { } while (0)
#define clear_page(virt) memset(virt, 0, PAGE_SIZE)
#define want_init_on_alloc(flags) false
#define want_init_on_free() false
#define node_state(nid, state) true
#define node_isset(nid, mask) true
/* A bit of flags that a correct restore reads, and that is never set here */
#define folio_test_hwpoison(folio) ((folio)->page.flags.f & 1UL << 54)

static inline void folio_put(struct folio *folio)
{
	if (folio_ref_sub_and_test(folio, 1))
		__folio_put(folio);
}

static inline void folios_put(struct folio_batch *folios)
{
	folios_put_refs(folios, NULL);
}

#endif
