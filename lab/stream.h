/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: the agent's result stream: one JSON object per line */

#ifndef HF_STREAM_H
#define HF_STREAM_H

#include <jansson.h>
#include <stddef.h>

#define STREAM_LINE_MAX 4096
#define STREAM_ERROR_MAX 256

/*
 * Bytes come in by stream_feed() in any portions; events go out by
 * stream_next(). A line that is no event is never skipped: it means that a
 * result may be missing, and whoever reads the stream must say so.
 */
struct stream {
	char buf[4 * STREAM_LINE_MAX];
	size_t len;
	unsigned int line;		/* lines taken so far */
	char error[STREAM_ERROR_MAX];	/* why the last call failed */
};

/* Room that stream_feed() has left. */
size_t stream_room(const struct stream *s);

/* Add bytes. -ENOBUFS: more than stream_room(). */
int stream_feed(struct stream *s, const void *data, size_t len);

/*
 * Take the next event: 1 and a new reference in @event, 0 if no whole line is
 * there, -EBADMSG for a line that is too long, not JSON, or not an object with
 * the members that every event (and each kind of event) must have.
 */
int stream_next(struct stream *s, json_t **event);

/* The stream has ended. -EBADMSG if it ended inside a line. */
int stream_end(struct stream *s);

#endif /* HF_STREAM_H */
