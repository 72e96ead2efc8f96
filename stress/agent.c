// SPDX-License-Identifier: GPL-2.0-only
/* Description: hf-agent: one process per kernel, from verified DMA to verified DMA */

/*
 * The agent's life, in every kernel:
 *
 *	first kernel	bind the drive, start it, write and verify all data; replace its
 *			page table, if asked to, while it reads
 *	next kernel	retrieve, count and verify what came in the blackout,
 *			adopt controller and page table, drain, verify all, report
 *	then, in both	fill the queues, preserve, load the next kernel, jump
 *
 * Which one it is says the session: the first kernel finds none.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bystander.h"
#include "channel.h"
#include "clock.h"
#include "complain.h"
#include "drive.h"
#include "handover.h"
#include "kexec.h"
#include "luo.h"
#include "oracle.h"
#include "params.h"
#include "pcidev.h"
#include "record.h"
#include "swap.h"

#define SESSION "holdfast"

/* Tokens, and the order of preserving: a page table needs its memory first. */
enum token {
	TOKEN_LEDGER = 1,
	TOKEN_DMA = 2,
	TOKEN_KERNEL = 3,
	TOKEN_INITRD = 4,
	TOKEN_IOMMUFD = 5,
	TOKEN_VFIO = 6,
};

#define MIN_INFLIGHT 1000	/* at the jump */
#define RESUME_MS 30000		/* from adoption to the first new completion */
#define QUIET_MS 3000		/* what has not come by then into a dead queue, will not */
#define RIPEN_MS 30000		/* from submission to the first completion */
#define SLOWEST_RIPENING 16	/* seconds */
#define MIN_BLACKOUT_MS 2000	/* the next blackout is never expected to be shorter */

enum exit_code {
	EXIT_PASS = 0,
	EXIT_FAIL = 1,
	EXIT_ERROR = 2,
};

struct agent {
	struct params params;
	char cmdline[4096];
	struct channel channel;
	int luo, session;
	int kernel, initrd;	/* memfds */
	struct ledger ledger;
	struct drive drive;
	struct bystanders bystanders;
	uint64_t faults;	/* IOMMU faults of this kernel that are reported, or not ours */
	enum exit_code blame;	/* what an error is now: the lab's, or the product's failure */
};

static void say_hello(struct agent *a, bool adopted)
{
	struct utsname u;

	uname(&u);
	channel_send(&a->channel, "hello",
		     json_pack("{s:s,s:b,s:I,s:b}", "kernel", u.release, "adopted", (int)adopted,
			       "tsc_khz", (json_int_t)a->ledger.state.tsc_khz,
			       "tsc_invariant", (int)tsc_invariant()));
}

/*
 * First kernel
 */

static int copy_boot_files(struct agent *a)
{
	a->kernel = memory_from_file("kernel", a->params.kernel);
	if (a->kernel < 0)
		return a->kernel;
	a->initrd = memory_from_file("initrd", a->params.initrd);
	return a->initrd < 0 ? a->initrd : 0;
}

static int first_kernel(struct agent *a)
{
	struct bystander_counts bystanders = { 0 };
	struct ledger_state *s = &a->ledger.state;
	struct faults faults;
	int err = ledger_create(&a->ledger);

	if (err)
		return err;
	s->depth = a->params.depth;
	s->blackout_ms = a->params.blackout_ms;
	s->tsc_khz = tsc_khz();
	s->tsc_invariant = tsc_invariant();
	say_hello(a, false);
	if (access(a->params.kernel, R_OK))
		return complain(-ENOENT, "neither a session \"" SESSION "\" nor %s: the first "
				"kernel needs its own image, any other the session",
				a->params.kernel);
	err = copy_boot_files(a);
	if (!err)
		err = drive_start(&a->drive, a->params.bdf, s);
	if (!err)
		err = bystanders_run(&a->bystanders, 0, &bystanders);
	if (err)
		return err;
	/* What firmware and boot left in the records is not ours. */
	handover_faults(&faults);
	a->faults = faults.count;
	channel_progress(&a->channel, "%s: %u commands of %d bytes written and read back",
			 a->params.bdf, s->depth, GROUP_BYTES);
	return 0;
}

/* What the oracles in this machine say of the swaps. */
static bool swaps_clean(struct agent *a, json_t **counts)
{
	const struct load_counts *c = &a->drive.load.counts;
	uint32_t csts = nvme_csts(a->drive.bar);
	struct faults faults;
	uint64_t count;

	handover_faults(&faults);
	count = faults.count - a->faults;
	a->faults = faults.count;
	*counts = json_pack("{s:I,s:I,s:I,s:I,s:I,s:o}", "faulted", (json_int_t)c->faulted,
			    "lost", (json_int_t)c->lost, "corrupt", (json_int_t)c->corrupt,
			    "stray", (json_int_t)c->stray, "csts", (json_int_t)csts, "iommu",
			    faults.there ? json_integer((json_int_t)count) : json_null());
	return !c->faulted && !c->lost && !c->corrupt && !c->stray && !count &&
	       csts == NVME_CSTS_RDY;
}

static int swap_and_report(struct agent *a)
{
	struct swap_result r;
	json_t *event;
	bool clean;
	int err = channel_rate(&a->channel, 0);

	if (err < 0)
		return err;
	a->blame = EXIT_FAIL;
	err = swap_tables(&a->drive, a->params.swaps, &r);
	clean = swaps_clean(a, &event);
	json_object_update_new(event, json_pack("{s:I,s:I,s:s,s:I}", "done", (json_int_t)r.done,
						"refused", (json_int_t)r.refused, "refused_as",
						r.refused_as ? strerror(-r.refused_as) : "",
						"reads", (json_int_t)r.reads));
	channel_send(&a->channel, "swaps", event);
	if (!err && !clean)
		err = complain(-EIO, "swaps: %s", a->drive.load.problem[0] ?
			       a->drive.load.problem : "the IOMMU or the drive saw a fault");
	return err;
}

/*
 * To the jump
 */

/* As many per second as leave half of the queue at the end of the blackout. */
static int set_rate(struct agent *a)
{
	struct ledger_state *s = &a->ledger.state;
	uint64_t rate = (uint64_t)s->depth * 1000 / (2 * s->blackout_ms);
	int answer;

	if (rate > a->params.rate)
		rate = a->params.rate;
	/* A little less: some complete between the last fill and the jump. */
	rate -= rate / 10;
	s->rate = rate ? (uint32_t)rate : 1;
	answer = channel_rate(&a->channel, s->rate);
	if (answer == 0) {
		s->rate = 0;
		channel_progress(&a->channel, "the drive's rate cannot be set");
	}
	return answer < 0 ? answer : 0;
}

static uint64_t needed_inflight(const struct agent *a)
{
	const struct ledger_state *s = &a->ledger.state;
	uint64_t needed = 2ULL * s->blackout_ms * s->rate / 1000;

	return needed < MIN_INFLIGHT ? MIN_INFLIGHT : needed;
}

static int check_inflight(const struct agent *a)
{
	const struct ledger_state *s = &a->ledger.state;

	if (!s->rate || a->drive.load.inflight >= needed_inflight(a))
		return 0;
	return complain(-EAGAIN, "only %u commands in flight; needed are %llu: at least %d, and "
			"twice a blackout of %u ms at %u per second", a->drive.load.inflight,
			(unsigned long long)needed_inflight(a), MIN_INFLIGHT, s->blackout_ms,
			s->rate);
}

static int preserve(struct agent *a)
{
	const struct {
		int fd;
		enum token token;
		const char *what;
	} files[] = {
		{ a->ledger.mem.fd, TOKEN_LEDGER, "ledger" },
		{ a->drive.dma.fd, TOKEN_DMA, "DMA memory" },
		{ a->kernel, TOKEN_KERNEL, "kernel image" },
		{ a->initrd, TOKEN_INITRD, "initial file system" },
		{ a->drive.iommufd, TOKEN_IOMMUFD, "iommufd" },
		{ a->drive.vfio.fd, TOKEN_VFIO, "vfio device" },
	};
	int err = 0;

	a->session = luo_create(a->luo, SESSION);
	if (a->session < 0)
		return a->session;
	a->ledger.state.device_preserved = !a->params.unpreserved;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && !err; i++) {
		if (files[i].token >= TOKEN_IOMMUFD && a->params.unpreserved)
			break;
		err = luo_preserve(a->session, files[i].fd, files[i].token, files[i].what);
	}
	return err;
}

/*
 * The kernel counts completions at its marks by their phase tag. From head to the
 * ring's end a new entry has the phase of this pass, before it the other.
 */
static void watch_queue(const struct drive *d)
{
	const struct cq *cq = &d->nvme.cq;

	handover_watch_clear();
	handover_watch(d->dma.fd, DMA_IO_CQ + cq->head * sizeof(struct nvme_cqe),
		       cq->entries - cq->head, CQE_PHASE_BYTE, CQE_PHASE_MASK, cq->phase);
	handover_watch(d->dma.fd, DMA_IO_CQ, cq->head, CQE_PHASE_BYTE, CQE_PHASE_MASK,
		       !cq->phase);
}

/* The last that this kernel's agent writes: what the next one starts from. */
static void close_ledger(struct agent *a)
{
	struct ledger_state *s = &a->ledger.state;
	struct faults faults;

	handover_faults(&faults);
	s->faults = faults.count - a->faults;
	pcidev_errors(a->params.bdf, &s->errors);
	s->tsc_adjust_known = tsc_adjust(&s->tsc_adjust);
	load_reap(&a->drive.load);
	watch_queue(&a->drive);
	for (uint32_t i = 0; i < s->depth; i++)
		s->slots[i].at_jump = s->slots[i].use != SLOT_FREE;
	s->inflight = a->drive.load.inflight;
	s->nvme = a->drive.nvme.state;
	s->tsc_jump = tsc_now();
	ledger_commit(&a->ledger);
}

/*
 * The emulated drive's throttle is one queue, and each command goes through it
 * twice: for its data and then, behind all others, for its metadata. A fresh queue
 * completes nothing before the data of every command is through. So stop the drive
 * until it has all commands, let their data through at @rate, and go down to the
 * rate of the blackout with the first read: the others are about to come. (Writes have
 * a queue of their own, a shorter one that is through earlier.)
 */
static int ripen_at(struct agent *a, uint32_t rate)
{
	struct load *load = &a->drive.load;
	uint64_t end = now_ms() + RIPEN_MS;
	int answer = channel_rate(&a->channel, 1);
	uint32_t reads;

	if (answer < 0)
		return answer;
	load_fill(load, LOAD_MIX);
	if (answer)
		answer = channel_rate(&a->channel, rate);
	if (answer < 0)
		return answer;
	reads = load_reads(load);
	while (answer && load_reads(load) == reads) {
		load_reap(load);
		if (now_ms() > end)
			return complain(-ETIMEDOUT, "no read completes at %u per second", rate);
		sleep_ms(1);
	}
	answer = set_rate(a);
	load_reap(load);
	return answer;
}

/* Three of four commands are reads; writes that are through do not count. */
static bool ripe(const struct agent *a)
{
	return load_reads(&a->drive.load) * 4ULL >= needed_inflight(a) * 3;
}

/*
 * A busy lab takes its time to answer, and by then the ripe ones may be through:
 * try again, more slowly.
 */
static int ripen(struct agent *a)
{
	uint32_t rate = a->ledger.state.depth;
	int err;

	for (;;) {
		err = ripen_at(a, rate);
		if (err || !a->ledger.state.rate || ripe(a) ||
		    rate <= a->ledger.state.depth / SLOWEST_RIPENING)
			return err;
		rate /= 2;
		err = channel_rate(&a->channel, 0);
		if (err < 0)
			return err;
		if (load_drain(&a->drive.load, DRAIN_MS))
			return complain(-ETIMEDOUT, "the queue does not drain");
	}
}

/* Preserving and loading take their time: make the queue deep again. */
static int top_up(struct agent *a)
{
	struct load *load = &a->drive.load;

	load_reap(load);
	if (load->problem[0])
		return complain(-EIO, "before the jump: %s", load->problem);
	load_fill(load, LOAD_MIX);
	return check_inflight(a);
}

/* Returns only if there was no jump. */
static int next_cycle(struct agent *a)
{
	struct load *load = &a->drive.load;
	int err;

	a->blame = EXIT_ERROR;
	a->ledger.state.cycle = a->channel.cycle + 1;
	load->counts = (struct load_counts){ 0 };
	err = ripen(a);
	if (err)
		return err;
	load_fill(load, LOAD_MIX);
	err = check_inflight(a);
	if (err)
		return err;
	/* A kernel that could not do it once is the wrong one; that cannot again, is broken. */
	a->blame = a->channel.cycle ? EXIT_FAIL : EXIT_ERROR;
	err = preserve(a);
	if (!err)
		err = kexec_load(a->kernel, a->initrd, a->cmdline);
	if (!err)
		err = top_up(a);
	if (err)
		return err;
	a->channel.cycle++;
	channel_send(&a->channel, "jump",
		     json_pack("{s:i,s:I}", "inflight", (int)load->inflight,
			       "completed", (json_int_t)load->counts.other));
	close_ledger(a);
	return kexec_jump();
}

/*
 * Next kernel
 */

static int retrieve_memory(struct agent *a)
{
	struct drive *d = &a->drive;
	int fd = luo_retrieve_fd(a->session, TOKEN_DMA, "DMA memory");
	int err = fd;

	if (fd >= 0)
		err = drive_adopt_memory(d, a->params.bdf, &a->ledger.state, fd);
	if (err)
		return err;
	channel_progress(&a->channel, "%u of %u commands completed up to here",
			 cq_arrived(&d->nvme.cq, d->load.inflight), d->load.inflight);
	a->kernel = luo_retrieve_fd(a->session, TOKEN_KERNEL, "kernel image");
	if (a->kernel < 0)
		return a->kernel;
	a->initrd = luo_retrieve_fd(a->session, TOKEN_INITRD, "initial file system");
	return a->initrd < 0 ? a->initrd : 0;
}

static int retrieve_device(struct agent *a)
{
	int err = pcidev_bind_vfio(a->params.bdf);

	if (err)
		return err;
	a->drive.iommufd = luo_retrieve_fd(a->session, TOKEN_IOMMUFD, "iommufd");
	if (a->drive.iommufd < 0)
		return a->drive.iommufd;
	a->drive.vfio.fd = luo_retrieve_fd(a->session, TOKEN_VFIO, "vfio device");
	return a->drive.vfio.fd < 0 ? a->drive.vfio.fd : 0;
}

static int finish_session(struct agent *a)
{
	int err = luo_finish(a->session);

	if (!err) {
		close(a->session);
		a->session = -1;
	}
	return err;
}

/* Verified DMA again: a completion that was not there when the device was adopted. */
static int resume(struct agent *a, struct cycle_result *r)
{
	struct load *load = &a->drive.load;
	uint64_t end = now_ms() + RESUME_MS;

	r->in_blackout = cq_arrived(&a->drive.nvme.cq, load->inflight);
	load_reap(load);
	/* The submission queue goes on, too. */
	load_fill(load, LOAD_READ);
	while (load->counts.reaped <= r->in_blackout) {
		if (now_ms() > end)
			return complain(-ETIMEDOUT, "no new completion after the controller was "
					"adopted");
		if (!load_reap(load))
			sleep_ms(1);
	}
	r->tsc_end = tsc_now();
	r->resumed = true;
	handover_mark("resume");
	return 0;
}

static int take_over(struct agent *a, struct cycle_result *r)
{
	int err = retrieve_device(a);

	if (err)
		return err;
	handover_mark("retrieve");
	err = drive_adopt(&a->drive);
	if (!err)
		err = drive_replace(&a->drive);
	if (!err)
		err = resume(a, r);
	if (!err)
		err = finish_session(a);
	r->adopted = !err;
	return err;
}

/* Lift the rate, let all that is in flight end, then read every block there is. */
static int verify_all(struct agent *a)
{
	struct load *load = &a->drive.load;
	int err = channel_rate(&a->channel, 0);

	if (err < 0) {
		a->blame = EXIT_ERROR;
		return err;
	}
	if (!load_drain(load, DRAIN_MS)) {
		load_fill(load, LOAD_READ);
		load_drain(load, DRAIN_MS);
	}
	load_check_canaries(load);
	return 0;
}

/* Nobody runs the controller's queues any more: what has come, is all there is. */
static void look_at_remains(struct agent *a, struct cycle_result *r)
{
	struct load *load = &a->drive.load;

	if (!r->in_blackout)
		r->in_blackout = cq_arrived(&a->drive.nvme.cq, load->inflight);
	load_drain(load, QUIET_MS);
	load_check_canaries(load);
}

/* The next blackout is expected to be like this one, with a quarter to spare. */
static void expect_blackout(struct agent *a, const struct cycle_result *r)
{
	double ms = record_blackout_ms(r) * 1.25;

	if (ms > 0)
		a->ledger.state.blackout_ms = ms < MIN_BLACKOUT_MS ? MIN_BLACKOUT_MS : (uint32_t)ms;
}

/* 0, or -EIO: the cycle failed; the reason is the complaint. */
static int report(struct agent *a, struct cycle_result *r)
{
	struct load *load = &a->drive.load;
	char why[128];
	bool pass;
	int err;

	if (a->drive.dma.map)
		load_give_up(load);
	else
		load->counts.lost = a->ledger.state.inflight;
	oracle_ask(r, &a->drive, &a->faults, why, sizeof(why));
	if (why[0])
		channel_progress(&a->channel, "controller:%s", why);
	pass = record_judge(r);
	if (!pass)
		oracle_explain(r, load->problem);
	load->problem[0] = 0;
	expect_blackout(a, r);
	err = channel_send(&a->channel, "cycle", record_json(r, pass));
	if (err)
		return complain(err, "the record of the cycle cannot be sent");
	complaint_clear();
	if (pass)
		return 0;
	/* No error code speaks for it. */
	complain(0, "cycle %u: %s", a->channel.cycle, r->reason);
	return -EIO;
}

static int next_kernel(struct agent *a)
{
	struct ledger_state *s = &a->ledger.state;
	struct cycle_result r = { 0 };
	int err = luo_retrieve_fd(a->session, TOKEN_LEDGER, "ledger");

	a->blame = EXIT_FAIL;
	if (err >= 0)
		err = ledger_adopt(&a->ledger, err);
	if (err)
		return err;
	a->channel.cycle = s->cycle;
	a->drive = (struct drive){ .bdf = a->params.bdf, .state = s };
	say_hello(a, s->device_preserved);
	err = retrieve_memory(a);
	if (!err && s->device_preserved)
		err = take_over(a, &r);
	/* While the preserved device's DMA goes on, through the same IOMMU. */
	if (!err && s->device_preserved)
		err = bystanders_run(&a->bystanders, s->cycle, &r.bystanders);
	if (!err && s->device_preserved)
		err = verify_all(a);
	if (err)
		snprintf(r.reason, sizeof(r.reason), "%.150s", complaint());
	if (a->drive.dma.map && (err || !s->device_preserved))
		look_at_remains(a, &r);
	return report(a, &r);
}

/*
 * One kernel
 */

static int run(struct agent *a)
{
	int err;

	a->luo = luo_open();
	if (a->luo < 0)
		return a->luo;
	err = bystanders_init(&a->bystanders, a->params.bystanders);
	if (err)
		return err;
	a->session = luo_retrieve(a->luo, SESSION);
	if (a->session >= 0)
		err = next_kernel(a);
	else if (a->session == -ENOENT)
		err = first_kernel(a);
	else
		err = a->session;
	if (!err && !a->channel.cycle && a->params.swaps)
		err = swap_and_report(a);
	if (err)
		return err;
	return a->channel.cycle < a->params.cycles ? next_cycle(a) : 0;
}

/*
 * Give the drive back with nothing in flight: whoever resets it would have to
 * end every command first. Only what this kernel's agent runs itself; after a
 * failed cycle the account is closed already.
 */
static void let_go(struct agent *a)
{
	if (a->session >= 0)
		close(a->session);
	if (!a->drive.bar || !a->drive.load.inflight)
		return;
	if (channel_rate(&a->channel, 0) >= 0)
		load_drain(&a->drive.load, DRAIN_MS);
}

static enum exit_code conclude(struct agent *a, int err)
{
	static const char *const verdicts[] = { "pass", "fail", "error" };
	enum exit_code code = err ? a->blame : EXIT_PASS;
	char text[512] = "";

	if (err)
		snprintf(text, sizeof(text), "%s", complaint()[0] ? complaint() : strerror(-err));
	if (err)
		fprintf(stderr, "hf-agent: %s\n", text);
	/*
	 * The lab takes what the device shows until it has answered for the cycle's: no
	 * file of the device may be closed before.
	 */
	if (a->channel.fd >= 0)
		channel_ask(&a->channel, "done", json_pack("{s:s,s:s}", "verdict", verdicts[code],
							   "reason", text));
	return code;
}

int main(int argc, char **argv)
{
	static struct agent a = { .channel.fd = -1, .session = -1, .blame = EXIT_ERROR };
	int err;

	/* First of all: what comes before is the kernel's time, the rest ours. */
	handover_mark("init");
	err = kexec_cmdline(a.cmdline, sizeof(a.cmdline));
	if (!err)
		err = params_parse(&a.params, a.cmdline, argc, argv);
	if (a.params.help) {
		fputs(params_usage, stdout);
		return EXIT_PASS;
	}
	if (!err)
		err = channel_open(&a.channel, a.params.channel);
	if (!err) {
		err = run(&a);
		let_go(&a);
	}
	return conclude(&a, err);
}
