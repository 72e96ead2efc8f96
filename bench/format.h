/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: template: strategies on the page tables of one format, see bench/format_*.c */

/*
 * Included behind the source file of a format (drivers/iommu/generic_pt/fmt/iommu_*.c), into
 * the same unit: like the kernel's own code, the walks here are compiled for each format.
 * format_cfg is how its table is set up.
 */

#include <linux/kexec_handover.h>
#include <linux/kho/abi/iommu_handover.h>

#include "strategy.h"

static struct pt_iommu_table table;
static struct iommu_handover_pt_ser fingerprint;
static spinlock_t top_lock;

static void change_top(struct pt_iommu *iommu_table, phys_addr_t top, unsigned int level)
{
}

static spinlock_t *get_top_lock(struct pt_iommu *iommu_table)
{
	return &top_lock;
}

static const struct pt_iommu_driver_ops driver_ops = {
	.change_top = change_top,
	.get_top_lock = get_top_lock,
};

static int format_create(void)
{
	memset(&table, 0, sizeof(table));
	table.iommu.driver_ops = &driver_ops;
	return pt_iommu_init(&table, &format_cfg, GFP_KERNEL);
}

/* Asked of a table that is not there: the sizes depend on its configuration only */
static uint64_t format_leaf_sizes(void)
{
	struct pt_common *common = common_from_iommu(&table.iommu);
	struct pt_iommu_info info;

	memset(&table, 0, sizeof(table));
	common->features = format_cfg.common.features;
	common->max_vasz_lg2 = format_cfg.common.hw_max_vasz_lg2;
	if (pt_iommu_fmt_init(&table, &format_cfg) || pt_init_common(common))
		return 0;
	NS(get_info)(&table.iommu, &info);
	return info.pgsize_bitmap;
}

static int format_map(uint64_t iova, uint64_t len, uint64_t leaf)
{
	size_t mapped = 0;

	table.iommu.domain.pgsize_bitmap = leaf;
	return table.iommu.ops->map_range(&table.iommu, iova, iova, len, IOMMU_READ | IOMMU_WRITE,
					  GFP_KERNEL, &mapped);
}

static int format_preserve(void)
{
	return pt_iommu_preserve(&table.iommu, &fingerprint);
}

struct table_visit {
	void (*fn)(void *arg, uint64_t phys, unsigned int level);
	void *arg;
};

static int visit_tables(struct pt_range *range, void *arg, unsigned int level,
			struct pt_table_p *memory)
{
	struct pt_state pts = pt_init(range, level, memory);
	struct table_visit *visit = arg;

	visit->fn(visit->arg, virt_to_phys(memory), level);
	if (!level)
		return 0;
	for_each_pt_level_entry(&pts)
		if (pts.type == PT_ENTRY_TABLE)
			pt_descend(&pts, arg, visit_tables);
	return 0;
}

static void format_for_each_table(void (*fn)(void *arg, uint64_t phys, unsigned int level),
				  void *arg)
{
	struct pt_range range = pt_all_range(common_from_iommu(&table.iommu));
	struct table_visit visit = { .fn = fn, .arg = arg };

	pt_walk_range(&range, visit_tables, &visit);
}

struct walk {
	struct restore *result;
	struct iommu_pages_list list;
	const void *line;
};

/* One page at a time, as iommu_restore_pages() did when it was written */
static bool restore_page(struct walk *walk, phys_addr_t phys)
{
	struct folio *folio = kho_restore_folio(phys);

	if (!folio) {
		walk->result->bad++;
		return false;
	}
	mod_node_page_state(folio_pgdat(folio), NR_IOMMU_PAGES, 1);
	lruvec_stat_mod_folio(folio, NR_SECONDARY_PAGETABLE, 1);
	iommu_pages_list_add(&walk->list, folio_address(folio));
	walk->result->tables++;
	return true;
}

static __always_inline void count_entry(struct walk *walk, const struct pt_state *pts)
{
	const void *line = (const char *)pts->table +
			   (pts->index * PT_ITEM_WORD_SIZE & ~63UL);

	walk->result->entries++;
	walk->result->lines += line != walk->line;
	walk->line = line;
}

static __always_inline int do_every_entry(struct pt_range *range, struct walk *walk,
					  unsigned int level, struct pt_table_p *memory,
					  pt_level_fn_t descend, bool count)
{
	struct pt_state pts = pt_init(range, level, memory);

	for_each_pt_level_entry(&pts) {
		if (count)
			count_entry(walk, &pts);
		if (pts.type == PT_ENTRY_TABLE &&
		    restore_page(walk, virt_to_phys(pts.table_lower)))
			pt_descend(&pts, walk, descend);
	}
	return 0;
}

static int every_entry(struct pt_range *range, void *arg, unsigned int level,
		       struct pt_table_p *memory)
{
	return do_every_entry(range, arg, level, memory, every_entry, false);
}

static int every_entry_counted(struct pt_range *range, void *arg, unsigned int level,
			       struct pt_table_p *memory)
{
	return do_every_entry(range, arg, level, memory, every_entry_counted, true);
}

static __always_inline int do_per_page(struct pt_range *range, struct walk *walk,
				       unsigned int level, struct pt_table_p *memory,
				       pt_level_fn_t descend, bool count)
{
	struct pt_state pts = pt_init(range, level, memory);

	if (!level)
		return 0;
	for (_pt_iter_first(&pts); _pt_iter_load(&pts); pts.index++, pt_index_to_va(&pts)) {
		if (count)
			count_entry(walk, &pts);
		if (pts.type == PT_ENTRY_TABLE && restore_page(walk, pt_table_pa(&pts)) &&
		    level > 1)
			pt_descend(&pts, walk, descend);
	}
	return 0;
}

static int per_page(struct pt_range *range, void *arg, unsigned int level,
		    struct pt_table_p *memory)
{
	return do_per_page(range, arg, level, memory, per_page, false);
}

static int per_page_counted(struct pt_range *range, void *arg, unsigned int level,
			    struct pt_table_p *memory)
{
	return do_per_page(range, arg, level, memory, per_page_counted, true);
}

/* A strategy that restores first and frees later: who retrieves waits for the walk */
static void walk_then_free(struct restore *result, pt_level_fn_t fn)
{
	struct pt_range range = pt_all_range(common_from_iommu(&table.iommu));
	struct walk walk = {
		.result = result,
		.list = IOMMU_PAGES_LIST_INIT(walk.list),
	};
	u64 start, walked, end;

	*result = (struct restore){};
	start = ktime_get_ns();
	if (restore_page(&walk, virt_to_phys(range.top_table)))
		pt_walk_range(&range, fn, &walk);
	walked = ktime_get_ns();
	iommu_put_pages_list(&walk.list);
	end = ktime_get_ns();

	result->retrieve = result->walk = walked - start;
	result->total = end - start;
}

static void format_every_entry(struct restore *result, bool count)
{
	walk_then_free(result, count ? every_entry_counted : every_entry);
}

static void format_per_page(struct restore *result, bool count)
{
	walk_then_free(result, count ? per_page_counted : per_page);
}

static void format_ours(struct restore *result)
{
	struct pt_iommu_restored restored = {};
	u64 start, retrieved, end;

	*result = (struct restore){};
	start = ktime_get_ns();
	if (pt_iommu_restore(&restored, &fingerprint, 0))
		return;
	retrieved = ktime_get_ns();
	pt_iommu_restored_free(&restored);
	end = ktime_get_ns();

	result->retrieve = retrieved - start;
	result->total = end - start;
	result->tables = restored.tables;
	result->bad = restored.bad;
	result->entries = restored.entries_read;
	/* Whole tables, each from its beginning */
	result->lines = DIV_ROUND_UP(restored.entries_read * PT_ITEM_WORD_SIZE, 64);
}

const struct format CONCATENATE(format_, PTPFX_RAW) = {
	.name = __stringify(PTPFX_RAW),
	.next_level = PT_HANDOVER_FORMAT == IOMMU_HANDOVER_PT_AMDV1,
	.leaf_sizes = format_leaf_sizes,
	.create = format_create,
	.map = format_map,
	.preserve = format_preserve,
	.for_each_table = format_for_each_table,
	.every_entry = format_every_entry,
	.per_page = format_per_page,
	.ours = format_ours,
};
