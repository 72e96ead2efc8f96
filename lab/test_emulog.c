// SPDX-License-Identifier: GPL-2.0-only
/* Description: tests of the reading of the emulator's log, on lines of QEMU 11.1.3 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "emulog.c"

#define T "2026-11-21T12:24:12.946190Z "

static const struct {
	const char *line;
	enum emulog_kind kind;
} lines[] = {
	{ T "pci_nvme_enqueue_req_completion cid 7 cqid 64 dw0 0x0 dw1 0x0 status 0x0", EMU_COMPLETION },
	{ T "pci_nvme_enqueue_req_completion cid 7 cqid 1 dw0 0x0 dw1 0x0 status 0x0", EMU_BYSTANDER },
	{ T "pci_nvme_mmio_cfg wrote MMIO, config controller config=0x460001", EMU_NONE },
	{ T "pci_nvme_mmio_cfg wrote MMIO, config controller config=0x460000", EMU_NONE },
	{ T "pci_nvme_mmio_start_success setting controller enable bit succeeded", EMU_CONTROLLER_ENABLE },
	{ T "pci_nvme_mmio_cfg wrote MMIO, config controller config=0x464001", EMU_CONTROLLER_STOP },
	{ T "pci_nvme_mmio_stopped cleared controller enable bit", EMU_CONTROLLER_STOP },
	{ T "pci_nvme_create_sq create submission queue, addr=0x1, sqid=64, cqid=64", EMU_QUEUE_CREATE },
	{ T "pci_nvme_create_sq create submission queue, addr=0x1, sqid=8, cqid=8", EMU_BYSTANDER },
	{ T "pci_nvme_create_cq create completion queue, addr=0x1, cqid=64", EMU_QUEUE_CREATE },
	{ T "pci_nvme_create_cq create completion queue, addr=0x1, cqid=2", EMU_BYSTANDER },
	{ T "pci_nvme_pci_reset PCI Function Level Reset", EMU_RESET },
	{ T "pci_nvme_err_cfs controller fatal status", EMU_NVME_ERROR },
	{ T "pci_nvme_err_req_status cid 2 nsid 1 status 0x4 opc 0x2", EMU_NVME_ERROR },
	{ T "ps2_kbd_reset 0x555573c379a8", EMU_MACHINE_RESET },
	{ T "vtd_dmar_enable enable 0", EMU_TRANSLATION_OFF },
	{ T "vtd_dmar_enable enable 1", EMU_NONE },
	{ T "vtd_dmar_fault sid 0x100 fault 6 addr 0x1000000000 write 0", EMU_IOMMU_FAULT },
	{ T "amdvi_control_status MMIO_STATUS state 0xc000000030483", EMU_NONE },
	{ T "amdvi_control_status MMIO_STATUS state 0xc000000030482", EMU_TRANSLATION_OFF },
	{ T "amdvi_page_fault error: page fault accessing guest physical address 0x10000000000", EMU_IOMMU_FAULT },
	{ T "amdvi_invalid_dte PTE entry at 0x10000000000 is invalid ", EMU_INVALID_DTE },
	{ T "amdvi_dte_get_fail error: failed to access Device Entry devtab 0x1 offset 0x2", EMU_INVALID_DTE },
	{ T "amdvi_mode_invalid error: translation level 0x7 at 0x1", EMU_INVALID_DTE },
	{ T "amdvi_command_read_fail error: fail to access memory at 0x1 + 0x2", EMU_IOMMU_ERROR },
	{ T "amdvi_evntlog_fail error: fail to write at addr 0x1 +  offset 0x2", EMU_IOMMU_ERROR },
	{ T "amdvi_devtab_inval device table entry for devid: 01:00.0 invalidated", EMU_NONE },
	{ T "vtd_reg_write_gcmd status 0x80000000 val 0x0", EMU_NONE },
	{ "Invalid write at addr 0x1000000000, size 4, region '(null)', reason: rejected", EMU_BLOCKED },
	{ "Invalid read at addr 0x1000000000, size 4, region '(null)', reason: rejected", EMU_BLOCKED },
	{ "Invalid access to non-RAM device at addr 0xFEE00000, size 8, region 'apic'", EMU_BLOCKED },
	{ "Invalid write at addr 0xFFFC0000, size 4, region 'pc.bios', reason: rejected", EMU_NONE },
	{ T "pci_cfg_write nvme 01:00.0 @0x4 <- 0x503", EMU_BUS_MASTER_OFF },
	{ T "pci_cfg_write nvme 01:00.0 @0x4 <- 0x507", EMU_NONE },
	{ T "pci_cfg_write nvme 01:00.0 @0x10 <- 0x0", EMU_NONE },
	{ T "pci_cfg_write pcie-root-port 00:03.0 @0x4 <- 0x103", EMU_BUS_MASTER_OFF },
	{ T "pci_cfg_write pcie-root-port 00:03.0 @0x3e <- 0x40", EMU_RESET },
	{ T "pci_cfg_write pcie-root-port 00:03.0 @0x3c <- 0x4001ff", EMU_RESET },
	{ T "pci_cfg_write pcie-root-port 00:03.0 @0x3c <- 0x4001ff00", EMU_NONE },
	{ T "pci_cfg_write pcie-root-port 00:03.0 @0x3e <- 0x2", EMU_NONE },
	{ T "pci_cfg_write nvme 01:00.0 @0x3e <- 0x40", EMU_NONE },
	{ T "pci_cfg_write e1000e 02:00.0 @0x4 <- 0x0", EMU_NONE },
	{ T "pci_cfg_write e1000e 05:00.0 @0x4 <- 0x0", EMU_BUS_MASTER_OFF },
	{ T "pci_cfg_write pcie-root-port 00:06.0 @0x3e <- 0x40", EMU_RESET },
	{ "", EMU_NONE },
	{ "half a li", EMU_NONE },
	{ "2026-11-21T12:24:12.946190Z", EMU_NONE },
	{ "2026-11-21T12:24:12.946190Zvtd_dmar_enable enable 0", EMU_NONE },
};

static void test_lines(void **state)
{
	static const struct lab_device devices[] = {
		{ "0000:01:00.0", "0000:00:03.0" }, { "0000:05:00.0", "0000:00:06.0" },
	};
	const struct emulog_watch w = { .devices = devices, .count = 2 };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (emulog_classify(&w, lines[i].line) != lines[i].kind)
			fail_msg("%s: %d", lines[i].line, (int)emulog_classify(&w, lines[i].line));
	}
}

static void test_time(void **state)
{
	(void)state;
	assert_true(emulog_time_us("1970-01-02T00:00:01.000002Z x") == 86401000002LL);
	assert_true(emulog_time_us("Invalid write at addr 0x0") == -1);
	assert_true(emulog_time_us("") == -1);
	/* A line that was cut off behind its time has none, and no kind either. */
	assert_true(emulog_time_us("1970-01-02T00:00:01.000002Z") == -1);
}

/* Every kind but the ordinary ones is a report, and has a name of its own. */
static void test_reports(void **state)
{
	(void)state;
	for (int kind = 0; kind < EMU_KINDS; kind++) {
		struct emulog_counts c = { 0 };
		bool ordinary = kind <= EMU_MACHINE_RESET;
		json_t *json;

		c.n[kind] = 3;
		json = emulog_json(&c);
		assert_int_equal(emulog_reports(&c), ordinary ? 0 : 3);
		assert_int_equal(json_object_size(json), EMU_KINDS - EMU_MACHINE_RESET - 1);
		json_decref(json);
	}
}

static void test_bystanders_are_reset_once(void **state)
{
	struct emulog_counts c = { 0 };

	(void)state;
	emulog_settle(&c, 1, false);
	assert_int_equal(emulog_reports(&c), 0);
	emulog_settle(&c, 1, true);
	assert_int_equal(emulog_reports(&c), 3);
	memset(&c, 0, sizeof(c));
	c.n[EMU_CONTROLLER_ENABLE] = 1;
	c.n[EMU_CONTROLLER_STOP] = 2;
	emulog_settle(&c, 1, true);
	assert_int_equal(emulog_reports(&c), 0);
	c.n[EMU_CONTROLLER_ENABLE] = 2;
	c.n[EMU_CONTROLLER_STOP] = 3;
	c.n[EMU_QUEUE_CREATE] = 1;
	emulog_settle(&c, 1, true);
	assert_int_equal(emulog_reports(&c), 3);
}

#define ON	T "vtd_dmar_enable enable 1"
#define OFF	T "vtd_dmar_enable enable 0"
#define AMD_ON	T "amdvi_control_status MMIO_STATUS state 0xc000000030483"
#define AMD_OFF	T "amdvi_control_status MMIO_STATUS state 0xc000000030482"
#define MASTER	T "pci_cfg_write e1000e 02:00.0 @0x4 <- 0x107"
#define QUIET	T "pci_cfg_write e1000e 02:00.0 @0x4 <- 0x503"
#define OTHER	T "pci_cfg_write e1000e 00:09.0 @0x4 <- 0x107"
#define RESET	T "ps2_kbd_reset 0x555573c379a8"
#define BEGIN	"begin"

static void test_order(void **state)
{
	static const struct {
		const char *lines[8];
		unsigned int off, unsafe;
	} logs[] = {
		{ { ON, MASTER, BEGIN }, 0, 0 },
		{ { ON, MASTER, BEGIN, QUIET, OFF }, 1, 0 },
		{ { ON, MASTER, BEGIN, OFF, QUIET }, 1, 1 },
		{ { ON, MASTER, BEGIN, QUIET, MASTER, OFF }, 1, 1 },
		{ { AMD_ON, MASTER, BEGIN, QUIET, AMD_OFF, AMD_OFF }, 1, 0 },
		{ { AMD_ON, MASTER, BEGIN, AMD_ON, AMD_OFF }, 1, 1 },
		{ { ON, OTHER, BEGIN, OFF }, 1, 0 },
		/* What was before is not asked for; off is off. */
		{ { ON, MASTER, OFF, BEGIN, OFF }, 0, 0 },
		/* After a reset all are off, and come up anew. */
		{ { ON, MASTER, BEGIN, RESET, OFF }, 0, 0 },
		{ { ON, MASTER, BEGIN, RESET, ON, OFF }, 1, 0 },
		/* A line that was cut off says nothing. */
		{ { ON, MASTER, BEGIN, "vtd_dmar_enable enable 0" }, 0, 0 },
	};
	static const struct lab_device devices[] = { { "0000:02:00.0", "0000:00:04.0" } };
	const struct emulog_watch w = { .devices = devices, .count = 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
		struct emulog_order o = { 0 };

		for (size_t j = 0; j < 8 && logs[i].lines[j]; j++) {
			if (strcmp(logs[i].lines[j], BEGIN) == 0)
				emulog_order_begin(&o);
			else
				emulog_follow(&o, &w, logs[i].lines[j]);
		}
		if (o.off != logs[i].off || o.unsafe != logs[i].unsafe)
			fail_msg("log %zu: off %u, unsafe %u", i, o.off, o.unsafe);
		assert_int_equal(!!o.bdf, !!o.unsafe);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_reports),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_bystanders_are_reset_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
