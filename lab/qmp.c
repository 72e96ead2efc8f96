// SPDX-License-Identifier: GPL-2.0-only
/* Description: QEMU's machine protocol, as much of it as the lab needs */

#include "qmp.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "json_at.h"
#include "lab.h"

#define LINE_WORDS 4	/* of the monitor's answers */

__attribute__((format(printf, 3, 4)))
static int failed(struct qmp *q, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(q->error, sizeof(q->error), fmt, ap);
	va_end(ap);
	return err;
}

static int send_text(struct qmp *q, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = send(q->fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed(q, -EPIPE, "the emulator has gone");
		text += n;
		len -= (size_t)n;
	}
	q->owed++;
	return 0;
}

/* Wait for more bytes. */
static int receive(struct qmp *q)
{
	struct pollfd p = { .fd = q->fd, .events = POLLIN };
	int64_t left = q->deadline - lab_now_ms();
	ssize_t n;

	if (q->len == sizeof(q->buf))
		return failed(q, -EPROTO, "the emulator's answer is too long");
	if (left <= 0)
		return failed(q, -ETIMEDOUT, "the emulator does not answer");
	n = poll(&p, 1, left < INT_MAX ? (int)left : INT_MAX);
	if (n < 0)
		return failed(q, -EINTR, "interrupted");
	if (!n)
		return 0;
	n = read(q->fd, q->buf + q->len, sizeof(q->buf) - q->len);
	if (n <= 0)
		return failed(q, -EPIPE, "the emulator has gone");
	q->len += (size_t)n;
	return 0;
}

/* Take the next message. Events are passed over: the lab follows none. */
static int take(struct qmp *q, json_t **message)
{
	for (;;) {
		char *end = memchr(q->buf, '\n', q->len);
		size_t len;
		int err;

		if (!end) {
			err = receive(q);
			if (err)
				return err;
			continue;
		}
		len = (size_t)(end - q->buf) + 1;
		*message = json_loadb(q->buf, len, 0, NULL);
		q->len -= len;
		memmove(q->buf, end + 1, q->len);
		if (!*message)
			return failed(q, -EPROTO, "the emulator does not speak QMP");
		if (!json_at(*message, "event"))
			return 0;
		json_decref(*message);
	}
}

static int take_result(struct qmp *q, json_t **result)
{
	json_t *message;
	int err = take(q, &message);

	if (err)
		return err;
	if (q->owed)
		q->owed--;
	if (!json_at(message, "return"))
		err = failed(q, -EPROTO, "the emulator refused: %s",
			     json_string_at(message, "error.desc"));
	else if (result)
		*result = json_incref(json_at(message, "return"));
	json_decref(message);
	return err;
}

/* Answers that nobody had the time to wait for are not the next one's. */
static int settle(struct qmp *q)
{
	int err = 0;

	while (!err && q->owed) {
		err = take_result(q, NULL);
		if (err == -EPROTO)
			err = 0;
	}
	return err;
}

int qmp_run(struct qmp *q, const char *command, json_t *arguments, json_t **result)
{
	json_t *message = json_pack("{s:s,s:o*}", "execute", command, "arguments", arguments);
	char *text = json_dumps(message, JSON_COMPACT);
	int err = text ? 0 : -ENOMEM;

	if (!err)
		err = settle(q);
	if (!err)
		err = send_text(q, text);
	free(text);
	json_decref(message);
	return err ? err : take_result(q, result);
}

int qmp_open(struct qmp *q, int fd, char *version, size_t size)
{
	json_t *greeting;
	int err;

	q->fd = fd;
	q->len = 0;
	q->owed = 0;
	err = take(q, &greeting);
	if (err)
		return err;
	snprintf(version, size, "%lld.%lld.%lld (%s)",
		 (long long)json_int_at(greeting, "QMP.version.qemu.major"),
		 (long long)json_int_at(greeting, "QMP.version.qemu.minor"),
		 (long long)json_int_at(greeting, "QMP.version.qemu.micro"),
		 json_string_at(greeting, "QMP.version.package"));
	json_decref(greeting);
	return qmp_run(q, "qmp_capabilities", NULL, NULL);
}

int qmp_set_rate(struct qmp *q, json_int_t iops)
{
	return qmp_run(q, "qom-set",
		       json_pack("{s:s,s:s,s:{s:I}}", "path", "/objects/tg", "property", "limits",
				 "value", "iops-total", iops), NULL);
}

/* "00000000fed9001c: 0x80000000 0x00000000\r\n" */
static int parse_words(struct qmp *q, const json_t *answer, uint32_t *value, size_t count)
{
	const char *text = json_string_value(answer);
	const char *at = text ? strstr(text, ": 0x") : NULL;
	char *end;

	for (size_t i = 0; i < count; i++) {
		at = at ? strstr(at, " 0x") : NULL;
		if (!at)
			return failed(q, -EPROTO, "cannot read guest memory: %.60s",
				      text ? text : "");
		value[i] = (uint32_t)strtoul(at + 1, &end, 16);
		at = end;
	}
	return 0;
}

/* How many words from @address on are in one piece: no more than a line of the answer has. */
static size_t piece(const uint64_t *address, size_t count)
{
	size_t n = 1;

	while (n < count && n < LINE_WORDS && address[n] == address[0] + 4 * n)
		n++;
	return n;
}

int qmp_read32(struct qmp *q, const uint64_t *address, uint32_t *value, size_t count, size_t sure)
{
	int err = settle(q);
	size_t n;

	for (size_t i = 0; i < count && !err; i += n) {
		char text[128];

		n = piece(address + i, count - i);
		snprintf(text, sizeof(text),
			 "{\"execute\":\"human-monitor-command\",\"arguments\":"
			 "{\"command-line\":\"xp /%zuwx 0x%llx\"}}", n,
			 (unsigned long long)address[i]);
		err = send_text(q, text);
	}
	for (size_t i = 0; i < count && !err; i += n) {
		json_t *answer;

		n = piece(address + i, count - i);
		err = take_result(q, &answer);
		if (err)
			break;
		err = parse_words(q, answer, value + i, n);
		json_decref(answer);
		if (err && i >= sure) {
			memset(value + i, 0xff, n * sizeof(*value));
			err = 0;
		}
	}
	return err;
}
