/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: one run of the machine under test, from its start to its verdict */

#ifndef HF_SESSION_H
#define HF_SESSION_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "lab.h"

struct session_config {
	char *const *command;	/* what starts the machine */
	const char *dir;	/* build/results/<run-id> */
	bool has_qmp;		/* false: a real machine; no rate, no looks, no log */
	const char *loads;	/* "nvme,nic,fio,dpdk" or some of them; nic and dpdk have a source */
	int frame_rate;		/* of each source, frames per second; 0: as fast as it goes */
	const char *damage;	/* from the first jump on, of frames (hf-frames --help); or "drive": */
				/* a byte of the kernel's own drive, in each jump; or NULL */
	const char *bystanders;	/* "nvme,nic", either or "": the guest's kernel's own devices */
	const char *ends;	/* ... and what that ends with: "cycle", "anew" or "quiet" */
	const char *exit;	/* how the agent leaves the straight way (configs/exits), or NULL */
	const char *translation; /* what must come of it then: lab/judge.h */
	json_int_t swaps;	/* page tables that the agent is to replace before the first jump */
	bool bench;		/* the agent is to compare loads before the first jump */
	json_int_t cycles;
	struct lab_device devices[LAB_DEVICES]; /* preserved: to be looked at from outside */
	unsigned int device_count;
	const char *beside[LAB_BESIDE]; /* other devices on the same IOMMU */
	unsigned int beside_count;
	const char *iommu;	/* "intel" or "amd" */
	uint64_t ecam, iommu_regs;
	/* Seconds: start to hello, hello or record to jump, jump to hello, hello to record. */
	int boot_s, load_s, jump_s, drain_s, run_s;
	/* Set by a signal handler: end the run, keep what there is. */
	const volatile sig_atomic_t *interrupted;
};

struct session_result {
	enum lab_verdict verdict;
	char reason[512];
	json_t *cycles;		/* the records, as in cycles.jsonl */
	json_t *swaps;		/* what came of them; NULL: none were reported */
	json_t *exits;		/* what it has tried on the way, and what came of it; NULL: nothing */
	json_t *bench;		/* what the agent has compared; NULL: nothing */
	json_t *drift;		/* lab/drift.h; NULL: too few cycles */
	json_t *frames;		/* summary of each source, by its load; NULL: there was none */
	json_t *topology;	/* array: what the agent told of PCI functions; NULL: nothing */
	char kernel[128];	/* empty: no hello came */
	char accel[16];		/* "tcg" or "kvm"; empty: unknown */
	char emulator[128];
	unsigned int warnings;
};

/*
 * Run it. Every wait ends: by an event, a timeout, a panic, the end of the
 * machine or an interruption. Records go to @dir/cycles.jsonl one by one, live
 * lines to stderr. Always fills @result; the caller drops its references.
 */
void session_run(const struct session_config *config, struct session_result *result);

#endif /* HF_SESSION_H */
