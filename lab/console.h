/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: what the guest's console says: its last lines, panics, warnings */

#ifndef HF_CONSOLE_H
#define HF_CONSOLE_H

#include <stdbool.h>
#include <stdio.h>

#include "tail.h"

#define CONSOLE_KEEP 15
#define CONSOLE_LINE 240

struct console {
	struct tail tail;
	char last[CONSOLE_KEEP][CONSOLE_LINE];
	unsigned int lines;
	char panic[CONSOLE_LINE];	/* the line that said so; empty: none */
	char warning[CONSOLE_LINE];	/* the first warning, oops or BUG */
	unsigned int warnings;
};

void console_init(struct console *c, const char *path);

/* Read what the machine has logged since. Returns 0 or -errno. */
int console_read(struct console *c);

/* A panic that was asked for, and all warnings but the first @before, which were before it. */
void console_forget(struct console *c, unsigned int before);

/* Take in one line. */
void console_line(struct console *c, const char *text);

/* Print the last lines, each behind "  | ". */
void console_print(const struct console *c, FILE *to);

#endif /* HF_CONSOLE_H */
