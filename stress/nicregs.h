/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: registers and descriptors of the 82574L and the 82576, as far as we use them */

#ifndef HF_NICREGS_H
#define HF_NICREGS_H

#include <stdint.h>

/*
 * Chapters: "574" is Intel's 82574 GbE Controller Family Datasheet, "576" its
 * 82576EB Gigabit Ethernet Controller Datasheet. Both devices have one lineage: what
 * is here has the same place and bits in both, unless it says otherwise.
 *
 * Never read: ICR and the statistics. Reading clears them, and a look must not change
 * the device.
 */

/* Bytes of BAR 0 that we use; both have 128 KiB. */
#define NIC_BAR_SIZE 0x10000

/* General control (574: 10.2.2; 576: 8.2) */
#define NIC_CTRL	0x0000
#define NIC_CTRL_GIO_MASTER_DISABLE (1u << 2)
#define NIC_CTRL_SLU	(1u << 6)	/* set link up */
#define NIC_CTRL_FRCSPD	(1u << 11)	/* force speed: not with auto-negotiation */
#define NIC_CTRL_FRCDPX	(1u << 12)
#define NIC_CTRL_RST	(1u << 26)	/* clears itself */
#define NIC_STATUS	0x0008
#define NIC_STATUS_LU	(1u << 1)	/* link is up */
#define NIC_STATUS_GIO_MASTER (1u << 19) /* requests of the device are outstanding */

/* A register of the PHY, through the MAC (574: 10.2.2; 576: 8.2). */
#define NIC_MDIC	0x0020
#define NIC_MDIC_PHY	(1u << 21)	/* both have their PHY at address 1 */
#define NIC_MDIC_REG	16		/* shift of the PHY register's number */
#define NIC_MDIC_WRITE	(1u << 26)
#define NIC_MDIC_READY	(1u << 28)
#define NIC_MDIC_ERROR	(1u << 30)
/* The PHY's control register (IEEE 802.3, 22.2.4.1) */
#define NIC_PHY_CONTROL 0
#define NIC_PHY_AUTO_RESTART 0x1340u	/* 1000, full duplex, auto-negotiation on, restart it */

/* Interrupt mask clear (574: 10.2.4; 576: 8.8) */
#define NIC_IMC		0x00d8
#define NIC_EIMC	0x1528		/* 82576 only */

/* Receive (574: 10.2.5; 576: 8.10) */
#define NIC_RCTL	0x0100
#define NIC_RCTL_EN	(1u << 1)
#define NIC_RCTL_BAM	(1u << 15)	/* accept broadcast; buffers of 2048 bytes: 0 */
#define NIC_RCTL_SECRC	(1u << 26)	/* leave the frame check sequence out */
#define NIC_RXCSUM	0x5000
#define NIC_RFCTL	0x5008
#define NIC_RFCTL_NFS_DIS (3u << 6)	/* no looking into NFS */
#define NIC_RFCTL_EXSTEN (1u << 15)	/* 82574L: extended receive descriptors */
#define NIC_MTA		0x5200		/* multicast table, 128 words */
#define NIC_RAL0	0x5400		/* the first unicast address */
#define NIC_RAH0	0x5404
#define NIC_RAH_AV	(1u << 31)	/* address valid */
#define NIC_SRRCTL	0x0c		/* 82576, from the receive queue's base */
#define NIC_SRRCTL_2K	2u		/* buffers of 2 KiB */
#define NIC_SRRCTL_ADVANCED (1u << 25)	/* advanced descriptors, one buffer */

/* Transmit (574: 10.2.6; 576: 8.12) */
#define NIC_TCTL	0x0400
#define NIC_TCTL_EN	(1u << 1)
#define NIC_TCTL_PSP	(1u << 3)	/* pad short frames */
#define NIC_TCTL_CT	(0xfu << 4)
#define NIC_TCTL_COLD	(0x3fu << 12)
#define NIC_TIPG	0x0410
#define NIC_TIPG_574	0x00602008u	/* 10.2.6: gaps of 8, 8, 6 */

/*
 * A queue's registers, from its base: queue 0 of the 82574L receives from 0x2800 and
 * transmits from 0x3800 on, that of the 82576 from 0xc000 and 0xe000 on.
 */
#define NIC_Q_BAL	0x00		/* base; a multiple of 128 */
#define NIC_Q_BAH	0x04
#define NIC_Q_LEN	0x08		/* bytes; a multiple of 128; bits 7-19 */
#define NIC_Q_HEAD	0x10		/* the device's: moves once a descriptor is written back */
#define NIC_Q_TAIL	0x18		/* ours: behind the last descriptor that the device may use */
#define NIC_Q_DCTL	0x28		/* RXDCTL, TXDCTL */
#define NIC_DCTL_WTHRESH_1 (1u << 16)	/* write back each descriptor */
#define NIC_DCTL_GRAN	(1u << 24)	/* 82574L: thresholds count descriptors */
#define NIC_DCTL_COUNT	(1u << 22)	/* 82574L, transmit: as its note demands */
#define NIC_DCTL_ENABLE	(1u << 25)	/* 82576: the queue is on */

/*
 * A receive descriptor: what the 82574L calls extended (7.1.5) and the 82576 advanced
 * with one buffer (7.1.5). Legacy ones would do on an 82574L, but QEMU's 82576 knows
 * none; these two are laid out alike. Written by us: the address and 0. Written back:
 * everything, status last, over the address; so a descriptor that is not as we left it
 * has been written by somebody.
 */
struct nic_rx_desc {
	uint64_t address;	/* written back: RSS and checksum, of no interest */
	uint32_t status;	/* and errors, in the upper bits */
	uint16_t length;
	uint16_t vlan;
};

#define NIC_RX_DD	(1u << 0)	/* done */
#define NIC_RX_EOP	(1u << 1)	/* end of packet: all of it fits one buffer */
#define NIC_RX_ERRORS_574 0x97000000u	/* CE, SE, SEQ, CXE, RXE */
#define NIC_RX_ERRORS_576 0x80000000u	/* RXE */
#define NIC_RX_STATUS_BYTE 8

/*
 * A transmit descriptor: legacy for the 82574L (7.2), advanced data for the 82576
 * (7.2.2), whose emulation has no legacy ones. The same layout again, down to the
 * command bits.
 */
struct nic_tx_desc {
	uint64_t address;
	uint32_t command;	/* length in bits 0-15 */
	uint32_t status;	/* DD in bit 0; to an advanced one: payload length, shifted by 14 */
};

#define NIC_TX_EOP	(1u << 24)
#define NIC_TX_IFCS	(1u << 25)	/* insert the frame check sequence */
#define NIC_TX_RS	(1u << 27)	/* report status: write DD */
#define NIC_TX_ADVANCED (1u << 29 | 3u << 20)
#define NIC_TX_PAYLEN	14
#define NIC_TX_DD	(1u << 0)

_Static_assert(sizeof(struct nic_rx_desc) == 16 && sizeof(struct nic_tx_desc) == 16,
	       "the device says so");

#endif /* HF_NICREGS_H */
