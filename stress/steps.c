// SPDX-License-Identifier: GPL-2.0-only
/* Description: how long each step of a hand-over takes */

#include "steps.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sysfile.h"

#define TRACE "/sys/kernel/tracing/"
#define FREE_EVENT "handover_free_domain"

const char *const step_names[STEPS] = {
	"preserve", "freeze", "early_reserve", "record", "retrieve", "attach", "map", "replace",
	"free",
};

uint64_t step_begin(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void step_add(struct steps *s, enum step step, uint64_t ns)
{
	s->known[step] = true;
	s->ns[step] += ns;
}

void step_end(struct steps *s, enum step step, uint64_t begin)
{
	step_add(s, step, step_begin() - begin);
}

/* "hf-agent-70  [001] .....  12.345678: handover_free_domain: IOMMU: ...": seconds. */
uint64_t steps_trace_line(const char *line)
{
	const char *event = strstr(line, ": " FREE_EVENT ": ");
	unsigned long long s, us;

	if (!event)
		return 0;
	while (event > line && event[-1] != ' ')
		event--;
	return sscanf(event, "%llu.%6llu:", &s, &us) == 2 ? s * 1000000000 + us * 1000 : 0;
}

/* The last time that a page table began to be freed; 0: nobody tells. */
static uint64_t freed_at(void)
{
	FILE *f = fopen(TRACE "trace", "re");
	uint64_t at = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		uint64_t ns = steps_trace_line(line);

		if (ns)
			at = ns;
	}
	if (f)
		fclose(f);
	return at;
}

uint64_t step_begin_replace(void)
{
	sysfile_write(TRACE "trace_clock", "mono");
	sysfile_write(TRACE "events/iommu/" FREE_EVENT "/enable", "1");
	return step_begin();
}

void step_end_replace(struct steps *s, uint64_t begin)
{
	uint64_t end = step_begin(), freed = freed_at();

	/* The trace has microseconds. */
	if (freed < begin || freed > end) {
		step_add(s, STEP_REPLACE, end - begin);
		return;
	}
	step_add(s, STEP_REPLACE, freed - begin);
	step_add(s, STEP_FREE, end - freed);
}

bool steps_line(struct steps *s, const char *line)
{
	unsigned long long ns;
	char name[32];

	if (sscanf(line, "%31s %llu", name, &ns) != 2)
		return false;
	for (int i = 0; i < STEPS; i++) {
		if (strcmp(name, step_names[i]) == 0) {
			step_add(s, (enum step)i, ns);
			return true;
		}
	}
	return false;
}

void steps_ask_kernel(struct steps *s)
{
	FILE *f = fopen("/sys/kernel/debug/handover/steps", "re");
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		steps_line(s, line);
	if (f)
		fclose(f);
}

json_t *steps_json(const struct steps *s)
{
	json_t *all = json_object();

	for (int i = 0; i < STEPS; i++) {
		if (s->known[i])
			json_object_set_new(all, step_names[i], json_integer((json_int_t)s->ns[i]));
	}
	return all;
}
