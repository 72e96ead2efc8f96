/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: the test frame that the frame source and the port under test send each other */

#ifndef HF_FRAME_H
#define HF_FRAME_H

#include <stddef.h>
#include <stdint.h>

/* Without the frame check sequence. Longer than the least, so that nobody pads a frame. */
#define FRAME_MIN 64u
#define FRAME_MAX 1514u

#define FRAME_ETHERTYPE 0x88b5u		/* IEEE Std 802, local experimental EtherType 1 */
#define FRAME_MAGIC 0x4d524648u		/* "HFRM" on the wire */
#define FRAME_VERSION 1u

/*
 * The two highest bits of a stream's number say which way it goes, so that the
 * addresses need not be told apart from it: frames from the frame source go to
 * the port under test or to everybody, frames from the port to the source.
 */
#define FRAME_FROM_PORT 0x8000u
#define FRAME_BROADCAST 0x4000u

/*
 * The number of no stream: a frame from the port with it only says that the port is there.
 * Who has frames of its own to send needs none.
 */
#define FRAME_HELLO 0x3fffu

#define FRAME_PORT_ADDRESS { 0x02, 0x48, 0x46, 0x00, 0x00, 0x01 }
#define FRAME_SOURCE_ADDRESS { 0x02, 0x48, 0x46, 0x00, 0x00, 0x02 }

/*
 * What a frame is made of. Numbers are little endian but for the EtherType.
 *
 *	 0  destination address		 6  source address
 *	12  EtherType			14  u32 magic
 *	18  u16 version			20  u16 stream
 *	22  u64 sequence		30  u64 time
 *	38  u32 length of the frame	42  u32 CRC32C of the frame, with this field zero
 *	46  pattern: its words of eight bytes differ by place, stream and sequence
 */
enum frame_offset {
	FRAME_AT_DESTINATION = 0,
	FRAME_AT_SOURCE = 6,
	FRAME_AT_ETHERTYPE = 12,
	FRAME_AT_MAGIC = 14,
	FRAME_AT_VERSION = 18,
	FRAME_AT_STREAM = 20,
	FRAME_AT_SEQUENCE = 22,
	FRAME_AT_TIME = 30,
	FRAME_AT_LENGTH = 38,
	FRAME_AT_CRC = 42,
	FRAME_AT_PATTERN = 46,
};

struct frame_info {
	uint16_t stream;
	uint64_t sequence;
	uint64_t time_ns;	/* CLOCK_REALTIME of the sender */
	size_t bad_offset;	/* of a torn frame: the first byte that is wrong */
};

/* Write a frame of @length (FRAME_MIN to FRAME_MAX) bytes to @buf; any alignment. */
void frame_build(void *buf, size_t length, uint16_t stream, uint64_t sequence, uint64_t time_ns);

/*
 * Is @buf, of which @length bytes came in, a whole frame? @buf may hold anything.
 *
 * 0: whole; @info is filled.
 * -EINVAL: not ours: neither source address nor EtherType nor magic is. A buffer
 *  that nothing was written to is that too: whoever poisoned it must look.
 * -EBADMSG: ours, but not as it was sent. @info holds what the frame says of
 *  itself, right or wrong, and the first byte that differs from the frame with
 *  that stream, sequence and time. A frame cut short is wrong from its end on.
 *  A wrong time shows only in the checksum, a wrong stream or sequence in the
 *  pattern (or in the addresses).
 */
int frame_check(const void *buf, size_t length, struct frame_info *info);

#endif /* HF_FRAME_H */
