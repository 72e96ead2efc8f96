// SPDX-License-Identifier: GPL-2.0-only
/* Description: results of the walk bench as a table and as JSON (bench/README.md) */

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "document.h"
#include "report.h"

void report_head(FILE *f, const struct circumstances *circumstances)
{
	const struct model_options *model = &circumstances->options->model;
	char cpu[128];

	document_cpu(cpu, sizeof(cpu));
	fprintf(f, "Restore walk, native on %s; %u node%s, memory %ux the tables, %s pages\n", cpu,
		model->nodes, model->nodes == 1 ? "" : "s", model->spread,
		model->huge && model_has_huge_pages() ? "huge" : "small");
	fprintf(f, "Medians in ns; n: turns; faster: than every-entry; floor: multiple of it.\n\n");
	fprintf(f, "%-11s %4s | %-46s | %-25s | %8s | %9s %11s\n", "", "", "walk, per table",
		"walk and free, per table", "retrieve", "entries", "bytes");
	fprintf(f, "%-11s %4s | %8s %17s %8s %10s | %8s %7s %8s | %8s | %9s %11s\n", "", "n", "",
		"min..max", "faster", "floor", "", "faster", "floor", "waits", "read", "touched");
}

static double per_table(const struct result *result, uint64_t ns)
{
	return (double)ns / (double)result->tables;
}

static void ratio(FILE *f, int width, int digits, double value)
{
	if (value > 0)
		fprintf(f, " %*.*f", width, digits, value);
	else
		fprintf(f, " %*s", width, "-");
}

static void strategy_line(FILE *f, const struct result *result, enum strategy s)
{
	const struct outcome *outcome = &result->outcome[s];
	const struct spread *walk = &outcome->phase[WALK];
	char range[40];

	snprintf(range, sizeof(range), "%.1f..%.1f", per_table(result, walk->min),
		 per_table(result, walk->max));
	fprintf(f, "%-11s %4u | %8.2f %17s", strategy_names[s], outcome->turns,
		per_table(result, walk->median), range);
	ratio(f, 8, 1, measure_ratio(result, WALK, EVERY_ENTRY, s));
	ratio(f, 10, 2, measure_ratio(result, WALK, s, FLOOR));
	fprintf(f, " | %8.2f", per_table(result, outcome->phase[TOTAL].median));
	ratio(f, 7, 1, measure_ratio(result, TOTAL, EVERY_ENTRY, s));
	ratio(f, 8, 2, measure_ratio(result, TOTAL, s, FLOOR));
	fprintf(f, " | %8.0f | %9" PRIu64 " %11" PRIu64 "\n",
		(double)outcome->phase[RETRIEVE].median, outcome->entries, outcome->bytes);
}

void report_result(FILE *f, const struct result *result)
{
	fprintf(f, "%s: %" PRIu64 " tables, %" PRIu64 " with more than leaves\n",
		result->shape.name, result->tables, result->inner);
	for (int s = 0; s < STRATEGIES; s++)
		if (result->outcome[s].ran)
			strategy_line(f, result, (enum strategy)s);
	fflush(f);
}

static void named_ratio(FILE *f, const char *name, int digits, double value, char end)
{
	if (value > 0)
		fprintf(f, "%s=%.*f%c", name, digits, value, end);
	else
		fprintf(f, "%s=-%c", name, end);
}

void report_ratios(FILE *f, const struct result *result)
{
	named_ratio(f, "ratio_every_entry", 1, measure_ratio(result, WALK, EVERY_ENTRY, OURS), ' ');
	named_ratio(f, "ratio_floor", 2, measure_ratio(result, WALK, OURS, FLOOR), '\n');
}

static json_t *ratio_json(double value)
{
	return value > 0 ? json_real(value) : json_null();
}

static json_t *outcome_json(const struct result *result, enum strategy s)
{
	const struct outcome *outcome = &result->outcome[s];
	json_t *phases = json_object();

	for (int p = 0; p < PHASES; p++)
		json_object_set_new(phases, phase_names[p], json_pack("{s:I,s:I,s:I}",
			"min", (json_int_t)outcome->phase[p].min,
			"median", (json_int_t)outcome->phase[p].median,
			"max", (json_int_t)outcome->phase[p].max));
	return json_pack("{s:I,s:I,s:I,s:I,s:f,s:f,s:o,s:{s:o,s:o},s:{s:o,s:o}}",
		"iterations", (json_int_t)outcome->turns,
		"tables", (json_int_t)outcome->tables,
		"entries_read", (json_int_t)outcome->entries,
		"bytes_touched", (json_int_t)outcome->bytes,
		"walk_ns_per_table", per_table(result, outcome->phase[WALK].median),
		"restore_free_ns_per_table", per_table(result, outcome->phase[TOTAL].median),
		"ns", phases,
		"walk_ratio",
		"every_entry", ratio_json(measure_ratio(result, WALK, EVERY_ENTRY, s)),
		"floor", ratio_json(measure_ratio(result, WALK, s, FLOOR)),
		"restore_free_ratio",
		"every_entry", ratio_json(measure_ratio(result, TOTAL, EVERY_ENTRY, s)),
		"floor", ratio_json(measure_ratio(result, TOTAL, s, FLOOR)));
}

static json_t *result_json(const struct result *result)
{
	static const char *const fills[] = { "dense", "sparse", "holes" };
	const struct shape *shape = &result->shape;
	json_t *strategies = json_object();

	for (int s = 0; s < STRATEGIES; s++)
		if (result->outcome[s].ran)
			json_object_set_new(strategies, strategy_names[s],
					    outcome_json(result, (enum strategy)s));
	return json_pack("{s:s,s:s,s:I,s:I,s:s,s:s,s:s,s:I,s:I,s:o}",
		"shape", shape->name,
		"format", shape->format->name,
		"leaf", (json_int_t)shape->leaf,
		"size", (json_int_t)shape->size,
		"placement", shape->scattered ? "scattered" : "contiguous",
		"fill", fills[shape->fill],
		"cache", shape->warm ? "warm" : "cold",
		"tables", (json_int_t)result->tables,
		"inner_tables", (json_int_t)result->inner,
		"strategies", strategies);
}

json_t *report_json(const struct circumstances *circumstances, const struct result *results,
		    size_t count)
{
	const struct model_options *model = &circumstances->options->model;
	json_t *list = json_array(), *document;

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, result_json(&results[i]));
	document = document_new("holdfast/walk/1", circumstances->output.command,
				circumstances->output.series);
	json_object_set_new(json_object_get(document, "host"), "undisturbed",
			    json_boolean(measure_undisturbed()));
	json_object_set_new(document, "model", json_pack("{s:i,s:i,s:b}", "nodes",
		(int)model->nodes, "spread", (int)model->spread, "huge_pages",
		model->huge && model_has_huge_pages()));
	json_object_set_new(document, "results", list);
	return document;
}
