/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: a frame source beside the machine under test, as a child process */

#ifndef HF_SOURCE_H
#define HF_SOURCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * One hf-frames for one NIC of the machine. It begins once the port has sent a frame, and
 * leaves DIR/NAME.frames (send log) and DIR/NAME.json (summary).
 */
struct source {
	const char *name;	/* the load that it is for */
	const char *dir;
	pid_t pid;		/* 0: none, or reaped */
	int wire;		/* the machine's end, to be inherited; -1: none */
};

/*
 * Start hf-frames, which stands beside this program, with @rate frames per second (0: as
 * fast as they are taken) of stream number @stream. @damage, as its option, or NULL: what
 * source_damage() begins. It is killed if we die. Strings are borrowed. Returns 0 or -errno.
 */
int source_start(struct source *s, const char *name, const char *dir, int stream, int rate,
		 const char *damage);

/* From here on some of its frames are damaged. */
void source_damage(const struct source *s);

/* The machine has its end of the wire now. */
void source_let_go(struct source *s);

/* End it, if it has not: it ends with the wire. Only ever our own child. */
void source_stop(struct source *s);

/*
 * How many frames behind the sequence @last were sent until @settled_us (wall clock,
 * microseconds): these have landed, or are lost. -errno: there is no such log.
 */
int64_t source_missing(const struct source *s, uint64_t last, int64_t settled_us);

/* Its summary, once it has ended; null if it left none. New reference. */
json_t *source_summary(const struct source *s);

#endif /* HF_SOURCE_H */
