// SPDX-License-Identifier: GPL-2.0-only
/* Description: fuzz target: the guest's console, read as it grows */

/* Input: what the console says; it comes in portions of as many bytes as the first says. */

#include "../lab/console.c"

#include <fcntl.h>

#include "../lab/tail.h"
#include "fuzz.h"

#define PANIC "Kernel panic"

/* Does a line say so that is read in one piece? */
static bool has_panic(const uint8_t *data, size_t size)
{
	const uint8_t *at = size ? memmem(data, size, PANIC, strlen(PANIC)) : NULL;

	return at && memchr(at, '\n', size - (size_t)(at - data)) &&
	       size < sizeof(((struct tail *)0)->buf);
}

FUZZ()
{
	struct fuzz f = { data, size };
	static struct console c;
	size_t portion = fuzz_number(&f, 1) * 16 + 1;
	bool panic = has_panic(f.at, f.left);
	FILE *nowhere = fopen("/dev/null", "w");
	int ends[2];

	console_init(&c, "");
	MUST(!pipe2(ends, O_NONBLOCK));
	c.tail.fd = ends[0];
	while (f.left) {
		char bytes[4096];
		size_t n = fuzz_bytes(&f, bytes, portion < sizeof(bytes) ? portion : sizeof(bytes));

		MUST(write(ends[1], bytes, n) == (ssize_t)n);
		console_read(&c);
	}
	MUST(!panic || *c.panic);
	MUST(!c.warnings == !*c.warning);
	console_print(&c, nowhere);
	fclose(nowhere);
	close(ends[0]);
	close(ends[1]);
	return 0;
}
