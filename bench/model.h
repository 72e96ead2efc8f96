/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: memory of a machine whose kernel has just been replaced, in user space */
#ifndef HF_BENCH_MODEL_H
#define HF_BENCH_MODEL_H

/*
 * One machine at a time: physical memory, the struct page of each page of it, zones and nodes,
 * the allocator's lists, and which pages the previous kernel has preserved. All that a restore
 * and a free touch is kernel code from build/linux (bench/walk.mk names the functions) on top
 * of this memory. Not thread safe.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model_options {
	unsigned int nodes;	/* NUMA nodes with memory: 1 to 16 */
	unsigned int spread;	/* physical memory, as a multiple of the pages wanted; at least 1 */
	bool scattered;		/* hand out pages in a random order, else by ascending address */
	bool huge;		/* back memory and struct pages with huge pages, if there are any */
	uint64_t seed;		/* of the random order */
};

/* What became of the preserved pages, see model_audit() */
struct model_audit {
	size_t freed;		/* preserved, and on a list of the allocator now */
	size_t kept;		/* preserved, and not taken over by anybody */
	size_t limbo;		/* taken over, but not free */
	size_t foreign;		/* never preserved, and on a list of the allocator */
	size_t twice;		/* on more than one list */
	long accounted;		/* pages by which the managed memory of all zones has grown */
	long stats;		/* NR_IOMMU_PAGES, which must be 0 once all is free */
};

/* Bytes that a machine takes, about, with @pages of them allocated */
uint64_t model_needs(const struct model_options *options, size_t pages);

/**
 * model_create() - Set up a machine
 * @options: copied
 * @pages: how many pages will be allocated, at least
 *
 * Returns 0 or -errno; -ENOMEM also if the address space is not there.
 */
int model_create(const struct model_options *options, size_t pages);
void model_destroy(void);

/**
 * model_kexec() - Boot the next kernel
 *
 * All pages that were preserved get the struct page that KHO leaves them with, the lists of the
 * allocator are empty. To be called before each restore, also the first.
 */
void model_kexec(void);

/**
 * model_evict() - Throw the struct pages of all preserved pages out of all caches
 */
void model_evict(void);

/* Throw a table's memory out of all caches, or read it */
void model_evict_table(uint64_t phys);
void model_touch_table(uint64_t phys);

/**
 * model_audit() - Count what became of the preserved pages since model_kexec()
 *
 * Returns 0 or -ENOMEM.
 */
int model_audit(struct model_audit *audit);

/**
 * model_preserved() - The pages that were preserved, in that order
 * @count: how many
 *
 * Returns PFNs, valid until model_destroy().
 */
const uint32_t *model_preserved(size_t *count);

/* Does user space get huge pages when it asks for them? */
bool model_has_huge_pages(void);

/* Where a physical address is here */
void *model_memory(uint64_t phys);

/* A page that is somebody else's: not preserved. There is one if spread is 2 or more. */
uint64_t model_foreign_page(void);

/* Whoever reads a table from now on is killed */
void model_forbid(uint64_t phys);

/*
 * Nothing is freed: what folios_put() is given is lost. So that a walk which frees as it goes can
 * be timed without the allocator.
 */
extern bool model_free_nothing;

/* Lines that the kernel has logged: errors, since nothing else is */
extern unsigned long model_log_lines;
/* Do not show them: they are wanted */
extern bool model_log_quiet;

#endif
