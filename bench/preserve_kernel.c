// SPDX-License-Identifier: GPL-2.0-only
/* Description: the kernel's preserve path in user space, from the source of build/linux */

#include <sys/mman.h>

#include "preserve_shim.h"
/* What bench/functions has taken out of the kernel's source */
#include "preserve_source.h"

struct folio *vmemmap;

int kernel_boot(size_t pages)
{
	size_t size = pages * sizeof(*vmemmap);

	vmemmap = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	kho_out.radix_tree.root = (struct kho_radix_node *)get_zeroed_page(GFP_KERNEL);
	if (vmemmap == MAP_FAILED || !kho_out.radix_tree.root)
		return -ENOMEM;
	/* The kernel maps its own with large pages, too */
	madvise(vmemmap, size, MADV_HUGEPAGE);
	memset(vmemmap, 0, size);
	return 0;
}

static void *table_at(uint64_t phys)
{
	/* What a struct page is found by; there is nothing behind it */
	return (void *)phys;
}

int kernel_preserve_each(const uint64_t *tables, size_t n)
{
	int err = 0;
	size_t i;

	for (i = 0; i < n && !err; i++)
		err = iommu_preserve_pages(table_at(tables[i]));
	if (err)
		kernel_unpreserve(tables, n);
	return err;
}

int kernel_preserve_batch(const uint64_t *tables, size_t n)
{
	struct iommu_pages_batch batch = {};
	int err = 0;
	size_t i;

	for (i = 0; i < n && !err; i++)
		err = iommu_preserve_add(&batch, table_at(tables[i]));
	if (!err)
		err = iommu_preserve_end(&batch);
	if (err)
		kernel_unpreserve(tables, n);
	return err;
}

void kernel_unpreserve(const uint64_t *tables, size_t n)
{
	struct iommu_pages_batch batch = {};
	size_t i;

	for (i = 0; i < n; i++)
		iommu_unpreserve_add(&batch, table_at(tables[i]));
	iommu_unpreserve_end(&batch);
}

static void mark(const uint64_t *tables, size_t n, bool preserved)
{
	size_t i;

	for (i = 0; i < n; i++)
		virt_to_ioptdesc(table_at(tables[i]))->preserved = preserved;
}

int kernel_floor(const uint64_t *tables, size_t n)
{
	mark(tables, n, true);
	return 0;
}

void kernel_floor_undo(const uint64_t *tables, size_t n)
{
	mark(tables, n, false);
}

static bool is_preserved(uint64_t phys)
{
	unsigned long key = kho_radix_encode_key(phys, 0);
	unsigned long bit = kho_radix_get_bitmap_index(key);
	struct kho_radix_leaf *leaf = kho_radix_get_leaf(&kho_out.radix_tree, key, true);

	return leaf && virt_to_ioptdesc(table_at(phys))->preserved &&
	       leaf->bitmap[BIT_WORD(bit)] >> bit % BITS_PER_LONG & 1;
}

size_t kernel_preserved(const uint64_t *tables, size_t n)
{
	size_t count = 0, i;

	for (i = 0; i < n; i++)
		count += is_preserved(tables[i]);
	return count;
}
