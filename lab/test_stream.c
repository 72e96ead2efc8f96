// SPDX-License-Identifier: GPL-2.0-only
/* Description: tests of the result stream's reader */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "stream.c"

static const char good_cycle[] =
	"{\"ev\":\"cycle\",\"cycle\":1,\"verdict\":\"pass\",\"reason\":\"\",\"dma\":{"
	"\"inflight\":1,\"completed\":1,\"in_blackout\":1,\"in_blackout_by_phase\":{},"
	"\"faulted\":0,\"lost\":0,\"corrupt\":0,\"stray\":0,\"verified_bytes\":0},"
	"\"oracles\":{\"iommu\":null,\"device\":0,\"data\":0},\"adopted\":true,"
	"\"controller\":{},\"restore_walk\":null,\"blackout\":{\"tsc\":1,\"ms\":3,"
	"\"phases\":{}},\"irq\":{\"spurious\":0,\"nobody_cared\":0},\"bystanders\":{}}\n";

static int feed(struct stream *s, const char *text)
{
	return stream_feed(s, text, strlen(text));
}

/* Feed one line to a fresh stream; what stream_next() says of it. */
static int verdict_on(const char *text)
{
	struct stream s = { 0 };
	json_t *event = NULL;
	int ret;

	assert_int_equal(feed(&s, text), 0);
	ret = stream_next(&s, &event);
	json_decref(event);
	return ret;
}

static void test_events_in_any_portions(void **state)
{
	static const char text[] = "{\"ev\":\"progress\",\"what\":\"a\"}\n"
				   "{\"ev\":\"progress\",\"what\":\"b\"}\n";
	struct stream s = { 0 };
	char seen[8] = "";
	json_t *event;

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		assert_int_equal(stream_feed(&s, text + i, 1), 0);
		while (stream_next(&s, &event) == 1) {
			strcat(seen, json_string_at(event, "what"));
			json_decref(event);
		}
	}
	assert_string_equal(seen, "ab");
	assert_int_equal(stream_end(&s), 0);
}

static void test_truncated_stream_names_line(void **state)
{
	struct stream s = { 0 };
	json_t *event;

	(void)state;
	feed(&s, "{\"ev\":\"progress\",\"what\":\"a\"}\n{\"ev\":\"cyc");
	assert_int_equal(stream_next(&s, &event), 1);
	json_decref(event);
	assert_int_equal(stream_next(&s, &event), 0);
	assert_int_equal(stream_end(&s), -EBADMSG);
	assert_non_null(strstr(s.error, "line 2"));
	assert_non_null(strstr(s.error, "cut off"));
}

static void test_garbled_line_names_line(void **state)
{
	struct stream s = { 0 };
	json_t *event;

	(void)state;
	feed(&s, "{\"ev\":\"progress\",\"what\":\"a\"}\n{\"ev\":\"do#e\n");
	assert_int_equal(stream_next(&s, &event), 1);
	json_decref(event);
	assert_int_equal(stream_next(&s, &event), -EBADMSG);
	assert_null(event);
	assert_non_null(strstr(s.error, "line 2"));
}

static void test_line_too_long(void **state)
{
	struct stream s = { 0 };
	char text[STREAM_LINE_MAX];
	json_t *event;

	(void)state;
	memset(text, ' ', sizeof(text));
	stream_feed(&s, text, sizeof(text) - 1);
	assert_int_equal(stream_next(&s, &event), 0);
	stream_feed(&s, text, 1);
	assert_int_equal(stream_next(&s, &event), -EBADMSG);
}

static void test_more_than_room(void **state)
{
	static char text[8 * STREAM_LINE_MAX];
	struct stream s = { 0 };

	(void)state;
	assert_int_equal(stream_feed(&s, text, sizeof(text)), -ENOBUFS);
}

static void test_members_are_needed(void **state)
{
	(void)state;
	assert_int_equal(verdict_on(good_cycle), 1);
	assert_int_equal(verdict_on("[]\n"), -EBADMSG);
	assert_int_equal(verdict_on("\n"), -EBADMSG);
	assert_int_equal(verdict_on("{}\n"), -EBADMSG);
	assert_int_equal(verdict_on("{\"ev\":\"jump\",\"cycle\":1}\n"), -EBADMSG);
	assert_int_equal(verdict_on("{\"ev\":\"rate\",\"iops\":0}\n"), 1);
	assert_int_equal(verdict_on("{\"ev\":\"rate\",\"iops\":-1}\n"), -EBADMSG);
	assert_int_equal(verdict_on("{\"ev\":\"done\",\"verdict\":\"pass\",\"reason\":null}\n"),
			 -EBADMSG);
}

/* Take each member of a good record away in turn: none may be missed silently. */
static void test_every_member_of_a_cycle_is_needed(void **state)
{
	static const char *const needed[] = {
		"cycle", "verdict", "reason", "dma.inflight", "dma.completed", "dma.in_blackout",
		"dma.in_blackout_by_phase", "dma.faulted", "dma.lost", "dma.corrupt", "dma.stray",
		"dma.verified_bytes", "oracles.iommu", "oracles.device", "oracles.data", "adopted",
		"restore_walk", "blackout.ms", "blackout.phases", "irq.spurious",
		"irq.nobody_cared", "bystanders",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		json_t *event = json_loads(good_cycle, 0, NULL);
		const char *dot = strchr(needed[i], '.');
		json_t *parent = dot ? json_object_getn(event, needed[i],
							(size_t)(dot - needed[i])) : event;
		struct stream s = { 0 };
		char text[64];

		assert_int_equal(json_object_del(parent, dot ? dot + 1 : needed[i]), 0);
		assert_int_equal(check(&s, event), -EBADMSG);
		json_decref(event);
		snprintf(text, sizeof(text), "\"%s\"", needed[i]);
		assert_non_null(strstr(s.error, text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events_in_any_portions),
		cmocka_unit_test(test_truncated_stream_names_line),
		cmocka_unit_test(test_garbled_line_names_line),
		cmocka_unit_test(test_line_too_long),
		cmocka_unit_test(test_more_than_room),
		cmocka_unit_test(test_members_are_needed),
		cmocka_unit_test(test_every_member_of_a_cycle_is_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
