/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: what an agent breaks on purpose (configs/controls), and when */

#ifndef HF_CONTROL_H
#define HF_CONTROL_H

#include <stdbool.h>

#include "drive.h"
#include "nic.h"

/* Places in an agent's life at which something may be broken, in the order of a cycle. */
enum control_at {
	CONTROL_FULL,		/* all is in flight; nothing is preserved yet */
	CONTROL_LAST_FILL,	/* before the last commands before the jump */
	CONTROL_RETRIEVED,	/* next kernel: the devices are there, and nobody has looked */
	CONTROL_ADOPTED,	/* they are the agent's, and nothing was taken from their queues */
	CONTROL_RESUMED,	/* frames and completions come again */
};

/* Is there a control of this name? "none" is one; unpreserved is the agent's own. */
bool control_known(const char *name);

/*
 * Break what the control @name breaks at @at, if that is its place. @drive or @nic is NULL
 * without that load. 0, or -errno with a complaint: it could not be broken.
 */
int control_break(const char *name, enum control_at at, struct drive *drive, struct nic *nic);

/* Does it show before the jump already? Nobody may stumble over it there. */
bool control_shows_early(const char *name);

#endif /* HF_CONTROL_H */
