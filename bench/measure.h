/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: runs the strategies on a shape until their times can be trusted */
#ifndef HF_BENCH_MEASURE_H
#define HF_BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"
#include "model.h"
#include "repeat.h"
#include "shape.h"

enum strategy {
	EVERY_ENTRY,
	PER_PAGE,
	OURS,
	FLOOR,
	STRATEGIES
};

extern const char *const strategy_names[STRATEGIES];

enum phase {
	RETRIEVE,
	WALK,
	TOTAL,
	PHASES
};

extern const char *const phase_names[PHASES];

struct outcome {
	bool ran;
	unsigned int turns;
	uint64_t tables, entries, bytes;	/* bytes: of cache lines that had to be touched */
	struct spread phase[PHASES];		/* ns */
};

struct result {
	struct shape shape;
	uint64_t tables;		/* that there are */
	uint64_t inner;			/* of them, with more than leaves */
	struct outcome outcome[STRATEGIES];
};

struct measure_options {
	struct model_options model;	/* scattered: from the shape */
	unsigned int goal_ms;		/* how long to iterate on one shape, about */
	bool run[STRATEGIES];
	enum fault fault;	/* planted, and then nothing is timed */
	bool unawares;		/* and nobody has told the audit */
};

/**
 * measure() - One shape
 *
 * The strategies take turns, in another order each time, so that what else the machine does, and
 * what the one before has left in the caches, hits all of them. That goes on until the time asked
 * for is over. Then the two that read every table of pages may be left out, if they had five turns,
 * until the others had 21. Before that each strategy has a turn which is audited: all pages that
 * were preserved, and no others, must be free.
 *
 * If there is a fault each strategy only has the audited turn, in which exactly the one table that
 * cannot be reached any more must be left. The floor checks nothing and does not take part, nor
 * does one that reads leaves if they are unreadable.
 *
 * Returns 0 or -errno; -EBADMSG if a strategy has not restored what was preserved, which has been
 * said on stderr.
 */
int measure(struct result *result, const struct shape *shape,
	    const struct measure_options *options);

/* Can a strategy have the processor for itself? If not, times on a busy machine mean little. */
bool measure_undisturbed(void);

/* Median of a phase by that of another strategy; 0 if there is none */
double measure_ratio(const struct result *result, enum phase phase, enum strategy of,
		     enum strategy by);

#endif
