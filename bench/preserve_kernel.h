/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: the kernel's preserve path in user space, from the source of build/linux */

#ifndef BENCH_PRESERVE_KERNEL_H
#define BENCH_PRESERVE_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/*
 * Memory of the modelled machine: struct pages 0 to @pages - 1, and KHO's empty radix tree.
 * Returns 0 or -ENOMEM. Once in a process.
 */
int kernel_boot(size_t pages);

/*
 * @tables: physical addresses of @n page tables, as the entries that lead to them hold them, in
 * the order of the walk. Preserve returns 0 or -errno; then nothing is preserved.
 */
int kernel_preserve_each(const uint64_t *tables, size_t n);	/* each by a call of its own */
int kernel_preserve_batch(const uint64_t *tables, size_t n);	/* as the kernel's walk does */
void kernel_unpreserve(const uint64_t *tables, size_t n);

/* No less can do it: reads each entry and marks each struct page. Nothing is preserved. */
int kernel_floor(const uint64_t *tables, size_t n);
void kernel_floor_undo(const uint64_t *tables, size_t n);

/* How many of the tables have both their mark and their bit in KHO's tree. */
size_t kernel_preserved(const uint64_t *tables, size_t n);

#endif
