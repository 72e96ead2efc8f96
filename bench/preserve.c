// SPDX-License-Identifier: GPL-2.0-only
/* Description: what it costs to preserve page tables, natively, by where the tables are */

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "options.h"
#include "preserve_kernel.h"
#include "repeat.h"

#define PAGE_SIZE 4096u
#define SPAN 8u				/* memory that the tables are somewhere in, by their own */
#define MAX_TABLES (1u << 20)
#define CACHES ((size_t)64 << 20)	/* more than a processor has for itself */
#define GOAL_NS 300000000u
#define ROUNDS_MIN 11
#define ROUNDS_MAX 21

struct strategy {
	const char *name;
	int (*preserve)(const uint64_t *tables, size_t n);
	void (*unpreserve)(const uint64_t *tables, size_t n);
	bool in_tree;
};

static const struct strategy strategies[] = {
	{ "each", kernel_preserve_each, kernel_unpreserve, true },
	{ "batch", kernel_preserve_batch, kernel_unpreserve, true },
	{ "floor", kernel_floor, kernel_floor_undo, false },
};
#define STRATEGIES (sizeof(strategies) / sizeof(strategies[0]))

/* What bench/reserve.c goes up to on the base, and what 1 TiB of 4K leaves takes */
static const unsigned int sizes[] = { 65536, 524288 };
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

/* Tables that are adjacent: none, as many as a domain's blocks have, all of them. */
static const size_t blocks[] = { 1, 2, 8, 64, 0 };
#define BLOCKS (sizeof(blocks) / sizeof(blocks[0]))

/* What the check is shown instead of what was preserved, to see that it notices */
enum fault { FAULT_NONE, FAULT_LOST, FAULT_LEFT, FAULTS };
static const char *const fault_names[] = { "none", "lost", "left" };

struct options {
	struct options_output output;
	unsigned int tables;	/* 0: all sizes */
	unsigned int fault;
	bool warm;
};

struct result {
	size_t tables;
	struct spread ns;	/* of all tables */
	unsigned int rounds;
};

/* Blocks of @block adjacent tables each, in the order of the walk, anywhere in memory. */
static int place(uint64_t *tables, size_t n, size_t block)
{
	size_t count = n * SPAN / block, i, j;
	static uint64_t state;
	uint32_t *at = malloc(count * sizeof(*at));

	if (!at)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		at[i] = (uint32_t)i;
	for (i = 0; i * block < n; i++) {
		uint32_t other = (uint32_t)(i + repeat_random(&state) % (count - i)), mine = at[i];

		at[i] = at[other];
		at[other] = mine;
		for (j = i * block; j < n && j < (i + 1) * block; j++)
			tables[j] = (uint64_t)(at[i] * block + j % block) * PAGE_SIZE;
	}
	free(at);
	return 0;
}

static void forget_caches(void)
{
	static volatile unsigned char *other;
	size_t i;

	if (!other)
		other = calloc(1, CACHES);
	for (i = 0; other && i < CACHES; i += 64)
		other[i]++;
}

/* Returns 0, or -EIO if what is preserved is not what should be. */
static int measure(const struct strategy *s, const uint64_t *tables, size_t n,
		   const struct options *o, struct result *r)
{
	uint64_t ns[ROUNDS_MAX], total = 0;

	for (r->rounds = 0; r->rounds < ROUNDS_MIN ||
	     (total < GOAL_NS && r->rounds < ROUNDS_MAX); r->rounds++) {
		uint64_t start;

		if (!o->warm)
			forget_caches();
		start = repeat_ns();
		if (s->preserve(tables, n))
			return -ENOMEM;
		ns[r->rounds] = repeat_ns() - start;
		total += ns[r->rounds];
		if (o->fault == FAULT_LOST)
			s->unpreserve(tables, 1);
		if (s->in_tree && !r->rounds && kernel_preserved(tables, n) != n)
			return -EIO;
		s->unpreserve(tables, n);
		if (o->fault == FAULT_LEFT)
			s->preserve(tables, 1);
		if (!r->rounds && kernel_preserved(tables, n))
			return -EIO;
	}
	r->tables = n;
	r->ns = repeat_spread(ns, r->rounds);
	return 0;
}

static double per_table(const struct result *r, uint64_t ns)
{
	return (double)ns / (double)r->tables;
}

static double times(const struct result *a, const struct result *b)
{
	return (double)a->ns.median / (double)b->ns.median;
}

static int measure_all(struct result results[BLOCKS][STRATEGIES], size_t n,
		       const struct options *o)
{
	uint64_t *tables = calloc(n, sizeof(*tables));
	size_t i, j;
	int err = tables ? 0 : -ENOMEM;

	for (i = 0; i < BLOCKS && !err; i++) {
		err = place(tables, n, blocks[i] ? blocks[i] : n);
		for (j = 0; j < STRATEGIES && !err; j++)
			err = measure(&strategies[j], tables, n, o, &results[i][j]);
	}
	free(tables);
	return err;
}

static void print_table(struct result results[BLOCKS][STRATEGIES], size_t n, bool warm)
{
	size_t i, j;

	printf("%zu tables in %u times their memory, %s caches; ns per table\n", n, SPAN,
	       warm ? "warm" : "cold");
	printf("%-9s %-8s %8s %8s %8s %9s %9s\n", "adjacent", "strategy", "median", "min", "max",
	       "to_each", "to_floor");
	for (i = 0; i < BLOCKS; i++) {
		for (j = 0; j < STRATEGIES; j++) {
			struct result *r = &results[i][j];
			char adjacent[24];

			snprintf(adjacent, sizeof(adjacent), blocks[i] ? "%zu" : "all", blocks[i]);
			printf("%-9s %-8s %8.2f %8.2f %8.2f %9.2f %9.2f\n", adjacent,
			       strategies[j].name, per_table(r, r->ns.median),
			       per_table(r, r->ns.min), per_table(r, r->ns.max),
			       times(&results[0][0], r), times(r, &results[i][STRATEGIES - 1]));
		}
	}
}

static void add_rows(json_t *rows, struct result results[BLOCKS][STRATEGIES], size_t n, bool warm)
{
	for (size_t i = 0; i < BLOCKS; i++) {
		for (size_t j = 0; j < STRATEGIES; j++) {
			struct result *r = &results[i][j];

			json_array_append_new(rows, json_pack(
				"{s:I, s:I, s:s, s:s, s:I, s:{s:f, s:f, s:f}}",
				"tables", (json_int_t)n,
				"adjacent", (json_int_t)(blocks[i] ? blocks[i] : n),
				"strategy", strategies[j].name, "cache", warm ? "warm" : "cold",
				"iterations", (json_int_t)r->rounds,
				"ns_per_table", "median", per_table(r, r->ns.median),
				"min", per_table(r, r->ns.min), "max", per_table(r, r->ns.max)));
		}
	}
}

static const char usage[] =
	"usage: preserve [-w] [-n TABLES] [-F FAULT] [-o FILE] [-c COMMAND] [-k SERIES_SHA256]\n"
	"-w  caches stay warm   -n  number of tables (65536, and then 524288)\n"
	"-F  what is preserved has a fault, which must be noticed: lost, left\n"
	"-o  results as JSON   -c, -k  what reproduces it, and hash of the kernel series, for that\n";

static int parse(struct options *o, int argc, char **argv)
{
	int c, err = 0;

	while (!err && (c = options_next(argc, argv, ":wn:F:o:c:k:", usage)) != -1)
		switch (c) {
		case 'w': o->warm = true; break;
		case 'n': err = options_number(&o->tables, c, SPAN, MAX_TABLES); break;
		case 'F': err = options_name(&o->fault, "fault", fault_names, FAULTS); break;
		default: err = options_output(&o->output, c);
		}
	return err || options_end(&o->output, argc, argv) ? 2 : 0;
}

/* One number of tables: prints it, and adds its rows */
static int run(json_t *rows, size_t n, const struct options *o)
{
	static struct result results[BLOCKS][STRATEGIES];
	int err = measure_all(results, n, o);

	if (err) {
		fprintf(stderr, "preserve: %s\n", err == -EIO ?
			"what is preserved is not what should be" : strerror(-err));
		return err;
	}
	print_table(results, n, o->warm);
	add_rows(rows, results, n, o->warm);
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = { .output = { .command = "", .series = "" } };
	json_t *rows = json_array(), *document;
	int err;

	err = parse(&o, argc, argv);
	if (err)
		return err;
	if (kernel_boot((size_t)SPAN * (o.tables ? o.tables : sizes[SIZES - 1]))) {
		fputs("preserve: out of memory\n", stderr);
		return 1;
	}
	if (o.tables)
		err = run(rows, o.tables, &o);
	for (size_t i = 0; i < SIZES && !o.tables && !err; i++)
		err = run(rows, sizes[i], &o);
	if (err)
		return 1;
	if (!o.output.file)
		return 0;
	document = document_new("holdfast/preserve/1", o.output.command, o.output.series);
	json_object_set_new(document, "results", rows);
	return document_save(document, o.output.file) ? 1 : 0;
}
