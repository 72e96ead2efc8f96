/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: does a run use more and more of something, cycle by cycle? */

#ifndef HF_DRIFT_H
#define HF_DRIFT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Fewer cycles say nothing of a slope. */
#define DRIFT_CYCLES 10

/*
 * {"NAME": {"slope": per cycle, "noise": ..., "drifts": bool}, ...}: a straight line (least
 * squares) through each number of the records' "resources", from the second cycle on; noise is
 * what the numbers are off that line (standard deviation). The first cycle's kernel comes from
 * one that the machine's firmware started. NULL with fewer than DRIFT_CYCLES cycles that have
 * resources. New reference.
 */
json_t *drift_of(json_t *cycles);

/* Does nothing drift? What does first, goes to @why. */
bool drift_judge(json_t *drift, char *why, size_t size);

#endif /* HF_DRIFT_H */
