/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: for fuzz targets: a clock that runs on when it is looked at; nobody waits */

#ifndef HF_FAKE_CLOCK_H
#define HF_FAKE_CLOCK_H

/* Before the file under test, which includes this, too. */
#define now_ms real_now_ms
#define sleep_ms real_sleep_ms
#include "../stress/clock.h"
#undef now_ms
#undef sleep_ms

static uint64_t fake_ms;

static inline uint64_t now_ms(void)
{
	return ++fake_ms;
}

static inline void sleep_ms(unsigned int ms)
{
	fake_ms += ms;
}

#endif /* HF_FAKE_CLOCK_H */
