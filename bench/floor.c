// SPDX-License-Identifier: GPL-2.0-only
/* Description: the floor: what any correct restore has to touch, and nothing else */

/*
 * To find the tables, each entry of each table that can point to one has to be read. To own a
 * table, the struct page of its memory has to be read (is it preserved?) and written (it is
 * ours, and never given again). That is all that this does, and it looks at an entry with two masks
 * that are good for the formats here. Freeing is what the allocator does for batches of pages
 * (free_unref_folios()).
 */

#include "model.h"
#include "strategy.h"

#define ADDRESS 0x000ffffffffff000ULL
#define ENTRIES 512
#define MAGIC_SHIFT 32

/* So many struct pages are asked for before the first of them is used: as many as the allocator
 * takes at once. Twice or half as many make no difference.
 */
#define BLOCK FOLIO_BATCH_SIZE

void adjust_managed_page_count(struct page *page, long count);

static __always_inline bool own(struct page *page)
{
	if (!(page->private >> MAGIC_SHIFT))
		return false;
	page->private = 0;
	set_page_count(page, 0);
	return true;
}

/* An entry which is present, and no leaf */
static __always_inline bool is_table(u64 entry, bool next_level)
{
	/* Of the three bits for the level, 0 and 7 are those of leaves */
	return next_level ? (entry + (1 << 9)) & (3 << 10) : (entry & 0x81) == 1;
}

/* Struct pages on their way into the cache, and those that are there by now */
struct ahead {
	struct page *page[2][BLOCK];
	unsigned int count;	/* in page[which] */
	unsigned int which;
	unsigned int before;	/* in the other one */
	u64 owned;
};

/*
 * A page is freed while its struct page is still in the nearest cache: what a second pass costs
 * is not part of a floor.
 */
static __always_inline void own_block(struct ahead *ahead, bool free)
{
	struct page **pages = ahead->page[!ahead->which];
	struct folio_batch batch;
	unsigned int owned = 0;

	for (unsigned int i = 0; i < ahead->before; i++) {
		if (!own(pages[i]))
			continue;
		batch.folios[owned++] = page_folio(pages[i]);
	}
	ahead->owned += owned;
	if (!free || !owned)
		return;
	batch.nr = (unsigned char)owned;
	free_unref_folios(&batch);
}

static __always_inline void next_block(struct ahead *ahead, bool free)
{
	own_block(ahead, free);
	ahead->before = ahead->count;
	ahead->which = !ahead->which;
	ahead->count = 0;
}

static __always_inline void own_tables_in(struct ahead *ahead, const u64 *entry, bool next_level,
					  bool free)
{
	unsigned int count = ahead->count;

	for (unsigned int i = 0; i < ENTRIES; i++) {
		struct page *page = pfn_to_page(PHYS_PFN(entry[i] & ADDRESS));

		if (!is_table(entry[i], next_level))
			continue;
		prefetchw(page);
		ahead->page[ahead->which][count++] = page;
		if (count < BLOCK)
			continue;
		ahead->count = count;
		next_block(ahead, free);
		count = 0;
	}
	ahead->count = count;
}

/* Compiled four times: as in a walk of the kernel, format and purpose are no variables */
static __always_inline u64 floor_walk(bool next_level, const uint64_t *inner, size_t count,
				      struct page *top, bool free)
{
	struct ahead ahead = { .page[0][0] = top, .count = 1 };

	for (size_t i = 0; i < count; i++)
		own_tables_in(&ahead, phys_to_virt(inner[i]), next_level, free);
	next_block(&ahead, free);
	own_block(&ahead, free);
	adjust_managed_page_count(top, (long)ahead.owned);
	return ahead.owned;
}

void floor_restore(struct restore *result, bool next_level, const uint64_t *inner, size_t count,
		   uint64_t top, bool free)
{
	struct page *page = pfn_to_page(PHYS_PFN(top));
	u64 start, end, owned;

	start = ktime_get_ns();
	if (next_level)
		owned = free ? floor_walk(true, inner, count, page, true) :
			       floor_walk(true, inner, count, page, false);
	else
		owned = free ? floor_walk(false, inner, count, page, true) :
			       floor_walk(false, inner, count, page, false);
	end = ktime_get_ns();

	*result = (struct restore){
		.retrieve = end - start,
		.total = end - start,
		.tables = owned,
		.entries = count * ENTRIES,
		.lines = count * ENTRIES / 8,
	};
}
