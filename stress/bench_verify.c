// SPDX-License-Identifier: GPL-2.0-only
/* Description: how fast blocks are verified, natively; prints MB/s */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "blocks.h"

#define COUNT (64u * 1024 * 1024 / BLOCK_SIZE)	/* more than any cache */
#define GOAL_S 1.0

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(void)
{
	struct block *blocks = malloc((size_t)COUNT * BLOCK_SIZE);
	unsigned int rounds = 0;
	double start, seconds;

	if (!blocks)
		return 2;
	blocks_fill(blocks, COUNT, 0, 1);
	start = now_s();
	do {
		if (blocks_check(blocks, COUNT, 0, 1) != BLOCK_OK)
			return 1;
		rounds++;
		seconds = now_s() - start;
	} while (seconds < GOAL_S);
	printf("verify_mb_per_s %.0f\n", (double)COUNT * BLOCK_SIZE * rounds / seconds / 1e6);
	free(blocks);
	return 0;
}
