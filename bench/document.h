/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: what the result files of all native benches have in common */
#ifndef HF_BENCH_DOCUMENT_H
#define HF_BENCH_DOCUMENT_H

#include <jansson.h>
#include <stddef.h>

/* The processor, as Linux names it */
void document_cpu(char *name, size_t size);

/**
 * document_new() - A result document: schema, started, timing, command, kernel, host
 * @schema: its name and version, "holdfast/walk/1"
 * @command: that reproduces it
 * @series: hash of the kernel series, "" if it is not known
 *
 * Returns the object, to which its results are added; NULL without memory.
 */
json_t *document_new(const char *schema, const char *command, const char *series);

/**
 * document_print() - Write a document
 * @document: from document_new(); the reference is given up, whatever is returned
 *
 * Returns 0, -ENOMEM if there is none, or -EIO.
 */
int document_print(json_t *document, FILE *f);

/**
 * document_writable() - Can document_save() write there? Asked before there is something to lose
 *
 * Returns 0, or -errno, which has been said on stderr.
 */
int document_writable(const char *path);

/**
 * document_save() - As document_print(), to a file
 *
 * Says on stderr what has failed, and leaves no half of a file then.
 * Returns 0 or -errno.
 */
int document_save(json_t *document, const char *path);

#endif
