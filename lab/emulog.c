// SPDX-License-Identifier: GPL-2.0-only
/* Description: the emulator's own log as an oracle outside the guest */

#include "emulog.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PCI_COMMAND		0x04
#define PCI_COMMAND_MASTER	0x04
#define PCI_BRIDGE_CONTROL	0x3e
#define PCI_BRIDGE_BUS_RESET	0x40
#define NVME_CC_SHUTDOWN	0xc000
#define AMD_CONTROL_ENABLE	0x01
#define OUR_QUEUE		64	/* NVME_IO_QUEUE of the agent */

static const char *const names[EMU_KINDS] = {
	[EMU_IOMMU_FAULT] = "iommu_faults",
	[EMU_INVALID_DTE] = "invalid_dte",
	[EMU_IOMMU_ERROR] = "iommu_errors",
	[EMU_BLOCKED] = "blocked_accesses",
	[EMU_TRANSLATION_OFF] = "translation_off",
	[EMU_CONTROLLER_ENABLE] = "controller_enable",
	[EMU_CONTROLLER_STOP] = "controller_stop",
	[EMU_QUEUE_CREATE] = "queue_create",
	[EMU_NVME_ERROR] = "nvme_errors",
	[EMU_BUS_MASTER_OFF] = "bus_master_off",
	[EMU_RESET] = "resets",
};

/* Is "bb:dd.f" the address @bdf? The emulator knows one domain only. */
static bool is_at(const char *where, const char *bdf)
{
	const char *bus = strchr(bdf, ':');

	return bus && strcmp(where, bus + 1) == 0;
}

/* "pci_cfg_write NAME bb:dd.f @0xOFFSET <- 0xVALUE" */
static enum emulog_kind classify_config(const struct emulog_watch *w, const char *text)
{
	bool port = false, device = false;
	unsigned int offset, value;
	char where[16];

	if (sscanf(text, "%*s %15s @0x%x <- 0x%x", where, &offset, &value) != 3)
		return EMU_NONE;
	for (unsigned int i = 0; i < w->count; i++) {
		device |= is_at(where, w->devices[i].bdf);
		port |= is_at(where, w->devices[i].port);
	}
	if (!port && !device)
		return EMU_NONE;
	if (offset == PCI_COMMAND && !(value & PCI_COMMAND_MASTER))
		return EMU_BUS_MASTER_OFF;
	/* Bridge control is the upper half of the double word before it. */
	if (port && ((offset == PCI_BRIDGE_CONTROL && (value & PCI_BRIDGE_BUS_RESET)) ||
		     (offset == PCI_BRIDGE_CONTROL - 2 && (value >> 16 & PCI_BRIDGE_BUS_RESET))))
		return EMU_RESET;
	return EMU_NONE;
}

static enum emulog_kind classify_blocked(const char *line)
{
	/* Processors that look for a BIOS are no device's DMA. */
	return strstr(line, "'pc.bios'") ? EMU_NONE : EMU_BLOCKED;
}

static bool starts(const char *text, const char *with, const char **rest)
{
	size_t len = strlen(with);

	if (strncmp(text, with, len))
		return false;
	*rest = text + len;
	return true;
}

static unsigned long value_after(const char *text, const char *mark)
{
	const char *at = strstr(text, mark);

	return at ? strtoul(at + strlen(mark), NULL, 0) : 0;
}

/* @kind if the queue whose number follows @mark is ours. */
static enum emulog_kind of_queue(const char *text, const char *mark, enum emulog_kind kind)
{
	return value_after(text, mark) == OUR_QUEUE ? kind : EMU_BYSTANDER;
}

static enum emulog_kind classify_nvme(const char *text)
{
	const char *rest;

	if (starts(text, "enqueue_req_completion ", &rest))
		return of_queue(rest, "cqid ", EMU_COMPLETION);
	if (starts(text, "mmio_start_", &rest))
		return EMU_CONTROLLER_ENABLE;
	if (starts(text, "mmio_cfg ", &rest))
		return value_after(rest, "config=") & NVME_CC_SHUTDOWN ? EMU_CONTROLLER_STOP :
									 EMU_NONE;
	if (starts(text, "mmio_stopped ", &rest))
		return EMU_CONTROLLER_STOP;
	if (starts(text, "create_sq ", &rest))
		return of_queue(rest, "sqid=", EMU_QUEUE_CREATE);
	if (starts(text, "create_cq ", &rest))
		return of_queue(rest, "cqid=", EMU_QUEUE_CREATE);
	if (starts(text, "pci_reset ", &rest))
		return EMU_RESET;
	if (starts(text, "err_", &rest))
		return EMU_NVME_ERROR;
	return EMU_NONE;
}

static enum emulog_kind classify_vtd(const char *text)
{
	const char *rest;

	if (starts(text, "dmar_fault ", &rest))
		return EMU_IOMMU_FAULT;
	if (starts(text, "dmar_enable ", &rest) && !value_after(rest, "enable "))
		return EMU_TRANSLATION_OFF;
	return EMU_NONE;
}

/* "control_status MMIO_STATUS state 0x..." shows the control register after a write. */
static enum emulog_kind classify_amdvi(const char *text)
{
	const char *rest;

	if (starts(text, "page_fault ", &rest))
		return EMU_IOMMU_FAULT;
	if (starts(text, "invalid_dte ", &rest) || starts(text, "dte_get_fail ", &rest) ||
	    starts(text, "mode_invalid ", &rest))
		return EMU_INVALID_DTE;
	if (starts(text, "get_pte_hwerror ", &rest) || starts(text, "command_read_fail ", &rest) ||
	    starts(text, "completion_wait_fail ", &rest) || starts(text, "evntlog_fail ", &rest))
		return EMU_IOMMU_ERROR;
	if (starts(text, "control_status ", &rest) &&
	    !(value_after(rest, "state ") & AMD_CONTROL_ENABLE))
		return EMU_TRANSLATION_OFF;
	return EMU_NONE;
}

/* The time that @line begins with, and what is behind it. False: there is none. */
static bool take_time(const char *line, int64_t *when_us, const char **rest)
{
	struct tm tm = { 0 };
	int us, end = 0;

	if (sscanf(line, "%4d-%2d-%2dT%2d:%2d:%2d.%6dZ%n", &tm.tm_year, &tm.tm_mon,
		   &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &us, &end) != 7 ||
	    !end || line[end] != ' ')
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*when_us = (int64_t)timegm(&tm) * 1000000 + us;
	*rest = line + end + 1;
	return true;
}

enum emulog_kind emulog_classify(const struct emulog_watch *w, const char *line)
{
	const char *text = line;
	const char *rest;
	int64_t us;

	if (take_time(line, &us, &rest))
		text = rest;
	if (starts(text, "pci_nvme_", &rest))
		return classify_nvme(rest);
	if (starts(text, "pci_cfg_write ", &rest))
		return classify_config(w, rest);
	if (starts(text, "vtd_", &rest))
		return classify_vtd(rest);
	if (starts(text, "amdvi_", &rest))
		return classify_amdvi(rest);
	if (starts(text, "ps2_kbd_reset ", &rest))
		return EMU_MACHINE_RESET;
	if (starts(text, "Invalid access ", &rest) || starts(text, "Invalid read at ", &rest) ||
	    starts(text, "Invalid write at ", &rest))
		return classify_blocked(rest);
	return EMU_NONE;
}

static void set_translating(struct emulog_order *o, const struct emulog_watch *w, bool on)
{
	bool unsafe = false;

	if (o->translating && !on) {
		o->off++;
		for (unsigned int i = 0; i < w->count; i++) {
			if (o->master[i] && !o->bdf)
				o->bdf = w->devices[i].bdf;
			unsafe |= o->master[i];
		}
		o->unsafe += unsafe;
	}
	o->translating = on;
}

static void follow_config(struct emulog_order *o, const struct emulog_watch *w, const char *text)
{
	unsigned int offset, value;
	char where[16];

	if (sscanf(text, "%*s %15s @0x%x <- 0x%x", where, &offset, &value) != 3 ||
	    offset != PCI_COMMAND)
		return;
	for (unsigned int i = 0; i < w->count; i++) {
		if (is_at(where, w->devices[i].bdf))
			o->master[i] = value & PCI_COMMAND_MASTER;
	}
}

void emulog_follow(struct emulog_order *o, const struct emulog_watch *w, const char *line)
{
	const char *text, *rest;
	int64_t us;

	if (!take_time(line, &us, &text))
		return;
	if (starts(text, "pci_cfg_write ", &rest)) {
		follow_config(o, w, rest);
	} else if (starts(text, "vtd_dmar_enable ", &rest)) {
		set_translating(o, w, value_after(rest, "enable "));
	} else if (starts(text, "amdvi_control_status ", &rest)) {
		set_translating(o, w, value_after(rest, "state ") & AMD_CONTROL_ENABLE);
	} else if (starts(text, "ps2_kbd_reset ", &rest)) {
		/* Registers are reset without a line of their own. */
		o->resets++;
		memset(o->master, 0, sizeof(o->master));
		o->translating = false;
	}
}

void emulog_order_begin(struct emulog_order *o)
{
	o->off = 0;
	o->unsafe = 0;
	o->bdf = NULL;
	o->resets = 0;
}

int64_t emulog_time_us(const char *line)
{
	const char *rest;
	int64_t us;

	return take_time(line, &us, &rest) ? us : -1;
}

void emulog_settle(struct emulog_counts *c, uint64_t drives, bool whole)
{
	static const struct {
		enum emulog_kind kind;
		uint64_t times;
	} once[] = {
		{ EMU_CONTROLLER_ENABLE, 1 },
		{ EMU_CONTROLLER_STOP, 2 },	/* told of the shutdown, then reset */
	};

	for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++) {
		uint64_t *n = &c->n[once[i].kind], right = drives * once[i].times;

		if (*n >= right)
			*n -= right;
		else
			*n = whole ? right - *n : 0;
	}
}

uint64_t emulog_reports(const struct emulog_counts *c)
{
	uint64_t sum = 0;

	for (int kind = 0; kind < EMU_KINDS; kind++) {
		if (names[kind])
			sum += c->n[kind];
	}
	return sum;
}

json_t *emulog_json(const struct emulog_counts *c)
{
	json_t *counts = json_object();

	for (int kind = 0; kind < EMU_KINDS; kind++) {
		if (names[kind])
			json_object_set_new(counts, names[kind],
					    json_integer((json_int_t)c->n[kind]));
	}
	return counts;
}
