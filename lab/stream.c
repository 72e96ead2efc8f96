// SPDX-License-Identifier: GPL-2.0-only
/* Description: the agent's result stream: one JSON object per line */

#include "stream.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "json_at.h"

/*
 * Types by letter: i count (an integer, not negative), n number, s string, b boolean, o object,
 * ? or null.
 */
static const struct {
	const char *ev, *path, *type;
} members[] = {
	{ "hello", "cycle", "i" },
	{ "hello", "kernel", "s" },
	{ "hello", "adopted", "b" },
	{ "rate", "iops", "i" },
	{ "progress", "what", "s" },
	{ "jump", "cycle", "i" },
	{ "jump", "inflight", "i" },
	{ "jump", "completed", "i" },
	{ "cycle", "cycle", "i" },
	{ "cycle", "verdict", "s" },
	{ "cycle", "reason", "s" },
	{ "cycle", "dma.inflight", "i" },
	{ "cycle", "dma.completed", "i" },
	{ "cycle", "dma.in_blackout", "i" },
	{ "cycle", "dma.in_blackout_by_phase", "o" },
	{ "cycle", "dma.faulted", "i" },
	{ "cycle", "dma.lost", "i" },
	{ "cycle", "dma.corrupt", "i" },
	{ "cycle", "dma.stray", "i" },
	{ "cycle", "dma.verified_bytes", "i" },
	{ "cycle", "oracles.iommu", "i?" },
	{ "cycle", "oracles.device", "i" },
	{ "cycle", "oracles.data", "i" },
	{ "cycle", "adopted", "b" },
	{ "cycle", "restore_walk", "o?" },
	{ "cycle", "blackout.ms", "n" },
	{ "cycle", "blackout.phases", "o" },
	{ "cycle", "irq.spurious", "i" },
	{ "cycle", "irq.nobody_cared", "i" },
	{ "cycle", "bystanders", "o" },
	{ "swaps", "done", "i" },
	{ "swaps", "refused", "i" },
	{ "swaps", "refused_as", "s" },
	{ "swaps", "reads", "i" },
	{ "swaps", "faulted", "i" },
	{ "swaps", "lost", "i" },
	{ "swaps", "corrupt", "i" },
	{ "swaps", "stray", "i" },
	{ "swaps", "csts", "i" },
	{ "swaps", "iommu", "i?" },
	{ "done", "verdict", "s" },
	{ "done", "reason", "s" },
};

static bool has_type(const json_t *value, const char *type)
{
	switch (type[0]) {
	case 'i':
		if (json_is_integer(value) && json_integer_value(value) >= 0)
			return true;
		break;
	case 'n':
		if (json_is_number(value))
			return true;
		break;
	case 's':
		if (json_is_string(value))
			return true;
		break;
	case 'b':
		if (json_is_boolean(value))
			return true;
		break;
	case 'o':
		if (json_is_object(value))
			return true;
		break;
	}
	return type[1] == '?' && json_is_null(value);
}

__attribute__((format(printf, 2, 3)))
static int bad_line(struct stream *s, const char *fmt, ...)
{
	int n = snprintf(s->error, sizeof(s->error), "result line %u: ", s->line);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->error + n, sizeof(s->error) - (size_t)n, fmt, ap);
	va_end(ap);
	return -EBADMSG;
}

/* An event of a kind that this lab does not know passes: its reader decides. */
static int check(struct stream *s, json_t *event)
{
	const char *ev = json_string_at(event, "ev");

	if (!*ev)
		return bad_line(s, "no event");
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (strcmp(ev, members[i].ev) == 0 &&
		    !has_type(json_at(event, members[i].path), members[i].type))
			return bad_line(s, "%s without a good \"%s\"", ev, members[i].path);
	}
	return 0;
}

size_t stream_room(const struct stream *s)
{
	return sizeof(s->buf) - s->len;
}

int stream_feed(struct stream *s, const void *data, size_t len)
{
	if (len > stream_room(s))
		return -ENOBUFS;
	memcpy(s->buf + s->len, data, len);
	s->len += len;
	return 0;
}

int stream_next(struct stream *s, json_t **event)
{
	char *end = memchr(s->buf, '\n', s->len);
	size_t len = end ? (size_t)(end - s->buf) : s->len;
	json_error_t error;
	int err;

	if (len >= STREAM_LINE_MAX) {
		s->line++;
		return bad_line(s, "longer than %d bytes", STREAM_LINE_MAX);
	}
	if (!end)
		return 0;
	s->line++;
	*event = json_loadb(s->buf, len, JSON_REJECT_DUPLICATES, &error);
	err = *event ? check(s, *event) : bad_line(s, "%s: %.60s", error.text, s->buf);
	s->len -= len + 1;
	memmove(s->buf, end + 1, s->len);
	if (err) {
		json_decref(*event);
		*event = NULL;
		return err;
	}
	return 1;
}

int stream_end(struct stream *s)
{
	if (!s->len)
		return 0;
	s->line++;
	return bad_line(s, "cut off after %zu bytes: %.*s", s->len,
			s->len < 60 ? (int)s->len : 60, s->buf);
}
