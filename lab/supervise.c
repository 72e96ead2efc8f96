// SPDX-License-Identifier: GPL-2.0-only
/* Description: hf-lab: run the machine under test once, judge, report */

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "judge.h"
#include "report.h"
#include "session.h"

static const char usage[] =
	"usage: hf-lab [option...] -- COMMAND [argument...]\n"
	"Starts COMMAND as the machine under test (lab/machine.h says how), follows its\n"
	"cycles, and leaves run.json, cycles.jsonl and logs in a new folder.\n"
	"  --results=DIR      where that folder is made (build/results)\n"
	"  --machine=NAME --profile=NAME --series=SHA256\n"
	"                     what run.json says of the run\n"
	"  --loads=LIST       what does the DMA: nvme,nic,fio,dpdk\n"
	"  --cycles=N         jumps\n"
	"  --exit=NAME        the agent leaves the straight way (configs/exits)\n"
	"  --translation=HOW  stays-on, or goes-off behind bus mastering: what must come of it\n"
	"                     in the emulator when the agent does so (stays-on)\n"
	"  --ends=HOW         cycle: with a good one; anew: with the devices used so; cycle,anew;\n"
	"                     or quiet (cycle)\n"
	"  --bench            the agent is to compare its loads with others before that\n"
	"  --swaps=N          page tables to be replaced before the first one (0)\n"
	"  --map-gib=N        IOVA on which the drive's memory is mapped again, as the guest was told (0)\n"
	"  --control=NAME     the run is broken on purpose...\n"
	"  --must-catch=LIST  ...and these oracles must see it (iommu,device,data,emulator,outside);\n"
	"                     none: it is no fault\n"
	"  --bystanders=LIST  nvme, nic: devices of the guest's kernel that must have worked\n"
	"  --stretch-ms=N     sleep at stretch points, as the guest was told\n"
	"  --device=A/A       a device under test and its root port, each as dddd:bb:dd.f; up to 4\n"
	"  --beside=A         another device on the same IOMMU; up to 8\n"
	"  --frame-rate=N     frames per second to the ports of the loads nic and dpdk (200);\n"
	"                     0: as fast as they are taken\n"
	"  --damage=KIND      from the first jump on, damage some of these: flip, drop, duplicate; or\n"
	"                     drive: in each jump a byte of the image own.raw\n"
	"  --iommu=KIND       intel or amd\n"
	"  --ecam=N --iommu-regs=N\n"
	"                     addresses to look at from outside; registers 0: none\n"
	"  --boot=S --load=S --jump=S --drain=S --run=S\n"
	"                     timeouts in seconds; lab/session.h says of what\n"
	"  --no-qmp           the machine is no QEMU\n"
	"  -j                 print run.json on stdout instead of a table\n"
	"exit code: 0 pass, 1 fail, 2 usage or lab error, 4 skip\n";

enum option_id {
	OPT_RESULTS = 256, OPT_MACHINE, OPT_PROFILE, OPT_LOADS, OPT_SERIES, OPT_CYCLES, OPT_SWAPS,
	OPT_MAP_GIB, OPT_BENCH, OPT_EXIT, OPT_TRANSLATION, OPT_ENDS, OPT_CONTROL, OPT_MUST_CATCH, OPT_STRETCH,
	OPT_DEVICE, OPT_BESIDE, OPT_FRAME_RATE, OPT_DAMAGE, OPT_ECAM, OPT_BYSTANDERS, OPT_IOMMU, OPT_IOMMU_REGS,
	OPT_BOOT, OPT_LOAD, OPT_JUMP, OPT_DRAIN, OPT_RUN, OPT_NO_QMP, OPT_HELP,
};

static const struct option long_options[] = {
	{ "results", required_argument, NULL, OPT_RESULTS },
	{ "machine", required_argument, NULL, OPT_MACHINE },
	{ "profile", required_argument, NULL, OPT_PROFILE },
	{ "loads", required_argument, NULL, OPT_LOADS },
	{ "series", required_argument, NULL, OPT_SERIES },
	{ "cycles", required_argument, NULL, OPT_CYCLES },
	{ "bystanders", required_argument, NULL, OPT_BYSTANDERS },
	{ "exit", required_argument, NULL, OPT_EXIT },
	{ "translation", required_argument, NULL, OPT_TRANSLATION },
	{ "ends", required_argument, NULL, OPT_ENDS },
	{ "bench", no_argument, NULL, OPT_BENCH },
	{ "swaps", required_argument, NULL, OPT_SWAPS },
	{ "map-gib", required_argument, NULL, OPT_MAP_GIB },
	{ "control", required_argument, NULL, OPT_CONTROL },
	{ "must-catch", required_argument, NULL, OPT_MUST_CATCH },
	{ "stretch-ms", required_argument, NULL, OPT_STRETCH },
	{ "device", required_argument, NULL, OPT_DEVICE },
	{ "beside", required_argument, NULL, OPT_BESIDE },
	{ "frame-rate", required_argument, NULL, OPT_FRAME_RATE },
	{ "damage", required_argument, NULL, OPT_DAMAGE },
	{ "ecam", required_argument, NULL, OPT_ECAM },
	{ "iommu", required_argument, NULL, OPT_IOMMU },
	{ "iommu-regs", required_argument, NULL, OPT_IOMMU_REGS },
	{ "boot", required_argument, NULL, OPT_BOOT },
	{ "load", required_argument, NULL, OPT_LOAD },
	{ "jump", required_argument, NULL, OPT_JUMP },
	{ "drain", required_argument, NULL, OPT_DRAIN },
	{ "run", required_argument, NULL, OPT_RUN },
	{ "no-qmp", no_argument, NULL, OPT_NO_QMP },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 }
};

struct options {
	struct session_config session;
	struct report_run run;
	const char *results;
	bool json;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int signal)
{
	interrupted = signal;
}

__attribute__((noreturn))
static void refuse(const char *what, const char *why)
{
	fprintf(stderr, "hf-lab: %s: %s\n", what, why);
	exit(2);
}

static int number(const char *text, long min)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || *end || n < min || n > 1000000)
		refuse(text, min ? "not a number from 1 to 1000000" : "not a number up to 1000000");
	return (int)n;
}

static int positive(const char *text)
{
	return number(text, 1);
}

static uint64_t address(const char *text)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 0);

	if (end == text || *end)
		refuse(text, "not an address");
	return n;
}

/* "dddd:bb:dd.f/dddd:bb:dd.f" */
static void add_device(struct session_config *c, const char *text)
{
	char *copy = strdup(text);
	char *slash = copy ? strchr(copy, '/') : NULL;

	if (!slash || c->device_count == LAB_DEVICES)
		refuse(text, slash ? "too many devices" : "not a device/port");
	*slash = 0;
	c->devices[c->device_count++] = (struct lab_device){ copy, slash + 1 };
}

static void take_option(struct options *o, int id, const char *value)
{
	switch (id) {
	case OPT_RESULTS:
		o->results = value;
		break;
	case OPT_MACHINE:
		o->run.machine = value;
		break;
	case OPT_PROFILE:
		o->run.profile = value;
		break;
	case OPT_LOADS:
		o->run.loads = value;
		o->session.loads = value;
		break;
	case OPT_SERIES:
		o->run.series = value;
		break;
	case OPT_CYCLES:
		o->session.cycles = number(value, 0);
		break;
	case OPT_BYSTANDERS:
		o->session.bystanders = value;
		break;
	case OPT_SWAPS:
		o->session.swaps = number(value, 0);
		break;
	case OPT_MAP_GIB:
		o->run.map_gib = number(value, 0);
		break;
	case OPT_EXIT:
		o->session.exit = value;
		o->run.exit = value;
		break;
	case OPT_TRANSLATION:
		if (strcmp(value, "stays-on") && strcmp(value, "goes-off"))
			refuse(value, "translation stays-on, or goes-off");
		o->session.translation = value;
		break;
	case OPT_ENDS:
		if (strcmp(value, "cycle") && strcmp(value, "anew") && strcmp(value, "quiet") &&
		    strcmp(value, "cycle,anew"))
			refuse(value, "end: cycle, anew, both or quiet");
		o->session.ends = value;
		break;
	case OPT_BENCH:
		o->session.bench = true;
		break;
	case OPT_CONTROL:
		o->run.control = value;
		break;
	case OPT_MUST_CATCH:
		if (!judge_knows(value))
			refuse(value, "no list of oracles");
		o->run.must_catch = value;
		break;
	case OPT_STRETCH:
		o->run.stretch_ms = number(value, 0);
		break;
	case OPT_DEVICE:
		add_device(&o->session, value);
		break;
	case OPT_BESIDE:
		if (o->session.beside_count == LAB_BESIDE)
			refuse(value, "too many devices");
		o->session.beside[o->session.beside_count++] = value;
		break;
	case OPT_FRAME_RATE:
		o->session.frame_rate = number(value, 0);
		break;
	case OPT_DAMAGE:
		o->session.damage = value;
		break;
	case OPT_ECAM:
		o->session.ecam = address(value);
		break;
	case OPT_IOMMU:
		if (strcmp(value, "intel") && strcmp(value, "amd"))
			refuse(value, "no IOMMU known here: intel, amd");
		o->session.iommu = value;
		break;
	case OPT_IOMMU_REGS:
		o->session.iommu_regs = address(value);
		break;
	case OPT_BOOT:
		o->session.boot_s = positive(value);
		break;
	case OPT_LOAD:
		o->session.load_s = positive(value);
		break;
	case OPT_JUMP:
		o->session.jump_s = positive(value);
		break;
	case OPT_DRAIN:
		o->session.drain_s = positive(value);
		break;
	case OPT_RUN:
		o->session.run_s = positive(value);
		break;
	case OPT_NO_QMP:
		o->session.has_qmp = false;
		break;
	case 'j':
		o->json = true;
		break;
	case OPT_HELP:
		fputs(usage, stdout);
		exit(0);
	default:
		fputs(usage, stderr);
		exit(2);
	}
}

static void parse(struct options *o, int argc, char **argv)
{
	int id;

	while ((id = getopt_long(argc, argv, "+j", long_options, NULL)) != -1)
		take_option(o, id, optarg);
	if (optind == argc)
		refuse("no COMMAND", "see hf-lab --help");
	o->session.command = argv + optind;
	o->run.planned = o->session.cycles;
}

/* "20261121-120000-qemu-intel", with -2 and so on behind it if need be. */
static int make_folder(const struct options *o, const struct tm *tm, char *id, size_t id_size,
		       char *dir, size_t dir_size)
{
	char stamp[32];

	strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", tm);
	if (mkdir(o->results, 0755) && errno != EEXIST)
		return -errno;
	for (int n = 1; n < 100; n++) {
		char suffix[16] = "";

		if (n > 1)
			snprintf(suffix, sizeof(suffix), "-%d", n);
		snprintf(id, id_size, "%s-%s%s", stamp, o->run.machine, suffix);
		snprintf(dir, dir_size, "%s/%s", o->results, id);
		if (!mkdir(dir, 0755))
			return 0;
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

/* Point @results/latest at the newest run, in one step. */
static void link_latest(const char *results, const char *id)
{
	char latest[PATH_MAX], part[PATH_MAX];

	snprintf(latest, sizeof(latest), "%s/latest", results);
	snprintf(part, sizeof(part), "%s/.latest.%d", results, (int)getpid());
	if (symlink(id, part) || rename(part, latest))
		fprintf(stderr, "hf-lab: %s: %s\n", latest, strerror(errno));
}

static const char *processor(void)
{
	static char name[128];
	FILE *cpuinfo = fopen("/proc/cpuinfo", "re");
	char line[256];

	while (cpuinfo && !name[0] && fgets(line, sizeof(line), cpuinfo)) {
		if (strncmp(line, "model name", 10) == 0)
			sscanf(line, "%*[^:]: %127[^\n]", name);
	}
	if (cpuinfo)
		fclose(cpuinfo);
	return name[0] ? name : NULL;
}

/*
 * A control that every oracle it was made for has seen is still a failed run:
 * fail is what it was made to be, unless it is no fault. The reason says which it was.
 */
static void judge_run(struct options *o, struct session_result *r)
{
	bool harmless = strcmp(o->run.must_catch, "none") == 0, pass = r->verdict == LAB_PASS;
	char judgement[240], ended[sizeof(r->reason)];

	o->run.control_caught = -1;
	if (strcmp(o->run.control, "none") == 0 || r->verdict == LAB_ERROR)
		return;
	if (harmless)
		o->run.control_caught = judge_harmless(o->run.control, pass, r->cycles, judgement,
						       sizeof(judgement));
	else
		o->run.control_caught = judge_control(o->run.control, o->run.must_catch, r->swaps,
						      r->cycles, judgement,
						      sizeof(judgement));
	snprintf(ended, sizeof(ended), "%s", r->reason);
	snprintf(r->reason, sizeof(r->reason), "%s%s%.240s%s", judgement, *ended ? " (" : "", ended,
		 *ended ? ")" : "");
	if (!harmless || !o->run.control_caught)
		r->verdict = LAB_FAIL;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int publish(struct options *o, struct session_result *r)
{
	json_t *document = report_document(&o->run, r->swaps, r->cycles);
	int err = document ? report_write(o->session.dir, document) : -EINVAL;

	if (err)
		fprintf(stderr, "hf-lab: run.json cannot be written: %s\n", strerror(-err));
	if (o->json && document) {
		json_dumpf(document, stdout, JSON_INDENT(2));
		fputc('\n', stdout);
	} else if (document) {
		report_table(stdout, document, r->cycles);
	}
	json_decref(document);
	json_decref(r->cycles);
	json_decref(r->swaps);
	json_decref(r->frames);
	json_decref(r->bench);
	json_decref(r->exits);
	json_decref(r->drift);
	json_decref(r->topology);
	return err ? lab_exit_code(LAB_ERROR) : lab_exit_code(r->verdict);
}

int main(int argc, char **argv)
{
	struct options o = {
		.session = {
			.has_qmp = true, .cycles = 1, .loads = "", .frame_rate = 200,
			.iommu = "intel", .bystanders = "", .translation = "stays-on", .ends = "cycle",
			.ecam = 0xb0000000, .boot_s = 60, .load_s = 60,
			.jump_s = 60, .drain_s = 60, .run_s = 600, .interrupted = &interrupted,
		},
		.run = {
			.machine = "unknown", .profile = "unknown", .loads = "", .series = "",
			.control = "none", .must_catch = "",
		},
		.results = "build/results",
	};
	char id[128], started[32], dir[512];
	struct session_result r;
	time_t now = time(NULL);
	struct tm tm;
	int err;

	parse(&o, argc, argv);
	gmtime_r(&now, &tm);
	strftime(started, sizeof(started), "%Y-%m-%dT%H:%M:%SZ", &tm);
	err = make_folder(&o, &tm, id, sizeof(id), dir, sizeof(dir));
	if (err)
		refuse(o.results, strerror(-err));
	o.session.dir = dir;
	o.run.run_id = id;
	o.run.started = started;
	catch_signals();
	fprintf(stderr, "run %s\n", id);
	link_latest(o.results, id);
	session_run(&o.session, &r);

	judge_run(&o, &r);
	o.run.verdict = r.verdict;
	o.run.reason = r.reason;
	o.run.kernel = r.kernel[0] ? r.kernel : NULL;
	o.run.cpu = processor();
	o.run.accel = r.accel[0] ? r.accel : NULL;
	o.run.emulator = r.emulator[0] ? r.emulator : NULL;
	o.run.warnings = r.warnings;
	o.run.topology = r.topology;
	o.run.frames = r.frames;
	o.run.bench = r.bench;
	o.run.exits = r.exits;
	o.run.drift = r.drift;
	return publish(&o, &r);
}
