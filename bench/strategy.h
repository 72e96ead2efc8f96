/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: page tables of each format, and the ways in which they are restored and freed */
#ifndef HF_BENCH_STRATEGY_H
#define HF_BENCH_STRATEGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One restore with the free that follows it; times in nanoseconds */
struct restore {
	uint64_t retrieve;	/* what has to be waited for before a device can be used */
	uint64_t walk;		/* taking ownership of all tables, wherever that runs */
	uint64_t total;		/* that, and giving all of them to the allocator */
	uint64_t tables;	/* owned */
	uint64_t bad;		/* pointers to what is no preserved table */
	uint64_t entries;	/* read; 0 if this run has not counted */
	uint64_t lines;		/* of tables read, 64 bytes each; 0 as above */
};

/*
 * A format. It has one table at a time, on the memory of bench/model.h, made and preserved
 * by the functions of the kernel.
 */
struct format {
	const char *name;
	bool next_level;	/* entries say what level is below, else bit 7 is set in leaves */

	/* Bit n is set if a leaf can be 2^n bytes */
	uint64_t (*leaf_sizes)(void);

	/* An empty table. Returns 0 or -errno. */
	int (*create)(void);

	/* @leaf bytes for each leaf, @iova to the same address. Returns 0 or -errno. */
	int (*map)(uint64_t iova, uint64_t len, uint64_t leaf);

	/* Returns 0 or -errno. The old kernel ends here. */
	int (*preserve)(void);

	/* Call @fn for each table in the order of a walk; @level is 0 if it has only leaves */
	void (*for_each_table)(void (*fn)(void *arg, uint64_t phys, unsigned int level), void *arg);

	/*
	 * The strategies. @count: count entries and lines, which takes time, for those that
	 * do not count by themselves.
	 */
	void (*every_entry)(struct restore *result, bool count);
	void (*per_page)(struct restore *result, bool count);
	/* The kernel's functions. They free as they walk, so the walk alone cannot be timed. */
	void (*ours)(struct restore *result);
};

extern const struct format format_amdv1, format_vtdss, format_x86_64;

/**
 * floor_restore() - Touch what any correct restore has to touch
 * @next_level: of the format
 * @inner: physical addresses of all tables that have more than leaves, in the order of a walk
 * @count: how many
 * @top: physical address of the top table
 * @free: free the pages, too, as soon as there is a batch of them
 */
void floor_restore(struct restore *result, bool next_level, const uint64_t *inner, size_t count,
		   uint64_t top, bool free);

#endif
