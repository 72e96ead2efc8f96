/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: follow a file that another process writes, line by line */

#ifndef HF_TAIL_H
#define HF_TAIL_H

#include <stddef.h>

struct tail {
	int fd;		/* -1 until the file exists */
	char path[512];
	char buf[8192];
	size_t len;
};

void tail_init(struct tail *t, const char *path);
void tail_close(struct tail *t);

/*
 * Call @line for every whole line that was added since the last call. A line
 * longer than the buffer is handed on in pieces; bytes of 0 come as blanks. A file that
 * does not exist yet has no lines. Returns 0 or -errno.
 */
int tail_read(struct tail *t, void (*line)(void *arg, const char *text), void *arg);

#endif /* HF_TAIL_H */
