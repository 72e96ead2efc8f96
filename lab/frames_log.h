/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: the frame source's send log: what was sent, when, and what held it back */

#ifndef HF_FRAMES_LOG_H
#define HF_FRAMES_LOG_H

#include <stddef.h>
#include <stdint.h>

/*
 * A log is a header and then a record for each frame that was handed over whole,
 * in order, sequences without a gap. Numbers are in host order: the lab reads
 * what it has written. Times are CLOCK_REALTIME, by a clock that was set once
 * when the source started: they never jump.
 */
#define FRAMES_LOG_MAGIC "HFSENT1"

struct frames_log_head {
	char magic[8];
	uint32_t record_size;
	uint16_t stream;
	uint16_t reserved;
};

struct frames_sent {
	uint64_t sequence;
	uint64_t deadline_ns;	/* when it was due */
	uint64_t sent_ns;	/* when it had been taken whole */
	uint64_t held_ns;	/* of that, how long it was not taken: backpressure; 0: at once */
};

#define FRAMES_LOG_BUFFER 512

struct frames_log {
	int fd;
	unsigned int used;
	struct frames_sent buffer[FRAMES_LOG_BUFFER];
};

/* All return 0 or -errno. */
int frames_log_create(struct frames_log *log, const char *path, uint16_t stream);

/* Records reach the file by the buffer, or by frames_log_flush(). */
int frames_log_add(struct frames_log *log, const struct frames_sent *sent);
int frames_log_flush(struct frames_log *log);
int frames_log_close(struct frames_log *log);

/*
 * Read a log, also one that is still being written: a record cut off at its end
 * is left out. The caller frees @sent. -EBADMSG: no log, or one whose sequences
 * have gaps.
 */
int frames_log_read(const char *path, uint16_t *stream, struct frames_sent **sent, size_t *count);

#endif /* HF_FRAMES_LOG_H */
