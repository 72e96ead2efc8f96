// SPDX-License-Identifier: GPL-2.0-only
/* Description: fuzz target: the lab's judgement and report of any records */

/*
 * Input: lines. The reason of the verdict, which may quote whatever the guest said; then
 * objects: the swaps, what the frame sources say, and the cycles.
 */

#include "../lab/drift.h"
#include "../lab/judge.h"
#include "../lab/report.h"
#include "fuzz.h"

/* An object or null, as from the guest. */
static json_t *next_object(struct fuzz *f)
{
	char *line = fuzz_line(f);
	json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

	free(line);
	if (json_is_object(object))
		return object;
	json_decref(object);
	return json_null();
}

static json_t *next_cycles(struct fuzz *f)
{
	json_t *cycles = json_array();

	while (f->left) {
		json_t *record = next_object(f);

		if (json_is_object(record))
			json_array_append_new(cycles, record);
	}
	return cycles;
}

static void judge(json_t *swaps, json_t *frames, json_t *cycles)
{
	json_t *record, *drift;
	char why[200];
	size_t i;

	json_array_foreach(cycles, i, record)
		judge_cycle(record, "nvme,nic,fio,dpdk", "nvme,nic", why, sizeof(why));
	judge_swaps(swaps, 9, why, sizeof(why));
	judge_frames(frames, cycles, why, sizeof(why));
	judge_control("some", "data,emulator", swaps, cycles, why, sizeof(why));
	drift = drift_of(cycles);
	drift_judge(drift, why, sizeof(why));
	json_decref(drift);
}

static void print(FILE *to, json_t *document, json_t *cycles)
{
	json_t *record;
	size_t i;

	json_array_foreach(cycles, i, record)
		report_progress(to, record, 3);
	report_table(to, document, cycles);
}

FUZZ()
{
	struct fuzz f = { data, size };
	char *reason = fuzz_line(&f), *text = NULL;
	json_t *swaps = next_object(&f), *frames = next_object(&f), *cycles = next_cycles(&f);
	struct report_run run = {
		.run_id = "r", .started = "s", .machine = "m", .profile = "p", .loads = "nvme,nic",
		.control = "none", .series = "", .kernel = reason, .emulator = reason,
		.verdict = LAB_FAIL, .reason = reason, .frames = frames, .must_catch = "data",
	};
	json_t *document;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	judge(swaps, frames, cycles);
	document = report_document(&run, swaps, cycles);
	/* Whatever has happened, there is a run.json that says so. */
	MUST(document);
	print(to, document, cycles);
	fclose(to);
	free(text);
	text = json_dumps(document, 0);
	MUST(text);
	free(text);
	json_decref(document);
	json_decref(swaps);
	json_decref(frames);
	json_decref(cycles);
	free(reason);
	return 0;
}
