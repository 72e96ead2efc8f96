// SPDX-License-Identifier: GPL-2.0-only
/* Description: an 82574L or 82576 that can be started, or adopted while it receives */

#include "nicdev.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "complain.h"
#include "frame.h"

#define RESET_MS 1000
#define QUEUE_MS 100
#define LINK_MS 10000	/* auto-negotiation of 1000BASE-T takes up to some seconds */
#define MTA_WORDS 128

/* What differs between the two. */
struct nic_model {
	uint32_t device;
	uint32_t rx, tx;	/* first register of queue 0 */
	bool advanced;		/* queues to enable, SRRCTL, advanced transmit descriptors */
	uint32_t rxdctl, txdctl;
};

static const struct nic_model models[] = {
	{
		.device = NIC_82574L, .rx = 0x2800, .tx = 0x3800,
		.rxdctl = NIC_DCTL_GRAN | NIC_DCTL_WTHRESH_1,
		.txdctl = NIC_DCTL_GRAN | NIC_DCTL_COUNT | NIC_DCTL_WTHRESH_1,
	},
	{
		.device = NIC_82576, .rx = 0xc000, .tx = 0xe000, .advanced = true,
		.rxdctl = NIC_DCTL_ENABLE | NIC_DCTL_WTHRESH_1,
		.txdctl = NIC_DCTL_ENABLE | NIC_DCTL_WTHRESH_1,
	},
};

/* A register that stays as it is while the device runs; @base says of which queue. */
static const struct config {
	uint32_t reg, mask;
	enum { PORT, RX, TX, RX_ADVANCED } base;
	const char *word;
} configs[] = {
	{ NIC_CTRL, NIC_CTRL_SLU | NIC_CTRL_FRCSPD | NIC_CTRL_FRCDPX, PORT, "control" },
	{ NIC_RCTL, UINT32_MAX, PORT, "receive control" },
	{ NIC_RFCTL, UINT32_MAX, PORT, "receive filter control" },
	{ NIC_RXCSUM, UINT32_MAX, PORT, "receive checksum control" },
	{ NIC_RAL0, UINT32_MAX, PORT, "address" },
	{ NIC_RAH0, UINT32_MAX, PORT, "address" },
	{ NIC_TCTL, UINT32_MAX, PORT, "transmit control" },
	{ NIC_Q_BAL, UINT32_MAX, RX, "receive ring" },
	{ NIC_Q_BAH, UINT32_MAX, RX, "receive ring" },
	{ NIC_Q_LEN, UINT32_MAX, RX, "receive ring" },
	{ NIC_Q_DCTL, UINT32_MAX, RX, "receive queue" },
	{ NIC_SRRCTL, UINT32_MAX, RX_ADVANCED, "receive queue" },
	{ NIC_Q_BAL, UINT32_MAX, TX, "transmit ring" },
	{ NIC_Q_BAH, UINT32_MAX, TX, "transmit ring" },
	{ NIC_Q_LEN, UINT32_MAX, TX, "transmit ring" },
	{ NIC_Q_DCTL, UINT32_MAX, TX, "transmit queue" },
};

#define CONFIGS (sizeof(configs) / sizeof(configs[0]))
_Static_assert(CONFIGS <= NIC_CONFIG_MAX, "the ledger has room for all");

static const struct nic_model *find_model(uint32_t device)
{
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		if (models[i].device == device)
			return &models[i];
	}
	return NULL;
}

static uint32_t mmio_read(const struct nic_io *io, uint32_t reg)
{
	return *(volatile uint32_t *)((volatile uint8_t *)io->bar + reg);
}

static void mmio_write(const struct nic_io *io, uint32_t reg, uint32_t value)
{
	*(volatile uint32_t *)((volatile uint8_t *)io->bar + reg) = value;
}

struct nic_io nic_io_mmio(volatile void *bar)
{
	return (struct nic_io){ .bar = bar, .read = mmio_read, .write = mmio_write };
}

static uint32_t get(const struct nicdev *n, uint32_t reg)
{
	return n->io.read(&n->io, reg);
}

static void put(const struct nicdev *n, uint32_t reg, uint32_t value)
{
	n->io.write(&n->io, reg, value);
}

size_t nicdev_size(uint32_t rx_depth, uint32_t tx_depth)
{
	size_t size = NIC_SLOTS + ((size_t)rx_depth + tx_depth) * NIC_SLOT_SIZE;

	return (size + HUGE_SIZE - 1) / HUGE_SIZE * HUGE_SIZE;
}

uint64_t nicdev_rx_buffer(uint32_t slot)
{
	return NIC_SLOTS + (uint64_t)slot * NIC_SLOT_SIZE + NIC_SLOT_DATA;
}

uint64_t nicdev_tx_buffer(const struct nicdev_state *s, uint32_t slot)
{
	return nicdev_rx_buffer(s->rx_depth + slot);
}

/*
 * Start
 */

/* Wait until the bits @mask of @reg are @value. */
static bool wait_for(const struct nicdev *n, uint32_t reg, uint32_t mask, uint32_t value,
		     uint32_t timeout_ms)
{
	uint64_t end = now_ms() + timeout_ms;

	while ((get(n, reg) & mask) != value) {
		if (now_ms() > end)
			return false;
		sleep_ms(1);
	}
	return true;
}

static void mask_interrupts(const struct nicdev *n)
{
	put(n, NIC_IMC, UINT32_MAX);
	if (n->model->advanced)
		put(n, NIC_EIMC, UINT32_MAX);
}

/* Nothing of ours is in the device yet: whatever another driver left, ends here. */
static int reset(const struct nicdev *n)
{
	if (get(n, NIC_STATUS) == UINT32_MAX)
		return complain(-ENODEV, "the NIC does not answer");
	mask_interrupts(n);
	put(n, NIC_RCTL, 0);
	put(n, NIC_TCTL, NIC_TCTL_PSP);
	/* A reset must not cut a request in two; one that hangs is cut all the same. */
	put(n, NIC_CTRL, get(n, NIC_CTRL) | NIC_CTRL_GIO_MASTER_DISABLE);
	wait_for(n, NIC_STATUS, NIC_STATUS_GIO_MASTER, 0, QUEUE_MS);
	put(n, NIC_CTRL, get(n, NIC_CTRL) | NIC_CTRL_RST);
	/* No access for a while: the device loads its configuration. */
	sleep_ms(20);
	if (!wait_for(n, NIC_CTRL, NIC_CTRL_RST, 0, RESET_MS))
		return complain(-ETIMEDOUT, "the NIC stays in reset");
	mask_interrupts(n);
	return 0;
}

/* The 82576 comes out of reset without link, until its PHY is told to negotiate. */
static int link_up(const struct nicdev *n)
{
	uint32_t ctrl = get(n, NIC_CTRL) & ~(NIC_CTRL_FRCSPD | NIC_CTRL_FRCDPX);

	put(n, NIC_CTRL, ctrl | NIC_CTRL_SLU);
	put(n, NIC_MDIC, NIC_MDIC_WRITE | NIC_MDIC_PHY | NIC_PHY_CONTROL << NIC_MDIC_REG |
	    NIC_PHY_AUTO_RESTART);
	if (!wait_for(n, NIC_MDIC, NIC_MDIC_READY, NIC_MDIC_READY, QUEUE_MS) ||
	    get(n, NIC_MDIC) & NIC_MDIC_ERROR)
		return complain(-EIO, "the NIC's PHY does not answer");
	if (!wait_for(n, NIC_STATUS, NIC_STATUS_LU, NIC_STATUS_LU, LINK_MS))
		return complain(-ETIMEDOUT, "the NIC has no link after %d ms", LINK_MS);
	return 0;
}

/* Only frames to the port under test, and to everybody: nothing else is expected. */
static void set_filter(const struct nicdev *n)
{
	static const uint8_t a[6] = FRAME_PORT_ADDRESS;

	for (uint32_t i = 0; i < MTA_WORDS; i++)
		put(n, NIC_MTA + 4 * i, 0);
	put(n, NIC_RAL0, (uint32_t)a[3] << 24 | (uint32_t)a[2] << 16 | (uint32_t)a[1] << 8 | a[0]);
	put(n, NIC_RAH0, NIC_RAH_AV | (uint32_t)a[5] << 8 | a[4]);
}

static void place_ring(const struct nicdev *n, uint32_t queue, uint64_t iova, uint32_t depth)
{
	put(n, queue + NIC_Q_BAL, (uint32_t)iova);
	put(n, queue + NIC_Q_BAH, (uint32_t)(iova >> 32));
	put(n, queue + NIC_Q_LEN, depth * (uint32_t)sizeof(struct nic_rx_desc));
	put(n, queue + NIC_Q_HEAD, 0);
	put(n, queue + NIC_Q_TAIL, 0);
}

static int enable_queue(const struct nicdev *n, uint32_t queue, uint32_t dctl)
{
	uint32_t enable = dctl & NIC_DCTL_ENABLE;

	put(n, queue + NIC_Q_DCTL, dctl);
	if (wait_for(n, queue + NIC_Q_DCTL, enable, enable, QUEUE_MS))
		return 0;
	return complain(-ETIMEDOUT, "a queue of the NIC does not become enabled");
}

static int start_receive(const struct nicdev *n)
{
	const struct nic_model *m = n->model;
	int err;

	set_filter(n);
	put(n, NIC_RXCSUM, 0);
	put(n, NIC_RFCTL, NIC_RFCTL_NFS_DIS | (m->advanced ? 0 : NIC_RFCTL_EXSTEN));
	if (m->advanced)
		put(n, m->rx + NIC_SRRCTL, NIC_SRRCTL_ADVANCED | NIC_SRRCTL_2K);
	place_ring(n, m->rx, n->iova + NIC_RX_RING, n->state.rx_depth);
	err = enable_queue(n, m->rx, m->rxdctl);
	if (!err)
		put(n, NIC_RCTL, NIC_RCTL_EN | NIC_RCTL_BAM | NIC_RCTL_SECRC);
	return err;
}

static int start_transmit(const struct nicdev *n)
{
	const struct nic_model *m = n->model;

	place_ring(n, m->tx, n->iova + NIC_TX_RING, n->state.tx_depth);
	if (!m->advanced)
		put(n, NIC_TIPG, NIC_TIPG_574);
	put(n, NIC_TCTL, NIC_TCTL_EN | NIC_TCTL_PSP | NIC_TCTL_CT | NIC_TCTL_COLD);
	return enable_queue(n, m->tx, m->txdctl);
}

/* 0: this device has no such register. */
static uint32_t config_reg(const struct nic_model *m, size_t i)
{
	switch (configs[i].base) {
	case RX:
		return m->rx + configs[i].reg;
	case TX:
		return m->tx + configs[i].reg;
	case RX_ADVANCED:
		return m->advanced ? m->rx + configs[i].reg : UINT32_MAX;
	default:
		return configs[i].reg;
	}
}

static uint32_t read_config(const struct nic_io *io, const struct nic_model *m, size_t i)
{
	uint32_t reg = config_reg(m, i);

	return reg == UINT32_MAX ? 0 : io->read(io, reg) & configs[i].mask;
}

static void use_memory(struct nicdev *n, const struct memory *dma, uint64_t iova)
{
	n->dma = dma;
	n->iova = iova;
	n->rx = (struct nic_rx_desc *)(void *)(dma->map + NIC_RX_RING);
	n->tx = (struct nic_tx_desc *)(void *)(dma->map + NIC_TX_RING);
}

static int check_depth(uint32_t rx_depth, uint32_t tx_depth, size_t size)
{
	if (!rx_depth || rx_depth % 8 || rx_depth > NIC_RX_DEPTH_MAX || !tx_depth ||
	    tx_depth % 8 || tx_depth > (NIC_SLOTS - NIC_TX_RING) / sizeof(struct nic_tx_desc))
		return complain(-EINVAL, "the NIC has no rings of %u and %u descriptors", rx_depth,
				tx_depth);
	if (size < nicdev_size(rx_depth, tx_depth))
		return complain(-EINVAL, "the NIC's memory has only %zu bytes", size);
	return 0;
}

int nicdev_start(struct nicdev *n, const struct nic_io *io, uint32_t device,
		 const struct memory *dma, uint64_t iova, uint32_t rx_depth, uint32_t tx_depth)
{
	int err;

	*n = (struct nicdev){ .io = *io, .model = find_model(device) };
	if (!n->model)
		return complain(-ENODEV, "0x%x is no NIC that this driver knows", device);
	err = check_depth(rx_depth, tx_depth, dma->size);
	if (err)
		return err;
	use_memory(n, dma, iova);
	n->state = (struct nicdev_state){
		.device = device, .rx_depth = rx_depth, .tx_depth = tx_depth,
	};
	err = reset(n);
	if (!err)
		err = link_up(n);
	if (!err)
		err = start_transmit(n);
	if (!err)
		err = start_receive(n);
	if (err)
		return err;
	for (size_t i = 0; i < CONFIGS; i++)
		n->state.config[i] = read_config(&n->io, n->model, i);
	nicdev_rx_give(n);
	nicdev_rx_ring(n);
	return 0;
}

void nicdev_reset(volatile void *bar)
{
	struct nic_io io = nic_io_mmio(bar);

	io.write(&io, NIC_CTRL, io.read(&io, NIC_CTRL) | NIC_CTRL_RST);
}

void nicdev_stop(struct nicdev *n)
{
	put(n, NIC_RCTL, get(n, NIC_RCTL) & ~NIC_RCTL_EN);
	put(n, NIC_TCTL, get(n, NIC_TCTL) & ~NIC_TCTL_EN);
}

/*
 * Adopt
 */

static bool inside(uint32_t at, uint32_t from, uint32_t to, uint32_t depth)
{
	return at < depth && (at + depth - from) % depth <= (to + depth - from) % depth;
}

int nicdev_adopt_memory(struct nicdev *n, const struct memory *dma, uint64_t iova,
			const struct nicdev_state *state)
{
	int err = check_depth(state->rx_depth, state->tx_depth, dma->size);

	*n = (struct nicdev){ .model = find_model(state->device), .state = *state };
	if (!n->model)
		return complain(-ENODEV, "0x%x is no NIC that this driver knows", state->device);
	if (err)
		return err;
	if (state->rx_head >= state->rx_depth || state->rx_tail >= state->rx_depth ||
	    state->tx_head >= state->tx_depth || state->tx_tail >= state->tx_depth)
		return complain(-EPROTO, "the ledger's indices are behind the NIC's rings");
	use_memory(n, dma, iova);
	return 0;
}

int nicdev_adopt(struct nicdev *n, const struct nic_io *io)
{
	char why[128];

	n->io = *io;
	if (nicdev_differs(io, &n->state, why, sizeof(why)))
		return complain(-ESTALE, "the NIC is not as it was left:%s", why);
	return 0;
}

static void add_word(char *why, size_t size, const char *word)
{
	size_t used = strlen(why);

	/* Two registers of one ring are one word. */
	if (!strstr(why, word))
		snprintf(why + used, size - used, "%s %s", used ? "," : "", word);
}

unsigned int nicdev_differs(const struct nic_io *io, const struct nicdev_state *s, char *why,
			    size_t size)
{
	const struct nic_model *m = find_model(s->device);
	uint32_t status = io->read(io, NIC_STATUS);
	unsigned int count = 0;
	struct {
		bool differs;
		const char *word;
	} findings[5];

	why[0] = 0;
	if (status == UINT32_MAX || !m) {
		add_word(why, size, m ? "no answer" : "unknown device");
		return 1;
	}
	for (size_t i = 0; i < CONFIGS; i++) {
		if (read_config(io, m, i) == s->config[i])
			continue;
		count++;
		add_word(why, size, configs[i].word);
	}
	findings[0].differs = !(status & NIC_STATUS_LU);
	findings[0].word = "no link";
	findings[1].differs = io->read(io, m->rx + NIC_Q_TAIL) != s->rx_rung;
	findings[1].word = "receive tail";
	findings[2].differs = io->read(io, m->tx + NIC_Q_TAIL) != s->tx_rung;
	findings[2].word = "transmit tail";
	findings[3].differs = !inside(io->read(io, m->rx + NIC_Q_HEAD), s->rx_head, s->rx_rung,
				      s->rx_depth);
	findings[3].word = "receive head";
	findings[4].differs = !inside(io->read(io, m->tx + NIC_Q_HEAD), s->tx_head, s->tx_rung,
				      s->tx_depth);
	findings[4].word = "transmit head";
	for (size_t i = 0; i < sizeof(findings) / sizeof(findings[0]); i++) {
		if (!findings[i].differs)
			continue;
		count++;
		add_word(why, size, findings[i].word);
	}
	return count;
}

/*
 * Receive ring
 */

uint32_t nicdev_rx_given(const struct nicdev *n)
{
	const struct nicdev_state *s = &n->state;

	return (s->rx_tail + s->rx_depth - s->rx_head) % s->rx_depth;
}

static uint64_t rx_address(const struct nicdev *n, uint32_t slot)
{
	return n->iova + nicdev_rx_buffer(slot);
}

enum nic_rx nicdev_rx_look(const struct nicdev *n, uint32_t ahead, struct nic_rx_desc *d)
{
	uint32_t at = (n->state.rx_head + ahead) % n->state.rx_depth;
	const struct nic_rx_desc *from = &n->rx[at];

	/*
	 * Acquire: the status is what the device writes last, so the rest of the descriptor,
	 * and the frame before it, may be read only after it.
	 */
	d->status = __atomic_load_n(&from->status, __ATOMIC_ACQUIRE);
	d->address = from->address;
	d->length = from->length;
	d->vlan = from->vlan;
	if (d->status & NIC_RX_DD)
		return NIC_RX_DONE;
	/* A device may write the rest before the status: ask again before you believe it. */
	if (d->address == rx_address(n, at) && !d->status && !d->length && !d->vlan)
		return NIC_RX_PENDING;
	return NIC_RX_DAMAGED;
}

uint32_t nicdev_rx_arrived(const struct nicdev *n)
{
	uint32_t given = nicdev_rx_given(n), i = 0;
	struct nic_rx_desc d;

	while (i < given && nicdev_rx_look(n, i, &d) == NIC_RX_DONE)
		i++;
	return i;
}

uint32_t nicdev_rx_used(const struct nicdev *n)
{
	const struct nicdev_state *s = &n->state;
	uint32_t head;

	if (!n->io.read)
		return 0;
	head = get(n, n->model->rx + NIC_Q_HEAD);
	if (!inside(head, s->rx_head, s->rx_rung, s->rx_depth))
		return 0;
	return (head + s->rx_depth - s->rx_head) % s->rx_depth;
}

void nicdev_rx_take(struct nicdev *n)
{
	n->rx[n->state.rx_head] = (struct nic_rx_desc){ 0 };
	n->state.rx_head = (n->state.rx_head + 1) % n->state.rx_depth;
}

void nicdev_rx_mend(struct nicdev *n, uint32_t ahead)
{
	uint32_t at = (n->state.rx_head + ahead) % n->state.rx_depth;

	n->rx[at] = (struct nic_rx_desc){ .address = rx_address(n, at) };
}

void nicdev_rx_give(struct nicdev *n)
{
	struct nicdev_state *s = &n->state;

	while (nicdev_rx_given(n) < s->rx_depth - 1) {
		n->rx[s->rx_tail] = (struct nic_rx_desc){ .address = rx_address(n, s->rx_tail) };
		s->rx_tail = (s->rx_tail + 1) % s->rx_depth;
	}
}

static void ring(const struct nicdev *n, uint32_t queue, uint32_t tail)
{
	/*
	 * Release: descriptors and buffers are written before the device may read them. x86
	 * keeps stores to memory before stores to uncached space: it is the compiler that
	 * must be held.
	 */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	put(n, queue + NIC_Q_TAIL, tail);
}

void nicdev_rx_ring(struct nicdev *n)
{
	if (!n->io.write || n->state.rx_rung == n->state.rx_tail)
		return;
	ring(n, n->model->rx, n->state.rx_tail);
	n->state.rx_rung = n->state.rx_tail;
}

/*
 * Transmit ring
 */

bool nicdev_tx_room(const struct nicdev *n)
{
	return (n->state.tx_tail + 1) % n->state.tx_depth != n->state.tx_head;
}

void nicdev_tx_put(struct nicdev *n, uint32_t length)
{
	struct nicdev_state *s = &n->state;
	bool advanced = n->model->advanced;

	n->tx[s->tx_tail] = (struct nic_tx_desc){
		.address = n->iova + nicdev_tx_buffer(s, s->tx_tail),
		.command = length | NIC_TX_EOP | NIC_TX_IFCS | NIC_TX_RS |
			   (advanced ? NIC_TX_ADVANCED : 0),
		.status = advanced ? length << NIC_TX_PAYLEN : 0,
	};
	s->tx_tail = (s->tx_tail + 1) % s->tx_depth;
}

void nicdev_tx_ring(struct nicdev *n)
{
	if (!n->io.write || n->state.tx_rung == n->state.tx_tail)
		return;
	ring(n, n->model->tx, n->state.tx_tail);
	n->state.tx_rung = n->state.tx_tail;
}

bool nicdev_tx_done(const struct nicdev *n)
{
	const struct nicdev_state *s = &n->state;

	return s->tx_head != s->tx_tail &&
	       __atomic_load_n(&n->tx[s->tx_head].status, __ATOMIC_ACQUIRE) & NIC_TX_DD;
}

void nicdev_tx_take(struct nicdev *n)
{
	n->state.tx_head = (n->state.tx_head + 1) % n->state.tx_depth;
}
