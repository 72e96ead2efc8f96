// SPDX-License-Identifier: GPL-2.0-only
/* Description: memory of a machine whose kernel has just been replaced: pages, KHO, allocator */

/*
 * What is the kernel's own code here, and what stands for it:
 *
 *   KHO                  kho_restore_folio() and all below it are kernel/liveupdate's.
 *                        kho_preserve_runs() only notes the pages: bench/preserve.c measures that.
 *                        model_kexec() leaves what memmap_init and kho_mem_deserialize() leave.
 *   low-memory reserves  adjust_managed_page_count() and the recompute are mm/page_alloc.c's,
 *                        over five zones of each node, as an x86 kernel with ZONE_DEVICE has.
 *   the allocator's free __folio_put(), folios_put(), free_unref_folios(), the per-cpu lists
 *                        and the buddy lists are mm/swap.c's and mm/page_alloc.c's. Only
 *                        __free_pages_prepare() is written down anew: what is left of it
 *                        without debugging.
 *   counters             mod_node_page_state() and __mod_zone_page_state() as in mm/vmstat.c:
 *                        a cmpxchg that is not locked, and a threshold.
 *   allocating           hands out pages in the order that the shape asks for.
 *
 * Locks are taken and never contended. Preemption and interrupts are not switched off, which
 * the kernel does in a few instructions.
 */

#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "model.h"
#include "repeat.h"
#include "shim/alloc.h"
#include <linux/kexec_handover.h>

/* Where physical memory begins: any PFN but 0 */
#define FIRST_PFN (1UL << 20)
/* 256 GiB in each node decide how long the per-cpu lists get */
#define NODE_PAGES (1UL << 26)
#define STAT_THRESHOLD 125

struct page *vmemmap;
char *page_offset;
u64 sme_me_mask;
struct pglist_data node_data[HF_MAX_NODES];
unsigned long model_log_lines;
bool model_log_quiet;
bool model_free_nothing;

static int hf_nodes;
static unsigned long hf_sections;
static struct mem_section *hf_section;
static unsigned long totalreserve_pages;
static int sysctl_lowmem_reserve_ratio[MAX_NR_ZONES] = { 256, 256, 32, 0, 0 };
static atomic_long_t hf_totalram_pages;
static unsigned long hf_vm_events;

static struct machine {
	struct model_options options;
	char *memory;
	struct page *pages;
	size_t count;		/* of pages */
	u32 *order;		/* PFNs as they are handed out */
	size_t allocated;
	u32 *preserved;		/* PFNs, in the order of preserving */
	size_t preserved_count;
	struct mem_section_usage *usage;
} machine;

static u8 get_pfnblock_migratetype(const struct page *page, unsigned long pfn);
static void fold_stat(struct per_cpu_stat *stat, unsigned int item, atomic_long_t *total,
		      long delta);

static void __mod_zone_page_state(struct zone *zone, enum zone_stat_item item, long delta)
{
	fold_stat(zone->per_cpu_zonestats, NR_VM_NODE_STAT_ITEMS + item, &zone->vm_stat[item],
		  delta);
}

/* Of the checks there, an order-0 page that nobody has mapped has these; no debugging */
static bool __free_pages_prepare(struct page *page, unsigned int order, fpi_t fpi_flags)
{
	const unsigned long bad = BIT(5) | BIT(23);	/* mlocked, hwpoison */

	(void)order;
	(void)fpi_flags;
	if (unlikely(page->flags.f & bad) || unlikely((unsigned long)page->mapping & 1))
		return false;
	if (unlikely(page->page_type != UINT_MAX))
		page->page_type = UINT_MAX;
	page->flags.f &= ~((1UL << 24) - 1);
	page->private = 0;
	return true;
}

/* Larger pages, and a contended lock: neither is in the model */
static void free_one_page(struct zone *zone, struct page *page, unsigned long pfn,
			  unsigned int order, fpi_t fpi_flags)
{
	(void)zone, (void)page, (void)pfn, (void)order, (void)fpi_flags;
	abort();
}

static void __free_pages_ok(struct page *page, unsigned int order, fpi_t fpi_flags)
{
	free_one_page(NULL, page, 0, order, fpi_flags);
}

static void prep_compound_page(struct page *page, unsigned int order)
{
	(void)page, (void)order;
	abort();
}

/* The functions of the kernel, see bench/walk.mk */
#define folios_put_refs kernel_folios_put_refs
#include "functions.h"
#undef folios_put_refs

void folios_put_refs(struct folio_batch *folios, unsigned int *refs)
{
	if (model_free_nothing)
		folio_batch_reinit(folios);
	else
		kernel_folios_put_refs(folios, refs);
}

static void fold_stat(struct per_cpu_stat *stat, unsigned int item, atomic_long_t *total,
		      long delta)
{
	signed char old = READ_ONCE(stat->diff[item]), new;
	long sum, over;
	bool done;

	do {
		sum = delta + old;
		over = 0;
		if (labs(sum) > READ_ONCE(stat->stat_threshold)) {
			over = sum;
			sum = 0;
		}
		new = (signed char)sum;
		asm volatile("cmpxchgb %[new], %[diff]"
			     : "=@ccz"(done), [diff] "+m"(stat->diff[item]), "+a"(old)
			     : [new] "q"(new) : "memory");
	} while (!done);
	if (over)
		hf_atomic_add(over, total);
}

void mod_node_page_state(struct pglist_data *pgdat, enum node_stat_item item, long delta)
{
	fold_stat(pgdat->per_cpu_nodestats, item, &pgdat->vm_stat[item], delta);
}

static u8 get_pfnblock_migratetype(const struct page *page, unsigned long pfn)
{
	struct mem_section *section = __nr_to_section(pfn_to_section_nr(pfn));

	(void)page;
	return READ_ONCE(section->usage->pageblock_flags[(pfn >> pageblock_order) & 63]);
}

u64 ktime_get_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

void hf_printk(const char *format, ...)
{
	model_log_lines++;
	if (!model_log_quiet)
		fputs(format, stderr);
}

/* What boot leaves of a page: a reserved page of an ordinary zone with one reference */
static void init_page(struct page *page, unsigned long private)
{
	unsigned long node = (page_to_pfn(page) - FIRST_PFN) * (unsigned long)hf_nodes /
			     machine.count;

	page->flags.f = node << HF_NODE_SHIFT | (unsigned long)ZONE_NORMAL << HF_ZONE_SHIFT;
	INIT_LIST_HEAD(&page->lru);
	page->mapping = NULL;
	page->index = 0;
	page->private = private;
	page->page_type = UINT_MAX;
	set_page_count(page, 1);
	page->memcg_data = 0;
}

static void init_pcp(struct zone *zone)
{
	struct per_cpu_pages *pcp = zone->per_cpu_pageset;

	memset(pcp, 0, sizeof(*pcp));
	for (int i = 0; i < NR_PCP_LISTS; i++)
		INIT_LIST_HEAD(&pcp->lists[i]);
	pcp->batch = zone_batchsize(zone);
	pcp->high_min = zone_highsize(zone, pcp->batch, 0, 0);
	pcp->high_max = zone_highsize(zone, pcp->batch, 0, 8);
	pcp->high = pcp->high_min;
}

static void init_zone(struct pglist_data *pgdat, enum zone_type type)
{
	static struct per_cpu_pages pcps[HF_MAX_NODES][MAX_NR_ZONES];
	static struct per_cpu_stat stats[HF_MAX_NODES][MAX_NR_ZONES];
	struct zone *zone = &pgdat->node_zones[type];
	int nid = pgdat->node_id;

	zone->node = nid;
	zone->zone_pgdat = pgdat;
	zone->per_cpu_pageset = &pcps[nid][type];
	zone->per_cpu_zonestats = &stats[nid][type];
	zone->per_cpu_zonestats->stat_threshold = STAT_THRESHOLD;
	if (type == ZONE_NORMAL)
		zone->managed_pages.counter = NODE_PAGES;
	else if (!nid && type <= ZONE_DMA32)
		zone->managed_pages.counter = type == ZONE_DMA ? 3840 : 1 << 19;
	for (int i = 0; i < NR_WMARK; i++)
		zone->_watermark[i] = zone_managed_pages(zone) / 1000 * (unsigned long)(i + 1);
	for (int order = 0; order < NR_PAGE_ORDERS; order++)
		for (int mt = 0; mt < HF_MIGRATE_TYPES; mt++)
			INIT_LIST_HEAD(&zone->free_area[order].free_list[mt]);
	init_pcp(zone);
}

static void init_nodes(void)
{
	static struct per_cpu_stat stats[HF_MAX_NODES];

	memset(node_data, 0, sizeof(node_data));
	hf_totalram_pages.counter = 0;
	for (int nid = 0; nid < hf_nodes; nid++) {
		struct pglist_data *pgdat = &node_data[nid];

		pgdat->node_id = nid;
		memset(&stats[nid], 0, sizeof(stats[nid]));
		stats[nid].stat_threshold = STAT_THRESHOLD;
		pgdat->per_cpu_nodestats = &stats[nid];
		for (int type = 0; type < MAX_NR_ZONES; type++)
			init_zone(pgdat, (enum zone_type)type);
	}
}

static int init_sections(void)
{
	hf_sections = ((FIRST_PFN + machine.count) >> HF_SECTION_PAGES_SHIFT) + 1;
	hf_section = calloc(hf_sections, sizeof(*hf_section));
	machine.usage = calloc(hf_sections, sizeof(*machine.usage));
	if (!hf_section || !machine.usage)
		return -ENOMEM;
	for (unsigned long nr = FIRST_PFN >> HF_SECTION_PAGES_SHIFT; nr < hf_sections; nr++) {
		memset(&machine.usage[nr], MIGRATE_MOVABLE, sizeof(*machine.usage));
		hf_section[nr] = (struct mem_section){
			.section_mem_map = HF_SECTION_ONLINE,
			.usage = &machine.usage[nr],
		};
	}
	return 0;
}

/* Aligned to what a huge page needs. Not reserved: only what is touched has to be there. */
static void *map_memory(size_t size, bool huge)
{
	const size_t align = SZ_2M;
	char *at, *aligned;

	size = (size + align - 1) & ~(align - 1);
	at = mmap(NULL, size + align, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED)
		return NULL;
	aligned = (char *)(((uintptr_t)at + align - 1) & ~(align - 1));
	if (aligned != at)
		munmap(at, (size_t)(aligned - at));
	munmap(aligned + size, align - (size_t)(aligned - at));
	madvise(aligned, size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	return aligned;
}

static void unmap_memory(void *at, size_t size)
{
	if (at)
		munmap(at, (size + SZ_2M - 1) & ~((size_t)SZ_2M - 1));
}

static void order_pages(void)
{
	uint64_t state = machine.options.seed;

	for (size_t i = 0; i < machine.count; i++)
		machine.order[i] = (u32)(FIRST_PFN + i);
	if (!machine.options.scattered)
		return;
	for (size_t i = machine.count - 1; i; i--) {
		size_t j = repeat_random(&state) % (i + 1);
		u32 swap = machine.order[i];

		machine.order[i] = machine.order[j];
		machine.order[j] = swap;
	}
}

/* Of memory that nobody touches nothing is there, but a huge page is there as a whole */
uint64_t model_needs(const struct model_options *options, size_t pages)
{
	uint64_t count = (uint64_t)pages * options->spread;
	uint64_t touched = options->scattered && options->huge ? count : pages;

	return touched * PAGE_SIZE + count * (sizeof(struct page) + 2 * sizeof(u32));
}

int model_create(const struct model_options *options, size_t pages)
{
	if (!options->nodes || options->nodes > HF_MAX_NODES || !options->spread)
		return -EINVAL;
	machine = (struct machine){ .options = *options };
	hf_nodes = (int)options->nodes;
	machine.count = pages * options->spread;
	machine.memory = map_memory(machine.count * PAGE_SIZE, options->huge);
	machine.pages = map_memory(machine.count * sizeof(struct page), options->huge);
	machine.order = calloc(machine.count, sizeof(u32));
	machine.preserved = calloc(machine.count, sizeof(u32));
	if (!machine.memory || !machine.pages || !machine.order || !machine.preserved ||
	    init_sections()) {
		model_destroy();
		return -ENOMEM;
	}
	vmemmap = machine.pages - FIRST_PFN;
	page_offset = machine.memory - PFN_PHYS(FIRST_PFN);
	order_pages();
	init_nodes();
	for (size_t i = 0; i < machine.count; i++)
		init_page(&machine.pages[i], 0);
	return 0;
}

void model_destroy(void)
{
	unmap_memory(machine.memory, machine.count * PAGE_SIZE);
	unmap_memory(machine.pages, machine.count * sizeof(struct page));
	free(machine.order);
	free(machine.preserved);
	free(machine.usage);
	free(hf_section);
	hf_section = NULL;
	hf_sections = 0;
	machine = (struct machine){ 0 };
}

/* Memory is zero: it comes from mmap() and is handed out once */
struct folio *__folio_alloc_node(gfp_t gfp, unsigned int order, int nid)
{
	(void)gfp;
	(void)nid;
	if (order || machine.allocated == machine.count)
		return NULL;
	return page_folio(pfn_to_page(machine.order[machine.allocated++]));
}

struct page *alloc_page(gfp_t gfp)
{
	return (struct page *)__folio_alloc_node(gfp, 0, 0);
}

int kho_preserve_runs(const struct kho_run *runs, unsigned int nr)
{
	for (; nr--; runs++)
		for (unsigned int i = 0; i < runs->nr; i++)
			machine.preserved[machine.preserved_count++] = (u32)(runs->pfn + i);
	return 0;
}

/* Only to undo a preserve that has failed, which it does not */
void kho_unpreserve_runs(const struct kho_run *runs, unsigned int nr)
{
	(void)runs;
	if (nr)
		abort();
}

const uint32_t *model_preserved(size_t *count)
{
	*count = machine.preserved_count;
	return machine.preserved;
}

void model_kexec(void)
{
	const union kho_page_info info = { .order = 0, .magic = KHO_PAGE_MAGIC };

	init_nodes();
	for (size_t i = 0; i < machine.preserved_count; i++)
		init_page(pfn_to_page(machine.preserved[i]), info.page_private);
	setup_per_zone_lowmem_reserve();
}

static void evict(const void *from, size_t size)
{
	const char *p = from;

	for (size_t i = 0; i < size; i += 64)
		asm volatile("clflush %0" : : "m"(p[i]) : "memory");
}

void model_evict(void)
{
	for (size_t i = 0; i < machine.preserved_count; i++)
		evict(pfn_to_page(machine.preserved[i]), sizeof(struct page));
	asm volatile("mfence" : : : "memory");
}

void model_evict_table(uint64_t phys)
{
	evict(phys_to_virt(phys), PAGE_SIZE);
	asm volatile("mfence" : : : "memory");
}

void model_touch_table(uint64_t phys)
{
	const char *p = phys_to_virt(phys);

	for (size_t i = 0; i < PAGE_SIZE; i += 64)
		(void)READ_ONCE(p[i]);
}

void *model_memory(uint64_t phys)
{
	return phys_to_virt(phys);
}

uint64_t model_foreign_page(void)
{
	return PFN_PHYS((u64)machine.order[machine.count - 1]);
}

void model_forbid(uint64_t phys)
{
	if (mprotect(phys_to_virt(phys), PAGE_SIZE, PROT_NONE))
		abort();
}

bool model_has_huge_pages(void)
{
	char line[64] = "";
	FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "r");

	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f))
		line[0] = 0;
	fclose(f);
	return *line && !strstr(line, "[never]");
}

/* One list of the allocator: mark every page on it */
static void audit_list(struct model_audit *audit, u8 *seen, struct list_head *list,
		       unsigned int order)
{
	struct page *page;

	list_for_each_entry(page, list, lru) {
		size_t first = page_to_pfn(page) - FIRST_PFN;

		for (size_t i = first; i < first + (1UL << order); i++) {
			if (i >= machine.count)
				audit->foreign++;
			else if (seen[i]++)
				audit->twice++;
		}
	}
}

static void audit_zone(struct model_audit *audit, u8 *seen, struct zone *zone)
{
	for (int order = 0; order < NR_PAGE_ORDERS; order++)
		for (int mt = 0; mt < HF_MIGRATE_TYPES; mt++)
			audit_list(audit, seen, &zone->free_area[order].free_list[mt],
				   (unsigned int)order);
	for (unsigned int i = 0; i < NR_PCP_LISTS; i++)
		audit_list(audit, seen, &zone->per_cpu_pageset->lists[i],
			   (unsigned int)pindex_to_order(i));
}

int model_audit(struct model_audit *audit)
{
	u8 *seen = calloc(machine.count, 1);

	*audit = (struct model_audit){ .accounted = hf_totalram_pages.counter };
	if (!seen)
		return -ENOMEM;
	for (int nid = 0; nid < hf_nodes; nid++) {
		struct pglist_data *pgdat = &node_data[nid];

		for (int type = 0; type < MAX_NR_ZONES; type++)
			audit_zone(audit, seen, &pgdat->node_zones[type]);
		audit->stats += pgdat->vm_stat[NR_IOMMU_PAGES].counter +
				pgdat->per_cpu_nodestats->diff[NR_IOMMU_PAGES];
	}
	for (size_t i = 0; i < machine.preserved_count; i++) {
		size_t at = machine.preserved[i] - FIRST_PFN;

		if (kho_preserved_size(PFN_PHYS(machine.preserved[i])))
			audit->kept++;
		else if (seen[at])
			audit->freed++;
		else
			audit->limbo++;
		seen[at] = 0;
	}
	for (size_t i = 0; i < machine.count; i++)
		audit->foreign += !!seen[i];
	free(seen);
	return 0;
}
