// SPDX-License-Identifier: GPL-2.0-only
/* Description: hf-agent: one process per kernel, from verified DMA to verified DMA */

/*
 * The agent's life, in every kernel:
 *
 *	first kernel	bind the devices and start them: all data written and read back,
 *			frames in and out; replace the drive's page table, if asked to,
 *			while it reads
 *	next kernel	retrieve, count and verify what came in the blackout, adopt the
 *			live devices and their page tables, drain, verify all, report
 *	then, in both	fill the queues, preserve, load the next kernel, jump
 *
 * Which one it is says the session: the first kernel finds none.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bystander.h"
#include "channel.h"
#include "clock.h"
#include "compare.h"
#include "complain.h"
#include "control.h"
#include "deepen.h"
#include "drive.h"
#include "exits.h"
#include "failnth.h"
#include "fio.h"
#include "forwarder.h"
#include "handover.h"
#include "kexec.h"
#include "luo.h"
#include "nic.h"
#include "oracle.h"
#include "params.h"
#include "pcidev.h"
#include "record.h"
#include "resources.h"
#include "swap.h"
#include "sysfile.h"

#define SESSION "holdfast"

/* Tokens, and the order of preserving: a page table needs its memory first. */
enum token {
	TOKEN_LEDGER = 1,
	TOKEN_DMA = 2,
	TOKEN_KERNEL = 3,
	TOKEN_INITRD = 4,
	TOKEN_IOMMUFD = 5,
	TOKEN_VFIO = 6,
	TOKEN_NIC_DMA = 7,
	TOKEN_NIC_IOMMUFD = 8,
	TOKEN_NIC_VFIO = 9,
};

#define QUIET_MS 3000		/* what has not come by then into a dead queue, will not */
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
	struct nic nic;
	struct forwarder forwarder;
	struct fio fio;
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
 * Exits: the ways that are not straight (configs/exits)
 */

static bool leaves_by(const struct agent *a, const char *exit)
{
	return strcmp(a->params.exit, exit) == 0;
}

/* Another process, to which an earlier one that left by @exit has left its session. */
static bool reaps(const struct agent *a, const char *exit)
{
	char word[64];

	snprintf(word, sizeof(word), "hf.exit=%s ", exit);
	return leaves_by(a, "again") && strstr(a->cmdline, word);
}

/* Has that one died where its session must be there for the next agent to go on with? */
static bool leaves_session(const struct agent *a)
{
	return reaps(a, "die-retrieved") || reaps(a, "die-bound") || reaps(a, "die-replacing");
}

/*
 * As if by accident, and with no chance to put anything in order; but not before the lab has
 * looked at the devices.
 */
static void die(struct agent *a, const char *where)
{
	channel_ask(&a->channel, "dying", json_pack("{s:s}", "where", where));
	kill(getpid(), SIGKILL);
}

static void die_at(struct agent *a, const char *exit)
{
	if (leaves_by(a, exit))
		die(a, exit);
}

/* What a kernel says that panics where it is to. */
#define SYSRQ_SAYS "sysrq triggered crash"
#define EARLY_SAYS "Attempted to kill init"
#define LATE_SAYS "Unable to mount root fs"

/* The devices are at work when the machine goes down; what comes up must find them quiet. */
static int bring_down_at(struct agent *a, const char *where)
{
	static const char *const hows[] = { "reboot", "panic" };
	char exit[32];

	for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
		snprintf(exit, sizeof(exit), "%s-%s", hows[i], where);
		if (!leaves_by(a, exit))
			continue;
		if (channel_ask(&a->channel, "leaving", json_pack("{s:s,s:s}", "how", hows[i],
								    "says", SYSRQ_SAYS)) != 1)
			return complain(-EIO, "the lab cannot start the machine again");
		return exits_bring_down(hows[i]);
	}
	return 0;
}

/* Is this the kernel that came up after that? The command line is the first one's again. */
static bool was_brought_down(struct agent *a)
{
	return (strncmp(a->params.exit, "reboot-", 7) == 0 ||
		strncmp(a->params.exit, "panic-", 6) == 0) &&
	       channel_ask(&a->channel, "restarted", json_object()) == 1;
}

static size_t exit_devices(const struct agent *a, struct exit_device devices[2])
{
	const struct params *p = &a->params;
	size_t n = 0;

	if (p->loads.nvme)
		devices[n++] = (struct exit_device){
			.bdf = p->nvme_bdf, .driver = "nvme", .vfio = &a->drive.vfio,
			.map = &a->drive.map, .iommufd = a->drive.iommufd, .memfd = a->drive.dma.fd,
			.iommufd_token = TOKEN_IOMMUFD, .vfio_token = TOKEN_VFIO,
		};
	if (p->loads.nic)
		devices[n++] = (struct exit_device){
			.bdf = p->nic_bdf, .driver = "e1000e", .vfio = &a->nic.vfio,
			.map = &a->nic.map, .iommufd = a->nic.iommufd, .memfd = a->nic.dma.fd,
			.iommufd_token = TOKEN_NIC_IOMMUFD, .vfio_token = TOKEN_NIC_VFIO,
		};
	return n;
}

static int try_kexec(struct agent *a)
{
	int err = kexec_load(a->kernel, a->initrd, a->cmdline);

	return err ? err : kexec_jump();
}

/*
 * Nothing moves what devices write to. Pages of 2 MiB are more than compaction would move; the
 * kernel image is held in the same way, and is in small ones.
 */
static void probe_compaction(struct agent *a, const char *state)
{
	struct exit_memory held[3];
	struct memory kernel;
	size_t n = 0;

	if (memory_adopt(&kernel, dup(a->kernel)))
		return;
	held[n++] = (struct exit_memory){ "compaction leaves the kernel image", &kernel, NULL };
	if (a->params.loads.nvme)
		held[n++] = (struct exit_memory){ "compaction leaves the drive's memory",
						  &a->drive.dma, NULL };
	if (a->params.loads.nic)
		held[n++] = (struct exit_memory){ "compaction leaves the NIC's memory",
						  &a->nic.dma, NULL };
	exits_compaction(&a->channel, state, held, n);
	memory_drop(&kernel);
}

static void probe_preserved(struct agent *a)
{
	struct exit_device devices[2];
	size_t n = exit_devices(a, devices);

	if (!leaves_by(a, "probes") || a->channel.cycle)
		return;
	for (size_t i = 0; i < n; i++)
		exits_preserved(&a->channel, &devices[i]);
	probe_compaction(a, "PRESERVED");
	exits_tell(&a->channel, "PRESERVED: kexec_load of an image without KHO", "",
		   exits_load_bare(), 0);
	exits_tell(&a->channel, "PRESERVED: the jump into that", "", kexec_jump(), -EINVAL);
	exits_foreign_images(&a->channel, a->kernel, a->initrd, a->cmdline);
}

static void probe_live(struct agent *a)
{
	struct exit_device devices[2];
	size_t n = exit_devices(a, devices);

	if (!leaves_by(a, "probes") || a->channel.cycle != 1)
		return;
	for (size_t i = 0; i < n; i++)
		exits_live(&a->channel, &devices[i]);
	probe_compaction(a, "LIVE");
	exits_tell(&a->channel, "LIVE: a jump", "", try_kexec(a), -EBUSY);
	for (size_t i = 0; i < n; i++)
		exits_driver_absent(&a->channel, &devices[i], a->session);
}

static void probe_claimed(struct agent *a)
{
	struct exit_device devices[2];
	size_t n = exit_devices(a, devices);

	if (!leaves_by(a, "probes") || a->channel.cycle != 1)
		return;
	for (size_t i = 0; i < n; i++) {
		int fd = luo_retrieve_fd(a->session, devices[i].vfio_token, "device");

		exits_tell(&a->channel, "CLAIMED: retrieve again", devices[i].bdf,
			   fd < 0 ? fd : 0, 0);
		if (fd >= 0)
			close(fd);
		exits_disturb(&a->channel, "CLAIMED", &devices[i], true);
	}
	probe_compaction(a, "CLAIMED");
	exits_tell(&a->channel, "CLAIMED: finish", "", luo_finish(a->session), -EBUSY);
	exits_tell(&a->channel, "CLAIMED: a jump", "", try_kexec(a), -EBUSY);
}

static void probe_replaced(struct agent *a)
{
	struct exit_device devices[2];
	size_t n = exit_devices(a, devices);

	if (!leaves_by(a, "probes") || a->channel.cycle != 1)
		return;
	for (size_t i = 0; i < n; i++)
		exits_disturb(&a->channel, "REPLACED", &devices[i], true);
}

/*
 * What was free when the first agent of this kernel began; the session's memory was not, then.
 * It outlives the agent.
 */
#define FREE_FILE "/tmp/free_kib"
#define SPARE_KIB 4096
/* ... after a cycle, in which the bystanders' drivers were at work for the first time. */
#define SPARE_CYCLE_KIB 8192

static int64_t free_at_start(void)
{
	int64_t kib = sysfile_number(FREE_FILE);
	FILE *f;

	if (kib >= 0)
		return kib;
	kib = resources_free_kib();
	f = fopen(FREE_FILE, "we");
	if (f) {
		fprintf(f, "%lld", (long long)kib);
		fclose(f);
	}
	return kib;
}

/* All that the session hands over; it counts as free memory when the hand-over has ended. */
static uint32_t session_kib(const struct agent *a)
{
	const int fds[] = { a->ledger.mem.fd, a->kernel, a->initrd,
			    a->params.loads.nvme ? a->drive.dma.fd : -1,
			    a->params.loads.nic ? a->nic.dma.fd : -1 };
	off_t bytes = 0;
	struct stat st;

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (fds[i] >= 0 && !fstat(fds[i], &st))
			bytes += st.st_size;
	}
	return (uint32_t)(bytes >> 10);
}

static void tell_quiet(struct agent *a)
{
	struct exit_device devices[2];
	size_t n = exit_devices(a, devices);

	for (size_t i = 0; i < n; i++)
		exits_quiet(&a->channel, devices[i].bdf);
}

/* The devices are quiet, and what the session had is free again. */
static void tell_ended(struct agent *a)
{
	tell_quiet(a);
	exits_memory_back(&a->channel, free_at_start() + a->params.session_kib,
			  leaves_by(a, "ended") ? SPARE_CYCLE_KIB : SPARE_KIB);
}

/*
 * Nobody goes on with the session of an agent that died. Where devices had to be stopped for it,
 * the log has a line for each; elsewhere they were let go, and there is none.
 */
static void tell_gone(struct agent *a)
{
	struct exit_device devices[2];
	size_t n = exit_devices(a, devices);

	if (reaps(a, "die-live"))
		exits_logged(&a->channel, "nobody has retrieved it, bus master is off", n);
	else
		exits_logged(&a->channel, "hand-over ended", 0);
	tell_ended(a);
}

/* One that died has left its session to us, and the devices at work. */
static void tell_left(struct agent *a)
{
	struct exit_device devices[2];
	size_t n = exit_devices(a, devices);

	exits_logged(&a->channel, "was closed but cannot be finished", 1);
	for (size_t i = 0; i < n; i++)
		exits_master(&a->channel, "left behind", devices[i].bdf);
	exits_tell(&a->channel, "a reaper's finish", "", luo_finish(a->session), -EBUSY);
}

/* The kernel's drivers would switch on again what is to be found off. */
#define NO_DRIVERS "initcall_blacklist=nvme_init,e1000_init_module"
/* Without a bus pci_slot_init() dies: before PCI devices, and VT-d's units, are known. */
#define PANIC_EARLY "initcall_blacklist=pci_driver_init panic=-1"

/*
 * A kernel that can inject faults (CONFIG_HANDOVER_INJECT) damages what it leaves to the next one.
 * Where a file cannot be frozen, there is no jump: DMA goes on here, and the next attempt is good.
 */
static int inject_before_jump(struct agent *a)
{
	static const char *const faults[] = {
		"pci-record", "pci-version", "iommu-version", "fingerprint",
	};
	unsigned int arrived;
	char fault[64];
	int err = 0;

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (leaves_by(a, faults[i]) && !a->channel.cycle)
			err = exits_inject(faults[i]);
	}
	if (err || !leaves_by(a, "freeze-fails") || a->channel.cycle)
		return err;
	/* The last file of the session: all others are frozen by then. */
	snprintf(fault, sizeof(fault), "freeze-fails %s", a->params.nic_bdf);
	err = exits_inject(fault);
	if (err)
		return err;
	exits_tell(&a->channel, "PRESERVED: a jump, and a file that cannot be frozen", "",
		   kexec_jump(), -EIO);
	arrived = nicdev_rx_arrived(&a->nic.dev);
	sleep_ms(500);
	exits_tell(&a->channel, "DMA goes on", a->params.nic_bdf,
		   nicdev_rx_arrived(&a->nic.dev) > arrived ? 0 : -EIO, 0);
	return exits_inject("none");
}

/* More words for the next kernel's command line, where the exit is its doing. */
static void set_next_cmdline(struct agent *a)
{
	static const struct {
		const char *exit, *words;
	} all[] = {
		{ "iommu-off", "intel_iommu=off amd_iommu=off hf.exit=stopped " NO_DRIVERS },
		{ "kho-off", "kho=off hf.exit=anew " NO_DRIVERS },
		{ "liveupdate-off", "liveupdate=off hf.exit=anew " NO_DRIVERS },
		{ "scalable-next", "intel_iommu=sm_on hf.exit=anew " NO_DRIVERS },
		{ "pci-record", NO_DRIVERS },
		{ "pci-version", NO_DRIVERS },
		/* An AMD unit that is not adopted remaps no interrupts either. */
		{ "iommu-version", "iommufd.allow_unsafe_interrupts=1 " NO_DRIVERS },
		{ "panic-early", PANIC_EARLY },
		{ "panic-late", "rdinit=/none init=/none panic=-1" },
	};
	size_t used = strlen(a->cmdline);

	/* The words of this kernel are the next one's, too: none may come with each cycle. */
	if (leaves_by(a, "none"))
		return;
	used += (size_t)snprintf(a->cmdline + used, sizeof(a->cmdline) - used,
				 " hf.session_kib=%u", session_kib(a));
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (leaves_by(a, all[i].exit))
			snprintf(a->cmdline + used, sizeof(a->cmdline) - used, " %s", all[i].words);
	}
}

/* Breaking something on purpose (configs/controls) is not the way, but what happens on it. */
static int break_at(struct agent *a, enum control_at at)
{
	return control_break(a->params.control, at, a->params.loads.nvme ? &a->drive : NULL,
			     a->params.loads.nic ? &a->nic : NULL);
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

/*
 * What is not preserved must work all the same, through the same IOMMU. DPDK begins
 * first: the kernel's driver has its port until then.
 */
static int run_neighbours(struct agent *a, struct bystander_counts *counts)
{
	int err = a->params.loads.dpdk ? forwarder_start(&a->forwarder, a->params.dpdk_bdf) : 0;

	if (!err)
		err = bystanders_run(&a->bystanders, a->channel.cycle, counts);
	if (!err && a->params.loads.fio)
		err = fio_run(&a->fio, &a->ledger.state.fio);
	if (!err && a->params.loads.dpdk)
		err = forwarder_prove(&a->forwarder);
	return err;
}

/* No group of vfio outlives the kernel: its port must be quiet before the jump. */
static int stop_neighbours(struct agent *a)
{
	struct forwarder_counts counts;
	const char *why = NULL;
	int err = 0;

	if (a->params.loads.dpdk) {
		err = forwarder_stop(&a->forwarder, &counts);
		why = forwarder_judge(&counts);
	}
	return !err && why ? complain(-EIO, "%s", why) : err;
}

static int describe_devices(struct agent *a)
{
	const char *bdfs[2];
	size_t n = 0;

	if (a->params.loads.nvme)
		bdfs[n++] = a->params.nvme_bdf;
	if (a->params.loads.nic)
		bdfs[n++] = a->params.nic_bdf;
	return topology_start(&a->ledger.state.topology, &a->channel, bdfs, n);
}

static int start_devices(struct agent *a)
{
	struct ledger_state *s = &a->ledger.state;
	int err = 0;

	if (a->params.loads.nvme)
		err = drive_start(&a->drive, a->params.nvme_bdf, s);
	if (!err && a->params.loads.nic)
		err = nic_start(&a->nic, a->params.nic_bdf, &s->nic, a->params.nic_depth);
	return err;
}

/* The hand-over has ended; the devices work again. */
static int start_anew(struct agent *a)
{
	int err = ledger_create(&a->ledger);

	a->ledger.state.depth = a->params.depth;
	a->ledger.state.again = (uint64_t)a->params.map_gib << 30;
	a->params.cycles = 0;
	if (!err && a->params.loads.nvme && channel_rate(&a->channel, 0) < 0)
		err = -ETIMEDOUT;
	if (!err)
		err = start_devices(a);
	exits_tell(&a->channel, "a new start of the devices", "", err, 0);
	return 0;
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

/*
 * The next kernel could not take the devices over: it must have stopped them, and said so once of
 * each. Without an IOMMU nobody can use them. A kernel without live updates never had the session's
 * memory (kho=off), or keeps it to its end.
 */
static int find_stopped(struct agent *a)
{
	struct exit_device devices[2];

	say_hello(a, false);
	exits_logged(&a->channel, "bus master is off", exit_devices(a, devices));
	a->luo = luo_open();
	if (a->luo >= 0)
		a->session = luo_retrieve(a->luo, SESSION);
	complaint_clear();
	if (a->session >= 0) {
		exits_tell(&a->channel, "finish", "", finish_session(a), 0);
		tell_ended(a);
	} else {
		tell_quiet(a);
	}
	return leaves_by(a, "anew") ? start_anew(a) : 0;
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
	s->again = (uint64_t)a->params.map_gib << 30;
	s->blackout_ms = a->params.blackout_ms;
	s->tsc_khz = tsc_khz();
	s->tsc_invariant = tsc_invariant();
	say_hello(a, false);
	if (leaves_by(a, "again"))
		tell_gone(a);
	if (access(a->params.kernel, R_OK))
		return complain(-ENOENT, "neither a session \"" SESSION "\" nor %s: the first "
				"kernel needs its own image, any other the session",
				a->params.kernel);
	err = copy_boot_files(a);
	if (!err)
		err = start_devices(a);
	if (!err)
		err = run_neighbours(a, &bystanders);
	if (!err)
		err = describe_devices(a);
	if (err)
		return err;
	/* What firmware and boot left in the records is not ours. */
	handover_faults(&faults);
	a->faults = faults.count;
	if (a->params.loads.nvme)
		channel_progress(&a->channel, "%s: %u commands of %d bytes written and read back",
				 a->params.nvme_bdf, s->depth, GROUP_BYTES);
	if (a->params.loads.nic)
		channel_progress(&a->channel, "%s: frames come and go, a ring of %u descriptors "
				 "is full of buffers", a->params.nic_bdf, a->nic.dev.state.rx_depth);
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

/* The neighbours have proved that they work; now they are what we are compared with. */
static int compare_and_report(struct agent *a)
{
	json_t *drive, *nic = NULL;
	int err = channel_rate(&a->channel, 0);

	if (err < 0)
		return err;
	err = stop_neighbours(a);
	fio_stop(&a->fio);
	if (err)
		return err;
	channel_progress(&a->channel, "comparing, %u s each", a->params.bench);
	drive = compare_drive(&a->drive, a->fio.program, a->fio.drive, a->params.bench);
	if (drive)
		nic = compare_nic(&a->nic, "/sbin/dpdk-testpmd", a->params.dpdk_bdf,
				  a->params.bench);
	if (!nic) {
		json_decref(drive);
		return complain(-EIO, "no comparison");
	}
	return channel_send(&a->channel, "bench",
			    json_pack("{s:o,s:o}", "drive", drive, "nic", nic));
}

/*
 * To the jump
 */

static int preserve(struct agent *a)
{
	const struct loads *loads = &a->params.loads;
	const struct {
		bool there, device;
		int fd;
		enum token token;
		const char *what;
	} files[] = {
		{ true, false, a->ledger.mem.fd, TOKEN_LEDGER, "ledger" },
		{ loads->nvme, false, a->drive.dma.fd, TOKEN_DMA, "drive's memory" },
		{ loads->nic, false, a->nic.dma.fd, TOKEN_NIC_DMA, "NIC's memory" },
		{ true, false, a->kernel, TOKEN_KERNEL, "kernel image" },
		{ true, false, a->initrd, TOKEN_INITRD, "initial file system" },
		{ loads->nvme, true, a->drive.iommufd, TOKEN_IOMMUFD, "drive's iommufd" },
		{ loads->nvme, true, a->drive.vfio.fd, TOKEN_VFIO, "drive" },
		{ loads->nic, true, a->nic.iommufd, TOKEN_NIC_IOMMUFD, "NIC's iommufd" },
		{ loads->nic, true, a->nic.vfio.fd, TOKEN_NIC_VFIO, "NIC" },
	};
	uint64_t begin;
	int err = 0;

	a->session = luo_create(a->luo, SESSION);
	if (a->session < 0)
		return a->session;
	a->ledger.state.device_preserved = !a->params.unpreserved;
	a->ledger.state.preserve_ns = 0;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && !err; i++) {
		if (!files[i].there || (files[i].device && a->params.unpreserved))
			continue;
		begin = step_begin();
		err = luo_preserve(a->session, files[i].fd, files[i].token, files[i].what);
		if (files[i].token == TOKEN_IOMMUFD || files[i].token == TOKEN_NIC_IOMMUFD)
			a->ledger.state.preserve_ns += step_begin() - begin;
	}
	return err;
}

/* Whatever preserving has to allocate: if it fails, all is as it was before. */
static int preserve_short_of_memory(struct agent *a)
{
	unsigned int n = 0, failed = 0, other = 0;
	bool struck = true;
	int err = 0;

	while (!err && struck) {
		err = failnth_arm(++n);
		if (err)
			break;
		err = preserve(a);
		struck = failnth_disarm();
		if (a->session >= 0)
			close(a->session);
		a->session = -1;
		failed += err != 0;
		other += err && err != -ENOMEM;
		if (struck)
			err = 0;
	}
	channel_progress(&a->channel, "preserving makes %u allocations; it did without %u of them, "
			 "and failed for want of %u", n - 1, n - 1 - failed, failed);
	exits_tell(&a->channel, "preserving fails with ENOMEM, and in no other way", "",
		   other || !failed ? -EIO : 0, 0);
	exits_tell(&a->channel, "preserving, with memory", "", err, 0);
	return err;
}

/* Also a file that could not be retrieved for want of memory, can be once there is some. */
static int retrieve_fd(struct agent *a, enum token token, const char *what)
{
	unsigned int n = 0, failed = 0;
	bool struck = true;
	int fd = -ENOMEM;

	if (!leaves_by(a, "out-of-memory"))
		return luo_retrieve_fd(a->session, token, what);
	while (fd < 0 && struck) {
		fd = failnth_arm(++n);
		if (fd)
			return fd;
		fd = luo_retrieve_fd(a->session, token, what);
		struck = failnth_disarm();
		failed += fd < 0;
	}
	channel_progress(&a->channel, "%s: retrieved at the %uth attempt", what, n);
	exits_tell(&a->channel, "retrieve without memory, and then with", what,
		   fd < 0 ? fd : failed ? 0 : -EIO, 0);
	return fd;
}

/* The last that this kernel's agent writes: what the next one starts from. */
static void close_ledger(struct agent *a)
{
	struct ledger_state *s = &a->ledger.state;
	struct faults faults;

	handover_faults(&faults);
	s->faults = faults.count - a->faults;
	topology_read(&s->topology);
	s->tsc_adjust_known = tsc_adjust(&s->tsc_adjust);
	handover_watch_clear();
	if (a->params.loads.nvme)
		drive_close(&a->drive);
	if (a->params.loads.nic)
		nic_close(&a->nic);
	s->tsc_jump = tsc_now();
	ledger_commit(&a->ledger);
}

/* All that was begun is through, and much is under way. */
static int fill(struct agent *a)
{
	int err = 0;

	if (a->params.loads.nvme) {
		a->drive.load.counts = (struct load_counts){ 0 };
		err = deepen(&a->drive, &a->channel, a->params.rate);
	}
	if (err)
		return err;
	/* What is found here, has happened since the last record. */
	a->blame = a->channel.cycle ? EXIT_FAIL : EXIT_ERROR;
	if (a->params.loads.nic)
		err = nic_fill(&a->nic);
	/* It runs on until the jump; its account ends here. */
	if (!err && a->params.loads.fio)
		err = fio_leave(&a->fio, &a->ledger.state.fio);
	return err;
}

/* Preserving and loading have taken their time. */
static int top_up(struct agent *a)
{
	int err = break_at(a, CONTROL_LAST_FILL);

	if (err)
		return err;
	if (a->params.loads.nic)
		nic_poll(&a->nic);
	if (!a->params.loads.nvme || control_shows_early(a->params.control))
		return 0;
	return deepen_again(&a->drive);
}

/* Returns only if there was no jump. */
static int next_cycle(struct agent *a)
{
	const struct load *load = &a->drive.load;
	int err;

	a->blame = EXIT_ERROR;
	a->ledger.state.cycle = a->channel.cycle + 1;
	err = fill(a);
	if (!err)
		err = break_at(a, CONTROL_FULL);
	if (err)
		return err;
	/* A kernel that could not do it once is the wrong one; that cannot again, is broken. */
	a->blame = a->channel.cycle ? EXIT_FAIL : EXIT_ERROR;
	if (leaves_by(a, "out-of-memory") && !a->channel.cycle)
		err = preserve_short_of_memory(a);
	if (!err)
		err = preserve(a);
	if (err)
		return err;
	probe_preserved(a);
	die_at(a, "die-preserved");
	err = bring_down_at(a, "preserved");
	if (err)
		return err;
	set_next_cmdline(a);
	err = stop_neighbours(a);
	if (!err)
		err = kexec_load(a->kernel, a->initrd, a->cmdline);
	if (!err)
		err = inject_before_jump(a);
	if (!err)
		err = top_up(a);
	if (err)
		return err;
	a->channel.cycle++;
	channel_send(&a->channel, "jump",
		     json_pack("{s:i,s:I}", "inflight", (int)load->inflight,
			       "completed", (json_int_t)load->counts.other));
	if (leaves_by(a, "panic-early") || leaves_by(a, "panic-late"))
		channel_ask(&a->channel, "leaving",
			    json_pack("{s:s,s:s}", "how", "panic", "says",
				      leaves_by(a, "panic-early") ? EARLY_SAYS : LATE_SAYS));
	close_ledger(a);
	return kexec_jump();
}

/*
 * Next kernel
 */

static int retrieve_drive_memory(struct agent *a)
{
	struct drive *d = &a->drive;
	int fd = retrieve_fd(a, TOKEN_DMA, "drive's memory");
	int err = fd < 0 ? fd : drive_adopt_memory(d, a->params.nvme_bdf, &a->ledger.state, fd);

	if (!err)
		channel_progress(&a->channel, "%u of %u commands completed up to here",
				 cq_arrived(&d->nvme.cq, d->load.inflight), d->load.inflight);
	return err;
}

static int retrieve_nic_memory(struct agent *a)
{
	struct nic *n = &a->nic;
	int fd = retrieve_fd(a, TOKEN_NIC_DMA, "NIC's memory");
	int err = fd < 0 ? fd : nic_adopt_memory(n, a->params.nic_bdf, &a->ledger.state.nic, fd);

	if (!err)
		channel_progress(&a->channel, "%u frames arrived up to here",
				 nicdev_rx_arrived(&n->dev));
	return err;
}

static int retrieve_memory(struct agent *a)
{
	int err = a->params.loads.nvme ? retrieve_drive_memory(a) : 0;

	if (!err && a->params.loads.nic)
		err = retrieve_nic_memory(a);
	if (err)
		return err;
	a->kernel = retrieve_fd(a, TOKEN_KERNEL, "kernel image");
	if (a->kernel < 0)
		return a->kernel;
	a->initrd = retrieve_fd(a, TOKEN_INITRD, "initial file system");
	return a->initrd < 0 ? a->initrd : 0;
}

/* A device and the iommufd that it is attached to. */
static int retrieve_device(struct agent *a, const char *bdf, int *iommufd, int *vfio, bool is_nic,
			   struct steps *steps)
{
	int err = pcidev_bind_vfio(bdf);
	uint64_t begin = step_begin();

	if (err)
		return err;
	*iommufd = retrieve_fd(a, is_nic ? TOKEN_NIC_IOMMUFD : TOKEN_IOMMUFD,
				   is_nic ? "NIC's iommufd" : "drive's iommufd");
	if (*iommufd < 0)
		return *iommufd;
	step_end(steps, STEP_RETRIEVE, begin);
	*vfio = retrieve_fd(a, is_nic ? TOKEN_NIC_VFIO : TOKEN_VFIO,
				is_nic ? "NIC" : "drive");
	return *vfio < 0 ? *vfio : 0;
}

static int retrieve_devices(struct agent *a, struct steps *steps)
{
	const struct params *p = &a->params;
	int err = 0;

	if (p->loads.nvme)
		err = retrieve_device(a, p->nvme_bdf, &a->drive.iommufd, &a->drive.vfio.fd, false,
				      steps);
	if (!err && p->loads.nic)
		err = retrieve_device(a, p->nic_bdf, &a->nic.iommufd, &a->nic.vfio.fd, true, steps);
	return err;
}

/* Each device goes on, on the page table that it has. */
static int adopt(struct agent *a, struct steps *steps)
{
	int err = a->params.loads.nvme ? drive_adopt(&a->drive, steps) : 0;

	if (!err && a->params.loads.nic)
		err = nic_adopt(&a->nic, steps);
	if (err)
		return err;
	/* Who comes after an agent that dies from here on, must know what it is bound as. */
	ledger_commit(&a->ledger);
	probe_claimed(a);
	die_at(a, "die-bound");
	return 0;
}

/* Each device gets a page table of this kernel's making. */
static int replace(struct agent *a, struct steps *steps)
{
	int err = a->params.loads.nvme ? drive_replace(&a->drive, steps) : 0;

	if (!err)
		die_at(a, "die-replacing");
	if (!err && a->params.loads.nic)
		err = nic_replace(&a->nic, steps);
	if (!err)
		die_at(a, "die-replaced");
	return err;
}

/* The blackout ends when all loads have verified DMA again. */
static int resume(struct agent *a)
{
	int err = a->params.loads.nvme ? drive_resume(&a->drive) : 0;

	if (!err && a->params.loads.nic)
		err = nic_resume(&a->nic);
	if (!err)
		handover_mark("resume");
	return err;
}

static int take_over(struct agent *a, struct cycle_result *r)
{
	int err;

	probe_live(a);
	err = retrieve_devices(a, &r->steps);
	if (err)
		return err;
	handover_mark("retrieve");
	die_at(a, "die-retrieved");
	err = break_at(a, CONTROL_RETRIEVED);
	if (!err)
		err = adopt(a, &r->steps);
	/* A large one takes its time, for which the devices need not wait. */
	if (!err && !a->params.map_gib)
		err = replace(a, &r->steps);
	if (!err)
		err = break_at(a, CONTROL_ADOPTED);
	if (!err)
		err = resume(a);
	if (!err && a->params.map_gib)
		err = replace(a, &r->steps);
	if (!err)
		err = break_at(a, CONTROL_RESUMED);
	/* After the blackout: what the devices are asked in it must be short. */
	if (!err)
		probe_replaced(a);
	if (!err)
		err = finish_session(a);
	if (!err)
		die_at(a, "die-finished");
	r->adopted = !err;
	return err;
}

/* Lift the rate, let all that is in flight end, then read every block there is. */
static int verify_drive(struct agent *a)
{
	int err = channel_rate(&a->channel, 0);

	if (err < 0) {
		a->blame = EXIT_ERROR;
		return err;
	}
	drive_verify(&a->drive);
	return 0;
}

/* The sequence of the last frame that the source has sent; 0: nobody knows. */
static uint64_t ask_sent(struct agent *a)
{
	uint64_t sent;

	return channel_ask_number(&a->channel, "sent", json_object(), &sent) == 1 ? sent : 0;
}

/*
 * While the preserved devices' DMA goes on, others work through the same IOMMU. What is
 * wrong with these must not keep the preserved ones from being verified.
 */
static int work_and_verify(struct agent *a, struct cycle_result *r)
{
	int beside = run_neighbours(a, &r->bystanders);
	int err = a->params.loads.nvme ? verify_drive(a) : 0;

	if (!beside && a->params.loads.fio)
		beside = fio_look(&a->fio);
	if (!err && a->params.loads.nic)
		err = nic_verify(&a->nic, ask_sent(a));
	return err ? err : beside;
}

/*
 * Nobody runs the devices any more: what has come, is all there is. Not handed over, they
 * are like any device that a careless kernel left running: the first thing that a driver
 * does is to switch bus mastering on, and then the old DMA goes on. It must end at the IOMMU.
 */
static void look_at_remains(struct agent *a)
{
	const struct loads *loads = &a->params.loads;
	bool unleash = !a->ledger.state.device_preserved;

	if (loads->nvme && unleash)
		pcidev_set_master(a->params.nvme_bdf);
	if (loads->nic && unleash)
		pcidev_set_master(a->params.nic_bdf);
	sleep_ms(QUIET_MS);
	if (loads->nvme && a->drive.dma.map)
		drive_remains(&a->drive, QUIET_MS);
	if (loads->nic && a->nic.dma.map) {
		ask_sent(a);
		nic_remains(&a->nic);
	}
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
	const char *const bdfs[] = { a->params.nvme_bdf, a->params.nic_bdf };
	json_t *record;
	char why[256];
	bool pass;
	int err;

	oracle_ask(r, a->params.loads.nvme ? &a->drive : NULL, a->params.loads.nic ? &a->nic : NULL,
		   &a->ledger.state, &a->faults, why, sizeof(why));
	if (why[0])
		channel_progress(&a->channel, "devices:%s", why);
	pass = record_judge(r);
	if (!pass)
		oracle_explain(r);
	expect_blackout(a, r);
	record = record_json(r, pass);
	json_object_set_new(record, "resources", resources_json(bdfs, 2));
	err = channel_send(&a->channel, "cycle", record);
	if (err)
		return complain(err, "the record of the cycle cannot be sent");
	a->drive.load.problem[0] = 0;
	a->nic.load.problem[0] = 0;
	fio_recorded(&a->fio);
	complaint_clear();
	if (pass)
		return 0;
	/* No error code speaks for it. */
	complain(0, "cycle %u: %s", a->channel.cycle, r->reason);
	return -EIO;
}

/*
 * Ways in which the devices are not adopted, and what the log says of each then: nobody wants
 * them, or what was recorded of them is wrong (injected, see inject_before_jump()).
 */
static const struct unadopted {
	const char *exit, *text;
	bool unretrievable;	/* its tables are wrong, so its iommufd must not come back */
} unadopted[] = {
	{ "finish-unretrieved", "nobody has retrieved it, bus master is off", false },
	{ "pci-record", "dropped: another device is there, bus master is off", false },
	{ "pci-version", "nobody has handed it over, it is off now", false },
	{ "iommu-version", "its translation is not recorded, bus master is off", false },
	{ "fingerprint", "nobody has retrieved it, bus master is off", true },
};

static const struct unadopted *find_unadopted(const struct agent *a)
{
	for (size_t i = 0; i < sizeof(unadopted) / sizeof(unadopted[0]); i++) {
		if (leaves_by(a, unadopted[i].exit))
			return &unadopted[i];
	}
	return reaps(a, "reap-absent") ? &unadopted[0] : NULL;
}

static void probe_unretrievable(struct agent *a)
{
	struct exit_device devices[2];
	size_t n = exit_devices(a, devices);

	for (size_t i = 0; i < n; i++) {
		int fd = luo_retrieve_fd(a->session, devices[i].iommufd_token, "iommufd");

		exits_tell(&a->channel, "LIVE: retrieve of its iommufd is refused", devices[i].bdf,
			   fd < 0 ? 0 : -EEXIST, 0);
		if (fd >= 0)
			close(fd);
	}
}

/* Finish stops the devices, if they are not stopped yet; then they can be used anew. */
static int finish_unadopted(struct agent *a, const struct unadopted *how)
{
	struct exit_device devices[2];
	size_t n = exit_devices(a, devices);

	if (how->unretrievable)
		probe_unretrievable(a);
	exits_tell(&a->channel, "finish", "", finish_session(a), 0);
	exits_logged(&a->channel, how->text, n);
	tell_ended(a);
	return start_anew(a);
}

static int next_kernel(struct agent *a)
{
	struct ledger_state *s = &a->ledger.state;
	const struct params *p = &a->params;
	struct cycle_result r = {
		.drive = p->loads.nvme ? &a->drive : NULL, .nic = p->loads.nic ? &a->nic : NULL,
		.forwarder = p->loads.dpdk ? &a->forwarder : NULL,
		.fio = p->loads.fio ? &a->fio : NULL,
	};
	const struct unadopted *how;
	int err = retrieve_fd(a, TOKEN_LEDGER, "ledger");

	a->blame = EXIT_FAIL;
	pmu_start(&r.pmu, PMU_SOURCES);
	if (err >= 0)
		err = ledger_adopt(&a->ledger, err);
	if (err)
		return err;
	a->channel.cycle = s->cycle;
	a->drive = (struct drive){ .bdf = p->nvme_bdf, .state = s };
	a->nic = (struct nic){ .bdf = p->nic_bdf, .state = &s->nic };
	say_hello(a, s->device_preserved);
	how = find_unadopted(a);
	if (how)
		return finish_unadopted(a, how);
	die_at(a, "die-live");
	err = bring_down_at(a, "live");
	if (err)
		return err;
	if (leaves_by(a, "again"))
		tell_left(a);
	err = retrieve_memory(a);
	if (!err && s->device_preserved)
		err = take_over(a, &r);
	if (!err && s->device_preserved)
		err = work_and_verify(a, &r);
	if (err)
		snprintf(r.reason, sizeof(r.reason), "%.150s", complaint());
	if (err || !s->device_preserved)
		look_at_remains(a);
	return report(a, &r);
}

/*
 * One kernel
 */

static int run(struct agent *a)
{
	int err;

	free_at_start();
	if (leaves_by(a, "stopped") || leaves_by(a, "anew"))
		return find_stopped(a);
	a->luo = luo_open();
	if (a->luo < 0)
		return a->luo;
	fio_init(&a->fio);
	err = bystanders_init(&a->bystanders, a->params.bystanders);
	if (err)
		return err;
	/* Before it has asked for anything: the devices stay as they are. */
	if (access(a->params.kernel, R_OK))
		die_at(a, "reap-absent");
	a->session = luo_retrieve(a->luo, SESSION);
	if (a->session >= 0) {
		err = next_kernel(a);
		/* So that all it has got back is seen to be free. */
		if (!err && leaves_session(a))
			die(a, "ended");
	} else if (a->session == -ENOENT && access(a->params.kernel, R_OK) &&
		   (leaves_by(a, "again") || leaves_by(a, "ended"))) {
		say_hello(a, false);
		exits_tell(&a->channel, "the session of who died", "", -ENOENT,
			   leaves_session(a) ? 0 : -ENOENT);
		tell_gone(a);
		err = start_anew(a);
	} else if (a->session == -ENOENT && was_brought_down(a)) {
		/* The kernel's own drivers have had them since the reset. */
		say_hello(a, false);
		err = start_anew(a);
	} else if (a->session == -ENOENT)
		err = first_kernel(a);
	else
		err = a->session;
	if (!err && !a->channel.cycle && a->params.swaps)
		err = swap_and_report(a);
	if (!err && !a->channel.cycle && a->params.bench)
		err = compare_and_report(a);
	if (err)
		return err;
	if (resources_kmemleak())
		channel_progress(&a->channel, "kmemleak has found something, see the console");
	return a->channel.cycle < a->params.cycles ? next_cycle(a) : stop_neighbours(a);
}

/*
 * Give the devices back with nothing in flight: whoever resets the drive would have to
 * end every command first. Only what this kernel's agent runs itself; after a failed
 * cycle the account is closed already.
 */
static void let_go(struct agent *a)
{
	struct forwarder_counts counts;

	if (a->session >= 0)
		close(a->session);
	forwarder_stop(&a->forwarder, &counts);
	fio_stop(&a->fio);
	nic_stop(&a->nic);
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
	static struct agent a = {
		.channel.fd = -1, .session = -1, .blame = EXIT_ERROR,
		.forwarder = FORWARDER_NONE,
	};
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
