/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: what carries the frame source's frames: a socket to the emulator, or DPDK */

#ifndef HF_FRAMES_IO_H
#define HF_FRAMES_IO_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct frames_io;

struct frames_ops {
	/*
	 * 0: the frame was taken whole. -EAGAIN: not yet; perhaps a part of it was,
	 * so that the next call must bring the very same frame. -EPIPE: the peer is
	 * gone. Other -errno: broken.
	 */
	int (*send)(struct frames_io *io, const void *frame, size_t length);
	/*
	 * The length of the frame that came in, of which at most @size bytes are in
	 * @buf; 0: none is there. Errors as above; -EPROTO: what comes is no frames.
	 */
	int (*receive)(struct frames_io *io, void *buf, size_t size);
	/*
	 * Return when a frame may have come in, with @to_send also when one may be
	 * taken, and not after @until_ns (CLOCK_MONOTONIC). It may return early.
	 */
	void (*wait)(struct frames_io *io, uint64_t until_ns, bool to_send);
	void (*close)(struct frames_io *io);
};

struct frames_io {
	const struct frames_ops *ops;
};

static inline uint64_t frames_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Sleep until a time of CLOCK_MONOTONIC; a signal ends it. */
void frames_sleep_until(uint64_t until_ns);

/*
 * A connected stream socket to QEMU's "-netdev stream":
 * each frame has its length before it, four bytes, big endian. Takes @fd over.
 * @buffer is what the kernel may queue (SO_SNDBUF), 0 for its default: whatever
 * is queued there is "sent" though the guest has not seen it, so it is kept small.
 */
int frames_io_socket(int fd, int buffer, struct frames_io **io);

/*
 * A descriptor connected to a unix socket: that of QEMU with server=on, which
 * may not be there yet, or one of our own for server=off, whose name goes away
 * as soon as somebody is connected. -ETIMEDOUT after @timeout_ms, -EINTR when
 * @stop gets set.
 */
int frames_connect(const char *path, int timeout_ms, const volatile sig_atomic_t *stop);
int frames_listen(const char *path, int timeout_ms, const volatile sig_atomic_t *stop);

/*
 * An Ethernet port by DPDK. @eal: arguments of its EAL, separated by blanks; the
 * first port that there is then is taken. -ENOTSUP: built without DPDK.
 */
int frames_io_dpdk(const char *eal, struct frames_io **io);

#endif /* HF_FRAMES_IO_H */
