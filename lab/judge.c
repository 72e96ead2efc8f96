// SPDX-License-Identifier: GPL-2.0-only
/* Description: the lab's own judgement of cycles and of negative controls */

#include "judge.h"

#include <stdio.h>
#include <string.h>

#include "json_at.h"
#include "lab.h"

static const char *const oracles[] = { "iommu", "device", "data", "emulator", "outside" };

#define ORACLES (sizeof(oracles) / sizeof(oracles[0]))

/* Counts of a record that a clean cycle has at zero. */
static const char *const zeroes[] = {
	"dma.faulted", "dma.lost", "dma.corrupt", "dma.stray", "oracles.iommu",
	"oracles.device", "oracles.data", "oracles.emulator", "oracles.outside", "irq.spurious",
	"irq.nobody_cared", "bystanders.bad", "nic.lost", "nic.torn", "nic.duplicate", "nic.late",
	"nic.faulted", "nic.stray", "nic.eaten", "nic.unsent", "nic.missing", "nic.device",
	"nic.foreign",
	"fio.wrong", "fio.errors", "dpdk.lost", "dpdk.torn", "dpdk.duplicate", "dpdk.late",
	"dpdk.foreign", "dpdk.unsent",
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

static json_int_t in_phases(json_t *by_phase, const char *const *phases)
{
	json_int_t sum = 0;

	for (; *phases; phases++)
		sum = json_sum(sum, json_int_at(by_phase, *phases));
	return sum;
}

/* No oracle's zero counts if no DMA was under way while it could go wrong. */
static const char *idle_part(json_t *by_phase)
{
	static const char *const before[] = { "jump", "early_boot", NULL };
	static const char *const after[] = { "restore", "init", "retrieve", NULL };

	if (!in_phases(by_phase, before))
		return "no DMA between the jump and the IOMMU's take-over";
	if (!in_phases(by_phase, after))
		return "no DMA between the IOMMU's take-over and retrieve";
	return NULL;
}

/* What nobody asked is not zero. */
static const char *blind_part(json_t *record)
{
	if (!json_is_integer(json_at(record, "oracles.iommu")))
		return "nobody asked the IOMMU for faults";
	if (!json_is_array(json_at(record, "pci")))
		return "nobody looked at the PCI status";
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

/*
 * From outside, each device must have been seen with its new page table, and with no other; or
 * with one more for each agent that has died on the way.
 */
static const char *strange_entry(json_t *record)
{
	json_int_t replaced, most = 1 + json_int_at(record, "deaths");
	json_t *one;
	size_t i;

	json_array_foreach(json_at(record, "outside.entries"), i, one) {
		replaced = json_int_at(one, "replaced");
		if (replaced < 1 || replaced > most)
			return "from outside, a device was not seen to get one new page table";
	}
	return NULL;
}

static const char *idle_load(json_t *record, const char *loads)
{
	if (lab_listed(loads, "nvme") && json_int_at(record, "controller.csts") != 1)
		return "the drive's status is not just ready";
	if (lab_listed(loads, "fio") && (json_int_at(record, "fio.verified") <= 0 ||
					 json_int_at(record, "fio.map_ios") <= 0))
		return "fio was idle";
	if (lab_listed(loads, "dpdk") && json_int_at(record, "dpdk.received") <= 0)
		return "DPDK was idle";
	if (!lab_listed(loads, "nic"))
		return NULL;
	if (!json_is_integer(json_at(record, "nic.missing")))
		return "nobody compared the frames with what was sent";
	if (json_int_at(record, "nic.in_blackout") <= 0)
		return "no frame in the blackout";
	/* An emulated NIC never drops for want of buffers: it does not take the frame. */
	if (json_is_object(json_at(record, "emulator")) && json_int_at(record, "nic.dropped"))
		return "the emulated NIC has dropped frames";
	/* A ring that is full has an excuse. */
	if (!json_is_true(json_at(record, "nic.filled")) &&
	    idle_part(json_at(record, "nic.in_blackout_by_phase")))
		return "the NIC's DMA stood still in a part of the blackout";
	return json_is_true(json_at(record, "nic.resumed")) ? NULL : "the NIC did not go on";
}

bool judge_cycle(json_t *record, const char *loads, const char *bystanders, char *why, size_t size)
{
	const char *objection;

	if (!all_zero(record, zeroes, why, size))
		return false;
	objection = *json_string_at(record, "outside.complaint") ?
		    json_string_at(record, "outside.complaint") : blind_part(record);
	if (!objection)
		objection = idle_part(json_at(record, "dma.in_blackout_by_phase"));
	if (!objection)
		objection = idle_load(record, loads);
	if (!objection)
		objection = idle_bystander(record, bystanders);
	if (!objection && !json_is_true(json_at(record, "adopted")))
		objection = "the devices were not adopted";
	if (!objection)
		objection = strange_entry(record);
	if (!objection)
		return true;
	snprintf(why, size, "%s", objection);
	return false;
}

bool judge_swaps(json_t *swaps, json_int_t planned, char *why, size_t size)
{
	static const char *const swap_zeroes[] = {
		"faulted", "lost", "corrupt", "stray", "iommu", "emulator", "outside", NULL,
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

/* How many frames the source must have seen, by what the agent's records say. */
static json_int_t frames_owed(json_t *cycles, const char *load)
{
	json_int_t owed = 0;
	json_t *record;
	size_t i;

	json_array_foreach(cycles, i, record) {
		/* The NIC's sequence goes on from kernel to kernel; DPDK counts anew. */
		if (strcmp(load, "nic") == 0)
			owed = json_int_at(record, "nic.sent_next");
		else
			owed += json_int_at(record, "dpdk.sent");
	}
	return owed ? owed : 1;
}

static bool judge_source(const char *load, json_t *summary, const char *const *paths,
			 json_t *cycles, char *why, size_t size)
{
	json_t *received = json_at(summary, "received");
	const char *end = json_string_at(summary, "end");
	char what[80];

	if (strcmp(end, "peer") != 0 && strcmp(end, "signal") != 0)
		snprintf(why, size, "the frame source for %s ended by %s", load,
			 *end ? end : "itself, without a summary");
	else if (!all_zero(received, paths, what, sizeof(what)))
		snprintf(why, size, "frames from the port (%s): %s", load, what);
	else if (json_int_at(received, "frames") < frames_owed(cycles, load))
		snprintf(why, size, "%lld of %lld frames came from the port (%s)",
			 (long long)json_int_at(received, "frames"),
			 (long long)frames_owed(cycles, load), load);
	else
		return true;
	return false;
}

bool judge_frames(json_t *frames, json_t *cycles, char *why, size_t size)
{
	/* DPDK's port is not preserved: it answers only while somebody drives it. */
	static const struct {
		const char *load;
		const char *zeroes[7];
	} known[] = {
		{ "nic", { "lost", "duplicated", "late", "torn", "stray", "not_ours", NULL } },
		{ "dpdk", { "duplicated", "late", "torn", "stray", "not_ours", NULL } },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		json_t *summary = json_at(frames, known[i].load);

		if (summary && !judge_source(known[i].load, summary, known[i].zeroes, cycles, why,
					     size))
			return false;
	}
	return true;
}

bool judge_exits(json_t *exits, char *why, size_t size)
{
	json_t *one;
	size_t i;

	json_array_foreach(exits, i, one) {
		if (json_is_true(json_at(one, "ok")))
			continue;
		snprintf(why, size, "%s %s: %s, not %s", json_string_at(one, "what"),
			 json_string_at(one, "bdf"), json_string_at(one, "got"),
			 json_string_at(one, "want"));
		return false;
	}
	return true;
}

bool judge_knows(const char *must_catch)
{
	size_t known = strcmp(must_catch, "none") == 0 ? strlen("none") : 0, words = 0;

	for (size_t i = 0; i < ORACLES && !known; i++) {
		if (lab_listed(must_catch, oracles[i]))
			words += strlen(oracles[i]) + 1;
	}
	return strlen(must_catch) == (known ? known : words - 1);
}

json_t *judge_order(const struct emulog_order *o, const char *want)
{
	const char *got = o->translating ? "stays-on" : "was not seen on";

	if (o->off)
		got = o->unsafe ? "goes off before bus mastering" : "goes-off";
	return json_pack("{s:s,s:s,s:b,s:s,s:s}", "what", "translation", "bdf",
			 o->bdf ? o->bdf : "", "ok", strcmp(got, want) == 0, "got", got,
			 "want", want);
}

json_t *judge_fact(const char *what, bool yes)
{
	return json_pack("{s:s,s:s,s:b,s:s,s:s}", "what", what, "bdf", "", "ok", yes, "got",
			 yes ? "yes" : "no", "want", "yes");
}

static bool was_tried(json_t *exits, const char *what)
{
	json_t *one;
	size_t i;

	json_array_foreach(exits, i, one) {
		if (strcmp(json_string_at(one, "what"), what) == 0)
			return true;
	}
	return false;
}

bool judge_ends(const char *ends, json_t *exits, bool cycles, char *why, size_t size)
{
	const struct {
		const char *end, *what;
		bool there;
	} all[] = {
		{ "cycle", "a good cycle", cycles },
		{ "anew", "a new start of the devices",
		  was_tried(exits, "a new start of the devices") },
		{ "quiet", "bus mastering is off", was_tried(exits, "bus mastering is off") },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i].there || !lab_listed(ends, all[i].end))
			continue;
		snprintf(why, size, "it has not come to its end: %s", all[i].what);
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
		sum = json_sum(sum, json_int_at(json_at(record, "oracles"), oracle));
	return sum;
}

/* The same names for what is known of replaced page tables. */
static json_int_t of_swaps(json_t *swaps, const char *oracle)
{
	if (!swaps)
		return 0;
	if (strcmp(oracle, "data") == 0)
		return json_sum(json_int_at(swaps, "lost"), json_sum(json_int_at(swaps, "corrupt"),
								     json_int_at(swaps, "stray")));
	if (strcmp(oracle, "device") == 0)
		return json_sum(json_int_at(swaps, "faulted"), json_int_at(swaps, "csts") != 1);
	return json_int_at(swaps, oracle);
}

bool judge_control(const char *control, const char *must_catch, json_t *swaps, json_t *cycles,
		   char *why, size_t size)
{
	char seen[200] = "", blind[80] = "";
	json_int_t n[ORACLES];
	size_t used = 0, blind_used = 0;

	for (size_t i = 0; i < ORACLES; i++) {
		n[i] = json_sum(total(cycles, oracles[i]), of_swaps(swaps, oracles[i]));
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

bool judge_harmless(const char *control, bool pass, json_t *cycles, char *why, size_t size)
{
	json_int_t full = 0;
	json_t *record;
	size_t i;

	json_array_foreach(cycles, i, record)
		full = json_sum(full, json_int_at(record, "nic.ring_full"));
	if (!pass)
		snprintf(why, size, "control %s counted as a fault", control);
	else if (!full)
		snprintf(why, size, "control %s did nothing: no ring was full", control);
	else
		snprintf(why, size, "control %s is no fault: ring full %lld times", control,
			 (long long)full);
	return pass && full;
}
