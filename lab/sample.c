// SPDX-License-Identifier: GPL-2.0-only
/* Description: watch device and IOMMU from outside while the guest jumps */

#include "sample.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lab.h"

#define PCI_COMMAND		0x04
#define PCI_COMMAND_MASTER	0x04u
#define VTD_GSTS		0x1c
#define VTD_GSTS_TES		0x80000000u
#define VTD_FSTS		0x34
#define VTD_FSTS_FAULT		0x03u	/* overflow, or a fault is pending */

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
}

int sampler_init(struct sampler *s, const char *bdf, const char *port, uint64_t ecam,
		 uint64_t vtd)
{
	sampler_reset(s);
	s->words = vtd ? SAMPLE_WORDS : SAMPLE_GSTS;
	s->address[SAMPLE_GSTS] = vtd + VTD_GSTS;
	s->address[SAMPLE_FSTS] = vtd + VTD_FSTS;
	if (command_address(bdf, ecam, &s->address[SAMPLE_DEVICE]) ||
	    command_address(port, ecam, &s->address[SAMPLE_PORT]))
		return -EINVAL;
	return 0;
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
		uint32_t seen = value[i];

		/* All ones is what an absent function reads as: no bit of it is set. */
		if (i < SAMPLE_GSTS && seen == UINT32_MAX)
			seen = 0;
		s->and_bits[i] &= seen;
		s->or_bits[i] |= seen;
	}
}

int sampler_look(struct sampler *s, struct qmp *q)
{
	uint32_t value[SAMPLE_WORDS];
	int err = qmp_read32(q, s->address, value, s->words);

	if (!err)
		sampler_add(s, value, lab_wall_us());
	return err;
}

static bool has_vtd(const struct sampler *s)
{
	return s->words > SAMPLE_GSTS;
}

const char *sampler_complaint(const struct sampler *s)
{
	if (!(s->and_bits[SAMPLE_DEVICE] & PCI_COMMAND_MASTER))
		return "the device was seen without bus mastering";
	if (!(s->and_bits[SAMPLE_PORT] & PCI_COMMAND_MASTER))
		return "the root port was seen without bus mastering";
	if (has_vtd(s) && !(s->and_bits[SAMPLE_GSTS] & VTD_GSTS_TES))
		return "the IOMMU was seen with translation off";
	if (has_vtd(s) && (s->or_bits[SAMPLE_FSTS] & VTD_FSTS_FAULT))
		return "the IOMMU was seen with a fault pending";
	return NULL;
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
			    !!(s->and_bits[SAMPLE_DEVICE] & PCI_COMMAND_MASTER),
			    "port_bus_master",
			    !!(s->and_bits[SAMPLE_PORT] & PCI_COMMAND_MASTER),
			    "complaint", complaint);
	if (outside && has_vtd(s)) {
		json_object_set_new(outside, "translation",
				    json_boolean(s->and_bits[SAMPLE_GSTS] & VTD_GSTS_TES));
		json_object_set_new(outside, "fault_status",
				    json_integer(s->or_bits[SAMPLE_FSTS]));
	}
	return outside;
}
