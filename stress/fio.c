// SPDX-License-Identifier: GPL-2.0-only
/* Description: fio on the drive that the kernel owns: data that span the jump, and a random map */

#include "fio.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "bystander.h"
#include "clock.h"
#include "complain.h"

#define SPAN_MS 120000		/* a second is usual */
#define STOP_MS 10000
#define LOOK_MS 2000
#define LOOKS 15
#define MAX_DOCUMENT 65536	/* 7 KiB are usual */
#define MAX_ERRNO 4095
#define MANY (1LL << 60)	/* bytes or I/Os: no job comes to that, and sums are numbers still */

/*
 * fio's output
 */

/*
 * The next document of @c, without what fio says before it: from a line "{" to a line "}".
 * -ENODATA: it has ended without one.
 */
static int read_text(struct child *c, FILE *text, uint32_t timeout_ms)
{
	uint64_t end = now_ms() + timeout_ms, now;
	bool inside = false;
	char line[4096];

	while (ftell(text) < MAX_DOCUMENT) {
		int got;

		now = now_ms();
		got = child_line(c, line, sizeof(line), now < end ? (uint32_t)(end - now) : 0);
		if (got <= 0)
			return got ? got : -ENODATA;
		inside = inside || strcmp(line, "{") == 0;
		if (inside)
			fprintf(text, "%s\n", line);
		if (inside && strcmp(line, "}") == 0)
			return 0;
	}
	return complain(-EMSGSIZE, "%s: a document without end", c->name);
}

static bool is_count(json_int_t n)
{
	return n >= 0 && n < MANY;
}

static int parse(const char *name, const char *text, size_t size, struct fio_job *job)
{
	json_t *doc = json_loadb(text, size, 0, NULL);
	json_int_t error, read, written, reads, writes;
	int err;

	err = json_unpack(doc, "{s:[{s:I,s:{s:I,s:I},s:{s:I,s:I}}]}", "jobs", "error", &error,
			  "read", "io_bytes", &read, "total_ios", &reads,
			  "write", "io_bytes", &written, "total_ios", &writes);
	json_decref(doc);
	/* An error that is cut to an int, or negative, would be none, or another. */
	if (err || error < 0 || error > MAX_ERRNO || !is_count(read) || !is_count(written) ||
	    !is_count(reads) || !is_count(writes))
		return complain(-EPROTO, "%s: not what fio says of a job", name);
	job->error = (int)error;
	job->read = (uint64_t)read;
	job->written = (uint64_t)written;
	job->ios = (uint64_t)(reads + writes);
	return 0;
}

int fio_read_job(struct child *c, struct fio_job *job, uint32_t timeout_ms)
{
	char *buf = NULL;
	size_t size = 0;
	FILE *text = open_memstream(&buf, &size);
	int err;

	if (!text)
		return -ENOMEM;
	err = read_text(c, text, timeout_ms);
	fclose(text);
	if (!err)
		err = parse(c->name, buf, size, job);
	free(buf);
	return err;
}

/*
 * Jobs
 */

/* @name for complaints; a @section of the job file, or NULL: it has one job. */
static int start(struct fio *f, struct child *c, const char *name, const char *file,
		 const char *section, uint64_t generation)
{
	char path[PATH_MAX], only[64], hex[20];
	char *argv[] = {
		(char *)f->program, (char *)"--output-format=json", (char *)"--eta=never", path,
		section ? only : NULL, NULL,
	};

	snprintf(path, sizeof(path), "%s/%s", f->jobs, file);
	snprintf(only, sizeof(only), "--section=%s", section ? section : "");
	snprintf(hex, sizeof(hex), "%016llx", (unsigned long long)generation);
	if (setenv("HF_FIO_DRIVE", f->drive, 1) || setenv("HF_FIO_GENERATION", hex, 1))
		return complain(-ENOMEM, "%s: no room for its environment", name);
	return child_start(c, name, argv);
}

static int run_span(struct fio *f, const char *name, const char *section, uint64_t generation,
		    struct fio_job *job)
{
	struct child c;
	int err = start(f, &c, name, "span.fio", section, generation), code;

	if (err)
		return err;
	err = fio_read_job(&c, job, SPAN_MS);
	code = child_stop(&c, err ? SIGKILL : 0, STOP_MS);
	if (err == -ENODATA)
		return complain(err, "%s: fio left with %d and without a result", name, code);
	if (err || code < 0)
		return err ? err : code;
	/* What it says of the job is more than its exit code. */
	return code && !job->error ? complain(-EIO, "%s: fio left with %d", name, code) : 0;
}

static int verify_span(struct fio *f, const struct fio_state *s)
{
	struct fio_job job = { 0 };
	int err = run_span(f, "fio, verifying", "verify", s->generation, &job);

	if (err)
		return err;
	f->counts.verified = job.error ? 0 : job.read;
	if (job.error == EILSEQ)
		return complain(-EBADMSG, "fio: what was written before the jump is wrong on the "
				"kernel's drive: seen after %llu of %llu bytes",
				(unsigned long long)job.read, (unsigned long long)s->bytes);
	if (job.error)
		return complain(-job.error, "fio: what was written before the jump cannot be read");
	if (job.read == s->bytes)
		return 0;
	return complain(-EIO, "fio: %llu bytes were verified, %llu were written",
			(unsigned long long)job.read, (unsigned long long)s->bytes);
}

static int write_span(struct fio *f, struct fio_state *s)
{
	struct fio_job job = { 0 };
	int err = run_span(f, "fio, writing", "write", s->generation + 1, &job);

	if (err)
		return err;
	if (job.error || !job.written)
		return complain(job.error ? -job.error : -EIO, "fio: the span was not written");
	s->generation++;
	s->bytes = job.written;
	return 0;
}

/* Its documents are asked for by a signal, which must not end it before it listens. */
static int start_map(struct fio *f, uint64_t generation)
{
	sighandler_t handler = signal(SIGUSR1, SIG_IGN);
	int err = start(f, &f->map, "fio, random map", "random-map.fio", NULL, generation);

	signal(SIGUSR1, handler);
	return err;
}

/* Ask until it answers: it may not have listened. */
static int ask_map(struct fio *f, struct fio_job *job)
{
	bool said = *complaint();
	int err = -ETIMEDOUT;

	if (f->map.pid <= 0)
		return complain(-ESRCH, "fio: there is no random map");
	for (int i = 0; i < LOOKS && err == -ETIMEDOUT; i++) {
		if (!said)
			complaint_clear();
		kill(f->map.pid, SIGUSR1);
		err = fio_read_job(&f->map, job, LOOK_MS);
	}
	return err == -ENODATA ? complain(err, "fio: the random map has ended") : err;
}

/*
 * For the agent
 */

void fio_init(struct fio *f)
{
	*f = (struct fio){ .program = "/sbin/fio", .jobs = "/etc/fio", .map = CHILD_NONE };
}

/* Another run may have used the same drive, and left its generations there. */
static uint64_t first_generation(void)
{
	uint64_t r;

	if (getrandom(&r, sizeof(r), GRND_INSECURE) != sizeof(r))
		r = now_ms() << 20;
	/* Room to count, and no sign. */
	return r >> 2 | 1;
}

static int count_failure(struct fio *f, int err)
{
	f->counts.wrong += err == -EBADMSG;
	f->counts.errors += err && err != -EBADMSG;
	return err;
}

int fio_run(struct fio *f, struct fio_state *s)
{
	bool spans = s->generation;
	int err = *f->drive ? 0 : bystander_drive(f->drive, sizeof(f->drive));

	f->counts = (struct fio_counts){
		.written = s->bytes, .map_ios = s->map_ios, .map_bytes = s->map_bytes,
	};
	f->seen_ios = 0;
	f->seen_bytes = 0;
	if (!spans)
		s->generation = first_generation();
	if (!err)
		err = start_map(f, s->generation + 1);
	if (!err && spans)
		err = verify_span(f, s);
	if (!err)
		err = write_span(f, s);
	return count_failure(f, err);
}

int fio_look(struct fio *f)
{
	struct fio_job job = { 0 };
	int err = ask_map(f, &job);

	if (!err && job.error == EILSEQ)
		err = complain(-EBADMSG, "fio: the random map has read other data than it wrote");
	else if (!err && job.error)
		err = complain(-job.error, "fio: the random map has failed");
	/* An answer that came late is an old one. */
	if (job.ios > f->seen_ios) {
		f->counts.map_ios += job.ios - f->seen_ios;
		f->counts.map_bytes += job.read + job.written - f->seen_bytes;
		f->seen_ios = job.ios;
		f->seen_bytes = job.read + job.written;
	}
	return count_failure(f, err);
}

void fio_recorded(struct fio *f)
{
	f->counts = (struct fio_counts){ 0 };
}

int fio_leave(struct fio *f, struct fio_state *s)
{
	int err = fio_look(f);

	s->map_ios = f->counts.map_ios;
	s->map_bytes = f->counts.map_bytes;
	return err;
}

void fio_stop(struct fio *f)
{
	/* All zero, it was never asked for. */
	if (f->map.pid > 0)
		child_stop(&f->map, SIGTERM, STOP_MS);
}

const char *fio_judge(const struct fio_counts *c)
{
	if (c->wrong)
		return "fio found wrong data";
	if (c->errors)
		return "fio failed";
	if (!c->written || c->verified != c->written)
		return "fio did not verify all that it had written";
	if (!c->map_ios)
		return "fio's random map was idle";
	return NULL;
}

json_t *fio_json(const struct fio_counts *c)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "written", (json_int_t)c->written,
			 "verified", (json_int_t)c->verified, "map_ios", (json_int_t)c->map_ios,
			 "map_bytes", (json_int_t)c->map_bytes, "wrong", (json_int_t)c->wrong,
			 "errors", (json_int_t)c->errors);
}
