// SPDX-License-Identifier: GPL-2.0-only
/* Description: a PCI function from outside its driver: binding and error status */

#include "pcidev.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pci/pci.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "complain.h"
#include "sysfile.h"

/* Errors in Status and in Device Status; the other bits tell of abilities. */
#define STATUS_ERRORS (PCI_STATUS_PARITY | PCI_STATUS_SIG_TARGET_ABORT | \
		       PCI_STATUS_REC_TARGET_ABORT | PCI_STATUS_REC_MASTER_ABORT | \
		       PCI_STATUS_SIG_SYSTEM_ERROR | PCI_STATUS_DETECTED_PARITY)
#define DEVICE_ERRORS (PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED | PCI_EXP_DEVSTA_FED | \
		       PCI_EXP_DEVSTA_URD)

/* What the link @what of the function points to, without its path; "": there is none. */
static void link_target(const char *bdf, const char *what, char *name, size_t size)
{
	char path[96], target[PATH_MAX];
	ssize_t n;

	name[0] = 0;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", bdf, what);
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return;
	target[n] = 0;
	snprintf(name, size, "%s", strrchr(target, '/') ? strrchr(target, '/') + 1 : target);
}

void pcidev_driver(const char *bdf, char *name, size_t size)
{
	link_target(bdf, "driver", name, size);
}

int pcidev_group(const char *bdf)
{
	char name[16];
	int group;

	link_target(bdf, "iommu_group", name, sizeof(name));
	return sscanf(name, "%d", &group) == 1 ? group : -1;
}

int pcidev_bind_vfio(const char *bdf)
{
	char path[96], driver[64];
	int err;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", bdf);
	if (access(path, F_OK))
		return complain(-ENODEV, "no device %s", bdf);
	pcidev_driver(bdf, driver, sizeof(driver));
	if (strcmp(driver, "vfio-pci") == 0)
		return 0;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override", bdf);
	err = sysfile_write(path, "vfio-pci");
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver/unbind", bdf);
	if (!err && driver[0])
		err = sysfile_write(path, bdf);
	if (!err)
		err = sysfile_write("/sys/bus/pci/drivers_probe", bdf);
	pcidev_driver(bdf, driver, sizeof(driver));
	if (!err && strcmp(driver, "vfio-pci") != 0)
		err = -ENODEV;
	if (!err)
		return 0;
	return complain(err, "%s cannot be bound to vfio-pci (no IOMMU in use, or no "
			"CONFIG_VFIO_PCI?)", bdf);
}

/* By default libpci ends the program; it has nothing to say that we must die of. */
static void ignore_warning(char *msg, ...)
{
	(void)msg;
}

struct pci_access *pcidev_open(const char *dump)
{
	char name[] = "dump.name";
	struct pci_access *pci;

	if (!dump && access("/sys/bus/pci/devices", F_OK))
		return NULL;
	pci = pci_alloc();
	pci->method = dump ? PCI_ACCESS_DUMP : PCI_ACCESS_SYS_BUS_PCI;
	pci->warning = ignore_warning;
	/* It copies the value. */
	if (dump)
		pci_set_param(pci, name, (char *)(uintptr_t)dump);
	pci_init(pci);
	return pci;
}

struct pci_dev *pcidev_get(struct pci_access *pci, const char *bdf)
{
	unsigned int domain, bus, slot, function;
	struct pci_dev *dev;
	char path[96];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", bdf);
	/* For the IDs of a function that sysfs does not have, libpci would end the program. */
	if (pci->method == PCI_ACCESS_SYS_BUS_PCI && access(path, F_OK))
		return NULL;
	if (sscanf(bdf, "%x:%x:%x.%x", &domain, &bus, &slot, &function) != 4)
		return NULL;
	dev = pci_get_dev(pci, (int)domain, (int)bus, (int)slot, (int)function);
	if (dev)
		pci_fill_info(dev, PCI_FILL_IDENT | PCI_FILL_CLASS | PCI_FILL_CLASS_EXT |
			      PCI_FILL_CAPS | PCI_FILL_EXT_CAPS);
	return dev;
}

void pcidev_read_errors(struct pci_dev *dev, struct pci_errors *e)
{
	struct pci_cap *exp = pci_find_cap(dev, PCI_CAP_ID_EXP, PCI_CAP_NORMAL);
	struct pci_cap *aer = pci_find_cap(dev, PCI_EXT_CAP_ID_AER, PCI_CAP_EXTENDED);

	*e = (struct pci_errors){ .status = pci_read_word(dev, PCI_STATUS) & STATUS_ERRORS };
	if (exp)
		e->device = pci_read_word(dev, (int)exp->addr + PCI_EXP_DEVSTA) & DEVICE_ERRORS;
	if (!aer)
		return;
	e->uncorrectable = pci_read_long(dev, (int)aer->addr + PCI_ERR_UNCOR_STATUS);
	e->correctable = pci_read_long(dev, (int)aer->addr + PCI_ERR_COR_STATUS);
}

unsigned int pcidev_power_control(const char *bdf)
{
	struct pci_access *pci = pcidev_open(NULL);
	struct pci_dev *dev = pci ? pcidev_get(pci, bdf) : NULL;
	struct pci_cap *pm = dev ? pci_find_cap(dev, PCI_CAP_ID_PM, PCI_CAP_NORMAL) : NULL;
	unsigned int at = pm ? pm->addr + PCI_PM_CTRL : 0;

	if (dev)
		pci_free_dev(dev);
	if (pci)
		pci_cleanup(pci);
	return at;
}

int pcidev_set_master(const char *bdf)
{
	struct pci_access *pci = pcidev_open(NULL);
	struct pci_dev *dev = pci ? pcidev_get(pci, bdf) : NULL;
	bool done = dev && pci_write_word(dev, PCI_COMMAND,
					  pci_read_word(dev, PCI_COMMAND) | PCI_COMMAND_MEMORY |
					  PCI_COMMAND_MASTER);

	if (dev)
		pci_free_dev(dev);
	if (pci)
		pci_cleanup(pci);
	return done ? 0 : complain(-EIO, "%s: COMMAND cannot be written", bdf);
}

struct pci_errors pcidev_new_errors(const struct pci_errors *before, const struct pci_errors *now)
{
	return (struct pci_errors){
		.status = (uint16_t)(now->status & ~before->status),
		.device = (uint16_t)(now->device & ~before->device),
		.uncorrectable = now->uncorrectable & ~before->uncorrectable,
		.correctable = now->correctable & ~before->correctable,
	};
}

bool pcidev_any_error(const struct pci_errors *e)
{
	return e->status || e->device || e->uncorrectable || e->correctable;
}

unsigned int pcidev_count_errors(const struct pci_errors *e)
{
	return (unsigned int)(__builtin_popcount(e->status) +
			      __builtin_popcount(e->device & ~(unsigned int)PCI_EXP_DEVSTA_CED) +
			      __builtin_popcount(e->uncorrectable));
}

static volatile void *map_bar0(const char *bdf, size_t size, int prot)
{
	char path[96];
	void *map;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0", bdf);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	map = mmap(NULL, size, prot, MAP_SHARED, fd, 0);
	close(fd);
	return map == MAP_FAILED ? NULL : map;
}

volatile void *pcidev_look_at_bar0(const char *bdf, size_t size)
{
	return map_bar0(bdf, size, PROT_READ);
}

volatile void *pcidev_bar0(const char *bdf, size_t size)
{
	return map_bar0(bdf, size, PROT_READ | PROT_WRITE);
}
