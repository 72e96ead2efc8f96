// SPDX-License-Identifier: GPL-2.0-only
/* Description: the functions under test and the bridges above them: what they are, and report */

#include "topology.h"

#include <errno.h>
#include <limits.h>
#include <pci/pci.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"

#define ALL_ONES 0xffff		/* COMMAND of a function that does not answer */

/*
 * What a function is, from its configuration space
 */

static const char *const types[16] = {
	[PCI_EXP_TYPE_ENDPOINT] = "endpoint",
	[PCI_EXP_TYPE_LEG_END] = "legacy_endpoint",
	[PCI_EXP_TYPE_ROOT_PORT] = "root_port",
	[PCI_EXP_TYPE_UPSTREAM] = "upstream_port",
	[PCI_EXP_TYPE_DOWNSTREAM] = "downstream_port",
	[PCI_EXP_TYPE_PCI_BRIDGE] = "pcie_to_pci_bridge",
	[PCI_EXP_TYPE_PCIE_BRIDGE] = "pci_to_pcie_bridge",
	[PCI_EXP_TYPE_ROOT_INT_EP] = "integrated_endpoint",
	[PCI_EXP_TYPE_ROOT_EC] = "event_collector",
};

static const struct {
	unsigned int bit;
	const char *name;
} acs_controls[] = {
	{ PCI_ACS_CTRL_VALID, "source_validation" },
	{ PCI_ACS_CTRL_BLOCK, "translation_blocking" },
	{ PCI_ACS_CTRL_REQ_RED, "request_redirect" },
	{ PCI_ACS_CTRL_CMPLT_RED, "completion_redirect" },
	{ PCI_ACS_CTRL_FORWARD, "upstream_forwarding" },
	{ PCI_ACS_CTRL_EGRESS, "egress_control" },
	{ PCI_ACS_CTRL_TRANS, "direct_translated" },
};

/* Extended capabilities that are told of, and the bit that switches each on, if one does. */
static const struct {
	unsigned int id;
	const char *name;
	int control;		/* offset of a word */
	unsigned int enable;
} extended[] = {
	{ PCI_EXT_CAP_ID_AER, "aer", 0, 0 },
	{ PCI_EXT_CAP_ID_ACS, "acs", 0, 0 },
	{ PCI_EXT_CAP_ID_ATS, "ats", PCI_ATS_CTRL, PCI_ATS_CTRL_ENABLE },
	{ PCI_EXT_CAP_ID_PRI, "pri", PCI_PRI_CTRL, PCI_PRI_CTRL_ENABLE },
	{ PCI_EXT_CAP_ID_PASID, "pasid", PCI_PASID_CTRL, PCI_PASID_CTRL_ENABLE },
	{ PCI_EXT_CAP_ID_SRIOV, "sriov", PCI_IOV_CTRL, PCI_IOV_CTRL_VFE },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct pci_cap *normal_cap(struct pci_dev *dev, unsigned int id)
{
	return pci_find_cap(dev, id, PCI_CAP_NORMAL);
}

static struct pci_cap *extended_cap(struct pci_dev *dev, unsigned int id)
{
	return pci_find_cap(dev, id, PCI_CAP_EXTENDED);
}

static unsigned int word_of(struct pci_dev *dev, const struct pci_cap *cap, int offset)
{
	return pci_read_word(dev, (int)cap->addr + offset);
}

/* GT/s; null: a code of which this program does not know the meaning. */
static json_t *speed_json(unsigned int code)
{
	static const double speeds[] = { 0, 2.5, 5, 8, 16, 32, 64 };

	return code && code < COUNT(speeds) ? json_real(speeds[code]) : json_null();
}

/* -1: no PCI Express */
static int express_type(struct pci_dev *dev, const struct pci_cap *exp)
{
	if (!exp)
		return -1;
	return (int)((word_of(dev, exp, PCI_EXP_FLAGS) & PCI_EXP_FLAGS_TYPE) >> 4);
}

static json_t *type_json(int type)
{
	return type >= 0 && types[type] ? json_string(types[type]) : json_null();
}

static json_t *link_json(struct pci_dev *dev, const struct pci_cap *exp, int type)
{
	unsigned int cap, status;

	/* What is part of the root complex has no link, and no such registers. */
	if (type < 0 || type == PCI_EXP_TYPE_ROOT_INT_EP || type == PCI_EXP_TYPE_ROOT_EC)
		return json_null();
	cap = pci_read_long(dev, (int)exp->addr + PCI_EXP_LNKCAP);
	status = word_of(dev, exp, PCI_EXP_LNKSTA);
	return json_pack("{s:o,s:i,s:o,s:i}", "speed", speed_json(status & PCI_EXP_LNKSTA_SPEED),
			 "width", (int)((status & PCI_EXP_LNKSTA_WIDTH) >> 4),
			 "max_speed", speed_json(cap & PCI_EXP_LNKCAP_SPEED),
			 "max_width", (int)((cap & PCI_EXP_LNKCAP_WIDTH) >> 4));
}

/* Function level reset: of PCI Express, or that of devices in the root complex. */
static bool has_flr(struct pci_dev *dev, const struct pci_cap *exp)
{
	const struct pci_cap *af = normal_cap(dev, PCI_CAP_ID_AF);

	if (exp && pci_read_long(dev, (int)exp->addr + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLRESET)
		return true;
	return af && pci_read_byte(dev, (int)af->addr + PCI_AF_CAP) & PCI_AF_CAP_FLR;
}

/* The extended capabilities that are there to @there, those that are switched on to @on. */
static void list_extended(struct pci_dev *dev, json_t *there, json_t *on)
{
	for (size_t i = 0; i < COUNT(extended); i++) {
		const struct pci_cap *cap = extended_cap(dev, extended[i].id);

		if (!cap)
			continue;
		json_array_append_new(there, json_string(extended[i].name));
		if (extended[i].enable && word_of(dev, cap, extended[i].control) &
		    extended[i].enable)
			json_array_append_new(on, json_string(extended[i].name));
	}
}

static json_t *acs_json(struct pci_dev *dev)
{
	const struct pci_cap *acs = extended_cap(dev, PCI_EXT_CAP_ID_ACS);
	json_t *on;

	if (!acs)
		return json_null();
	on = json_array();
	for (size_t i = 0; i < COUNT(acs_controls); i++) {
		if (word_of(dev, acs, PCI_ACS_CTRL) & acs_controls[i].bit)
			json_array_append_new(on, json_string(acs_controls[i].name));
	}
	return on;
}

static json_t *vfs_json(struct pci_dev *dev)
{
	const struct pci_cap *iov = extended_cap(dev, PCI_EXT_CAP_ID_SRIOV);
	bool on;

	if (!iov)
		return json_null();
	/* The number stays when they are switched off. */
	on = word_of(dev, iov, PCI_IOV_CTRL) & PCI_IOV_CTRL_VFE;
	return json_pack("{s:i,s:i}", "now", on ? (int)word_of(dev, iov, PCI_IOV_NUMVF) : 0,
			 "max", (int)word_of(dev, iov, PCI_IOV_TOTALVF));
}

static json_t *id_json(const char *format, unsigned int id)
{
	char text[16];

	snprintf(text, sizeof(text), format, id);
	return json_string(text);
}

static json_t *describe(struct pci_dev *dev)
{
	struct pci_cap *exp = normal_cap(dev, PCI_CAP_ID_EXP);
	unsigned int command = pci_read_word(dev, PCI_COMMAND);
	json_t *there = json_array(), *on = json_array();
	int type = express_type(dev, exp);

	if (has_flr(dev, exp))
		json_array_append_new(there, json_string("flr"));
	list_extended(dev, there, on);
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:b}",
			 "vendor", id_json("%04x", dev->vendor_id),
			 "device", id_json("%04x", dev->device_id),
			 "class", id_json("%06x", (unsigned int)dev->device_class << 8 |
					  dev->prog_if),
			 "type", type_json(type), "link", link_json(dev, exp, type),
			 "capabilities", there, "enabled", on, "acs", acs_json(dev),
			 "vfs", vfs_json(dev), "bus_master", !!(command & PCI_COMMAND_MASTER),
			 "intx_disabled", !!(command & PCI_COMMAND_DISABLE_INTx));
}

/*
 * Which functions there are
 */

#define TOLD_MAX 64		/* functions */

struct function {
	char bdf[PCIDEV_BDF_SIZE];
	bool under_test;	/* or a bridge above one that is */
};

struct list {
	size_t count, left_out;
	struct function functions[TOLD_MAX];
};

/* Is this part of a path a function? "pci0000:00", the root, is none. */
static bool is_bdf(const char *text, size_t len)
{
	unsigned int part[4];
	int used = 0;

	if (len >= PCIDEV_BDF_SIZE || !strchr("0123456789abcdef", text[0]))
		return false;
	return sscanf(text, "%x:%x:%x.%x%n", &part[0], &part[1], &part[2], &part[3],
		      &used) == 4 && (size_t)used == len;
}

static void add(struct list *l, const char *bdf, size_t len, bool under_test)
{
	struct function f = { .under_test = under_test };

	memcpy(f.bdf, bdf, len);
	for (size_t i = 0; i < l->count; i++) {
		if (strcmp(l->functions[i].bdf, f.bdf) == 0)
			return;
	}
	if (l->count < TOLD_MAX)
		l->functions[l->count++] = f;
	else
		l->left_out++;
}

/*
 * From the end of a device's real path in sysfs, /sys/devices/pci0000:00/0000:00:03.0/...,
 * to the root: the function itself first.
 */
static void walk_up(struct list *l, const char *path)
{
	size_t end = strlen(path);
	bool bridge = false;

	while (end) {
		size_t start = end;

		while (start && path[start - 1] != '/')
			start--;
		if (start < end && is_bdf(path + start, end - start)) {
			add(l, path + start, end - start, !bridge);
			bridge = true;
		}
		end = start ? start - 1 : 0;
	}
}

static int find(struct list *l, const char *bdf)
{
	char link[96], path[PATH_MAX];

	snprintf(link, sizeof(link), "/sys/bus/pci/devices/%s", bdf);
	if (!realpath(link, path))
		return complain(-ENODEV, "no device %s", bdf);
	walk_up(l, path);
	return 0;
}

/* As many as there is room for. */
static void watch(struct topology *t, const struct list *l)
{
	*t = (struct topology){ .left_out = (uint32_t)l->left_out };
	for (size_t i = 0; i < l->count; i++) {
		if (t->count == TOPOLOGY_FUNCTIONS)
			t->left_out++;
		else
			memcpy(t->functions[t->count++].bdf, l->functions[i].bdf, PCIDEV_BDF_SIZE);
	}
}

static int tell(struct channel *c, struct pci_access *pci, const struct function *f, bool watched)
{
	struct pci_dev *dev = pcidev_get(pci, f->bdf);
	int group = pcidev_group(f->bdf);
	char driver[64];
	json_t *event;
	int err;

	if (!dev)
		return complain(-ENODEV, "no device %s", f->bdf);
	pcidev_driver(f->bdf, driver, sizeof(driver));
	event = describe(dev);
	pci_free_dev(dev);
	json_object_update_new(event, json_pack("{s:s,s:b,s:b,s:o,s:o}", "bdf", f->bdf,
						"under_test", (int)f->under_test,
						"watched", (int)watched, "driver",
						driver[0] ? json_string(driver) : json_null(),
						"iommu_group",
						group < 0 ? json_null() : json_integer(group)));
	err = channel_send(c, "function", event);
	return err ? complain(err, "the lab cannot be told of %s", f->bdf) : 0;
}

int topology_start(struct topology *t, struct channel *c, const char *const *bdfs, size_t count)
{
	struct pci_access *pci = pcidev_open(NULL);
	struct list l = { 0 };
	int err = 0;

	if (!pci)
		return complain(-ENODEV, "no PCI");
	for (size_t i = 0; i < count && !err; i++)
		err = find(&l, bdfs[i]);
	watch(t, &l);
	for (size_t i = 0; i < l.count && !err; i++)
		err = tell(c, pci, &l.functions[i], i < t->count);
	pci_cleanup(pci);
	if (t->left_out)
		channel_progress(c, "%d PCI functions are watched for errors, %u are left out",
				 TOPOLOGY_FUNCTIONS, t->left_out);
	return err;
}

/*
 * Errors
 */

/* False: the function is not there, or does not answer. */
static bool look(struct pci_access *pci, const char *bdf, struct pci_errors *e)
{
	struct pci_dev *dev = pcidev_get(pci, bdf);
	bool answers = dev && pci_read_word(dev, PCI_COMMAND) != ALL_ONES;

	*e = (struct pci_errors){ 0 };
	if (answers)
		pcidev_read_errors(dev, e);
	if (dev)
		pci_free_dev(dev);
	return answers;
}

void topology_read(struct topology *t)
{
	struct pci_access *pci = pcidev_open(NULL);

	for (uint32_t i = 0; pci && i < t->count; i++)
		look(pci, t->functions[i].bdf, &t->functions[i].errors);
	if (pci)
		pci_cleanup(pci);
}

/*
 * Bits that were set before the jump say nothing about it, and cannot be told from new ones of
 * the same kind: nobody here clears any.
 */
static void compare(const struct topology *t, struct pci_access *pci,
		    struct topology_changes *changes)
{
	*changes = (struct topology_changes){ .there = t->count };
	for (uint32_t i = 0; i < t->count; i++) {
		const struct topology_function *f = &t->functions[i];
		struct topology_change *change = &changes->functions[changes->count];
		struct pci_errors now;

		change->gone = !look(pci, f->bdf, &now);
		change->errors = pcidev_new_errors(&f->errors, &now);
		memcpy(change->bdf, f->bdf, sizeof(change->bdf));
		if (change->gone || pcidev_any_error(&change->errors))
			changes->count++;
	}
}

void topology_compare(const struct topology *t, struct topology_changes *changes)
{
	struct pci_access *pci = pcidev_open(NULL);

	*changes = (struct topology_changes){ 0 };
	if (!pci)
		return;
	compare(t, pci, changes);
	pci_cleanup(pci);
}

unsigned int topology_findings(const struct topology_changes *changes)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < changes->count; i++)
		n += changes->functions[i].gone +
		     pcidev_count_errors(&changes->functions[i].errors);
	return n;
}

json_t *topology_json(const struct topology_changes *changes)
{
	json_t *all;

	if (!changes->there)
		return json_null();
	all = json_array();
	for (uint32_t i = 0; i < changes->count; i++) {
		const struct topology_change *f = &changes->functions[i];

		json_array_append_new(all, json_pack("{s:s,s:b,s:i,s:i,s:I,s:I}", "bdf", f->bdf,
						     "gone", (int)f->gone,
						     "status", (int)f->errors.status,
						     "device", (int)f->errors.device,
						     "uncorrectable",
						     (json_int_t)f->errors.uncorrectable,
						     "correctable",
						     (json_int_t)f->errors.correctable));
	}
	return all;
}
