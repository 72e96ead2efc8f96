/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: options of the native benches: what is wrong with one is said in one line */
#ifndef HF_BENCH_OPTIONS_H
#define HF_BENCH_OPTIONS_H

/**
 * options_next() - getopt(), with --help
 * @known: as for getopt(); begins with ':'
 * @usage: printed for --help, which ends the program
 *
 * Returns as getopt() does; '?' if something is wrong, which has been said on stderr.
 */
int options_next(int argc, char **argv, const char *known, const char *usage);

/* Are there arguments behind the options, where none are wanted? Returns 0 or -EINVAL. */
int options_rest(int argc, char **argv);

/* Of optarg, a number from @min to @max. Returns 0, or -EINVAL, which has been said. */
int options_number(unsigned int *n, int option, unsigned int min, unsigned int max);

/* Of optarg, which of @names, from 1 to @count - 1, it is. Returns 0 or -EINVAL as above. */
int options_name(unsigned int *which, const char *what, const char *const *names,
		 unsigned int count);

#endif
