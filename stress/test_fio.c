// SPDX-License-Identifier: GPL-2.0-only
/* Description: tests of fio.c with scripts in fio's place, and with fio itself on a file */

#include "fio.c"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#define REAL "build/fio/fio"
#define SIZE (64 * 1024 * 1024)
#define SPAN_AT (8 * 1024 * 1024)
#define SPAN (4 * 1024 * 1024)
#define MAP (24 * 1024 * 1024)
#define BLOCK 16384

static char folder[] = "build/test/fio.XXXXXX";

/* What the scripts begin with: `say ERROR READ WRITTEN READS WRITES`, as fio does. */
static const char prelude[] =
	"#!/bin/sh\n"
	"say() {\n"
	"	echo 'fio: a line of no document'\n"
	"	echo '{'; echo '  \"fio version\" : \"fio-0\", \"jobs\" : [ {'\n"
	"	echo \"    \\\"error\\\" : $1, \\\"read\\\" : { \\\"io_bytes\\\" : $2,\"\n"
	"	echo \"      \\\"total_ios\\\" : $4 }, \\\"write\\\" : { \\\"io_bytes\\\" : $3,\"\n"
	"	echo \"      \\\"total_ios\\\" : $5 } } ]\"\n"
	"	echo '}'\n"
	"}\n"
	"section=map\n"
	"for word; do case $word in --section=*) section=${word#*=} ;; esac; done\n"
	"echo \"$section $HF_FIO_DRIVE $HF_FIO_GENERATION\" >>\"${0%/*}/log\"\n";

/*
 * A random map that does 10 I/Os of 100 bytes for each look. A shell cannot listen to a signal
 * that was ignored when it came; fio can.
 */
#define WRITE "[ $section != write ] || { say 0 0 4096 0 1; exit; }\n"
#define VERIFY "[ $section != verify ] || { say 0 4096 0 1 0; exit; }\n"
#define RANDOM \
	"[ \"$again\" ] || exec env --default-signal=USR1 again=1 \"$0\" \"$@\"\n" \
	"n=0\n" \
	"trap 'n=$((n + 10)); say 0 $((n * 60)) $((n * 40)) $((n - 2)) 2' USR1\n" \
	"trap 'exit 128' TERM\n" \
	": >\"${0%/*}/ready\"\n" \
	"while :; do sleep 0.02; done\n"

static void fake(struct fio *f, const char *script)
{
	static char path[64], log[64], ready[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/fio", folder);
	snprintf(log, sizeof(log), "%s/log", folder);
	snprintf(ready, sizeof(ready), "%s/ready", folder);
	unlink(log);
	unlink(ready);
	/* A new file: the old one may still be running. */
	unlink(path);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "%s%s", prelude, script);
	fclose(file);
	assert_int_equal(chmod(path, 0755), 0);
	*f = (struct fio){ .program = path, .jobs = "configs/fio", .drive = "/dev/none",
			   .map = CHILD_NONE };
	complaint_clear();
}

/* Until the random map listens. */
static void await_map(void)
{
	uint64_t limit = now_ms() + 20000;
	char path[64];

	snprintf(path, sizeof(path), "%s/ready", folder);
	while (access(path, F_OK) && now_ms() < limit)
		sleep_ms(10);
}

static void end(struct fio *f)
{
	fio_stop(f);
	assert_int_equal(f->map.pid, -1);
}

static bool logged(const char *line)
{
	char path[64], got[128];
	bool found = false;
	FILE *log;

	snprintf(path, sizeof(path), "%s/log", folder);
	log = fopen(path, "r");
	assert_non_null(log);
	while (fgets(got, sizeof(got), log)) {
		got[strcspn(got, "\n")] = 0;
		found = found || strcmp(got, line) == 0;
	}
	fclose(log);
	return found;
}

/*
 * With scripts
 */

static void first_kernel_only_writes(void **state)
{
	struct fio_state s = { 0 };
	char line[64];
	struct fio f;

	(void)state;
	fake(&f, WRITE RANDOM);
	assert_int_equal(fio_run(&f, &s), 0);
	assert_int_equal(s.bytes, 4096);
	assert_true(s.generation > 1);
	assert_int_equal(s.generation >> 62, 0);
	snprintf(line, sizeof(line), "write /dev/none %016llx", (unsigned long long)s.generation);
	assert_true(logged(line));
	assert_int_equal(f.counts.written + f.counts.verified, 0);
	end(&f);
}

static void generations_are_new(void **state)
{
	struct fio_state a = { 0 }, b = { 0 };
	struct fio f;

	(void)state;
	fake(&f, WRITE RANDOM);
	assert_int_equal(fio_run(&f, &a), 0);
	end(&f);
	assert_int_equal(fio_run(&f, &b), 0);
	assert_true(a.generation != b.generation);
	end(&f);
}

static void next_kernel_verifies_and_writes(void **state)
{
	struct fio_state s = { .generation = 0xabc, .bytes = 4096, .map_ios = 7, .map_bytes = 9 };
	struct fio f;

	(void)state;
	fake(&f, WRITE VERIFY RANDOM);
	assert_int_equal(fio_run(&f, &s), 0);
	assert_true(logged("verify /dev/none 0000000000000abc"));
	assert_true(logged("write /dev/none 0000000000000abd"));
	assert_true(logged("map /dev/none 0000000000000abd"));
	assert_int_equal(s.generation, 0xabd);
	assert_int_equal(f.counts.written, 4096);
	assert_int_equal(f.counts.verified, 4096);
	assert_int_equal(f.counts.map_ios, 7);
	assert_null(fio_judge(&f.counts));
	end(&f);
}

/* Looks, the record between them, and what is left to the next kernel. */
static void the_map_is_counted_once(void **state)
{
	struct fio_state s = { .generation = 1, .bytes = 4096, .map_ios = 5, .map_bytes = 50 };
	struct fio f;

	(void)state;
	fake(&f, WRITE VERIFY RANDOM);
	assert_int_equal(fio_run(&f, &s), 0);
	await_map();
	assert_int_equal(fio_look(&f), 0);
	assert_true(f.counts.map_ios >= 15);
	assert_int_equal(fio_look(&f), 0);
	assert_int_equal(f.counts.map_ios, 5 + f.seen_ios);
	assert_int_equal(f.counts.map_bytes, 50 + 100 * f.seen_ios);
	fio_recorded(&f);
	assert_int_equal(fio_leave(&f, &s), 0);
	assert_true(s.map_ios >= 10 && s.map_ios < f.seen_ios);
	assert_int_equal(s.map_bytes, s.map_ios * 100);
	end(&f);
}

static void a_map_that_is_slow_to_listen(void **state)
{
	struct fio_state s = { 0 };
	struct fio f;

	(void)state;
	fake(&f, WRITE "[ \"$again\" ] || sleep 3\n" RANDOM);
	assert_int_equal(fio_run(&f, &s), 0);
	assert_int_equal(fio_look(&f), 0);
	assert_string_equal(complaint(), "");
	assert_int_equal(f.counts.map_ios, 10);
	end(&f);
}

static void refused(const char *script, int err, const char *words)
{
	struct fio_state s = { .generation = 1, .bytes = 4096 };
	struct fio f;

	fake(&f, script);
	assert_int_equal(fio_run(&f, &s), err);
	assert_non_null(strstr(complaint(), words));
	assert_int_equal(f.counts.errors + f.counts.wrong, 1);
	assert_non_null(fio_judge(&f.counts));
	end(&f);
}

static void bad_spans(void **state)
{
	(void)state;
#define BAD(section, what) "[ $section != " section " ] || { " what "; }\n"
	refused(BAD("verify", "say 84 2048 0 1 0; exit 1") RANDOM, -EBADMSG,
		"wrong on the kernel's drive: seen after 2048 of 4096 bytes");
	refused(BAD("verify", "say 5 0 0 1 0; exit 1") RANDOM, -EIO, "cannot be read");
	refused(BAD("verify", "say 0 2048 0 1 0; exit") RANDOM, -EIO,
		"2048 bytes were verified, 4096 were written");
	refused(BAD("verify", "say 0 4096 0 1 0; exit 3") RANDOM, -EIO, "left with 3");
	refused(BAD("verify", "echo no such job; exit 1") RANDOM, -ENODATA,
		"left with 1 and without a result");
	refused(BAD("verify", "echo '{'; echo '}'; exit") RANDOM, -EPROTO, "not what fio says");
	refused(BAD("verify", "echo '{'; echo '{'; echo '}'; exit") RANDOM, -EPROTO, "not what");
	refused(BAD("verify", "echo '{'; yes; exit") RANDOM, -EMSGSIZE, "without end");
	refused(BAD("verify", "say 4294967296 4096 0 1 0; exit") RANDOM, -EPROTO, "not what");
	refused(BAD("verify", "say -5 4096 0 1 0; exit") RANDOM, -EPROTO, "not what");
	refused(BAD("verify", "say 0 4096 0 -1 0; exit") RANDOM, -EPROTO, "not what");
	refused(BAD("verify", "say 0 4096 0 1 9223372036854775807; exit") RANDOM, -EPROTO, "not what");
	refused(VERIFY BAD("write", "say 28 0 1024 0 1; exit 1") RANDOM, -ENOSPC, "not written");
	refused(VERIFY BAD("write", "say 0 0 0 0 0; exit") RANDOM, -EIO, "not written");
}

static void bad_maps(void **state)
{
	static const struct {
		const char *script, *words;
		int err;
	} bad[] = {
		{ "say 84 1 1 1 1; exit 1", "other data than it wrote", -EBADMSG },
		{ "say 5 1 1 1 1; exit 1", "random map has failed", -EIO },
		{ "exit 1", "has ended", -ENODATA },
	};
	struct fio f;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fio_state s = { 0 };
		char script[512];

		snprintf(script, sizeof(script), WRITE "%s\n", bad[i].script);
		fake(&f, script);
		assert_int_equal(fio_run(&f, &s), 0);
		assert_int_equal(fio_look(&f), bad[i].err);
		assert_non_null(strstr(complaint(), bad[i].words));
		assert_int_equal(f.counts.errors + f.counts.wrong, 1);
		end(&f);
	}
}

static void no_fio(void **state)
{
	struct fio f = { .program = "/nonexistent/fio", .jobs = "", .drive = "/dev/none",
			 .map = CHILD_NONE };
	struct fio_state s = { 0 };

	(void)state;
	complaint_clear();
	assert_int_equal(fio_run(&f, &s), -ENOENT);
	assert_non_null(strstr(complaint(), "/nonexistent/fio"));
	end(&f);
	/* Never asked for, never started. */
	f = (struct fio){ 0 };
	fio_stop(&f);
}

static void judged(void **state)
{
	const struct fio_counts good = { .written = 8, .verified = 8, .map_ios = 1 };
	struct fio_counts c = good;

	(void)state;
	assert_null(fio_judge(&c));
	c.wrong = 1;
	assert_non_null(strstr(fio_judge(&c), "wrong data"));
	c = good;
	c.verified = 7;
	assert_non_null(strstr(fio_judge(&c), "not verify"));
	c = (struct fio_counts){ .map_ios = 1 };
	assert_non_null(fio_judge(&c));
	c = good;
	c.map_ios = 0;
	assert_non_null(strstr(fio_judge(&c), "idle"));
}

static void as_json(void **state)
{
	const struct fio_counts c = { 1, 2, 3, 4, 6, 5 };
	json_t *json = fio_json(&c);
	char *text = json_dumps(json, JSON_COMPACT);

	(void)state;
	assert_string_equal(text, "{\"written\":1,\"verified\":2,\"map_ios\":3,\"map_bytes\":4,"
			    "\"wrong\":6,\"errors\":5}");
	free(text);
	json_decref(json);
}

/*
 * With fio itself, on a file
 */

static void lacking(const char *what)
{
	print_message("skipped: no %s\n", what);
	skip();
}

static void real(struct fio *f)
{
	int fd;

	if (access(REAL, X_OK))
		lacking(REAL " (lab/fio-get)");
	if (syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno != EFAULT)
		lacking("io_uring here");
	*f = (struct fio){ .program = REAL, .jobs = "configs/fio", .map = CHILD_NONE };
	snprintf(f->drive, sizeof(f->drive), "%s/drive", folder);
	unlink(f->drive);
	fd = open(f->drive, O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
	if (fd < 0)
		lacking("O_DIRECT in build/test");
	assert_int_equal(ftruncate(fd, SIZE), 0);
	close(fd);
	complaint_clear();
}

/* Read or write a part of the drive. */
static void copy(const struct fio *f, void *buf, size_t size, off_t at, bool in)
{
	int fd = open(f->drive, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	if (in)
		assert_int_equal(pread(fd, buf, size, at), (ssize_t)size);
	else
		assert_int_equal(pwrite(fd, buf, size, at), (ssize_t)size);
	close(fd);
}

/* The start of a kernel that finds the span of the one before; that one's child is ended. */
static int next_run(struct fio *f, struct fio_state *s)
{
	int err = fio_leave(f, s);

	end(f);
	return err ? err : fio_run(f, s);
}

static void real_kernels(void **state)
{
	struct fio_state s = { 0 };
	struct fio f;

	(void)state;
	real(&f);
	assert_int_equal(fio_run(&f, &s), 0);
	assert_int_equal(s.bytes, SPAN);
	for (int kernel = 1; kernel < 4; kernel++) {
		assert_int_equal(next_run(&f, &s), 0);
		assert_int_equal(fio_look(&f), 0);
		assert_null(fio_judge(&f.counts));
		assert_int_equal(f.counts.verified, SPAN);
		assert_true(f.counts.map_bytes > 4096 * f.counts.map_ios);
		fio_recorded(&f);
	}
	end(&f);
}

enum damage { FLIP, TORN, ZERO, OLD, SWAP_BLOCKS, SWAP_SECTORS, DAMAGES };

static void swap(uint8_t *span, size_t a, size_t b, size_t size)
{
	uint8_t kept[BLOCK];

	memcpy(kept, span + a, size);
	memcpy(span + a, span + b, size);
	memcpy(span + b, kept, size);
}

static void damage(enum damage how, uint8_t *span, const uint8_t *old)
{
	switch (how) {
	case FLIP:
		span[3000001] ^= 4;
		break;
	case TORN:	/* a DMA that ended early */
		memcpy(span + 5 * BLOCK + 7000, old + 5 * BLOCK + 7000, BLOCK - 7000);
		break;
	case ZERO:
		memset(span + SPAN - BLOCK, 0, BLOCK);
		break;
	case OLD:
		memcpy(span + 9 * BLOCK, old + 9 * BLOCK, BLOCK);
		break;
	case SWAP_BLOCKS:
		swap(span, 0, 77 * BLOCK, BLOCK);
		break;
	default:
		swap(span, 77 * BLOCK, 77 * BLOCK + 31 * 512, 512);
	}
}

static void real_damage(void **state)
{
	static uint8_t old[SPAN], span[SPAN], hurt[SPAN];
	struct fio_state s = { 0 }, before;
	struct fio f;

	(void)state;
	real(&f);
	assert_int_equal(fio_run(&f, &s), 0);
	copy(&f, old, SPAN, SPAN_AT, true);
	assert_int_equal(next_run(&f, &s), 0);
	copy(&f, span, SPAN, SPAN_AT, true);
	for (int how = 0; how < DAMAGES; how++) {
		end(&f);
		memcpy(hurt, span, SPAN);
		damage(how, hurt, old);
		copy(&f, hurt, SPAN, SPAN_AT, false);
		complaint_clear();
		before = s;
		assert_int_equal(fio_run(&f, &before), -EBADMSG);
		assert_int_equal(f.counts.verified, 0);
		/* Mended, it is right: nothing else was wrong. */
		copy(&f, span, SPAN, SPAN_AT, false);
		complaint_clear();
		end(&f);
		before = s;
		assert_int_equal(fio_run(&f, &before), 0);
		copy(&f, span, SPAN, SPAN_AT, false);
	}
	end(&f);
}

/* The map's region is hurt again and again, until a loop has read what it wrote. */
static void real_map_damage(void **state)
{
	static uint8_t junk[4 * 1024 * 1024];
	struct fio_state s = { 0 };
	struct fio f;
	int err = 0;

	(void)state;
	real(&f);
	memset(junk, 0x5a, sizeof(junk));
	assert_int_equal(fio_run(&f, &s), 0);
	for (int i = 0; i < 100 && !err; i++) {
		copy(&f, junk, sizeof(junk), MAP, false);
		sleep_ms(200);
		err = fio_look(&f);
	}
	assert_int_equal(err, -EBADMSG);
	end(&f);
}

static void real_refusal(void **state)
{
	struct fio_state s = { 0 };
	struct fio f;

	(void)state;
	real(&f);
	snprintf(f.drive, sizeof(f.drive), "%s/missing", folder);
	assert_true(fio_run(&f, &s) < 0);
	assert_non_null(strstr(complaint(), "fio"));
	end(&f);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	static const char *const names[] = { "fio", "log", "ready", "drive" };
	char path[64];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_kernel_only_writes),
		cmocka_unit_test(generations_are_new),
		cmocka_unit_test(next_kernel_verifies_and_writes),
		cmocka_unit_test(the_map_is_counted_once),
		cmocka_unit_test(a_map_that_is_slow_to_listen),
		cmocka_unit_test(bad_spans),
		cmocka_unit_test(bad_maps),
		cmocka_unit_test(no_fio),
		cmocka_unit_test(judged),
		cmocka_unit_test(as_json),
		cmocka_unit_test(real_kernels),
		cmocka_unit_test(real_damage),
		cmocka_unit_test(real_map_damage),
		cmocka_unit_test(real_refusal),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
