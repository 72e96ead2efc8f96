// SPDX-License-Identifier: GPL-2.0-only
/* Description: runs the strategies on a shape until their times can be trusted */

#include <errno.h>
#include <stdio.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "measure.h"

/* Turns: of those that take a second each on a large shape, and of the others beside them */
#define MIN_TURNS 5
#define MIN_CHEAP_TURNS 21
#define MAX_TURNS 4096
/* More than this is in no cache, so leaf tables need not be thrown out or read in */
#define CACHES (256UL << 20)
#define PAGE 4096UL

const char *const strategy_names[STRATEGIES] = { "every-entry", "per-page", "ours", "floor" };
const char *const phase_names[PHASES] = { "retrieve", "walk", "restore_free" };

struct tables {
	uint64_t *inner;	/* physical addresses, in the order of a walk */
	size_t inner_count;
	uint64_t *leaf;
	size_t leaf_count;
	uint64_t top;
};

static void add_table(void *arg, uint64_t phys, unsigned int level)
{
	struct tables *tables = arg;

	if (!tables->inner_count && !tables->leaf_count)
		tables->top = phys;
	if (level)
		tables->inner[tables->inner_count++] = phys;
	else
		tables->leaf[tables->leaf_count++] = phys;
}

static int list_tables(struct tables *tables, const struct shape *shape)
{
	size_t max = shape_max_tables(shape);

	*tables = (struct tables){
		.inner = calloc(max, sizeof(uint64_t)),
		.leaf = calloc(max, sizeof(uint64_t)),
	};
	if (!tables->inner || !tables->leaf)
		return -ENOMEM;
	shape->format->for_each_table(add_table, tables);
	return 0;
}

static void for_tables(const struct tables *tables, bool leaves, void (*fn)(uint64_t phys))
{
	for (size_t i = 0; i < tables->inner_count; i++)
		fn(tables->inner[i]);
	if (leaves && tables->leaf_count * PAGE <= CACHES)
		for (size_t i = 0; i < tables->leaf_count; i++)
			fn(tables->leaf[i]);
}

/*
 * Nobody else on this processor while a strategy has its turn, if we may say so: on a busy machine
 * the times would be those of the scheduler.
 */
static bool alone(bool on)
{
	const struct sched_param priority = { .sched_priority = on };

	return !sched_setscheduler(0, on ? SCHED_FIFO : SCHED_OTHER, &priority);
}

bool measure_undisturbed(void)
{
	bool undisturbed = alone(true);

	alone(false);
	return undisturbed;
}

static void prepare(const struct shape *shape, const struct tables *tables,
		    enum strategy strategy)
{
	model_kexec();
	if (shape->warm) {
		for_tables(tables, strategy == EVERY_ENTRY, model_touch_table);
	} else {
		for_tables(tables, strategy == EVERY_ENTRY, model_evict_table);
		model_evict();
	}
}

/* All of it, or only the walk: without the allocator */
static void run_fused(struct restore *restore, const struct shape *shape,
		      const struct tables *tables, enum strategy strategy, bool only_walk)
{
	prepare(shape, tables, strategy);
	model_free_nothing = only_walk;
	if (strategy == OURS)
		shape->format->ours(restore);
	else
		floor_restore(restore, shape->format->next_level, tables->inner,
			      tables->inner_count, tables->top, !only_walk);
	model_free_nothing = false;
}

static void run(struct restore *restore, const struct shape *shape, const struct tables *tables,
		enum strategy strategy, bool count)
{
	uint64_t walk;

	alone(true);
	switch (strategy) {
	case EVERY_ENTRY:
		prepare(shape, tables, strategy);
		shape->format->every_entry(restore, count);
		break;
	case PER_PAGE:
		prepare(shape, tables, strategy);
		shape->format->per_page(restore, count);
		break;
	default:
		run_fused(restore, shape, tables, strategy, true);
		walk = restore->total;
		run_fused(restore, shape, tables, strategy, false);
		restore->walk = walk;
		if (strategy == FLOOR)
			restore->retrieve = walk;
	}
	alone(false);
}


static bool loses_a_table(const struct measure_options *options)
{
	return options->fault != FAULT_NONE && options->fault != FAULT_UNREADABLE &&
	       !options->unawares;
}

static int audit(const struct result *result, enum strategy strategy, uint64_t bad,
		 const struct measure_options *options)
{
	uint64_t lost = loses_a_table(options), tables = result->tables - lost;
	struct model_audit audit;
	int ret = model_audit(&audit);

	if (ret)
		return ret;
	if (audit.freed == tables && audit.kept == lost && !audit.limbo && !audit.foreign &&
	    !audit.twice && audit.accounted == (long)tables && bad == lost &&
	    (strategy == FLOOR || !audit.stats))
		return 0;
	fprintf(stderr, "walk: %s, %s: of %llu pages %zu are free, %zu not restored, %zu lost; "
		"%zu others are free, %zu twice; %llu bad entries; "
		"%ld accounted for, %ld in use by the counter\n", result->shape.name,
		strategy_names[strategy], (unsigned long long)result->tables, audit.freed,
		audit.kept, audit.limbo, audit.foreign, audit.twice, (unsigned long long)bad,
		audit.accounted, audit.stats);
	return -EBADMSG;
}

/* Whoever is told what the fault is would not survive it */
static bool takes_part(enum strategy strategy, const struct measure_options *options)
{
	if (!options->run[strategy])
		return false;
	if (options->unawares)
		return true;
	if (options->fault == FAULT_UNREADABLE)
		return strategy != EVERY_ENTRY;
	return options->fault == FAULT_NONE || strategy != FLOOR;
}

/* The first turn of each, which counts what is read */
static int first_turns(struct result *result, const struct tables *tables,
		       const struct measure_options *options)
{
	for (int s = 0; s < STRATEGIES; s++) {
		struct outcome *outcome = &result->outcome[s];
		struct restore restore;
		int ret;

		outcome->ran = takes_part((enum strategy)s, options);
		if (!outcome->ran)
			continue;
		run(&restore, &result->shape, tables, (enum strategy)s, true);
		ret = audit(result, (enum strategy)s, restore.bad, options);
		if (ret)
			return ret;
		outcome->tables = restore.tables;
		outcome->entries = restore.entries;
		outcome->bytes = 64 * (restore.tables + restore.lines);
	}
	return 0;
}

typedef uint64_t samples[PHASES][MAX_TURNS];

static void summarise(struct outcome *outcome, samples *taken)
{
	for (int p = 0; p < PHASES; p++)
		outcome->phase[p] = repeat_spread((*taken)[p], outcome->turns);
}

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void timed_run(struct outcome *outcome, const struct shape *shape,
		      const struct tables *tables, enum strategy strategy, samples *taken)
{
	struct restore restore;

	run(&restore, shape, tables, strategy, false);
	(*taken)[RETRIEVE][outcome->turns] = restore.retrieve;
	(*taken)[WALK][outcome->turns] = restore.walk;
	(*taken)[TOTAL][outcome->turns] = restore.total;
	outcome->turns++;
}

/* A turn of each, or of the cheap ones. In four turns each strategy is once behind each other. */
static void take_turns(struct result *result, const struct tables *tables, samples *taken,
		       unsigned int turn, bool all)
{
	static const unsigned int steps[STRATEGIES] = { 0, 1, 3, 2 };

	for (int i = 0; i < STRATEGIES; i++) {
		enum strategy s = (enum strategy)((turn + steps[i]) % STRATEGIES);

		if (result->outcome[s].ran && (all || s == OURS || s == FLOOR))
			timed_run(&result->outcome[s], &result->shape, tables, s, &taken[s]);
	}
}

static int iterate(struct result *result, const struct tables *tables,
		   const struct measure_options *options)
{
	samples *taken = calloc(STRATEGIES, sizeof(*taken));
	double start = now_ms();

	if (!taken)
		return -ENOMEM;
	for (unsigned int turn = 0; turn < MAX_TURNS; turn++) {
		bool wanted = now_ms() - start < options->goal_ms;

		if (!wanted && turn >= MIN_CHEAP_TURNS)
			break;
		take_turns(result, tables, taken, turn, wanted || turn < MIN_TURNS);
	}
	for (int s = 0; s < STRATEGIES; s++)
		if (result->outcome[s].ran)
			summarise(&result->outcome[s], &taken[s]);
	free(taken);
	return 0;
}

static int measure_built(struct result *result, const struct measure_options *options)
{
	struct tables tables;
	int ret = list_tables(&tables, &result->shape);

	if (!ret) {
		result->tables = tables.inner_count + tables.leaf_count;
		result->inner = tables.inner_count;
		fault_plant(options->fault, tables.inner[tables.inner_count - 1], tables.leaf,
			    tables.leaf_count);
		ret = first_turns(result, &tables, options);
	}
	if (!ret && options->fault == FAULT_NONE)
		ret = iterate(result, &tables, options);
	free(tables.inner);
	free(tables.leaf);
	return ret;
}

int measure(struct result *result, const struct shape *shape,
	    const struct measure_options *options)
{
	struct model_options model = options->model;
	int ret;

	*result = (struct result){ .shape = *shape };
	model.scattered = shape->scattered;
	ret = model_create(&model, shape_max_tables(shape));
	if (ret)
		return ret;
	ret = shape_build(shape);
	if (!ret)
		ret = measure_built(result, options);
	model_destroy();
	return ret;
}

double measure_ratio(const struct result *result, enum phase phase, enum strategy of,
		     enum strategy by)
{
	const struct outcome *a = &result->outcome[of], *b = &result->outcome[by];

	if (!a->ran || !b->ran || !b->phase[phase].median)
		return 0;
	return (double)a->phase[phase].median / (double)b->phase[phase].median;
}
