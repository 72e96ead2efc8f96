/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: what the parts of hf-lab share: clocks, verdicts, devices */

#ifndef HF_LAB_H
#define HF_LAB_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

/*
 * How a run or a cycle ended. LAB_ERROR is the lab's own failure (a garbled
 * result stream, a broken emulator, an interruption), never the product's: a
 * guest that panics, hangs or goes away is LAB_FAIL.
 */
enum lab_verdict {
	LAB_PASS,
	LAB_FAIL,
	LAB_SKIP,
	LAB_ERROR,
};

static inline const char *lab_verdict_name(enum lab_verdict verdict)
{
	static const char *const names[] = {
		[LAB_PASS] = "pass",
		[LAB_FAIL] = "fail",
		[LAB_SKIP] = "skip",
		[LAB_ERROR] = "error",
	};

	return names[verdict];
}

static inline int lab_exit_code(enum lab_verdict verdict)
{
	static const int codes[] = {
		[LAB_PASS] = 0,
		[LAB_FAIL] = 1,
		[LAB_SKIP] = 4,
		[LAB_ERROR] = 2,
	};

	return codes[verdict];
}

#define LAB_DEVICES 4
#define LAB_BESIDE 8	/* devices beside them, on the same IOMMU */

/* A device under test and the root port above it, as "dddd:bb:dd.f". Strings are borrowed. */
struct lab_device {
	const char *bdf, *port;
};

/* Is @word one of the words of @list, which commas separate? */
static inline bool lab_listed(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (list && *list) {
		if (strncmp(list, word, len) == 0 && (list[len] == ',' || !list[len]))
			return true;
		list = strchr(list, ',');
		if (list)
			list++;
	}
	return false;
}

/* Milliseconds for timeouts: a clock that nobody sets. */
static inline int64_t lab_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Microseconds since the epoch: the clock of the emulator's log. */
static inline int64_t lab_wall_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

#endif /* HF_LAB_H */
