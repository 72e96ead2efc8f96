// SPDX-License-Identifier: GPL-2.0-only
/* Description: complaints are one line that can be told to the lab */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "complain.c"

static int setup(void **state)
{
	(void)state;
	complaint_clear();
	return 0;
}

static void first_complaint_wins(void **state)
{
	(void)state;
	assert_int_equal(complain(-ENODEV, "no %s", "drive"), -ENODEV);
	assert_int_equal(complain(-EIO, "later"), -EIO);
	assert_string_equal(complaint(), "no drive (No such device)");
	complaint_clear();
	assert_int_equal(complain(0, "later"), 0);
	assert_string_equal(complaint(), "later");
}

static void what_others_said_becomes_printable(void **state)
{
	(void)state;
	complain(0, "it says \"%s\"", "a\033[2J\n\xff\xc3\xa4 z~");
	assert_string_equal(complaint(), "it says \"a?[2J???? z~\"");
}

static void long_ones_are_cut(void **state)
{
	char all[2000];

	(void)state;
	memset(all, 'x', sizeof(all));
	all[sizeof(all) - 1] = 0;
	complain(-EIO, "%s", all);
	assert_int_equal(strlen(complaint()), sizeof(said) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(first_complaint_wins, setup),
		cmocka_unit_test_setup(what_others_said_becomes_printable, setup),
		cmocka_unit_test_setup(long_ones_are_cut, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
