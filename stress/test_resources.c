// SPDX-License-Identifier: GPL-2.0-only
/* Description: tests of what is read from the kernel's files, on lines of 7.2.8 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "resources.c"

static void test_numbers(void **state)
{
	(void)state;
	assert_int_equal(resources_number("MemFree:         1234567 kB\n", "MemFree"), 1234567);
	assert_int_equal(resources_number("nr_iommu_pages 42\n", "nr_iommu_pages"), 42);
	assert_int_equal(resources_number("nr_iommu_pages_x 42\n", "nr_iommu_pages"), -1);
	assert_int_equal(resources_number("MemFree", "MemFree"), -1);
	assert_int_equal(resources_number("", "MemFree"), -1);
}

static void test_domain_ids(void **state)
{
	(void)state;
	assert_int_equal(resources_intel_did("02:00.0\t0x0000000000000000:0x0000000002aab001\t"
					     "0x0000000000000502:0x0000000003c05001\t0x0\n"), 5);
	assert_int_equal(resources_intel_did("02:00.0\t0x0:0x2aab001\t0x502:0x3c05000\t0x0\n"), -1);
	assert_int_equal(resources_intel_did("IOMMU dmar0: Root Table Address: 0x2aaa000\n"), -1);
	assert_int_equal(resources_amd_did("0000:02:00.0 0000000000000000 2000000000000000 "
					   "0000000000000007 6000000003c05603 iommu0\n"), 7);
	assert_int_equal(resources_amd_did("0000:02:00.0 0 0 7 0 iommu0\n"), -1);
	assert_int_equal(resources_amd_did("DeviceId             QWORD[3]\n"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_domain_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
