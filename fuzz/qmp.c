// SPDX-License-Identifier: GPL-2.0-only
/* Description: fuzz target: what the emulator answers, and what is sampled by it */

/* Input: all that the emulator says. */

#include "../lab/qmp.c"

#include "../lab/sample.h"
#include "fuzz.h"

FUZZ()
{
	static const struct lab_device devices[] = { { "0000:01:00.0", "0000:00:03.0" } };
	struct fuzz f = { data, size };
	static struct qmp q;
	struct sampler s;
	char version[32];
	json_t *result;
	int ends[2];

	q.deadline = lab_now_ms() + 1000;
	MUST(!sampler_init(&s, devices, 1, NULL, 0, 0xe0000000, "intel", 0xfed90000));
	fuzz_peer(&f, ends);
	if (!qmp_open(&q, ends[0], version, sizeof(version))) {
		MUST(memchr(version, 0, sizeof(version)));
		qmp_set_rate(&q, 100);
		if (!qmp_run(&q, "query-kvm", NULL, &result))
			json_decref(result);
		while (!sampler_look(&s, &q))
			sampler_complaint(&s);
		json_decref(sampler_json(&s));
	}
	MUST(memchr(q.error, 0, sizeof(q.error)));
	close(ends[0]);
	close(ends[1]);
	return 0;
}
