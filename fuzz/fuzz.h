/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: for fuzz targets: the input as a row of values, and what must hold */

#ifndef HF_FUZZ_H
#define HF_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * A target is FUZZ() { ... return 0; }: it hands @data to the code under test. A crash, a
 * finding of a sanitizer, a leak, a MUST() that does not hold, and ten seconds for one
 * input are bugs.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
#define FUZZ() int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)

#define MUST(condition)                                                                        \
	do {                                                                                   \
		if (!(condition)) {                                                            \
			fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__,          \
				#condition);                                                   \
			abort();                                                               \
		}                                                                              \
	} while (0)

/* What is left of the input. Behind its end there are zeros. */
struct fuzz {
	const uint8_t *at;
	size_t left;
};

/* The next @bytes as a number, low byte first. */
static inline uint64_t fuzz_number(struct fuzz *f, unsigned int bytes)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < bytes && f->left; i++, f->at++, f->left--)
		value |= (uint64_t)*f->at << 8 * i;
	return value;
}

/* The next @want bytes, or as many as there are, to @to. Returns how many. */
static inline size_t fuzz_bytes(struct fuzz *f, void *to, size_t want)
{
	size_t n = want < f->left ? want : f->left;

	if (n)
		memcpy(to, f->at, n);
	f->at += n;
	f->left -= n;
	return n;
}

/* Overwrite up to 15 bytes of @mem, somewhere. */
static inline void fuzz_patch(struct fuzz *f, void *mem, size_t size)
{
	size_t at = fuzz_number(f, 4) % size, n = fuzz_number(f, 1) % 16;

	fuzz_bytes(f, (uint8_t *)mem + at, n < size - at ? n : size - at);
}

/*
 * The input up to a newline, or to its end, as a string that has not a byte to spare: whoever
 * reads behind its end is caught. The caller frees it.
 */
static inline char *fuzz_line(struct fuzz *f)
{
	const uint8_t *end = f->left ? memchr(f->at, '\n', f->left) : NULL;
	size_t n = end ? (size_t)(end - f->at) : f->left;
	char *line = malloc(n + 1);

	fuzz_bytes(f, line, n);
	line[n] = 0;
	fuzz_number(f, 1);
	return line;
}

/*
 * A connection: from ends[0] the rest of the input can be read, and then its end. What is
 * written there goes nowhere. Close both.
 */
static inline void fuzz_peer(struct fuzz *f, int ends[2])
{
	int room = 1 << 20;

	MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	while (f->left) {
		ssize_t n = send(ends[1], f->at, f->left, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n <= 0)
			break;
		f->at += n;
		f->left -= (size_t)n;
	}
	shutdown(ends[1], SHUT_WR);
}

#endif /* HF_FUZZ_H */
