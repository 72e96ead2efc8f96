/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: the agent's side of hf-forward: DPDK at work beside what is preserved */

#ifndef HF_FORWARDER_H
#define HF_FORWARDER_H

#include <jansson.h>
#include <stdbool.h>

#include "child.h"
#include "echo.h"

/*
 * One instance of hf-forward. In each kernel: forwarder_start, forwarder_prove, forwarder_stop.
 * It has a vfio group and a container of its own, which no kernel update preserves, so it must
 * be stopped before the jump.
 */
struct forwarder {
	struct child child;
	char bdf[16];
	char driver[32];		/* DPDK's; "" until it is ready */
	struct forwarder_counts counts;	/* of its last line */
};

#define FORWARDER_NONE { .child = CHILD_NONE }

/*
 * Bind @bdf to vfio-pci, which takes it from a driver of the kernel, and start /sbin/hf-forward
 * on it. -errno with a complaint.
 */
int forwarder_start(struct forwarder *f, const char *bdf);

/*
 * Wait until it has sent back as many frames as are a proof. -ETIMEDOUT: it has not in 30 s;
 * -EIO: it has ended (why, it said on stderr). With a complaint.
 */
int forwarder_prove(struct forwarder *f);

/*
 * End it; all its counts to @c. Returns -errno with a complaint if it did not end as it
 * should; @c is of its last line then. Nothing happens, and 0, if there is none.
 */
int forwarder_stop(struct forwarder *f, struct forwarder_counts *c);

/* NULL: every frame came in whole, once and in order, and went back. Else why not. */
const char *forwarder_judge(const struct forwarder_counts *c);

/* The "dpdk" member of a cycle's record: port, driver, and the counts of the last line. */
json_t *forwarder_json(const struct forwarder *f);

#endif /* HF_FORWARDER_H */
