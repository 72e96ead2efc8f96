// SPDX-License-Identifier: GPL-2.0-only
/* Description: what must be refused on the way, and where the agent may die: kernel/HANDOVER.md */

#include "exits.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "complain.h"
#include "handover.h"
#include "kexec.h"
#include "luo.h"
#include "memory.h"
#include "pcidev.h"
#include "resources.h"
#include "sysfile.h"

void exits_tell(struct channel *c, const char *what, const char *bdf, int err, int want)
{
	channel_send(c, "exit", json_pack("{s:s,s:s,s:b,s:s,s:s}", "what", what, "bdf", bdf,
					  "ok", err == want, "got", err ? strerrorname_np(-err) : "0",
					  "want", want ? strerrorname_np(-want) : "0"));
	complaint_clear();
}

static int write_sysfs(const char *bdf, const char *file, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/%s%s/%s", bdf[0] ? "devices/" : "", bdf, file);
	return sysfile_write(path, text);
}

static int read_config(const char *bdf, unsigned int at, uint16_t *word)
{
	char path[96];
	int fd, err = 0;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", bdf);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (pread(fd, word, sizeof(*word), at) != sizeof(*word))
		err = -EIO;
	close(fd);
	return err;
}

/* @config: of the device, or "../config" of its port. */
static int write_config(const char *bdf, const char *config, unsigned int at, uint16_t word)
{
	char path[96];
	int fd, err = 0;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", bdf, config);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (pwrite(fd, &word, sizeof(word), at) != sizeof(word))
		err = -errno;
	close(fd);
	return err;
}

/* Tell what came of @what in @state. */
static void tried(struct channel *c, const char *state, const char *what, const char *bdf, int err,
		  int want)
{
	char text[120];

	snprintf(text, sizeof(text), "%s: %s", state, what);
	exits_tell(c, text, bdf, err, want);
}

/* By whoever is root, in a file of the device's or of its port's. */
static void disturb_by_sysfs(struct channel *c, const char *state, const struct exit_device *d)
{
	static const struct {
		const char *what, *file;
	} ways[] = {
		{ "reset", "reset" },
		{ "removal", "remove" },
		{ "reset of its bus", "../reset_subordinate" },
		{ "removal of its port", "../remove" },
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		tried(c, state, ways[i].what, d->bdf, write_sysfs(d->bdf, ways[i].file, "1"),
		      -EBUSY);
}

/* By registers: a power state, and COMMAND with memory decoding and no more. */
#define D3HOT 3
#define NO_MASTER PCI_COMMAND_MEMORY

static void disturb_by_config(struct channel *c, const char *state, const struct exit_device *d,
			      unsigned int power)
{
	tried(c, state, "bus mastering off by sysfs", d->bdf,
	      write_config(d->bdf, "config", PCI_COMMAND, NO_MASTER), -EBUSY);
	tried(c, state, "D3hot by sysfs", d->bdf,
	      power ? write_config(d->bdf, "config", power, D3HOT) : -ENXIO, -EBUSY);
	/* A header, which nothing would come of: it stands for ATS and the like. */
	tried(c, state, "a write to extended config space", d->bdf,
	      write_config(d->bdf, "config", PCI_CFG_SPACE_SIZE, 0), -EBUSY);
	tried(c, state, "reset of its bus by its port's config", d->bdf,
	      write_config(d->bdf, "../config", PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET),
	      -EBUSY);
}

/* By whoever has the file of it. */
static void disturb_by_user(struct channel *c, const char *state, const struct exit_device *d,
			    unsigned int power)
{
	tried(c, state, "VFIO_DEVICE_RESET", d->bdf, vfio_reset(d->vfio), -EBUSY);
	tried(c, state, "VFIO_DEVICE_PCI_HOT_RESET", d->bdf, vfio_hot_reset(d->vfio), -EBUSY);
	tried(c, state, "low power by its user", d->bdf, vfio_low_power(d->vfio), -EBUSY);
	tried(c, state, "D3hot by its user", d->bdf,
	      power ? vfio_write_config(d->vfio, power, D3HOT) : -ENXIO, -EBUSY);
	tried(c, state, "bus mastering off by its user", d->bdf,
	      vfio_write_config(d->vfio, PCI_COMMAND, NO_MASTER), -EBUSY);
}

static int set_size(int memfd, off_t size)
{
	return ftruncate(memfd, size) ? -errno : 0;
}

static int punch(int memfd)
{
	return fallocate(memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) ? -errno : 0;
}

/*
 * Page-out is not tried: this kernel has no swap (configs/kernel/lab.config), and what is in a
 * memfd can go nowhere else.
 */
static void disturb_memory(struct channel *c, const char *state, const struct exit_device *d)
{
	tried(c, state, "truncate of the memory", d->bdf, set_size(d->memfd, 0), -EPERM);
	tried(c, state, "a hole in the memory", d->bdf, punch(d->memfd), -EPERM);
}

void exits_disturb(struct channel *c, const char *state, const struct exit_device *d, bool bound)
{
	unsigned int power = pcidev_power_control(d->bdf);

	disturb_by_sysfs(c, state, d);
	disturb_by_config(c, state, d, power);
	if (bound)
		disturb_by_user(c, state, d, power);
	disturb_memory(c, state, d);
	exits_master(c, state, d->bdf);
}

void exits_preserved(struct channel *c, const struct exit_device *d)
{
	struct iommu_map other = { .iova = d->map->iova };

	exits_disturb(c, "PRESERVED", d, true);
	exits_tell(c, "PRESERVED: a new page table", d->bdf,
		   iommu_map(&other, d->iommufd, d->memfd, HUGE_SIZE, d->vfio), -EBUSY);
	exits_tell(c, "PRESERVED: attach", d->bdf, vfio_attach(d->vfio, d->map), -EBUSY);
	exits_tell(c, "PRESERVED: detach", d->bdf, vfio_detach(d->vfio), -EBUSY);
}

/* Whoever opens the device and binds it to an iommufd of his own, is not who preserved it. */
static int foreign_bind(const char *bdf)
{
	struct vfio v = { .fd = -1 };
	int iommufd = iommu_open(), err = iommufd < 0 ? iommufd : vfio_open(&v, bdf);

	if (!err)
		err = vfio_bind(&v, iommufd);
	if (v.fd >= 0)
		close(v.fd);
	if (iommufd >= 0)
		close(iommufd);
	return err;
}

void exits_live(struct channel *c, const struct exit_device *d)
{
	char bind[64], driver[64];

	exits_disturb(c, "LIVE", d, false);
	snprintf(bind, sizeof(bind), "drivers/%s/bind", d->driver);
	write_sysfs(d->bdf, "driver_override", d->driver);
	write_sysfs("", bind, d->bdf);
	write_sysfs(d->bdf, "driver_override", "\n");
	pcidev_driver(d->bdf, driver, sizeof(driver));
	exits_tell(c, "LIVE: the kernel's own driver", d->bdf,
		   strcmp(driver, d->driver) == 0 ? 0 : -EBUSY, -EBUSY);
	if (!pcidev_bind_vfio(d->bdf))
		exits_tell(c, "LIVE: a foreign iommufd", d->bdf, foreign_bind(d->bdf), -EBUSY);
}

int exits_load_bare(void)
{
	static const uint8_t halt[4096] = { 0xf4 };
	struct kexec_segment segment = {
		.buf = halt, .bufsz = sizeof(halt), .mem = (void *)(uintptr_t)(64 << 20),
		.memsz = sizeof(halt),
	};

	if (syscall(SYS_kexec_load, 64UL << 20, 1UL, &segment, KEXEC_ARCH_DEFAULT))
		return complain(-errno, "an image cannot be loaded by kexec_load");
	return 0;
}

void exits_quiet(struct channel *c, const char *bdf)
{
	uint16_t command = 0xffff;
	int err = read_config(bdf, PCI_COMMAND, &command);

	if (!err && command & PCI_COMMAND_MASTER)
		err = -EBUSY;
	exits_tell(c, "bus mastering is off", bdf, err, 0);
}

void exits_master(struct channel *c, const char *state, const char *bdf)
{
	uint16_t command = 0;
	int err = read_config(bdf, PCI_COMMAND, &command);

	if (!err && !(command & PCI_COMMAND_MASTER))
		err = -EIO;
	tried(c, state, "bus mastering is still on", bdf, err, 0);
}

/* How many pages of @m are not where they were; -errno. */
static long moved(const struct exit_memory *m)
{
	uint64_t *now = m->frames ? memory_frames(m->memory) : NULL;
	long n = now ? (long)memory_moved(m->frames, now, memory_pages(m->memory)) : -EIO;

	free(now);
	return n;
}

#define LOOSE_SIZE (16 * MIB)

/*
 * Memory that may be moved, and between its pages gaps for whatever is. To be unmapped by the
 * caller; NULL: there is none.
 */
static uint8_t *make_loose(void)
{
	uint8_t *loose = mmap(NULL, 2 * LOOSE_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (loose == MAP_FAILED)
		return NULL;
	for (size_t at = 0; at < LOOSE_SIZE; at += SMALL_SIZE)
		loose[at] = loose[LOOSE_SIZE + at] = 1;
	/* Or else a processor would keep for itself all that it frees. */
	sysfile_write("/proc/sys/vm/percpu_pagelist_high_fraction", "1000");
	munmap(loose + LOOSE_SIZE, LOOSE_SIZE);
	return loose;
}

/* How many pages it has moved; -errno. */
static int64_t compact(void)
{
	uint8_t *loose = make_loose();
	int64_t before = resources_moved_pages();
	int err = loose ? sysfile_write("/proc/sys/vm/compact_memory", "1") : -ENOMEM;

	if (loose)
		munmap(loose, LOOSE_SIZE);
	return err ? err : resources_moved_pages() - before;
}

void exits_compaction(struct channel *c, const char *state, struct exit_memory *held, size_t count)
{
	int64_t n;

	for (size_t i = 0; i < count; i++)
		held[i].frames = memory_frames(held[i].memory);
	/* If it did nothing, it would say nothing that these stay. */
	n = compact();
	tried(c, state, "compaction moves pages", "", n < 0 ? (int)n : n ? 0 : -ENODATA, 0);
	for (size_t i = 0; i < count; i++) {
		n = moved(&held[i]);
		tried(c, state, held[i].what, "", n < 0 ? (int)n : n ? -EREMCHG : 0, 0);
		free(held[i].frames);
	}
}

void exits_logged(struct channel *c, const char *text, uint64_t want)
{
	uint64_t lines = kernel_log_lines(text);
	char what[160];

	snprintf(what, sizeof(what), "lines of the log that say \"%s\": %llu, must be %llu", text,
		 (unsigned long long)lines, (unsigned long long)want);
	exits_tell(c, what, "", lines == want ? 0 : lines ? -E2BIG : -ENOENT, 0);
}

static int put(const char *file, const char *text)
{
	int err = sysfile_write(file, text);

	return err ? complain(err, "%s does not take %s", file, text) : 0;
}

int exits_inject(const char *fault)
{
	return put("/sys/module/handover/parameters/inject", fault);
}

int exits_bring_down(const char *how)
{
	int err;

	if (strcmp(how, "reboot") == 0) {
		reboot(RB_AUTOBOOT);
		return complain(-errno, "the kernel refuses to restart the machine");
	}
	err = put("/proc/sys/kernel/panic", "-1");
	return err ? err : put("/proc/sysrq-trigger", "c");
}

/* Where the declaration of bzImage @fd is (Documentation/arch/x86/boot.rst); -errno. */
static off_t find_declaration(int fd, size_t size)
{
	static const uint32_t mark[] = { 0x52564f48, 16 };	/* "HOVR", bytes */
	uint8_t *image = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0), *at;

	if (image == MAP_FAILED)
		return complain(-errno, "the kernel image cannot be read");
	at = memmem(image, size, mark, sizeof(mark));
	munmap(image, size);
	return at ? at - image : complain(-ENOENT, "the image declares nothing of hand-overs");
}

static int load_changed(int kernel, int initrd, const char *cmdline, size_t offset, uint32_t word)
{
	char path[40];
	off_t size, at;
	int fd, err;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", kernel);
	fd = memory_from_file("foreign", path);
	if (fd < 0)
		return fd;
	size = lseek(fd, 0, SEEK_END);
	at = find_declaration(fd, (size_t)size);
	err = at < 0 ? (int)at : 0;
	if (!err && pwrite(fd, &word, 4, at + (off_t)offset) != 4)
		err = complain(-EIO, "the image cannot be changed");
	if (!err)
		err = kexec_load(fd, initrd, cmdline);
	close(fd);
	return err;
}

void exits_foreign_images(struct channel *c, int kernel, int initrd, const char *cmdline)
{
	static const struct {
		const char *what;
		size_t offset;
		uint32_t word;
	} changes[] = {
		{ "declares nothing", 0, 0 },
		{ "reads only later versions", 8, 9999 },
		{ "reads only earlier versions", 12, 1 },
	};
	char what[80];

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		snprintf(what, sizeof(what), "PRESERVED: load of an image that %s", changes[i].what);
		exits_tell(c, what, "", load_changed(kernel, initrd, cmdline, changes[i].offset,
						     changes[i].word), 0);
		exits_tell(c, "PRESERVED: the jump into that", "", kexec_jump(), -EINVAL);
	}
}

static int retrieve_and_close(int session, uint64_t token)
{
	int fd = luo_retrieve_fd(session, token, "device");

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

void exits_driver_absent(struct channel *c, const struct exit_device *d, int session)
{
	exits_tell(c, "LIVE: its driver is unbound", d->bdf,
		   write_sysfs(d->bdf, "driver/unbind", d->bdf), 0);
	exits_tell(c, "LIVE: retrieve without a driver", d->bdf,
		   retrieve_and_close(session, d->vfio_token), -EAGAIN);
	exits_tell(c, "LIVE: the driver is back", d->bdf, pcidev_bind_vfio(d->bdf), 0);
	exits_tell(c, "LIVE: retrieve with it", d->bdf,
		   retrieve_and_close(session, d->vfio_token), 0);
}

void exits_memory_back(struct channel *c, int64_t want, int64_t spare)
{
	int64_t now = resources_free_kib();
	char what[120];

	spare += resources_withheld_kib();
	/* Some of it is freed by work that is still queued. */
	for (int i = 0; i < 30 && now + spare < want; i++) {
		sleep_ms(100);
		now = resources_free_kib();
	}
	snprintf(what, sizeof(what), "memory is back: %lld KiB free, of %lld", (long long)now,
		 (long long)want);
	exits_tell(c, what, "", now + spare < want ? -ENOMEM : 0, 0);
}
