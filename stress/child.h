/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: a program that the agent runs beside itself, and reads lines of */

#ifndef HF_CHILD_H
#define HF_CHILD_H

#include <stdint.h>
#include <sys/types.h>

/* All zero but for @pid and @out of -1: there is none. */
struct child {
	pid_t pid;
	int out;		/* its stdout */
	const char *name;	/* for complaints; borrowed */
	size_t used;		/* of text: read, not yet given out */
	char text[4096];
};

#define CHILD_NONE { .pid = -1, .out = -1 }

/*
 * Start @argv[0], by its path. Its stdout is ours to read, its stderr goes where ours
 * goes; it is killed if we die. -errno with a complaint.
 */
int child_start(struct child *c, const char *name, char *const argv[]);

/*
 * Its next line, without the newline, to @line. Returns 1; 0: it has ended its output,
 * and said all. With a complaint: -ETIMEDOUT; -EMSGSIZE: a line of 4096 bytes or more.
 */
int child_line(struct child *c, char *line, size_t size, uint32_t timeout_ms);

/*
 * Send it @signal (0: none) and wait for its end; after @timeout_ms it is killed. What it
 * still writes is thrown away: read it first. Returns its exit code, or with a complaint
 * -ETIMEDOUT, or -ECHILD: another signal has ended it. Nothing happens, and 0, if there is
 * none.
 */
int child_stop(struct child *c, int signal, uint32_t timeout_ms);

#endif /* HF_CHILD_H */
