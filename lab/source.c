// SPDX-License-Identifier: GPL-2.0-only
/* Description: a frame source beside the machine under test, as a child process */

#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frames_log.h"
#include "lab.h"

#define STOP_MS 3000

/* The program NAME in the folder of this one. */
static int beside_us(const char *name, char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	if (n <= 0)
		return -ENOENT;
	path[n] = 0;
	slash = strrchr(path, '/');
	if (!slash || (size_t)(slash + 1 - path) + strlen(name) >= size)
		return -ENAMETOOLONG;
	strcpy(slash + 1, name);
	return access(path, X_OK) ? -errno : 0;
}

__attribute__((noreturn))
static void become(const struct source *s, const char *program, int wire, int stream, int rate,
		   const char *damage)
{
	char fd[32], log[600], summary[600], says[600], of[32], per_second[32], damages[64];
	sigset_t none;
	int out;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* A terminal's ^C is ours to handle, and our death must be the source's. */
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(fd, sizeof(fd), "--fd=%d", wire);
	snprintf(of, sizeof(of), "--stream=%d", stream);
	snprintf(per_second, sizeof(per_second), "--rate=%d", rate);
	snprintf(damages, sizeof(damages), "--damage=%s", damage ? damage : "");
	snprintf(log, sizeof(log), "--log=%s/%s.frames", s->dir, s->name);
	snprintf(summary, sizeof(summary), "--summary=%s/%s.json", s->dir, s->name);
	snprintf(says, sizeof(says), "%s/frames.log", s->dir);
	out = open(says, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (out >= 0) {
		dup2(out, STDOUT_FILENO);
		dup2(out, STDERR_FILENO);
	}
	if (fcntl(wire, F_SETFD, 0) == 0)
		execl(program, program, fd, of, per_second, log, summary, "--after-hello",
		      damage ? damages : NULL, NULL);
	_exit(2);
}

int source_start(struct source *s, const char *name, const char *dir, int stream, int rate,
		 const char *damage)
{
	char program[PATH_MAX];
	int ends[2], err = beside_us("hf-frames", program, sizeof(program));

	*s = (struct source){ .name = name, .dir = dir, .wire = -1 };
	if (err)
		return err;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -errno;
	/* Above the numbers that a machine's descriptors get. */
	s->wire = fcntl(ends[0], F_DUPFD_CLOEXEC, 10);
	close(ends[0]);
	s->pid = s->wire < 0 ? -1 : fork();
	if (!s->pid)
		become(s, program, ends[1], stream, rate, damage);
	close(ends[1]);
	if (s->pid > 0)
		return 0;
	s->pid = 0;
	return -EAGAIN;
}

void source_damage(const struct source *s)
{
	if (s->pid)
		kill(s->pid, SIGUSR1);
}

void source_let_go(struct source *s)
{
	if (s->wire >= 0)
		close(s->wire);
	s->wire = -1;
}

static bool ended(struct source *s, int timeout_ms)
{
	int64_t deadline = lab_now_ms() + timeout_ms;

	while (waitpid(s->pid, NULL, WNOHANG) != s->pid) {
		if (lab_now_ms() >= deadline)
			return false;
		usleep(10000);
	}
	s->pid = 0;
	return true;
}

void source_stop(struct source *s)
{
	source_let_go(s);
	/* With the machine its wire has gone: it has only its summary to write. */
	if (!s->pid || ended(s, 500))
		return;
	kill(s->pid, SIGTERM);
	if (ended(s, STOP_MS))
		return;
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	s->pid = 0;
}

bool source_runs(struct source *s, char *why, size_t size)
{
	int status;

	if (!s->pid || waitpid(s->pid, &status, WNOHANG) != s->pid)
		return true;
	s->pid = 0;
	snprintf(why, size, "the frame source for %s has ended before the machine (%s %d); see "
		 "frames.log", s->name, WIFSIGNALED(status) ? "signal" : "code",
		 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return false;
}

int source_last(const struct source *s, uint64_t *sequence)
{
	struct frames_sent *sent;
	char path[600];
	uint16_t stream;
	size_t count;
	int err;

	snprintf(path, sizeof(path), "%s/%s.frames", s->dir, s->name);
	err = frames_log_read(path, &stream, &sent, &count);
	if (err)
		return err;
	if (count)
		*sequence = sent[count - 1].sequence;
	free(sent);
	return count ? 0 : -ENODATA;
}

json_t *source_summary(const struct source *s)
{
	char path[600];
	json_t *summary;

	snprintf(path, sizeof(path), "%s/%s.json", s->dir, s->name);
	summary = json_load_file(path, 0, NULL);
	return summary ? summary : json_null();
}
