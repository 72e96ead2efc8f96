/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: let the n-th allocation that the kernel makes for this thread fail */

#ifndef HF_FAILNTH_H
#define HF_FAILNTH_H

#include <stdbool.h>

/*
 * The kernel counts what it allocates on behalf of a thread, and fails one of it:
 * Documentation/fault-injection/fault-injection.rst, "Systematic faults using
 * 'fail-nth'". An operation that is tried with n = 1, 2, ... until nothing of it
 * failed any more has met every shortage of memory that it can meet.
 *
 * debugfs has to be mounted.
 */

/*
 * The @n-th allocation for this thread from now on fails, @n >= 1, of whatever kind. The first
 * call decides which thread. -ENOTSUP: the kernel was built without (FLAVOUR=debug has it).
 */
int failnth_arm(unsigned int n);	/* 0, or -errno with a complaint */

/* Nothing fails any more. Returns whether something has. */
bool failnth_disarm(void);

#endif /* HF_FAILNTH_H */
