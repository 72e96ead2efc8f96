/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: what each native bench does again and again: random numbers, times, their spread */
#ifndef HF_BENCH_REPEAT_H
#define HF_BENCH_REPEAT_H

#include <stddef.h>
#include <stdint.h>

/* The next number after @state, any to begin with: the same ones in each run (splitmix64) */
static inline uint64_t repeat_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* The processor's time of this thread, in ns: others may be using the machine */
uint64_t repeat_ns(void);

/* Each is a sample that was taken: the median of an even number is the lower one */
struct spread {
	uint64_t min, median, max;
};

/* Sorts @samples, of which there is at least one */
struct spread repeat_spread(uint64_t *samples, size_t count);

#endif
