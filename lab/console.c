// SPDX-License-Identifier: GPL-2.0-only
/* Description: what the guest's console says: its last lines, panics, warnings */

#include "console.h"

#include <ctype.h>
#include <string.h>

/* After one of these a kernel may go on, but its DMA result is worth nothing. */
static const char *const warnings[] = {
	"WARNING: ", "BUG: ", "Oops: ", "kernel BUG at ", "general protection fault",
	"list_add corruption", "list_del corruption", "UBSAN: ", "KASAN: ",
	"kmemleak: unreferenced object",
};

void console_init(struct console *c, const char *path)
{
	memset(c, 0, sizeof(*c));
	tail_init(&c->tail, path);
}

/*
 * Keep escape sequences of firmware off the reader's terminal, and out of the middle of what is
 * looked for. All of it is looked through; what is kept is its beginning.
 */
static void copy_printable(char *to, size_t size, const char *from)
{
	size_t n = 0;

	for (; *from && n < size - 1; from++) {
		if (isprint((unsigned char)*from) || *from == '\t')
			to[n++] = *from;
	}
	to[n] = '\0';
}

/* @line, or what is left of it from @mark on if that stands far behind. */
static void keep_mark(char *to, const char *line, const char *mark)
{
	snprintf(to, CONSOLE_LINE, "%.*s", CONSOLE_LINE - 1,
		 mark - line > CONSOLE_LINE / 2 ? mark : line);
}

void console_line(struct console *c, const char *text)
{
	char line[sizeof(c->tail.buf)];

	copy_printable(line, sizeof(line), text);
	keep_mark(c->last[c->lines % CONSOLE_KEEP], line, line);
	c->lines++;
	if (strstr(line, "Kernel panic") && !c->panic[0])
		keep_mark(c->panic, line, strstr(line, "Kernel panic"));
	for (size_t i = 0; i < sizeof(warnings) / sizeof(warnings[0]); i++) {
		if (!strstr(line, warnings[i]))
			continue;
		if (!c->warnings++)
			keep_mark(c->warning, line, strstr(line, warnings[i]));
		return;
	}
}

void console_forget(struct console *c, unsigned int before)
{
	c->panic[0] = '\0';
	if (!before)
		c->warning[0] = '\0';
	c->warnings = before;
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
