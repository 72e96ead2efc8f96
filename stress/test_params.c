// SPDX-License-Identifier: GPL-2.0-only
/* Description: parameters: defaults, command line, options, and every typing error */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "params.c"

static struct params p;

static int parse(const char *cmdline, const char *option)
{
	char *argv[] = { (char *)(uintptr_t)"hf-agent", (char *)(uintptr_t)option, NULL };

	complaint_clear();
	return params_parse(&p, cmdline, option ? 2 : 1, argv);
}

static void defaults(void **state)
{
	(void)state;
	assert_int_equal(parse("console=ttyS0 kho=on", NULL), 0);
	assert_int_equal(p.cycles, 3);
	assert_int_equal(p.swaps, 0);
	assert_int_equal(p.depth, 2000);
	assert_string_equal(p.nvme_bdf, "0000:01:00.0");
	assert_false(p.unpreserved);
}

static void command_line_then_options(void **state)
{
	(void)state;
	assert_int_equal(parse("quiet hf.cycles=50 hf.control=unpreserved hf.stretch=1 hf.swaps=20\n",
			       "--cycles=7"), 0);
	assert_int_equal(p.cycles, 7);
	assert_int_equal(p.swaps, 20);
	assert_true(p.unpreserved);
	assert_true(p.stretch);
	assert_int_equal(p.blackout_ms, 16000);
}

static void typing_errors_are_refused(void **state)
{
	static const char *const bad[] = {
		"hf.cycles=-0", "hf.swaps=1000000", "hf.cycles=", "hf.cycles=3x", "hf.cycles=-1", "hf.depth=999",
		"hf.depth=4096", "hf.stretch=2", "hf.load=fio", "hf.load=nvme,nvme", "hf.load=nvme,", "hf.load=nv", "hf.load=",
		"hf.load=nic hf.swaps=1",
		"hf.load=nic hf.map_gib=1", "hf.map_gib=65537",
		"hf.bench=5", "hf.bench=x", "hf.exit=nowhere", "hf.control=yes", "hf.dpeth=2000",
		"hf.depth", "hf.nvme_bdf=00000000000000000000000000000000:01:00.0",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse(bad[i], NULL), -EINVAL);
		assert_string_not_equal(complaint(), "");
	}
	assert_int_equal(parse("hf.control=stray-write", NULL), 0);
	assert_false(p.unpreserved);
	assert_int_equal(parse("", "--nonsense=1"), -EINVAL);
	assert_int_equal(parse("", "nonsense"), -EINVAL);
}

static void loads_are_a_list(void **state)
{
	(void)state;
	assert_int_equal(parse("hf.load=nic,nvme", NULL), 0);
	assert_true(p.loads.nvme && p.loads.nic && !p.loads.fio && !p.loads.dpdk);
	assert_int_equal(parse("hf.load=nic,fio,dpdk", NULL), 0);
	assert_true(!p.loads.nvme && p.loads.nic && p.loads.fio && p.loads.dpdk);
	assert_int_equal(parse("hf.load=fio,dpdk", NULL), -EINVAL);
	assert_non_null(strstr(complaint(), "add nvme or nic"));
}

static void help_is_no_error(void **state)
{
	(void)state;
	assert_int_equal(parse("", "--help"), 0);
	assert_true(p.help);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(command_line_then_options),
		cmocka_unit_test(typing_errors_are_refused),
		cmocka_unit_test(loads_are_a_list),
		cmocka_unit_test(help_is_no_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
