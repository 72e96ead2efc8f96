// SPDX-License-Identifier: GPL-2.0-only
/* Description: what leaks is told from what is noise */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "drift.c"

/* The same in each run of the tests: from -100 to 100. */
static json_int_t noise(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return (json_int_t)(*seed >> 8) % 201 - 100;
}

/* @count records with 500,000 + @slope per cycle + @noisy times noise; @first is in the first. */
static json_t *series(int count, double slope, int noisy, json_int_t first)
{
	json_t *cycles = json_array();
	uint32_t seed = 7;

	for (int i = 0; i < count; i++) {
		json_int_t n = 500000 + (json_int_t)(slope * i) + noisy * noise(&seed);

		json_array_append_new(cycles, json_pack("{s:{s:I,s:I}}", "resources", "free",
							i ? n : first, "groups", (json_int_t)14));
	}
	return cycles;
}

static bool steady(json_t *cycles, char *why)
{
	json_t *drift = drift_of(cycles);
	bool ok;

	assert_non_null(drift);
	assert_int_equal(json_object_size(drift), 2);
	ok = drift_judge(drift, why, 200);
	json_decref(drift);
	json_decref(cycles);
	return ok;
}

static void test_leaks(void **state)
{
	char why[200] = "";

	(void)state;
	assert_false(steady(series(10, -200, 1, 0), why));
	assert_non_null(strstr(why, "free"));
	assert_false(steady(series(100, -8, 1, 0), why));
	assert_false(steady(series(50, 40, 1, 0), why));
	/* One more in each cycle, and no noise: an ID, a file. */
	assert_false(steady(series(10, 1, 0, 0), why));
}

static void test_noise(void **state)
{
	char why[200];

	(void)state;
	assert_true(steady(series(10, 0, 0, 0), why));
	assert_true(steady(series(10, 0, 1, 0), why));
	assert_true(steady(series(100, 0, 50, 0), why));
	/* What the first cycle has is no slope. */
	assert_true(steady(series(10, 0, 1, 9999999), why));
}

/* What has changed once, stays so. */
static void test_step(void **state)
{
	char why[200];

	(void)state;
	for (int at = 2; at < 49; at++) {
		json_t *cycles = series(50, 0, 0, 0);

		for (size_t i = (size_t)at; i < 50; i++)
			json_integer_set(json_at(json_array_get(cycles, i), "resources.free"), 500001);
		assert_true(steady(cycles, why));
	}
}

static void test_too_few(void **state)
{
	json_t *cycles = series(DRIFT_CYCLES - 1, 5, 0, 0), *drift;
	char why[200];

	(void)state;
	assert_null(drift_of(cycles));
	assert_true(drift_judge(NULL, why, sizeof(why)));
	json_decref(cycles);
	/* Records of cycles that failed have none. */
	cycles = series(12, 5, 0, 0);
	for (size_t i = 5; i < 9; i++)
		json_object_del(json_array_get(cycles, i), "resources");
	drift = drift_of(cycles);
	assert_int_equal(json_object_size(drift), 0);
	json_decref(drift);
	json_decref(cycles);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaks),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_step),
		cmocka_unit_test(test_too_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
