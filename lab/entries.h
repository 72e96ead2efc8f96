/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: follow the IOMMU's entries of devices, from outside */

#ifndef HF_ENTRIES_H
#define HF_ENTRIES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lab.h"

#define ENTRIES_MAX (LAB_DEVICES + LAB_BESIDE)
#define ENTRIES_WORDS (2 + 6 * ENTRIES_MAX)

struct entries_layout;

/*
 * The entry of a preserved device must be good in each look. As long as it leads to the same page
 * table, it says so with the same domain ID, and in the same form; another page table comes with
 * another domain ID, since the first is still in use. No other device may have a domain ID of a
 * preserved one and another page table: IOMMUs cache translations by domain ID. (VT-d
 * specification, 9.3; AMD I/O virtualization specification, 2.2.2.1.)
 */
struct entries {
	const struct entries_layout *layout;	/* NULL: an IOMMU that cannot be looked at */
	uint64_t reg;		/* where the root or device table is */
	unsigned int devices;	/* of the entries so many are preserved, the first ones */
	unsigned int count;
	struct entry {
		const char *bdf;
		uint16_t id;	/* bus, device, function */
		bool known;	/* the next four are of a look: */
		uint64_t root;	/* of the page table */
		uint16_t domain;
		uint16_t form;	/* bits that say how it is walked */
		uint16_t first_domain;
		unsigned int replaced;	/* other page tables that were seen */
		const char *complaint;
	} entry[ENTRIES_MAX];
	uint32_t words[ENTRIES_WORDS];	/* as the last look has found them */
	bool looked;
	bool partly;		/* the next look is at entries of preserved devices only */
	unsigned int looks;
};

/*
 * @devices are preserved, and for each of @beside it matters only whose domain ID it has.
 * @reg is the address of the unit's registers, @iommu "intel" or "amd". -EINVAL: not known, or
 * no addresses.
 */
int entries_init(struct entries *e, const char *iommu, uint64_t reg,
		 const struct lab_device *devices, unsigned int count, const char *const *beside,
		 unsigned int beside_count);

/* Forget what was wrong, and how often tables were replaced; not where they are. */
void entries_reset(struct entries *e);

/*
 * Which words to read next: where entries are, is known from the look before. Whether that has
 * changed, and what is beside, is looked at from time to time, and when something has changed.
 */
unsigned int entries_addresses(const struct entries *e, uint64_t address[ENTRIES_WORDS]);

/*
 * Take in what was read there. What is not as in the look before is believed once it is seen
 * again: tables may have moved, or an entry may have been read in halves.
 */
void entries_take(struct entries *e, const uint32_t *read);

/* What is wrong with how many of the preserved devices; the first such thing, or NULL. */
unsigned int entries_complaints(const struct entries *e);
const char *entries_complaint(const struct entries *e);

/* An array with an object for each preserved device. New reference. */
json_t *entries_json(const struct entries *e);

#endif /* HF_ENTRIES_H */
