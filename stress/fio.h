/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: fio on the drive that the kernel owns: data that span the jump, and a random map */

#ifndef HF_FIO_H
#define HF_FIO_H

#include <jansson.h>
#include <stdint.h>

#include "child.h"

/*
 * Two jobs of fio (configs/fio) on the drive of stress/bystander.c, behind what is written there:
 *
 *	span		written once in each kernel, verified in the next one
 *	random-map	reads and writes of random size as long as the kernel lives, verified
 *			within itself; it ends with the kernel, in the jump
 */

/* What the next kernel must know of it: in the ledger. All zero: nothing was written. */
struct fio_state {
	uint64_t generation;	/* of the span on the drive */
	uint64_t bytes;		/* of it */
	uint64_t map_ios, map_bytes; /* by the kernel before, since its last record */
};

/* Of one cycle. */
struct fio_counts {
	uint64_t written;	/* bytes of the span, before the jump */
	uint64_t verified;	/* of these, found right behind it */
	uint64_t map_ios;	/* of the random map, since the record before */
	uint64_t map_bytes;
	uint64_t wrong;		/* jobs that found wrong data */
	uint64_t errors;	/* jobs that failed otherwise */
};

struct fio {
	const char *program;	/* /sbin/fio */
	const char *jobs;	/* the folder of the job files, /etc/fio */
	char drive[64];		/* "": to be found */
	struct child map;
	uint64_t seen_ios, seen_bytes; /* of the random map: in the counts already */
	struct fio_counts counts;
};

/* What fio says of its only job. */
struct fio_job {
	int error;		/* errno; EILSEQ: data were wrong */
	uint64_t read, written, ios;
};

/*
 * Read what the fio @c prints (--output-format=json) of its job, within @timeout_ms. -errno
 * with a complaint, but -ENODATA: it has ended and said nothing.
 */
int fio_read_job(struct child *c, struct fio_job *job, uint32_t timeout_ms);

/* Take the defaults; nothing is looked for yet. */
void fio_init(struct fio *f);

/* The others return 0, or -errno with a complaint. f->counts are valid in any case. */

/*
 * Find the drive (the one under test must not be the kernel's any more). Start the random map;
 * verify the span of @s, if there is one (-EBADMSG: it is not as it was written); write that of
 * the next generation, and wait until it is flushed. Takes seconds. An @s of zeros begins a row of
 * generations that no other run has.
 */
int fio_run(struct fio *f, struct fio_state *s);

/* Count what the random map has done. -EBADMSG: it has found wrong data. */
int fio_look(struct fio *f);

/* The record has been written: count anew. */
void fio_recorded(struct fio *f);

/* Look for the last time before the jump, and leave the counts to the next kernel. */
int fio_leave(struct fio *f, struct fio_state *s);

/* End the random map, if it runs: for a kernel that does not jump. */
void fio_stop(struct fio *f);

/* NULL, or what was wrong with a cycle. */
const char *fio_judge(const struct fio_counts *c);

/* The counts, by their names. New reference. */
json_t *fio_json(const struct fio_counts *c);

#endif /* HF_FIO_H */
