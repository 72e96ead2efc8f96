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

/* Where results go, and what a result document says of where they come from */
struct options_output {
	const char *file;		/* NULL: nowhere */
	const char *command, *series;	/* "": not known */
};

/* What all benches have: optarg of -o, -c or -k. Returns 0, or -EINVAL for any other option. */
int options_output(struct options_output *o, int option);

/*
 * Behind the options: no arguments are there, where none are wanted, and the file can be written.
 * Returns 0 or -errno, which has been said.
 */
int options_end(const struct options_output *o, int argc, char **argv);

/* Of optarg, a number from @min to @max. Returns 0, or -EINVAL, which has been said. */
int options_number(unsigned int *n, int option, unsigned int min, unsigned int max);

/* Of optarg, which of @names, from 1 to @count - 1, it is. Returns 0 or -EINVAL as above. */
int options_name(unsigned int *which, const char *what, const char *const *names,
		 unsigned int count);

#endif
