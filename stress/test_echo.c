// SPDX-License-Identifier: GPL-2.0-only
/* Description: what the forwarder does to each kind of frame */

#include "echo.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define STREAM 5u
#define LENGTH 300u

static struct echo e;
static uint8_t frame[FRAME_MAX];

static int setup(void **state)
{
	(void)state;
	memset(&e, 0, sizeof(e));
	return 0;
}

static bool take(uint16_t stream, uint64_t sequence)
{
	frame_build(frame, LENGTH, stream, sequence, 77);
	return echo_take(&e, frame, LENGTH);
}

static void the_answer_is_the_same_from_the_port(void **state)
{
	static const uint8_t source[6] = FRAME_SOURCE_ADDRESS;
	struct frame_info info;

	(void)state;
	assert_true(take(STREAM, 1000));
	assert_int_equal(frame_check(frame, LENGTH, &info), 0);
	assert_int_equal(info.stream, FRAME_FROM_PORT | STREAM);
	assert_int_equal(info.sequence, 1000);
	assert_int_equal(info.time_ns, 77);
	assert_memory_equal(frame + FRAME_AT_DESTINATION, source, sizeof(source));
}

static void who_sends_to_everybody_is_answered_alone(void **state)
{
	struct frame_info info;

	(void)state;
	assert_true(take(FRAME_BROADCAST | STREAM, 1));
	assert_int_equal(frame_check(frame, LENGTH, &info), 0);
	assert_int_equal(info.stream, FRAME_FROM_PORT | STREAM);
	assert_true(take(FRAME_BROADCAST | STREAM, 2));
	assert_int_equal(e.counts.foreign, 0);
}

static void each_kind_is_counted(void **state)
{
	static const uint64_t sequences[] = { 10, 11, 11, 15, 13, 16 };

	(void)state;
	for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++)
		assert_true(take(STREAM, sequences[i]));
	assert_int_equal(e.counts.received, 6);
	assert_int_equal(e.counts.first, 10);
	assert_int_equal(e.counts.last, 16);
	assert_int_equal(e.counts.duplicate, 1);
	assert_int_equal(e.counts.late, 1);
	assert_int_equal(e.counts.lost, 2);
	assert_int_equal(e.counts.torn + e.counts.foreign, 0);
}

static void damaged_frames_are_not_sent_on(void **state)
{
	(void)state;
	frame_build(frame, LENGTH, STREAM, 1, 77);
	frame[LENGTH - 1] ^= 1;
	assert_false(echo_take(&e, frame, LENGTH));
	frame_build(frame, LENGTH, STREAM, 1, 77);
	assert_false(echo_take(&e, frame, LENGTH - 1));
	assert_int_equal(e.counts.torn, 2);
	assert_int_equal(e.counts.received + e.counts.foreign, 0);
}

/* The descriptor says that a frame came, but nobody wrote to the buffer. */
static void stale_buffers_are_foreign(void **state)
{
	(void)state;
	assert_true(take(STREAM, 1));
	assert_false(echo_take(&e, frame, LENGTH));
	memset(frame, 0, sizeof(frame));
	assert_false(echo_take(&e, frame, LENGTH));
	assert_false(take(STREAM + 1, 2));
	assert_false(echo_take(&e, frame, 0));
	assert_int_equal(e.counts.foreign, 4);
	assert_int_equal(e.counts.received, 1);
}

static void counts_travel_as_json(void **state)
{
	struct forwarder_counts in = {
		.received = 1, .first = 2, .last = 3, .lost = 4, .duplicate = 5, .late = 6,
		.torn = 7, .foreign = 8, .sent = 9, .unsent = 10,
	}, out;
	json_t *json = echo_json(&in);

	(void)state;
	assert_int_equal(echo_parse(json, &out), 0);
	assert_memory_equal(&in, &out, sizeof(in));
	json_object_set_new(json, "late", json_integer(-1));
	assert_int_equal(echo_parse(json, &out), -EINVAL);
	json_object_del(json, "late");
	assert_int_equal(echo_parse(json, &out), -EINVAL);
	assert_int_equal(echo_parse(NULL, &out), -EINVAL);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_answer_is_the_same_from_the_port, setup),
		cmocka_unit_test_setup(who_sends_to_everybody_is_answered_alone, setup),
		cmocka_unit_test_setup(each_kind_is_counted, setup),
		cmocka_unit_test_setup(damaged_frames_are_not_sent_on, setup),
		cmocka_unit_test_setup(stale_buffers_are_foreign, setup),
		cmocka_unit_test(counts_travel_as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
