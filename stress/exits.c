// SPDX-License-Identifier: GPL-2.0-only
/* Description: what must be refused on the way, and where the agent may die: kernel/HANDOVER.md */

#include "exits.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "complain.h"
#include "memory.h"
#include "pcidev.h"

void exits_tell(struct channel *c, const char *what, const char *bdf, int err, int want)
{
	channel_send(c, "exit", json_pack("{s:s,s:s,s:b,s:s,s:s}", "what", what, "bdf", bdf,
					  "ok", err == want,
					  "got", err ? strerrorname_np(-err) : "0",
					  "want", want ? strerrorname_np(-want) : "0"));
	complaint_clear();
}

static int write_sysfs(const char *bdf, const char *file, const char *text)
{
	char path[128];
	int fd, err = 0;

	snprintf(path, sizeof(path), "/sys/bus/pci/%s%s/%s", bdf[0] ? "devices/" : "", bdf, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int set_size(int memfd, off_t size)
{
	return ftruncate(memfd, size) ? -errno : 0;
}

static int punch(int memfd)
{
	return fallocate(memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) ? -errno : 0;
}

void exits_preserved(struct channel *c, const struct exit_device *d)
{
	struct iommu_map other = { .iova = d->map->iova };

	exits_tell(c, "PRESERVED: reset", d->bdf, write_sysfs(d->bdf, "reset", "1"), -EBUSY);
	exits_tell(c, "PRESERVED: a new page table", d->bdf,
		   iommu_map(&other, d->iommufd, d->memfd, HUGE_SIZE, d->vfio), -EBUSY);
	exits_tell(c, "PRESERVED: attach", d->bdf, vfio_attach(d->vfio, d->map), -EBUSY);
	exits_tell(c, "PRESERVED: detach", d->bdf, vfio_detach(d->vfio), -EBUSY);
	exits_tell(c, "PRESERVED: truncate of the memory", d->bdf, set_size(d->memfd, 0), -EPERM);
	exits_tell(c, "PRESERVED: a hole in the memory", d->bdf, punch(d->memfd), -EPERM);
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

	exits_tell(c, "LIVE: reset", d->bdf, write_sysfs(d->bdf, "reset", "1"), -EBUSY);
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
	char path[96];
	uint16_t command = 0xffff;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", bdf);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, &command, 2, PCI_COMMAND) != 2)
		command = 0xffff;
	if (fd >= 0)
		close(fd);
	exits_tell(c, "bus mastering is off", bdf, command & PCI_COMMAND_MASTER ? -EBUSY : 0, 0);
}
