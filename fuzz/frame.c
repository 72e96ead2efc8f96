// SPDX-License-Identifier: GPL-2.0-only
/* Description: fuzz target: frames as a broken device may leave them, checked and sent back */

/*
 * Input: frames. Of each a byte says how it is made, one how long it is; then come its bytes,
 * or of a good one the sequence, the length that it claims, and a patch.
 */

#include "../lib/frame.c"

#include "../stress/echo.h"
#include "fuzz.h"

#define LONGEST 2048u	/* a receive buffer */

enum { BUILT = 1, CLAIMS = 2, PATCHED = 4, BROADCAST = 8 };

/* Short ones one by one, as the header's end is there; the others in steps. */
static size_t next_length(struct fuzz *f)
{
	size_t n = fuzz_number(f, 1);

	return n < 128 ? n : (n - 127) * LONGEST / 128;
}

static size_t next_frame(struct fuzz *f, uint8_t *buf)
{
	uint64_t how = fuzz_number(f, 1);
	size_t length = next_length(f);

	if (!(how & BUILT)) {
		fuzz_bytes(f, buf, length);
		return length;
	}
	frame_build(buf, length < FRAME_MIN || length > FRAME_MAX ? FRAME_MAX : length,
		    (uint16_t)(how & BROADCAST ? FRAME_BROADCAST | 1 : 1), fuzz_number(f, 2), 3);
	if (how & CLAIMS)
		put32(buf + FRAME_AT_LENGTH, (uint32_t)next_length(f));
	if (how & PATCHED)
		fuzz_patch(f, buf, FRAME_MAX);
	return length;
}

FUZZ()
{
	struct fuzz f = { data, size };
	static struct echo echo;
	struct frame_info info;
	uint64_t taken = 0;

	memset(&echo, 0, sizeof(echo));
	for (; f.left; taken++) {
		static uint8_t buf[LONGEST];
		size_t length = next_frame(&f, buf);
		/* Not a byte to spare. */
		uint8_t *frame = malloc(length ? length : 1);
		int err;

		memcpy(frame, buf, length);
		err = frame_check(frame, length, &info);
		MUST(!err || err == -EINVAL || err == -EBADMSG);
		MUST(err != -EBADMSG || info.bad_offset <= FRAME_MAX);
		if (echo_take(&echo, frame, length)) {
			MUST(!err);
			MUST(!frame_check(frame, length, &info));
			MUST(info.stream & FRAME_FROM_PORT);
		}
		free(frame);
	}
	MUST(echo.counts.received + echo.counts.torn + echo.counts.foreign == taken);
	return 0;
}
