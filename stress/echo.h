/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: frames that are checked, counted and sent back: what the forwarder does to each */

#ifndef HF_ECHO_H
#define HF_ECHO_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frames_seen.h"

/*
 * What came in of one instance of the forwarder, and what went out. The first whole frame
 * says which stream is the source's, and where the window begins that all else is counted
 * in; what was sent before, or behind the last that came, is not missed.
 */
struct forwarder_counts {
	uint64_t received;	/* whole frames of the stream, duplicate and late ones too */
	uint64_t first, last;	/* sequences: the first and the highest */
	uint64_t lost;		/* missing between them */
	uint64_t duplicate, late;
	uint64_t torn;		/* not whole */
	uint64_t foreign;	/* no frame of the stream; so is a buffer that was not written to */
	uint64_t sent;		/* received ones that the device took back */
	uint64_t unsent;	/* that it did not */
};

struct echo {
	struct forwarder_counts counts;
	uint16_t stream;
	struct frames_seen seen;
};

/*
 * Take a frame that came in. True: it was whole, and is now its own answer, of the same
 * length, sequence and time. False: do not send it.
 */
bool echo_take(struct echo *e, void *frame, size_t length);

/* What the data oracle has to say: frames that are not as they must be. */
uint64_t echo_findings(const struct forwarder_counts *c);

/* The counts as an object: a member for each, by its name above. New reference. */
json_t *echo_json(const struct forwarder_counts *c);

/* The same backwards. -EINVAL: a count is missing, or is none. No complaint. */
int echo_parse(const json_t *object, struct forwarder_counts *c);

#endif /* HF_ECHO_H */
