// SPDX-License-Identifier: GPL-2.0-only
/* Description: the agent's side of hf-forward: DPDK at work beside what is preserved */

#include "forwarder.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "complain.h"
#include "pcidev.h"

#define NAME "hf-forward"
#define PROOF "--prove=600"	/* frames: more than its ring has descriptors */
#define STOP_MS 10000

static const char *program = "/sbin/hf-forward";	/* tests have another */
static uint32_t prove_ms = 30000;

int forwarder_start(struct forwarder *f, const char *bdf)
{
	char *argv[] = { (char *)(uintptr_t)program, (char *)(uintptr_t)PROOF, f->bdf, NULL };
	int err;

	*f = (struct forwarder)FORWARDER_NONE;
	snprintf(f->bdf, sizeof(f->bdf), "%s", bdf);
	err = pcidev_bind_vfio(bdf);
	return err ? err : child_start(&f->child, NAME, argv);
}

/* Keep what @line says. True: it is of @event. */
static bool take_line(struct forwarder *f, const char *line, const char *event, int *err)
{
	json_t *object = json_loads(line, 0, NULL);
	const char *driver, *name;
	bool wanted = false;

	if (json_unpack(object, "{s:s,s:s}", "event", &name, "driver", &driver) ||
	    strlen(driver) >= sizeof(f->driver) || echo_parse(object, &f->counts)) {
		*err = complain(-EBADMSG, NAME " says \"%.100s\"", line);
	} else {
		snprintf(f->driver, sizeof(f->driver), "%s", driver);
		wanted = strcmp(name, event) == 0;
	}
	json_decref(object);
	return wanted;
}

/* It has said all that it will, and not what we wait for. */
static int early_end(struct forwarder *f)
{
	int code = child_stop(&f->child, 0, STOP_MS);

	return code < 0 ? code : complain(-EIO, NAME " has ended with exit code %d", code);
}

static int wait_for(struct forwarder *f, const char *event, uint32_t timeout_ms)
{
	uint64_t end = now_ms() + timeout_ms;
	char line[1024];
	int err = 0;

	for (;;) {
		uint64_t now = now_ms();
		int got = child_line(&f->child, line, sizeof(line),
				     now < end ? (uint32_t)(end - now) : 0);

		if (got <= 0)
			return got ? got : early_end(f);
		if (take_line(f, line, event, &err) || err)
			return err;
	}
}

int forwarder_prove(struct forwarder *f)
{
	int err = wait_for(f, "proved", prove_ms);

	if (err != -ETIMEDOUT)
		return err;
	complaint_clear();
	return complain(err, NAME ": too few frames in %u s; is the source there?",
			prove_ms / 1000);
}

int forwarder_stop(struct forwarder *f, struct forwarder_counts *c)
{
	int err = 0, code;

	if (f->child.pid >= 0) {
		kill(f->child.pid, SIGTERM);
		err = wait_for(f, "end", STOP_MS);
		/* It ends by itself now; if it said nothing, not even that is expected of it. */
		code = child_stop(&f->child, err ? SIGKILL : 0, STOP_MS);
		if (!err && code)
			err = code < 0 ? code : complain(-EIO, NAME " left with %d", code);
	}
	*c = f->counts;
	return err;
}

const char *forwarder_judge(const struct forwarder_counts *c)
{
	if (!c->received)
		return "DPDK received no frame";
	if (c->lost)
		return "DPDK: frames were lost";
	if (c->torn)
		return "DPDK: frames were torn";
	if (c->duplicate || c->late)
		return "DPDK: frames came twice or late";
	/* Nobody else is on that wire: it is rather a buffer that was not written to. */
	if (c->foreign)
		return "DPDK: there were frames that nobody sent";
	if (c->unsent)
		return "DPDK: frames could not be sent";
	if (c->sent != c->received)
		return "DPDK: the account of frames does not add up";
	return NULL;
}

json_t *forwarder_json(const struct forwarder *f)
{
	json_t *object = json_pack("{s:s,s:s}", "bdf", f->bdf, "driver", f->driver);

	json_object_update_new(object, echo_json(&f->counts));
	return object;
}
