/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: a PCI function from outside its driver: binding and error status */

#ifndef HF_PCIDEV_H
#define HF_PCIDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* The name of the driver that has the function, "" if none has. */
void pcidev_driver(const char *bdf, char *name, size_t size);

/* Error bits of a function, each as its register has it; they stay until cleared. */
struct pci_errors {
	uint16_t status;	/* Status: parity, SERR, aborts */
	uint16_t device;	/* PCIe Device Status: correctable, fatal, ... */
	uint32_t uncorrectable;	/* AER */
};

/* Read them by libpci, from configuration space: the device's driver notices nothing. */
int pcidev_errors(const char *bdf, struct pci_errors *e);

/* How many bits of @now were not set in @before. */
unsigned int pcidev_new_errors(const struct pci_errors *before, const struct pci_errors *now);

/*
 * Map the first @size bytes of BAR 0 for reading, past any driver; for looking at
 * a controller that is not ours any more. NULL if that cannot be done.
 */
volatile void *pcidev_look_at_bar0(const char *bdf, size_t size);

#endif /* HF_PCIDEV_H */
