/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: memfds that outlive a kernel, and the layout of the one for DMA */

#ifndef HF_MEMORY_H
#define HF_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#define MIB (1024UL * 1024)
#define HUGE_SIZE (2 * MIB)
#define SMALL_SIZE 4096UL

/* In either layout of DMA memory: queues or rings before, data slots from here on. */
#define DMA_DATA HUGE_SIZE

/*
 * The DMA memfd, by byte offset. Device addresses (IOVA) are the same offsets
 * from a base that is above all RAM. Whatever is not named here is canary.
 *
 *	0x000000  admin submission queue, one page
 *	0x001000  admin completion queue, one page
 *	0x002000  data of admin commands, one page
 *	0x010000  I/O completion queue, 4096 * 16 bytes
 *	0x040000  I/O submission queue, 4096 * 64 bytes
 *	0x200000  slots of 12 KiB: a command's data (4160 bytes, over two pages),
 *	          canary to the end of the second page, and a third page of canary
 */
#define DMA_ADMIN_SQ	0x0
#define DMA_ADMIN_CQ	0x1000
#define DMA_ADMIN_DATA	0x2000
#define DMA_ADMIN_END	0x3000
#define DMA_IO_CQ	0x10000
#define DMA_IO_CQ_END	0x20000
#define DMA_IO_SQ	0x40000
#define DMA_IO_SQ_END	0x80000
#define DMA_SLOTS	DMA_DATA
#define DMA_SLOT_SIZE	0x3000

/* A memfd and our mapping of it. */
struct memory {
	int fd;
	uint8_t *map;
	size_t size;
};

/* How many small pages it is; the last one may be part of one. */
static inline size_t memory_pages(const struct memory *m)
{
	return (m->size + SMALL_SIZE - 1) / SMALL_SIZE;
}

/* Bytes of DMA memory for @slots commands: whole 2 MiB pages. */
size_t dma_size(unsigned int slots);

/*
 * Make and map a memfd in pages of 2 MiB, all present. -ENOMEM: the machine has
 * not enough memory. -EOPNOTSUPP: some of it came in smaller pages.
 */
int memory_create_huge(struct memory *m, const char *name, size_t size);

/* Make and map a memfd of @size bytes, present and zero. */
int memory_create(struct memory *m, const char *name, size_t size);

/* Map a memfd that was retrieved; takes @fd. @huge as memory_check_huge(). */
int memory_adopt(struct memory *m, int fd);
int memory_adopt_huge(struct memory *m, int fd);

/* Unmap and close an adopted one that is not what it should be: its map is NULL then. */
void memory_drop(struct memory *m);

/*
 * Is every byte of @m mapped by 2 MiB entries? Only whole 2 MiB folios can be,
 * so this also says what the leaves of an IOMMU's table over it can be.
 * 0, or -EOPNOTSUPP with a complaint.
 */
int memory_check_huge(const struct memory *m);

/*
 * The physical page behind each 4 KiB of @m, to be freed by the caller. NULL with a complaint:
 * not known of all of them.
 */
uint64_t *memory_frames(const struct memory *m);

/* Of one entry of /proc/PID/pagemap: the physical page, 0 if there is none or it is not told. */
uint64_t memory_frame(uint64_t entry);

/* How many of @pages are not where they were. */
size_t memory_moved(const uint64_t *before, const uint64_t *now, size_t pages);

/* A memfd with the content of the file at @path. Returns it, or -errno. */
int memory_from_file(const char *name, const char *path);

/* The first byte above all RAM of the machine; 0 if it cannot be known. */
uint64_t memory_top_of_ram(void);

#endif /* HF_MEMORY_H */
