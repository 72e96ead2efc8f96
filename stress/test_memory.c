// SPDX-License-Identifier: GPL-2.0-only
/* Description: a page that has moved is seen, and one that is not known is no page */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "memory.h"

static void frames_of_entries(void **state)
{
	(void)state;
	/* Present, file page, soft-dirty: only the page's number is left. */
	assert_int_equal(memory_frame(0xa180000000012345), 0x12345);
	/* In swap, or nothing at all. */
	assert_int_equal(memory_frame(0x4000000000012345), 0);
	assert_int_equal(memory_frame(0), 0);
	/* Present, but the kernel does not tell who is not root. */
	assert_int_equal(memory_frame(0x8000000000000000), 0);
}

static void moved_pages_are_counted(void **state)
{
	static const uint64_t before[] = { 7, 8, 9, 10 }, now[] = { 7, 9, 8, 11 };

	(void)state;
	assert_int_equal(memory_moved(before, before, 4), 0);
	assert_int_equal(memory_moved(before, now, 4), 3);
	assert_int_equal(memory_moved(before, now, 1), 0);
}

static void the_last_page_may_be_part_of_one(void **state)
{
	const struct memory m = { .size = 2 * SMALL_SIZE + 1 };

	(void)state;
	assert_int_equal(memory_pages(&m), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_of_entries),
		cmocka_unit_test(moved_pages_are_counted),
		cmocka_unit_test(the_last_page_may_be_part_of_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
