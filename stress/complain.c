// SPDX-License-Identifier: GPL-2.0-only
/* Description: one clear line for what went wrong, kept beside the error code */

#include "complain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char said[512];

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

	if (said[0])
		return err;
	va_start(ap, fmt);
	vsnprintf(said, sizeof(said), fmt, ap);
	va_end(ap);
	make_printable(said);
	used = strlen(said);
	if (err < 0)
		snprintf(said + used, sizeof(said) - used, " (%s)", strerror(-err));
	return err;
}

void complain_into(char *text, size_t size, const char *fmt, ...)
{
	va_list ap;

	if (text[0])
		return;
	va_start(ap, fmt);
	vsnprintf(text, size, fmt, ap);
	va_end(ap);
}

const char *complaint(void)
{
	return said;
}

void complaint_clear(void)
{
	said[0] = 0;
}
