/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: results of the walk bench as a table and as JSON (bench/README.md) */
#ifndef HF_BENCH_REPORT_H
#define HF_BENCH_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "measure.h"
#include "options.h"

/* What a figure depends on, beside the shape */
struct circumstances {
	struct options_output output;
	const struct measure_options *options;
};

/* Print the head of the table, then a block of lines for each result */
void report_head(FILE *f, const struct circumstances *circumstances);
void report_result(FILE *f, const struct result *result);

/* For scripts: 'ratio_every_entry=N ratio_floor=N', of our walk; - if one did not run */
void report_ratios(FILE *f, const struct result *result);

/**
 * report_json() - All results as one document, schema holdfast/walk/1
 *
 * Returns it, for document_print() or document_save(), or NULL without memory.
 */
json_t *report_json(const struct circumstances *circumstances, const struct result *results,
		    size_t count);

#endif
