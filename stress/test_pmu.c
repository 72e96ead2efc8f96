// SPDX-License-Identifier: GPL-2.0-only
/* Description: IOMMU counters: terms become what the kernel takes, and what is not there is null */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "pmu.c"

static char root[64];

static void put(const char *path, const char *text)
{
	char full[128];
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	f = fopen(full, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void make(const char *path)
{
	char full[128];

	snprintf(full, sizeof(full), "%s/%s", root, path);
	assert_int_equal(mkdir(full, 0700), 0);
}

/* A unit as VT-d's driver shows it; its type is that of the kernel's software events. */
static int set_up(void **state)
{
	(void)state;
	strcpy(root, "/tmp/hf-pmu-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	make("dmar0");
	make("dmar0/format");
	make("dmar0/events");
	make("cpu");
	put("dmar0/type", "1\n");
	put("dmar0/cpumask", "0\n");
	put("dmar0/format/event", "config:0-27\n");
	put("dmar0/format/event_group", "config:28-31\n");
	put("dmar0/format/filter_domain", "config1:32-47\n");
	put("dmar0/format/flag", "config2:5\n");
	put("dmar0/format/odd", "config:3,7\n");
	put("dmar0/events/clock", "event_group=0x0,event=0x000\n");
	put("dmar0/events/broken", "nothing=1\n");
	return 0;
}

static int clear_up(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

static void terms_become_bits(void **state)
{
	uint64_t c[3];
	char dir[80];

	(void)state;
	snprintf(dir, sizeof(dir), "%s/dmar0", root);
	assert_true(pmu_config(dir, "event_group=0x2,event=0x020", c));
	assert_true(c[0] == 0x20000020 && !c[1] && !c[2]);
	assert_true(pmu_config(dir, "filter_domain=3,flag", c));
	assert_true(!c[0] && c[1] == 3ULL << 32 && c[2] == 1 << 5);
	assert_false(pmu_config(dir, "event_group=16", c));
	assert_false(pmu_config(dir, "flag=2", c));
	assert_false(pmu_config(dir, "unknown=1", c));
	assert_false(pmu_config(dir, "../type=1", c));
	assert_false(pmu_config(dir, "", c));
}

static void counters_are_read(void **state)
{
	struct pmu p;
	json_t *all;

	(void)state;
	pmu_start(&p, root);
	if (!p.count) {
		print_message("this machine lets nobody count for a processor: not tried\n");
		skip();
	}
	assert_int_equal(p.count, 1);
	usleep(20000);
	all = pmu_stop(&p);
	assert_true(json_integer_value(json_object_get(all, "dmar0/clock")) > 0);
	json_decref(all);
}

static void no_unit_is_null(void **state)
{
	struct pmu p;
	json_t *all;

	(void)state;
	pmu_start(&p, "/nowhere");
	all = pmu_stop(&p);
	assert_true(json_is_null(all));
	json_decref(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(terms_become_bits),
		cmocka_unit_test(counters_are_read),
		cmocka_unit_test(no_unit_is_null),
	};

	return cmocka_run_group_tests(tests, set_up, clear_up);
}
