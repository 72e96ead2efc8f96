// SPDX-License-Identifier: GPL-2.0-only
/* Description: the agent's side of hf-forward, with shell scripts in its place */

#include "forwarder.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define BDF "0000:03:00.0"

#define COUNTS(n) "\"received\":" n ",\"first\":7,\"last\":9,\"lost\":0,\"duplicate\":0," \
	"\"late\":0,\"torn\":0,\"foreign\":0,\"sent\":" n ",\"unsent\":0}"
#define LINE(event, n) "echo '{\"event\":\"" event "\",\"driver\":\"net_fake\"," COUNTS(n) "'\n"

static char path[] = "/tmp/hf-forward-XXXXXX";
static struct forwarder f;
static struct forwarder_counts c;
static int bind_error;
static char bound[32];

/* In place of the one that has devices. */
int pcidev_bind_vfio(const char *bdf)
{
	snprintf(bound, sizeof(bound), "%s", bdf);
	return bind_error;
}

static int setup(void **state)
{
	int fd;

	(void)state;
	complaint_clear();
	bind_error = 0;
	prove_ms = 5000;
	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	program = path;
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	if (f.child.pid >= 0)
		child_stop(&f.child, SIGKILL, 5000);
	return unlink(path);
}

static void start(const char *script)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	fprintf(out, "#!/bin/sh\n%s", script);
	fclose(out);
	assert_int_equal(chmod(path, 0700), 0);
	assert_int_equal(forwarder_start(&f, BDF), 0);
	assert_string_equal(bound, BDF);
}

static void proved_and_ended(void **state)
{
	json_t *json;

	(void)state;
	start("[ \"$*\" = '--prove=600 " BDF "' ] || exit 3\n"
	      "trap '" "echo \"{\\\"event\\\":\\\"end\\\",\\\"driver\\\":\\\"net_fake\\\","
	      "\\\"received\\\":300,\\\"first\\\":7,\\\"last\\\":306,\\\"lost\\\":0,"
	      "\\\"duplicate\\\":0,\\\"late\\\":0,\\\"torn\\\":0,\\\"foreign\\\":0,"
	      "\\\"sent\\\":300,\\\"unsent\\\":0}\"; exit 0' TERM\n"
	      LINE("ready", "0") LINE("proved", "200") "while :; do sleep 0.05; done\n");
	assert_int_equal(forwarder_prove(&f), 0);
	assert_int_equal(f.counts.sent, 200);
	assert_string_equal(f.driver, "net_fake");
	assert_int_equal(forwarder_stop(&f, &c), 0);
	assert_int_equal(c.received, 300);
	assert_int_equal(c.last, 306);
	assert_null(forwarder_judge(&c));
	json = forwarder_json(&f);
	assert_int_equal(json_integer_value(json_object_get(json, "received")), 300);
	assert_string_equal(json_string_value(json_object_get(json, "bdf")), BDF);
	json_decref(json);
	assert_int_equal(forwarder_stop(&f, &c), 0);
	assert_int_equal(c.received, 300);
}

static void no_proof_in_time(void **state)
{
	(void)state;
	prove_ms = 300;
	start(LINE("ready", "0") "exec sleep 60\n");
	assert_int_equal(forwarder_prove(&f), -ETIMEDOUT);
	assert_string_equal(f.driver, "net_fake");
	/* By a signal that it does not handle, and without its last line. */
	assert_int_equal(forwarder_stop(&f, &c), -ECHILD);
	assert_int_equal(f.child.pid, -1);
}

static void ended_too_early(void **state)
{
	(void)state;
	start("exit 2\n");
	assert_int_equal(forwarder_prove(&f), -EIO);
	assert_non_null(strstr(complaint(), "exit code 2"));
	assert_int_equal(forwarder_stop(&f, &c), 0);
	assert_int_equal(c.received, 0);
}

static void nonsense_is_refused(void **state)
{
	(void)state;
	start("echo EAL: hello\nexec sleep 60\n");
	assert_int_equal(forwarder_prove(&f), -EBADMSG);
	assert_non_null(strstr(complaint(), "EAL: hello"));
}

/* Cut, its last character might be half of one, and the record would be none. */
static void long_driver_is_refused(void **state)
{
	(void)state;
	start("echo '{\"event\":\"proved\",\"driver\":\"a driver with a name of \xc3\xa4\xc3\xa4\xc3\xa4"
	      "\xc3\xa4\"," COUNTS("9") "'\nexec sleep 60\n");
	assert_int_equal(forwarder_prove(&f), -EBADMSG);
	assert_string_equal(f.driver, "");
}

static void counts_must_be_there(void **state)
{
	(void)state;
	start("echo '{\"event\":\"proved\",\"driver\":\"x\",\"received\":200}'\nexec sleep 60\n");
	assert_int_equal(forwarder_prove(&f), -EBADMSG);
}

static void failing_at_the_end_shows(void **state)
{
	(void)state;
	start("trap '' TERM\n" LINE("proved", "200") LINE("end", "201") "exit 2\n");
	assert_int_equal(forwarder_prove(&f), 0);
	assert_int_equal(forwarder_stop(&f, &c), -EIO);
	assert_int_equal(c.received, 201);
}

static void nothing_to_start(void **state)
{
	(void)state;
	bind_error = -ENODEV;
	assert_int_equal(forwarder_start(&f, BDF), -ENODEV);
	assert_int_equal(f.child.pid, -1);
	bind_error = 0;
	program = "/nonexistent/hf-forward";
	assert_int_equal(forwarder_start(&f, BDF), -ENOENT);
	assert_int_equal(forwarder_stop(&f, &c), 0);
}

static void every_fault_is_objected_to(void **state)
{
	static const struct forwarder_counts good = { .received = 9, .sent = 9, .last = 8 };
	struct forwarder_counts bad;

	(void)state;
	assert_null(forwarder_judge(&good));
#define REFUSED(member, value) do { \
	bad = good; \
	bad.member = value; \
	assert_non_null(forwarder_judge(&bad)); \
} while (0)
	REFUSED(received, 0);
	REFUSED(received, 10);
	REFUSED(lost, 1);
	REFUSED(torn, 1);
	REFUSED(duplicate, 1);
	REFUSED(late, 1);
	REFUSED(foreign, 1);
	REFUSED(sent, 8);
	REFUSED(unsent, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(proved_and_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(no_proof_in_time, setup, teardown),
		cmocka_unit_test_setup_teardown(ended_too_early, setup, teardown),
		cmocka_unit_test_setup_teardown(nonsense_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(long_driver_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(counts_must_be_there, setup, teardown),
		cmocka_unit_test_setup_teardown(failing_at_the_end_shows, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_to_start, setup, teardown),
		cmocka_unit_test_setup_teardown(every_fault_is_objected_to, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
