// SPDX-License-Identifier: GPL-2.0-only
/* Description: how long the next kernel takes to own the page tables of the previous one */

/*
 * The page-table code of build/linux runs here at native speed, in user space, on a model of the
 * memory of a machine that has just been through kexec (bench/model.c says what is the kernel's
 * own code and what stands for it).
 *
 * Why user space, and not user-mode Linux: perf, cachegrind and the sanitizers work on it as on
 * any program; a mapping of terabytes is a few gigabytes of tables in an mmap(); and user-mode
 * Linux would be no closer, since it has no KHO (no ARCH_SUPPORTS_KEXEC_HANDOVER) and KHO's
 * share would be a model there, too. The price: no return thunks, no preemption, and the page
 * allocator's locks are never contended.
 *
 *   make bench-walk                         # builds build/bench/walk
 *   build/bench/walk 'amdv1 4K 1T scattered'
 *   perf stat -e cache-misses build/bench/walk -S ours 'amdv1 4K 64G scattered'
 *   perf record build/bench/walk -S ours 'amdv1 4K 1T scattered'
 *   valgrind --tool=cachegrind build/bench/walk -g 0 -S ours 'amdv1 4K 1G scattered'
 *   make bench-walk SANITIZE=1              # builds build/bench-sanitized/walk
 */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "options.h"
#include "report.h"

/* What is run when nobody asks for anything else: each word of a shape varies on its own */
static const char *const sweep[] = {
	"amdv1 4K 1G scattered",
	"amdv1 4K 16G scattered",
	"amdv1 4K 64G scattered",
	"amdv1 4K 256G scattered",
	"amdv1 4K 1T scattered",
	"amdv1 4K 1T contiguous",
	"amdv1 4K 1T scattered sparse",
	"amdv1 4K 1T scattered holes",
	"amdv1 4K 16G scattered warm",
	"amdv1 32K 256G scattered",
	"amdv1 64K 256G scattered",
	"amdv1 2M 1T scattered",
	"amdv1 1G 1T scattered",
	"vtdss 4K 1G scattered",
	"vtdss 4K 64G scattered",
	"vtdss 4K 1T scattered",
	"vtdss 4K 1T contiguous",
	"vtdss 2M 1T scattered",
	"vtdss 1G 1T scattered",
	"x86_64 4K 64G scattered",
	"x86_64 4K 1T scattered",
	"x86_64 2M 1T scattered",
	"x86_64 1G 1T scattered",
};

#define SWEEP (sizeof(sweep) / sizeof(sweep[0]))

struct options {
	struct measure_options measure;
	struct circumstances circumstances;
	bool json;
};

static const char usage[] =
	"usage: walk [OPTION...] [SHAPE...]\n"
	"SHAPE     'FORMAT LEAF SIZE PLACEMENT [FILL] [CACHE]', 'amdv1 4K 1T scattered'\n"
	"          FORMAT amdv1 vtdss x86_64; PLACEMENT contiguous scattered;\n"
	"          FILL dense sparse holes; CACHE cold warm. Default: a sweep\n"
	"-S NAMES  strategies: all, or some of every-entry,per-page,ours,floor\n"
	"-g MS     iterate for so long on each shape (300); what is cheap has 21 turns at least\n"
	"-n N      NUMA nodes (1)\n"
	"-s N      physical memory: so many times the tables (2)\n"
	"-H        no huge pages\n"
	"-f FAULT  only audit the strategies on a table with a fault: twice, foreign,\n"
	"          outside, unreadable. -F FAULT: the audit does not know, and must fail\n"
	"-j        JSON on stdout instead of the table\n"
	"-o FILE   JSON to a file as well\n"
	"-k HASH, -c COMMAND  of the kernel series and what reproduces it, for the JSON\n";

static int parse_strategies(bool *run, char *names)
{
	memset(run, 0, STRATEGIES * sizeof(*run));
	for (char *save, *name = strtok_r(names, ",", &save); name;
	     name = strtok_r(NULL, ",", &save)) {
		bool known = false;

		for (int s = 0; s < STRATEGIES; s++)
			if (!strcmp(name, "all") || !strcmp(name, strategy_names[s]))
				known = run[s] = true;
		if (!known) {
			fprintf(stderr, "walk: no strategy '%s': there are all, every-entry, "
				"per-page, ours, floor\n", name);
			return -EINVAL;
		}
	}
	return 0;
}

static int parse_fault(enum fault *fault)
{
	unsigned int which;
	int ret = options_name(&which, "fault", fault_names, FAULTS);

	if (!ret)
		*fault = (enum fault)which;
	return ret;
}

static int parse_option(struct options *options, int c)
{
	struct measure_options *measure = &options->measure;

	switch (c) {
	case 'S':
		return parse_strategies(measure->run, optarg);
	case 'g':
		return options_number(&measure->goal_ms, c, 0, 3600000);
	case 'F':
		measure->unawares = true;
		return parse_fault(&measure->fault);
	case 'f':
		return parse_fault(&measure->fault);
	case 'n':
		return options_number(&measure->model.nodes, c, 1, 16);
	case 's':
		return options_number(&measure->model.spread, c, 1, 64);
	case 'H':
		measure->model.huge = false;
		return 0;
	case 'j':
		options->json = true;
		return 0;
	default:
		return options_output(&options->circumstances.output, c);
	}
}

static int parse_shapes(struct shape *shapes, const char *const *texts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char error[384];

		if (shape_parse(&shapes[i], texts[i], error, sizeof(error))) {
			fprintf(stderr, "walk: shape '%s': %s\n", texts[i], error);
			return -EINVAL;
		}
	}
	return 0;
}

/* Bytes of memory that can be had without swapping; any number of them if nobody knows */
static uint64_t available(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	uint64_t kib = UINT64_MAX >> 10;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib << 10;
}

static double gib(uint64_t bytes)
{
	return (double)bytes / (double)(1 << 30);
}

/*
 * Memory is not reserved before it is touched, so what does not fit would take the machine down. What
 * was asked for has to fit, of the sweep the rest is measured.
 */
static int check_memory(const struct model_options *model, struct shape *shapes, size_t *count,
			bool sweeping)
{
	uint64_t there = available();
	size_t fit = 0;

	for (size_t i = 0; i < *count; i++) {
		struct model_options options = *model;
		uint64_t needs;

		options.scattered = shapes[i].scattered;
		needs = model_needs(&options, shape_max_tables(&shapes[i]));
		if (needs <= there) {
			shapes[fit++] = shapes[i];
			continue;
		}
		fprintf(stderr, "walk: %s%s: needs %.1f GiB of memory, %.1f GiB are available\n",
			sweeping ? "left out: " : "", shapes[i].name, gib(needs), gib(there));
		if (!sweeping)
			return -ENOMEM;
	}
	*count = fit;
	return 0;
}

static void report_caught(const struct result *result, enum fault fault)
{
	printf("%s, %s:", result->shape.name, fault_names[fault]);
	for (int s = 0; s < STRATEGIES; s++)
		if (result->outcome[s].ran)
			printf(" %s", strategy_names[s]);
	printf(": as it must be\n");
}

static int run(const struct options *options, const struct shape *shapes, struct result *results,
	       size_t count)
{
	enum fault fault = options->measure.fault;
	const char *file = options->circumstances.output.file;
	FILE *table = options->json || fault ? NULL : stdout;

	if (table)
		report_head(table, &options->circumstances);
	for (size_t i = 0; i < count; i++) {
		int ret = measure(&results[i], &shapes[i], &options->measure);

		if (ret) {
			fprintf(stderr, "walk: %s: %s\n", shapes[i].name, strerror(-ret));
			return ret;
		}
		if (table)
			report_result(table, &results[i]);
		else if (fault)
			report_caught(&results[i], fault);
	}
	if (fault)
		return 0;
	if (file && document_save(report_json(&options->circumstances, results, count), file))
		return -EIO;
	if (options->json)
		return document_print(report_json(&options->circumstances, results, count), stdout);
	if (count == 1)
		report_ratios(stdout, &results[0]);
	return 0;
}

int main(int argc, char **argv)
{
	struct options options = {
		.measure = {
			.model = { .nodes = 1, .spread = 2, .huge = true, .seed = 1 },
			.goal_ms = 300,
			.run = { true, true, true, true },
		},
		.circumstances.output = { .series = "", .command = "" },
	};
	const struct options_output *output = &options.circumstances.output;
	const char *const *texts = sweep;
	struct result *results = NULL;
	struct shape *shapes = NULL;
	size_t count = SWEEP;
	int c, ret = 1;

	options.circumstances.options = &options.measure;
	while ((c = options_next(argc, argv, ":S:g:n:s:f:F:Hjo:k:c:", usage)) != -1)
		if (parse_option(&options, c))
			return 2;
	if (optind < argc) {
		texts = (const char *const *)argv + optind;
		count = (size_t)(argc - optind);
	}
	shapes = calloc(count, sizeof(*shapes));
	results = calloc(count, sizeof(*results));
	if (!shapes || !results)
		goto out;
	ret = 2;
	if (!parse_shapes(shapes, texts, count) &&
	    !check_memory(&options.measure.model, shapes, &count, texts == sweep) &&
	    (!output->file || !document_writable(output->file)))
		ret = run(&options, shapes, results, count) ? 1 : 0;
out:
	free(shapes);
	free(results);
	return ret;
}
