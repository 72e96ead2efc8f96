// SPDX-License-Identifier: GPL-2.0-only
/* Description: a NIC is started as its datasheet says, and adopted without a write */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "nicdev.c"

#include "fake_nic.h"

#define RX 128u
#define TX 16u

static struct memory dma;
static struct nicdev nic;

static int setup_model(uint32_t device)
{
	if (!dma.map && memory_create(&dma, "nic", nicdev_size(RX, TX)))
		return -1;
	memset(dma.map, 0, dma.size);
	complaint_clear();
	fake_init(device, &dma);
	return nicdev_start(&nic, &fake_io, device, &dma, FAKE_IOVA, RX, TX);
}

static int setup_574(void **s)
{
	(void)s;
	return setup_model(NIC_82574L);
}

static int setup_576(void **s)
{
	(void)s;
	return setup_model(NIC_82576);
}

static uint32_t reg(uint32_t at)
{
	return fake.reg[at / 4];
}

static void rings_are_in_place(void)
{
	assert_int_equal(reg(fake.rx + NIC_Q_BAL), 0);
	assert_int_equal(reg(fake.rx + NIC_Q_BAH), FAKE_IOVA >> 32);
	assert_int_equal(reg(fake.rx + NIC_Q_LEN), RX * 16);
	assert_int_equal(reg(fake.rx + NIC_Q_TAIL), RX - 1);
	assert_int_equal(reg(fake.tx + NIC_Q_BAL), NIC_TX_RING);
	assert_int_equal(reg(fake.tx + NIC_Q_LEN), TX * 16);
	assert_int_equal(reg(fake.tx + NIC_Q_TAIL), 0);
	assert_int_equal(nicdev_rx_given(&nic), RX - 1);
	for (uint32_t i = 0; i < RX - 1; i++)
		assert_int_equal(nic.rx[i].address, FAKE_IOVA + nicdev_rx_buffer(i));
	assert_int_equal(nic.rx[RX - 1].address, 0);
}

static void filter_takes_the_port_and_everybody(void)
{
	assert_int_equal(reg(NIC_RAL0), 0x00464802);
	assert_int_equal(reg(NIC_RAH0), 0x80000100);
	assert_int_equal(reg(NIC_RCTL), NIC_RCTL_EN | NIC_RCTL_BAM | NIC_RCTL_SECRC);
}

static void starts_82574(void **s)
{
	(void)s;
	rings_are_in_place();
	filter_takes_the_port_and_everybody();
	assert_true(reg(NIC_RFCTL) & NIC_RFCTL_EXSTEN);
	assert_true(reg(NIC_TCTL) & NIC_TCTL_EN);
	assert_int_equal(reg(NIC_IMC), UINT32_MAX);
}

static void starts_82576(void **s)
{
	(void)s;
	rings_are_in_place();
	filter_takes_the_port_and_everybody();
	assert_int_equal(reg(fake.rx + NIC_SRRCTL), NIC_SRRCTL_ADVANCED | NIC_SRRCTL_2K);
	assert_true(reg(fake.rx + NIC_Q_DCTL) & NIC_DCTL_ENABLE);
	assert_true(reg(fake.tx + NIC_Q_DCTL) & NIC_DCTL_ENABLE);
	assert_int_equal(reg(NIC_EIMC), UINT32_MAX);
}

static void bad_starts_are_refused(void **s)
{
	(void)s;
	assert_int_equal(nicdev_start(&nic, &fake_io, 0x100e, &dma, FAKE_IOVA, RX, TX), -ENODEV);
	assert_int_equal(nicdev_start(&nic, &fake_io, NIC_82574L, &dma, FAKE_IOVA, 65536, TX),
			 -EINVAL);
	assert_int_equal(nicdev_start(&nic, &fake_io, NIC_82574L, &dma, FAKE_IOVA, 12, TX),
			 -EINVAL);
	/* More than the memory has room for. */
	assert_int_equal(nicdev_start(&nic, &fake_io, NIC_82574L, &dma, FAKE_IOVA, 65528, TX),
			 -EINVAL);
	fake.reg[NIC_STATUS / 4] = UINT32_MAX;
	assert_int_equal(nicdev_start(&nic, &fake_io, NIC_82574L, &dma, FAKE_IOVA, RX, TX),
			 -ENODEV);
	fake_init(NIC_82574L, &dma);
	fake.deaf_phy = true;
	assert_int_equal(nicdev_start(&nic, &fake_io, NIC_82574L, &dma, FAKE_IOVA, RX, TX), -EIO);
}

static void deepest_ring_ends_before_the_other(void **s)
{
	(void)s;
	assert_true(NIC_RX_RING + NIC_RX_DEPTH_MAX * sizeof(struct nic_rx_desc) < NIC_TX_RING);
	assert_true(NIC_TX_RING + NIC_TX_DEPTH * sizeof(struct nic_tx_desc) < NIC_SLOTS);
	assert_int_equal(NIC_RX_DEPTH_MAX * sizeof(struct nic_rx_desc), 0xfff80);
}

/* From one kernel to the next: only the state and the memory. */
static void adoption_writes_nothing(void **s)
{
	struct nicdev_state left = nic.state;
	struct nicdev next;
	uint32_t before = fake.writes;

	(void)s;
	assert_int_equal(nicdev_adopt_memory(&next, &dma, FAKE_IOVA, &left), 0);
	assert_int_equal(nicdev_adopt(&next, &fake_io), 0);
	assert_int_equal(fake.writes, before);
	assert_int_equal(nicdev_rx_given(&next), RX - 1);
	/* Nothing to give, nothing to tell. */
	nicdev_rx_give(&next);
	nicdev_rx_ring(&next);
	nicdev_tx_ring(&next);
	assert_int_equal(fake.writes, before);
}

static void going_on_writes_only_tails(void **s)
{
	struct nicdev_state left = nic.state;
	struct nicdev next;
	uint32_t before;
	uint8_t frame[FRAME_MAX];

	(void)s;
	assert_int_equal(nicdev_adopt_memory(&next, &dma, FAKE_IOVA, &left), 0);
	assert_int_equal(nicdev_adopt(&next, &fake_io), 0);
	fake.writes = fake.tail_writes = 0;
	for (uint32_t i = 0; i < 3 * RX; i++) {
		struct nic_rx_desc d;

		assert_true(fake_land(frame, 100));
		assert_int_equal(nicdev_rx_look(&next, 0, &d), NIC_RX_DONE);
		assert_int_equal(d.length, 100);
		nicdev_rx_take(&next);
		nicdev_rx_give(&next);
		nicdev_rx_ring(&next);
		assert_true(nicdev_tx_room(&next));
		nicdev_tx_put(&next, 64);
		nicdev_tx_ring(&next);
		assert_int_equal(fake_send(frame), 64);
		assert_true(nicdev_tx_done(&next));
		nicdev_tx_take(&next);
		assert_false(nicdev_tx_done(&next));
	}
	before = fake.writes;
	assert_int_equal(before, 6 * RX);
	assert_int_equal(fake.tail_writes, before);
}

/* Whatever a reset or another driver would change, is seen. */
static void each_change_is_found(void **s)
{
	const uint32_t regs[] = {
		NIC_RCTL, NIC_TCTL, NIC_RFCTL, NIC_RXCSUM, NIC_RAL0, NIC_RAH0,
		fake.rx + NIC_Q_BAL, fake.rx + NIC_Q_BAH, fake.rx + NIC_Q_LEN,
		fake.rx + NIC_Q_DCTL, fake.rx + NIC_Q_TAIL, fake.tx + NIC_Q_BAL,
		fake.tx + NIC_Q_BAH, fake.tx + NIC_Q_LEN, fake.tx + NIC_Q_DCTL,
		fake.tx + NIC_Q_TAIL, fake.tx + NIC_Q_HEAD,
	};
	char why[64];

	(void)s;
	assert_int_equal(nicdev_differs(&fake_io, &nic.state, why, sizeof(why)), 0);
	assert_string_equal(why, "");
	for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
		fake.reg[regs[i] / 4] ^= 1u << 4;
		assert_int_equal(nicdev_differs(&fake_io, &nic.state, why, sizeof(why)), 1);
		assert_int_not_equal(why[0], 0);
		fake.reg[regs[i] / 4] ^= 1u << 4;
	}
	fake.reg[NIC_STATUS / 4] = 0;
	assert_int_equal(nicdev_differs(&fake_io, &nic.state, why, sizeof(why)), 1);
	assert_string_equal(why, " no link");
	fake_write(&fake_io, NIC_CTRL, NIC_CTRL_RST);
	assert_true(nicdev_differs(&fake_io, &nic.state, why, sizeof(why)) > 5);
	assert_int_equal(nicdev_adopt(&nic, &fake_io), -ESTALE);
	fake.reg[NIC_STATUS / 4] = UINT32_MAX;
	assert_int_equal(nicdev_differs(&fake_io, &nic.state, why, sizeof(why)), 1);
	assert_string_equal(why, " no answer");
}

/* Head may be anywhere that the device may have come to, and nowhere else. */
static void head_is_where_it_can_be(void **s)
{
	char why[64];

	(void)s;
	nic.state.rx_head = 100;
	nic.state.rx_tail = nic.state.rx_rung = 10;
	fake.reg[(fake.rx + NIC_Q_TAIL) / 4] = 10;
	for (uint32_t head = 0; head < RX + 2; head++) {
		bool fits = head < RX && (head >= 100 || head <= 10);

		fake.reg[(fake.rx + NIC_Q_HEAD) / 4] = head;
		assert_int_equal(nicdev_differs(&fake_io, &nic.state, why, sizeof(why)), !fits);
	}
}

static void bad_ledger_is_refused(void **s)
{
	struct nicdev_state bad = nic.state;
	struct nicdev next;

	(void)s;
	bad.rx_head = RX;
	assert_int_equal(nicdev_adopt_memory(&next, &dma, FAKE_IOVA, &bad), -EPROTO);
	bad = nic.state;
	bad.device = 1;
	assert_int_equal(nicdev_adopt_memory(&next, &dma, FAKE_IOVA, &bad), -ENODEV);
	bad = nic.state;
	bad.rx_depth = 65528;
	assert_int_equal(nicdev_adopt_memory(&next, &dma, FAKE_IOVA, &bad), -EINVAL);
}

static void descriptors_are_told_apart(void **s)
{
	struct nic_rx_desc d;

	(void)s;
	assert_int_equal(nicdev_rx_look(&nic, 5, &d), NIC_RX_PENDING);
	nic.rx[5].vlan = 1;
	assert_int_equal(nicdev_rx_look(&nic, 5, &d), NIC_RX_DAMAGED);
	nicdev_rx_mend(&nic, 5);
	assert_int_equal(nicdev_rx_look(&nic, 5, &d), NIC_RX_PENDING);
	fake_report(&nic.rx[5], NIC_RX_DD, 64);
	assert_int_equal(nicdev_rx_look(&nic, 5, &d), NIC_RX_DONE);
	assert_int_equal(nicdev_rx_arrived(&nic), 0);
}

#define TEST_574(f) cmocka_unit_test_setup(f, setup_574)
#define TEST_576(f) cmocka_unit_test_setup(f, setup_576)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_574(starts_82574), TEST_576(starts_82576), TEST_574(bad_starts_are_refused),
		TEST_574(deepest_ring_ends_before_the_other), TEST_574(adoption_writes_nothing),
		TEST_576(adoption_writes_nothing), TEST_574(going_on_writes_only_tails),
		TEST_576(going_on_writes_only_tails), TEST_574(each_change_is_found),
		TEST_576(each_change_is_found), TEST_574(head_is_where_it_can_be),
		TEST_574(bad_ledger_is_refused), TEST_574(descriptors_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
