// SPDX-License-Identifier: GPL-2.0-only
/* Description: hf-agent: one process per kernel, from verified DMA to verified DMA */

/*
 * The agent's life, in every kernel:
 *
 *	first kernel	bind the drive, start it, write and verify all data
 *	next kernel	retrieve, count and verify what came in the blackout,
 *			adopt controller and page table, drain, verify all, report
 *	then, in both	fill the queues, preserve, load the next kernel, jump
 *
 * Which one it is says the session: the first kernel finds none.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "channel.h"
#include "clock.h"
#include "complain.h"
#include "handover.h"
#include "iommu.h"
#include "kexec.h"
#include "ledger.h"
#include "load.h"
#include "luo.h"
#include "memory.h"
#include "nvme.h"
#include "params.h"
#include "pcidev.h"
#include "record.h"

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
#define DRAIN_MS 20000		/* without any completion */
#define RESUME_MS 30000		/* from adoption to the first new completion */
#define QUIET_MS 3000		/* a queue that nothing comes into is dead */
#define MIN_BLACKOUT_MS 2000	/* the next blackout is never expected to be shorter */

/* Exit codes, and what an error or a failed cycle becomes. */
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
	int iommufd;
	struct ledger ledger;
	struct memory dma;
	struct vfio vfio;
	struct iommu_map map;
	volatile void *bar;
	struct nvme nvme;
	struct load load;
	uint64_t faults_reported; /* IOMMU faults that a cycle's record has counted */
	enum exit_code blame;	/* what an error is now: the lab's, or the product's failure */
};

static int say_hello(struct agent *a, bool adopted)
{
	struct ledger_state *s = &a->ledger.state;
	struct utsname u;

	uname(&u);
	return channel_send(&a->channel, "hello",
			    json_pack("{s:s,s:b,s:I,s:b}", "kernel", u.release,
				      "adopted", (int)adopted, "tsc_khz", (json_int_t)s->tsc_khz,
				      "tsc_invariant", (int)tsc_invariant()));
}

/*
 * First kernel
 */

static int start_memory(struct agent *a)
{
	int err = memory_create_huge(&a->dma, "dma", dma_size(a->params.depth));

	if (err)
		return err;
	a->kernel = memory_from_file("kernel", a->params.kernel);
	if (a->kernel < 0)
		return a->kernel;
	a->initrd = memory_from_file("initrd", a->params.initrd);
	return a->initrd < 0 ? a->initrd : 0;
}

static int start_device(struct agent *a)
{
	int err = pcidev_bind_vfio(a->params.bdf);

	if (err)
		return err;
	a->iommufd = iommu_open();
	if (a->iommufd < 0)
		return a->iommufd;
	err = vfio_open(&a->vfio, a->params.bdf);
	if (!err)
		err = vfio_bind(&a->vfio, a->iommufd);
	if (!err)
		err = iommu_map_above(&a->map, a->iommufd, a->dma.fd, a->dma.size, &a->vfio,
				      memory_top_of_ram());
	/* Pinning may have moved folios: are they still whole? */
	if (!err)
		err = memory_check_huge(&a->dma);
	if (!err)
		err = vfio_attach(&a->vfio, &a->map);
	if (!err)
		err = vfio_enable_dma(&a->vfio);
	return err ? err : vfio_map_bar0(&a->vfio, NVME_BAR_SIZE, &a->bar);
}

/* Every command must have ended well; for times without a jump. */
static int expect_clean(struct agent *a, const char *when)
{
	const struct load_counts *c = &a->load.counts;

	if (load_drain(&a->load, DRAIN_MS))
		return complain(-ETIMEDOUT, "%s: %u commands did not complete", when,
				a->load.inflight);
	load_check_canaries(&a->load);
	if (c->faulted || c->lost || c->corrupt || c->stray)
		return complain(-EIO, "%s: %s", when, a->load.problem);
	return 0;
}

static int start_load(struct agent *a)
{
	struct ledger_state *s = &a->ledger.state;
	int err = nvme_start(&a->nvme, a->bar, &a->dma, a->map.iova, s->depth);

	if (err)
		return err;
	if (a->nvme.state.blocks < (uint64_t)s->depth * GROUP_BLOCKS)
		return complain(-ENOSPC, "the drive has only %llu blocks",
				(unsigned long long)a->nvme.state.blocks);
	load_init(&a->load, &a->nvme, &a->dma, s);
	load_fill(&a->load, LOAD_INIT);
	err = expect_clean(a, "first write");
	if (err)
		return err;
	load_fill(&a->load, LOAD_READ);
	return expect_clean(a, "first read");
}

static int first_kernel(struct agent *a)
{
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
	err = start_memory(a);
	if (!err)
		err = start_device(a);
	if (!err)
		err = start_load(a);
	if (err)
		return err;
	s->iova = a->map.iova;
	/* What firmware and boot left in the records is not ours. */
	handover_faults(&faults);
	a->faults_reported = faults.count;
	channel_progress(&a->channel, "%s: %u commands of %d bytes written and read back",
			 a->params.bdf, s->depth, GROUP_BYTES);
	return 0;
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

static int check_inflight(struct agent *a)
{
	const struct ledger_state *s = &a->ledger.state;
	uint64_t needed = 2ULL * s->blackout_ms * s->rate / 1000;

	if (!s->rate)
		return 0;
	if (needed < MIN_INFLIGHT)
		needed = MIN_INFLIGHT;
	if (a->load.inflight >= needed)
		return 0;
	return complain(-EAGAIN, "only %u commands in flight; needed are %llu: at least %d, and "
			"twice a blackout of %u ms at %u per second", a->load.inflight,
			(unsigned long long)needed, MIN_INFLIGHT, s->blackout_ms, s->rate);
}

static int preserve(struct agent *a)
{
	const struct {
		int fd;
		enum token token;
		const char *what;
	} files[] = {
		{ a->ledger.mem.fd, TOKEN_LEDGER, "ledger" },
		{ a->dma.fd, TOKEN_DMA, "DMA memory" },
		{ a->kernel, TOKEN_KERNEL, "kernel image" },
		{ a->initrd, TOKEN_INITRD, "initial file system" },
		{ a->iommufd, TOKEN_IOMMUFD, "iommufd" },
		{ a->vfio.fd, TOKEN_VFIO, "vfio device" },
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
static void watch_queue(const struct agent *a)
{
	const struct cq *cq = &a->nvme.cq;

	handover_watch_clear();
	handover_watch(a->dma.fd, DMA_IO_CQ + cq->head * sizeof(struct nvme_cqe),
		       cq->entries - cq->head, CQE_PHASE_BYTE, CQE_PHASE_MASK, cq->phase);
	handover_watch(a->dma.fd, DMA_IO_CQ, cq->head, CQE_PHASE_BYTE, CQE_PHASE_MASK,
		       !cq->phase);
}

/* The last that this kernel's agent writes: what the next one starts from. */
static void close_ledger(struct agent *a)
{
	struct ledger_state *s = &a->ledger.state;
	struct faults faults;

	handover_faults(&faults);
	s->faults = faults.count - a->faults_reported;
	pcidev_errors(a->params.bdf, &s->errors);
	s->tsc_adjust_known = tsc_adjust(&s->tsc_adjust);
	load_reap(&a->load);
	watch_queue(a);
	for (uint32_t i = 0; i < s->depth; i++)
		s->slots[i].at_jump = s->slots[i].use != SLOT_FREE;
	s->inflight = a->load.inflight;
	s->nvme = a->nvme.state;
	s->tsc_jump = tsc_now();
	ledger_commit(&a->ledger);
}

/* Returns only if there was no jump. */
static int next_cycle(struct agent *a)
{
	struct ledger_state *s = &a->ledger.state;
	int err;

	s->cycle = a->channel.cycle + 1;
	a->load.counts = (struct load_counts){ 0 };
	a->blame = EXIT_ERROR;
	err = set_rate(a);
	if (err)
		return err;
	load_fill(&a->load, LOAD_MIX);
	err = check_inflight(a);
	if (err)
		return err;
	/* A kernel that could not do it once is the wrong one; that cannot again, is broken. */
	a->blame = a->channel.cycle ? EXIT_FAIL : EXIT_ERROR;
	err = preserve(a);
	if (!err)
		err = kexec_load(a->kernel, a->initrd, a->cmdline);
	if (err)
		return err;
	/* Preserving and loading took their time: make the queue deep again. */
	load_reap(&a->load);
	load_fill(&a->load, LOAD_MIX);
	err = check_inflight(a);
	if (err)
		return err;
	if (a->load.problem[0])
		return complain(-EIO, "before the jump: %s", a->load.problem);
	a->channel.cycle = s->cycle;
	channel_send(&a->channel, "jump",
		     json_pack("{s:i,s:I}", "inflight", (int)a->load.inflight,
			       "completed", (json_int_t)a->load.counts.other));
	close_ledger(a);
	return kexec_jump();
}

/*
 * Next kernel
 */

static int retrieve_memory(struct agent *a)
{
	const struct ledger_state *s = &a->ledger.state;
	int fd = luo_retrieve_fd(a->session, TOKEN_DMA, "DMA memory");
	int err = fd < 0 ? fd : memory_adopt_huge(&a->dma, fd);

	if (err)
		return err;
	nvme_adopt_memory(&a->nvme, &a->dma, s->iova, &s->nvme);
	load_adopt(&a->load, &a->nvme, &a->dma, &a->ledger.state);
	channel_progress(&a->channel, "%u of %u commands completed up to here",
			 cq_arrived(&a->nvme.cq, a->load.inflight), a->load.inflight);
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
	a->iommufd = luo_retrieve_fd(a->session, TOKEN_IOMMUFD, "iommufd");
	if (a->iommufd < 0)
		return a->iommufd;
	a->vfio.fd = luo_retrieve_fd(a->session, TOKEN_VFIO, "vfio device");
	return a->vfio.fd < 0 ? a->vfio.fd : 0;
}

/* Bind adopts the live attachment; then a full new page table takes its place. */
static int adopt_device(struct agent *a)
{
	const struct ledger_state *s = &a->ledger.state;
	int err = vfio_bind(&a->vfio, a->iommufd);

	if (!err)
		err = vfio_map_bar0(&a->vfio, NVME_BAR_SIZE, &a->bar);
	if (!err)
		err = nvme_adopt(&a->nvme, a->bar, &a->dma, s->iova, &s->nvme);
	a->map.iova = s->iova;
	if (!err)
		err = iommu_map(&a->map, a->iommufd, a->dma.fd, a->dma.size, &a->vfio);
	if (err == -ERANGE)
		err = complain(err, "the old IOVA does not fit the new page table");
	return err ? err : vfio_attach(&a->vfio, &a->map);
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
	uint64_t end = now_ms() + RESUME_MS;

	r->in_blackout = cq_arrived(&a->nvme.cq, a->load.inflight);
	load_reap(&a->load);
	/* The submission queue goes on, too. */
	load_fill(&a->load, LOAD_READ);
	while (a->load.counts.reaped <= r->in_blackout) {
		if (now_ms() > end)
			return complain(-ETIMEDOUT, "no new completion after the controller was "
					"adopted");
		if (!load_reap(&a->load))
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
	err = adopt_device(a);
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
	int err = channel_rate(&a->channel, 0);

	if (err < 0) {
		a->blame = EXIT_ERROR;
		return err;
	}
	if (!load_drain(&a->load, DRAIN_MS)) {
		load_fill(&a->load, LOAD_READ);
		load_drain(&a->load, DRAIN_MS);
	}
	load_check_canaries(&a->load);
	return 0;
}

/* Nobody runs the controller's queues any more: what has come, is all there is. */
static void look_at_remains(struct agent *a, struct cycle_result *r)
{
	if (!r->in_blackout)
		r->in_blackout = cq_arrived(&a->nvme.cq, a->load.inflight);
	load_drain(&a->load, QUIET_MS);
	load_check_canaries(&a->load);
}

/* What the controller says of itself, through our BAR, or past whoever has it now. */
static void ask_device(struct agent *a, struct cycle_result *r, char *why, unsigned int size)
{
	const struct ledger_state *s = &a->ledger.state;
	volatile void *bar = a->bar;
	struct pci_errors errors;

	why[0] = 0;
	if (!bar)
		bar = pcidev_look_at_bar0(a->params.bdf, NVME_BAR_SIZE);
	r->cc_before = s->nvme.cc;
	if (bar) {
		r->csts = nvme_csts(bar);
		r->cc_after = nvme_cc(bar);
		r->device = nvme_differs(bar, &s->nvme, why, size);
	} else {
		r->device = 1;
		snprintf(why, size, " it cannot be looked at");
	}
	if (!pcidev_errors(a->params.bdf, &errors))
		r->device += pcidev_new_errors(&s->errors, &errors);
}

/* After what happened to the load, ask all other oracles. */
static void ask_oracles(struct agent *a, struct cycle_result *r)
{
	const struct ledger_state *s = &a->ledger.state;
	struct timeline timeline;
	uint64_t adjust;
	char why[128];

	ask_device(a, r, why, sizeof(why));
	handover_faults(&r->iommu);
	a->faults_reported = r->iommu.count;
	r->iommu.count += s->faults;
	handover_restore_walk(&r->walk);
	handover_timeline(&timeline);
	r->timeline = timeline.there;
	r->tsc_begin = s->tsc_jump;
	if (!r->resumed)
		r->tsc_end = tsc_now();
	phases_split(&r->phases, &timeline, r->tsc_begin, r->tsc_end, r->in_blackout);
	r->tsc_khz = s->tsc_khz;
	r->tsc_usable = s->tsc_invariant && tsc_invariant();
	if (s->tsc_adjust_known && tsc_adjust(&adjust) && adjust != s->tsc_adjust)
		r->tsc_usable = false;
	r->inflight = s->inflight;
	r->rate = s->rate;
	r->dma = a->load.counts;
	r->irq_spurious = irq_spurious();
	r->irq_nobody_cared = irq_nobody_cared();
	if (why[0])
		channel_progress(&a->channel, "controller:%s", why);
}

/* Which oracle saw what, for the reason of a failed cycle. */
static void explain(struct agent *a, struct cycle_result *r)
{
	char iommu[32] = "not there";
	size_t used = strlen(r->reason);

	if (r->iommu.there)
		snprintf(iommu, sizeof(iommu), "%llu", (unsigned long long)r->iommu.count);
	snprintf(r->reason + used, sizeof(r->reason) - used,
		 "; lost %llu of %u; seen by data: %llu, device: %llu, iommu: %s%s%s",
		 (unsigned long long)r->dma.lost, r->inflight,
		 (unsigned long long)(r->dma.lost + r->dma.corrupt + r->dma.stray),
		 (unsigned long long)(r->dma.faulted + r->device), iommu,
		 a->load.problem[0] ? "; first: " : "", a->load.problem);
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
	bool pass;
	int err;

	if (a->dma.map)
		load_give_up(&a->load);
	else
		a->load.counts.lost = a->ledger.state.inflight;
	ask_oracles(a, r);
	pass = record_judge(r);
	if (!pass)
		explain(a, r);
	expect_blackout(a, r);
	a->load.problem[0] = 0;
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
	say_hello(a, s->device_preserved);
	err = retrieve_memory(a);
	if (!err && s->device_preserved)
		err = take_over(a, &r);
	if (!err && s->device_preserved)
		err = verify_all(a);
	if (err)
		snprintf(r.reason, sizeof(r.reason), "%.150s", complaint());
	if (a->dma.map && (err || !s->device_preserved))
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
	a->session = luo_retrieve(a->luo, SESSION);
	if (a->session >= 0)
		err = next_kernel(a);
	else if (a->session == -ENOENT)
		err = first_kernel(a);
	else
		err = a->session;
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
	if (!a->bar || !a->load.inflight)
		return;
	if (channel_rate(&a->channel, 0) >= 0)
		load_drain(&a->load, DRAIN_MS);
}

/* A cycle that failed has said so in its record; all else is the lab's to mend. */
static enum exit_code conclude(struct agent *a, int err)
{
	static const char *const verdicts[] = { "pass", "fail", "error" };
	enum exit_code code = err ? a->blame : EXIT_PASS;
	char text[512];

	snprintf(text, sizeof(text), "%s", complaint());
	if (err && !text[0])
		snprintf(text, sizeof(text), "%s", strerror(-err));
	if (err)
		fprintf(stderr, "hf-agent: %s\n", text);
	if (a->channel.fd >= 0)
		channel_send(&a->channel, "done", json_pack("{s:s,s:s}", "verdict", verdicts[code],
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
