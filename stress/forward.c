// SPDX-License-Identifier: GPL-2.0-only
/* Description: hf-forward: a stock DPDK application that sends test frames back */

/*
 * It shows that an unchanged DPDK 22.11, with its own driver of the NIC on a vfio group and a
 * container, works on the patched kernel, beside devices that are preserved. It is started
 * anew in every kernel and is itself not preserved: when it ends, vfio resets the device.
 *
 * What DPDK would need to be preserved, and where that would begin here:
 *
 * The device. Only a character device of vfio can be preserved, bound to an iommufd that is
 * preserved too. DPDK knows them from 26.11 on; before that, only groups and containers. Its
 * EAL opens both by itself, when it probes the bus in start_eal(): in the next kernel it
 * would have to be given the two descriptors that the session hands out instead.
 *
 * The memory. A session takes a memfd of ordinary pages. With --no-huge the EAL keeps all
 * its memory in one such, which it calls "nohuge" and maps shared; rte_memseg_get_fd() of any
 * segment gives it to the application, which may preserve it. With --in-memory alone it
 * would be a memfd with MFD_HUGETLB for each page, which sessions refuse. In the next kernel
 * the EAL would have to map the retrieved memfd in the place of a new one, at the same
 * address (--base-virtaddr): addresses are IOVAs here (--iova-mode=va), and all that the
 * EAL knows of itself (heaps, zones, pools) lies in there as pointers.
 *
 * The driver. rte_eth_dev_configure(), the queues' setup and rte_eth_dev_start() begin with
 * a reset of the device. A driver would need a way in that writes nothing to the device, and
 * finds ring addresses, heads and tails in its own preserved structures, as nicdev_adopt()
 * does: in start_port().
 */

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_build_config.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "clock.h"
#include "echo.h"
#include "frame.h"

#define ARGS_MAX 64
#define BURST 32
#define DESCRIPTORS 512
#define BUFFERS 2047	/* both rings, what is in hand, and some; 2^n - 1 is densest */
#define MEMORY "32"	/* MiB; all of it is pinned and mapped for DMA */
#define LINK_MS 15000	/* a copper link takes seconds to come up */
#define HELLO_MS 500	/* from one to the next, until the first frame comes */
#define TAKE_MS 100	/* the device takes frames to send in this time, or they are given up */
#define QUIET_MS 20	/* for what it has taken to get out */
#define IDLE_US 200	/* between looks at an empty ring: others need the processor, too */

/* The EAL's own folder of drivers would bring a hundred more, and their libraries. */
static const char *const plugins[] = { "librte_mempool_ring.so", "librte_net_e1000.so" };

static const char usage[] =
	"usage: hf-forward [option...] BDF\n"
	"Drives the NIC BDF (dddd:bb:dd.f, bound to vfio-pci) by DPDK's driver of it, checks the\n"
	"test frames (lib/frame.h) that come in, and sends each back. Ends by SIGTERM or SIGINT.\n"
	"Prints a JSON line when it is ready, one when it has proved itself, and one when it\n"
	"ends: \"event\" (ready, proved, end), \"driver\", and the counts of stress/echo.h.\n"
	"  --prove=N     frames sent back that are enough for a proof (200)\n"
	"  --eal=WORDS   more arguments of the EAL, as --log-level=debug; without a BDF, they\n"
	"                must name the port: --no-pci --vdev=net_tap0\n"
	"  --plugins     print the drivers that are loaded, and end\n"
	"exit code: 0 ended by a signal, whatever it counted; 2 usage, or DPDK failed\n";

struct forward {
	const char *bdf;	/* NULL: the EAL's arguments name the port */
	char *words;		/* more of these; NULL: none */
	uint64_t prove;
	FILE *out;		/* for our lines alone */
	uint16_t port;
	const char *driver;
	struct rte_mempool *pool;
	struct echo echo;
	bool proved;
};

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
	stop = signal;
}

__attribute__((noreturn))
static void refuse(const char *what, const char *why)
{
	fprintf(stderr, "hf-forward: %s: %s\n", what, why);
	exit(2);
}

/*
 * EAL
 */

/* "librte_net_e1000.so.23": the version of the interface is in the folder's name. */
static const char *plugin_name(size_t i)
{
	static char name[64];
	const char *version = strrchr(RTE_EAL_PMD_PATH, '-') + 1;

	snprintf(name, sizeof(name), "%s.%.*s", plugins[i], (int)strcspn(version, "."), version);
	return name;
}

static void print_plugins(void)
{
	for (size_t i = 0; i < RTE_DIM(plugins); i++)
		puts(plugin_name(i));
}

/* The words stay where the EAL may look for them later. */
struct words {
	char *argv[ARGS_MAX + 1];
	int argc;
};

static void add(struct words *w, const char *word)
{
	if (w->argc == ARGS_MAX)
		refuse("--eal", "too many words");
	w->argv[w->argc] = strdup(word);
	if (!w->argv[w->argc++])
		refuse("memory", strerror(ENOMEM));
}

/* One thread for frames, on any processor: by itself the EAL would start one on each. */
static void add_lcores(struct words *w)
{
	char word[64];

	snprintf(word, sizeof(word), "--lcores=0@(0-%ld)", sysconf(_SC_NPROCESSORS_ONLN) - 1);
	add(w, word);
}

static void start_eal(struct forward *f)
{
	static const char *const fixed[] = {
		"hf-forward", "--no-huge", "--no-shconf", "--iova-mode=va", "--no-telemetry",
		"-m", MEMORY, "--log-level=warning",
	};
	static struct words w;
	char *rest = f->words, *word;

	for (size_t i = 0; i < RTE_DIM(fixed); i++)
		add(&w, fixed[i]);
	add_lcores(&w);
	for (size_t i = 0; i < RTE_DIM(plugins); i++) {
		add(&w, "-d");
		add(&w, plugin_name(i));
	}
	if (f->bdf) {
		add(&w, "-a");
		add(&w, f->bdf);
	}
	while ((word = strsep(&rest, " "))) {
		if (*word)
			add(&w, word);
	}
	if (rte_eal_init(w.argc, w.argv) < 0)
		refuse("DPDK's EAL does not start", rte_strerror(rte_errno));
}

/* All that DPDK says goes to stderr: stdout is for our lines. */
static void keep_stdout(struct forward *f)
{
	int out = dup(STDOUT_FILENO);

	f->out = out < 0 ? NULL : fdopen(out, "w");
	if (!f->out || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		refuse("stdout", strerror(errno));
}

/*
 * Port
 */

static void find_port(struct forward *f)
{
	struct rte_eth_dev_info info;

	f->port = (uint16_t)rte_eth_find_next_owned_by(0, RTE_ETH_DEV_NO_OWNER);
	if (f->port == RTE_MAX_ETHPORTS)
		refuse(f->bdf ? f->bdf : "--eal", "DPDK has no such port: is it bound to vfio-pci? "
		       "(--eal=--log-level=debug says more)");
	if (rte_eth_dev_info_get(f->port, &info))
		refuse("port", "it does not tell its driver");
	f->driver = info.driver_name;
}

static int set_up_port(struct forward *f)
{
	struct rte_eth_conf conf = { 0 };
	uint16_t rx = DESCRIPTORS, tx = DESCRIPTORS;
	int err = rte_eth_dev_configure(f->port, 1, 1, &conf);

	if (!err)
		err = rte_eth_dev_adjust_nb_rx_tx_desc(f->port, &rx, &tx);
	if (!err)
		err = rte_eth_rx_queue_setup(f->port, 0, rx, (unsigned int)SOCKET_ID_ANY, NULL,
					     f->pool);
	if (!err)
		err = rte_eth_tx_queue_setup(f->port, 0, tx, (unsigned int)SOCKET_ID_ANY, NULL);
	if (!err)
		err = rte_eth_dev_start(f->port);
	/* Frames are for an address that every port under test has, and none by itself. */
	return err ? err : rte_eth_promiscuous_enable(f->port);
}

static bool has_link(const struct forward *f)
{
	struct rte_eth_link link = { 0 };

	/* A driver that knows of no link has one that is always up. */
	return rte_eth_link_get_nowait(f->port, &link) || link.link_status;
}

static void start_port(struct forward *f)
{
	uint64_t end = now_ms() + LINK_MS;
	int err;

	f->pool = rte_pktmbuf_pool_create("frames", BUFFERS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
					  SOCKET_ID_ANY);
	if (!f->pool)
		refuse("memory for frames", rte_strerror(rte_errno));
	err = set_up_port(f);
	if (err)
		refuse("port", rte_strerror(-err));
	while (!stop && !has_link(f)) {
		if (now_ms() > end)
			refuse("port", "no link");
		sleep_ms(10);
	}
}

static void stop_port(struct forward *f)
{
	sleep_ms(QUIET_MS);
	rte_eth_dev_stop(f->port);
	rte_eth_dev_close(f->port);
	rte_eal_cleanup();
}

/*
 * Frames
 */

static void tell(struct forward *f, const char *event)
{
	json_t *line = json_pack("{s:s,s:s}", "event", event, "driver", f->driver);

	json_object_update_new(line, echo_json(&f->echo.counts));
	if (json_dumpf(line, f->out, JSON_COMPACT) || fputc('\n', f->out) == EOF || fflush(f->out))
		refuse("stdout", strerror(errno));
	json_decref(line);
}

/* How many of them the device has taken; the others are freed. */
static uint16_t send_all(struct forward *f, struct rte_mbuf **frames, uint16_t count)
{
	uint16_t sent = rte_eth_tx_burst(f->port, 0, frames, count);
	uint64_t end = now_ms() + TAKE_MS;

	while (sent < count && now_ms() <= end)
		sent = (uint16_t)(sent + rte_eth_tx_burst(f->port, 0, frames + sent,
							  (uint16_t)(count - sent)));
	if (sent < count)
		rte_pktmbuf_free_bulk(frames + sent, (unsigned int)(count - sent));
	return sent;
}

/* The source may wait for it before it sends. */
static void say_hello(struct forward *f)
{
	static uint64_t sequence;
	struct rte_mbuf *m = rte_pktmbuf_alloc(f->pool);
	void *frame = m ? rte_pktmbuf_append(m, FRAME_MIN) : NULL;

	if (!frame)
		return;
	frame_build(frame, FRAME_MIN, FRAME_FROM_PORT | FRAME_HELLO, sequence++, 0);
	send_all(f, &m, 1);
}

/* Returns how many frames came in. */
static uint16_t forward_burst(struct forward *f)
{
	struct rte_mbuf *in[BURST], *back[BURST];
	uint16_t count = rte_eth_rx_burst(f->port, 0, in, BURST), answers = 0, sent;

	for (uint16_t i = 0; i < count; i++) {
		struct rte_mbuf *m = in[i];

		/* Of a frame in several pieces the first is looked at: it is none of ours. */
		if (echo_take(&f->echo, rte_pktmbuf_mtod(m, void *), rte_pktmbuf_data_len(m)))
			back[answers++] = m;
		else
			rte_pktmbuf_free(m);
	}
	sent = answers ? send_all(f, back, answers) : 0;
	f->echo.counts.sent += sent;
	f->echo.counts.unsent += (uint64_t)(answers - sent);
	return count;
}

static void forward(struct forward *f)
{
	uint64_t hello_ms = 0;

	tell(f, "ready");
	while (!stop) {
		if (!f->echo.seen.any && now_ms() >= hello_ms) {
			say_hello(f);
			hello_ms = now_ms() + HELLO_MS;
		}
		if (!forward_burst(f))
			usleep(IDLE_US);
		if (!f->proved && f->echo.counts.sent >= f->prove) {
			f->proved = true;
			tell(f, "proved");
		}
	}
}

/*
 * Command line
 */

static uint64_t number(const char *text)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || n > INT64_MAX)
		refuse(text, "not a number");
	return n;
}

static const struct option long_options[] = {
	{ "prove", required_argument, NULL, 'p' },
	{ "eal", required_argument, NULL, 'e' },
	{ "plugins", no_argument, NULL, 'l' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

static void parse(struct forward *f, int argc, char **argv)
{
	int id;

	while ((id = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (id) {
		case 'p':
			f->prove = number(optarg);
			break;
		case 'e':
			f->words = optarg;
			break;
		case 'l':
			print_plugins();
			exit(0);
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			/* getopt has said in its line what is wrong. */
			exit(2);
		}
	}
	f->bdf = argv[optind];
	if (f->bdf && argv[optind + 1])
		refuse(argv[optind + 1], "one port only; see hf-forward --help");
	if (!f->bdf && !f->words)
		refuse("no port", "see hf-forward --help");
}

int main(int argc, char **argv)
{
	static struct forward f = { .prove = 200 };
	struct sigaction action = { .sa_handler = on_signal };

	parse(&f, argc, argv);
	keep_stdout(&f);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	start_eal(&f);
	find_port(&f);
	start_port(&f);
	forward(&f);
	tell(&f, "end");
	stop_port(&f);
	return 0;
}
