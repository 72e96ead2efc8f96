// SPDX-License-Identifier: GPL-2.0-only
/* Description: one run of the machine under test, from its start to its verdict */

#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "console.h"
#include "drift.h"
#include "emulog.h"
#include "json_at.h"
#include "judge.h"
#include "machine.h"
#include "qmp.h"
#include "report.h"
#include "sample.h"
#include "source.h"
#include "stream.h"
#include "tail.h"

#define LOG_INTERVAL_MS	50	/* between looks at console and emulator log */
/*
 * ... at the hardware. A look costs the machine ten answers of its monitor, 15 ms of an emulator's
 * time, which the guest would need; what is injected lasts 200 ms and more.
 */
#define LOOK_JUMP_MS	50	/* in a jump */
#define LOOK_LOAD_MS	500	/* before one */
#define OFF_S		30	/* from "done" to the end of the machine */
#define NIC_STREAM	1	/* stream numbers of the sources */

/* What the lab waits for. */
enum state {
	ST_BOOT,	/* the first kernel's hello */
	ST_LOAD,	/* the next jump, or the end */
	ST_JUMP,	/* the next kernel's hello */
	ST_DRAIN,	/* the record of the cycle */
	ST_OFF,		/* the machine's end */
};

struct session {
	const struct session_config *config;
	struct session_result *result;
	struct machine machine;
	struct source sources[MACHINE_WIRES]; /* the NIC's and DPDK's; without a name: none */
	struct stream stream;
	struct qmp qmp;
	struct console console;
	struct tail emulator;
	struct emulog_watch watch;
	struct emulog_order order;
	struct sampler sampler;
	FILE *records;

	enum state state;
	int64_t deadline, run_deadline, next_log, next_look;
	bool over;
	unsigned int deaths;	/* of agents */
	bool dying;		/* the agent said so: another one says hello next, in the same kernel */
	bool leaving, panicking;	/* it said that it brings the machine down, by a panic */
	char panic[64];		/* what that one says */
	unsigned int warnings;	/* that it had before */
	json_int_t cycle;	/* the one that is under way, or comes next */

	/* Of the cycle under way. */
	struct emulog_counts counts;
	bool asked;		/* the agent wanted to know what has been sent: */
	uint64_t sent;		/* the last sequence, then */
	bool quiet;		/* counts began at a quiet moment: they are of the jump */
	int64_t jump_us, hello_us;
	uint64_t in_blackout;
};

static const char *const waiting_for[] = {
	[ST_BOOT] = "the first hello",
	[ST_LOAD] = "the next jump",
	[ST_JUMP] = "the next kernel's hello",
	[ST_DRAIN] = "the cycle's record",
	[ST_OFF] = "the machine to power off",
};

static int seconds(const struct session *s, enum state state)
{
	const struct session_config *c = s->config;
	const int of_state[] = {
		[ST_BOOT] = c->boot_s,
		[ST_LOAD] = c->load_s,
		[ST_JUMP] = c->jump_s,
		[ST_DRAIN] = c->drain_s,
		[ST_OFF] = OFF_S,
	};

	return of_state[state];
}

static void enter(struct session *s, enum state state)
{
	s->state = state;
	s->deadline = lab_now_ms() + seconds(s, state) * 1000;
}

/* The first reason to end is the reason. */
__attribute__((format(printf, 3, 4)))
static void end(struct session *s, enum lab_verdict verdict, const char *fmt, ...)
{
	va_list ap;

	if (s->over)
		return;
	s->over = true;
	s->result->verdict = verdict;
	va_start(ap, fmt);
	vsnprintf(s->result->reason, sizeof(s->result->reason), fmt, ap);
	va_end(ap);
}

static void take_emulator_line(void *arg, const char *line)
{
	struct session *s = arg;
	enum emulog_kind kind = emulog_classify(&s->watch, line);
	int64_t when;

	s->counts.n[kind]++;
	emulog_follow(&s->order, &s->watch, line);
	if (kind != EMU_COMPLETION || !s->jump_us)
		return;
	when = emulog_time_us(line);
	if (when >= s->jump_us && (!s->hello_us || when <= s->hello_us))
		s->in_blackout++;
}

static void read_logs(struct session *s)
{
	int err = console_read(&s->console);

	if (!err && s->config->has_qmp)
		err = tail_read(&s->emulator, take_emulator_line, s);
	if (err)
		end(s, LAB_ERROR, "the machine's logs cannot be read: %s", strerror(-err));
	s->next_log = lab_now_ms() + LOG_INTERVAL_MS;
}

static void answer(struct session *s, const char *text)
{
	size_t len = strlen(text);

	/* A guest that has gone meanwhile shows at the next read. */
	if (send(s->machine.results, text, len, MSG_NOSIGNAL) < 0 && errno != EPIPE)
		end(s, LAB_ERROR, "the guest cannot be answered: %s", strerror(errno));
}

/* Add what was seen from outside to the guest's (or our own) cycle record. */
static void add_outside(struct session *s, json_t *record, bool whole)
{
	bool qmp = s->config->has_qmp;

	emulog_settle(&s->counts, strstr(s->config->bystanders, "nvme") ? 1 : 0, whole);
	json_object_set_new(json_at(record, "oracles"), "emulator", qmp ?
			    json_integer((json_int_t)emulog_reports(&s->counts)) : json_null());
	json_object_set_new(json_at(record, "oracles"), "outside", qmp && s->sampler.samples ?
			    json_integer(sampler_complaints(&s->sampler)) : json_null());
	json_object_set_new(record, "emulator", qmp ? emulog_json(&s->counts) : json_null());
	if (qmp)
		json_object_set_new(json_at(record, "emulator"), "completions_jump_to_hello",
				    json_integer((json_int_t)s->in_blackout));
	json_object_set_new(record, "outside", qmp ? sampler_json(&s->sampler) : json_null());
	json_object_set_new(record, "host", json_pack("{s:I,s:I,s:I}", "jump_us", s->jump_us,
						      "hello_us", s->hello_us,
						      "record_us", lab_wall_us()));
}

/*
 * The NIC is about to take its last look: whatever has been sent by now must be there after it.
 * The source's log is never further behind than a tenth of a second.
 */
static void on_sent(struct session *s, json_t *event)
{
	char text[40];
	int err;

	(void)event;
	if (!s->sources[0].name) {
		answer(s, "no\n");
		return;
	}
	err = source_last(&s->sources[0], &s->sent);
	if (err)
		end(s, LAB_ERROR, "what was sent to the NIC is not known: %s", strerror(-err));
	s->asked = true;
	snprintf(text, sizeof(text), "ok %llu\n", (unsigned long long)s->sent);
	answer(s, text);
}

/* Frames that were sent and never landed are known only here, where they were sent. */
static void add_missing(struct session *s, json_t *record)
{
	json_t *nic = json_at(record, "nic"), *data = json_at(record, "oracles.data");
	json_int_t next = json_int_at(nic, "next"), n = 0;

	if (!json_is_object(nic) || !s->asked)
		return;
	if ((json_int_t)s->sent >= next)
		n = (json_int_t)s->sent + 1 - next;
	json_object_set_new(nic, "missing", json_integer(n));
	json_object_set_new(json_at(record, "dma"), "lost",
			    json_integer(json_sum(json_int_at(record, "dma.lost"), n)));
	json_integer_set(data, json_sum(json_integer_value(data), n));
}

/* Takes @record. */
static void keep(struct session *s, json_t *record)
{
	if (json_dumpf(record, s->records, JSON_COMPACT) || fputc('\n', s->records) == EOF ||
	    fflush(s->records))
		end(s, LAB_ERROR, "cycles.jsonl cannot be written");
	report_progress(stderr, record, s->config->cycles);
	json_array_append_new(s->result->cycles, record);
	memset(&s->counts, 0, sizeof(s->counts));
	s->quiet = true;
	s->asked = false;
	s->jump_us = 0;
	s->hello_us = 0;
	s->in_blackout = 0;
	s->cycle++;
}

/* The cycle ended in a way of which the guest could not tell. */
__attribute__((format(printf, 2, 3)))
static void end_failed_cycle(struct session *s, const char *fmt, ...)
{
	json_t *record;
	char reason[400];
	va_list ap;

	if (s->over)
		return;
	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	read_logs(s);
	if (!s->quiet)
		memset(&s->counts, 0, sizeof(s->counts));
	record = json_pack("{s:I,s:s,s:o,s:{s:n,s:n,s:n}}", "cycle", s->cycle, "verdict", "fail",
			   "reason", json_text(reason), "oracles", "iommu", "device", "data");
	add_outside(s, record, false);
	end(s, LAB_FAIL, "cycle %lld: %s", (long long)s->cycle, reason);
	keep(s, record);
	fprintf(stderr, "the last lines of the console:\n");
	console_print(&s->console, stderr);
}

#define DAMAGED_BYTE (9 << 20)	/* in the span of configs/fio/span.fio */

/* Behind the emulator's back: what the guest has written is not there any more. */
static void damage_drive(struct session *s)
{
	char path[600];
	uint8_t byte = 0;
	bool done;
	int fd;

	snprintf(path, sizeof(path), "%s/own.raw", s->config->dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	done = fd >= 0 && pread(fd, &byte, 1, DAMAGED_BYTE) == 1;
	byte ^= 1;
	done = done && pwrite(fd, &byte, 1, DAMAGED_BYTE) == 1;
	if (!done)
		end(s, LAB_ERROR, "own.raw cannot be damaged: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

static bool damages_drive(const struct session *s)
{
	return s->config->damage && strcmp(s->config->damage, "drive") == 0;
}

static void on_hello(struct session *s, json_t *event)
{
	json_int_t cycle = json_int_at(event, "cycle");

	if (s->dying) {
		s->dying = false;
		enter(s, s->state);
	} else if (s->state == ST_BOOT && !cycle) {
		snprintf(s->result->kernel, sizeof(s->result->kernel), "%s",
			 json_string_at(event, "kernel"));
		enter(s, ST_LOAD);
	} else if (s->state == ST_JUMP && (cycle == s->cycle || (s->config->exit && !cycle))) {
		read_logs(s);
		s->hello_us = lab_wall_us();
		if (damages_drive(s))
			damage_drive(s);
		enter(s, ST_DRAIN);
	} else {
		end(s, LAB_ERROR, "result line %u: hello of cycle %lld, not expected now",
		    s->stream.line, (long long)cycle);
	}
}

/*
 * The guest waits for the answer, so the emulator's log is still: nothing that
 * the guest did to set up its load comes later, and nothing of the jump earlier.
 */
static void on_rate(struct session *s, json_t *event)
{
	s->qmp.deadline = s->deadline;
	if (s->config->has_qmp &&
	    qmp_set_rate(&s->qmp, json_int_at(event, "iops"))) {
		end(s, LAB_ERROR, "the drive's rate: %s", s->qmp.error);
		return;
	}
	read_logs(s);
	if (s->state == ST_LOAD && s->cycle == 1) {
		memset(&s->counts, 0, sizeof(s->counts));
		sampler_reset(&s->sampler);
		s->quiet = true;
	}
	answer(s, s->config->has_qmp ? "ok\n" : "no\n");
}

/* The load is idle again, and no jump has been: all in the log is of the swaps. */
static void on_swaps(struct session *s, json_t *event)
{
	if (s->state != ST_LOAD || s->cycle != 1 || s->result->swaps) {
		end(s, LAB_ERROR, "result line %u: swaps, not expected now", s->stream.line);
		return;
	}
	read_logs(s);
	json_object_del(event, "ev");
	json_object_del(event, "cycle");
	json_object_set_new(event, "planned", json_integer(s->config->swaps));
	json_object_set_new(event, "emulator", s->config->has_qmp ?
			    json_integer((json_int_t)emulog_reports(&s->counts)) : json_null());
	json_object_set_new(event, "outside", s->config->has_qmp && s->sampler.samples ?
			    json_integer(sampler_complaints(&s->sampler)) : json_null());
	s->result->swaps = json_incref(event);
	report_swaps(stderr, event);
	memset(&s->counts, 0, sizeof(s->counts));
	enter(s, ST_LOAD);
}

/* The first kernel's devices, and the bridges above them. */
static void on_function(struct session *s, json_t *event)
{
	if (s->state != ST_LOAD || s->cycle != 1) {
		end(s, LAB_ERROR, "result line %u: function %s, not expected now", s->stream.line,
		    json_string_at(event, "bdf"));
		return;
	}
	json_object_del(event, "ev");
	json_object_del(event, "cycle");
	if (!s->result->topology)
		s->result->topology = json_array();
	json_array_append(s->result->topology, event);
}

static void look(struct session *s)
{
	int err;

	s->qmp.deadline = s->deadline;
	err = sampler_look(&s->sampler, &s->qmp);
	/* A machine that has gone shows on the result channel, with its reason. */
	if (err == -EPROTO)
		end(s, LAB_ERROR, "looking from outside: %s", s->qmp.error);
}

/*
 * Who comes next may give the devices another page table at once, and the domain ID of the one
 * before this. That is right, but only if this one was seen: twice, where reading all of it can
 * take one look more.
 */
static void on_dying(struct session *s, json_t *event)
{
	bool qmp = s->config->has_qmp;

	(void)event;
	if (!s->config->exit)
		end(s, LAB_ERROR, "result line %u: an agent dies, not expected", s->stream.line);
	for (int i = 0; i < 3 && qmp && !s->over; i++)
		look(s);
	s->dying = true;
	s->deaths++;
	enter(s, s->state);
	answer(s, qmp ? "ok\n" : "no\n");
}

static void add_exit(struct session *s, json_t *entry)
{
	bool ok = json_is_true(json_at(entry, "ok"));

	if (!s->result->exits)
		s->result->exits = json_array();
	json_array_append(s->result->exits, entry);
	fprintf(stderr, "  %s %s%s%s: %s%s%s\n", ok ? "ok" : "FAIL", json_string_at(entry, "bdf"),
		*json_string_at(entry, "bdf") ? " " : "", json_string_at(entry, "what"),
		json_string_at(entry, "got"), ok ? "" : ", not ",
		ok ? "" : json_string_at(entry, "want"));
}

static void on_exit_tried(struct session *s, json_t *event)
{
	json_object_del(event, "ev");
	add_exit(s, event);
}

/* The agent brings the machine down; after its reset another one asks whether this is why. */
static void on_leaving(struct session *s, json_t *event)
{
	if (!s->config->exit || !s->config->has_qmp) {
		end(s, LAB_ERROR, "result line %u: leaving, not expected", s->stream.line);
		return;
	}
	s->qmp.deadline = s->deadline;
	if (qmp_run(&s->qmp, "set-action", json_pack("{s:s}", "reboot", "reset"), NULL)) {
		end(s, LAB_ERROR, "the machine cannot be told to start again: %s", s->qmp.error);
		return;
	}
	read_logs(s);
	s->leaving = true;
	s->warnings = s->console.warnings;
	s->panicking = strcmp(json_string_at(event, "how"), "panic") == 0;
	snprintf(s->panic, sizeof(s->panic), "%s", json_string_at(event, "says"));
	emulog_order_begin(&s->order);
	answer(s, "ok\n");
	enter(s, ST_JUMP);
}

/* What a kernel printed that was made to panic, was asked for. */
static void on_restarted(struct session *s, json_t *event)
{
	char what[100];

	(void)event;
	if (!s->leaving) {
		answer(s, "no\n");
		return;
	}
	read_logs(s);
	if (s->panicking) {
		snprintf(what, sizeof(what), "the kernel has panicked (%s)", s->panic);
		add_exit(s, judge_fact(what, s->panic[0] && strstr(s->console.panic, s->panic)));
		console_forget(&s->console, s->warnings);
	}
	add_exit(s, judge_fact("the machine was reset", s->order.resets));
	s->leaving = false;
	s->panicking = false;
	answer(s, "ok\n");
}

static void on_bench(struct session *s, json_t *event)
{
	if (s->state != ST_LOAD || s->cycle != 1 || s->result->bench) {
		end(s, LAB_ERROR, "result line %u: bench, not expected now", s->stream.line);
		return;
	}
	json_object_del(event, "ev");
	json_object_del(event, "cycle");
	s->result->bench = json_incref(event);
	enter(s, ST_LOAD);
}

static void on_jump(struct session *s, json_t *event)
{
	int64_t now = lab_wall_us();

	if (s->state != ST_LOAD || json_int_at(event, "cycle") != s->cycle) {
		end(s, LAB_ERROR, "result line %u: jump %lld, not expected now", s->stream.line,
		    (long long)json_int_at(event, "cycle"));
		return;
	}
	read_logs(s);
	if (!s->quiet)
		memset(&s->counts, 0, sizeof(s->counts));
	s->quiet = true;
	sampler_reset(&s->sampler);
	s->next_look = 0;
	for (int i = 0; s->config->damage && i < MACHINE_WIRES; i++)
		source_damage(&s->sources[i]);
	s->jump_us = now;
	emulog_order_begin(&s->order);
	enter(s, ST_JUMP);
}

static void on_cycle(struct session *s, json_t *event)
{
	char why[200], reason[240];

	if ((s->state != ST_DRAIN && s->state != ST_JUMP) ||
	    json_int_at(event, "cycle") != s->cycle) {
		end(s, LAB_ERROR, "result line %u: record of cycle %lld, not expected now",
		    s->stream.line, (long long)json_int_at(event, "cycle"));
		return;
	}
	read_logs(s);
	if (s->config->has_qmp && !s->sampler.samples)
		end(s, LAB_ERROR, "cycle %lld: nobody looked from outside", (long long)s->cycle);
	json_object_del(event, "ev");
	add_outside(s, event, true);
	add_missing(s, event);
	json_object_set_new(event, "deaths", json_integer((json_int_t)s->deaths));
	if (strcmp(json_string_at(event, "verdict"), "pass") == 0 &&
	    !judge_cycle(event, s->config->loads, s->config->bystanders, why, sizeof(why))) {
		json_object_set_new(event, "verdict", json_string("fail"));
		snprintf(reason, sizeof(reason), "seen by the lab: %s", why);
		json_object_set_new(event, "reason", json_text(reason));
	}
	keep(s, json_incref(event));
	enter(s, ST_LOAD);
}

static const char *first_failure(json_t *cycles)
{
	static char text[400];
	json_t *record;
	size_t i;

	json_array_foreach(cycles, i, record) {
		if (strcmp(json_string_at(record, "verdict"), "pass") == 0)
			continue;
		snprintf(text, sizeof(text), "cycle %lld: %s",
			 (long long)json_int_at(record, "cycle"),
			 json_string_at(record, "reason"));
		return text;
	}
	return NULL;
}

static bool must_die(const char *exit)
{
	return strncmp(exit, "die-", 4) == 0 || strncmp(exit, "reap-", 5) == 0;
}

/* The guest's verdict counts only as far as what the lab has seen agrees. */
static void on_done(struct session *s, json_t *event)
{
	const char *verdict = json_string_at(event, "verdict");
	const char *reason = json_string_at(event, "reason");
	const char *failure = first_failure(s->result->cycles);
	char why[120];

	if (s->config->exit && !s->result->exits && s->cycle == 1)
		end(s, LAB_ERROR, "the agent has left without trying anything");
	if (s->config->exit && s->config->has_qmp) {
		read_logs(s);
		add_exit(s, judge_order(&s->order, s->config->translation));
	}
	/* Whatever is still in flight must not hold the machine when it powers off. */
	s->result->drift = drift_of(s->result->cycles);
	enter(s, ST_OFF);
	s->qmp.deadline = s->deadline;
	if (s->config->has_qmp)
		qmp_set_rate(&s->qmp, 0);
	answer(s, "ok\n");
	if (strcmp(verdict, "error") == 0)
		end(s, LAB_ERROR, "agent: %s", reason);
	else if (strcmp(verdict, "skip") == 0 && !failure)
		end(s, LAB_SKIP, "%s", reason);
	else if (!judge_swaps(s->result->swaps, s->config->swaps, why, sizeof(why)))
		end(s, LAB_FAIL, "swaps: %s%s%s", why, *reason ? "; " : "", reason);
	else if (failure)
		end(s, LAB_FAIL, "%s", failure);
	else if (strcmp(verdict, "fail") == 0)
		end(s, LAB_FAIL, "%s", reason);
	else if (strcmp(verdict, "pass") != 0)
		end(s, LAB_ERROR, "result line %u: verdict %s", s->stream.line, verdict);
	else if (s->config->exit && !judge_exits(s->result->exits, why, sizeof(why)))
		end(s, LAB_FAIL, "%s", why);
	else if (s->config->exit && !judge_ends(s->config->ends, s->result->exits,
						s->cycle == s->config->cycles + 1, why, sizeof(why)))
		end(s, LAB_ERROR, "%s", why);
	else if (s->config->exit && !s->deaths && must_die(s->config->exit))
		end(s, LAB_ERROR, "no agent has died");
	else if (s->cycle != s->config->cycles + 1 && !s->config->exit)
		end(s, LAB_ERROR, "the agent passed itself after %lld of %lld cycles",
		    (long long)s->cycle - 1, (long long)s->config->cycles);
	else if (s->config->bench && !s->result->bench)
		end(s, LAB_ERROR, "the agent passed itself without the comparison");
	else if (!drift_judge(s->result->drift, why, sizeof(why)))
		end(s, LAB_FAIL, "%s", why);
	else if (s->console.warnings)
		end(s, LAB_FAIL, "kernel warning: %s", s->console.warning);
	else
		end(s, LAB_PASS, "%s", reason);
}

static void on_progress(struct session *s, json_t *event)
{
	(void)s;
	fprintf(stderr, "  %s\n", json_string_at(event, "what"));
}

static void on_event(struct session *s, json_t *event)
{
	static const struct {
		const char *ev;
		void (*act)(struct session *s, json_t *event);
	} acts[] = {
		{ "hello", on_hello }, { "rate", on_rate }, { "sent", on_sent },   { "progress", on_progress },
		{ "swaps", on_swaps }, { "bench", on_bench },
		{ "dying", on_dying }, { "leaving", on_leaving },
		{ "restarted", on_restarted },
		{ "exit", on_exit_tried }, { "jump", on_jump },   { "cycle", on_cycle },
		{ "done", on_done },   { "function", on_function },
	};
	const char *ev = json_string_at(event, "ev");

	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		if (strcmp(ev, acts[i].ev) == 0) {
			acts[i].act(s, event);
			return;
		}
	}
	end(s, LAB_ERROR, "result line %u: unknown event %s", s->stream.line, ev);
}

/* The last line of what the machine's start command printed. */
static void last_words(struct session *s, char *text, size_t size)
{
	char path[600], line[256];
	FILE *log;

	snprintf(text, size, "it said nothing");
	snprintf(path, sizeof(path), "%s/machine.log", s->config->dir);
	log = fopen(path, "re");
	while (log && fgets(line, sizeof(line), log))
		snprintf(text, size, "%.*s", (int)strcspn(line, "\n"), line);
	if (log)
		fclose(log);
}

static void on_panic(struct session *s)
{
	if (!s->console.panic[0] || s->panicking)
		return;
	/* Let it print where it was. */
	machine_wait(&s->machine, 500);
	end_failed_cycle(s, "panic: %s", s->console.panic);
}

/* The result channel is closed: the machine has ended, or is about to. */
static void on_end_of_stream(struct session *s)
{
	char words[256];

	machine_wait(&s->machine, 2000);
	read_logs(s);
	on_panic(s);
	if (!s->over && stream_end(&s->stream))
		end(s, LAB_ERROR, "%s", s->stream.error);
	last_words(s, words, sizeof(words));
	if (s->machine.pid)
		end(s, LAB_ERROR, "the machine closed its result channel");
	else if (WIFSIGNALED(s->machine.status))
		end(s, LAB_ERROR, "the machine was killed by signal %d",
		    WTERMSIG(s->machine.status));
	else if (WEXITSTATUS(s->machine.status))
		end(s, LAB_ERROR, "the machine ended with code %d: %s",
		    WEXITSTATUS(s->machine.status), words);
	else
		end_failed_cycle(s, "the guest went away while the lab waited for %s",
				 waiting_for[s->state]);
}

static void take_events(struct session *s)
{
	json_t *event;
	int err = 0;

	while (!s->over && (err = stream_next(&s->stream, &event)) > 0) {
		on_event(s, event);
		json_decref(event);
	}
	if (err < 0)
		end(s, LAB_ERROR, "%s", s->stream.error);
}

static void take_results(struct session *s)
{
	char buf[STREAM_LINE_MAX];
	size_t room = stream_room(&s->stream);
	ssize_t n = read(s->machine.results, buf, room < sizeof(buf) ? room : sizeof(buf));

	if (n > 0) {
		stream_feed(&s->stream, buf, (size_t)n);
		take_events(s);
	} else if (n == 0 || errno != EINTR) {
		on_end_of_stream(s);
	}
}

/* Where a guest is that hangs: nothing else tells, once the machine is ended. */
static void keep_registers(struct session *s)
{
	char path[600];
	json_t *text;
	FILE *file;

	s->qmp.deadline = lab_now_ms() + 5000;
	if (!s->config->has_qmp ||
	    qmp_run(&s->qmp, "human-monitor-command",
		    json_pack("{s:s}", "command-line", "info registers -a"), &text))
		return;
	snprintf(path, sizeof(path), "%s/registers.log", s->config->dir);
	file = fopen(path, "we");
	if (file) {
		fputs(json_is_string(text) ? json_string_value(text) : "", file);
		fclose(file);
	}
	json_decref(text);
}

static void check_time(struct session *s)
{
	int64_t now = lab_now_ms();

	if (*s->config->interrupted)
		end(s, LAB_ERROR, "interrupted");
	if (s->over || (now < s->deadline && now < s->run_deadline))
		return;
	keep_registers(s);
	if (now >= s->deadline)
		end_failed_cycle(s, "timeout: waited %d s for %s", seconds(s, s->state),
				 waiting_for[s->state]);
	else
		end_failed_cycle(s, "timeout: the run took more than %d s", s->config->run_s);
}

/* A source that is gone is the lab's failure, whatever the guest makes of the silence. */
static void check_sources(struct session *s)
{
	char why[160];

	for (int i = 0; i < MACHINE_WIRES && s->state != ST_OFF; i++) {
		if (!source_runs(&s->sources[i], why, sizeof(why)))
			end(s, LAB_ERROR, "%s", why);
	}
}

/* Where entries are, and what they say before a jump, and all through it. */
static void look_if_due(struct session *s)
{
	bool jump = s->state == ST_JUMP || s->state == ST_DRAIN;
	int64_t now = lab_now_ms();

	if (!s->config->has_qmp || s->over || (!jump && s->state != ST_LOAD) ||
	    (jump && s->leaving) || now < s->next_look)
		return;
	look(s);
	s->next_look = now + (jump ? LOOK_JUMP_MS : LOOK_LOAD_MS);
}

static void step(struct session *s)
{
	struct pollfd p = { .fd = s->machine.results, .events = POLLIN };

	if (poll(&p, 1, LOG_INTERVAL_MS) > 0)
		take_results(s);
	look_if_due(s);
	if (lab_now_ms() >= s->next_log && !s->over) {
		read_logs(s);
		on_panic(s);
		/* With the machine they end, too. */
		if (!machine_wait(&s->machine, 0))
			check_sources(s);
	}
	if (!s->over)
		check_time(s);
}

static void open_qmp(struct session *s)
{
	struct session_result *r = s->result;
	char words[256];
	json_t *kvm;
	int err;

	s->qmp.deadline = lab_now_ms() + (int64_t)s->config->boot_s * 1000;
	err = qmp_open(&s->qmp, s->machine.qmp, r->emulator, sizeof(r->emulator));

	if (!err)
		err = qmp_run(&s->qmp, "query-kvm", NULL, &kvm);
	if (err) {
		machine_wait(&s->machine, 1000);
		last_words(s, words, sizeof(words));
		end(s, LAB_ERROR, "the machine did not start: %s (%s)", words, s->qmp.error);
		return;
	}
	strcpy(r->accel, json_is_true(json_at(kvm, "enabled")) ? "kvm" : "tcg");
	json_decref(kvm);
}

static int prepare(struct session *s)
{
	const struct session_config *c = s->config;
	char path[600];

	snprintf(path, sizeof(path), "%s/console.log", c->dir);
	console_init(&s->console, path);
	snprintf(path, sizeof(path), "%s/emulator.log", c->dir);
	tail_init(&s->emulator, path);
	s->watch = (struct emulog_watch){ .devices = c->devices, .count = c->device_count };
	if (sampler_init(&s->sampler, c->devices, c->device_count, c->beside, c->beside_count,
			 c->ecam, c->iommu, c->iommu_regs))
		return -EINVAL;
	snprintf(path, sizeof(path), "%s/cycles.jsonl", c->dir);
	s->records = fopen(path, "we");
	return s->records ? 0 : -errno;
}

/* Sources first: their wires are the machine's to inherit. */
static int start_all(struct session *s)
{
	static const char *const names[MACHINE_WIRES] = { "nic", "dpdk" };
	const struct session_config *c = s->config;
	int wires[MACHINE_WIRES] = { -1, -1 };
	int err = 0;

	for (int i = 0; i < MACHINE_WIRES && !err; i++) {
		if (!lab_listed(c->loads, names[i]))
			continue;
		err = source_start(&s->sources[i], names[i], c->dir, NIC_STREAM + i,
				   c->frame_rate, damages_drive(s) ? NULL : c->damage);
		wires[i] = s->sources[i].wire;
	}
	if (!err)
		err = machine_start(&s->machine, c->command, c->dir, wires);
	for (int i = 0; i < MACHINE_WIRES; i++) {
		if (s->sources[i].name)
			source_let_go(&s->sources[i]);
	}
	return err;
}

/* With the machine their wires have gone: what do they say? */
static void stop_sources(struct session *s)
{
	struct session_result *r = s->result;
	char why[120];

	for (int i = 0; i < MACHINE_WIRES; i++) {
		struct source *source = &s->sources[i];

		if (!source->name)
			continue;
		source_stop(source);
		if (!r->frames)
			r->frames = json_object();
		json_object_set_new(r->frames, source->name, source_summary(source));
	}
	/* Agents that come and go count anew. */
	if (r->verdict != LAB_PASS || s->config->exit ||
	    judge_frames(r->frames, r->cycles, why, sizeof(why)))
		return;
	r->verdict = strncmp(why, "the frame source", 16) == 0 ? LAB_ERROR : LAB_FAIL;
	snprintf(r->reason, sizeof(r->reason), "%s", why);
}

/* What the kernel says while files are closed and the machine goes down counts like the rest. */
static void judge_last_words(struct session *s)
{
	struct session_result *r = s->result;

	console_read(&s->console);
	if (r->verdict != LAB_PASS || (!s->console.warnings && !s->console.panic[0]))
		return;
	r->verdict = LAB_FAIL;
	snprintf(r->reason, sizeof(r->reason), "at the end, kernel %s: %s",
		 s->console.panic[0] ? "panic" : "warning",
		 s->console.panic[0] ? s->console.panic : s->console.warning);
}

/* After "done" the guest has files to close and a machine to power off. */
static void wind_up(struct session *s)
{
	if (s->state == ST_OFF && !machine_wait(&s->machine, OFF_S * 1000))
		fprintf(stderr, "hf-lab: the machine did not power off; it is ended\n");
	machine_stop(&s->machine);
	stop_sources(s);
	judge_last_words(s);
	s->result->warnings = s->console.warnings;
	tail_close(&s->console.tail);
	tail_close(&s->emulator);
}

void session_run(const struct session_config *config, struct session_result *result)
{
	static struct session s;
	int err;

	memset(&s, 0, sizeof(s));
	memset(result, 0, sizeof(*result));
	s.config = config;
	s.result = result;
	s.cycle = 1;
	result->cycles = json_array();
	err = prepare(&s);
	if (!err)
		err = start_all(&s);
	if (err) {
		stop_sources(&s);
		end(&s, LAB_ERROR, "the run cannot be set up: %s", strerror(-err));
		return;
	}
	if (config->has_qmp)
		open_qmp(&s);
	s.run_deadline = lab_now_ms() + (int64_t)config->run_s * 1000;
	enter(&s, ST_BOOT);
	while (!s.over)
		step(&s);
	wind_up(&s);
	fclose(s.records);
}
