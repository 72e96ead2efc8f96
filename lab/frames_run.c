// SPDX-License-Identifier: GPL-2.0-only
/* Description: send frames at a pace, receive what comes back, count both */

#include "frames_run.h"

#include <errno.h>
#include <string.h>

#define SECOND 1000000000ull
#define FLUSH_NS (SECOND / 10)		/* the log is never further behind than this */
#define LOOK_NS (SECOND / 10)		/* how often a signal is looked for at least */
#define BURST 64			/* frames received before the next is sent */

struct run {
	const struct frames_plan *plan;
	struct frames_io *io;
	struct frames_log *log;
	struct frames_result *result;
	uint64_t real_ns;	/* what to add to CLOCK_MONOTONIC */
	uint64_t start_ns;	/* of the schedule, all times but those above CLOCK_MONOTONIC */
	uint64_t slot;		/* place in the schedule of the next frame */
	uint64_t tried_ns;	/* when the frame in the buffer was tried first; 0: there is none */
	uint64_t due_ns;	/* its deadline */
	bool was_held;		/* it was not taken at first */
	uint64_t flushed_ns;
	bool ended;
	size_t length;
	uint8_t frame[FRAME_MAX];
};

static unsigned int bucket_of(uint64_t ns)
{
	unsigned int high;

	if (ns < 64)
		return (unsigned int)ns;
	high = 63 - (unsigned int)__builtin_clzll(ns);
	return (high - 5) * 64 + (unsigned int)(ns >> (high - 6)) - 64;
}

static uint64_t bucket_floor(unsigned int bucket)
{
	unsigned int group = bucket / 64;

	return group ? (64ull + bucket % 64) << (group - 1) : bucket;
}

void frames_times_add(struct frames_times *t, uint64_t ns)
{
	if (!t->count || ns < t->min)
		t->min = ns;
	if (ns > t->max)
		t->max = ns;
	t->count++;
	t->bucket[bucket_of(ns)]++;
}

uint64_t frames_times_rank(const struct frames_times *t, double share)
{
	uint64_t rank = (uint64_t)(share * (double)t->count + 0.999999), below = 0;

	for (unsigned int i = 0; i < FRAMES_BUCKETS; i++) {
		below += t->bucket[i];
		if (below && below >= rank)
			return bucket_floor(i) < t->min ? t->min : bucket_floor(i);
	}
	return t->max;
}

static void end(struct run *r, enum frames_end how, int error)
{
	if (r->ended)
		return;
	r->ended = true;
	r->result->end = how;
	r->result->error = error;
}

static void end_by_error(struct run *r, int error)
{
	end(r, error == -EPIPE ? FRAMES_END_PEER : FRAMES_END_ERROR, error);
}

static uint64_t real_offset(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec - frames_now_ns();
}

static uint64_t deadline(const struct run *r)
{
	uint64_t rate = r->plan->rate;

	/* In two parts: days of nanoseconds times a rate do not fit. */
	return r->start_ns + r->slot / rate * SECOND + r->slot % rate * SECOND / rate;
}

static size_t length_of(const struct frames_plan *plan, uint64_t sequence)
{
	/* A step that has no factor in common with most spans visits every length. */
	return plan->least + (size_t)(sequence * 619 % (plan->most - plan->least + 1));
}

static bool damaged(const struct run *r, enum frames_damage kind)
{
	const struct frames_plan *plan = r->plan;

	return plan->damage == kind && plan->damaging && *plan->damaging &&
	       (plan->first + r->result->sent) % FRAMES_DAMAGED == 0;
}

static void build(struct run *r, uint64_t now)
{
	uint64_t sequence = r->plan->first + r->result->sent;

	r->length = length_of(r->plan, sequence);
	r->due_ns = r->plan->rate ? deadline(r) : now;
	r->tried_ns = now;
	r->was_held = false;
	frame_build(r->frame, r->length, r->plan->stream, sequence, now + r->real_ns);
	if (damaged(r, FRAMES_FLIP)) {
		r->frame[r->length - 1] ^= 1;
		r->result->damaged++;
	}
}

/* Leave out of the schedule the time in which the frame in the buffer was not taken. */
static void skip_slots(struct run *r, uint64_t held_ns)
{
	unsigned __int128 slots = (unsigned __int128)held_ns * r->plan->rate / SECOND;

	r->slot += (uint64_t)slots;
	r->result->skipped += (uint64_t)slots;
}

/* The frame in the buffer was not taken for a while: for how long, and count it. */
static uint64_t note_held(struct run *r, uint64_t now)
{
	uint64_t held = now > r->tried_ns ? now - r->tried_ns : 1;

	r->result->held++;
	r->result->held_ns += held;
	if (held > r->result->held_longest_ns)
		r->result->held_longest_ns = held;
	return held;
}

static void note_sent(struct run *r, uint64_t now)
{
	struct frames_result *res = r->result;
	struct frames_sent sent = {
		.sequence = r->plan->first + res->sent,
		.deadline_ns = r->due_ns + r->real_ns,
		.sent_ns = now + r->real_ns,
		.held_ns = r->was_held ? note_held(r, now) : 0,
	};
	int err = r->log ? frames_log_add(r->log, &sent) : 0;

	res->sent++;
	res->sent_bytes += r->length;
	res->ended_ns = sent.sent_ns;
	r->tried_ns = 0;
	r->slot++;
	if (r->was_held)
		skip_slots(r, sent.held_ns);
	else if (r->plan->rate)
		frames_times_add(&res->jitter, now - r->due_ns);
	if (err)
		end(r, FRAMES_END_ERROR, err);
	if (r->plan->count && res->sent == r->plan->count)
		end(r, FRAMES_END_COUNT, 0);
}

/* As the socket has it, or as the damage does. */
static int send_frame(struct run *r)
{
	int err = 0;

	if (damaged(r, FRAMES_DROP))
		r->result->damaged++;
	else
		err = r->io->ops->send(r->io, r->frame, r->length);
	/* A second one that is not taken at once is no duplicate. */
	if (!err && damaged(r, FRAMES_DUPLICATE) &&
	    !r->io->ops->send(r->io, r->frame, r->length))
		r->result->damaged++;
	return err;
}

/* Send the frame that is due. True: there was something to do, or to fail. */
static bool send_due(struct run *r)
{
	uint64_t now = frames_now_ns();
	int err;

	if (!r->tried_ns) {
		if (r->plan->rate && deadline(r) > now)
			return false;
		build(r, now);
	}
	err = send_frame(r);
	if (err == -EAGAIN) {
		r->was_held = true;
		return false;
	}
	if (err)
		end_by_error(r, err);
	else
		note_sent(r, frames_now_ns());
	return true;
}

static void take_frame(struct run *r, const uint8_t *frame, size_t length)
{
	struct frames_result *res = r->result;
	struct frame_info info;
	int err = frame_check(frame, length, &info);

	res->received_bytes += length;
	if (err == -EINVAL)
		res->alien++;
	else if (err)
		res->torn++;
	else if (info.stream == (FRAME_FROM_PORT | FRAME_HELLO))
		res->hellos++;
	else if (info.stream != r->plan->expect)
		res->foreign++;
	else
		frames_seen_add(&res->seen, info.sequence);
}

static void receive(struct run *r)
{
	/* One byte more than any frame of ours: too long shows. */
	uint8_t frame[FRAME_MAX + 1];

	for (int i = 0; i < BURST; i++) {
		int n = r->io->ops->receive(r->io, frame, sizeof(frame));

		if (n < 0)
			end_by_error(r, n);
		if (n <= 0)
			return;
		take_frame(r, frame, (size_t)n < sizeof(frame) ? (size_t)n : sizeof(frame));
	}
}

static void flush(struct run *r, uint64_t now)
{
	int err;

	if (!r->log || now < r->flushed_ns + FLUSH_NS)
		return;
	r->flushed_ns = now;
	err = frames_log_flush(r->log);
	if (err)
		end(r, FRAMES_END_ERROR, err);
}

static bool may_send(struct run *r, uint64_t now)
{
	if (!r->start_ns && r->plan->after_hello && !r->result->seen.any && !r->result->hellos)
		return false;
	if (!r->start_ns) {
		r->start_ns = now;
		r->result->started_ns = now + r->real_ns;
	}
	if (r->plan->duration_ns && now - r->start_ns >= r->plan->duration_ns) {
		end(r, FRAMES_END_TIME, 0);
		return false;
	}
	return true;
}

/* One turn: receive, send, and sleep if there was nothing to send. */
static void turn(struct run *r)
{
	uint64_t now = frames_now_ns(), until = now + LOOK_NS;
	bool sending;

	receive(r);
	flush(r, now);
	if (*r->plan->stop)
		end(r, FRAMES_END_SIGNAL, 0);
	sending = !r->ended && may_send(r, now);
	if (r->ended || (sending && send_due(r)))
		return;
	if (sending && !r->tried_ns && deadline(r) < until)
		until = deadline(r);
	r->io->ops->wait(r->io, until, r->tried_ns != 0);
}

/* What the port sent last is still on its way. */
static void drain(struct run *r)
{
	uint64_t until = frames_now_ns() + r->plan->drain_ns;
	enum frames_end how = r->result->end;

	if (how != FRAMES_END_COUNT && how != FRAMES_END_TIME)
		return;
	r->ended = false;
	while (!r->ended && !*r->plan->stop && frames_now_ns() < until) {
		uint64_t look = frames_now_ns() + LOOK_NS;

		receive(r);
		if (!r->ended)
			r->io->ops->wait(r->io, look < until ? look : until, false);
	}
	/* A peer that goes now has had all that was to be sent. */
	if (!r->ended || r->result->end == FRAMES_END_PEER) {
		r->result->end = how;
		r->result->error = 0;
	}
}

void frames_run(const struct frames_plan *plan, struct frames_io *io, struct frames_log *log,
		struct frames_result *result)
{
	struct run r = { .plan = plan, .io = io, .log = log, .result = result };

	memset(result, 0, sizeof(*result));
	r.real_ns = real_offset();
	while (!r.ended)
		turn(&r);
	if (r.tried_ns && r.was_held) {
		note_held(&r, frames_now_ns());
		result->unsent = true;
	}
	drain(&r);
}

static json_t *ns_or_null(const struct frames_times *t)
{
	if (!t->count)
		return json_null();
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}",
			 "samples", (json_int_t)t->count, "min", (json_int_t)t->min,
			 "median", (json_int_t)frames_times_rank(t, 0.5),
			 "p99", (json_int_t)frames_times_rank(t, 0.99),
			 "p999", (json_int_t)frames_times_rank(t, 0.999),
			 "max", (json_int_t)t->max);
}

static json_t *sent_json(const struct frames_plan *plan, const struct frames_result *r)
{
	double seconds = r->sent ? (double)(r->ended_ns - r->started_ns) / 1e9 : 0;

	return json_pack("{s:i,s:I,s:I,s:I,s:I,s:I,s:I,s:f,s:I,s:f}",
			 "stream", plan->stream, "frames", (json_int_t)r->sent,
			 "bytes", (json_int_t)r->sent_bytes,
			 "damaged", (json_int_t)r->damaged,
			 "first_sequence", (json_int_t)plan->first,
			 "started_ns", (json_int_t)r->started_ns,
			 "ended_ns", (json_int_t)r->ended_ns, "seconds", seconds,
			 "rate_asked", (json_int_t)plan->rate,
			 "rate", seconds > 0 ? (double)(r->sent - 1) / seconds : 0);
}

static json_t *received_json(const struct frames_plan *plan, const struct frames_result *r)
{
	return json_pack("{s:i,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}",
			 "stream", plan->expect, "frames", (json_int_t)r->seen.frames,
			 "bytes", (json_int_t)r->received_bytes,
			 "first_sequence", (json_int_t)r->seen.first,
			 "next_sequence", (json_int_t)r->seen.next,
			 "lost", (json_int_t)r->seen.lost,
			 "duplicated", (json_int_t)r->seen.duplicated,
			 "late", (json_int_t)r->seen.late, "torn", (json_int_t)r->torn,
			 "stray", (json_int_t)r->foreign, "not_ours", (json_int_t)r->alien,
			 "hellos", (json_int_t)r->hellos);
}

json_t *frames_summary(const struct frames_plan *plan, const struct frames_result *r)
{
	static const char *const ends[] = {
		[FRAMES_END_COUNT] = "count",
		[FRAMES_END_TIME] = "time",
		[FRAMES_END_SIGNAL] = "signal",
		[FRAMES_END_PEER] = "peer",
		[FRAMES_END_ERROR] = "error",
	};

	return json_pack("{s:s,s:s,s:s?,s:o,s:o,s:{s:I,s:b,s:I,s:I,s:I},s:o}",
			 "schema", "holdfast/frames/1", "end", ends[r->end],
			 "error", r->end == FRAMES_END_ERROR ? strerror(-r->error) : NULL,
			 "sent", sent_json(plan, r), "jitter_ns", ns_or_null(&r->jitter),
			 "backpressure", "stalls", (json_int_t)r->held, "unsent", r->unsent,
			 "ns", (json_int_t)r->held_ns,
			 "longest_ns", (json_int_t)r->held_longest_ns,
			 "skipped", (json_int_t)r->skipped,
			 "received", received_json(plan, r));
}
