/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: clocks: one for timeouts, and the TSC, which runs through a kexec */

#ifndef HF_CLOCK_H
#define HF_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <x86intrin.h>

/* Milliseconds of a clock that nobody sets: for timeouts. */
static inline uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static inline void sleep_ms(unsigned int ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&ts, NULL);
}

static inline uint64_t tsc_now(void)
{
	unsigned int cpu;

	/* RDTSCP waits for what comes before it. */
	return __rdtscp(&cpu);
}

/*
 * Does the TSC run at one rate, whatever the processor does? By CPUID; or
 * because the processor is emulated by TCG, which has one clock for all of
 * them and no power states. If not, nothing may be subtracted across a kexec.
 */
bool tsc_invariant(void);

/* Ticks per millisecond, measured against the system's clock for 100 ms. */
uint32_t tsc_khz(void);

/*
 * IA32_TSC_ADJUST of processor 0: if firmware or the next kernel wrote the TSC,
 * this differs. False: it cannot be read here.
 */
bool tsc_adjust(uint64_t *value);

#endif /* HF_CLOCK_H */
