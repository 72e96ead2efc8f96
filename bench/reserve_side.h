/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: what bench/reserve.c needs of a memblock.c, and of what reserves by it */
#ifndef HF_BENCH_RESERVE_SIDE_H
#define HF_BENCH_RESERVE_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESERVE_PAGE_SHIFT 12

/* What the previous kernel preserved as one: (1 << order) pages at a multiple of their size */
struct reserve_block {
	uint64_t phys;
	unsigned int order;
};

/* The memory of a machine as memblock finds it after kexec */
struct reserve_machine {
	uint64_t top;		/* preserved blocks are below, in equal parts on all nodes */
	unsigned int nodes;	/* at least 1 */
	void *scratch;		/* above @top; all that memblock may allocate from */
	size_t scratch_size;
};

/**
 * struct reserve_side - One way to reserve all blocks
 * @begin: Set memblock up anew.
 * @reserve: Reserve the blocks and call reserve_mark() for each. @root is a tree that
 *	reserve_tree_add() has made of them, @blocks has them in the order of that tree.
 * @region: Tell the bounds of the @i'th reserved region, and if its pages are left alone; false
 *	if there is none.
 * @later: What early boot does over all regions afterwards, memblock_free_all(), but for the
 *	pages themselves.
 */
struct reserve_side {
	void (*begin)(const struct reserve_machine *machine);
	void (*reserve)(const void *root, const struct reserve_block *blocks, size_t count);
	bool (*region)(size_t i, uint64_t *base, uint64_t *end, bool *noinit);
	void (*later)(void);
};

extern const struct reserve_side reserve_before, reserve_after;

/* Add a block to the tree, as the previous kernel would have; nodes come from @page, zeroed */
void reserve_tree_add(void *root, const struct reserve_block *block, void *(*page)(void));

/* Mark the page structure of a preserved block, as KHO does */
void reserve_mark(uint64_t phys, unsigned int order);

#endif
