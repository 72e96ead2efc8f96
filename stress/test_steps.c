// SPDX-License-Identifier: GPL-2.0-only
/* Description: steps add up, and what the kernel does not tell is not there */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "steps.c"

static void times_add_up(void **state)
{
	struct steps s = { 0 };
	uint64_t begin = step_begin();

	(void)state;
	step_add(&s, STEP_ATTACH, 5);
	step_add(&s, STEP_ATTACH, 6);
	step_end(&s, STEP_MAP, begin);
	assert_int_equal(s.ns[STEP_ATTACH], 11);
	assert_true(s.known[STEP_MAP] && s.ns[STEP_MAP] <= step_begin() - begin);
}

static void only_known_steps_are_told(void **state)
{
	struct steps s = { 0 };
	json_t *all;

	(void)state;
	step_add(&s, STEP_FREE, 7);
	all = steps_json(&s);
	assert_int_equal(json_object_size(all), 1);
	assert_int_equal(json_integer_value(json_object_get(all, "free")), 7);
	json_decref(all);
}

static void kernel_lines(void **state)
{
	struct steps s = { 0 };

	(void)state;
	assert_true(steps_line(&s, "early_reserve 4000000000\n"));
	assert_true(steps_line(&s, "early_reserve 5 more words\n"));
	assert_true(s.ns[STEP_EARLY_RESERVE] == 4000000005);
	assert_false(steps_line(&s, "lunch 5\n"));
	assert_false(steps_line(&s, "record\n"));
	assert_false(steps_line(&s, "\n"));
	assert_false(s.known[STEP_RECORD]);
}

static void trace_lines(void **state)
{
	(void)state;
	assert_true(steps_trace_line("        hf-agent-70      [001] .....    12.345678: "
				     "handover_free_domain: IOMMU: domain=1 tables=32834\n") ==
		    12345678000);
	assert_int_equal(steps_trace_line("# tracer: nop\n"), 0);
	assert_int_equal(steps_trace_line(" a-1 [0] . 1.5: handover_replace_device: x\n"), 0);
	assert_int_equal(steps_trace_line(": handover_free_domain: \n"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_add_up),
		cmocka_unit_test(only_known_steps_are_told),
		cmocka_unit_test(kernel_lines),
		cmocka_unit_test(trace_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
