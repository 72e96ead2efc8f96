/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: the functions under test and the bridges above them: what they are, and report */

#ifndef HF_TOPOLOGY_H
#define HF_TOPOLOGY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel.h"
#include "pcidev.h"

#define TOPOLOGY_FUNCTIONS 16	/* watched; devices share their bridges, mostly */

/* The ledger's part: functions by the order in which they were found, and their errors. */
struct topology {
	uint32_t count;
	uint32_t left_out;	/* not watched: there was no room */
	struct topology_function {
		char bdf[PCIDEV_BDF_SIZE];
		struct pci_errors errors;	/* before the jump */
	} functions[TOPOLOGY_FUNCTIONS];
};

/* What is new since the jump. */
struct topology_changes {
	bool there;		/* somebody has looked */
	uint32_t count;
	struct topology_change {
		char bdf[PCIDEV_BDF_SIZE];
		bool gone;	/* it cannot be found any more */
		struct pci_errors errors;
	} functions[TOPOLOGY_FUNCTIONS];
};

/*
 * First kernel, once the devices have their drivers: find the functions @bdfs and every
 * bridge above them, and tell the lab what they are, one event for each. Those beyond
 * TOPOLOGY_FUNCTIONS are told of, too, but not watched. -errno with a complaint.
 */
int topology_start(struct topology *t, struct channel *c, const char *const *bdfs, size_t count);

/* Before the jump: what errors there are already. */
void topology_read(struct topology *t);

/* After it: what is new. */
void topology_compare(const struct topology *t, struct topology_changes *changes);

/* For the device oracle: error bits that speak against the DMA, and functions that are gone. */
unsigned int topology_findings(const struct topology_changes *changes);

/* The "pci" member of a cycle's record. */
json_t *topology_json(const struct topology_changes *changes);

#endif /* HF_TOPOLOGY_H */
