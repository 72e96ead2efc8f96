/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: what is mapped, and where its tables are: 'amdv1 4K 1T scattered' */
#ifndef HF_BENCH_SHAPE_H
#define HF_BENCH_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "strategy.h"

enum fill {
	FILL_DENSE,	/* everything is mapped */
	FILL_SPARSE,	/* one leaf in each table of leaves */
	FILL_HOLES,	/* every other table of leaves, at random, is not there */
};

struct shape {
	const struct format *format;
	uint64_t leaf;		/* bytes that one leaf maps */
	uint64_t size;		/* bytes from IOVA 0 on */
	bool scattered;
	enum fill fill;
	bool warm;		/* what is read first is in the caches already */
	char name[64];		/* as it is parsed */
};

/**
 * shape_parse() - 'FORMAT LEAF SIZE PLACEMENT [FILL] [CACHE]'
 * @text: for example 'amdv1 4K 1T scattered', or 'vtdss 2M 64G contiguous holes warm'
 * @error: filled in with one line that says which words there are
 * @size: of @error
 *
 * Returns 0 or -EINVAL.
 */
int shape_parse(struct shape *shape, const char *text, char *error, size_t size);

/* How many tables the shape needs at most */
size_t shape_max_tables(const struct shape *shape);

/**
 * shape_build() - Map it, and preserve the tables
 * @shape: on a machine from model_create() with at least shape_max_tables() pages
 *
 * Returns 0 or -errno.
 */
int shape_build(const struct shape *shape);

#endif
