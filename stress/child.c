// SPDX-License-Identifier: GPL-2.0-only
/* Description: a program that the agent runs beside itself, and reads lines of */

#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "complain.h"

__attribute__((noreturn))
static void become(char *const argv[], int out)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(out, STDOUT_FILENO) >= 0)
		execv(argv[0], argv);
	fprintf(stderr, "%s: cannot be run: %s\n", argv[0], strerror(errno));
	_exit(127);
}

int child_start(struct child *c, const char *name, char *const argv[])
{
	int ends[2];

	*c = (struct child){ .pid = -1, .out = -1, .name = name };
	if (access(argv[0], X_OK))
		return complain(-errno, "%s cannot be run", argv[0]);
	if (pipe2(ends, O_CLOEXEC))
		return complain(-errno, "%s: no pipe", name);
	c->pid = fork();
	if (!c->pid)
		become(argv, ends[1]);
	close(ends[1]);
	c->out = ends[0];
	if (c->pid > 0)
		return 0;
	close(c->out);
	c->out = -1;
	return complain(-errno, "%s cannot be started", name);
}

/* 1: there is a line. 0: not yet. */
static int take_line(struct child *c, char *line, size_t size)
{
	char *end = memchr(c->text, '\n', c->used);
	size_t len;

	if (!end)
		return c->used < sizeof(c->text) ? 0 : complain(-EMSGSIZE, "%s: a line without "
								"end", c->name);
	len = (size_t)(end - c->text);
	if (len >= size)
		return complain(-EMSGSIZE, "%s: a line of %zu bytes", c->name, len);
	memcpy(line, c->text, len);
	line[len] = 0;
	c->used -= len + 1;
	memmove(c->text, end + 1, c->used);
	return 1;
}

int child_line(struct child *c, char *line, size_t size, uint32_t timeout_ms)
{
	uint64_t end = now_ms() + timeout_ms;

	for (;;) {
		struct pollfd p = { .fd = c->out, .events = POLLIN };
		int got = take_line(c, line, size);
		uint64_t now = now_ms();
		ssize_t n;

		if (got || c->out < 0)
			return got;
		if (now > end)
			return complain(-ETIMEDOUT, "%s says nothing", c->name);
		if (poll(&p, 1, (int)(end - now) + 1) <= 0)
			continue;
		n = read(c->out, c->text + c->used, sizeof(c->text) - c->used);
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return complain(-errno, "%s cannot be read", c->name);
		c->used += n > 0 ? (size_t)n : 0;
	}
}

/* Has it ended? Its output is read meanwhile: it must not hang on a full pipe. */
static bool ended(struct child *c, uint32_t timeout_ms, int *status)
{
	uint64_t end = now_ms() + timeout_ms;
	struct pollfd p = { .fd = c->out, .events = POLLIN };

	while (waitpid(c->pid, status, WNOHANG) != c->pid) {
		if (now_ms() > end)
			return false;
		if (poll(&p, 1, 10) <= 0 || read(c->out, c->text, sizeof(c->text)) <= 0)
			sleep_ms(1);
	}
	return true;
}

int child_stop(struct child *c, int signal, uint32_t timeout_ms)
{
	int status, err = 0;

	if (c->pid < 0)
		return 0;
	if (signal)
		kill(c->pid, signal);
	if (!ended(c, timeout_ms, &status)) {
		err = complain(-ETIMEDOUT, "%s does not end", c->name);
		kill(c->pid, SIGKILL);
		waitpid(c->pid, &status, 0);
	}
	close(c->out);
	*c = (struct child)CHILD_NONE;
	if (!err && WIFSIGNALED(status))
		err = complain(-ECHILD, "a program was ended by signal %d", WTERMSIG(status));
	return err ? err : WEXITSTATUS(status);
}
