// SPDX-License-Identifier: GPL-2.0-only
/* Description: fuzz target: the emulator's side of a frame socket */

/*
 * Input: rows of bytes. A byte says how many follow; if it is odd, they are repeated that
 * many times, so that a short input can hold the longest frames.
 */

#include "../lab/frames_io.c"

#include "fuzz.h"

/* All that was sent, to be read a second time. */
static uint8_t sent[1 << 20];

/* One row, sent. */
static size_t send_row(struct fuzz *f, int fd, uint8_t *to, size_t room)
{
	size_t head = fuzz_number(f, 1), used = 0, n;
	uint8_t row[128];

	n = fuzz_bytes(f, row, head / 2);
	for (size_t i = 0; i < (head & 1 ? head * 8 : 1) && n && n <= room - used; i++) {
		memcpy(to + used, row, n);
		used += n;
	}
	return used && send(fd, to, used, MSG_DONTWAIT) == (ssize_t)used ? used : 0;
}

/* The frame that begins at @at, as the socket's rule has it: 0, its length, or -EPROTO. */
static int next_length(size_t at, size_t end)
{
	uint32_t length;

	if (end - at < 4)
		return 0;
	length = (uint32_t)sent[at] << 24 | (uint32_t)sent[at + 1] << 16 |
		 (uint32_t)sent[at + 2] << 8 | sent[at + 3];
	if (!length || length > 65536 + 4096)
		return -EPROTO;
	return length <= end - at - 4 ? (int)length : 0;
}

/* Receive all that is there. False: it is no row of frames any more. */
static bool receive_all(struct frames_io *io, size_t *at, size_t end)
{
	uint8_t frame[1515];
	int n, idle = 0;

	/* Empty once, there may be more in the socket. */
	while (idle < 3) {
		n = io->ops->receive(io, frame, sizeof(frame));
		if (n < 0)
			break;
		idle = n ? 0 : idle + 1;
		if (!n)
			continue;
		MUST(n == next_length(*at, end));
		MUST(!memcmp(frame, sent + *at + 4, (size_t)n < sizeof(frame) ? (size_t)n :
			     sizeof(frame)));
		*at += 4 + (size_t)n;
	}
	MUST(n >= 0 ? !next_length(*at, end) : n == -EPROTO && next_length(*at, end) == n);
	return n >= 0;
}

FUZZ()
{
	struct fuzz f = { data, size };
	struct frames_io *io;
	size_t at = 0, end = 0;
	int ends[2], room = 1 << 20;

	MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	MUST(!frames_io_socket(ends[0], 0, &io));
	while (f.left) {
		size_t n = send_row(&f, ends[1], sent + end, sizeof(sent) - end);

		end += n;
		if (!receive_all(io, &at, end))
			break;
	}
	io->ops->close(io);
	close(ends[1]);
	return 0;
}
