/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: files in which the kernel is told something, or tells a number */

#ifndef HF_SYSFILE_H
#define HF_SYSFILE_H

#include <stdint.h>

/* In one write(), as sysfs wants it. 0 or -errno, without complaint. */
int sysfile_write(const char *path, const char *text);

/* The number that the file begins with; -1: there is none. */
int64_t sysfile_number(const char *path);

#endif /* HF_SYSFILE_H */
