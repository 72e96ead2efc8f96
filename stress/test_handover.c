// SPDX-License-Identifier: GPL-2.0-only
/* Description: the kernel's timeline is read right, and split into phases that add up */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "handover.c"

static void fill(struct timeline *t)
{
	static const char *const lines[] = {
		"freeze 1010 1 0\n",  "jump 1100 3 0\n",    "early 1500 7 1\n",
		"takeover 1600 9 1\n", "probe 1700 11 1\n", "init 2000 20 2\n",
		"retrieve 2300 25 3\n",
	};

	memset(t, 0, sizeof(*t));
	t->there = true;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_true(timeline_line(t, lines[i]));
}

static void lines_are_understood(void **state)
{
	struct timeline t = { 0 };

	(void)state;
	assert_true(timeline_line(&t, "init 123456789012 5 6 7\n"));
	assert_int_equal(t.tsc[MARK_INIT], 123456789012);
	assert_int_equal(t.seen[MARK_INIT], 18);
	timeline_drop(&t, 1);
	assert_int_equal(t.seen[MARK_INIT], 18 - (int)t.watch[MARK_INIT][0]);
	assert_true(t.watch[MARK_INIT][0] > 0);
	assert_true(timeline_line(&t, "jump 99\n"));
	assert_int_equal(t.seen[MARK_JUMP], 0);
	assert_false(timeline_line(&t, "lunch 99 1\n"));
	assert_false(timeline_line(&t, "\n"));
	assert_false(timeline_line(&t, "init"));
}

static void phases_add_up(void **state)
{
	uint64_t ticks = 0, arrived = 0;
	struct timeline t;
	struct phases p;

	(void)state;
	fill(&t);
	phases_split(&p, &t, 1000, 2500, 40);
	assert_int_equal(p.ticks[PHASE_SHUTDOWN], 100);
	assert_int_equal(p.ticks[PHASE_JUMP], 400);
	assert_int_equal(p.ticks[PHASE_RESUME], 200);
	assert_int_equal(p.arrived[PHASE_SHUTDOWN], 3);
	assert_int_equal(p.arrived[PHASE_JUMP], 5);
	assert_int_equal(p.arrived[PHASE_EARLY_BOOT], 2);
	assert_int_equal(p.arrived[PHASE_RESTORE], 2);
	assert_int_equal(p.arrived[PHASE_INIT], 10);
	assert_int_equal(p.arrived[PHASE_RETRIEVE], 6);
	assert_int_equal(p.arrived[PHASE_RESUME], 12);
	for (int i = 0; i < PHASES; i++) {
		assert_true(p.known[i]);
		ticks += p.ticks[i];
		arrived += p.arrived[i];
	}
	assert_int_equal(ticks, 1500);
	assert_int_equal(arrived, 40);
}

static void missing_mark_leaves_no_gap(void **state)
{
	struct timeline t;
	struct phases p;

	(void)state;
	fill(&t);
	t.set[MARK_TAKEOVER] = false;
	phases_split(&p, &t, 1000, 2500, 40);
	assert_false(p.known[PHASE_EARLY_BOOT]);
	assert_int_equal(p.ticks[PHASE_RESTORE], 200);
	assert_int_equal(p.arrived[PHASE_RESTORE], 4);
}

/* Marks of an earlier jump must not be taken for this one's. */
static void old_marks_are_ignored(void **state)
{
	struct timeline t;
	struct phases p;

	(void)state;
	fill(&t);
	t.tsc[MARK_EARLY] = 500;
	phases_split(&p, &t, 1000, 2500, 40);
	assert_false(p.known[PHASE_JUMP]);
	assert_int_equal(p.ticks[PHASE_EARLY_BOOT], 500);
}

/* Counts only grow: a watch of another queue must not become a huge phase. */
static void falling_counts_are_ignored(void **state)
{
	struct timeline t;
	struct phases p;

	(void)state;
	fill(&t);
	t.seen[MARK_INIT] = 4;
	phases_split(&p, &t, 1000, 2500, 40);
	assert_false(p.known[PHASE_INIT]);
	assert_int_equal(p.arrived[PHASE_RETRIEVE], 16);
}

static void no_timeline_no_phases(void **state)
{
	struct timeline t = { 0 };
	struct phases p;

	(void)state;
	phases_split(&p, &t, 1000, 2500, 40);
	for (int i = 0; i < PHASES; i++)
		assert_false(p.known[i]);
}

static void faults_are_summed_over_devices(void **state)
{
	struct faults f = { 0 };

	(void)state;
	assert_true(faults_line(&f, "unit dmar0 3 1 2\n"));
	assert_true(faults_line(&f, "unit dmar1 10 0 0\n"));
	assert_false(faults_line(&f, "0000:01:00.0 3 1 2\n"));
	assert_false(faults_line(&f, "others dmar0 3 1 2\n"));
	assert_int_equal(f.count, 16);
}

static void walks_are_summed_over_domains(void **state)
{
	struct restore_walk w = { 0 };

	(void)state;
	assert_false(restore_line(&w, "nothing\n"));
	assert_false(restore_line(&w, "1 b\xc3 4 13 900\n"));
	assert_false(w.there);
	assert_true(restore_line(&w, "1 boot 4 13 900\n"));
	assert_true(restore_line(&w, "2 boot 6 20 100\n"));
	assert_int_equal(w.tables, 10);
	assert_int_equal(w.entries_read, 33);
	assert_int_equal(w.ns, 1000);
	assert_string_equal(w.where, "boot");
	assert_int_equal(w.levels, 0);
	assert_true(restore_line(&w, "3 free 6 20 100 levels=4,1,1\n"));
	assert_true(restore_line(&w, "4 free 2 20 100 more=1 levels=1,1,x\n"));
	assert_int_equal(w.levels, 3);
	assert_int_equal(w.of_level[0], 5);
	assert_int_equal(w.of_level[1], 2);
	assert_int_equal(w.of_level[2], 1);
	assert_int_equal(w.bad, 0);
	assert_int_equal(w.missing, 0);
	assert_true(restore_line(&w, "5 free 6 20 100 levels=4,1,1 bad=0 of=6\n"));
	assert_int_equal(w.missing, 0);
	assert_true(restore_line(&w, "6 free 5 20 100 levels=3,1,1 bad=2 of=6\n"));
	assert_true(restore_line(&w, "7 free 9 20 100 levels=7,1,1 bad=0 of=6\n"));
	assert_int_equal(w.bad, 2);
	assert_int_equal(w.missing, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_understood),
		cmocka_unit_test(phases_add_up),
		cmocka_unit_test(missing_mark_leaves_no_gap),
		cmocka_unit_test(old_marks_are_ignored),
		cmocka_unit_test(falling_counts_are_ignored),
		cmocka_unit_test(no_timeline_no_phases),
		cmocka_unit_test(faults_are_summed_over_devices),
		cmocka_unit_test(walks_are_summed_over_domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
