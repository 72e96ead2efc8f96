// SPDX-License-Identifier: GPL-2.0-only
/* Description: hf-frames: the frame source beside the machine under test */

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "frames_match.h"
#include "frames_run.h"

static const char usage[] =
	"usage: hf-frames --connect=PATH | --listen=PATH | --fd=N | --dpdk=ARGS [option...]\n"
	"       hf-frames --compare=LIST --log=FILE [option...]\n"
	"Sends numbered frames (lib/frame.h) to the port under test at a pace, checks the frames\n"
	"that come from it, and prints a summary (JSON) when it ends: after --count, after\n"
	"--seconds, by SIGTERM or SIGINT, or when the peer closes.\n"
	"  --connect=PATH   unix socket of QEMU's -netdev stream,server=on\n"
	"  --listen=PATH    the same for server=off: the socket is made here\n"
	"  --fd=N           a connected stream socket that was inherited\n"
	"  --dpdk=ARGS      a port by DPDK; ARGS of its EAL, separated by blanks\n"
	"  --timeout=S      wait so long for the peer (30)\n"
	"  --rate=N         frames per second; 0: as fast as they are taken (1000)\n"
	"  --count=N        frames; 0: no end (0)\n"
	"  --seconds=N      from the first frame; 0: no end (0)\n"
	"  --length=N[-M]   bytes of a frame, or from N to M, 64 to 1514 (64-1514)\n"
	"  --stream=N       number of the stream, below 16383 (1)\n"
	"  --expect=N       number of the stream that comes from the port, without its\n"
	"                   direction bit (the same)\n"
	"  --broadcast      send to everybody\n"
	"  --as-port        be the port: send what a source expects, expect what it sends\n"
	"  --first=N        sequence to begin with (0)\n"
	"  --after-hello    send nothing before the port has sent a frame\n"
	"  --damage=KIND    from SIGUSR1 on, do this to one of 50 frames: flip (a byte), drop,\n"
	"                   duplicate; the log tells of whole frames, each sent once\n"
	"  --drain-ms=N     go on receiving for so long after the last frame (200)\n"
	"  --queue=BYTES    what the socket may queue; 0: the kernel's default (32768)\n"
	"  --log=FILE       send log (lab/frames_log.h)\n"
	"  --summary=FILE   write the summary there instead of to stdout\n"
	"With --compare it reads a receiver's LIST of sequences (a file, - for stdin: \"A\" or\n"
	"\"A-B\", either with \"@NS\" for the time, in the order of arrival) and judges it by\n"
	"the send log:\n"
	"  --from=N --to=N  judge these sequences only\n"
	"  --settled-ns=NS  what was sent until then (since the epoch) must have landed; without\n"
	"                   it, frames behind the last that landed are pending, not lost\n"
	"  --late-ms=N      a frame that took longer is late; 0: do not judge (0)\n"
	"exit code: 0 done, 1 (--compare) lost, duplicated, late or stray frames, 2 usage or\n"
	"failure of the source or its log\n";

enum option_id {
	OPT_CONNECT = 256, OPT_LISTEN, OPT_FD, OPT_DPDK, OPT_TIMEOUT, OPT_RATE, OPT_COUNT,
	OPT_SECONDS, OPT_LENGTH, OPT_STREAM, OPT_EXPECT, OPT_BROADCAST, OPT_FIRST,
	OPT_AFTER_HELLO, OPT_DRAIN, OPT_QUEUE, OPT_LOG, OPT_SUMMARY, OPT_COMPARE, OPT_FROM,
	OPT_TO, OPT_AS_PORT, OPT_SETTLED, OPT_LATE, OPT_DAMAGE, OPT_HELP,
};

static const struct option long_options[] = {
	{ "connect", required_argument, NULL, OPT_CONNECT },
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "fd", required_argument, NULL, OPT_FD },
	{ "dpdk", required_argument, NULL, OPT_DPDK },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "count", required_argument, NULL, OPT_COUNT },
	{ "seconds", required_argument, NULL, OPT_SECONDS },
	{ "length", required_argument, NULL, OPT_LENGTH },
	{ "stream", required_argument, NULL, OPT_STREAM },
	{ "expect", required_argument, NULL, OPT_EXPECT },
	{ "broadcast", no_argument, NULL, OPT_BROADCAST },
	{ "first", required_argument, NULL, OPT_FIRST },
	{ "as-port", no_argument, NULL, OPT_AS_PORT },
	{ "after-hello", no_argument, NULL, OPT_AFTER_HELLO },
	{ "damage", required_argument, NULL, OPT_DAMAGE },
	{ "drain-ms", required_argument, NULL, OPT_DRAIN },
	{ "queue", required_argument, NULL, OPT_QUEUE },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "summary", required_argument, NULL, OPT_SUMMARY },
	{ "compare", required_argument, NULL, OPT_COMPARE },
	{ "from", required_argument, NULL, OPT_FROM },
	{ "to", required_argument, NULL, OPT_TO },
	{ "settled-ns", required_argument, NULL, OPT_SETTLED },
	{ "late-ms", required_argument, NULL, OPT_LATE },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 }
};

static volatile sig_atomic_t interrupted, damaging;

struct options {
	const char *connect, *listen, *dpdk, *log, *summary, *compare;
	int fd, timeout_s, queue, expect;
	bool broadcast, as_port;
	struct frames_plan plan;
	struct frames_limits limits;
};

static void on_signal(int signal)
{
	if (signal == SIGUSR1)
		damaging = 1;
	else
		interrupted = signal;
}

__attribute__((noreturn))
static void refuse(const char *what, const char *why)
{
	fprintf(stderr, "hf-frames: %s: %s\n", what, why);
	exit(2);
}

/* The number at @text, up to @max, and where it ends. */
static uint64_t number_at(const char *text, uint64_t max, const char **end)
{
	char *stop;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &stop, 10);
	if (*text < '0' || *text > '9' || errno || n > max) {
		char why[64];

		snprintf(why, sizeof(why), "not a number up to %llu", (unsigned long long)max);
		refuse(text, why);
	}
	*end = stop;
	return n;
}

static uint64_t number(const char *text, uint64_t max)
{
	const char *end;
	uint64_t n = number_at(text, max, &end);

	if (*end)
		refuse(text, "not a number");
	return n;
}

static void take_lengths(struct frames_plan *plan, const char *text)
{
	const char *end;

	plan->least = number_at(text, FRAME_MAX, &end);
	plan->most = *end == '-' ? number_at(end + 1, FRAME_MAX, &end) : plan->least;
	if (*end || plan->least < FRAME_MIN || plan->most < plan->least)
		refuse(text, "not a length or two from 64 to 1514, as 64-1514");
}

static enum frames_damage damage_of(const char *word)
{
	static const char *const words[] = {
		[FRAMES_FLIP] = "flip", [FRAMES_DROP] = "drop", [FRAMES_DUPLICATE] = "duplicate",
	};

	for (enum frames_damage kind = FRAMES_FLIP; kind <= FRAMES_DUPLICATE; kind++) {
		if (strcmp(word, words[kind]) == 0)
			return kind;
	}
	refuse(word, "no damage known here: flip, drop, duplicate");
}

static void take_peer(struct options *o, int id, const char *value)
{
	if (o->connect || o->listen || o->dpdk || o->fd >= 0)
		refuse(value, "one peer only: --connect, --listen, --fd or --dpdk");
	switch (id) {
	case OPT_CONNECT:
		o->connect = value;
		break;
	case OPT_LISTEN:
		o->listen = value;
		break;
	case OPT_DPDK:
		o->dpdk = value;
		break;
	case OPT_FD:
		o->fd = (int)number(value, 65535);
		break;
	}
}

static void take_number(struct options *o, int id, const char *value)
{
	switch (id) {
	case OPT_TIMEOUT:
		o->timeout_s = (int)number(value, 86400);
		break;
	case OPT_RATE:
		o->plan.rate = number(value, 100000000);
		break;
	case OPT_COUNT:
		o->plan.count = number(value, INT64_MAX);
		break;
	case OPT_SECONDS:
		o->plan.duration_ns = number(value, 31536000) * 1000000000;
		break;
	case OPT_STREAM:
		o->plan.stream = (uint16_t)number(value, FRAME_HELLO - 1);
		break;
	case OPT_EXPECT:
		o->expect = (int)number(value, FRAME_HELLO - 1);
		break;
	case OPT_FIRST:
		o->plan.first = number(value, INT64_MAX);
		break;
	case OPT_DRAIN:
		o->plan.drain_ns = number(value, 3600000) * 1000000;
		break;
	case OPT_QUEUE:
		o->queue = (int)number(value, 1 << 30);
		break;
	case OPT_FROM:
		o->limits.from = number(value, INT64_MAX);
		break;
	case OPT_TO:
		o->limits.to = number(value, INT64_MAX);
		break;
	case OPT_SETTLED:
		o->limits.settled_ns = number(value, UINT64_MAX);
		break;
	case OPT_LATE:
		o->limits.late_ns = number(value, 86400000) * 1000000;
		break;
	}
}

static void take_option(struct options *o, int id, const char *value)
{
	switch (id) {
	case OPT_CONNECT:
	case OPT_LISTEN:
	case OPT_FD:
	case OPT_DPDK:
		take_peer(o, id, value);
		break;
	case OPT_LENGTH:
		take_lengths(&o->plan, value);
		break;
	case OPT_BROADCAST:
		o->broadcast = true;
		break;
	case OPT_DAMAGE:
		o->plan.damage = damage_of(value);
		break;
	case OPT_AS_PORT:
		o->as_port = true;
		break;
	case OPT_AFTER_HELLO:
		o->plan.after_hello = true;
		break;
	case OPT_LOG:
		o->log = value;
		break;
	case OPT_SUMMARY:
		o->summary = value;
		break;
	case OPT_COMPARE:
		o->compare = value;
		break;
	case OPT_HELP:
		fputs(usage, stdout);
		exit(0);
	case '?':
		/* getopt has said in its line what is wrong. */
		exit(2);
	default:
		take_number(o, id, value);
	}
}

static void parse(struct options *o, int argc, char **argv)
{
	int id;

	while ((id = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		take_option(o, id, optarg);
	if (optind != argc)
		refuse(argv[optind], "not an option; see hf-frames --help");
	if (o->compare && !o->log)
		refuse("--compare", "needs the send log: --log=FILE");
	if (!o->compare && !o->connect && !o->listen && !o->dpdk && o->fd < 0)
		refuse("no peer", "see hf-frames --help");
	o->plan.expect = (uint16_t)(o->expect < 0 ? o->plan.stream : (unsigned int)o->expect);
	*(o->as_port ? &o->plan.stream : &o->plan.expect) |= FRAME_FROM_PORT;
	if (o->broadcast)
		o->plan.stream |= FRAME_BROADCAST;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/*
 * Print @document, and let go of it. Failing to is an error: somebody waits for it. A file is
 * there whole or not at all.
 */
static void publish(json_t *document, const char *path)
{
	char part[PATH_MAX];
	FILE *out = stdout;

	snprintf(part, sizeof(part), "%s.part", path ? path : "");
	if (path)
		out = fopen(part, "we");
	if (!out)
		refuse(path, strerror(errno));
	if (!document || json_dumpf(document, out, JSON_INDENT(2)) || fputc('\n', out) == EOF ||
	    fflush(out) || (path && (fclose(out) || rename(part, path))))
		refuse(path ? path : "stdout", "the summary cannot be written");
	json_decref(document);
}

/* NULL: interrupted before there was one, which is no failure. */
static struct frames_io *open_peer(struct options *o)
{
	const char *name = o->connect ? o->connect : o->listen ? o->listen : "--dpdk";
	int timeout_ms = o->timeout_s * 1000;
	struct frames_io *io = NULL;
	int fd = o->fd, err;

	if (o->connect)
		fd = frames_connect(o->connect, timeout_ms, &interrupted);
	if (o->listen)
		fd = frames_listen(o->listen, timeout_ms, &interrupted);
	if (!o->dpdk && fd >= 0)
		err = frames_io_socket(fd, o->queue, &io);
	else
		err = o->dpdk ? frames_io_dpdk(o->dpdk, &io) : fd;
	if (err == -ENOTSUP && o->dpdk)
		refuse("--dpdk", "built without DPDK: install libdpdk-dev, and make again");
	if (err && !(err == -EINTR && interrupted))
		refuse(o->fd >= 0 ? "--fd" : name, strerror(-err));
	return io;
}

static int send_frames(struct options *o)
{
	struct frames_result *result = calloc(1, sizeof(*result));
	struct frames_log *log_file = calloc(1, sizeof(*log_file));
	struct frames_io *io;
	int err = 0;

	if (!result || !log_file)
		refuse("memory", strerror(ENOMEM));
	catch_signals();
	/* The kernel may round times of sleep up by this: 50 us if nobody asks. */
	prctl(PR_SET_TIMERSLACK, 1);
	if (o->log)
		err = frames_log_create(log_file, o->log, o->plan.stream);
	if (err)
		refuse(o->log, strerror(-err));
	io = open_peer(o);
	result->end = FRAMES_END_SIGNAL;
	if (io) {
		frames_run(&o->plan, io, o->log ? log_file : NULL, result);
		io->ops->close(io);
	}
	if (o->log)
		err = frames_log_close(log_file);
	publish(frames_summary(&o->plan, result), o->summary);
	if (err)
		refuse(o->log, strerror(-err));
	if (result->end == FRAMES_END_ERROR)
		refuse("sending", strerror(-result->error));
	free(result);
	free(log_file);
	return 0;
}

/* All of a file as a string: no list has a NUL to end at before. */
static char *read_text(const char *path)
{
	FILE *in = strcmp(path, "-") ? fopen(path, "re") : stdin;
	size_t size = 0;
	char *text = NULL;

	if (!in)
		refuse(path, strerror(errno));
	if (getdelim(&text, &size, '\0', in) < 0 && ferror(in))
		refuse(path, strerror(errno));
	if (!feof(in))
		refuse(path, "not a list of sequences");
	if (in != stdin)
		fclose(in);
	return text ? text : calloc(1, 1);
}

static int compare(struct options *o)
{
	char *text = read_text(o->compare);
	struct frames_verdict v;
	struct frames_sent *sent;
	struct frames_match m;
	const char *bad;
	uint16_t stream;
	size_t count;
	int err = frames_log_read(o->log, &stream, &sent, &count);

	if (err)
		refuse(o->log, err == -EBADMSG ? "not a send log" : strerror(-err));
	if (!text || frames_match_begin(&m, sent, count, &o->limits))
		refuse("memory", strerror(ENOMEM));
	if (frames_match_list(&m, text, &bad)) {
		fprintf(stderr, "hf-frames: %s: not a list of sequences at \"%.*s\"\n", o->compare,
			(int)strcspn(bad, " ,\t\n"), bad);
		return 2;
	}
	frames_match_end(&m, &v);
	publish(frames_verdict_json(&v), o->summary);
	free(sent);
	free(text);
	return v.lost || v.duplicated || v.late || v.stray;
}

int main(int argc, char **argv)
{
	struct options o = {
		.fd = -1, .timeout_s = 30, .queue = 32768, .expect = -1,
		.plan = {
			.rate = 1000, .least = FRAME_MIN, .most = FRAME_MAX, .stream = 1,
			.drain_ns = 200000000, .stop = &interrupted, .damaging = &damaging,
		},
		.limits = { .to = UINT64_MAX },
	};

	parse(&o, argc, argv);
	return o.compare ? compare(&o) : send_frames(&o);
}
