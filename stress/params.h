/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: the agent's parameters: from the kernel command line, and from options */

#ifndef HF_PARAMS_H
#define HF_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What does the DMA: nvme and nic on preserved devices, the others beside them. */
struct loads {
	bool nvme, nic, fio, dpdk;
};

struct params {
	uint32_t swaps;		/* page tables replaced before the first jump */
	uint32_t bench;		/* seconds of each load that is compared with others, before the first */
				/* jump; 0: none is */
	uint32_t cycles;	/* jumps */
	uint32_t depth;		/* commands in flight */
	uint32_t rate;		/* commands per second until the drain, at most */
	uint32_t map_gib;	/* of the drive's IOVA, in pages of 4 KiB, on the same memory again */
	uint32_t blackout_ms;	/* how long the first one is expected to be */
	uint32_t session_kib;	/* memory that the session hands over; 0: none */
	bool stretch;		/* the kernel sleeps at stretch points */
	bool unpreserved;	/* control: preserve only memory */
	bool help;
	struct loads loads;	/* of load[] */
	uint32_t nic_depth;	/* descriptors of the receive ring; 0: as many as are usual */
	char exit[32];		/* what the agent does to leave the straight way; see params_usage */
	char load[32], control[32], bystanders[32], channel[128], kernel[128], initrd[128];
	char nvme_bdf[32], nic_bdf[32], dpdk_bdf[32];
};

/*
 * Defaults, then the "hf.name=value" words of @cmdline, then "--name=value" (or
 * "--name value") options. -EINVAL with a complaint: a bad value, an unknown
 * option, or an unknown hf. word: a typing error must not become a default.
 */
int params_parse(struct params *p, const char *cmdline, int argc, char **argv);

extern const char params_usage[];

#endif /* HF_PARAMS_H */
