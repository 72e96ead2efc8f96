// SPDX-License-Identifier: GPL-2.0-only
/* Description: the machine under test as a child process */

#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"

#define CHILD_RESULTS	3
#define CHILD_QMP	4
#define CHILD_WIRE	5
#define STOP_MS		3000

static void become(char *const argv[], const char *dir, int log, int results, int qmp,
		   const int wires[MACHINE_WIRES])
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* A terminal's ^C is ours to handle, and our death must be the machine's. */
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0 ||
	    dup2(results, CHILD_RESULTS) < 0 || dup2(qmp, CHILD_QMP) < 0 ||
	    setenv("HF_RUN_DIR", dir, 1))
		_exit(2);
	for (int i = 0; i < MACHINE_WIRES; i++) {
		if (wires[i] >= 0 && dup2(wires[i], CHILD_WIRE + i) < 0)
			_exit(2);
	}
	execvp(argv[0], argv);
	fprintf(stderr, "%s: cannot be run\n", argv[0]);
	_exit(2);
}

/* A pair of which the child's end is above the numbers that it will get. */
static int channel(int ends[2])
{
	int low[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, low))
		return -errno;
	ends[0] = fcntl(low[0], F_DUPFD_CLOEXEC, 10);
	ends[1] = fcntl(low[1], F_DUPFD_CLOEXEC, 10);
	close(low[0]);
	close(low[1]);
	return ends[0] < 0 || ends[1] < 0 ? -EMFILE : 0;
}

int machine_start(struct machine *m, char *const argv[], const char *dir,
		  const int wires[MACHINE_WIRES])
{
	int results[2], qmp[2], log, err;
	char path[600];

	err = channel(results);
	if (err)
		return err;
	err = channel(qmp);
	if (err)
		return err;
	snprintf(path, sizeof(path), "%s/machine.log", dir);
	log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (log < 0)
		return -errno;
	log = fcntl(log, F_DUPFD_CLOEXEC, 10);
	m->pid = fork();
	if (m->pid < 0) {
		m->pid = 0;
		return -errno;
	}
	if (!m->pid)
		become(argv, dir, log, results[1], qmp[1], wires);
	close(log);
	close(results[1]);
	close(qmp[1]);
	m->results = results[0];
	m->qmp = qmp[0];
	return 0;
}

bool machine_wait(struct machine *m, int timeout_ms)
{
	int64_t deadline = lab_now_ms() + timeout_ms;

	while (m->pid) {
		if (waitpid(m->pid, &m->status, WNOHANG) == m->pid) {
			m->pid = 0;
			break;
		}
		if (lab_now_ms() >= deadline)
			return false;
		usleep(10000);
	}
	return true;
}

void machine_stop(struct machine *m)
{
	if (m->pid) {
		kill(m->pid, SIGTERM);
		if (!machine_wait(m, STOP_MS)) {
			kill(m->pid, SIGKILL);
			waitpid(m->pid, &m->status, 0);
			m->pid = 0;
		}
	}
	if (m->results >= 0)
		close(m->results);
	if (m->qmp >= 0)
		close(m->qmp);
	m->results = -1;
	m->qmp = -1;
}
