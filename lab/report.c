// SPDX-License-Identifier: GPL-2.0-only
/* Description: run.json, cycles.jsonl and what people see; schema: lab/SCHEMA.md */

#include "report.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "json_at.h"

/* In the order in which they happen. */
static const char *const phases[] = {
	"shutdown", "jump", "early_boot", "restore", "init", "retrieve", "resume",
};

#define PHASES (sizeof(phases) / sizeof(phases[0]))

static const char *const dma_sums[] = {
	"completed", "in_blackout", "faulted", "lost", "corrupt", "stray", "verified_bytes",
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The numbers at @path of all records that have one, sorted; the caller frees. */
static double *column(json_t *cycles, const char *path, size_t *count)
{
	double *values = calloc(json_array_size(cycles) + 1, sizeof(*values));
	json_t *record;
	size_t i;

	*count = 0;
	if (!values)
		return NULL;
	json_array_foreach(cycles, i, record) {
		json_t *value = json_at(record, path);

		if (json_is_number(value))
			values[(*count)++] = json_number_value(value);
	}
	qsort(values, *count, sizeof(*values), by_value);
	return values;
}

/* Nearest rank: the smallest value that @percent of all do not exceed. */
static double rank(const double *sorted, size_t count, unsigned int percent)
{
	size_t n = (count * percent + 99) / 100;

	return sorted[n ? n - 1 : 0];
}

/* A number as an integer: of the greatest there is no double. */
static json_int_t whole(double value)
{
	const double limit = 9223372036854774784.0;	/* the last before 2^63 */

	return (json_int_t)(value > limit ? limit : value < -limit ? -limit : value);
}

/* {min, median, [p99,] max} of the numbers at @path; null if there are none. */
static json_t *spread(json_t *cycles, const char *path, bool integers, bool p99)
{
	size_t count;
	double *v = column(cycles, path, &count);
	json_t *out = json_null();
	struct {
		const char *name;
		double value;
	} parts[4];

	if (v && count) {
		parts[0].name = "min";
		parts[0].value = v[0];
		parts[1].name = "median";
		parts[1].value = rank(v, count, 50);
		parts[2].name = p99 ? "p99" : NULL;
		parts[2].value = rank(v, count, 99);
		parts[3].name = "max";
		parts[3].value = v[count - 1];
		out = json_object();
		for (size_t i = 0; i < 4; i++) {
			if (parts[i].name)
				json_object_set_new(out, parts[i].name, integers ?
						    json_integer(whole(parts[i].value)) :
						    json_real(parts[i].value));
		}
	}
	free(v);
	return out;
}

static json_int_t sum(json_t *cycles, const char *path)
{
	json_int_t n = 0;
	json_t *record;
	size_t i;

	json_array_foreach(cycles, i, record)
		n = json_sum(n, json_int_at(record, path));
	return n;
}

static void add_members(json_t *sums, json_t *object)
{
	json_t *value;
	const char *name;

	/* A name is one, also if there is a dot in it. */
	json_object_foreach(object, name, value) {
		json_int_t so_far = json_integer_value(json_object_get(sums, name));

		if (json_is_integer(value))
			json_object_set_new(sums, name,
					    json_integer(json_sum(so_far,
								  json_integer_value(value))));
	}
}

/* Add up the integers of the objects at @path, name by name. */
static json_t *sum_members(json_t *cycles, const char *path)
{
	json_t *sums = json_object();
	json_t *record;
	size_t i;

	json_array_foreach(cycles, i, record)
		add_members(sums, json_at(record, path));
	return sums;
}

/* A sum that is null when no record had a number: nobody looked. */
static json_t *sum_or_null(json_t *cycles, const char *path)
{
	json_t *record;
	size_t i;

	json_array_foreach(cycles, i, record) {
		if (json_is_integer(json_at(record, path)))
			return json_integer(sum(cycles, path));
	}
	return json_null();
}

static json_t *dma_part(json_t *cycles)
{
	json_t *dma = json_object();
	char path[64];

	for (size_t i = 0; i < sizeof(dma_sums) / sizeof(dma_sums[0]); i++) {
		snprintf(path, sizeof(path), "dma.%s", dma_sums[i]);
		json_object_set_new(dma, dma_sums[i], json_integer(sum(cycles, path)));
	}
	json_object_set_new(dma, "in_blackout_by_phase",
			    sum_members(cycles, "dma.in_blackout_by_phase"));
	return dma;
}

/* Null without the load. */
static json_t *nic_part(json_t *cycles)
{
	static const char *const sums[] = {
		"received", "in_blackout", "lost", "missing", "dropped", "torn", "duplicate",
		"late", "faulted", "stray", "foreign", "ring_full", "bytes", "sent", "unsent",
	};
	json_t *nic;
	char path[64];

	if (!json_is_object(json_at(json_array_get(cycles, 0), "nic")))
		return json_null();
	nic = json_object();
	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
		snprintf(path, sizeof(path), "nic.%s", sums[i]);
		json_object_set_new(nic, sums[i], json_integer(sum(cycles, path)));
	}
	return nic;
}

static json_t *walk_part(json_t *cycles)
{
	json_t *found = NULL;
	json_t *record;
	size_t i;

	json_array_foreach(cycles, i, record) {
		if (json_is_object(json_at(record, "restore_walk")))
			found = json_at(record, "restore_walk");
	}
	if (!found)
		return json_null();
	return json_pack("{s:s,s:I,s:O?,s:I,s:o}", "where", json_string_at(found, "where"),
			 "tables", json_int_at(found, "tables"),
			 "levels", json_at(found, "levels"),
			 "entries_read", json_int_at(found, "entries_read"),
			 "ns", spread(cycles, "restore_walk.ns", true, true));
}

/* Sums by name; null: no IOMMU here counts anything. */
static json_t *pmu_part(json_t *cycles)
{
	json_t *sums = sum_members(cycles, "iommu_pmu");

	if (json_object_size(sums))
		return sums;
	json_decref(sums);
	return json_null();
}

/* By the name of the step, of the cycles that know of it; null: none does. */
static json_t *steps_part(json_t *cycles)
{
	json_t *steps = json_object(), *sums = sum_members(cycles, "steps_ns"), *sum;
	const char *name;
	char path[64];

	json_object_foreach(sums, name, sum) {
		json_t *one;

		snprintf(path, sizeof(path), "steps_ns.%s", name);
		one = spread(cycles, path, true, false);
		if (json_is_object(one))
			json_object_set(steps, name, one);
		json_decref(one);
	}
	json_decref(sums);
	if (json_object_size(steps))
		return steps;
	json_decref(steps);
	return json_null();
}

static json_t *blackout_part(json_t *cycles)
{
	json_t *blackout = spread(cycles, "blackout.ms", false, false);
	json_t *by_phase;
	char path[64];

	if (json_is_null(blackout))
		return blackout;
	by_phase = json_object();
	for (size_t i = 0; i < PHASES; i++) {
		snprintf(path, sizeof(path), "blackout.phases.%s", phases[i]);
		json_object_set_new(by_phase, phases[i], spread(cycles, path, false, false));
	}
	json_object_set_new(blackout, "phases", by_phase);
	return blackout;
}

static json_t *list_part(const char *words)
{
	json_t *list = json_array();

	while (*words) {
		size_t len = strcspn(words, ",");

		json_array_append_new(list, json_stringn(words, len));
		words += len + (words[len] == ',');
	}
	return list;
}

/* Cycles of which the agent itself has told. */
static json_int_t completed(json_t *cycles)
{
	json_int_t n = 0;
	json_t *record;
	size_t i;

	json_array_foreach(cycles, i, record)
		n += json_is_object(json_at(record, "dma"));
	return n;
}

json_t *report_document(const struct report_run *run, json_t *swaps, json_t *cycles)
{
	bool emulated = run->accel && strcmp(run->accel, "tcg") == 0;

	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:s, s:{s:o,s:s}, s:{s:o,s:o,s:o},"
			 " s:o, s:s,s:o, s:I, s:O?, s:O?, s:{s:I,s:I}, s:o, s:o, s:{s:o,s:o,s:o,s:o,s:o},"
			 " s:o, s:o, s:o, s:o, s:I, s:O?, s:O?, s:O?, s:O?, s:s, s:o, s:o, s:I, s:o}",
			 "schema", REPORT_SCHEMA, "run_id", run->run_id,
			 "started", run->started, "machine", run->machine,
			 "profile", run->profile, "verdict", lab_verdict_name(run->verdict),
			 "reason", json_text(run->reason), "timing", emulated ? "emulated" : "real",
			 "kernel", "version", json_text(run->kernel), "series_sha256", run->series,
			 "host", "cpu", json_text(run->cpu), "accel", json_text(run->accel),
			 "emulator", json_text(run->emulator),
			 "loads", list_part(run->loads), "control", run->control,
			 "control_caught", run->control_caught < 0 ? json_null() :
			 json_boolean(run->control_caught),
			 "stretch_ms", run->stretch_ms,
			 "swaps", swaps, "frames", run->frames,
			 "cycles", "planned", run->planned, "completed", completed(cycles),
			 "dma", dma_part(cycles), "nic", nic_part(cycles),
			 "oracles", "iommu", sum_or_null(cycles, "oracles.iommu"),
			 "device", sum_or_null(cycles, "oracles.device"),
			 "data", sum_or_null(cycles, "oracles.data"),
			 "emulator", sum_or_null(cycles, "oracles.emulator"),
			 "outside", sum_or_null(cycles, "oracles.outside"),
			 "emulator", sum_members(cycles, "emulator"),
			 "restore_walk", walk_part(cycles),
			 "blackout_ms", blackout_part(cycles),
			 "bystanders", sum_members(cycles, "bystanders"),
			 "warnings", (json_int_t)run->warnings,
			 "topology", run->topology, "bench", run->bench,
			 "exits", run->exits, "drift", run->drift, "exit", run->exit ? run->exit : "none",
			 "iommu_pmu", pmu_part(cycles),
			 "steps_ns", steps_part(cycles), "map_gib", run->map_gib,
			 "must_catch", list_part(strcmp(run->must_catch, "none") ?
						  run->must_catch : ""));
}

int report_write(const char *dir, const json_t *document)
{
	char path[600], part[620];
	FILE *file;
	bool bad;

	snprintf(path, sizeof(path), "%s/run.json", dir);
	snprintf(part, sizeof(part), "%s.part", path);
	file = fopen(part, "we");
	if (!file)
		return -errno;
	bad = json_dumpf(document, file, JSON_INDENT(2)) || fputc('\n', file) == EOF;
	bad |= fclose(file) != 0;
	return bad || rename(part, path) ? -EIO : 0;
}

void report_progress(FILE *to, json_t *record, json_int_t planned)
{
	const char *reason = json_string_at(record, "reason");

	fprintf(to, "cycle %lld/%lld: %s", (long long)json_int_at(record, "cycle"),
		(long long)planned, json_string_at(record, "verdict"));
	if (json_at(record, "dma"))
		fprintf(to, "  blackout %.0f ms  in flight %lld  in blackout %lld (frames %lld)"
			"  faulted %lld  lost %lld  looks %lld",
			json_number_value(json_at(record, "blackout.ms")),
			(long long)json_int_at(record, "dma.inflight"),
			(long long)json_int_at(record, "dma.in_blackout"),
			(long long)json_int_at(record, "nic.in_blackout"),
			(long long)json_int_at(record, "dma.faulted"),
			(long long)json_int_at(record, "dma.lost"),
			(long long)json_int_at(record, "outside.samples"));
	fprintf(to, "%s%s\n", *reason ? "  " : "", reason);
	fflush(to);
}

void report_swaps(FILE *to, json_t *swaps)
{
	fprintf(to, "%lld page tables replaced during %lld reads, %lld attaches refused:"
		"  faulted %lld  lost %lld  corrupt %lld  stray %lld  iommu %lld  emulator %lld"
		"  outside %lld\n",
		(long long)json_int_at(swaps, "done"), (long long)json_int_at(swaps, "reads"),
		(long long)json_int_at(swaps, "refused"),
		(long long)json_int_at(swaps, "faulted"), (long long)json_int_at(swaps, "lost"),
		(long long)json_int_at(swaps, "corrupt"), (long long)json_int_at(swaps, "stray"),
		(long long)json_int_at(swaps, "iommu"), (long long)json_int_at(swaps, "emulator"),
		(long long)json_int_at(swaps, "outside"));
	fflush(to);
}

/* Work per cost, ours and the best of theirs. */
static void print_ratio(FILE *to, const char *what, json_t *best, double goal)
{
	double ratio = json_number_value(json_at(best, "ratio"));

	fprintf(to, "ratio_%s=%.2f (goal %.1f: %s)  per %s: ours %.1f, %s %.1f\n", what,
		ratio, goal, ratio >= goal ? "met" : "MISSED",
		json_string_at(best, "cost_in"),
		json_number_value(json_at(best, "ours.per_cost")), json_string_at(best, "name"),
		json_number_value(json_at(best, "theirs.per_cost")));
}

static void print_cycle(FILE *to, json_t *record)
{
	static const char *const columns[] = {
		"dma.inflight", "dma.in_blackout", "nic.in_blackout", "dma.faulted", "dma.lost", "dma.corrupt",
		"dma.stray", "oracles.iommu", "oracles.device", "oracles.data",
		"oracles.emulator", "oracles.outside", "outside.samples",
	};

	fprintf(to, "%5lld %-5s", (long long)json_int_at(record, "cycle"),
		json_string_at(record, "verdict"));
	if (json_at(record, "blackout.ms"))
		fprintf(to, " %11.0f", json_number_value(json_at(record, "blackout.ms")));
	else
		fprintf(to, " %11s", "-");
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		json_t *value = json_at(record, columns[i]);

		if (json_is_integer(value))
			fprintf(to, " %8lld", (long long)json_integer_value(value));
		else
			fprintf(to, " %8s", "-");
	}
	fputc('\n', to);
}

static void print_steps(FILE *to, json_t *document)
{
	const char *name;
	json_t *step;

	fprintf(to, "steps, median ms (%s):", json_string_at(document, "timing"));
	json_object_foreach(json_at(document, "steps_ns"), name, step)
		fprintf(to, " %s %.2f", name, json_number_value(json_at(step, "median")) / 1e6);
	fputc('\n', to);
}

/* Told of only where somebody is after figures of the IOMMU. */
static void print_pmu(FILE *to, json_t *document)
{
	const char *name;
	json_t *count;

	if (!json_int_at(document, "map_gib"))
		return;
	fprintf(to, "IOMMU counters:");
	json_object_foreach(json_at(document, "iommu_pmu"), name, count)
		fprintf(to, " %s %lld", name, (long long)json_integer_value(count));
	if (!json_is_object(json_at(document, "iommu_pmu")))
		fprintf(to, " not here, there is no event source dmar* or amd_iommu_*");
	fputc('\n', to);
}

void report_table(FILE *to, json_t *document, json_t *cycles)
{
	const char *reason = json_string_at(document, "reason");
	json_t *record, *phase;
	const char *name;
	size_t i;

	if (json_is_object(json_at(document, "swaps")))
		report_swaps(to, json_at(document, "swaps"));
	if (json_is_object(json_at(document, "bench"))) {
		print_ratio(to, "nvme_fio", json_at(document, "bench.drive.best"), 1.5);
		print_ratio(to, "nic_testpmd", json_at(document, "bench.nic.best"), 1.0);
	}
	if (json_array_size(cycles))
		fprintf(to, "cycle       blackout_ms inflight blackout   frames  faulted     lost  corrupt"
			"    stray    iommu   device     data emulator  outside    looks\n");
	json_array_foreach(cycles, i, record)
		print_cycle(to, record);
	if (json_is_object(json_at(document, "blackout_ms"))) {
		fprintf(to, "median ms (%s):", json_string_at(document, "timing"));
		json_object_foreach(json_at(document, "blackout_ms.phases"), name, phase) {
			if (json_is_object(phase))
				fprintf(to, " %s %.1f", name,
					json_number_value(json_at(phase, "median")));
		}
		fputc('\n', to);
	}
	if (json_is_object(json_at(document, "restore_walk")))
		fprintf(to, "restore walk: %lld tables, %lld entries read, median %lld ns (%s), at %s\n",
			(long long)json_int_at(document, "restore_walk.tables"),
			(long long)json_int_at(document, "restore_walk.entries_read"),
			(long long)json_int_at(document, "restore_walk.ns.median"),
			json_string_at(document, "timing"),
			json_string_at(document, "restore_walk.where"));
	if (json_is_object(json_at(document, "steps_ns")))
		print_steps(to, document);
	print_pmu(to, document);
	fprintf(to, "%s", json_string_at(document, "verdict"));
	if (json_int_at(document, "cycles.planned"))
		fprintf(to, ": %lld of %lld cycles",
			(long long)json_int_at(document, "cycles.completed"),
			(long long)json_int_at(document, "cycles.planned"));
	fprintf(to, "%s%s\n", *reason ? ": " : "", reason);
}
