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

/* Errors in Status and in Device Status; the other bits tell of abilities. */
#define STATUS_ERRORS (PCI_STATUS_PARITY | PCI_STATUS_SIG_TARGET_ABORT | \
		       PCI_STATUS_REC_TARGET_ABORT | PCI_STATUS_REC_MASTER_ABORT | \
		       PCI_STATUS_SIG_SYSTEM_ERROR | PCI_STATUS_DETECTED_PARITY)
#define DEVICE_ERRORS (PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED | PCI_EXP_DEVSTA_FED | \
		       PCI_EXP_DEVSTA_URD)

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

void pcidev_driver(const char *bdf, char *name, size_t size)
{
	char path[96], target[PATH_MAX];
	ssize_t n;

	name[0] = 0;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", bdf);
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return;
	target[n] = 0;
	snprintf(name, size, "%s", strrchr(target, '/') ? strrchr(target, '/') + 1 : target);
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
	err = write_file(path, "vfio-pci");
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver/unbind", bdf);
	if (!err && driver[0])
		err = write_file(path, bdf);
	if (!err)
		err = write_file("/sys/bus/pci/drivers_probe", bdf);
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

static void read_errors(struct pci_dev *dev, struct pci_errors *e)
{
	struct pci_cap *exp = pci_find_cap(dev, PCI_CAP_ID_EXP, PCI_CAP_NORMAL);
	struct pci_cap *aer = pci_find_cap(dev, PCI_EXT_CAP_ID_AER, PCI_CAP_EXTENDED);

	e->status = pci_read_word(dev, PCI_STATUS) & STATUS_ERRORS;
	if (exp)
		e->device = pci_read_word(dev, (int)exp->addr + PCI_EXP_DEVSTA) & DEVICE_ERRORS;
	if (aer)
		e->uncorrectable = pci_read_long(dev, (int)aer->addr + PCI_ERR_UNCOR_STATUS);
}

/* Open libpci, and find @bdf in it; both are closed by close_function(). NULL: no such one. */
static struct pci_dev *open_function(const char *bdf, struct pci_access **pci)
{
	unsigned int domain, bus, slot, function;
	struct pci_dev *dev;

	if (access("/sys/bus/pci/devices", F_OK) ||
	    sscanf(bdf, "%x:%x:%x.%x", &domain, &bus, &slot, &function) != 4)
		return NULL;
	*pci = pci_alloc();
	(*pci)->method = PCI_ACCESS_SYS_BUS_PCI;
	(*pci)->warning = ignore_warning;
	pci_init(*pci);
	dev = pci_get_dev(*pci, (int)domain, (int)bus, (int)slot, (int)function);
	if (!dev)
		pci_cleanup(*pci);
	return dev;
}

static void close_function(struct pci_dev *dev, struct pci_access *pci)
{
	pci_free_dev(dev);
	pci_cleanup(pci);
}

int pcidev_errors(const char *bdf, struct pci_errors *e)
{
	struct pci_access *pci;
	struct pci_dev *dev = open_function(bdf, &pci);

	memset(e, 0, sizeof(*e));
	if (!dev)
		return -ENODEV;
	pci_fill_info(dev, PCI_FILL_IDENT | PCI_FILL_CAPS | PCI_FILL_EXT_CAPS);
	read_errors(dev, e);
	close_function(dev, pci);
	return 0;
}

int pcidev_set_master(const char *bdf)
{
	struct pci_access *pci;
	struct pci_dev *dev = open_function(bdf, &pci);
	bool done;

	if (!dev)
		return complain(-ENODEV, "no device %s", bdf);
	done = pci_write_word(dev, PCI_COMMAND,
			      pci_read_word(dev, PCI_COMMAND) | PCI_COMMAND_MEMORY |
			      PCI_COMMAND_MASTER);
	close_function(dev, pci);
	return done ? 0 : complain(-EIO, "%s: COMMAND cannot be written", bdf);
}

unsigned int pcidev_new_errors(const struct pci_errors *before, const struct pci_errors *now)
{
	return (unsigned int)(__builtin_popcount(now->status & ~(unsigned int)before->status) +
			      __builtin_popcount(now->device & ~(unsigned int)before->device) +
			      __builtin_popcount(now->uncorrectable & ~before->uncorrectable));
}

volatile void *pcidev_look_at_bar0(const char *bdf, size_t size)
{
	char path[96];
	void *map;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0", bdf);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	return map == MAP_FAILED ? NULL : map;
}
