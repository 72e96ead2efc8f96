// SPDX-License-Identifier: GPL-2.0-only
/* Description: fuzz target: lines of debugfs, and the phases that come of them */

/* Input: lines, each given to every reader of lines. */

#include "../stress/handover.c"

#include <jansson.h>

#include "../stress/steps.h"

#include "fuzz.h"

#define BEGIN 1000u
#define END 100000u

FUZZ()
{
	struct fuzz f = { data, size };
	struct timeline t = { .there = true };
	struct restore_walk w = { 0 };
	struct faults faults = { 0 };
	struct steps steps = { 0 };
	struct phases p;
	uint64_t ticks = 0;

	while (f.left) {
		char *line = fuzz_line(&f);

		timeline_line(&t, line);
		faults_line(&faults, line);
		restore_line(&w, line);
		steps_line(&steps, line);
		steps_trace_line(line);
		free(line);
	}
	phases_split(&p, &t, BEGIN, END, 50);
	for (int i = 0; i < PHASES; i++)
		ticks += p.ticks[i];
	MUST(ticks == END - BEGIN);
	if (w.there) {
		json_t *where = json_string(w.where);

		/* Else the whole record of the cycle could not be made. */
		MUST(where);
		json_decref(where);
	}
	return 0;
}
