// SPDX-License-Identifier: GPL-2.0-only
/* Description: compare what a receiver says that it got with the send log */

#include "frames_match.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int frames_match_begin(struct frames_match *m, const struct frames_sent *sent, size_t count,
		       const struct frames_limits *limits)
{
	memset(m, 0, sizeof(*m));
	m->sent = sent;
	m->count = count;
	m->limits = *limits;
	m->landed = calloc(count + 1, 1);
	return m->landed ? 0 : -ENOMEM;
}

static bool is_judged(const struct frames_match *m, uint64_t sequence)
{
	return sequence >= m->limits.from && sequence <= m->limits.to;
}

static void judge_time(struct frames_match *m, const struct frames_sent *sent, uint64_t time_ns,
		       bool is_behind)
{
	uint64_t limit = m->limits.late_ns;
	bool timed = time_ns && limit;

	if (is_behind || (timed && time_ns > sent->sent_ns + limit))
		m->verdict.late++;
	else if (timed && sent->held_ns && time_ns > sent->deadline_ns + limit)
		m->verdict.held_late++;
}

static void land(struct frames_match *m, uint64_t sequence, uint64_t time_ns)
{
	size_t i = (size_t)(sequence - m->sent[0].sequence);
	bool is_behind = sequence < m->next;

	if (!is_behind)
		m->next = sequence + 1;
	if (!is_judged(m, sequence)) {
		m->landed[i] = 1;
	} else if (m->landed[i]) {
		m->verdict.duplicated++;
	} else {
		m->landed[i] = 1;
		m->verdict.landed++;
		judge_time(m, &m->sent[i], time_ns, is_behind);
	}
}

/* How many numbers @first to @last has; all of them saturate. */
static uint64_t span(uint64_t first, uint64_t last)
{
	return last - first == UINT64_MAX ? UINT64_MAX : last - first + 1;
}

void frames_match_add(struct frames_match *m, uint64_t first, uint64_t last, uint64_t time_ns)
{
	uint64_t low, high;

	if (!m->count || last < m->sent[0].sequence || first > m->sent[m->count - 1].sequence) {
		m->verdict.stray += span(first, last);
		return;
	}
	low = m->sent[0].sequence;
	high = m->sent[m->count - 1].sequence;
	if (first < low) {
		m->verdict.stray += low - first;
		first = low;
	}
	if (last > high) {
		m->verdict.stray += last - high;
		last = high;
	}
	for (uint64_t sequence = first; sequence < last; sequence++)
		land(m, sequence, 0);
	land(m, last, time_ns);
}

/* A decimal number at @text; false if there is none that fits. */
static bool take_number(const char **text, uint64_t *value)
{
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	errno = 0;
	*value = strtoull(*text, &end, 10);
	*text = end;
	return errno == 0;
}

static bool take_item(struct frames_match *m, const char **text)
{
	uint64_t first, last, time_ns = 0;

	if (!take_number(text, &first))
		return false;
	last = first;
	if (**text == '-') {
		++*text;
		if (!take_number(text, &last) || last < first)
			return false;
	}
	if (**text == '@') {
		++*text;
		if (!take_number(text, &time_ns))
			return false;
	}
	if (**text && !strchr(" ,\t\n", **text))
		return false;
	frames_match_add(m, first, last, time_ns);
	return true;
}

int frames_match_list(struct frames_match *m, const char *text, const char **bad)
{
	for (;;) {
		text += strspn(text, " ,\t\n");
		*bad = text;
		if (!*text)
			return 0;
		if (!take_item(m, &text))
			return -EBADMSG;
	}
}

static void add_lost(struct frames_verdict *v, const struct frames_sent *sent, bool goes_on)
{
	struct frames_hole *hole;

	v->lost++;
	if (!goes_on) {
		v->holes++;
		if (v->holes <= FRAMES_HOLES) {
			hole = &v->hole[v->holes - 1];
			hole->first = sent->sequence;
			hole->first_ns = sent->sent_ns;
		}
	}
	if (v->holes <= FRAMES_HOLES) {
		hole = &v->hole[v->holes - 1];
		hole->last = sent->sequence;
		hole->last_ns = sent->sent_ns;
	}
}

/* What the log alone tells: backpressure, and gaps in sending. */
static void judge_sending(struct frames_verdict *v, const struct frames_sent *sent, bool is_first)
{
	uint64_t gap;

	v->sent++;
	v->held += sent->held_ns != 0;
	v->held_ns += sent->held_ns;
	if (is_first)
		return;
	gap = sent->sent_ns - sent[-1].sent_ns;
	if (gap > v->longest_gap_ns) {
		v->longest_gap_ns = gap;
		v->longest_gap_held_ns = sent->held_ns < gap ? sent->held_ns : gap;
	}
}

void frames_match_end(struct frames_match *m, struct frames_verdict *verdict)
{
	struct frames_verdict *v = &m->verdict;
	bool goes_on = false;

	for (size_t i = 0; i < m->count; i++) {
		const struct frames_sent *sent = &m->sent[i];
		bool is_missing = !m->landed[i];

		if (!is_judged(m, sent->sequence))
			continue;
		judge_sending(v, sent, v->sent == 0);
		if (is_missing && sent->sequence >= m->next &&
		    sent->sent_ns > m->limits.settled_ns) {
			v->pending++;
			is_missing = false;
		} else if (is_missing) {
			add_lost(v, sent, goes_on);
		}
		goes_on = is_missing;
	}
	*verdict = *v;
	free(m->landed);
	m->landed = NULL;
}

json_t *frames_verdict_json(const struct frames_verdict *v)
{
	json_t *holes = json_array();

	for (uint64_t i = 0; i < v->holes && i < FRAMES_HOLES; i++)
		json_array_append_new(holes, json_pack("{s:I,s:I,s:I,s:I}",
				      "first", (json_int_t)v->hole[i].first,
				      "last", (json_int_t)v->hole[i].last,
				      "first_ns", (json_int_t)v->hole[i].first_ns,
				      "last_ns", (json_int_t)v->hole[i].last_ns));
	return json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:{s:I,s:I,s:I},s:{s:I,s:I},s:I,s:o}",
			 "schema", "holdfast/frames-match/1",
			 "sent", (json_int_t)v->sent,
			 "landed", (json_int_t)v->landed,
			 "lost", (json_int_t)v->lost,
			 "pending", (json_int_t)v->pending,
			 "duplicated", (json_int_t)v->duplicated,
			 "late", (json_int_t)v->late,
			 "stray", (json_int_t)v->stray,
			 "held", "frames", (json_int_t)v->held, "ns", (json_int_t)v->held_ns,
			 "late", (json_int_t)v->held_late,
			 "longest_gap", "ns", (json_int_t)v->longest_gap_ns,
			 "held_ns", (json_int_t)v->longest_gap_held_ns,
			 "holes", (json_int_t)v->holes,
			 "first_holes", holes);
}
