// SPDX-License-Identifier: GPL-2.0-only
/* Description: watch device and IOMMU from outside while the guest jumps */

#include "sample.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lab.h"

#define PCI_COMMAND		0x04
#define PCI_COMMAND_MASTER	0x04u

/* What to look at in the registers of an IOMMU. */
static const struct iommu_regs {
	const char *iommu;
	unsigned int enable, faults;		/* offsets */
	uint32_t enable_bit, fault_bits;
} known_regs[] = {
	/* VT-d specification, 11.4.4 (GSTS: TES) and 11.4.9 (FSTS: overflow, pending) */
	{ "intel", 0x1c, 0x34, 0x80000000u, 0x03u },
	/* AMD IOMMU specification, MMIO offset 18h (IommuEn) and 2020h (EventOverflow, EventLogInt) */
	{ "amd", 0x18, 0x2020, 0x01u, 0x03u },
};

static int command_address(const char *bdf, uint64_t ecam, uint64_t *address)
{
	unsigned int domain, bus, slot, function;
	char end;

	if (sscanf(bdf, "%4x:%2x:%2x.%1x%c", &domain, &bus, &slot, &function, &end) != 4 ||
	    domain || slot > 31 || function > 7)
		return -EINVAL;
	*address = ecam + (bus << 20 | slot << 15 | function << 12) + PCI_COMMAND;
	return 0;
}

void sampler_reset(struct sampler *s)
{
	s->samples = 0;
	s->longest_gap_us = 0;
	memset(s->and_bits, 0xff, sizeof(s->and_bits));
	memset(s->or_bits, 0, sizeof(s->or_bits));
	entries_reset(&s->entries);
}

static const struct iommu_regs *find_regs(const char *iommu)
{
	for (size_t i = 0; i < sizeof(known_regs) / sizeof(known_regs[0]); i++) {
		if (strcmp(iommu, known_regs[i].iommu) == 0)
			return &known_regs[i];
	}
	return NULL;
}

int sampler_init(struct sampler *s, const struct lab_device *devices, unsigned int count,
		 const char *const *beside, unsigned int beside_count, uint64_t ecam,
		 const char *iommu, uint64_t regs)
{
	*s = (struct sampler){ 0 };
	sampler_reset(s);
	s->regs = find_regs(iommu);
	if (!s->regs || count > LAB_DEVICES)
		return -EINVAL;
	s->first = regs ? 0 : SAMPLE_COMMAND;
	s->words = SAMPLE_COMMAND + 2 * count - s->first;
	s->address[SAMPLE_ENABLE] = regs + s->regs->enable;
	s->address[SAMPLE_FAULTS] = regs + s->regs->faults;
	for (unsigned int i = 0; i < count; i++) {
		uint64_t *at = &s->address[SAMPLE_COMMAND + 2 * i];

		if (command_address(devices[i].bdf, ecam, &at[0]) ||
		    command_address(devices[i].port, ecam, &at[1]))
			return -EINVAL;
	}
	return entries_init(&s->entries, iommu, regs, devices, count, beside, beside_count);
}

void sampler_add(struct sampler *s, const uint32_t *value, int64_t now_us)
{
	if (!s->samples)
		s->first_us = now_us;
	else if (now_us - s->last_us > s->longest_gap_us)
		s->longest_gap_us = now_us - s->last_us;
	s->last_us = now_us;
	s->samples++;
	for (unsigned int i = 0; i < s->words; i++) {
		unsigned int word = s->first + i;
		uint32_t seen = value[i];

		/* All ones is what an absent function reads as: no bit of it is set. */
		if (word >= SAMPLE_COMMAND && seen == UINT32_MAX)
			seen = 0;
		s->and_bits[word] &= seen;
		s->or_bits[word] |= seen;
	}
}

int sampler_look(struct sampler *s, struct qmp *q)
{
	uint64_t address[SAMPLE_WORDS + ENTRIES_WORDS];
	uint32_t value[SAMPLE_WORDS + ENTRIES_WORDS];
	unsigned int more;
	int err;

	memcpy(address, s->address + s->first, s->words * sizeof(*address));
	more = entries_addresses(&s->entries, address + s->words);
	err = qmp_read32(q, address, value, s->words + more, s->words);
	if (err)
		return err;
	sampler_add(s, value, lab_wall_us());
	entries_take(&s->entries, value + s->words);
	return 0;
}

static bool has_iommu(const struct sampler *s)
{
	return s->first < SAMPLE_COMMAND;
}

/* Bus mastering, seen on in each look at every device (@port: at every root port). */
static bool all_masters(const struct sampler *s, bool port)
{
	for (unsigned int i = SAMPLE_COMMAND + port; i < s->first + s->words; i += 2) {
		if (!(s->and_bits[i] & PCI_COMMAND_MASTER))
			return false;
	}
	return true;
}

/* Number @i of what may be wrong with all that is no entry; NULL behind the last. */
static const char *complaint_of(const struct sampler *s, unsigned int i, bool *wrong)
{
	const struct {
		bool wrong;
		const char *complaint;
	} all[] = {
		{ !all_masters(s, false), "a device was seen without bus mastering" },
		{ !all_masters(s, true), "a root port was seen without bus mastering" },
		{ has_iommu(s) && !(s->and_bits[SAMPLE_ENABLE] & s->regs->enable_bit),
		  "the IOMMU was seen with translation off" },
		{ has_iommu(s) && (s->or_bits[SAMPLE_FAULTS] & s->regs->fault_bits),
		  "the IOMMU was seen with a fault pending" },
	};

	if (i == sizeof(all) / sizeof(all[0]))
		return NULL;
	*wrong = all[i].wrong;
	return all[i].complaint;
}

unsigned int sampler_complaints(const struct sampler *s)
{
	unsigned int n = entries_complaints(&s->entries);
	bool wrong;

	for (unsigned int i = 0; complaint_of(s, i, &wrong); i++)
		n += wrong;
	return n;
}

const char *sampler_complaint(const struct sampler *s)
{
	const char *complaint;
	bool wrong;

	for (unsigned int i = 0; (complaint = complaint_of(s, i, &wrong)); i++) {
		if (wrong)
			return complaint;
	}
	return entries_complaint(&s->entries);
}

json_t *sampler_json(const struct sampler *s)
{
	const char *complaint = sampler_complaint(s);
	json_t *outside;

	if (!s->samples)
		return json_null();
	outside = json_pack("{s:I,s:f,s:f,s:b,s:b,s:s?}",
			    "samples", (json_int_t)s->samples,
			    "interval_ms", s->samples > 1 ? (double)(s->last_us - s->first_us) /
			    1000.0 / (double)(s->samples - 1) : 0.0,
			    "longest_gap_ms", (double)s->longest_gap_us / 1000.0,
			    "device_bus_master",
			    (int)all_masters(s, false),
			    "port_bus_master", (int)all_masters(s, true),
			    "complaint", complaint);
	if (outside && has_iommu(s)) {
		json_object_set_new(outside, "translation",
				    json_boolean(s->and_bits[SAMPLE_ENABLE] &
						 s->regs->enable_bit));
		json_object_set_new(outside, "fault_status",
				    json_integer(s->or_bits[SAMPLE_FAULTS]));
		json_object_set_new(outside, "entries", entries_json(&s->entries));
	}
	return outside;
}
