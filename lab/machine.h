/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: the machine under test as a child process */

#ifndef HF_MACHINE_H
#define HF_MACHINE_H

#include <stdbool.h>
#include <sys/types.h>

struct machine {
	pid_t pid;	/* 0: none, or reaped */
	int results;	/* our end of the result channel */
	int qmp;	/* our end of QMP */
	int status;	/* of waitpid(), once pid is 0 */
};

#define MACHINE_WIRES 2

/*
 * Start @argv in a session of its own, with the environment variable HF_RUN_DIR
 * set to @dir, results on descriptor 3, QMP on descriptor 4, the @wires (-1: none; they
 * stay the caller's) on 5 and 6, and everything it prints in @dir/machine.log. It is killed
 * if we die. Returns 0 or -errno.
 */
int machine_start(struct machine *m, char *const argv[], const char *dir,
		  const int wires[MACHINE_WIRES]);

/* Give it @timeout_ms to end by itself. False: it still runs. */
bool machine_wait(struct machine *m, int timeout_ms);

/* End it, by force if need be; only ever our own child. Closes the channels. */
void machine_stop(struct machine *m);

#endif /* HF_MACHINE_H */
