// SPDX-License-Identifier: GPL-2.0-only
/* Description: frames that are checked, counted and sent back: what the forwarder does to each */

#include "echo.h"

#include <errno.h>

#include "frame.h"

#define COUNT(_name) { .name = #_name, .offset = offsetof(struct forwarder_counts, _name) }

static const struct count {
	const char *name;
	size_t offset;
} table[] = {
	COUNT(received), COUNT(first), COUNT(last), COUNT(lost), COUNT(duplicate), COUNT(late),
	COUNT(torn), COUNT(foreign), COUNT(sent), COUNT(unsent),
};

static uint64_t *value(struct forwarder_counts *c, const struct count *which)
{
	return (uint64_t *)(void *)((char *)c + which->offset);
}

uint64_t echo_findings(const struct forwarder_counts *c)
{
	return c->lost + c->torn + c->duplicate + c->late + c->foreign;
}

json_t *echo_json(const struct forwarder_counts *counts)
{
	struct forwarder_counts c = *counts;
	json_t *object = json_object();

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		json_object_set_new(object, table[i].name,
				    json_integer((json_int_t)*value(&c, &table[i])));
	return object;
}

int echo_parse(const json_t *object, struct forwarder_counts *c)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const json_t *n = json_object_get(object, table[i].name);

		if (!json_is_integer(n) || json_integer_value(n) < 0)
			return -EINVAL;
		*value(c, &table[i]) = (uint64_t)json_integer_value(n);
	}
	return 0;
}

static void account(struct echo *e, uint64_t sequence)
{
	struct forwarder_counts *c = &e->counts;
	const struct frames_seen *s = &e->seen;

	frames_seen_add(&e->seen, sequence);
	c->received = s->frames;
	c->first = s->first;
	c->last = s->next - 1;
	c->lost = s->lost;
	c->duplicate = s->duplicated;
	c->late = s->late;
}

bool echo_take(struct echo *e, void *frame, size_t length)
{
	struct frame_info info;
	int err = frame_check(frame, length, &info);

	/* A buffer that nobody wrote to may hold the last answer: that is foreign, too. */
	if (err == -EINVAL || (!err && info.stream & FRAME_FROM_PORT) ||
	    (!err && e->seen.any && info.stream != e->stream)) {
		e->counts.foreign++;
		return false;
	}
	if (err) {
		e->counts.torn++;
		return false;
	}
	e->stream = info.stream;
	account(e, info.sequence);
	/* To the source, also if it sends to everybody. */
	frame_build(frame, length, (uint16_t)((info.stream & ~FRAME_BROADCAST) | FRAME_FROM_PORT),
		    info.sequence, info.time_ns);
	return true;
}
