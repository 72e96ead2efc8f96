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
 * Does it still run? False with the reason in @why, once: a source that ends before its
 * machine does.
 */
bool source_runs(struct source *s, char *why, size_t size);

/* The sequence of the last frame that it has sent. -ENODATA: there is none yet; or -errno. */
int source_last(const struct source *s, uint64_t *sequence);

/* Its summary, once it has ended; null if it left none. New reference. */
json_t *source_summary(const struct source *s);

#endif /* HF_SOURCE_H */
