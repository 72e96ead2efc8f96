// SPDX-License-Identifier: GPL-2.0-only
/* Description: the frame source's socket to the emulator */

#include "frames_io.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

/* No frame that QEMU passes on is longer (its NET_BUFSIZE). */
#define LONGEST (4096 + 65536)
#define PREFIX sizeof(uint32_t)

/* poll() may oversleep by its slack: the last stretch is slept by an absolute time. */
#define LAST_STRETCH_NS 200000

struct socket_io {
	struct frames_io io;
	int fd;
	size_t taken;		/* of prefix and frame that is being sent */
	size_t start, end;	/* what is in the buffer */
	uint8_t buf[2 * (PREFIX + LONGEST)];
};

static struct socket_io *to_socket(struct frames_io *io)
{
	return (struct socket_io *)io;
}

static int peer_error(int error)
{
	if (error == EAGAIN || error == EWOULDBLOCK || error == EINTR)
		return -EAGAIN;
	return error == ECONNRESET ? -EPIPE : -error;
}

static int socket_send(struct frames_io *io, const void *frame, size_t length)
{
	struct socket_io *s = to_socket(io);
	uint32_t prefix = htonl((uint32_t)length);
	struct iovec parts[2] = {
		{ .iov_base = &prefix, .iov_len = PREFIX },
		/* sendmsg() only reads. */
		{ .iov_base = (void *)(uintptr_t)frame, .iov_len = length },
	};
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	size_t skip = s->taken;
	ssize_t n;

	for (int i = 0; i < 2; i++) {
		size_t part = skip < parts[i].iov_len ? skip : parts[i].iov_len;

		parts[i].iov_base = (uint8_t *)parts[i].iov_base + part;
		parts[i].iov_len -= part;
		skip -= part;
	}
	n = sendmsg(s->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0)
		return peer_error(errno);
	s->taken += (size_t)n;
	if (s->taken < PREFIX + length)
		return -EAGAIN;
	s->taken = 0;
	return 0;
}

/* The length of the frame at the buffer's start, if it is all there; 0: more must come. */
static int whole_frame(const struct socket_io *s)
{
	uint32_t length;

	if (s->end - s->start < PREFIX)
		return 0;
	memcpy(&length, s->buf + s->start, PREFIX);
	length = ntohl(length);
	if (length == 0 || length > LONGEST)
		return -EPROTO;
	return s->end - s->start < PREFIX + length ? 0 : (int)length;
}

static int fill(struct socket_io *s)
{
	ssize_t n;

	memmove(s->buf, s->buf + s->start, s->end - s->start);
	s->end -= s->start;
	s->start = 0;
	n = recv(s->fd, s->buf + s->end, sizeof(s->buf) - s->end, MSG_DONTWAIT);
	if (n < 0)
		return peer_error(errno);
	if (n == 0)
		return -EPIPE;
	s->end += (size_t)n;
	return 0;
}

static int socket_receive(struct frames_io *io, void *buf, size_t size)
{
	struct socket_io *s = to_socket(io);
	int length = whole_frame(s);

	if (length == 0) {
		int err = fill(s);

		if (err)
			return err == -EAGAIN ? 0 : err;
		length = whole_frame(s);
	}
	if (length > 0) {
		memcpy(buf, s->buf + s->start + PREFIX,
		       (size_t)length < size ? (size_t)length : size);
		s->start += PREFIX + (size_t)length;
	}
	return length;
}

void frames_sleep_until(uint64_t until_ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(until_ns / 1000000000),
		.tv_nsec = (long)(until_ns % 1000000000),
	};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void socket_wait(struct frames_io *io, uint64_t until_ns, bool to_send)
{
	short events = POLLIN | (to_send ? POLLOUT : 0);
	struct pollfd p = { .fd = to_socket(io)->fd, .events = events };
	uint64_t now = frames_now_ns(), left = until_ns > now ? until_ns - now : 0;
	struct timespec ts = { 0 };

	if (left > LAST_STRETCH_NS) {
		left -= LAST_STRETCH_NS;
		ts.tv_sec = (time_t)(left / 1000000000);
		ts.tv_nsec = (long)(left % 1000000000);
	}
	if (ppoll(&p, 1, &ts, NULL) == 0 && !to_send)
		frames_sleep_until(until_ns);
}

static void socket_close(struct frames_io *io)
{
	close(to_socket(io)->fd);
	free(io);
}

static const struct frames_ops socket_ops = {
	.send = socket_send,
	.receive = socket_receive,
	.wait = socket_wait,
	.close = socket_close,
};

int frames_io_socket(int fd, int buffer, struct frames_io **io)
{
	struct socket_io *s;

	if (buffer && setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer)))
		return -errno;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->io.ops = &socket_ops;
	s->fd = fd;
	*io = &s->io;
	return 0;
}

static int unix_socket(const char *path, struct sockaddr_un *address)
{
	int fd;

	*address = (struct sockaddr_un) { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	strcpy(address->sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

/* Try once: a descriptor, or -EAGAIN if nobody listens there yet. */
static int try_connect(const char *path)
{
	struct sockaddr_un address;
	int fd = unix_socket(path, &address);
	int err;

	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	err = errno;
	close(fd);
	return err == ENOENT || err == ECONNREFUSED || err == EINTR ? -EAGAIN : -err;
}

int frames_connect(const char *path, int timeout_ms, const volatile sig_atomic_t *stop)
{
	uint64_t until = frames_now_ns() + (uint64_t)timeout_ms * 1000000;

	for (;;) {
		int fd = try_connect(path);

		if (fd != -EAGAIN)
			return fd;
		if (*stop)
			return -EINTR;
		if (frames_now_ns() >= until)
			return -ETIMEDOUT;
		frames_sleep_until(frames_now_ns() + 20000000);
	}
}

static int accept_one(int fd, int timeout_ms, const volatile sig_atomic_t *stop)
{
	uint64_t until = frames_now_ns() + (uint64_t)timeout_ms * 1000000;

	do {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (poll(&p, 1, 100) > 0) {
			int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

			return peer < 0 ? -errno : peer;
		}
		if (*stop)
			return -EINTR;
	} while (frames_now_ns() < until);
	return -ETIMEDOUT;
}

int frames_listen(const char *path, int timeout_ms, const volatile sig_atomic_t *stop)
{
	struct sockaddr_un address;
	int fd = unix_socket(path, &address);
	int peer;

	if (fd < 0)
		return fd;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		peer = -errno;
		close(fd);
		return peer;
	}
	peer = listen(fd, 1) ? -errno : accept_one(fd, timeout_ms, stop);
	unlink(path);
	close(fd);
	return peer;
}
