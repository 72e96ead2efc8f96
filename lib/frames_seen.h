/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: which sequences of a stream have come in, as they come */

#ifndef HF_FRAMES_SEEN_H
#define HF_FRAMES_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#define FRAMES_WINDOW 65536u	/* sequences that are remembered one by one */

/* Zeroed, it has seen nothing. The first frame says where the stream begins. */
struct frames_seen {
	bool any;
	uint64_t first, next;	/* next: one more than the highest seen */
	uint64_t frames;	/* all that came in, duplicates too */
	uint64_t lost;		/* between the first and the highest, not (yet) seen */
	uint64_t duplicated;
	uint64_t late;		/* came behind a higher one; no longer lost then */
	uint64_t bits[FRAMES_WINDOW / 64];
};

/*
 * What comes from before the window, or from before the first, is counted late
 * too, though it may be a duplicate: who sends that has more than one fault.
 */
void frames_seen_add(struct frames_seen *s, uint64_t sequence);

#endif /* HF_FRAMES_SEEN_H */
