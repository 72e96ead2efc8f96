// SPDX-License-Identifier: GPL-2.0-only
/* Description: a panic or warning is seen wherever in the console's output it is */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "console.c"

static char path[] = "/tmp/hf-console-XXXXXX";
static struct console c;
static FILE *out;

static int setup(void **state)
{
	int fd;

	(void)state;
	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	console_init(&c, path);
	return out ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	tail_close(&c.tail);
	fclose(out);
	return unlink(path);
}

static void say(const char *text, size_t len)
{
	assert_int_equal(fwrite(text, 1, len, out), len);
	fflush(out);
	assert_int_equal(console_read(&c), 0);
}

#define SAY(text) say(text, sizeof(text) - 1)

static void lines_come_in_pieces(void **state)
{
	(void)state;
	SAY("[ 1.0] Kernel pa");
	assert_string_equal(c.panic, "");
	SAY("nic - not syncing\r\n[ 1.1] WARNING: CPU: 0\n");
	assert_string_equal(c.panic, "[ 1.0] Kernel panic - not syncing");
	assert_string_equal(c.warning, "[ 1.1] WARNING: CPU: 0");
	assert_int_equal(c.warnings, 1);
	assert_int_equal(c.lines, 2);
}

static void escape_sequences_are_taken_out(void **state)
{
	(void)state;
	SAY("\033[2Ja\007b\tc\n");
	assert_string_equal(c.last[0], "[2Jab\tc");
}

/* A serial line that is reset brings bytes of 0. */
static void zeros_hide_nothing(void **state)
{
	(void)state;
	SAY("\0\0[ 1.0] Kernel panic - not syncing\0\n");
	assert_string_equal(c.panic, "  [ 1.0] Kernel panic - not syncing ");
}

/* Behind a line of firmware or of a program that had no end. */
static void far_behind_is_seen(void **state)
{
	char text[1000];

	(void)state;
	memset(text, '.', sizeof(text));
	say(text, sizeof(text));
	SAY("Kernel panic - not syncing\n");
	assert_string_equal(c.panic, "Kernel panic - not syncing");
	say(text, sizeof(text));
	SAY("BUG: x\n");
	assert_string_equal(c.warning, "BUG: x");
	assert_int_equal(strlen(c.last[1]), CONSOLE_LINE - 1);
}

static void what_was_asked_for_is_forgotten(void **state)
{
	(void)state;
	console_line(&c, "[    1.0] Kernel panic - not syncing: asked for");
	console_line(&c, "[    1.0] kmemleak: unreferenced object 0xff11 (size 8):");
	assert_int_equal(c.warnings, 1);
	assert_non_null(strstr(c.warning, "unreferenced object"));
	console_forget(&c, 0);
	assert_int_equal(c.warnings, 0);
	assert_string_equal(c.panic, "");
	console_line(&c, "[    1.5] BUG: before it");
	console_line(&c, "[    1.6] Oops: asked for");
	console_forget(&c, 1);
	assert_int_equal(c.warnings, 1);
	assert_non_null(strstr(c.warning, "before it"));
	console_line(&c, "[    2.0] Kernel panic - not syncing: not asked for");
	assert_non_null(strstr(c.panic, "not asked for"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines_come_in_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(escape_sequences_are_taken_out, setup, teardown),
		cmocka_unit_test_setup_teardown(zeros_hide_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(far_behind_is_seen, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_asked_for_is_forgotten, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
