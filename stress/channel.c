// SPDX-License-Identifier: GPL-2.0-only
/* Description: the line to the lab: JSON objects out, short answers in */

#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "clock.h"
#include "complain.h"

#define LINE_MAX_BYTES 4096
#define ANSWER_MS 60000	/* a busy host may starve the emulator for long */

int channel_open(struct channel *c, const char *path)
{
	struct termios t;

	c->fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (c->fd < 0)
		return complain(-errno, "result channel %s", path);
	if (!isatty(c->fd))
		return 0;
	if (tcgetattr(c->fd, &t))
		return complain(-errno, "result channel %s", path);
	cfmakeraw(&t);
	t.c_cflag |= CLOCAL | CREAD;
	cfsetspeed(&t, B115200);
	if (tcsetattr(c->fd, TCSANOW, &t))
		return complain(-errno, "result channel %s", path);
	return 0;
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EIO;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int channel_send(struct channel *c, const char *ev, json_t *event)
{
	char line[LINE_MAX_BYTES];
	size_t len;
	int err;

	json_object_set_new(event, "ev", json_string(ev));
	json_object_set_new(event, "cycle", json_integer(c->cycle));
	len = json_dumpb(event, line, sizeof(line) - 1, JSON_COMPACT);
	json_decref(event);
	if (!len || len >= sizeof(line) - 1) {
		fprintf(stderr, "hf-agent: event %s has %zu bytes\n", ev, len);
		return -EMSGSIZE;
	}
	line[len++] = '\n';
	err = write_all(c->fd, line, len);
	if (!err && isatty(c->fd))
		tcdrain(c->fd);
	return err;
}

void channel_progress(struct channel *c, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "hf-agent: %s\n", text);
	channel_send(c, "progress", json_pack("{s:s}", "what", text));
}

/* Read up to a newline. False if it did not come by @end_ms. */
static bool read_line(int fd, char *line, size_t size, uint64_t end_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t len = 0;

	while (now_ms() < end_ms && len < size - 1) {
		if (poll(&p, 1, (int)(end_ms - now_ms())) <= 0 || read(fd, line + len, 1) != 1)
			continue;
		if (line[len] == '\n') {
			line[len] = 0;
			return true;
		}
		len++;
	}
	return false;
}

int channel_ask(struct channel *c, const char *ev, json_t *event)
{
	uint64_t number;

	return channel_ask_number(c, ev, event, &number);
}

int channel_ask_number(struct channel *c, const char *ev, json_t *event, uint64_t *number)
{
	unsigned long long n = 0;
	uint64_t end = now_ms() + ANSWER_MS;
	char line[64];
	int err;

	/* An answer to an earlier question, come too late, must not answer this. */
	if (isatty(c->fd))
		tcflush(c->fd, TCIFLUSH);
	err = channel_send(c, ev, event);
	if (err)
		return err;
	while (read_line(c->fd, line, sizeof(line), end)) {
		if (strcmp(line, "ok") == 0 || sscanf(line, "ok %llu", &n) == 1) {
			*number = n;
			return 1;
		}
		if (strcmp(line, "no") == 0)
			return 0;
	}
	return -ETIMEDOUT;
}

int channel_rate(struct channel *c, uint32_t iops)
{
	int answer = channel_ask(c, "rate", json_pack("{s:i}", "iops", (int)iops));

	if (answer == -ETIMEDOUT)
		complain(answer, "the lab did not answer the request for %u commands per second",
			 iops);
	return answer;
}
