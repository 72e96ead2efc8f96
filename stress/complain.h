/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: one clear line for what went wrong, kept beside the error code */

#ifndef HF_COMPLAIN_H
#define HF_COMPLAIN_H

#include <stddef.h>

/*
 * Functions return -errno; the few that know more than the number say it here,
 * at the place where it is known: "return complain(-ENODEV, "no %s", name);".
 * The first complaint after complaint_clear() wins: later ones are its
 * consequences. What is not printable ASCII becomes "?". Returns @err. Not for several
 * threads.
 */
__attribute__((format(printf, 2, 3)))
int complain(int err, const char *fmt, ...);

/* The same for what is no error here: into @text, if nothing is in it yet. */
__attribute__((format(printf, 3, 4)))
void complain_into(char *text, size_t size, const char *fmt, ...);

/* The text, with strerror() of its code behind it; "" if nothing was said. */
const char *complaint(void);

void complaint_clear(void);

#endif /* HF_COMPLAIN_H */
