// SPDX-License-Identifier: GPL-2.0-only
/* Description: options of the native benches: what is wrong with one is said in one line */

#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "document.h"

int options_next(int argc, char **argv, const char *known, const char *usage)
{
	static const struct option help[] = { { "help", no_argument, NULL, 'h' }, { 0 } };
	int c;

	opterr = 0;
	c = getopt_long(argc, argv, known, help, NULL);
	if (c == 'h') {
		fputs(usage, stdout);
		exit(0);
	}
	if (c == ':')
		fprintf(stderr, "%s: -%c wants a value, see --help\n",
			program_invocation_short_name, optopt);
	else if (c == '?' && optopt)
		fprintf(stderr, "%s: no option -%c, see --help\n", program_invocation_short_name,
			optopt);
	else if (c == '?')
		fprintf(stderr, "%s: no option %s, see --help\n", program_invocation_short_name,
			argv[optind - 1]);
	return c == ':' ? '?' : c;
}

int options_output(struct options_output *o, int option)
{
	switch (option) {
	case 'o': o->file = optarg; return 0;
	case 'c': o->command = optarg; return 0;
	case 'k': o->series = optarg; return 0;
	default: return -EINVAL;
	}
}

int options_end(const struct options_output *o, int argc, char **argv)
{
	if (optind == argc)
		return o->file ? document_writable(o->file) : 0;
	fprintf(stderr, "%s: no argument '%s', see --help\n", program_invocation_short_name,
		argv[optind]);
	return -EINVAL;
}

int options_number(unsigned int *n, int option, unsigned int min, unsigned int max)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(optarg, &end, 10);
	if (!isdigit((unsigned char)*optarg) || *end || errno || value < min || value > max) {
		fprintf(stderr, "%s: -%c '%s': a number from %u to %u is wanted\n",
			program_invocation_short_name, option, optarg, min, max);
		return -EINVAL;
	}
	*n = (unsigned int)value;
	return 0;
}

int options_name(unsigned int *which, const char *what, const char *const *names,
		 unsigned int count)
{
	for (unsigned int i = 1; i < count; i++) {
		if (!strcmp(optarg, names[i])) {
			*which = i;
			return 0;
		}
	}
	fprintf(stderr, "%s: no %s '%s': there are", program_invocation_short_name, what, optarg);
	for (unsigned int i = 1; i < count; i++)
		fprintf(stderr, "%s %s", i > 1 ? "," : "", names[i]);
	fputc('\n', stderr);
	return -EINVAL;
}
