// SPDX-License-Identifier: GPL-2.0-only
/* Description: how long early boot takes to reserve what the previous kernel preserved */

/*
 * The kernel's own mm/memblock.c runs here, in user space: that of the base, a call for each
 * block (before), and that of build/linux with kernel/liveupdate/kho_reserve.c, all at once
 * (after). Both mark the page structure of each block, in a memory map of the real size. What is
 * reserved is compared with what the blocks say, for every figure. Not in it: the base's walk of
 * the tree (its blocks come from an array), and page structures that have yet to be initialised.
 *
 * Times are processor time of the one thread, for the machine may be busy. Each is taken again
 * until there are at least 5 and 0.2 s of them, or 2 s, but no fewer than 3 unless it is the base's
 * over more than 65536 blocks; the first of several is dropped. The base is quadratic: as -b says it
 * has no turn where that takes minutes.
 *
 * What lost, at 1 M isolated blocks, where the one that stayed takes 60 to 80 ns per block: runs
 * that are reserved one by one in order of address, by a memblock_reserve() that finds the place
 * by binary search, 200 to 240 ns and three times the memory, for the array doubles; a descent
 * from the root of the tree for each block, 110 ns. What boot does later looks at all regions once
 * for each range of memory: 12 ms with the 9 ranges here, 62 ms with 100.
 *
 * -o: a file of schema holdfast/reserve/1: what bench/document.h says, and
 *	results[]: one for each shape and strategy that ran
 *		name		"reserve"
 *		blocks		how many there were
 *		placement	"isolated": none adjoins another, order 0; "clustered": runs that
 *				adjoin, order 0; "mixed": orders 0 to 4, some adjoin. Between two
 *				runs there is 1 to 6 times as much that is free.
 *		adjacent	blocks in a run, as in bench/preserve.c; null if "mixed"
 *		strategy	"before" or "after"
 *		iterations	how many times it ran
 *		ns_per_block	min, median, max
 *		total_ns	median, of all blocks
 *		later_ns	median, of what boot does over all regions afterwards
 *		regions		of memblock, for all blocks
 */

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "document.h"
#include "options.h"
#include "repeat.h"
#include "reserve_side.h"

#define PAGE ((size_t)1 << RESERVE_PAGE_SHIFT)
#define MAX_BLOCKS (1u << 20)
#define FIRST_BLOCKS 1024u
#define FEW_BLOCKS 65536u
#define MAX_ITERATIONS 1000
#define SCRATCH ((size_t)256 << 20)
#define NODES 8
#define NS 1000000000ull

struct placement {
	const char *name;
	unsigned int run;	/* blocks that adjoin; 0: any number */
};

static const struct placement placements[] = {
	{ "isolated", 1 },
	{ "clustered", 2 },
	{ "clustered", 8 },
	{ "clustered", 64 },
	{ "mixed", 0 },
};
#define PLACEMENTS (sizeof(placements) / sizeof(placements[0]))

enum strategy { BEFORE, AFTER, STRATEGIES };
static const char *const strategy_names[] = { "before", "after" };
static const struct reserve_side *const sides[] = { &reserve_before, &reserve_after };

/* What the check is shown instead of what was reserved, to see that it notices */
enum fault { FAULT_NONE, FAULT_REGION, FAULT_MARK, FAULTS };
static const char *const fault_names[] = { "none", "region", "mark" };

struct options {
	unsigned int max, before_max;	/* blocks */
	unsigned int fault;
	struct options_output output;
};

struct run {
	uint64_t base, end;
};

struct result {
	const struct placement *placement;
	size_t blocks, regions;
	struct {
		unsigned int iterations;	/* 0: it did not run */
		struct spread reserve, later;
	} of[STRATEGIES];
};

/* Blocks of one shape, as the previous kernel left them and as they must be reserved */
struct shape {
	struct reserve_block *blocks;	/* in the order of the tree */
	size_t count;
	struct run *runs;
	size_t run_count;
	struct reserve_machine machine;
	void *root;
};

/* The memory map: 64 bytes for each page, of which KHO marks one word */
struct page {
	uint64_t words[8];
};
static struct page *memory_map;
static size_t memory_map_size;

static char *nodes, *next_node, *nodes_end;

static void die(const char *why)
{
	fprintf(stderr, "reserve: %s\n", why);
	exit(2);
}

static const char usage[] =
	"usage: reserve [-n MAX] [-b MAX] [-F FAULT] [-o FILE] [-c COMMAND] [-k SERIES_SHA256]\n"
	"-n  up to so many blocks (1048576)\n"
	"-b  the base up to so many of them (65536); 262144 take it a minute for each run, 524288 four\n"
	"-F  what is reserved has a fault, which must be noticed: region, mark\n"
	"-o  results as JSON   -c, -k  what reproduces it, and hash of the kernel series, for that\n";

static void *map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED)
		die("out of memory");
	return memory;
}

void reserve_mark(uint64_t phys, unsigned int order)
{
	memory_map[phys >> RESERVE_PAGE_SHIFT].words[5] = 0x4b484f50ull << 32 | order;
}

static void *node_page(void)
{
	void *page = next_node;

	if (next_node == nodes_end)
		die("too many nodes for the tree");
	next_node += PAGE;
	return memset(page, 0, PAGE);
}

static unsigned int any(unsigned int below)
{
	static uint64_t state;

	return (unsigned int)(repeat_random(&state) % below);
}

/* How many pages are free behind the i'th block */
static unsigned int gap(const struct placement *placement, size_t i)
{
	if (!placement->run)
		return any(7);
	return i % placement->run == placement->run - 1 ? placement->run * (1 + any(6)) : 0;
}

static int in_tree_order(const void *a, const void *b)
{
	const struct reserve_block *x = a, *y = b;

	if (x->order != y->order)
		return x->order < y->order ? 1 : -1;
	return x->phys < y->phys ? -1 : x->phys > y->phys;
}

static void add_run(struct shape *shape, uint64_t base, uint64_t end)
{
	struct run *last = &shape->runs[shape->run_count];

	if (shape->run_count && last[-1].end == base)
		last[-1].end = end;
	else
		shape->runs[shape->run_count++] = (struct run){ base, end };
}

static void shape_make(struct shape *shape, const struct placement *placement,
		       size_t count)
{
	uint64_t page = 0;

	shape->count = count;
	shape->run_count = 0;
	for (size_t i = 0; i < count; i++) {
		unsigned int order = !placement->run && !any(4) ? any(5) : 0;
		uint64_t pages = 1ull << order;

		page = (page + pages - 1) & ~(pages - 1);
		shape->blocks[i] = (struct reserve_block){ page * PAGE, order };
		page += pages;
		add_run(shape, shape->blocks[i].phys, page * PAGE);
		page += gap(placement, i);
	}
	qsort(shape->blocks, count, sizeof(*shape->blocks), in_tree_order);

	/* Nodes end somewhere in the blocks, on a page */
	page = (page + NODES) / NODES * NODES;
	shape->machine.top = page * PAGE;
	if (page * sizeof(*memory_map) > memory_map_size) {
		if (memory_map)
			munmap(memory_map, memory_map_size);
		memory_map_size = page * sizeof(*memory_map);
		memory_map = map(memory_map_size);
	}

	next_node = nodes;
	shape->root = node_page();
	for (size_t i = 0; i < count; i++)
		reserve_tree_add(shape->root, &shape->blocks[i], node_page);
}

/* What is reserved, beside memblock's own in scratch, are the runs and no more */
static void check(const struct shape *shape, enum strategy s)
{
	uint64_t base, end, scratch = (uint64_t)(uintptr_t)shape->machine.scratch;
	size_t run = 0;
	bool noinit;

	for (size_t i = 0; sides[s]->region(i, &base, &end, &noinit) && base < scratch; i++, run++)
		if (run == shape->run_count || base != shape->runs[run].base ||
		    end != shape->runs[run].end || !noinit)
			break;
	if (run == shape->run_count)
		for (size_t i = 0; i < shape->count; i++) {
			const struct reserve_block *block = &shape->blocks[i];
			uint64_t *mark = &memory_map[block->phys / PAGE].words[5];

			if ((uint32_t)*mark != block->order || *mark >> 32 != 0x4b484f50)
				run = 0;
			*mark = 0;
		}
	if (run == shape->run_count)
		return;
	fprintf(stderr, "reserve: %s did not reserve what %zu blocks are\n", strategy_names[s],
		shape->count);
	exit(1);
}

static void spoil(const struct shape *shape, unsigned int fault)
{
	if (fault == FAULT_REGION)
		shape->runs[shape->run_count - 1].end += PAGE;
	if (fault == FAULT_MARK)
		memory_map[shape->blocks[shape->count - 1].phys / PAGE].words[5] = 0;
}

static void measure(struct result *result, const struct shape *shape, enum strategy s,
		    unsigned int fault)
{
	static uint64_t reserve[MAX_ITERATIONS + 1], later[MAX_ITERATIONS + 1];
	unsigned int least = s == AFTER || shape->count <= FEW_BLOCKS ? 4 : 1, n = 0, skip;
	uint64_t sum = 0;

	do {
		uint64_t start, middle;

		sides[s]->begin(&shape->machine);
		start = repeat_ns();
		sides[s]->reserve(shape->root, shape->blocks, shape->count);
		middle = repeat_ns();
		spoil(shape, fault);
		check(shape, s);
		reserve[n] = middle - start;
		middle = repeat_ns();
		sides[s]->later();
		later[n] = repeat_ns() - middle;
		sum += reserve[n++];
	} while (n < least ||
		 (sum < 2 * NS && n <= MAX_ITERATIONS && (n < 6 || sum < NS / 5)));
	skip = n > 1;
	result->of[s].iterations = n - skip;
	result->of[s].reserve = repeat_spread(reserve + skip, n - skip);
	result->of[s].later = repeat_spread(later + skip, n - skip);
}

static double per_block(const struct result *result, uint64_t ns)
{
	return (double)ns / (double)result->blocks;
}

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

static void table_head(FILE *f)
{
	fprintf(f, "Early reserve of preserved blocks, native; ns per block and ms in all\n"
		"%-9s %8s %8s %8s | %-31s %9s | %-31s %9s %7s | %8s\n"
		"%-9s %8s %8s %8s | %9s %10s %10s %9s | %9s %10s %10s %9s %7s | %8s\n",
		"", "", "", "", "before: one by one", "", "after: all at once", "", "", "later",
		"placement", "adjacent", "blocks", "regions", "median", "min", "max", "ms", "median", "min",
		"max", "ms", "ratio", "ms");
}

static void table_row(FILE *f, const struct result *result)
{
	fprintf(f, "%-9s %8u %8zu %8zu |", result->placement->name, result->placement->run,
		result->blocks, result->regions);
	for (int s = 0; s < STRATEGIES; s++) {
		const struct spread *spread = &result->of[s].reserve;

		if (result->of[s].iterations)
			fprintf(f, " %9.1f %10.1f %10.1f %9.2f%s", per_block(result, spread->median),
				per_block(result, spread->min), per_block(result, spread->max),
				ms(spread->median), s == BEFORE ? " |" : "");
		else
			fprintf(f, " %9s %10s %10s %9s |", "-", "-", "-", "-");
	}
	if (result->of[BEFORE].iterations)
		fprintf(f, " %6.0fx", (double)result->of[BEFORE].reserve.median /
			(double)result->of[AFTER].reserve.median);
	else
		fprintf(f, " %7s", "-");
	fprintf(f, " | %8.2f\n", ms(result->of[AFTER].later.median));
	fflush(f);
}

static json_t *result_json(const struct result *result, enum strategy s)
{
	const struct spread *spread = &result->of[s].reserve;
	unsigned int run = result->placement->run;

	return json_pack("{s:s,s:I,s:s,s:o,s:s,s:i,s:{s:f,s:f,s:f},s:I,s:I,s:I}",
		"name", "reserve", "blocks", (json_int_t)result->blocks,
		"placement", result->placement->name,
		"adjacent", run ? json_integer(run) : json_null(),
		"strategy", strategy_names[s],
		"iterations", (int)result->of[s].iterations,
		"ns_per_block", "min", per_block(result, spread->min),
		"median", per_block(result, spread->median),
		"max", per_block(result, spread->max),
		"total_ns", (json_int_t)spread->median,
		"later_ns", (json_int_t)result->of[s].later.median,
		"regions", (json_int_t)result->regions);
}

/* All sizes of one placement */
static void sweep(struct shape *shape, const struct placement *placement,
		  const struct options *options, json_t *results)
{
	for (unsigned int count = FIRST_BLOCKS;; count *= 4) {
		struct result result = { .placement = placement };

		if (count > options->max)
			count = options->max;
		result.blocks = count;
		shape_make(shape, placement, count);
		result.regions = shape->run_count;
		measure(&result, shape, AFTER, options->fault);
		if (count <= options->before_max)
			measure(&result, shape, BEFORE, options->fault);
		table_row(stdout, &result);
		for (int s = 0; s < STRATEGIES; s++)
			if (result.of[s].iterations)
				json_array_append_new(results, result_json(&result, (enum strategy)s));
		if (count == options->max)
			return;
	}
}

static int parse(struct options *o, int argc, char **argv)
{
	int c, err = 0;

	while (!err && (c = options_next(argc, argv, ":n:b:F:o:c:k:", usage)) != -1)
		switch (c) {
		case 'n': err = options_number(&o->max, c, 1, MAX_BLOCKS); break;
		case 'b': err = options_number(&o->before_max, c, 0, MAX_BLOCKS); break;
		case 'F': err = options_name(&o->fault, "fault", fault_names, FAULTS); break;
		default: err = options_output(&o->output, c);
		}
	return err || options_end(&o->output, argc, argv) ? 2 : 0;
}

int main(int argc, char **argv)
{
	struct options options = {
		.max = MAX_BLOCKS, .before_max = FEW_BLOCKS,
		.output = { .command = "", .series = "" },
	};
	struct shape shape = { .machine = { .nodes = NODES, .scratch_size = SCRATCH } };
	json_t *results = json_array(), *document;

	if (parse(&options, argc, argv))
		return 2;
	shape.blocks = map(MAX_BLOCKS * sizeof(*shape.blocks));
	shape.runs = map(MAX_BLOCKS * sizeof(*shape.runs));
	shape.machine.scratch = map(SCRATCH);
	nodes = map(PAGE * 4096);
	nodes_end = nodes + PAGE * 4096;

	table_head(stdout);
	for (size_t i = 0; i < PLACEMENTS; i++)
		sweep(&shape, &placements[i], &options, results);
	document = document_new("holdfast/reserve/1", options.output.command,
				options.output.series);
	json_object_set_new(document, "results", results);
	if (!options.output.file)
		json_decref(document);
	else if (document_save(document, options.output.file))
		return 1;
	return 0;
}
