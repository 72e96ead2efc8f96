/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: sessions and files of the live update orchestrator (/dev/liveupdate) */

#ifndef HF_LUO_H
#define HF_LUO_H

#include <stdint.h>

/*
 * All functions return a descriptor or 0, or -errno with a complaint (see
 * complain.h). Descriptors belong to the caller.
 *
 * An outgoing session owns what luo_preserve() gave it until it is closed:
 * closing it before the jump gives everything back. An incoming session owns
 * what was not retrieved until luo_finish().
 */

/* Open /dev/liveupdate. Only one process can have it open (-EBUSY). */
int luo_open(void);

/* A new outgoing session. -EEXIST: the name is taken. */
int luo_create(int luo, const char *name);

/* The incoming session @name. -ENOENT, without complaint: there is none. */
int luo_retrieve(int luo, const char *name);

/* Preserve @fd as @token. -ENOENT: this kernel has no handler for such a file. */
int luo_preserve(int session, int fd, uint64_t token, const char *what);

/* The file that was preserved as @token. */
int luo_retrieve_fd(int session, uint64_t token, const char *what);

/* End the hand-over. -EBUSY: a restored domain is still in use. */
int luo_finish(int session);

#endif /* HF_LUO_H */
