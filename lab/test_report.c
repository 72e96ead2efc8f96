// SPDX-License-Identifier: GPL-2.0-only
/* Description: golden test of run.json: the schema cannot change by accident */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "report.c"

static json_t *record(int cycle, double ms, int ns)
{
	return json_pack("{s:i,s:s,s:s,s:{s:i,s:i,s:i,s:{s:i,s:i},s:i,s:i,s:i,s:i,s:i},"
			 "s:{s:n,s:i,s:i,s:i,s:i},s:{s:s,s:i,s:i,s:i},s:{s:f,s:{s:f,s:f}},"
			 "s:{s:i},s:{s:i},s:{s:i,s:i}}",
			 "cycle", cycle, "verdict", "pass", "reason", "",
			 "dma", "inflight", 2000, "completed", 2000, "in_blackout", 90,
			 "in_blackout_by_phase", "jump", 40, "init", 50, "faulted", 0,
			 "lost", 0, "corrupt", 0, "stray", 0, "verified_bytes", 1024,
			 "oracles", "iommu", "device", 0, "data", 0, "emulator", 0,
			 "outside", 0,
			 "restore_walk", "where", "probe", "tables", 5, "entries_read", 1536,
			 "ns", ns,
			 "blackout", "ms", ms, "phases", "jump", 90.0, "init", ms,
			 "emulator", "resets", 0, "bystanders", "frames", 400,
			 "steps_ns", "replace", ns, "free", 100 * cycle);
}

static const char golden[] =
	"{\"bench\":null,\"blackout_ms\":{\"max\":300.0,\"median\":200.0,\"min\":100.0,\"phases\":{"
	"\"early_boot\":null,\"init\":{\"max\":300.0,\"median\":200.0,\"min\":100.0},"
	"\"jump\":{\"max\":90.0,\"median\":90.0,\"min\":90.0},\"restore\":null,\"resume\":null,"
	"\"retrieve\":null,\"shutdown\":null}},"
	"\"bystanders\":{\"frames\":1200},\"control\":\"none\",\"control_caught\":null,"
	"\"cycles\":{\"completed\":3,\"planned\":3},"
	"\"dma\":{\"completed\":6000,\"corrupt\":0,\"faulted\":0,\"in_blackout\":270,"
	"\"in_blackout_by_phase\":{\"init\":150,\"jump\":120},\"lost\":0,\"stray\":0,"
	"\"verified_bytes\":3072},"
	"\"drift\":null,\"emulator\":{\"resets\":0},\"exit\":\"none\",\"exits\":null,\"frames\":{\"nic\":{}},"
	"\"host\":{\"accel\":\"tcg\",\"cpu\":\"a cpu\",\"emulator\":\"11.1.3 (p)\"},\"iommu_pmu\":null,"
	"\"kernel\":{\"series_sha256\":\"abc\",\"version\":\"7.2.8-holdfast\"},"
	"\"loads\":[\"nvme\",\"nic\"],\"machine\":\"qemu-intel\",\"map_gib\":64,"
	"\"must_catch\":[\"data\",\"emulator\"],\"nic\":null,"
	"\"oracles\":{\"data\":0,\"device\":0,\"emulator\":0,\"iommu\":null,\"outside\":0},"
	"\"profile\":\"smoke\",\"reason\":\"\","
	"\"restore_walk\":{\"entries_read\":1536,\"levels\":null,\"ns\":{\"max\":9,\"median\":8,\"min\":7,"
	"\"p99\":9},\"tables\":5,\"where\":\"probe\"},"
	"\"run_id\":\"id\",\"schema\":\"holdfast/run/1\","
	"\"started\":\"2026-11-21T12:00:00Z\","
	"\"steps_ns\":{\"free\":{\"max\":300,\"median\":200,\"min\":100},"
	"\"replace\":{\"max\":9,\"median\":8,\"min\":7}},\"stretch_ms\":0,\"swaps\":null,\"timing\":\"emulated\","
	"\"topology\":[{\"bdf\":\"0000:01:00.0\"}],"
	"\"verdict\":\"pass\",\"warnings\":0}";

static struct report_run a_run(void)
{
	return (struct report_run){
		.run_id = "id", .started = "2026-11-21T12:00:00Z", .machine = "qemu-intel",
		.profile = "smoke", .loads = "nvme,nic", .control = "none", .must_catch = "data,emulator",
		.series = "abc",
		.kernel = "7.2.8-holdfast", .cpu = "a cpu", .accel = "tcg",
		.emulator = "11.1.3 (p)", .planned = 3, .verdict = LAB_PASS, .reason = "",
		.control_caught = -1, .map_gib = 64,
	};
}

static json_t *three_cycles(void)
{
	return json_pack("[o,o,o]", record(1, 200, 9), record(2, 100, 7), record(3, 300, 8));
}

static void test_golden(void **state)
{
	struct report_run run = a_run();
	json_t *cycles = three_cycles();
	json_t *document;
	char *text;

	(void)state;
	run.topology = json_pack("[{s:s}]", "bdf", "0000:01:00.0");
	run.frames = json_pack("{s:{}}", "nic");
	document = report_document(&run, NULL, cycles);
	json_decref(run.topology);
	json_decref(run.frames);
	assert_non_null(document);
	text = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, golden);
	free(text);
	json_decref(document);
	json_decref(cycles);
}

/* A run that never saw its guest still makes a whole document. */
static void test_run_without_cycles(void **state)
{
	struct report_run run = a_run();
	json_t *cycles = json_array();
	json_t *document, *whole;
	const char *name;
	json_t *value;

	(void)state;
	run.kernel = NULL;
	run.accel = NULL;
	run.verdict = LAB_ERROR;
	document = report_document(&run, NULL, cycles);
	whole = json_loads(golden, 0, NULL);
	assert_non_null(document);
	json_object_foreach(whole, name, value)
		assert_non_null(json_object_get(document, name));
	assert_true(json_is_null(json_at(document, "blackout_ms")));
	assert_true(json_is_null(json_at(document, "oracles.data")));
	assert_true(json_is_null(json_at(document, "topology")));
	assert_string_equal(json_string_at(document, "verdict"), "error");
	json_decref(whole);
	json_decref(document);
	json_decref(cycles);
}

/* A cycle of which only the lab can tell counts as planned, not as completed. */
static void test_failed_cycle_is_not_completed(void **state)
{
	struct report_run run = a_run();
	json_t *cycles = three_cycles();
	json_t *document;

	(void)state;
	json_array_append_new(cycles, json_pack("{s:i,s:s,s:s}", "cycle", 4, "verdict", "fail",
						"reason", "panic"));
	document = report_document(&run, NULL, cycles);
	assert_int_equal(json_int_at(document, "cycles.completed"), 3);
	json_decref(document);
	json_decref(cycles);
}

/* The reason may quote a line of the guest, cut anywhere: there must be a document all the same. */
static void test_any_bytes_make_a_document(void **state)
{
	struct report_run run = a_run();
	json_t *cycles = json_array(), *document;

	(void)state;
	run.reason = "result line 1: \xff\xc3";
	run.kernel = "7.2\xc3";
	run.emulator = "11.1 (\xc3\xa4)";
	document = report_document(&run, NULL, cycles);
	assert_non_null(document);
	assert_string_equal(json_string_at(document, "reason"), "result line 1: ??");
	assert_string_equal(json_string_at(document, "kernel.version"), "7.2?");
	assert_string_equal(json_string_at(document, "host.emulator"), "11.1 (\xc3\xa4)");
	json_decref(document);
	json_decref(cycles);
}

/* Sums of any numbers: many faults must not come to none. */
static void test_sums_do_not_wrap(void **state)
{
	json_t *cycles = json_array(), *sums;

	(void)state;
	for (int i = 0; i < 3; i++)
		json_array_append_new(cycles, json_pack("{s:{s:I,s:I},s:{s:I}}", "a", "b", INT64_MAX,
							"x.y", (json_int_t)2, "restore_walk", "ns",
							INT64_MAX));
	assert_true(sum(cycles, "a.b") == INT64_MAX);
	sums = sum_members(cycles, "a");
	assert_true(json_int_at(sums, "b") == INT64_MAX);
	assert_int_equal(json_integer_value(json_object_get(sums, "x.y")), 6);
	json_decref(sums);
	sums = spread(cycles, "restore_walk.ns", true, false);
	assert_true(json_int_at(sums, "max") > INT64_MAX - 2048);
	json_decref(sums);
	json_decref(cycles);
}

static void test_rank(void **state)
{
	double v[200];

	(void)state;
	for (int i = 0; i < 200; i++)
		v[i] = i + 1;
	assert_true(rank(v, 200, 50) == 100);
	assert_true(rank(v, 200, 99) == 198);
	assert_true(rank(v, 1, 99) == 1);
	assert_true(rank(v, 3, 50) == 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_run_without_cycles),
		cmocka_unit_test(test_failed_cycle_is_not_completed),
		cmocka_unit_test(test_any_bytes_make_a_document),
		cmocka_unit_test(test_sums_do_not_wrap),
		cmocka_unit_test(test_rank),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
