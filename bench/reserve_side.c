// SPDX-License-Identifier: GPL-2.0-only
/* Description: the kernel's memblock.c in user space, for bench/reserve.c; compiled twice */

/*
 * MEMBLOCK_C is the source: that of the base without, that of build/linux with RESERVE_AFTER. Of
 * all symbols only SIDE and reserve_tree_add() leave the object, see bench/reserve.mk. The
 * headers are those of the kernel's own tools/testing/memblock.
 */

#include <linux/bitmap.h>
#include <linux/kernel.h>
#include <linux/memblock.h>

/* mm/internal.h is far too much for user space. tools/testing/memblock has one for it. */
#define __MM_INTERNAL_H
#include "internal.h"

/* stdout is for the document */
#undef pr_info
#define pr_info(...) ((void)0)
#undef printk
#define printk(...) fprintf(stderr, __VA_ARGS__)

#include MEMBLOCK_C

/* What the ABI header and kho_reserve.c find in other headers than those of tools/ */
#define _LINUX_MINMAX_H
#define const_ilog2(n) (63 - __builtin_clzll(n))
#define __ro_after_init
static inline u64 sched_clock(void) { return 0; }

#include <linux/kho/abi/kexec_handover.h>
#include "bench/reserve_side.h"

/* What memblock.c leaves to others: there is no slab, and no node is online */
bool movable_node_enabled;
bool slab_is_available(void) { return false; }
void *kmalloc(size_t size, gfp_t gfp) { return NULL; }
void kfree(void *p) { }
struct pglist_data *first_online_pgdat(void) { return NULL; }
struct pglist_data *next_online_pgdat(struct pglist_data *pgdat) { return NULL; }
void atomic_long_set(atomic_long_t *v, long i) { }

/* As many regions as a kernel has reserved for itself when KHO's turn comes */
#define KERNEL_REGIONS 100

static void reset(struct memblock_type *type, struct memblock_region *regions, unsigned long max)
{
	memset(regions, 0, max * sizeof(*regions));
	type->regions = regions;
	type->cnt = 0;
	type->max = max;
	type->total_size = 0;
}

static void side_begin(const struct reserve_machine *machine)
{
	phys_addr_t scratch = (phys_addr_t)machine->scratch;
	phys_addr_t part = machine->top / machine->nodes;

	reset(&memblock.memory, memblock_memory_init_regions, INIT_MEMBLOCK_MEMORY_REGIONS);
	reset(&memblock.reserved, memblock_reserved_init_regions, INIT_MEMBLOCK_RESERVED_REGIONS);
	memblock_allow_resize();

	for (unsigned int i = 0; i < machine->nodes; i++)
		memblock_add_node(part * i, part, (int)i, MEMBLOCK_NONE);
	memblock_add_node(scratch, machine->scratch_size, 0, MEMBLOCK_NONE);
	memblock_mark_kho_scratch(scratch, machine->scratch_size);
	memblock_set_kho_scratch_only();
	for (unsigned int i = 0; i < KERNEL_REGIONS; i++)
		memblock_reserve_kern(scratch + i * SZ_8K, SZ_4K);
}

static bool side_region(size_t i, uint64_t *base, uint64_t *end, bool *noinit)
{
	const struct memblock_region *region = &memblock.reserved.regions[i];

	if (i >= memblock.reserved.cnt)
		return false;
	*base = region->base;
	*end = region->base + region->size;
	*noinit = region->flags == MEMBLOCK_RSRV_NOINIT;
	return true;
}

#ifdef RESERVE_AFTER
#include "kernel/liveupdate/kho_reserve.c"

void kho_mark_preserved(phys_addr_t phys, unsigned int order)
{
	reserve_mark(phys, order);
}

static void side_reserve(const void *root, const struct reserve_block *blocks, size_t count)
{
	kho_reserve_preserved(root);
}

void reserve_tree_add(void *root, const struct reserve_block *block, void *(*page)(void))
{
	unsigned long key = 1UL << (KHO_ORDER_0_LOG2 - block->order) |
			    block->phys >> (PAGE_SHIFT + block->order);
	unsigned long bit = key % (1UL << KHO_BITMAP_SIZE_LOG2);
	struct kho_radix_node *node = root;

	for (int level = KHO_TREE_MAX_DEPTH - 1; level > 0; level--) {
		int shift = KHO_BITMAP_SIZE_LOG2 + (level - 1) * KHO_TABLE_SIZE_LOG2;
		u64 *entry = &node->table[(key >> shift) % (1UL << KHO_TABLE_SIZE_LOG2)];

		if (!*entry)
			*entry = virt_to_phys(page());
		node = phys_to_virt(*entry);
	}
	((struct kho_radix_leaf *)node)->bitmap[bit / BITS_PER_LONG] |= 1UL << bit % BITS_PER_LONG;
}
#else
/* What the base does in the callback of its walk, kho_preserved_memory_reserve() */
static void side_reserve(const void *root, const struct reserve_block *blocks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		phys_addr_t size = PAGE_SIZE << blocks[i].order;

		memblock_reserve(blocks[i].phys, size);
		memblock_reserved_mark_noinit(blocks[i].phys, size);
		reserve_mark(blocks[i].phys, blocks[i].order);
	}
}
#endif

const struct reserve_side SIDE = {
	.begin = side_begin,
	.reserve = side_reserve,
	.region = side_region,
	.later = memblock_free_all,
};
