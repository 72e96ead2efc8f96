/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: what the kernel's own preserve code needs around it in user space */

#ifndef BENCH_PRESERVE_SHIM_H
#define BENCH_PRESERVE_SHIM_H

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "preserve_kernel.h"

typedef uint64_t u64;
typedef uint64_t phys_addr_t;
typedef uint8_t u8;

#define PAGE_SHIFT 12
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define PFN_PHYS(pfn) ((phys_addr_t)(pfn) << PAGE_SHIFT)

#define BITS_PER_BYTE 8
#define BITS_PER_LONG 64
#define BIT_WORD(nr) ((nr) / BITS_PER_LONG)
#define BITMAP_FIRST_WORD_MASK(start) (~0UL << ((start) & (BITS_PER_LONG - 1)))
#define BITMAP_LAST_WORD_MASK(nbits) (~0UL >> (-(nbits) & (BITS_PER_LONG - 1)))
#define DECLARE_BITMAP(name, bits) unsigned long name[(bits) / BITS_PER_LONG]
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define const_ilog2(n) (63 - __builtin_clzll(n))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define min(a, b) ({ typeof(a) a_ = (a); typeof(b) b_ = (b); a_ < b_ ? a_ : b_; })
#define unlikely(x) __builtin_expect(!!(x), 0)

#define VISIBLE_IF_KUNIT static
#define KUNIT_STATIC_STUB_REDIRECT(...) do { } while (0)
#define EXPORT_SYMBOL(x) struct unused_##x
#define EXPORT_SYMBOL_GPL(x) struct unused_##x
#define EXPORT_SYMBOL_IF_KUNIT(x) struct unused_##x
#define might_sleep() do { } while (0)
/* A warning is a mistake of the benchmark's */
#define WARN_ON(cond) ({ if (unlikely(cond)) abort(); false; })
#define WARN_ON_ONCE WARN_ON
#define kho_scratch_overlap(phys, size) false
/* What the inline functions come to if the number of bits is not known before */
#define bitmap_set __bitmap_set
#define bitmap_clear __bitmap_clear

/* Nobody else wants it, which is what the kernel's fast path is for: one atomic each way */
struct mutex {
	atomic_long owner;
};

static inline struct mutex *mutex_lock(struct mutex *lock)
{
	long nobody = 0;

	if (unlikely(!atomic_compare_exchange_strong_explicit(&lock->owner, &nobody, 1,
							      memory_order_acquire,
							      memory_order_relaxed)))
		abort();
	return lock;
}

static inline void mutex_unlock(struct mutex **lock)
{
	long me = 1;

	atomic_compare_exchange_strong_explicit(&(*lock)->owner, &me, 0, memory_order_release,
						memory_order_relaxed);
}

#define mutex_guard(lock) \
	struct mutex *guarded __attribute__((cleanup(mutex_unlock))) = mutex_lock(lock)
#define guard(kind) kind##_guard

/* Nodes of the tree are the only memory that is really there: mapped one to one */
#define GFP_KERNEL 0
static inline unsigned long get_zeroed_page(int gfp)
{
	void *page = aligned_alloc(PAGE_SIZE, PAGE_SIZE);

	(void)gfp;
	return page ? (unsigned long)memset(page, 0, PAGE_SIZE) : 0;
}
#define free_page(addr) free((void *)(addr))
#define virt_to_phys(virt) ((phys_addr_t)(virt))
#define phys_to_virt(phys) ((void *)(phys))

/* As large as the kernel's, and what is read of it is where the kernel has it */
struct folio {
	unsigned long flags;
	unsigned long compound_head;
	unsigned long unused1[2];
	unsigned long index;
	unsigned long unused2[3];
};

struct ioptdesc {
	unsigned long __page_flags;
	unsigned long unused1[3];
	u8 incoherent;
	u8 preserved;
	u8 unused2[6];
	unsigned long unused3[3];
};

extern struct folio *vmemmap;
#define pfn_folio(pfn) (&vmemmap[pfn])
#define folio_pfn(folio) ((unsigned long)((folio) - vmemmap))
#define folio_ioptdesc(folio) ((struct ioptdesc *)(folio))
#define ioptdesc_folio(iopt) ((struct folio *)(iopt))
#define PG_HEAD (1UL << 6)

static inline unsigned int folio_order(const struct folio *folio)
{
	return folio->flags & PG_HEAD ? (unsigned int)folio[1].flags & 0xff : 0;
}

static inline struct ioptdesc *virt_to_ioptdesc(void *virt)
{
	struct folio *folio = pfn_folio((unsigned long)virt >> PAGE_SHIFT);

	if (unlikely(folio->compound_head & 1))
		folio = (struct folio *)(folio->compound_head - 1);
	return folio_ioptdesc(folio);
}

struct kho_radix_node;
struct kho_radix_tree {
	struct kho_radix_node *root;
	struct mutex lock;
};

static struct {
	struct kho_radix_tree radix_tree;
} kho_out;

struct iommu_pages_batch;
int iommu_preserve_end(struct iommu_pages_batch *batch);
void iommu_unpreserve_end(struct iommu_pages_batch *batch);

#endif
