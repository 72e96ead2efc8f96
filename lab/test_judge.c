// SPDX-License-Identifier: GPL-2.0-only
/* Description: tests of the lab's own judgement */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "judge.c"

static json_t *good_record(void)
{
	return json_pack("{s:{s:i,s:i,s:i,s:i,s:{s:i,s:i}},s:{s:i,s:i,s:i,s:i,s:i},s:b,"
			 "s:{s:i,s:i},s:{s:n,s:[{s:i}]},s:{s:i,s:i,s:i,s:i},s:{s:i},"
			 "s:{s:i,s:b,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:b,s:{s:i,s:i}},"
			 "s:{s:i,s:i,s:i,s:i,s:i,s:i,s:i},s:{s:i,s:i,s:i,s:i},s:[],s:{}}",
			 "dma", "faulted", 0, "lost", 0, "corrupt", 0, "stray", 0,
			 "in_blackout_by_phase", "early_boot", 4, "init", 7,
			 "oracles", "iommu", 0, "device", 0, "data", 0, "emulator", 0, "outside", 0,
			 "adopted", 1, "irq", "spurious", 0, "nobody_cared", 0,
			 "outside", "complaint", "entries", "replaced", 1,
			 "bystanders", "bytes", 9, "kept", 9, "frames", 9, "bad", 0,
			 "controller", "csts", 1,
			 "nic", "in_blackout", 5, "resumed", 1, "lost", 0, "torn", 0,
			 "duplicate", 0, "late", 0, "faulted", 0, "stray", 0, "eaten", 0,
			 "unsent", 0, "missing", 0, "device", 0, "foreign", 0, "dropped", 0, "filled", 0,
			 "in_blackout_by_phase", "jump", 3, "init", 2,
			 "dpdk", "received", 200, "lost", 0, "torn", 0, "duplicate", 0, "late", 0,
			 "foreign", 0, "unsent", 0,
			 "fio", "verified", 8, "map_ios", 9, "errors", 0, "wrong", 0, "pci",
			 "emulator");
}

/* Set the member at @path, which must be there. */
static void set(json_t *record, const char *path, json_t *value)
{
	const char *dot = strrchr(path, '.');
	char parent[64] = "";

	assert_non_null(json_at(record, path));
	if (dot)
		snprintf(parent, sizeof(parent), "%.*s", (int)(dot - path), path);
	json_object_set_new(json_at(record, parent), dot ? dot + 1 : path, value);
}

static void test_good_record(void **state)
{
	json_t *record = good_record();
	char why[100];

	(void)state;
	assert_true(judge_cycle(record, "nvme,nic", "nvme,nic", why, sizeof(why)));
	json_decref(record);
}

static void test_each_count_fails(void **state)
{
	static const char *const counts[] = {
		"dma.faulted", "dma.lost", "dma.corrupt", "dma.stray", "oracles.iommu",
		"oracles.device", "oracles.data", "oracles.emulator", "oracles.outside", "irq.spurious",
		"irq.nobody_cared", "bystanders.bad", "nic.lost", "nic.torn", "nic.duplicate",
		"nic.late", "nic.faulted", "nic.stray", "nic.eaten", "nic.unsent", "nic.missing",
		"nic.device", "nic.foreign", "fio.wrong", "fio.errors", "dpdk.lost", "dpdk.torn", "dpdk.duplicate", "dpdk.late",
		"dpdk.foreign", "dpdk.unsent",
	};
	char why[100];

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		json_t *record = good_record();

		set(record, counts[i], json_integer(1));
		assert_false(judge_cycle(record, "nvme,nic", "nvme,nic", why, sizeof(why)));
		assert_non_null(strstr(why, counts[i]));
		json_decref(record);
	}
}

/* Zero reports mean nothing if nothing was under way. */
static void test_idle_blackout_fails(void **state)
{
	json_t *record = good_record();
	char why[100];

	(void)state;
	set(record, "dma.in_blackout_by_phase.early_boot", json_integer(0));
	assert_false(judge_cycle(record, "nvme,nic", "nvme,nic", why, sizeof(why)));
	set(record, "dma.in_blackout_by_phase.early_boot", json_integer(1));
	set(record, "dma.in_blackout_by_phase.init", json_integer(0));
	assert_false(judge_cycle(record, "nvme,nic", "nvme,nic", why, sizeof(why)));
	json_decref(record);
}

/* Each load that the run has must have been at work; one that it has not, need not. */
static void test_idle_loads_fail(void **state)
{
	static const struct {
		const char *path;
		int value;
	} idle[] = {
		{ "nic.in_blackout", 0 }, { "dpdk.received", 0 }, { "fio.verified", 0 },
		{ "fio.map_ios", 0 }, { "controller.csts", 3 }, { "nic.missing", -1 },
		{ "nic.resumed", 0 }, { "nic.in_blackout_by_phase.jump", 0 },
		{ "nic.in_blackout_by_phase.init", 0 },
	};
	char why[100];

	(void)state;
	for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++) {
		json_t *record = good_record();

		set(record, idle[i].path, idle[i].value < 0 ? json_null() :
		    json_integer(idle[i].value));
		assert_false(judge_cycle(record, "nvme,nic,dpdk,fio", "", why, sizeof(why)));
		assert_true(judge_cycle(record, *idle[i].path == 'c' ? "nic" : "nvme", "", why,
					sizeof(why)));
		json_decref(record);
	}
}

static void test_frames(void **state)
{
	json_t *frames = json_pack("{s:{s:s,s:{s:i,s:i,s:i}},s:{s:s,s:{s:i,s:i,s:i}}}",
				   "nic", "end", "peer", "received", "frames", 9, "lost", 0,
				   "torn", 0, "dpdk", "end", "peer", "received", "frames", 9,
				   "lost", 7, "torn", 0);
	json_t *cycles = json_pack("[{s:{s:i},s:{s:i}},{s:{s:i},s:{s:i}}]", "nic", "sent_next", 5,
				   "dpdk", "sent", 4, "nic", "sent_next", 9, "dpdk", "sent", 5);
	static const struct {
		const char *path;
		int good, bad;
	} wrong[] = {
		{ "nic.received.lost", 0, 1 }, { "nic.received.frames", 9, 8 },
		{ "dpdk.received.torn", 0, 1 }, { "dpdk.received.frames", 9, 8 },
	};
	char why[120];

	(void)state;
	assert_true(judge_frames(NULL, cycles, why, sizeof(why)));
	assert_true(judge_frames(frames, cycles, why, sizeof(why)));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		set(frames, wrong[i].path, json_integer(wrong[i].bad));
		assert_false(judge_frames(frames, cycles, why, sizeof(why)));
		set(frames, wrong[i].path, json_integer(wrong[i].good));
	}
	set(frames, "dpdk.end", json_string("error"));
	assert_false(judge_frames(frames, cycles, why, sizeof(why)));
	assert_non_null(strstr(why, "the frame source"));
	set(frames, "dpdk.end", json_string("peer"));
	set(frames, "nic", json_null());
	assert_false(judge_frames(frames, cycles, why, sizeof(why)));
	json_decref(frames);
	json_decref(cycles);
}

static void test_dropped_frames_fail_in_an_emulator(void **state)
{
	json_t *record = good_record();
	char why[100];

	(void)state;
	set(record, "nic.dropped", json_integer(3));
	assert_false(judge_cycle(record, "nvme,nic", "", why, sizeof(why)));
	set(record, "emulator", json_null());
	assert_true(judge_cycle(record, "nvme,nic", "", why, sizeof(why)));
	set(record, "pci", json_null());
	assert_false(judge_cycle(record, "nvme,nic", "", why, sizeof(why)));
	json_decref(record);
}

static void test_exits(void **state)
{
	json_t *exits = json_pack("[{s:b,s:s},{s:b,s:s}]", "ok", 1, "what", "one", "ok", 1, "what",
				  "two");
	char why[120];

	(void)state;
	assert_true(judge_exits(NULL, why, sizeof(why)));
	assert_true(judge_exits(exits, why, sizeof(why)));
	json_object_set_new(json_array_get(exits, 1), "ok", json_false());
	assert_false(judge_exits(exits, why, sizeof(why)));
	assert_non_null(strstr(why, "two"));
	json_decref(exits);
}

static void test_complaint_and_reset_fail(void **state)
{
	json_t *record = good_record();
	char why[100];

	(void)state;
	set(record, "outside.complaint", json_string("seen"));
	assert_false(judge_cycle(record, "nvme,nic", "nvme,nic", why, sizeof(why)));
	assert_string_equal(why, "seen");
	set(record, "outside.complaint", json_null());
	for (int replaced = 0; replaced < 3; replaced++) {
		json_object_set_new(json_array_get(json_at(record, "outside.entries"), 0), "replaced",
				    json_integer(replaced));
		assert_true(judge_cycle(record, "nvme,nic", "", why, sizeof(why)) == (replaced == 1));
	}
	assert_non_null(strstr(why, "one new page table"));
	json_object_set_new(record, "deaths", json_integer(1));
	assert_true(judge_cycle(record, "nvme,nic", "", why, sizeof(why)));
	json_object_set_new(record, "deaths", json_integer(0));
	json_object_set_new(json_array_get(json_at(record, "outside.entries"), 0), "replaced",
			    json_integer(1));
	set(record, "adopted", json_false());
	assert_false(judge_cycle(record, "nvme,nic", "nvme,nic", why, sizeof(why)));
	json_decref(record);
}

static bool caught(json_int_t data, json_int_t emulator, const char *must_catch, char *why)
{
	json_t *cycles = json_pack("[{s:{s:n,s:i,s:I,s:I}}]", "oracles", "iommu", "device", 0,
				   "data", data, "emulator", emulator);
	bool is = judge_control("unpreserved", must_catch, NULL, cycles, why, 200);

	json_decref(cycles);
	return is;
}

static void test_control(void **state)
{
	char why[200];

	(void)state;
	assert_true(caught(1873, 3, "data,emulator", why));
	assert_string_equal(why, "control unpreserved caught by data: 1873, emulator: 3");
	assert_false(caught(0, 0, "data,emulator", why));
	assert_non_null(strstr(why, "NOT caught"));
	assert_false(caught(0, 3, "data,emulator", why));
	assert_non_null(strstr(why, "NOT caught by data"));
	assert_false(caught(1873, 0, "data,emulator", why));
	assert_true(caught(1873, 0, "data", why));
	assert_false(caught(0, 0, "", why));
}

static bool caught_in_swaps(const char *member, const char *must_catch, char *why)
{
	json_t *swaps = json_pack("{s:i,s:i,s:i,s:i,s:i,s:i,s:i}", "faulted", 0, "lost", 0, "corrupt",
				  0, "stray", 0, "csts", 1, "iommu", 0, "emulator", 0);
	bool is;

	json_object_set_new(swaps, member, json_integer(3));
	is = judge_control("not-hitless", must_catch, swaps, NULL, why, 200);
	json_decref(swaps);
	return is;
}

static void test_control_in_swaps(void **state)
{
	char why[200];

	(void)state;
	assert_true(caught_in_swaps("iommu", "iommu", why));
	assert_string_equal(why, "control not-hitless caught by iommu: 3");
	assert_true(caught_in_swaps("emulator", "emulator", why));
	assert_true(caught_in_swaps("corrupt", "data", why));
	assert_true(caught_in_swaps("csts", "device", why));
	assert_true(caught_in_swaps("faulted", "device", why));
	assert_false(caught_in_swaps("faulted", "data", why));
	assert_false(caught_in_swaps("other", "iommu", why));
}

static void test_lists_of_oracles(void **state)
{
	(void)state;
	assert_true(judge_knows("none"));
	assert_true(judge_knows("data"));
	assert_true(judge_knows("emulator,outside,iommu,device,data"));
	assert_false(judge_knows(""));
	assert_false(judge_knows("dat"));
	assert_false(judge_knows("data,"));
	assert_false(judge_knows("data,data"));
	assert_false(judge_knows("data,none"));
	assert_false(judge_knows("data,outsid"));
}

/* It must happen, and the run must pass. */
static void test_harmless(void **state)
{
	json_t *cycles = json_pack("[{s:{s:i}},{s:{s:i}}]", "nic", "ring_full", 0, "nic",
				   "ring_full", 2);
	char why[200];

	(void)state;
	assert_true(judge_harmless("ring-full", true, cycles, why, sizeof(why)));
	assert_string_equal(why, "control ring-full is no fault: ring full 2 times");
	assert_false(judge_harmless("ring-full", false, cycles, why, sizeof(why)));
	assert_string_equal(why, "control ring-full counted as a fault");
	json_array_remove(cycles, 1);
	assert_false(judge_harmless("ring-full", true, cycles, why, sizeof(why)));
	assert_non_null(strstr(why, "did nothing"));
	json_decref(cycles);
}

static bool good_swaps(const char *member, json_int_t value, json_int_t planned, char *why)
{
	json_t *swaps = json_pack("{s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i}", "done", 20, "reads",
				  9999, "csts", 1,
				  "faulted", 0, "lost", 0, "corrupt", 0, "stray", 0, "iommu", 0,
				  "emulator", 0);
	bool is;

	json_object_set_new(swaps, member, json_integer(value));
	is = judge_swaps(swaps, planned, why, 200);
	json_decref(swaps);
	return is;
}

static void test_blind_and_idle_fail(void **state)
{
	static const struct {
		const char *path, *says;
	} bad[] = {
		{ "oracles.iommu", "nobody asked the IOMMU" },
		{ "bystanders.bytes", "drive was idle" },
		{ "bystanders.kept", "drive was idle" },
		{ "bystanders.frames", "ports were idle" },
	};
	char why[100];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *record = good_record();

		set(record, bad[i].path, json_null());
		assert_false(judge_cycle(record, "nvme,nic", "nvme,nic", why, sizeof(why)));
		assert_non_null(strstr(why, bad[i].says));
		assert_int_equal(judge_cycle(record, "nvme,nic", "", why, sizeof(why)), i != 0);
		json_decref(record);
	}
}

static void test_swaps(void **state)
{
	static const char *const zero[] = {
		"faulted", "lost", "corrupt", "stray", "iommu", "emulator",
	};
	char why[200];

	(void)state;
	assert_true(good_swaps("done", 20, 20, why));
	assert_false(good_swaps("done", 19, 20, why));
	assert_string_equal(why, "19 of 20, during 9999 reads");
	assert_false(good_swaps("reads", 20, 20, why));
	assert_false(good_swaps("csts", 3, 20, why));
	for (size_t i = 0; i < sizeof(zero) / sizeof(zero[0]); i++) {
		assert_false(good_swaps(zero[i], 1, 20, why));
		assert_non_null(strstr(why, zero[i]));
	}
	assert_true(judge_swaps(NULL, 0, why, sizeof(why)));
	assert_false(judge_swaps(NULL, 20, why, sizeof(why)));
}

static bool order_ok(unsigned int off, unsigned int unsafe, const char *want)
{
	const struct emulog_order o = {
		.off = off, .unsafe = unsafe, .bdf = unsafe ? "x" : NULL, .translating = true,
	};
	json_t *entry = judge_order(&o, want), *exits = json_pack("[O]", entry);
	bool ok = json_is_true(json_at(entry, "ok"));
	char why[200];

	assert_int_equal(judge_exits(exits, why, sizeof(why)), ok);
	json_decref(exits);
	json_decref(entry);
	return ok;
}

static void test_order(void **state)
{
	const struct emulog_order blind = { 0 };
	json_t *entry = judge_order(&blind, "stays-on");

	(void)state;
	/* A log without a line of it has shown nothing. */
	assert_true(json_is_false(json_at(entry, "ok")));
	json_decref(entry);
	assert_true(order_ok(0, 0, "stays-on"));
	assert_false(order_ok(1, 0, "stays-on"));
	assert_false(order_ok(1, 1, "stays-on"));
	assert_true(order_ok(2, 0, "goes-off"));
	assert_false(order_ok(0, 0, "goes-off"));
	assert_false(order_ok(2, 1, "goes-off"));
}

static void test_ends(void **state)
{
	json_t *exits = json_pack("[{s:s,s:b}]", "what", "bus mastering is off", "ok", 1);
	char why[200];

	(void)state;
	assert_true(judge_ends("cycle", exits, true, why, sizeof(why)));
	assert_false(judge_ends("cycle", exits, false, why, sizeof(why)));
	assert_true(judge_ends("quiet", exits, false, why, sizeof(why)));
	assert_false(judge_ends("anew", exits, true, why, sizeof(why)));
	assert_non_null(strstr(why, "a new start"));
	assert_false(judge_ends("quiet", NULL, true, why, sizeof(why)));
	json_array_append_new(exits, json_pack("{s:s,s:b}", "what", "a new start of the devices",
					       "ok", 1));
	assert_true(judge_ends("anew", exits, false, why, sizeof(why)));
	assert_true(judge_ends("cycle,anew", exits, true, why, sizeof(why)));
	assert_false(judge_ends("cycle,anew", exits, false, why, sizeof(why)));
	json_array_clear(exits);
	assert_false(judge_ends("cycle,anew", exits, true, why, sizeof(why)));
	json_decref(exits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_record),
		cmocka_unit_test(test_each_count_fails),
		cmocka_unit_test(test_idle_blackout_fails),
		cmocka_unit_test(test_idle_loads_fail),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_dropped_frames_fail_in_an_emulator),
		cmocka_unit_test(test_exits),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_complaint_and_reset_fail),
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_control_in_swaps),
		cmocka_unit_test(test_harmless),
		cmocka_unit_test(test_lists_of_oracles),
		cmocka_unit_test(test_blind_and_idle_fail),
		cmocka_unit_test(test_swaps),
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
