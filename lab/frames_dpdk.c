// SPDX-License-Identifier: GPL-2.0-only
/* Description: the frame source over an Ethernet port driven by DPDK (22.11) */

#include "frames_io.h"

#include <errno.h>

#ifndef HF_DPDK

int frames_io_dpdk(const char *eal, struct frames_io **io)
{
	(void)eal;
	(void)io;
	return -ENOTSUP;
}

#else

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#define ARGS_MAX 64
#define BURST 32
#define DESCRIPTORS 512
#define BUFFERS 4095		/* both rings, what is in hand, and some; 2^n - 1 is densest */
#define LINK_MS 10000		/* a copper link takes seconds to come up */
#define LOOK_NS 50000		/* how often the ring is looked at while there is time to sleep */

struct dpdk_io {
	struct frames_io io;
	uint16_t port;
	struct rte_mempool *pool;
	struct rte_mbuf *in[BURST];	/* received, not handed out yet: from next to count */
	uint16_t next, count;
};

static struct dpdk_io *to_dpdk(struct frames_io *io)
{
	return (struct dpdk_io *)io;
}

static int dpdk_send(struct frames_io *io, const void *frame, size_t length)
{
	struct dpdk_io *d = to_dpdk(io);
	struct rte_mbuf *m = rte_pktmbuf_alloc(d->pool);
	char *room = m ? rte_pktmbuf_append(m, (uint16_t)length) : NULL;

	if (!room) {
		rte_pktmbuf_free(m);
		return -EAGAIN;
	}
	memcpy(room, frame, length);
	if (rte_eth_tx_burst(d->port, 0, &m, 1) == 1)
		return 0;
	rte_pktmbuf_free(m);
	return -EAGAIN;
}

static bool look(struct dpdk_io *d)
{
	if (d->next == d->count) {
		d->next = 0;
		d->count = rte_eth_rx_burst(d->port, 0, d->in, BURST);
	}
	return d->count != 0;
}

static int dpdk_receive(struct frames_io *io, void *buf, size_t size)
{
	struct dpdk_io *d = to_dpdk(io);
	struct rte_mbuf *m;
	const void *data;
	uint32_t length;

	if (!look(d))
		return 0;
	m = d->in[d->next++];
	length = rte_pktmbuf_pkt_len(m);
	if (length < size)
		size = length;
	/* A frame in one piece is not copied by this, one of several is, to buf itself. */
	data = rte_pktmbuf_read(m, 0, (uint32_t)size, buf);
	if (data && data != buf)
		memcpy(buf, data, size);
	rte_pktmbuf_free(m);
	return (int)length;
}

/* A port has nothing to wait on: look at it now and then. */
static void dpdk_wait(struct frames_io *io, uint64_t until_ns, bool to_send)
{
	uint64_t now = frames_now_ns();

	if (to_send && until_ns > now + LOOK_NS)
		until_ns = now + LOOK_NS;
	while (now < until_ns && !look(to_dpdk(io))) {
		if (until_ns - now > LOOK_NS)
			frames_sleep_until(now + LOOK_NS);
		else
			frames_sleep_until(until_ns);
		now = frames_now_ns();
	}
}

static void dpdk_close(struct frames_io *io)
{
	struct dpdk_io *d = to_dpdk(io);

	while (d->next < d->count)
		rte_pktmbuf_free(d->in[d->next++]);
	rte_eth_dev_stop(d->port);
	rte_eth_dev_close(d->port);
	rte_eal_cleanup();
	free(d);
}

static const struct frames_ops dpdk_ops = {
	.send = dpdk_send,
	.receive = dpdk_receive,
	.wait = dpdk_wait,
	.close = dpdk_close,
};

/* The EAL prints its usage to stdout, which is for the summary alone. */
static int init_quietly(int argc, char **argv)
{
	int out, err;

	fflush(stdout);
	out = dup(STDOUT_FILENO);
	if (out < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return -errno;
	err = rte_eal_init(argc, argv) < 0 ? -rte_errno : 0;
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	close(out);
	return err;
}

/* The words stay where the EAL may look for them later. */
static int start_eal(const char *words)
{
	static char *argv[ARGS_MAX + 1];
	char *copy = strdup(words), *rest = copy, *word;
	int argc = 1;

	if (!copy)
		return -ENOMEM;
	argv[0] = strdup("hf-frames");
	while ((word = strsep(&rest, " "))) {
		if (*word && argc == ARGS_MAX)
			return -E2BIG;
		if (*word)
			argv[argc++] = word;
	}
	return init_quietly(argc, argv);
}

static int wait_for_link(uint16_t port)
{
	uint64_t until = frames_now_ns() + LINK_MS * 1000000ull;

	do {
		struct rte_eth_link link = { 0 };

		/* A driver that knows of no link has one that is always up. */
		if (rte_eth_link_get_nowait(port, &link) || link.link_status)
			return 0;
		frames_sleep_until(frames_now_ns() + 10000000);
	} while (frames_now_ns() < until);
	return -ENETDOWN;
}

static int start_port(struct dpdk_io *d)
{
	struct rte_eth_conf conf = { 0 };
	uint16_t rx = DESCRIPTORS, tx = DESCRIPTORS;
	int err = rte_eth_dev_configure(d->port, 1, 1, &conf);

	if (!err)
		err = rte_eth_dev_adjust_nb_rx_tx_desc(d->port, &rx, &tx);
	if (!err)
		err = rte_eth_rx_queue_setup(d->port, 0, rx, (unsigned int)SOCKET_ID_ANY, NULL,
					     d->pool);
	if (!err)
		err = rte_eth_tx_queue_setup(d->port, 0, tx, (unsigned int)SOCKET_ID_ANY, NULL);
	if (!err)
		err = rte_eth_dev_start(d->port);
	if (err)
		return err;
	/* Frames for the source come to an address that the port need not have. */
	rte_eth_promiscuous_enable(d->port);
	return wait_for_link(d->port);
}

int frames_io_dpdk(const char *eal, struct frames_io **io)
{
	int err = start_eal(eal);
	struct dpdk_io *d;

	if (err)
		return err;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->io.ops = &dpdk_ops;
	d->port = (uint16_t)rte_eth_find_next_owned_by(0, RTE_ETH_DEV_NO_OWNER);
	d->pool = rte_pktmbuf_pool_create("frames", BUFFERS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
					  SOCKET_ID_ANY);
	if (d->port == RTE_MAX_ETHPORTS)
		err = -ENODEV;
	else
		err = d->pool ? start_port(d) : -rte_errno;
	if (err) {
		rte_eal_cleanup();
		free(d);
		return err;
	}
	*io = &d->io;
	return 0;
}

#endif /* HF_DPDK */
