// SPDX-License-Identifier: GPL-2.0-only
/* Description: the test frame that the frame source and the port under test send each other */

#include "frame.h"

#include <endian.h>
#include <errno.h>
#include <isa-l/crc.h>
#include <stdbool.h>
#include <string.h>

/* Odd, so that multiplying by it permutes the 64-bit numbers. */
#define MIX 0x9e3779b97f4a7c15ULL

static const uint8_t port_address[6] = FRAME_PORT_ADDRESS;
static const uint8_t source_address[6] = FRAME_SOURCE_ADDRESS;
static const uint8_t everybody[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static void put16(uint8_t *p, unsigned int value)
{
	uint16_t le = htole16((uint16_t)value);

	memcpy(p, &le, sizeof(le));
}

static void put32(uint8_t *p, uint32_t value)
{
	value = htole32(value);
	memcpy(p, &value, sizeof(value));
}

static void put64(uint8_t *p, uint64_t value)
{
	value = htole64(value);
	memcpy(p, &value, sizeof(value));
}

static uint16_t get16(const uint8_t *p)
{
	uint16_t value;

	memcpy(&value, p, sizeof(value));
	return le16toh(value);
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return le32toh(value);
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
	return le64toh(value);
}

/* The library takes a non-const pointer, but only reads. */
static uint32_t crc_part(uint32_t crc, const void *data, size_t length)
{
	return crc32_iscsi((unsigned char *)(uintptr_t)data, (int)length, crc);
}

static uint32_t frame_crc(const uint8_t *frame, size_t length)
{
	static const uint8_t zero[FRAME_AT_PATTERN - FRAME_AT_CRC];
	uint32_t crc = crc_part(~0u, frame, FRAME_AT_CRC);

	crc = crc_part(crc, zero, sizeof(zero));
	return ~crc_part(crc, frame + FRAME_AT_PATTERN, length - FRAME_AT_PATTERN);
}

static void fill_pattern(uint8_t *p, size_t length, uint16_t stream, uint64_t sequence)
{
	uint64_t word = (sequence + 1) * MIX ^ (uint64_t)stream << 48;

	for (; length; length -= length < 8 ? length : 8, p += 8) {
		uint64_t mixed;

		word += MIX;
		mixed = htole64(word ^ word >> 29);
		memcpy(p, &mixed, length < 8 ? length : 8);
	}
}

static const uint8_t *destination_of(uint16_t stream)
{
	if (stream & FRAME_BROADCAST)
		return everybody;
	return stream & FRAME_FROM_PORT ? source_address : port_address;
}

static const uint8_t *source_of(uint16_t stream)
{
	return stream & FRAME_FROM_PORT ? port_address : source_address;
}

void frame_build(void *buf, size_t length, uint16_t stream, uint64_t sequence, uint64_t time_ns)
{
	uint8_t *frame = buf;

	memcpy(frame + FRAME_AT_DESTINATION, destination_of(stream), 6);
	memcpy(frame + FRAME_AT_SOURCE, source_of(stream), 6);
	frame[FRAME_AT_ETHERTYPE] = FRAME_ETHERTYPE >> 8;
	frame[FRAME_AT_ETHERTYPE + 1] = FRAME_ETHERTYPE & 0xff;
	put32(frame + FRAME_AT_MAGIC, FRAME_MAGIC);
	put16(frame + FRAME_AT_VERSION, FRAME_VERSION);
	put16(frame + FRAME_AT_STREAM, stream);
	put64(frame + FRAME_AT_SEQUENCE, sequence);
	put64(frame + FRAME_AT_TIME, time_ns);
	put32(frame + FRAME_AT_LENGTH, (uint32_t)length);
	fill_pattern(frame + FRAME_AT_PATTERN, length - FRAME_AT_PATTERN, stream, sequence);
	put32(frame + FRAME_AT_CRC, frame_crc(frame, length));
}

/*
 * Any one mark will do: DMA that is blocked in part may have left the others out.
 * The address alone tells a frame from the port or from the source.
 */
static bool is_ours(const uint8_t *frame, size_t length)
{
	if (length < FRAME_AT_VERSION)
		return false;
	return (frame[FRAME_AT_ETHERTYPE] == FRAME_ETHERTYPE >> 8 &&
		frame[FRAME_AT_ETHERTYPE + 1] == (FRAME_ETHERTYPE & 0xff)) ||
	       get32(frame + FRAME_AT_MAGIC) == FRAME_MAGIC ||
	       memcmp(frame + FRAME_AT_SOURCE, source_address, 6) == 0 ||
	       memcmp(frame + FRAME_AT_SOURCE, port_address, 6) == 0;
}

/* All that a frame with a good checksum could still be wrong in. */
static bool has_good_header(const uint8_t *frame, size_t length, uint16_t stream)
{
	return get32(frame + FRAME_AT_LENGTH) == length &&
	       get32(frame + FRAME_AT_MAGIC) == FRAME_MAGIC &&
	       get16(frame + FRAME_AT_VERSION) == FRAME_VERSION &&
	       memcmp(frame + FRAME_AT_SOURCE, source_of(stream), 6) == 0;
}

/*
 * The length that a torn frame was sent with: the one that came in, if the
 * checksum says so, else the one that the frame names.
 */
static size_t sent_length(const uint8_t *frame, size_t length, const struct frame_info *info,
			  uint8_t *whole)
{
	size_t claimed;

	if (length < FRAME_AT_CRC)
		return FRAME_MAX;
	claimed = get32(frame + FRAME_AT_LENGTH);
	if (length >= FRAME_MIN && length <= FRAME_MAX) {
		frame_build(whole, length, info->stream, info->sequence, info->time_ns);
		if (memcmp(whole + FRAME_AT_CRC, frame + FRAME_AT_CRC, 4) == 0)
			return length;
	}
	if (claimed > length && claimed >= FRAME_MIN && claimed <= FRAME_MAX)
		return claimed;
	return length < FRAME_MIN || length > FRAME_MAX ? FRAME_MAX : length;
}

/* Slow, for torn frames only: compare with the frame as it should be. */
static size_t first_bad(const uint8_t *frame, size_t length, const struct frame_info *info)
{
	uint8_t whole[FRAME_MAX];
	size_t size = sent_length(frame, length, info, whole);
	size_t i = 0;

	frame_build(whole, size, info->stream, info->sequence, info->time_ns);
	/* The checksum last: it is wrong wherever else a byte is. */
	while (i < length && i < size &&
	       (frame[i] == whole[i] || (i >= FRAME_AT_CRC && i < FRAME_AT_PATTERN)))
		i++;
	return i == length && length == size ? FRAME_AT_CRC : i;
}

int frame_check(const void *buf, size_t length, struct frame_info *info)
{
	const uint8_t *frame = buf;

	memset(info, 0, sizeof(*info));
	if (!is_ours(frame, length))
		return -EINVAL;
	if (length >= FRAME_AT_LENGTH) {
		info->stream = get16(frame + FRAME_AT_STREAM);
		info->sequence = get64(frame + FRAME_AT_SEQUENCE);
		info->time_ns = get64(frame + FRAME_AT_TIME);
	}
	if (length >= FRAME_MIN && length <= FRAME_MAX &&
	    has_good_header(frame, length, info->stream) &&
	    get32(frame + FRAME_AT_CRC) == frame_crc(frame, length))
		return 0;
	info->bad_offset = first_bad(frame, length, info);
	return -EBADMSG;
}
