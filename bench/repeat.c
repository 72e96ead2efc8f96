// SPDX-License-Identifier: GPL-2.0-only
/* Description: what each native bench does again and again: random numbers, times, their spread */

#include "repeat.h"

#include <stdlib.h>
#include <time.h>

uint64_t repeat_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

struct spread repeat_spread(uint64_t *samples, size_t count)
{
	qsort(samples, count, sizeof(*samples), by_value);
	return (struct spread){
		.min = samples[0],
		.median = samples[(count - 1) / 2],
		.max = samples[count - 1],
	};
}
