// SPDX-License-Identifier: GPL-2.0-only
/* Description: does a run use more and more of something, cycle by cycle? */

#include "drift.h"

#include <math.h>
#include <stdio.h>

#include "json_at.h"

/*
 * How many of its own standard errors a slope must be away from zero. With 10 cycles, ordinary
 * noise gets there once in some 10,000 numbers.
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

struct slope {
	double slope, error, noise;	/* per cycle; of the slope; of one number around the line */
};

/* One number of the records from @from to before @to; false if it is not in all of them. */
static bool fit(json_t *cycles, const char *name, size_t from, size_t to, struct slope *s)
{
	double first = 0, sxx, sxy, rest;
	struct line l = { 0 };

	for (size_t i = from; i < to; i++) {
		json_t *value = json_object_get(json_at(json_array_get(cycles, i), "resources"),
						name);

		if (!json_is_integer(value))
			return false;
		/* Small numbers keep their digits when they are squared. */
		if (!l.n)
			first = json_number_value(value);
		add_point(&l, (double)i, json_number_value(value) - first);
	}
	sxx = l.xx - l.x * l.x / l.n;
	sxy = l.xy - l.x * l.y / l.n;
	rest = fmax(l.yy - l.y * l.y / l.n - sxy * sxy / sxx, 0) / (l.n - 2);
	s->slope = sxy / sxx;
	s->noise = sqrt(rest);
	s->error = sqrt(rest / sxx);
	return true;
}

static bool is_slope(const struct slope *s, double significant)
{
	return fabs(s->slope) > 1e-6 && fabs(s->slope) > significant * s->error;
}

/*
 * Does it go on and on? A single step, which is significant too in a long run, does not: then
 * at least one of the halves is level.
 */
static bool drifts(json_t *cycles, const char *name, const struct slope *all)
{
	size_t n = json_array_size(cycles), middle = (n + 1) / 2;
	struct slope half[2];

	return is_slope(all, SIGNIFICANT) && fit(cycles, name, 1, middle, &half[0]) &&
	       fit(cycles, name, middle, n, &half[1]) && is_slope(&half[0], SIGNIFICANT / 4) &&
	       is_slope(&half[1], SIGNIFICANT / 4);
}

/* {slope, noise, drifts} of a number, or NULL if a record lacks it. */
static json_t *examine(json_t *cycles, const char *name)
{
	struct slope all;

	if (!fit(cycles, name, 1, json_array_size(cycles), &all))
		return NULL;
	return json_pack("{s:f,s:f,s:b}", "slope", all.slope, "noise", all.noise,
			 "drifts", (int)drifts(cycles, name, &all));
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
		json_t *one = examine(cycles, name);

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
