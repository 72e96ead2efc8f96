// SPDX-License-Identifier: GPL-2.0-only
/* Description: fuzz target: the kernel command line, and options */

/* Input: the command line on the first line, an option on each of the others. */

#include "../stress/params.c"

#include <jansson.h>

#include "fuzz.h"

#define OPTIONS 8

static void check_complaint(void)
{
	json_t *text = json_string(complaint());

	MUST(*complaint());
	/* It is told to the lab. */
	MUST(text);
	json_decref(text);
}

static void check_result(const struct params *p)
{
	MUST(p->depth >= 1000 && p->depth < LEDGER_SLOTS);
	MUST(p->loads.nvme || p->loads.nic);
	MUST(p->nic_depth <= NIC_RX_DEPTH_MAX);
	MUST(memchr(p->initrd, 0, sizeof(p->initrd)) && memchr(p->nic_bdf, 0, sizeof(p->nic_bdf)));
	MUST(control_known(p->control));
}

FUZZ()
{
	struct fuzz f = { data, size };
	char *cmdline = fuzz_line(&f), *argv[OPTIONS + 1] = { (char *)(uintptr_t)"hf-agent" };
	struct params p;
	int argc = 1;

	complaint_clear();
	while (f.left && argc <= OPTIONS)
		argv[argc++] = fuzz_line(&f);
	if (params_parse(&p, cmdline, argc, argv))
		check_complaint();
	else
		check_result(&p);
	while (argc > 1)
		free(argv[--argc]);
	free(cmdline);
	return 0;
}
