/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: run.json, cycles.jsonl and what people see; schema: lab/SCHEMA.md */

#ifndef HF_REPORT_H
#define HF_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "lab.h"

#define REPORT_SCHEMA "holdfast/run/1"

/* What is known about a run apart from its cycles. Strings are borrowed. */
struct report_run {
	const char *run_id, *started, *machine, *profile, *loads, *control, *series;
	const char *must_catch;	/* the oracles that must see the control; "none", "": none must */
	const char *exit;	/* as in configs/exits; NULL: the straight way */
	const char *kernel;	/* what the guest said; NULL: it never did */
	const char *cpu, *accel, *emulator;	/* NULL: unknown */
	json_int_t planned, stretch_ms, map_gib;
	enum lab_verdict verdict;
	const char *reason;
	int control_caught;	/* -1: no control was run */
	unsigned int warnings;	/* of the guest's kernels */
	json_t *topology;	/* array of functions; NULL: nobody told */
	json_t *exits;		/* what was tried on an exit; NULL: nothing */
	json_t *drift;		/* lab/drift.h; NULL: too few cycles */
	json_t *bench;		/* loads compared with others; NULL: none were */
	json_t *frames;		/* summary of each frame source; NULL: there was none */
};

/* The document run.json, from the run and its cycle records. New reference. */
json_t *report_document(const struct report_run *run, json_t *swaps, json_t *cycles);

/* One line on one cycle. */
void report_progress(FILE *to, json_t *record, json_int_t planned);

/* The end of a run for people. */
void report_swaps(FILE *to, json_t *swaps);

void report_table(FILE *to, json_t *document, json_t *cycles);

/* Write @document to @dir/run.json by way of a temporary file. 0 or -errno. */
int report_write(const char *dir, const json_t *document);

#endif /* HF_REPORT_H */
