// SPDX-License-Identifier: GPL-2.0-only
/* Description: fuzz target: the agent's result stream, in portions of any size */

/* Input: the size of the portions, how many times the stream comes, and the stream. */

#include "../lab/stream.c"

#include "fuzz.h"

static void take_events(struct stream *s)
{
	json_t *event;
	int err;

	while ((err = stream_next(s, &event)) > 0) {
		MUST(*json_string_at(event, "ev"));
		json_decref(event);
	}
	if (err)
		MUST(err == -EBADMSG && *s->error && memchr(s->error, 0, sizeof(s->error)));
}

/* False: the lab would have ended the run. */
static bool feed(struct stream *s, struct fuzz f, size_t portion)
{
	uint8_t bytes[STREAM_LINE_MAX];

	while (f.left) {
		size_t n = fuzz_bytes(&f, bytes, portion < stream_room(s) ? portion :
				      stream_room(s));

		MUST(!stream_feed(s, bytes, n));
		take_events(s);
		MUST(s->len <= sizeof(s->buf));
		/* A line that is too long stays. */
		if (!stream_room(s))
			return false;
	}
	return true;
}

FUZZ()
{
	struct fuzz f = { data, size };
	static struct stream s;
	size_t portion = fuzz_number(&f, 1) * 16 + 1, times = fuzz_number(&f, 1) % 16 + 1;

	memset(&s, 0, sizeof(s));
	while (times-- && feed(&s, f, portion))
		;
	stream_end(&s);
	return 0;
}
