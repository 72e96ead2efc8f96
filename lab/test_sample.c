// SPDX-License-Identifier: GPL-2.0-only
/* Description: tests of the looks from outside */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sample.c"

#define GOOD_COMMAND	0x00100507u
#define GOOD_GSTS	0xc7000000u

static const struct lab_device devices[] = {
	{ "0000:01:00.0", "0000:00:03.0" }, { "0000:02:00.0", "0000:00:04.0" },
};

static void start(struct sampler *s)
{
	assert_int_equal(sampler_init(s, devices, 1, NULL, 0, 0xb0000000, "intel", 0xfed90000), 0);
}

/* One device: is it malformed? */
static int init_one(struct sampler *s, const char *bdf, const char *port)
{
	const struct lab_device device = { bdf, port };

	return sampler_init(s, &device, 1, NULL, 0, 0, "intel", 0);
}

static void look_at(struct sampler *s, uint32_t device, uint32_t port, uint32_t gsts, uint32_t fsts)
{
	const uint32_t words[] = { gsts, fsts, device, port };

	sampler_add(s, words, 1000 * (int64_t)(s->samples + 1));
}

static void test_addresses(void **state)
{
	struct sampler s;

	(void)state;
	start(&s);
	assert_true(s.address[SAMPLE_COMMAND] == 0xb0100004);
	assert_true(s.address[SAMPLE_COMMAND + 1] == 0xb0018004);
	assert_true(s.address[SAMPLE_ENABLE] == 0xfed9001c);
	assert_true(s.address[SAMPLE_FAULTS] == 0xfed90034);
	assert_int_equal(init_one(&s, "01:00.0", "0000:00:03.0"), -EINVAL);
	assert_int_equal(init_one(&s, "0000:01:20.0", "0000:00:03.0"), -EINVAL);
	assert_int_equal(init_one(&s, "0000:01:00.0x", "0000:00:03.0"), -EINVAL);
	assert_int_equal(init_one(&s, "", "0000:00:03.0"), -EINVAL);
}

static void test_good_looks(void **state)
{
	struct sampler s;
	json_t *json;

	(void)state;
	start(&s);
	for (int i = 0; i < 3; i++)
		look_at(&s, GOOD_COMMAND, GOOD_COMMAND, GOOD_GSTS, 0);
	assert_null(sampler_complaint(&s));
	json = sampler_json(&s);
	assert_int_equal(json_integer_value(json_object_get(json, "samples")), 3);
	assert_true(json_is_true(json_object_get(json, "device_bus_master")));
	assert_true(json_is_true(json_object_get(json, "translation")));
	assert_true(json_is_null(json_object_get(json, "complaint")));
	json_decref(json);
}

/* One bad look among good ones is enough, and is not forgotten. */
static void test_one_bad_look(void **state)
{
	static const struct {
		uint32_t device, port, gsts, fsts;
		const char *says;
	} bad[] = {
		{ 0x00100503, GOOD_COMMAND, GOOD_GSTS, 0, "a device" },
		{ UINT32_MAX, GOOD_COMMAND, GOOD_GSTS, 0, "a device" },
		{ GOOD_COMMAND, 0x00100103, GOOD_GSTS, 0, "root port" },
		{ GOOD_COMMAND, GOOD_COMMAND, 0x47000000, 0, "translation off" },
		{ GOOD_COMMAND, GOOD_COMMAND, GOOD_GSTS, 2, "fault" },
		{ GOOD_COMMAND, GOOD_COMMAND, GOOD_GSTS, 1, "fault" },
	};
	struct sampler s;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		start(&s);
		look_at(&s, GOOD_COMMAND, GOOD_COMMAND, GOOD_GSTS, 0);
		look_at(&s, bad[i].device, bad[i].port, bad[i].gsts, bad[i].fsts);
		look_at(&s, GOOD_COMMAND, GOOD_COMMAND, GOOD_GSTS, 0);
		assert_non_null(sampler_complaint(&s));
		assert_non_null(strstr(sampler_complaint(&s), bad[i].says));
		sampler_reset(&s);
		look_at(&s, GOOD_COMMAND, GOOD_COMMAND, GOOD_GSTS, 0);
		assert_null(sampler_complaint(&s));
	}
}

/* Of two devices each one counts, and each one's root port. */
static void test_two_devices(void **state)
{
	struct sampler s;

	(void)state;
	for (unsigned int bad = 2; bad < 7; bad++) {
		uint32_t words[] = {
			GOOD_GSTS, 0, GOOD_COMMAND, GOOD_COMMAND, GOOD_COMMAND, GOOD_COMMAND, 0,
		};

		words[bad] &= ~4u;
		assert_int_equal(sampler_init(&s, devices, 2, NULL, 0, 0xb0000000, "intel", 0xfed90000), 0);
		assert_true(s.address[SAMPLE_COMMAND + 2] == 0xb0200004);
		assert_int_equal(s.words, 6);
		sampler_add(&s, words, 1000);
		if (bad == 6)
			assert_null(sampler_complaint(&s));
		else
			assert_non_null(strstr(sampler_complaint(&s),
					       bad % 2 ? "root port" : "a device"));
	}
}

static void test_machine_without_iommu(void **state)
{
	static const uint32_t good[] = { GOOD_COMMAND, GOOD_COMMAND };
	struct sampler s;

	(void)state;
	assert_int_equal(sampler_init(&s, devices, 1, NULL, 0, 0xb0000000, "amd", 0xfed80000), 0);
	assert_true(s.address[SAMPLE_ENABLE] == 0xfed80018);
	assert_int_equal(sampler_init(&s, devices, 1, NULL, 0, 0, "arm", 0), -EINVAL);
	assert_int_equal(sampler_init(&s, devices, 1, NULL, 0, 0xb0000000, "intel", 0), 0);
	assert_int_equal(s.words, 2);
	assert_int_equal(s.first, SAMPLE_COMMAND);
	sampler_add(&s, good, 1000);
	assert_null(sampler_complaint(&s));
}

/* What kinds of things were wrong, and not how often; entries are looked at with the rest. */
static void test_complaints_are_counted(void **state)
{
	uint64_t address[ENTRIES_WORDS];
	struct sampler s;
	json_t *json;

	(void)state;
	start(&s);
	assert_int_equal(entries_addresses(&s.entries, address), 8);
	assert_true(address[0] == 0xfed90020);
	look_at(&s, GOOD_COMMAND, GOOD_COMMAND, GOOD_GSTS, 0);
	assert_int_equal(sampler_complaints(&s), 0);
	look_at(&s, GOOD_COMMAND & ~4u, GOOD_COMMAND, GOOD_GSTS, 1);
	look_at(&s, GOOD_COMMAND & ~4u, GOOD_COMMAND, GOOD_GSTS, 1);
	assert_int_equal(sampler_complaints(&s), 2);
	s.entries.entry[0].complaint = "bad entry";
	assert_int_equal(sampler_complaints(&s), 3);
	json = sampler_json(&s);
	assert_int_equal(json_array_size(json_object_get(json, "entries")), 1);
	json_decref(json);
	sampler_reset(&s);
	assert_int_equal(sampler_complaints(&s), 0);
}

static void test_gap(void **state)
{
	const uint32_t words[] = { GOOD_GSTS, 0, GOOD_COMMAND, GOOD_COMMAND };
	struct sampler s;

	(void)state;
	start(&s);
	sampler_add(&s, words, 1000);
	sampler_add(&s, words, 8000);
	sampler_add(&s, words, 9000);
	assert_true(s.longest_gap_us == 7000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_good_looks),
		cmocka_unit_test(test_one_bad_look),
		cmocka_unit_test(test_two_devices),
		cmocka_unit_test(test_machine_without_iommu),
		cmocka_unit_test(test_complaints_are_counted),
		cmocka_unit_test(test_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
