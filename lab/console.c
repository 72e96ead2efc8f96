// SPDX-License-Identifier: GPL-2.0-only
/* Description: what the guest's console says: its last lines, panics, warnings */

#include "console.h"

#include <ctype.h>
#include <string.h>

/* After one of these a kernel may go on, but its DMA result is worth nothing. */
static const char *const warnings[] = {
	"WARNING: ", "BUG: ", "Oops: ", "kernel BUG at ", "general protection fault",
	"list_add corruption", "list_del corruption", "UBSAN: ", "KASAN: ",
};

void console_init(struct console *c, const char *path)
{
	memset(c, 0, sizeof(*c));
	tail_init(&c->tail, path);
}

/* Keep escape sequences of firmware off the reader's terminal. */
static void copy_printable(char *to, const char *from)
{
	size_t n = 0;

	for (; *from && n < CONSOLE_LINE - 1; from++) {
		if (isprint((unsigned char)*from) || *from == '\t')
			to[n++] = *from;
	}
	to[n] = '\0';
}

void console_line(struct console *c, const char *text)
{
	char *line = c->last[c->lines % CONSOLE_KEEP];

	copy_printable(line, text);
	c->lines++;
	if (strstr(line, "Kernel panic") && !c->panic[0])
		strcpy(c->panic, line);
	for (size_t i = 0; i < sizeof(warnings) / sizeof(warnings[0]); i++) {
		if (!strstr(line, warnings[i]))
			continue;
		if (!c->warnings++)
			strcpy(c->warning, line);
		return;
	}
}

static void take_line(void *arg, const char *text)
{
	console_line(arg, text);
}

int console_read(struct console *c)
{
	return tail_read(&c->tail, take_line, c);
}

void console_print(const struct console *c, FILE *to)
{
	unsigned int first = c->lines > CONSOLE_KEEP ? c->lines - CONSOLE_KEEP : 0;

	for (unsigned int i = first; i < c->lines; i++)
		fprintf(to, "  | %s\n", c->last[i % CONSOLE_KEEP]);
}
