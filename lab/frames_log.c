// SPDX-License-Identifier: GPL-2.0-only
/* Description: the frame source's send log: what was sent, when, and what held it back */

#include "frames_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const void *data, size_t length)
{
	const char *p = data;

	while (length) {
		ssize_t n = write(fd, p, length);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			p += n;
			length -= (size_t)n;
		}
	}
	return 0;
}

static int read_all(int fd, void *data, size_t length)
{
	char *p = data;

	while (length) {
		ssize_t n = read(fd, p, length);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EBADMSG;
		if (n > 0) {
			p += n;
			length -= (size_t)n;
		}
	}
	return 0;
}

int frames_log_create(struct frames_log *log, const char *path, uint16_t stream)
{
	struct frames_log_head head = {
		.magic = FRAMES_LOG_MAGIC,
		.record_size = sizeof(struct frames_sent),
		.stream = stream,
	};

	log->used = 0;
	log->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (log->fd < 0)
		return -errno;
	return write_all(log->fd, &head, sizeof(head));
}

int frames_log_flush(struct frames_log *log)
{
	int err = write_all(log->fd, log->buffer, log->used * sizeof(log->buffer[0]));

	log->used = 0;
	return err;
}

int frames_log_add(struct frames_log *log, const struct frames_sent *sent)
{
	log->buffer[log->used++] = *sent;
	return log->used == FRAMES_LOG_BUFFER ? frames_log_flush(log) : 0;
}

int frames_log_close(struct frames_log *log)
{
	int err = frames_log_flush(log);

	if (close(log->fd) && !err)
		err = -errno;
	log->fd = -1;
	return err;
}

static bool has_gaps(const struct frames_sent *sent, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (sent[i].sequence != sent[0].sequence + i)
			return true;
	}
	return false;
}

static int read_records(int fd, uint16_t *stream, struct frames_sent **sent, size_t *count)
{
	struct frames_log_head head;
	struct stat st;
	int err = read_all(fd, &head, sizeof(head));

	if (err)
		return err;
	if (memcmp(head.magic, FRAMES_LOG_MAGIC, sizeof(head.magic)) ||
	    head.record_size != sizeof(**sent))
		return -EBADMSG;
	if (fstat(fd, &st))
		return -errno;
	*stream = head.stream;
	*count = ((size_t)st.st_size - sizeof(head)) / sizeof(**sent);
	*sent = calloc(*count + 1, sizeof(**sent));
	if (!*sent)
		return -ENOMEM;
	err = read_all(fd, *sent, *count * sizeof(**sent));
	if (!err && has_gaps(*sent, *count))
		err = -EBADMSG;
	if (err)
		free(*sent);
	return err;
}

int frames_log_read(const char *path, uint16_t *stream, struct frames_sent **sent, size_t *count)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = read_records(fd, stream, sent, count);
	close(fd);
	return err;
}
