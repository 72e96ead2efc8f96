// SPDX-License-Identifier: GPL-2.0-only
/* Description: does a run use more and more of something, cycle by cycle? */

#include "drift.h"

#include <math.h>
#include <stdio.h>

#include "json_at.h"

/*
 * How many of its own standard errors a slope must be away from zero. With 10 cycles, ordinary
 * noise gets there once in some 10,000 numbers; what lasts from some cycle on can get there, too.
 */
#define SIGNIFICANT 8.0

struct line {
	double n, x, y, xx, xy, yy;	/* sums */
};

static void add_point(struct line *l, double x, double y)
{
	l->n++;
	l->x += x;
	l->y += y;
	l->xx += x * x;
	l->xy += x * y;
	l->yy += y * y;
}

/* One number of all records; {slope, noise, drifts}, or NULL if too few have it. */
static json_t *fit(json_t *cycles, const char *name)
{
	double first = 0, sxx, sxy, syy, slope, rest, error;
	struct line l = { 0 };
	json_t *record;
	size_t i;

	json_array_foreach(cycles, i, record) {
		json_t *value = json_object_get(json_at(record, "resources"), name);

		if (!i || !json_is_integer(value))
			continue;
		/* Small numbers keep their digits when they are squared. */
		if (!l.n)
			first = json_number_value(value);
		add_point(&l, (double)i, json_number_value(value) - first);
	}
	if (l.n < DRIFT_CYCLES - 1)
		return NULL;
	sxx = l.xx - l.x * l.x / l.n;
	sxy = l.xy - l.x * l.y / l.n;
	syy = l.yy - l.y * l.y / l.n;
	slope = sxy / sxx;
	rest = fmax(syy - slope * sxy, 0);
	error = sqrt(rest / (l.n - 2) / sxx);
	return json_pack("{s:f,s:f,s:b}", "slope", slope, "noise", sqrt(rest / (l.n - 2)),
			 "drifts", fabs(slope) > 1e-6 && fabs(slope) > SIGNIFICANT * error);
}

json_t *drift_of(json_t *cycles)
{
	json_t *names = json_at(json_array_get(cycles, 1), "resources");
	json_t *all, *value;
	const char *name;

	if (!json_is_object(names) || json_array_size(cycles) < DRIFT_CYCLES)
		return NULL;
	all = json_object();
	json_object_foreach(names, name, value) {
		json_t *one = fit(cycles, name);

		if (one)
			json_object_set_new(all, name, one);
	}
	return all;
}

bool drift_judge(json_t *drift, char *why, size_t size)
{
	const char *name;
	json_t *one;

	json_object_foreach(drift, name, one) {
		if (!json_is_true(json_at(one, "drifts")))
			continue;
		snprintf(why, size, "drift: %.40s changes by %.2f per cycle, noise %.2f", name,
			 json_number_value(json_at(one, "slope")),
			 json_number_value(json_at(one, "noise")));
		return false;
	}
	return true;
}
