// SPDX-License-Identifier: GPL-2.0-only
/* Description: iommufd address spaces and a device behind its vfio character device */

#include "iommu.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/iommufd.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "complain.h"
#include "memory.h"

int iommu_open(void)
{
	int fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);

	return fd >= 0 ? fd : complain(-errno, "no /dev/iommu: the kernel needs CONFIG_IOMMUFD");
}

/* The name of the only entry of @dir that begins with @start. */
static int find_entry(const char *dir, const char *start, char *name, size_t size)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int err = -ENOENT;

	while (d && (e = readdir(d))) {
		if (strncmp(e->d_name, start, strlen(start)) != 0)
			continue;
		snprintf(name, size, "%.*s", (int)size - 1, e->d_name);
		err = 0;
	}
	if (d)
		closedir(d);
	return err;
}

int vfio_open(struct vfio *v, const char *bdf)
{
	char dir[96], name[32], path[64];

	snprintf(dir, sizeof(dir), "/sys/bus/pci/devices/%s/vfio-dev", bdf);
	if (find_entry(dir, "vfio", name, sizeof(name)))
		return complain(-ENODEV, "%s has no vfio character device: the kernel needs "
				"CONFIG_VFIO_DEVICE_CDEV, and the device an IOMMU", bdf);
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", name);
	v->fd = open(path, O_RDWR | O_CLOEXEC);
	return v->fd >= 0 ? 0 : complain(-errno, "%s (%s) cannot be opened", path, bdf);
}

int vfio_bind(struct vfio *v, int iommufd)
{
	struct vfio_device_bind_iommufd arg = { .argsz = sizeof(arg), .iommufd = iommufd };

	if (ioctl(v->fd, VFIO_DEVICE_BIND_IOMMUFD, &arg) == 0) {
		v->dev_id = arg.out_devid;
		return 0;
	}
	if (errno != EINVAL || !v->dev_id)
		return complain(-errno, "the device cannot be bound to the iommufd%s",
				errno == EPERM ? ": no interrupt remapping?" : "");
	return 0;
}

static int destroy(int iommufd, uint32_t id)
{
	struct iommu_destroy arg = { .size = sizeof(arg), .id = id };

	return ioctl(iommufd, IOMMU_DESTROY, &arg) ? -errno : 0;
}

static int alloc_ioas(int iommufd, uint32_t *id)
{
	struct iommu_ioas_alloc arg = { .size = sizeof(arg) };

	if (ioctl(iommufd, IOMMU_IOAS_ALLOC, &arg))
		return complain(-errno, "no new address space");
	*id = arg.out_ioas_id;
	return 0;
}

static int map_area(const struct iommu_map *map, int iommufd, int memfd, size_t from, size_t to,
		    uint64_t iova)
{
	struct iommu_ioas_map_file arg = {
		.size = sizeof(arg),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_WRITEABLE |
			 IOMMU_IOAS_MAP_READABLE,
		.ioas_id = map->ioas,
		.fd = memfd,
		.start = from,
		.length = to - from,
		.iova = iova,
	};

	if (ioctl(iommufd, IOMMU_IOAS_MAP_FILE, &arg))
		return complain(-errno, "the DMA memory cannot be mapped at IOVA 0x%llx",
				(unsigned long long)arg.iova);
	return 0;
}

/* Two areas: what can be unmapped is one or the other, and nothing in between. */
static int map_file(const struct iommu_map *map, int iommufd, int memfd)
{
	size_t data = map->size < DMA_DATA ? map->size : DMA_DATA;
	int err = map_area(map, iommufd, memfd, 0, data, map->iova);

	if (!err && data < map->size)
		err = map_area(map, iommufd, memfd, data, map->size, map->iova + data);
	return err;
}

/* Far more tables than memory: every leaf is of 4 KiB, and many lead to the same page. */
static int map_again(const struct iommu_map *map, int iommufd, int memfd)
{
	int err = 0;

	for (uint64_t at = 0; at < map->again && !err; at += map->size) {
		uint64_t left = map->again - at;

		err = map_area(map, iommufd, memfd, 0, left < map->size ? left : map->size,
			       map->iova + IOMMU_AGAIN + at);
	}
	return err;
}

static int forbid_huge_pages(const struct iommu_map *map, int iommufd)
{
	struct iommu_option arg = {
		.size = sizeof(arg), .option_id = IOMMU_OPTION_HUGE_PAGES,
		.op = IOMMU_OPTION_OP_SET, .object_id = map->ioas, .val64 = 0,
	};

	if (ioctl(iommufd, IOMMU_OPTION, &arg))
		return complain(-errno, "the address space cannot do with pages of 4 KiB");
	return 0;
}

static int alloc_hwpt(struct iommu_map *map, int iommufd, const struct vfio *v)
{
	struct iommu_hwpt_alloc arg = {
		.size = sizeof(arg), .dev_id = v->dev_id, .pt_id = map->ioas,
	};

	if (ioctl(iommufd, IOMMU_HWPT_ALLOC, &arg)) {
		/* What does not fit the device's aperture comes back as one of these. */
		if (errno == EADDRINUSE || errno == EINVAL || errno == ERANGE)
			return -ERANGE;
		return complain(-errno, "no new page table for the device");
	}
	map->hwpt = arg.out_hwpt_id;
	return 0;
}

int iommu_map(struct iommu_map *map, int iommufd, int memfd, size_t size, const struct vfio *v)
{
	int err = alloc_ioas(iommufd, &map->ioas);

	if (err)
		return err;
	map->size = size;
	if (map->again)
		err = forbid_huge_pages(map, iommufd);
	if (!err)
		err = map_file(map, iommufd, memfd);
	if (!err)
		err = map_again(map, iommufd, memfd);
	if (!err)
		err = alloc_hwpt(map, iommufd, v);
	if (err)
		destroy(iommufd, map->ioas);
	return err;
}

int iommu_unmap(const struct iommu_map *map, int iommufd)
{
	int err = destroy(iommufd, map->hwpt);

	if (!err)
		err = destroy(iommufd, map->ioas);
	return err ? complain(err, "the old page table cannot be freed") : 0;
}

int iommu_unmap_data(const struct iommu_map *map, int iommufd)
{
	struct iommu_ioas_unmap arg = {
		.size = sizeof(arg), .ioas_id = map->ioas,
		.iova = map->iova + DMA_DATA, .length = map->size - DMA_DATA,
	};

	if (ioctl(iommufd, IOMMU_IOAS_UNMAP, &arg))
		return complain(-errno, "the data of the DMA memory cannot be unmapped");
	return 0;
}

void iommu_map_refused(struct iommu_map *map, struct iommu_fault_queue *faults, int iommufd,
		       const struct vfio *v, uint32_t ioas)
{
	struct iommu_fault_alloc fault = { .size = sizeof(fault) };
	struct iommu_hwpt_alloc hwpt = {
		.size = sizeof(hwpt), .flags = IOMMU_HWPT_FAULT_ID_VALID,
		.dev_id = v->dev_id, .pt_id = ioas,
	};

	*map = (struct iommu_map){ 0 };
	*faults = (struct iommu_fault_queue){ .fd = -1 };
	if (ioctl(iommufd, IOMMU_FAULT_QUEUE_ALLOC, &fault))
		return;
	*faults = (struct iommu_fault_queue){
		.fd = (int)fault.out_fault_fd, .id = fault.out_fault_id,
	};
	hwpt.fault_id = faults->id;
	if (!ioctl(iommufd, IOMMU_HWPT_ALLOC, &hwpt))
		map->hwpt = hwpt.out_hwpt_id;
}

void iommu_unmap_refused(struct iommu_map *map, struct iommu_fault_queue *faults, int iommufd)
{
	if (map->hwpt)
		destroy(iommufd, map->hwpt);
	map->hwpt = 0;
	if (faults->fd < 0)
		return;
	close(faults->fd);
	destroy(iommufd, faults->id);
	faults->fd = -1;
}

int iommu_map_above(struct iommu_map *map, int iommufd, int memfd, size_t size,
		    const struct vfio *v, uint64_t top_of_ram)
{
	/* 1 TiB; 128 GiB where the IOMMU has only 39 bits. */
	static const uint64_t candidates[] = { 1ULL << 40, 1ULL << 37 };
	int err = -ERANGE;

	for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++) {
		if (candidates[i] < top_of_ram)
			continue;
		map->iova = candidates[i];
		err = iommu_map(map, iommufd, memfd, size, v);
		if (err != -ERANGE)
			return err;
	}
	return complain(err, "the device reaches no IOVA above the top of RAM (0x%llx)",
			(unsigned long long)top_of_ram);
}

int vfio_attach(const struct vfio *v, const struct iommu_map *map)
{
	struct vfio_device_attach_iommufd_pt arg = { .argsz = sizeof(arg), .pt_id = map->hwpt };

	if (ioctl(v->fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &arg))
		return complain(-errno, "the device cannot be attached to its new page table");
	return 0;
}

int vfio_detach(const struct vfio *v)
{
	struct vfio_device_detach_iommufd_pt arg = { .argsz = sizeof(arg) };

	if (ioctl(v->fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &arg))
		return complain(-errno, "the device cannot be detached");
	return 0;
}

static int region(const struct vfio *v, uint32_t index, struct vfio_region_info *info)
{
	memset(info, 0, sizeof(*info));
	info->argsz = sizeof(*info);
	info->index = index;
	return ioctl(v->fd, VFIO_DEVICE_GET_REGION_INFO, info) ? -errno : 0;
}

int vfio_map_bar0(const struct vfio *v, size_t size, volatile void **bar)
{
	struct vfio_region_info info;
	int err = region(v, VFIO_PCI_BAR0_REGION_INDEX, &info);
	void *map;

	if (!err && (info.size < size || !(info.flags & VFIO_REGION_INFO_FLAG_MMAP)))
		err = -EINVAL;
	if (err)
		return complain(err, "BAR 0 is no mappable memory of %zu bytes", size);
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, (off_t)info.offset);
	if (map == MAP_FAILED)
		return complain(-errno, "BAR 0 cannot be mapped");
	*bar = map;
	return 0;
}

int vfio_enable_dma(const struct vfio *v)
{
	struct vfio_region_info info;
	int err = region(v, VFIO_PCI_CONFIG_REGION_INDEX, &info);
	off_t at = (off_t)info.offset + PCI_COMMAND;
	uint16_t command;

	if (err)
		return complain(err, "no access to the device's configuration");
	if (pread(v->fd, &command, sizeof(command), at) != sizeof(command))
		return complain(-EIO, "COMMAND cannot be read");
	command |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	if (pwrite(v->fd, &command, sizeof(command), at) != sizeof(command))
		return complain(-EIO, "COMMAND cannot be written");
	return 0;
}

int vfio_reset(const struct vfio *v)
{
	return ioctl(v->fd, VFIO_DEVICE_RESET) ? -errno : 0;
}

int vfio_hot_reset(const struct vfio *v)
{
	/* Whose devices these are, says the iommufd: no groups. */
	struct vfio_pci_hot_reset arg = { .argsz = sizeof(arg) };

	return ioctl(v->fd, VFIO_DEVICE_PCI_HOT_RESET, &arg) ? -errno : 0;
}

int vfio_low_power(const struct vfio *v)
{
	struct vfio_device_feature arg = {
		.argsz = sizeof(arg),
		.flags = VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY,
	};

	return ioctl(v->fd, VFIO_DEVICE_FEATURE, &arg) ? -errno : 0;
}

int vfio_write_config(const struct vfio *v, unsigned int at, uint16_t word)
{
	struct vfio_region_info info;
	int err = region(v, VFIO_PCI_CONFIG_REGION_INDEX, &info);

	if (!err && pwrite(v->fd, &word, sizeof(word), (off_t)(info.offset + at)) != sizeof(word))
		err = -errno;
	return err;
}
