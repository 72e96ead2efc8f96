/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: how long each step of a hand-over takes */

#ifndef HF_STEPS_H
#define HF_STEPS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * In the order in which they come. Several devices' are added up. What the kernel does not tell is
 * part of the step around it: the walk of where it runs, the freeing of replacing.
 */
enum step {
	STEP_PRESERVE,	/* iommufds in the kernel before, where DMA goes on meanwhile */
	STEP_FREEZE,	/* from the agent's last instruction to when all is serialised */
	STEP_EARLY_RESERVE, /* all that was preserved is set aside, early at boot */
	STEP_RECORD,	/* the record of the IOMMUs is read */
	STEP_RETRIEVE,	/* iommufds */
	STEP_ATTACH,	/* a device is bound, to the iommufd that has its restored page table */
	STEP_MAP,	/* the page table that is to follow is made and filled */
	STEP_REPLACE,	/* ... and attached */
	STEP_FREE,	/* the restored one is freed */
	STEPS,
};

extern const char *const step_names[STEPS];

struct steps {
	bool known[STEPS];
	uint64_t ns[STEPS];
};

/* Nanoseconds of a clock that nobody sets; the kernel's trace has the same. */
uint64_t step_begin(void);

/* Add the time since @begin. */
void step_end(struct steps *s, enum step step, uint64_t begin);

void step_add(struct steps *s, enum step step, uint64_t ns);

/*
 * Around an attach that frees the page table before it: where one ends and the other begins is
 * in the kernel's trace. If it has none, all is replacing.
 */
uint64_t step_begin_replace(void);
void step_end_replace(struct steps *s, uint64_t begin);

/* Add what the kernel tells by itself, if it does. */
void steps_ask_kernel(struct steps *s);

/* One line "NAME NS"; false: not understood. Exposed for the tests. */
bool steps_line(struct steps *s, const char *line);

/* A line of the trace: when a page table began to be freed, in ns; 0: it is another event. */
uint64_t steps_trace_line(const char *line);

/* Nanoseconds by name; what is not known is not there. */
json_t *steps_json(const struct steps *s);

#endif /* HF_STEPS_H */
