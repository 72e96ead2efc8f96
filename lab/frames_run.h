/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: send frames at a pace, receive what comes back, count both */

#ifndef HF_FRAMES_RUN_H
#define HF_FRAMES_RUN_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "frames_io.h"
#include "frames_log.h"
#include "frames_seen.h"

/* Times fall into groups by their highest bit, 64 to a group: within 1.6 % of the truth. */
#define FRAMES_BUCKETS (59 * 64)

struct frames_times {
	uint64_t count, min, max;
	uint64_t bucket[FRAMES_BUCKETS];
};

void frames_times_add(struct frames_times *t, uint64_t ns);

/* Nearest rank, as the lower end of its bucket, but min and max are exact. 0 <= @share <= 1 */
uint64_t frames_times_rank(const struct frames_times *t, double share);

/* What is done to one of FRAMES_DAMAGED frames, so that a receiver must find fault with it. */
enum frames_damage {
	FRAMES_WHOLE,
	FRAMES_FLIP,		/* its last byte is not what it was */
	FRAMES_DROP,		/* it is not sent, and the log says that it was */
	FRAMES_DUPLICATE,	/* it is sent twice, and the log says once */
};

#define FRAMES_DAMAGED 50

struct frames_plan {
	uint64_t rate;		/* frames per second; 0: as fast as they are taken */
	uint64_t count;		/* end after so many; 0: no end */
	uint64_t duration_ns;	/* end this long after the first; 0: no end */
	uint64_t first;		/* sequence to begin with */
	size_t least, most;	/* lengths; they alternate in between */
	uint16_t stream;
	uint16_t expect;	/* stream of the frames that come from the port */
	bool after_hello;	/* send nothing before the first of those, or a hello */
	uint64_t drain_ns;	/* go on receiving for so long after the last frame was sent */
	const volatile sig_atomic_t *stop;
	enum frames_damage damage;
	const volatile sig_atomic_t *damaging; /* from when on; NULL: never */
};

enum frames_end {
	FRAMES_END_COUNT,
	FRAMES_END_TIME,
	FRAMES_END_SIGNAL,
	FRAMES_END_PEER,	/* the peer has closed: a machine that was switched off */
	FRAMES_END_ERROR,
};

struct frames_result {
	enum frames_end end;
	int error;		/* of FRAMES_END_ERROR */
	uint64_t started_ns, ended_ns;	/* first try to send, last frame taken; CLOCK_REALTIME */
	uint64_t sent, sent_bytes;
	struct frames_times jitter;	/* taken after the deadline; without those held back */
	uint64_t held, held_ns, held_longest_ns;	/* frames not taken at once, and how long */
	bool unsent;		/* one was still held back at the end, and is not in the log */
	uint64_t damaged;	/* of sent */
	uint64_t skipped;	/* places in the schedule that passed meanwhile; nothing was sent */
	/* From the port: */
	struct frames_seen seen;	/* whole frames of the expected stream */
	uint64_t torn;
	uint64_t hellos;	/* say that the port is there, and nothing else */
	uint64_t foreign;	/* whole, but of another stream, or a copy of our own */
	uint64_t alien;		/* no frames of ours: neighbour discovery and the like */
	uint64_t received_bytes;
};

/*
 * Deadlines are absolute: a frame that is sent late does not shift those behind
 * it, which follow at once until the pace is reached again. Only time in which
 * frames were not taken is left out of the schedule: it would come back as a
 * burst that no pace has asked for. A frame tells the time at which it was tried
 * first, the log also when it was taken. @log may be NULL.
 */
void frames_run(const struct frames_plan *plan, struct frames_io *io, struct frames_log *log,
		struct frames_result *result);

/* The summary, schema "holdfast/frames/1". New reference. */
json_t *frames_summary(const struct frames_plan *plan, const struct frames_result *result);

#endif /* HF_FRAMES_RUN_H */
