/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: compare what a receiver says that it got with the send log */

#ifndef HF_FRAMES_MATCH_H
#define HF_FRAMES_MATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frames_log.h"

#define FRAMES_HOLES 16

struct frames_limits {
	uint64_t from, to;	/* sequences to judge; others of the log are only known */
	/*
	 * When the receiver had surely looked at all that was sent until then. A
	 * frame sent later, and behind the last one that landed, may be on its way
	 * still: pending. 0: of those behind the last one nothing is known.
	 */
	uint64_t settled_ns;
	uint64_t late_ns;	/* a frame that took longer than this is late; 0: do not judge */
};

/* A row of frames that were lost. */
struct frames_hole {
	uint64_t first, last;		/* sequences */
	uint64_t first_ns, last_ns;	/* when they were sent */
};

struct frames_verdict {
	uint64_t sent;		/* within the limits */
	uint64_t landed;	/* of those, at least once */
	uint64_t lost;		/* sent, never landed */
	uint64_t pending;	/* sent, perhaps on their way */
	uint64_t duplicated;	/* landings beyond a frame's first */
	uint64_t late;		/* behind one with a higher sequence, or over late_ns after sending */
	uint64_t stray;		/* landings of sequences that were never sent */
	/* Backpressure: the transport did not take frames; no fault of DMA. */
	uint64_t held;		/* frames that were not taken at once */
	uint64_t held_ns;	/* for how long altogether */
	uint64_t held_late;	/* landed late after their deadline, but not after they were taken */
	/* Between two frames taken one after the other, and what of it was backpressure. */
	uint64_t longest_gap_ns, longest_gap_held_ns;
	uint64_t holes;		/* all of them; the first are in hole[] */
	struct frames_hole hole[FRAMES_HOLES];
};

struct frames_match {
	const struct frames_sent *sent;
	size_t count;
	struct frames_limits limits;
	uint8_t *landed;
	uint64_t next;		/* one more than the highest sequence that landed */
	struct frames_verdict verdict;
};

/* @sent is borrowed. -ENOMEM */
int frames_match_begin(struct frames_match *m, const struct frames_sent *sent, size_t count,
		       const struct frames_limits *limits);

/* The receiver got @first to @last (in this order), the last at @time_ns; 0: it does not say. */
void frames_match_add(struct frames_match *m, uint64_t first, uint64_t last, uint64_t time_ns);

/*
 * The same for a list as text, in the order of arrival: "A" or "A-B", either
 * with "@NS" behind it, separated by blanks, commas or new lines.
 * -EBADMSG: @bad is where the list goes wrong.
 */
int frames_match_list(struct frames_match *m, const char *text, const char **bad);

/* Judge, and free what frames_match_begin() took. */
void frames_match_end(struct frames_match *m, struct frames_verdict *verdict);

/* New reference; members as in struct frames_verdict. */
json_t *frames_verdict_json(const struct frames_verdict *v);

#endif /* HF_FRAMES_MATCH_H */
