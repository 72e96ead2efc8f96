/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: load the next kernel from files, and jump */

#ifndef HF_KEXEC_H
#define HF_KEXEC_H

#include <stddef.h>

/*
 * Read this kernel's command line, without its newline, into @cmdline. The next
 * kernel gets the very same.
 */
int kexec_cmdline(char *cmdline, size_t size);

/*
 * Load @kernel and @initrd by kexec_file_load(2): the only way that hands the
 * preserved state over. The descriptors stay the caller's.
 */
int kexec_load(int kernel, int initrd, const char *cmdline);

/* Jump. Returns only on failure. */
int kexec_jump(void);

#endif /* HF_KEXEC_H */
