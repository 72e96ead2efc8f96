// SPDX-License-Identifier: GPL-2.0-only
/* Description: the lab's own judgement of cycles and of negative controls */

#include "judge.h"

#include <stdio.h>
#include <string.h>

#include "json_at.h"
#include "lab.h"

static const char *const oracles[] = { "iommu", "device", "data", "emulator" };

#define ORACLES (sizeof(oracles) / sizeof(oracles[0]))

/* Counts of a record that a clean cycle has at zero. */
static const char *const zeroes[] = {
	"dma.faulted", "dma.lost", "dma.corrupt", "dma.stray", "oracles.iommu",
	"oracles.device", "oracles.data", "oracles.emulator", "irq.spurious",
	"irq.nobody_cared", "bystanders.bad", "nic.lost", "nic.torn", "nic.duplicate", "nic.late",
	"nic.faulted", "nic.stray", "nic.eaten", "nic.unsent", "nic.missing", "nic.device",
	"fio.errors", "dpdk.lost", "dpdk.torn", "dpdk.duplicate", "dpdk.late", "dpdk.foreign", "dpdk.unsent",
	NULL,
};

/* Are the counts at all of @paths zero? If not, the first that isn't goes to @why. */
static bool all_zero(json_t *object, const char *const *paths, char *why, size_t size)
{
	for (; *paths; paths++) {
		json_int_t n = json_int_at(object, *paths);

		if (!n)
			continue;
		snprintf(why, size, "%s is %lld", *paths, (long long)n);
		return false;
	}
	return true;
}

static json_int_t in_phases(json_t *record, const char *const *phases)
{
	json_t *by_phase = json_at(record, "dma.in_blackout_by_phase");
	json_int_t sum = 0;

	for (; *phases; phases++)
		sum += json_int_at(by_phase, *phases);
	return sum;
}

/* No oracle's zero counts if no DMA was under way while it could go wrong. */
static const char *idle_part(json_t *record)
{
	static const char *const before[] = { "jump", "early_boot", NULL };
	static const char *const after[] = { "restore", "init", "retrieve", NULL };

	if (!in_phases(record, before))
		return "no DMA between the jump and the IOMMU's take-over";
	if (!in_phases(record, after))
		return "no DMA between the IOMMU's take-over and retrieve";
	return NULL;
}

/* What nobody asked is not zero. */
static const char *blind_part(json_t *record)
{
	if (!json_is_integer(json_at(record, "oracles.iommu")))
		return "nobody asked the IOMMU for faults";
	return NULL;
}

/* Were the kernel's own devices at work in this kernel, and had they kept their data? */
static const char *idle_bystander(json_t *record, const char *bystanders)
{
	if (strstr(bystanders, "nvme") && (!json_int_at(record, "bystanders.bytes") ||
					   !json_int_at(record, "bystanders.kept")))
		return "the bystander drive was idle";
	if (strstr(bystanders, "nic") && !json_int_at(record, "bystanders.frames"))
		return "the bystander ports were idle";
	return NULL;
}

static const char *idle_load(json_t *record, const char *loads)
{
	if (lab_listed(loads, "nvme") && json_int_at(record, "controller.csts") != 1)
		return "the drive's status is not just ready";
	if (lab_listed(loads, "fio") && (json_int_at(record, "fio.verified") <= 0 ||
					 json_int_at(record, "fio.map_ios") <= 0))
		return "fio was idle";
	if (lab_listed(loads, "dpdk") && !json_int_at(record, "dpdk.sent"))
		return "DPDK was idle";
	if (!lab_listed(loads, "nic"))
		return NULL;
	if (!json_is_integer(json_at(record, "nic.missing")))
		return "nobody compared the frames with what was sent";
	if (json_int_at(record, "nic.in_blackout") <= 0)
		return "no frame in the blackout";
	return json_is_true(json_at(record, "nic.resumed")) ? NULL : "the NIC did not go on";
}

bool judge_cycle(json_t *record, const char *loads, const char *bystanders, char *why, size_t size)
{
	const char *objection;

	if (!all_zero(record, zeroes, why, size))
		return false;
	objection = blind_part(record);
	if (!objection)
		objection = idle_part(record);
	if (!objection)
		objection = idle_load(record, loads);
	if (!objection)
		objection = idle_bystander(record, bystanders);
	if (!objection && !json_is_true(json_at(record, "adopted")))
		objection = "the devices were not adopted";
	if (!objection && *json_string_at(record, "outside.complaint"))
		objection = json_string_at(record, "outside.complaint");
	if (!objection)
		return true;
	snprintf(why, size, "%s", objection);
	return false;
}

bool judge_swaps(json_t *swaps, json_int_t planned, char *why, size_t size)
{
	static const char *const swap_zeroes[] = {
		"faulted", "lost", "corrupt", "stray", "iommu", "emulator", NULL,
	};
	json_int_t done = json_int_at(swaps, "done");

	if (!all_zero(swaps, swap_zeroes, why, size))
		return false;
	if (done != planned || (planned && json_int_at(swaps, "reads") <= planned))
		snprintf(why, size, "%lld of %lld, during %lld reads", (long long)done,
			 (long long)planned, (long long)json_int_at(swaps, "reads"));
	else if (planned && !json_is_integer(json_at(swaps, "iommu")))
		snprintf(why, size, "nobody asked the IOMMU for faults");
	else if (planned && json_int_at(swaps, "csts") != 1)
		snprintf(why, size, "the drive's status is not just ready");
	else
		return true;
	return false;
}

bool judge_frames(json_t *frames, char *why, size_t size)
{
	/* DPDK's port is not preserved: it answers only while somebody drives it. */
	static const struct {
		const char *load;
		const char *zeroes[6];
	} known[] = {
		{ "nic", { "lost", "duplicated", "late", "torn", "stray", NULL } },
		{ "dpdk", { "duplicated", "late", "torn", "stray", NULL } },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		json_t *summary = json_at(frames, known[i].load);
		json_t *received = json_at(summary, "received");
		char what[80];

		if (!summary)
			continue;
		if (!all_zero(received, known[i].zeroes, what, sizeof(what)))
			snprintf(why, size, "frames from the port (%s): %s", known[i].load, what);
		else if (json_int_at(received, "frames") <= 0)
			snprintf(why, size, "no frame came from the port (%s)", known[i].load);
		else
			continue;
		return false;
	}
	return true;
}

static json_int_t total(json_t *cycles, const char *oracle)
{
	json_int_t sum = 0;
	json_t *record;
	size_t i;

	json_array_foreach(cycles, i, record)
		sum += json_int_at(json_at(record, "oracles"), oracle);
	return sum;
}

bool judge_control(const char *control, const char *must_catch, json_t *cycles, char *why,
		   size_t size)
{
	char seen[160] = "", blind[80] = "";
	json_int_t n[ORACLES];
	size_t used = 0, blind_used = 0;

	for (size_t i = 0; i < ORACLES; i++) {
		n[i] = total(cycles, oracles[i]);
		if (n[i])
			used += (size_t)snprintf(seen + used, sizeof(seen) - used, "%s%s: %lld",
						 used ? ", " : "", oracles[i], (long long)n[i]);
		else if (lab_listed(must_catch, oracles[i]))
			blind_used += (size_t)snprintf(blind + blind_used,
						       sizeof(blind) - blind_used, "%s%s",
						       blind_used ? ", " : "", oracles[i]);
	}
	if (!blind_used && used)
		snprintf(why, size, "control %s caught by %s", control, seen);
	else if (!used)
		snprintf(why, size, "control %s NOT caught: no oracle reported anything", control);
	else
		snprintf(why, size, "control %s NOT caught by %s (%s)", control, blind, seen);
	return !blind_used && used;
}
