// SPDX-License-Identifier: GPL-2.0-only
/* Description: one clear line for what went wrong, kept beside the error code */

#include "complain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char text[512];

/* Texts of others come in, perhaps cut in two; what goes to the lab must be good JSON. */
static void make_printable(char *s)
{
	for (; *s; s++) {
		if (*s < ' ' || *s > '~')
			*s = '?';
	}
}

int complain(int err, const char *fmt, ...)
{
	size_t used;
	va_list ap;

	if (text[0])
		return err;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	make_printable(text);
	used = strlen(text);
	if (err < 0)
		snprintf(text + used, sizeof(text) - used, " (%s)", strerror(-err));
	return err;
}

const char *complaint(void)
{
	return text;
}

void complaint_clear(void)
{
	text[0] = 0;
}
