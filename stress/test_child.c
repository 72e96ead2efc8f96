// SPDX-License-Identifier: GPL-2.0-only
/* Description: tests of child.c with small shell scripts */

#include "child.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void start(struct child *c, const char *script)
{
	char *const argv[] = { (char *)"/bin/sh", (char *)"-c", (char *)script, NULL };

	complaint_clear();
	assert_int_equal(child_start(c, "script", argv), 0);
}

static void lines_and_end(void **state)
{
	struct child c;
	char line[64];

	(void)state;
	start(&c, "echo one; echo two; printf rest; exit 3");
	assert_int_equal(child_line(&c, line, sizeof(line), 5000), 1);
	assert_string_equal(line, "one");
	assert_int_equal(child_line(&c, line, sizeof(line), 5000), 1);
	assert_string_equal(line, "two");
	assert_int_equal(child_line(&c, line, sizeof(line), 5000), 0);
	assert_int_equal(child_stop(&c, 0, 5000), 3);
	assert_int_equal(child_stop(&c, 0, 5000), 0);
}

static void silence_times_out(void **state)
{
	struct child c;
	char line[64];

	(void)state;
	start(&c, "exec sleep 60");
	assert_int_equal(child_line(&c, line, sizeof(line), 50), -ETIMEDOUT);
	assert_int_equal(child_stop(&c, SIGTERM, 5000), -ECHILD);
}

static void a_deaf_one_is_killed(void **state)
{
	struct child c;
	char line[64];

	(void)state;
	start(&c, "trap '' TERM; echo ready; while :; do sleep 1; done");
	assert_int_equal(child_line(&c, line, sizeof(line), 5000), 1);
	assert_int_equal(child_stop(&c, SIGTERM, 100), -ETIMEDOUT);
	assert_int_equal(c.pid, -1);
}

static void a_full_pipe_does_not_hang(void **state)
{
	struct child c;

	(void)state;
	start(&c, "head -c 1000000 /dev/zero; exit 5");
	assert_int_equal(child_stop(&c, 0, 10000), 5);
}

static void lines_too_long(void **state)
{
	struct child c;
	char line[8];

	(void)state;
	start(&c, "echo 12345678; head -c 5000 /dev/zero; sleep 60");
	assert_int_equal(child_line(&c, line, sizeof(line), 5000), -EMSGSIZE);
	child_stop(&c, SIGKILL, 5000);
	start(&c, "head -c 5000 /dev/zero; sleep 60");
	assert_int_equal(child_line(&c, line, sizeof(line), 5000), -EMSGSIZE);
	child_stop(&c, SIGKILL, 5000);
}

static void nothing_to_run(void **state)
{
	char *const argv[] = { (char *)"/nonexistent/program", NULL };
	struct child c;

	(void)state;
	complaint_clear();
	assert_int_equal(child_start(&c, "nothing", argv), -ENOENT);
	assert_non_null(strstr(complaint(), "/nonexistent"));
	assert_int_equal(child_stop(&c, SIGTERM, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_and_end),
		cmocka_unit_test(silence_times_out),
		cmocka_unit_test(a_deaf_one_is_killed),
		cmocka_unit_test(a_full_pipe_does_not_hang),
		cmocka_unit_test(lines_too_long),
		cmocka_unit_test(nothing_to_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
