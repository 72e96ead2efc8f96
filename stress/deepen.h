/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: make the drive's queue so deep that completions go on through the blackout */

#ifndef HF_DEEPEN_H
#define HF_DEEPEN_H

#include <stdint.h>

#include "channel.h"
#include "drive.h"

/*
 * Fill the queue, at @max_rate commands per second at most, and see that as many are in
 * flight as twice the expected blackout takes: state->blackout_ms, at state->rate, which is
 * set here; 0: the drive goes as fast as it can. Minutes long at worst. -errno with a
 * complaint; -EAGAIN: the queue does not become that deep.
 */
int deepen(struct drive *d, struct channel *c, uint32_t max_rate);

/* The same again at once, for the time that has passed since. -EIO: it was not clean. */
int deepen_again(struct drive *d);

#endif /* HF_DEEPEN_H */
