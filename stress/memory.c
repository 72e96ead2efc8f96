// SPDX-License-Identifier: GPL-2.0-only
/* Description: memfds that outlive a kernel, and the layout of the one for DMA */

#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "complain.h"

/* What the machine needs beside our memory to load a kernel and to jump. */
#define SPARE (256 * MIB)

size_t dma_size(unsigned int slots)
{
	size_t size = DMA_SLOTS + (size_t)slots * DMA_SLOT_SIZE;

	return (size + HUGE_SIZE - 1) / HUGE_SIZE * HUGE_SIZE;
}

static uint64_t available_memory(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			break;
	}
	if (f)
		fclose(f);
	return kib * 1024;
}

/* Map @m at an address that is a multiple of 2 MiB, as huge pages need it. */
static int map_aligned(struct memory *m)
{
	uint8_t *room = mmap(NULL, m->size + HUGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			     -1, 0);
	uintptr_t at;

	if (room == MAP_FAILED)
		return -errno;
	at = ((uintptr_t)room + HUGE_SIZE - 1) / HUGE_SIZE * HUGE_SIZE;
	m->map = mmap((void *)at, m->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, m->fd,
		      0);
	return m->map == MAP_FAILED ? -errno : 0;
}

int memory_check_huge(const struct memory *m)
{
	unsigned long start = (unsigned long)(uintptr_t)m->map, from, to, kib, huge_kib = 0;
	FILE *f = fopen("/proc/self/smaps", "re");
	char line[256];
	int inside = 0;

	if (!f)
		return complain(-errno, "/proc/self/smaps");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = from >= start && to <= start + m->size;
		else if (inside && sscanf(line, "ShmemPmdMapped: %lu kB", &kib) == 1)
			huge_kib += kib;
	}
	fclose(f);
	if (huge_kib * 1024 == m->size)
		return 0;
	return complain(-EOPNOTSUPP, "DMA memory: only %lu of %lu MiB are in pages of 2 MiB "
			"(transparent_hugepage_shmem=advise on the kernel command line?)",
			huge_kib / 1024, (unsigned long)(m->size / MIB));
}

static int create(struct memory *m, const char *name, size_t size)
{
	if (available_memory() < size + SPARE)
		return complain(-ENOMEM, "not enough memory: %s needs %zu MiB and %lu to spare, "
				"%llu are available", name, (size + MIB - 1) / MIB, SPARE / MIB,
				(unsigned long long)available_memory() / MIB);
	m->size = size;
	m->fd = memfd_create(name, MFD_CLOEXEC);
	if (m->fd < 0 || ftruncate(m->fd, (off_t)size))
		return complain(-errno, "%s memory cannot be made", name);
	return 0;
}

int memory_create_huge(struct memory *m, const char *name, size_t size)
{
	int err = create(m, name, size);

	if (!err)
		err = map_aligned(m);
	/* An error here shows as small pages below, with a better text. */
	if (!err)
		madvise(m->map, size, MADV_HUGEPAGE);
	if (err)
		return complain(err, "%s memory cannot be mapped", name);
	memset(m->map, 0, size);
	return memory_check_huge(m);
}

int memory_create(struct memory *m, const char *name, size_t size)
{
	int err = create(m, name, size);

	if (err)
		return err;
	m->map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
	if (m->map == MAP_FAILED)
		return complain(-errno, "%s memory cannot be mapped", name);
	memset(m->map, 0, size);
	return 0;
}

static int take(struct memory *m, int fd)
{
	struct stat st;

	m->fd = fd;
	if (fstat(fd, &st) || !st.st_size)
		return complain(-EINVAL, "a retrieved memory has no size");
	m->size = (size_t)st.st_size;
	return 0;
}

int memory_adopt(struct memory *m, int fd)
{
	int err = take(m, fd);

	if (err)
		return err;
	m->map = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return m->map == MAP_FAILED ? complain(-errno, "a retrieved memory cannot be mapped") : 0;
}

int memory_adopt_huge(struct memory *m, int fd)
{
	int err = take(m, fd);

	if (err)
		return err;
	err = map_aligned(m);
	if (err)
		return complain(err, "the retrieved DMA memory cannot be mapped");
	madvise(m->map, m->size, MADV_HUGEPAGE);
	for (size_t at = 0; at < m->size; at += HUGE_SIZE)
		(void)*(volatile uint8_t *)(m->map + at);
	return 0;
}

void memory_drop(struct memory *m)
{
	munmap(m->map, m->size);
	close(m->fd);
	*m = (struct memory){ .fd = -1 };
}

/* Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT (1ULL << 63)
#define PAGEMAP_FRAME ((1ULL << 55) - 1)

uint64_t memory_frame(uint64_t entry)
{
	return entry & PAGEMAP_PRESENT ? entry & PAGEMAP_FRAME : 0;
}

size_t memory_moved(const uint64_t *before, const uint64_t *now, size_t pages)
{
	size_t moved = 0;

	for (size_t i = 0; i < pages; i++)
		moved += before[i] != now[i];
	return moved;
}

/* A page that is not mapped yet has no entry: each is looked at first. */
static size_t read_frames(const struct memory *m, uint64_t *frames, size_t pages)
{
	off_t at = (off_t)((uintptr_t)m->map / SMALL_SIZE * sizeof(*frames));
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	size_t known = 0;

	for (size_t i = 0; i < pages; i++)
		(void)*(volatile uint8_t *)(m->map + i * SMALL_SIZE);
	if (fd < 0 || pread(fd, frames, pages * sizeof(*frames), at) !=
	    (ssize_t)(pages * sizeof(*frames)))
		pages = 0;
	if (fd >= 0)
		close(fd);
	for (size_t i = 0; i < pages; i++) {
		frames[i] = memory_frame(frames[i]);
		known += frames[i] != 0;
	}
	return known;
}

uint64_t *memory_frames(const struct memory *m)
{
	size_t pages = memory_pages(m);
	uint64_t *frames = malloc(pages * sizeof(*frames));

	if (frames && read_frames(m, frames, pages) == pages)
		return frames;
	free(frames);
	complain(-EIO, "it is not known in which pages the memory is");
	return NULL;
}

int memory_from_file(const char *name, const char *path)
{
	int from = open(path, O_RDONLY | O_CLOEXEC);
	int to = memfd_create(name, MFD_CLOEXEC);
	ssize_t n = -1;

	if (from >= 0 && to >= 0) {
		do
			n = sendfile(to, from, NULL, 16 * MIB);
		while (n > 0);
	}
	if (n < 0)
		complain(-errno, "%s cannot be read", path);
	if (from >= 0)
		close(from);
	if (!n && lseek(to, 0, SEEK_CUR) > 0)
		return to;
	if (to >= 0)
		close(to);
	return complain(-ENODATA, "%s is empty", path);
}

uint64_t memory_top_of_ram(void)
{
	FILE *f = fopen("/proc/iomem", "re");
	unsigned long long from, to, top = 0;
	char line[160], what[32];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %llx-%llx : %31[^\n]", &from, &to, what) == 3 &&
		    strcmp(what, "System RAM") == 0 && to + 1 > top)
			top = to + 1;
	}
	if (f)
		fclose(f);
	/* "0-0" lines: not root. */
	return top > 1 ? top : 0;
}
