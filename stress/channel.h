/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: the line to the lab: JSON objects out, short answers in */

#ifndef HF_CHANNEL_H
#define HF_CHANNEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct channel {
	int fd;
	unsigned int cycle;	/* goes into every line */
};

/* Open @path, a tty (put into raw mode) or any other file. -errno with a complaint. */
int channel_open(struct channel *c, const char *path);

/*
 * Send one event; takes @event, adds "ev" and "cycle". Returns once the line has
 * left this machine, so that a jump cannot swallow it; -EMSGSIZE: 4096 bytes or
 * more.
 */
int channel_send(struct channel *c, const char *ev, json_t *event);

/* The same, and wait for the lab's answer: 1 "ok", 0 "no", -ETIMEDOUT, or as above. */
int channel_ask(struct channel *c, const char *ev, json_t *event);

/*
 * The same for a question that has a number as its answer: *number is set with 1.
 */
int channel_ask_number(struct channel *c, const char *ev, json_t *event, uint64_t *number);

/* Send a line for people, and print it on stderr. */
__attribute__((format(printf, 2, 3)))
void channel_progress(struct channel *c, const char *fmt, ...);

/*
 * Ask the lab to set the drive's rate, 0 for unlimited, and wait at most 60 s.
 * 1: it is in force. 0: this machine has no such thing. -ETIMEDOUT.
 */
int channel_rate(struct channel *c, uint32_t iops);

#endif /* HF_CHANNEL_H */
