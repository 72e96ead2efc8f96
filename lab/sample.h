/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: watch device and IOMMU from outside while the guest jumps */

#ifndef HF_SAMPLE_H
#define HF_SAMPLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "entries.h"
#include "lab.h"
#include "qmp.h"

/*
 * Samples are points in time: they can show that something was wrong, and how
 * often somebody looked, never that nothing happened between two looks. The
 * emulator's log is the oracle for that.
 */
enum sample_word {
	SAMPLE_ENABLE,		/* the IOMMU's register that says whether it translates */
	SAMPLE_FAULTS,		/* and the one that says whether faults are pending */
	SAMPLE_COMMAND,		/* COMMAND and STATUS of the first device, then of its root port; */
				/* and so on for all devices */
	SAMPLE_WORDS = SAMPLE_COMMAND + 2 * LAB_DEVICES
};

struct iommu_regs;

struct sampler {
	const struct iommu_regs *regs;
	uint64_t address[SAMPLE_WORDS];
	unsigned int first;	/* SAMPLE_COMMAND on a machine whose IOMMU cannot be looked at */
	unsigned int words;	/* from the first on */
	uint64_t samples;
	uint32_t and_bits[SAMPLE_WORDS];
	uint32_t or_bits[SAMPLE_WORDS];
	int64_t first_us, last_us, longest_gap_us;
	struct entries entries;
};

/*
 * The @devices are @count, others @beside them @beside_count; @ecam is the address of configuration
 * space, @regs that of the IOMMU's registers or 0, and @iommu "intel" or "amd". -EINVAL for a
 * malformed address or another IOMMU.
 */
int sampler_init(struct sampler *s, const struct lab_device *devices, unsigned int count,
		 const char *const *beside, unsigned int beside_count, uint64_t ecam,
		 const char *iommu, uint64_t regs);

/* Forget what was seen to be wrong: a new jump begins. */
void sampler_reset(struct sampler *s);

/* Look once. Returns what qmp_read32() returns. */
int sampler_look(struct sampler *s, struct qmp *q);

/* Take in one look: @value holds s->words words from s->first on, seen at @now_us. */
void sampler_add(struct sampler *s, const uint32_t *value, int64_t now_us);

/* What was wrong in any sample, as a sentence without a full stop; NULL: nothing. */
const char *sampler_complaint(const struct sampler *s);

/* How many things were; each of a device's entry, and the others, count once. */
unsigned int sampler_complaints(const struct sampler *s);

/* The "outside" object of a cycle record; null without samples. New reference. */
json_t *sampler_json(const struct sampler *s);

#endif /* HF_SAMPLE_H */
