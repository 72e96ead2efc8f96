/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: QEMU's machine protocol, as much of it as the lab needs */

#ifndef HF_QMP_H
#define HF_QMP_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct qmp {
	int fd;
	/*
	 * When to give up on an answer, on the clock of lab_now_ms(). QEMU may stall for
	 * long: a reset of its drive waits, with every lock held, until the throttled
	 * commands in flight are through.
	 */
	int64_t deadline;
	char buf[65536];	/* the registers of several processors are a long answer */
	unsigned int owed;	/* answers that have not come yet */
	size_t len;
	char error[256];	/* why the last call failed */
};

/*
 * All return 0 or -errno and leave a line in q->error: -ETIMEDOUT at
 * q->deadline, -EINTR for a signal, -EPIPE when QEMU has gone, -EPROTO when it refused or said
 * what we do not understand.
 */

/* Take the greeting on @fd, enable commands; "11.1.3 (package)" in @version. */
int qmp_open(struct qmp *q, int fd, char *version, size_t size);

/* Run a command; takes @arguments (or NULL). @result (may be NULL): new reference. */
int qmp_run(struct qmp *q, const char *command, json_t *arguments, json_t **result);

/* Limit the emulated drive to @iops commands per second; 0: no limit. */
int qmp_set_rate(struct qmp *q, json_int_t iops);

/*
 * Read 32-bit words of guest physical memory, all requests in one message. Words in one piece are
 * read as one. The first @sure must be readable; where there is nothing for the others, all bits
 * are set, as on a bus.
 */
int qmp_read32(struct qmp *q, const uint64_t *address, uint32_t *value, size_t count, size_t sure);

#endif /* HF_QMP_H */
