// SPDX-License-Identifier: GPL-2.0-only
/* Description: PCI functions are decoded right, and only new errors of theirs are counted */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "topology.c"

static struct pci_access *pci;

static int setup(void **state)
{
	(void)state;
	complaint_clear();
	pci = pcidev_open("stress/test_topology.dump");
	return pci ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	pci_cleanup(pci);
	return 0;
}

static void is_described(const char *bdf, const char *expected)
{
	struct pci_dev *dev = pcidev_get(pci, bdf);
	json_t *all;
	char *text;

	assert_non_null(dev);
	all = describe(dev);
	pci_free_dev(dev);
	assert_non_null(all);
	text = json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, expected);
	free(text);
	json_decref(all);
}

static void root_port(void **state)
{
	(void)state;
	is_described("0000:00:03.0",
		     "{\"acs\":[\"source_validation\",\"request_redirect\","
		     "\"completion_redirect\",\"upstream_forwarding\"],\"bus_master\":true,"
		     "\"capabilities\":[\"aer\",\"acs\"],\"class\":\"060400\",\"device\":\"000c\","
		     "\"enabled\":[],\"intx_disabled\":true,\"link\":{\"max_speed\":16.0,"
		     "\"max_width\":16,\"speed\":8.0,\"width\":8},\"type\":\"root_port\","
		     "\"vendor\":\"1b36\",\"vfs\":null}");
}

static void endpoint_with_everything(void **state)
{
	(void)state;
	is_described("0000:01:00.0",
		     "{\"acs\":null,\"bus_master\":true,\"capabilities\":[\"flr\",\"aer\",\"ats\","
		     "\"pri\",\"pasid\",\"sriov\"],\"class\":\"020000\",\"device\":\"10c9\","
		     "\"enabled\":[\"ats\",\"pasid\",\"sriov\"],\"intx_disabled\":true,"
		     "\"link\":{\"max_speed\":5.0,\"max_width\":4,\"speed\":2.5,\"width\":4},"
		     "\"type\":\"endpoint\",\"vendor\":\"8086\",\"vfs\":{\"max\":8,\"now\":2}}");
}

static void link_that_is_down(void **state)
{
	(void)state;
	is_described("0000:02:00.0",
		     "{\"acs\":null,\"bus_master\":false,\"capabilities\":[],\"class\":\"060400\","
		     "\"device\":\"000d\",\"enabled\":[],\"intx_disabled\":false,\"link\":"
		     "{\"max_speed\":null,\"max_width\":1,\"speed\":null,\"width\":0},"
		     "\"type\":\"upstream_port\",\"vendor\":\"1b36\",\"vfs\":null}");
}

static void integrated_endpoint_has_no_link(void **state)
{
	(void)state;
	is_described("0000:00:08.0",
		     "{\"acs\":null,\"bus_master\":true,\"capabilities\":[\"sriov\"],"
		     "\"class\":\"010802\",\"device\":\"0010\",\"enabled\":[],"
		     "\"intx_disabled\":false,\"link\":null,\"type\":\"integrated_endpoint\","
		     "\"vendor\":\"1b36\",\"vfs\":{\"max\":4,\"now\":0}}");
}

static void conventional_function(void **state)
{
	(void)state;
	is_described("0000:00:1d.0",
		     "{\"acs\":null,\"bus_master\":true,\"capabilities\":[\"flr\"],"
		     "\"class\":\"0c0320\",\"device\":\"2934\",\"enabled\":[],"
		     "\"intx_disabled\":false,\"link\":null,\"type\":null,\"vendor\":\"8086\","
		     "\"vfs\":null}");
}

static void errors_are_read(void **state)
{
	struct pci_errors e;

	(void)state;
	assert_true(look(pci, "0000:00:03.0", &e));
	assert_int_equal(e.status, PCI_STATUS_REC_MASTER_ABORT);
	assert_int_equal(e.device, PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_URD);
	assert_int_equal(e.uncorrectable, PCI_ERR_UNC_UNSUP);
	assert_int_equal(e.correctable, PCI_ERR_COR_REP_ANFE);
	assert_true(look(pci, "0000:01:00.0", &e));
	assert_false(pcidev_any_error(&e));
	assert_false(look(pci, "0000:07:00.0", &e));
}

static struct topology watching(const char *bdf)
{
	struct topology t = { .count = 1 };

	snprintf(t.functions[0].bdf, PCIDEV_BDF_SIZE, "%s", bdf);
	return t;
}

static void new_errors_count(void **state)
{
	struct topology t = watching("0000:00:03.0");
	struct topology_changes changes;
	json_t *record;
	char *text;

	(void)state;
	compare(&t, pci, &changes);
	/* Master abort, unsupported request twice; correctable ones are only told of. */
	assert_int_equal(topology_findings(&changes), 3);
	record = topology_json(&changes);
	text = json_dumps(record, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, "[{\"bdf\":\"0000:00:03.0\",\"correctable\":8192,\"device\":9,"
			    "\"gone\":false,\"status\":8192,\"uncorrectable\":1048576}]");
	free(text);
	json_decref(record);
}

static void correctable_errors_are_told_of(void **state)
{
	struct topology t = watching("0000:00:03.0");
	struct topology_changes changes;

	(void)state;
	t.functions[0].errors = (struct pci_errors){
		.status = PCI_STATUS_REC_MASTER_ABORT, .device = PCI_EXP_DEVSTA_URD,
		.uncorrectable = PCI_ERR_UNC_UNSUP,
	};
	compare(&t, pci, &changes);
	assert_int_equal(changes.count, 1);
	assert_int_equal(changes.functions[0].errors.device, PCI_EXP_DEVSTA_CED);
	assert_int_equal(changes.functions[0].errors.correctable, PCI_ERR_COR_REP_ANFE);
	assert_int_equal(topology_findings(&changes), 0);
}

static void old_errors_are_not_new(void **state)
{
	struct topology t = watching("0000:00:03.0");
	struct topology_changes changes;
	json_t *record;

	(void)state;
	assert_true(look(pci, "0000:00:03.0", &t.functions[0].errors));
	compare(&t, pci, &changes);
	assert_true(changes.there);
	assert_int_equal(changes.count, 0);
	record = topology_json(&changes);
	assert_true(json_is_array(record));
	assert_int_equal(json_array_size(record), 0);
	json_decref(record);
}

static void function_that_is_gone_counts(void **state)
{
	struct topology t = watching("0000:07:00.0");
	struct topology_changes changes;

	(void)state;
	compare(&t, pci, &changes);
	assert_int_equal(changes.count, 1);
	assert_true(changes.functions[0].gone);
	assert_int_equal(topology_findings(&changes), 1);
}

static void nobody_looked(void **state)
{
	struct topology t = { 0 };
	struct topology_changes changes;
	json_t *record;

	(void)state;
	compare(&t, pci, &changes);
	record = topology_json(&changes);
	assert_true(json_is_null(record));
	json_decref(record);
}

static void path_is_walked_to_the_root(void **state)
{
	struct list l = { 0 };

	(void)state;
	walk_up(&l, "/sys/devices/pci0000:80/0000:80:01.1/0000:81:00.0/0000:82:04.0/0000:83:00.1");
	assert_int_equal(l.count, 4);
	assert_string_equal(l.functions[0].bdf, "0000:83:00.1");
	assert_true(l.functions[0].under_test);
	assert_string_equal(l.functions[1].bdf, "0000:82:04.0");
	assert_false(l.functions[1].under_test);
	assert_string_equal(l.functions[3].bdf, "0000:80:01.1");
	assert_false(l.functions[3].under_test);
}

/* A domain behind a function of another one, with a long number. */
static void domain_below_a_function(void **state)
{
	struct list l = { 0 };

	(void)state;
	walk_up(&l, "/sys/devices/pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0");
	assert_int_equal(l.count, 3);
	assert_string_equal(l.functions[0].bdf, "10000:e1:00.0");
	assert_string_equal(l.functions[2].bdf, "0000:00:0e.0");
}

static void shared_bridge_is_listed_once(void **state)
{
	struct list l = { 0 };

	(void)state;
	walk_up(&l, "/sys/devices/pci0000:00/0000:00:03.0/0000:01:00.0");
	walk_up(&l, "/sys/devices/pci0000:00/0000:00:03.0/0000:01:00.1");
	walk_up(&l, "/sys/devices/pci0000:00/0000:00:03.0/0000:01:00.1");
	assert_int_equal(l.count, 3);
	assert_string_equal(l.functions[2].bdf, "0000:01:00.1");
	assert_true(l.functions[2].under_test);
}

static void ledger_has_an_end(void **state)
{
	struct topology t;
	struct list l = { 0 };
	char path[64];

	(void)state;
	for (int i = 0; i < TOLD_MAX + 3; i++) {
		snprintf(path, sizeof(path), "/sys/devices/pci0000:00/0000:%02x:00.0", i);
		walk_up(&l, path);
		watch(&t, &l);
		assert_int_equal(t.count, i < TOPOLOGY_FUNCTIONS ? i + 1 : TOPOLOGY_FUNCTIONS);
		assert_int_equal(t.left_out, i + 1 - (int)t.count);
	}
	assert_int_equal(l.count, TOLD_MAX);
	assert_string_equal(t.functions[TOPOLOGY_FUNCTIONS - 1].bdf, "0000:0f:00.0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_port),
		cmocka_unit_test(endpoint_with_everything),
		cmocka_unit_test(link_that_is_down),
		cmocka_unit_test(integrated_endpoint_has_no_link),
		cmocka_unit_test(conventional_function),
		cmocka_unit_test(errors_are_read),
		cmocka_unit_test(new_errors_count),
		cmocka_unit_test(correctable_errors_are_told_of),
		cmocka_unit_test(old_errors_are_not_new),
		cmocka_unit_test(function_that_is_gone_counts),
		cmocka_unit_test(nobody_looked),
		cmocka_unit_test(path_is_walked_to_the_root),
		cmocka_unit_test(domain_below_a_function),
		cmocka_unit_test(shared_bridge_is_listed_once),
		cmocka_unit_test(ledger_has_an_end),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
