// SPDX-License-Identifier: GPL-2.0-only
/* Description: the frame source against a peer at the other end of a socket pair */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frames_run.c"
#include "frames_seen.c"

#define STREAM 3u
#define FROM_PORT (FRAME_FROM_PORT | STREAM)
#define MS 1000000ull

static volatile sig_atomic_t stop;
static struct frames_plan plan;
static struct frames_result *result;
static struct frames_io *io;
static struct frames_log send_log;
static char log_path[] = "/tmp/hf-frames-run-XXXXXX";

/* The port: another frames_io at the other end, in a thread of its own. */
static struct port {
	struct frames_io *io;
	pthread_t thread;
	unsigned int read_delay_ms;	/* read nothing for so long at first */
	unsigned int received, bad;
	unsigned int sends;		/* says so much first */
} port;

static int setup(void **state)
{
	int fd[2], path_fd;

	(void)state;
	stop = 0;
	memset(&port, 0, sizeof(port));
	plan = (struct frames_plan) {
		.rate = 1000, .least = FRAME_MIN, .most = FRAME_MAX, .stream = STREAM,
		.expect = FROM_PORT, .drain_ns = 300 * MS, .stop = &stop,
	};
	strcpy(log_path + sizeof(log_path) - 7, "XXXXXX");
	path_fd = mkstemp(log_path);
	if (path_fd < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd))
		return -1;
	close(path_fd);
	result = calloc(1, sizeof(*result));
	return frames_io_socket(fd[0], 4096, &io) || frames_io_socket(fd[1], 0, &port.io) ||
	       frames_log_create(&send_log, log_path, STREAM);
}

static int teardown(void **state)
{
	(void)state;
	free(result);
	unlink(log_path);
	return 0;
}

/* Read until the source is gone. */
static void *port_main(void *arg)
{
	uint64_t next = plan.first;
	uint8_t frame[FRAME_MAX];

	(void)arg;
	for (unsigned int i = 0; i < port.sends; i++) {
		frame_build(frame, 100, FROM_PORT, 70 + i, frames_now_ns());
		while (port.io->ops->send(port.io, frame, 100) == -EAGAIN)
			port.io->ops->wait(port.io, frames_now_ns() + MS, true);
	}
	frames_sleep_until(frames_now_ns() + port.read_delay_ms * MS);
	for (;;) {
		struct frame_info info;
		int n = port.io->ops->receive(port.io, frame, sizeof(frame));

		if (n < 0)
			return NULL;
		if (n == 0) {
			port.io->ops->wait(port.io, frames_now_ns() + 100 * MS, false);
			continue;
		}
		port.received++;
		if (frame_check(frame, (size_t)n, &info) || info.stream != STREAM ||
		    info.sequence != next++)
			port.bad++;
	}
}

/* Run the plan against the port, and the log as it is then read. */
static size_t run(struct frames_sent **sent)
{
	uint16_t stream;
	size_t count;

	assert_int_equal(pthread_create(&port.thread, NULL, port_main, NULL), 0);
	frames_run(&plan, io, &send_log, result);
	io->ops->close(io);
	pthread_join(port.thread, NULL);
	port.io->ops->close(port.io);
	assert_int_equal(frames_log_close(&send_log), 0);
	assert_int_equal(frames_log_read(log_path, &stream, sent, &count), 0);
	assert_int_equal(count, result->sent);
	assert_int_equal(stream, STREAM);
	return count;
}

static void paced_by_absolute_deadlines(void **state)
{
	struct frames_sent *sent;

	(void)state;
	plan.count = 200;
	plan.first = 5000;
	plan.drain_ns = 0;
	assert_int_equal(run(&sent), 200);
	assert_int_equal(result->end, FRAMES_END_COUNT);
	for (unsigned int i = 0; i < 200 && !result->skipped; i++) {
		assert_int_equal(sent[i].sequence, 5000 + i);
		assert_true(sent[i].sent_ns >= sent[i].deadline_ns);
		assert_int_equal(sent[i].deadline_ns - sent[0].deadline_ns, i * MS);
	}
	assert_true(sent[199].sent_ns - sent[0].sent_ns >= 190 * MS);
	free(sent);
	assert_int_equal(port.received, 200);
	assert_int_equal(port.bad, 0);
	assert_int_equal(result->jitter.count + result->held, 200);
}

static void as_fast_as_it_goes(void **state)
{
	struct frames_sent *sent;

	(void)state;
	plan.rate = 0;
	plan.count = 5000;
	plan.drain_ns = 0;
	assert_int_equal(run(&sent), 5000);
	free(sent);
	assert_int_equal(port.received, 5000);
	assert_int_equal(port.bad, 0);
	assert_int_equal(result->skipped, 0);
	assert_int_equal(result->jitter.count, 0);
}

static void ends_by_time(void **state)
{
	struct frames_sent *sent;

	(void)state;
	plan.duration_ns = 100 * MS;
	plan.rate = 500;
	plan.drain_ns = 0;
	assert_in_range(run(&sent), 1, 50);
	free(sent);
	assert_int_equal(result->end, FRAMES_END_TIME);
}

/* A peer that does not read holds frames back: seen, and no burst makes up for it. */
static void backpressure_is_told(void **state)
{
	struct frames_sent *sent;
	uint64_t held = 0;

	(void)state;
	plan.count = 600;
	plan.least = FRAME_MAX;
	plan.drain_ns = 0;
	port.read_delay_ms = 300;
	assert_int_equal(run(&sent), 600);
	for (unsigned int i = 0; i < 600; i++) {
		assert_true(sent[i].held_ns <= sent[i].sent_ns);
		held += sent[i].held_ns;
	}
	free(sent);
	assert_int_equal(port.bad, 0);
	assert_int_equal(port.received, 600);
	assert_true(result->held > 0);
	assert_true(result->held_longest_ns > 100 * MS);
	assert_int_equal(result->held_ns, held);
	assert_true(result->skipped > 50);
}

/* A frame that is never taken is in no log, but in the account of backpressure. */
static void held_back_until_the_end(void **state)
{
	(void)state;
	plan.rate = 0;
	plan.duration_ns = 50 * MS;
	plan.drain_ns = 0;
	frames_run(&plan, io, &send_log, result);
	assert_int_equal(result->end, FRAMES_END_TIME);
	assert_true(result->unsent);
	assert_int_equal(result->held, 1);
	assert_true(result->held_ns > 10 * MS);
	io->ops->close(io);
	port.io->ops->close(port.io);
	assert_int_equal(frames_log_close(&send_log), 0);
}

static void waits_for_hello(void **state)
{
	struct frames_sent *sent;

	(void)state;
	plan.after_hello = true;
	plan.count = 10;
	port.sends = 30;
	assert_int_equal(run(&sent), 10);
	free(sent);
	assert_int_equal(result->seen.frames, 30);
	assert_int_equal(result->seen.first, 70);
	assert_int_equal(result->seen.lost + result->seen.late + result->seen.duplicated, 0);
}

static void no_hello_no_frame(void **state)
{
	struct frames_sent *sent;

	(void)state;
	plan.after_hello = true;
	stop = 1;
	assert_int_equal(run(&sent), 0);
	free(sent);
	assert_int_equal(result->end, FRAMES_END_SIGNAL);
	json_decref(frames_summary(&plan, result));
}

static void peer_goes_away(void **state)
{
	(void)state;
	port.io->ops->close(port.io);
	frames_run(&plan, io, NULL, result);
	assert_int_equal(result->end, FRAMES_END_PEER);
	io->ops->close(io);
	frames_log_close(&send_log);
}

static void push(const void *frame, size_t length)
{
	assert_int_equal(port.io->ops->send(port.io, frame, length), 0);
}

static void push_frame(uint16_t stream, uint64_t sequence)
{
	uint8_t frame[FRAME_MAX];

	frame_build(frame, 200, stream, sequence, 1);
	push(frame, 200);
}

/* A port that only sends back what it is sent begins with a hello: no frame of the stream. */
static void a_hello_is_enough(void **state)
{
	struct frames_sent *sent;

	(void)state;
	plan.after_hello = true;
	plan.count = 10;
	push_frame(FRAME_FROM_PORT | FRAME_HELLO, 0);
	assert_int_equal(run(&sent), 10);
	free(sent);
	assert_int_equal(result->hellos, 1);
	assert_int_equal(result->seen.frames + result->foreign, 0);
}

/* What the port finds of each damage; the log says that all is well. */
static void damage_is_done(enum frames_damage kind, unsigned int bad)
{
	static volatile sig_atomic_t damaging = 1;
	struct frames_sent *sent;

	plan.rate = 0;
	plan.count = 2 * FRAMES_DAMAGED;
	plan.damage = kind;
	plan.damaging = &damaging;
	assert_int_equal(run(&sent), 2 * FRAMES_DAMAGED);
	free(sent);
	assert_int_equal(port.received, 2 * FRAMES_DAMAGED +
			 (kind == FRAMES_DUPLICATE ? (int)result->damaged : 0) -
			 (kind == FRAMES_DROP ? (int)result->damaged : 0));
	/* The port counts each frame behind a gap as bad, too. */
	assert_true(port.bad >= bad);
	assert_true(result->damaged >= 1 && result->damaged <= 2);
}

static void a_byte_is_flipped(void **state)
{
	(void)state;
	damage_is_done(FRAMES_FLIP, 2);
	assert_int_equal(result->damaged, 2);
}

static void a_frame_is_dropped(void **state)
{
	(void)state;
	damage_is_done(FRAMES_DROP, 2);
	assert_int_equal(result->damaged, 2);
}

static void a_frame_is_sent_twice(void **state)
{
	(void)state;
	/* Where a socket's queue is full, the second is left out. */
	damage_is_done(FRAMES_DUPLICATE, 1);
}

/* Each kind of what comes in is counted apart. */
static void received_is_told_apart(void **state)
{
	static const uint64_t sequences[] = { 7, 8, 8, 12, 10, 13 };
	uint8_t frame[FRAME_MAX] = { 0 };
	json_t *summary, *in;

	(void)state;
	for (unsigned int i = 0; i < 6; i++)
		push_frame(FROM_PORT, sequences[i]);
	push_frame(FROM_PORT + 1, 9);
	push_frame(STREAM, 9);
	frame_build(frame, 200, FROM_PORT, 9, 1);
	frame[150] ^= 1;
	push(frame, 200);
	memset(frame, 0xff, sizeof(frame));
	push(frame, 60);
	plan.count = 1;
	plan.drain_ns = 50 * MS;
	frames_run(&plan, io, NULL, result);
	summary = frames_summary(&plan, result);
	assert_non_null(summary);
	in = json_object_get(summary, "received");
	assert_int_equal(json_integer_value(json_object_get(in, "frames")), 6);
	assert_int_equal(json_integer_value(json_object_get(in, "duplicated")), 1);
	assert_int_equal(json_integer_value(json_object_get(in, "late")), 1);
	assert_int_equal(json_integer_value(json_object_get(in, "lost")), 2);
	assert_int_equal(json_integer_value(json_object_get(in, "torn")), 1);
	assert_int_equal(json_integer_value(json_object_get(in, "stray")), 2);
	assert_int_equal(json_integer_value(json_object_get(in, "not_ours")), 1);
	json_decref(summary);
	io->ops->close(io);
	port.io->ops->close(port.io);
	frames_log_close(&send_log);
}

static void seen_over_windows(void **state)
{
	struct frames_seen *s = calloc(1, sizeof(*s));

	(void)state;
	for (uint64_t i = 0; i < 3 * FRAMES_WINDOW; i++)
		frames_seen_add(s, 100 + i);
	assert_int_equal(s->lost + s->late + s->duplicated, 0);
	frames_seen_add(s, 100 + 3 * FRAMES_WINDOW - 1);
	assert_int_equal(s->duplicated, 1);
	frames_seen_add(s, 100 + 5 * FRAMES_WINDOW);
	assert_int_equal(s->lost, 2 * FRAMES_WINDOW);
	frames_seen_add(s, 100 + 5 * FRAMES_WINDOW - 5);
	assert_int_equal(s->lost, 2 * FRAMES_WINDOW - 1);
	assert_int_equal(s->late, 1);
	frames_seen_add(s, 100 + 5 * FRAMES_WINDOW - 5);
	assert_int_equal(s->duplicated, 2);
	frames_seen_add(s, 99);
	assert_int_equal(s->late, 2);
	assert_int_equal(s->lost, 2 * FRAMES_WINDOW - 1);
	free(s);
}

static void ranks_are_within_their_bound(void **state)
{
	struct frames_times *t = calloc(1, sizeof(*t));

	(void)state;
	for (uint64_t i = 1; i <= 100000; i++)
		frames_times_add(t, i);
	assert_in_range(frames_times_rank(t, 0.5), 49200, 50000);
	assert_in_range(frames_times_rank(t, 0.99), 97400, 99000);
	assert_int_equal(frames_times_rank(t, 0), 1);
	assert_int_equal(t->max, 100000);
	for (unsigned int i = 0; i < FRAMES_BUCKETS; i++)
		assert_int_equal(bucket_of(bucket_floor(i)), i);
	assert_int_equal(bucket_of(UINT64_MAX), FRAMES_BUCKETS - 1);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(paced_by_absolute_deadlines, setup, teardown),
		cmocka_unit_test_setup_teardown(as_fast_as_it_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(ends_by_time, setup, teardown),
		cmocka_unit_test_setup_teardown(backpressure_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(held_back_until_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(waits_for_hello, setup, teardown),
		cmocka_unit_test_setup_teardown(a_hello_is_enough, setup, teardown),
		cmocka_unit_test_setup_teardown(no_hello_no_frame, setup, teardown),
		cmocka_unit_test_setup_teardown(peer_goes_away, setup, teardown),
		cmocka_unit_test_setup_teardown(a_byte_is_flipped, setup, teardown),
		cmocka_unit_test_setup_teardown(a_frame_is_dropped, setup, teardown),
		cmocka_unit_test_setup_teardown(a_frame_is_sent_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(received_is_told_apart, setup, teardown),
		cmocka_unit_test(seen_over_windows),
		cmocka_unit_test(ranks_are_within_their_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
