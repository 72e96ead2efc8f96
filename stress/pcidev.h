/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: a PCI function from outside its driver: binding and error status */

#ifndef HF_PCIDEV_H
#define HF_PCIDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCIDEV_BDF_SIZE 20	/* "dddddddd:bb:dd.f" and its end; domains may be long */

struct pci_access;
struct pci_dev;

/*
 * Bind the function @bdf ("dddd:bb:dd.f") to vfio-pci by its driver_override; a
 * driver that has it is unbound. Nothing happens if vfio-pci has it already.
 * -ENODEV: no such function. All errors with a complaint.
 */
int pcidev_bind_vfio(const char *bdf);

/*
 * Switch bus mastering on, behind the back of whoever owns the function: what the first
 * lines of a driver do, before it knows what state the device is in.
 */
int pcidev_set_master(const char *bdf);

/* Where in configuration space its power state is set; 0: nowhere. */
unsigned int pcidev_power_control(const char *bdf);

/* The name of the driver that has the function, "" if none has. */
void pcidev_driver(const char *bdf, char *name, size_t size);

/* Its IOMMU group; -1: none. */
int pcidev_group(const char *bdf);

/*
 * libpci on configuration space: of this machine, or of the dump file @dump, as lspci -xxxx
 * prints it. The device's driver notices nothing. NULL: there is no PCI here. Close it by
 * pci_cleanup().
 */
struct pci_access *pcidev_open(const char *dump);

/* A function with its IDs and capabilities; NULL: no such one. Give it to pci_free_dev(). */
struct pci_dev *pcidev_get(struct pci_access *pci, const char *bdf);

/* Error bits of a function, each as its register has it; they stay until cleared. */
struct pci_errors {
	uint16_t status;	/* Status: parity, SERR, aborts */
	uint16_t device;	/* PCIe Device Status: correctable, fatal, ... */
	uint32_t uncorrectable;	/* AER */
	uint32_t correctable;	/* AER */
};

void pcidev_read_errors(struct pci_dev *dev, struct pci_errors *e);

/* The bits of @now that were not set in @before. */
struct pci_errors pcidev_new_errors(const struct pci_errors *before, const struct pci_errors *now);

/* Is any bit set? */
bool pcidev_any_error(const struct pci_errors *e);

/*
 * How many bits speak against the DMA. Correctable errors do not: the link has repeated the
 * packet and nothing was lost. Real links have some now and then, with or without a jump.
 */
unsigned int pcidev_count_errors(const struct pci_errors *e);

/*
 * Map the first @size bytes of BAR 0 for reading, past any driver; for looking at
 * a controller that is not ours any more. NULL if that cannot be done.
 */
volatile void *pcidev_look_at_bar0(const char *bdf, size_t size);

/* The same to write to, past whoever has the device: for controls only. */
volatile void *pcidev_bar0(const char *bdf, size_t size);

#endif /* HF_PCIDEV_H */
