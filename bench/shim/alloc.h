/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: what functions out of mm/ and of KHO take from the rest of the kernel */
#ifndef HF_SHIM_ALLOC_H
#define HF_SHIM_ALLOC_H

/*
 * Included once, by bench/model.c, in front of the functions themselves. A name that is
 * empty here costs nothing in the kernel either, or no more than a branch that is never taken:
 * debugging and tracing that are off, kinds of memory that a page table is not made of.
 */

#define VM_BUG_ON(cond) do { } while (0)
#define VM_BUG_ON_PAGE(cond, page) do { } while (0)
#define VM_WARN_ONCE(cond, ...) do { } while (0)
#define trace_mm_setup_per_zone_lowmem_reserve(...) do { } while (0)
#define trace_mm_calculate_totalreserve_pages(...) do { } while (0)
#define trace_mm_page_pcpu_drain(...) do { } while (0)
#define trace_mm_page_free_batched(...) do { } while (0)
#define page_reporting_notify_free(order) do { } while (0)
#define lruvec_unlock_irqrestore(lruvec, flags) do { } while (0)
#define __page_cache_release(folio, lruvec, flags) ((void)(lruvec), (void)(flags))
#define page_cache_release(folio) do { } while (0)
#define folio_unqueue_deferred_split(folio) do { } while (0)
#define mem_cgroup_uncharge(folio) ((void)READ_ONCE((folio)->page.memcg_data))
#define mem_cgroup_uncharge_folios(folios) do { } while (0)
#define free_zone_device_folio(folio) do { } while (0)
#define free_huge_folio(folio) do { } while (0)
#define change_pageblock_range(...) do { } while (0)
#define clear_page_guard(...) do { } while (0)
#define clear_page_tag_ref(page) do { } while (0)
#define __ClearPageReported(page) do { } while (0)
#define add_page_to_zone_llist(...) do { } while (0)
#define kswapd_clear_hopeless(...) do { } while (0)
#define is_huge_zero_folio(folio) false
#define folio_is_zone_device(folio) (((folio)->page.flags.f >> HF_ZONE_SHIFT & 7) == ZONE_DEVICE)
#define folio_test_hugetlb(folio) ((folio)->page.page_type >> 24 == 0xf4)
#define page_is_guard(page) false
#define page_reported(page) false
#define is_shuffle_order(order) false
#define shuffle_pick_tail() false
#define is_migrate_isolate(mt) false
#define is_migrate_cma(mt) false
#define migratetype_is_mergeable(mt) ((mt) < MIGRATE_PCPTYPES)
#define is_pmd_order(order) ((order) == HPAGE_PMD_ORDER)
#define in_nmi() false
#define in_hardirq() false
#define kswapd_test_hopeless(pgdat) ((void)(pgdat), false)
#define next_memory_node(nid) ((void)(nid), MAX_NUMNODES)
#define zone_watermark_ok(...) true
#define MAX_NUMNODES HF_MAX_NODES
#define folio_memcg(folio) ((void *)READ_ONCE((folio)->page.memcg_data))
#define mem_cgroup_lruvec(memcg, pgdat) NULL
#define mod_lruvec_state(lruvec, idx, val) ((void)(lruvec))

typedef struct pglist_data pg_data_t;
struct lruvec;
struct mem_cgroup;
struct capture_control;
struct dev_pagemap;

#define task_capc(zone) NULL
#define compaction_capture(capc, ...) ((void)(capc), false)

enum { ZONE_RECLAIM_ACTIVE, ZONE_BELOW_HIGH };

typedef int fpi_t;
enum { FPI_NONE, FPI_SKIP_REPORT_NOTIFY = 1, FPI_TO_TAIL = 2, FPI_TRYLOCK = 4, FPI_PREPARED = 8 };
enum { PCPF_PREV_FREE_HIGH_ORDER = 1, PCPF_FREE_HIGH_BATCH = 2 };
enum { HF_PGTY_buddy = 0xf0 };

#define page_private(page) ((page)->private)
#define set_page_private(page, v) ((page)->private = (v))
#define PageBuddy(page) ((page)->page_type >> 24 == HF_PGTY_buddy)
#define __SetPageBuddy(page) ((page)->page_type = HF_PGTY_buddy << 24)
#define __ClearPageBuddy(page) ((page)->page_type = UINT_MAX)

#define zone_managed_pages(zone) ((unsigned long)READ_ONCE((zone)->managed_pages.counter))
#define low_wmark_pages(zone) ((zone)->_watermark[WMARK_LOW])
#define high_wmark_pages(zone) ((zone)->_watermark[WMARK_HIGH])
#define for_each_online_pgdat(pgdat) \
	for ((pgdat) = node_data; (pgdat) < node_data + hf_nodes; (pgdat)++)
#define hf_atomic_add(n, v) __atomic_fetch_add(&(v)->counter, n, __ATOMIC_SEQ_CST)
#define atomic_long_add hf_atomic_add
#define totalram_pages_add(n) hf_atomic_add(n, &hf_totalram_pages)
#define __count_vm_events(event, n) (hf_vm_events += (unsigned long)(n))
#define pcp_spin_trylock(ptr) \
	({ struct per_cpu_pages *hf_pcp = (ptr); spin_trylock(&hf_pcp->lock) ? hf_pcp : NULL; })
#define pcp_spin_unlock(ptr) spin_unlock(&(ptr)->lock)

/* zone_highsize(): processors local to a node, and none that is just coming online */
#define HF_NODE_CPUS 64
#define cpumask_of_node(nid) (nid)
#define cpumask_weight(nid) ((void)(nid), HF_NODE_CPUS)
#define zone_to_nid(zone) ((zone)->node)
#define num_online_cpus() HF_NODE_CPUS

/* Sections of 128 MiB (include/linux/mmzone.h), a byte for each of their pageblocks */
#define HF_SECTION_PAGES_SHIFT 15
#define HF_SECTION_ONLINE 4UL

struct mem_section_usage {
	u8 pageblock_flags[1 << (HF_SECTION_PAGES_SHIFT - pageblock_order)];
};

struct mem_section {
	unsigned long section_mem_map;
	struct mem_section_usage *usage;
};

#define NR_MEM_SECTIONS hf_sections
#define pfn_to_section_nr(pfn) ((pfn) >> HF_SECTION_PAGES_SHIFT)
#define __nr_to_section(nr) (&hf_section[nr])
#define online_section(ms) ((ms)->section_mem_map & HF_SECTION_ONLINE)
#define pfn_section_valid(ms, pfn) ((ms)->usage != NULL)
#define pfn_valid(pfn) true
#define online_device_section(ms) false
#define get_dev_pagemap(pfn) NULL
#define put_dev_pagemap(pgmap) ((void)(pgmap))

/* What lies in another file in the kernel is never inlined there */
noinline struct page *pfn_to_online_page(unsigned long pfn);
noinline void adjust_managed_page_count(struct page *page, long count);
noinline void free_frozen_pages(struct page *page, unsigned int order);
noinline void free_unref_folios(struct folio_batch *folios);
noinline void __folio_put(struct folio *folio);
noinline void lruvec_stat_mod_folio(struct folio *folio, enum node_stat_item item, int delta);
noinline void mod_node_page_state(struct pglist_data *pgdat, enum node_stat_item item, long delta);

#endif
