// SPDX-License-Identifier: GPL-2.0-only
/* Description: lost, pending, duplicated, late, stray and held back are told apart */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "frames_log.c"
#include "frames_match.c"

#define COUNT 100u
#define FIRST 1000u
#define MS 1000000ull

static struct frames_sent sent[COUNT];
static struct frames_limits limits;

/* A frame each millisecond, from second 1 on. */
static int setup(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < COUNT; i++)
		sent[i] = (struct frames_sent) {
			.sequence = FIRST + i,
			.deadline_ns = (1000 + i) * MS,
			.sent_ns = (1000 + i) * MS,
		};
	limits = (struct frames_limits) { .to = UINT64_MAX, .settled_ns = UINT64_MAX };
	return 0;
}

static struct frames_verdict judge(const char *list)
{
	struct frames_verdict v;
	struct frames_match m;
	const char *bad;

	assert_int_equal(frames_match_begin(&m, sent, COUNT, &limits), 0);
	assert_int_equal(frames_match_list(&m, list, &bad), 0);
	frames_match_end(&m, &v);
	assert_int_equal(v.sent, v.landed + v.lost + v.pending);
	return v;
}

static void all_landed(void **state)
{
	struct frames_verdict v = judge("1000-1050, 1051\n1052-1099\n");

	(void)state;
	assert_int_equal(v.sent, COUNT);
	assert_int_equal(v.landed, COUNT);
	assert_int_equal(v.lost + v.pending + v.duplicated + v.late + v.stray + v.held, 0);
	assert_int_equal(v.longest_gap_ns, MS);
}

static void lost_rows_are_named(void **state)
{
	struct frames_verdict v = judge("1001-1049 1053-1098");

	(void)state;
	assert_int_equal(v.lost, 5);
	assert_int_equal(v.holes, 3);
	assert_int_equal(v.hole[0].first, 1000);
	assert_int_equal(v.hole[1].first, 1050);
	assert_int_equal(v.hole[1].last, 1052);
	assert_int_equal(v.hole[1].first_ns, 1050 * MS);
	assert_int_equal(v.hole[1].last_ns, 1052 * MS);
	assert_int_equal(v.hole[2].last, 1099);
}

static void more_holes_than_are_listed(void **state)
{
	struct frames_verdict v = judge("1001 1003 1005 1007 1009 1011 1013 1015 1017 1019 1021 1023"
					" 1025 1027 1029 1031 1033 1035 1037 1039-1099");

	(void)state;
	assert_int_equal(v.holes, 20);
	assert_int_equal(v.lost, 20);
	assert_int_equal(v.hole[FRAMES_HOLES - 1].last, 1030);
}

/* Frames behind the last one are lost only if they had the time to land. */
static void pending_is_not_lost(void **state)
{
	struct frames_verdict v;

	(void)state;
	limits.settled_ns = 0;
	v = judge("1000-1039 1041-1079");
	assert_int_equal(v.lost, 1);
	assert_int_equal(v.pending, 20);
	limits.settled_ns = 1089 * MS;
	v = judge("1000-1039 1041-1079");
	assert_int_equal(v.lost, 11);
	assert_int_equal(v.pending, 10);
}

static void nothing_landed(void **state)
{
	struct frames_verdict v = judge("");

	(void)state;
	assert_int_equal(v.lost, COUNT);
	assert_int_equal(v.holes, 1);
	limits.settled_ns = 0;
	v = judge(" \n");
	assert_int_equal(v.pending, COUNT);
}

static void duplicates_and_order(void **state)
{
	struct frames_verdict v = judge("1000-1010 1005 1005 1012 1011 1013-1099");

	(void)state;
	assert_int_equal(v.duplicated, 2);
	assert_int_equal(v.late, 1);
	assert_int_equal(v.lost, 0);
}

static void strays(void **state)
{
	struct frames_verdict v = judge("990-1099 1100-1101 5");

	(void)state;
	assert_int_equal(v.stray, 13);
	assert_int_equal(v.landed, COUNT);
	v = judge("0-18446744073709551615");
	assert_int_equal(v.landed, COUNT);
	assert_true(v.stray == UINT64_MAX - COUNT + 1);
}

/* The time of a frame that was held back counts from when it was taken. */
static void late_and_held_back(void **state)
{
	struct frames_verdict v;

	(void)state;
	limits.late_ns = 5 * MS;
	for (unsigned int i = 50; i < COUNT; i++)
		sent[i].sent_ns += 200 * MS;
	sent[50].held_ns = 200 * MS;
	v = judge("1000@1004000000 1001@1006000001 1002@1009000000 1003-1049 "
		  "1050@1252000000 1051-1099");
	assert_int_equal(v.late, 2);
	assert_int_equal(v.held, 1);
	assert_int_equal(v.held_late, 1);
	assert_int_equal(v.lost, 0);
	assert_int_equal(v.held_ns, 200 * MS);
	assert_int_equal(v.longest_gap_ns, 201 * MS);
	assert_int_equal(v.longest_gap_held_ns, 200 * MS);
}

static void only_within_limits(void **state)
{
	struct frames_verdict v;

	(void)state;
	limits.from = 1010;
	limits.to = 1019;
	v = judge("1009 1010-1014 1020");
	assert_int_equal(v.sent, 10);
	assert_int_equal(v.lost, 5);
	assert_int_equal(v.stray, 0);
}

static void bad_lists_say_where(void **state)
{
	static const char *const lists[] = {
		"1000 x", "1000 1-", "1000 -5", "1000 9-3", "1000 1@", "1000 1;2",
		"1000 99999999999999999999",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct frames_verdict v;
		struct frames_match m;
		const char *bad;

		frames_match_begin(&m, sent, COUNT, &limits);
		assert_int_equal(frames_match_list(&m, lists[i], &bad), -EBADMSG);
		assert_ptr_equal(bad, lists[i] + 5);
		frames_match_end(&m, &v);
	}
}

static void json_has_all(void **state)
{
	struct frames_verdict v = judge("1001-1098");
	json_t *json = frames_verdict_json(&v);

	(void)state;
	assert_non_null(json);
	assert_int_equal(json_integer_value(json_object_get(json, "lost")), 2);
	assert_int_equal(json_array_size(json_object_get(json, "first_holes")), 2);
	json_decref(json);
}

/* What is written is read back; a cut last record is left out, a gap is not taken. */
static void log_is_read_back(void **state)
{
	char path[] = "/tmp/hf-frames-log-XXXXXX";
	struct frames_sent *back;
	struct frames_log *log = malloc(sizeof(*log));
	uint16_t stream;
	size_t count;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(frames_log_create(log, path, 9), 0);
	for (unsigned int i = 0; i < 10 * COUNT; i++) {
		struct frames_sent one = { .sequence = i, .sent_ns = i + 1 };

		assert_int_equal(frames_log_add(log, &one), 0);
	}
	assert_int_equal(frames_log_close(log), 0);
	assert_int_equal(write(fd, "", 0), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), 16 + 32 * 10 * COUNT);
	assert_int_equal(write(fd, "cut", 3), 3);
	assert_int_equal(frames_log_read(path, &stream, &back, &count), 0);
	assert_int_equal(stream, 9);
	assert_int_equal(count, 10 * COUNT);
	assert_int_equal(back[count - 1].sent_ns, count);
	free(back);

	assert_int_equal(pwrite(fd, "x", 1, 16 + 32 * 5), 1);
	assert_int_equal(frames_log_read(path, &stream, &back, &count), -EBADMSG);
	assert_int_equal(ftruncate(fd, 7), 0);
	assert_int_equal(frames_log_read(path, &stream, &back, &count), -EBADMSG);
	close(fd);
	unlink(path);
	assert_int_equal(frames_log_read(path, &stream, &back, &count), -ENOENT);
	free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(all_landed, setup),
		cmocka_unit_test_setup(lost_rows_are_named, setup),
		cmocka_unit_test_setup(more_holes_than_are_listed, setup),
		cmocka_unit_test_setup(pending_is_not_lost, setup),
		cmocka_unit_test_setup(nothing_landed, setup),
		cmocka_unit_test_setup(duplicates_and_order, setup),
		cmocka_unit_test_setup(strays, setup),
		cmocka_unit_test_setup(late_and_held_back, setup),
		cmocka_unit_test_setup(only_within_limits, setup),
		cmocka_unit_test_setup(bad_lists_say_where, setup),
		cmocka_unit_test_setup(json_has_all, setup),
		cmocka_unit_test(log_is_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
