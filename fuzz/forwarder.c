// SPDX-License-Identifier: GPL-2.0-only
/* Description: fuzz target: what hf-forward says, read as the agent reads it */

/* Input: its standard output. */

#include "../stress/forwarder.c"

#include "fuzz.h"

/* No device is bound here. */
int pcidev_bind_vfio(const char *bdf)
{
	(void)bdf;
	return 0;
}

FUZZ()
{
	struct fuzz f = { data, size };
	static struct forwarder forwarder;
	struct forwarder_counts again;
	json_t *object;
	int ends[2];

	complaint_clear();
	forwarder = (struct forwarder)FORWARDER_NONE;
	forwarder.child.name = "hf-forward";
	fuzz_peer(&f, ends);
	forwarder.child.out = ends[0];
	forwarder_prove(&forwarder);
	close(ends[0]);
	close(ends[1]);

	/* Without it there is no record of the cycle. */
	object = forwarder_json(&forwarder);
	MUST(object);
	MUST(!echo_parse(object, &again));
	MUST(memcmp(&again, &forwarder.counts, sizeof(again)) == 0);
	forwarder_judge(&again);
	json_decref(object);
	object = json_string(complaint());
	MUST(object);
	json_decref(object);
	return 0;
}
