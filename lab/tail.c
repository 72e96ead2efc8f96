// SPDX-License-Identifier: GPL-2.0-only
/* Description: follow a file that another process writes, line by line */

#include "tail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void tail_init(struct tail *t, const char *path)
{
	t->fd = -1;
	t->len = 0;
	snprintf(t->path, sizeof(t->path), "%s", path);
}

void tail_close(struct tail *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

/* A byte of 0, as of a serial line whose other end is reset, must not hide the rest of a line. */
static void blank_zeros(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!text[i])
			text[i] = ' ';
	}
}

static void hand_on(struct tail *t, void (*line)(void *arg, const char *text), void *arg)
{
	char *start = t->buf;
	char *end;

	while ((end = memchr(start, '\n', t->len - (size_t)(start - t->buf)))) {
		*end = '\0';
		if (end > start && end[-1] == '\r')
			end[-1] = '\0';
		line(arg, start);
		start = end + 1;
	}
	t->len -= (size_t)(start - t->buf);
	memmove(t->buf, start, t->len);
	if (t->len == sizeof(t->buf) - 1) {
		t->buf[t->len] = '\0';
		line(arg, t->buf);
		t->len = 0;
	}
}

int tail_read(struct tail *t, void (*line)(void *arg, const char *text), void *arg)
{
	ssize_t n;

	if (t->fd < 0)
		t->fd = open(t->path, O_RDONLY | O_CLOEXEC);
	if (t->fd < 0)
		return errno == ENOENT ? 0 : -errno;
	while ((n = read(t->fd, t->buf + t->len, sizeof(t->buf) - 1 - t->len)) > 0) {
		blank_zeros(t->buf + t->len, (size_t)n);
		t->len += (size_t)n;
		hand_on(t, line, arg);
	}
	return n < 0 ? -errno : 0;
}
