// SPDX-License-Identifier: GPL-2.0-only
/* Description: the agent's parameters: from the kernel command line, and from options */

#include "params.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "control.h"
#include "ledger.h"

const char params_usage[] =
	"usage: hf-agent [--name=value...]\n"
	"Keeps an NVMe drive and a NIC doing DMA through kexec after kexec, and checks every\n"
	"byte.\n"
	"Runs as root, once in every kernel; finds by itself whether it is the first.\n"
	"Each parameter is also read from the kernel command line, as hf.name=value.\n"
	"  --swaps=N        page tables replaced under DMA before the first jump (0)\n"
	"  --bench=N        compare nvme with fio, and nic with dpdk-testpmd, each for N seconds (0)\n"
	"  --cycles=N       jumps, 0 too (3)\n"
	"  --load=LIST      what does the DMA: nvme, nic on preserved devices; fio, dpdk beside\n"
	"                   them (nvme)\n"
	"  --control=NAME   in each cycle break something: configs/controls of Holdfast (none)\n"
	"  --exit=NAME      in the first cycle leave the straight way: configs/exits of Holdfast\n"
	"                   (none); again: what is left is to be gone on with; ended: it has been\n"
	"  --bystanders=LIST\n"
	"                   nvme, nic: kernel-owned devices that must work in each kernel ();\n"
	"                   the drive's data are overwritten\n"
	"  --depth=N        commands in flight, 1000 to 4095 (2000)\n"
	"  --rate=N         commands per second until the drain, at most (100)\n"
	"  --map_gib=N      map the drive's memory again and again, to N GiB more of IOVA, all in\n"
	"                   pages of 4 KiB: page tables as large as those of big guests (0)\n"
	"  --blackout_ms=N  how long the first blackout is expected to be (8000; with\n"
	"                   stretch 16000); the rate is lowered to last for twice as long\n"
	"  --session_kib=N  memory that the session hands over (0: none)\n"
	"  --nvme_bdf=A --nic_bdf=A --dpdk_bdf=A\n"
	"                   the devices, as dddd:bb:dd.f (0000:01:00.0, 02:00.0, 03:00.0)\n"
	"  --nic_depth=N    receive descriptors, to 65528; 0: as many as drivers use (0)\n"
	"  --stretch=0|1    the kernel sleeps at stretch points\n"
	"  --channel=PATH   where JSON lines go, and answers come from (/dev/ttyS1)\n"
	"  --kernel=PATH --initrd=PATH\n"
	"                   what the first kernel takes the next ones from\n"
	"                   (/boot/bzImage, /boot/base.cpio.zst)\n"
	"exit code: 0 pass, 1 fail, 2 usage or lab error\n";

struct field {
	const char *name;
	enum { NUMBER, FLAG, TEXT } type;
	size_t offset, size;	/* size of a text */
	unsigned long min, max;	/* of a number */
};

#define FIELD_NUMBER(_name, _min, _max) \
	{ .name = #_name, .type = NUMBER, .offset = offsetof(struct params, _name), \
	  .min = _min, .max = _max }
#define FIELD_TEXT(_name) \
	{ .name = #_name, .type = TEXT, .offset = offsetof(struct params, _name), \
	  .size = sizeof(((struct params *)0)->_name) }

static const struct field fields[] = {
	FIELD_NUMBER(swaps, 0, 999999),
	FIELD_NUMBER(bench, 0, 3600),
	FIELD_NUMBER(cycles, 0, 999999),
	FIELD_NUMBER(depth, 1000, LEDGER_SLOTS - 1),
	FIELD_NUMBER(rate, 1, 1000000),
	FIELD_NUMBER(map_gib, 0, 65536),
	FIELD_NUMBER(blackout_ms, 1, 1000000),
	FIELD_NUMBER(session_kib, 0, UINT32_MAX),
	{ .name = "stretch", .type = FLAG, .offset = offsetof(struct params, stretch), .max = 1 },
	FIELD_NUMBER(nic_depth, 0, NIC_RX_DEPTH_MAX),
	FIELD_TEXT(load), FIELD_TEXT(control), FIELD_TEXT(exit), FIELD_TEXT(bystanders), FIELD_TEXT(channel),
	FIELD_TEXT(kernel), FIELD_TEXT(initrd), FIELD_TEXT(nvme_bdf), FIELD_TEXT(nic_bdf),
	FIELD_TEXT(dpdk_bdf),
};

static int set_number(struct params *p, const struct field *f, const char *value)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (*value < '0' || *value > '9' || *end || n < f->min || n > f->max)
		return complain(-EINVAL, "%s=%s: not a number from %lu to %lu", f->name, value,
				f->min, f->max);
	if (f->type == FLAG)
		*(bool *)((char *)p + f->offset) = n;
	else
		*(uint32_t *)(void *)((char *)p + f->offset) = (uint32_t)n;
	return 0;
}

static int set(struct params *p, const char *name, size_t len, const char *value)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const struct field *f = &fields[i];

		if (strlen(f->name) != len || strncmp(f->name, name, len) != 0)
			continue;
		if (f->type != TEXT)
			return set_number(p, f, value);
		if (strlen(value) >= f->size)
			return complain(-EINVAL, "%s=%s: too long", f->name, value);
		strcpy((char *)p + f->offset, value);
		return 0;
	}
	return complain(-EINVAL, "unknown parameter %.*s", (int)len, name);
}

/* "name=value" */
static int set_pair(struct params *p, const char *pair)
{
	const char *equals = strchr(pair, '=');

	if (!equals)
		return complain(-EINVAL, "%s has no value", pair);
	return set(p, pair, (size_t)(equals - pair), equals + 1);
}

static int parse_cmdline(struct params *p, const char *cmdline)
{
	char *copy = strdup(cmdline), *rest = copy, *word;
	int err = copy ? 0 : -ENOMEM;

	while (!err && (word = strsep(&rest, " \t\n"))) {
		if (strncmp(word, "hf.", 3) == 0)
			err = set_pair(p, word + 3);
	}
	free(copy);
	return err;
}

static int parse_options(struct params *p, int argc, char **argv)
{
	int err = 0;

	for (int i = 1; i < argc && !err; i++) {
		const char *word = argv[i];

		if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
			p->help = true;
		else if (strncmp(word, "--", 2) != 0)
			err = complain(-EINVAL, "unknown argument %s", word);
		else if (!strchr(word, '=') && i + 1 < argc)
			err = set(p, word + 2, strlen(word + 2), argv[++i]);
		else
			err = set_pair(p, word + 2);
	}
	return err;
}

static int parse_loads(struct loads *loads, const char *list)
{
	const struct {
		const char *name;
		bool *there;
	} known[] = {
		{ "nvme", &loads->nvme }, { "nic", &loads->nic }, { "fio", &loads->fio },
		{ "dpdk", &loads->dpdk },
	};
	const char *word = list;

	for (;;) {
		size_t len = strcspn(word, ","), i = 0;

		while (i < 4 && (strlen(known[i].name) != len ||
				 strncmp(word, known[i].name, len) != 0))
			i++;
		if (i == 4 || *known[i].there)
			return complain(-EINVAL, "load=%s: %.*s is %s", list, (int)len, word,
					i == 4 ? "not known" : "there twice");
		*known[i].there = true;
		if (!word[len])
			return 0;
		word += len + 1;
	}
}

static bool known_exit(const char *name)
{
	static const char *const known[] = {
		"none", "again", "ended", "stopped", "probes", "die-preserved", "die-retrieved", "die-bound",
		"die-replaced", "die-finished", "finish-unretrieved", "iommu-off", "kho-off",
		"liveupdate-off", "anew", "scalable-next", "reboot-preserved",
		"reboot-live", "panic-preserved", "panic-live", "panic-early", "panic-late",
		"die-replacing", "die-live", "reap-absent", "freeze-fails", "pci-record",
		"pci-version", "iommu-version", "fingerprint", "out-of-memory",
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(name, known[i]) == 0)
			return true;
	}
	return false;
}

static int check(struct params *p)
{
	int err = parse_loads(&p->loads, p->load);

	if (err)
		return err;
	if (!p->loads.nvme && !p->loads.nic)
		return complain(-EINVAL, "load=%s: nothing would be preserved; add nvme or nic",
				p->load);
	if (p->bench && p->cycles)
		return complain(-EINVAL, "bench=%u: only with cycles=0", p->bench);
	if (p->bench && (!p->loads.nvme || !p->loads.nic || !p->loads.fio || !p->loads.dpdk))
		return complain(-EINVAL, "bench=%u needs load=nvme,nic,fio,dpdk", p->bench);
	if (p->map_gib && !p->loads.nvme)
		return complain(-EINVAL, "map_gib=%u needs load=nvme", p->map_gib);
	if (p->swaps && !p->loads.nvme)
		return complain(-EINVAL, "swaps=%u need load=nvme", p->swaps);
	if (!known_exit(p->exit))
		return complain(-EINVAL, "exit=%s is not known", p->exit);
	p->unpreserved = strcmp(p->control, "unpreserved") == 0;
	if (!control_known(p->control))
		return complain(-EINVAL, "control=%s is not known", p->control);
	if (!p->blackout_ms)
		p->blackout_ms = p->stretch ? 16000 : 8000;
	return 0;
}

int params_parse(struct params *p, const char *cmdline, int argc, char **argv)
{
	int err;

	*p = (struct params){
		.cycles = 3, .depth = 2000, .rate = 100, .load = "nvme", .control = "none", .exit = "none",
		.nvme_bdf = "0000:01:00.0", .nic_bdf = "0000:02:00.0",
		.dpdk_bdf = "0000:03:00.0", .channel = "/dev/ttyS1", .kernel = "/boot/bzImage",
		.initrd = "/boot/base.cpio.zst",
	};
	err = parse_cmdline(p, cmdline);
	if (!err)
		err = parse_options(p, argc, argv);
	return err ? err : check(p);
}
