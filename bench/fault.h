/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: tables that the previous kernel has left in disorder, to see who notices */
#ifndef HF_BENCH_FAULT_H
#define HF_BENCH_FAULT_H

#include <stddef.h>
#include <stdint.h>

enum fault {
	FAULT_NONE,
	FAULT_TWICE,		/* two entries lead to one table, and none to another */
	FAULT_FOREIGN,		/* an entry leads to memory that was never preserved */
	FAULT_OUTSIDE,		/* an entry leads to where there is no memory */
	FAULT_UNREADABLE,	/* no fault, but whoever reads a table of leaves is killed */
	FAULTS
};

extern const char *const fault_names[FAULTS];

/**
 * fault_plant() - Spoil a preserved page table
 * @inner: physical address of a table with two entries or more, which lead to tables of leaves
 * @leaf: all tables of leaves
 * @count: how many
 */
void fault_plant(enum fault fault, uint64_t inner, const uint64_t *leaf, size_t count);

#endif
