// SPDX-License-Identifier: GPL-2.0-only
/* Description: tests of the QMP client against prepared answers */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "qmp.c"

#define GREETING "{\"QMP\":{\"version\":{\"qemu\":{\"micro\":3,\"minor\":1,\"major\":11}," \
		 "\"package\":\"p\"}}}\n"
#define RETURN "{\"return\":{}}\n"

/* A client whose peer has already said @answers; its end is in @peer. */
static void meet(struct qmp *q, int *peer, const char *answers)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(write(ends[1], answers, strlen(answers)), strlen(answers));
	memset(q, 0, sizeof(*q));
	q->deadline = lab_now_ms() + 5000;
	q->fd = ends[0];
	*peer = ends[1];
}

static void part(struct qmp *q, int peer)
{
	close(q->fd);
	close(peer);
}

static void test_open(void **state)
{
	char version[64], sent[256] = "";
	struct qmp q;
	int peer;

	(void)state;
	meet(&q, &peer, GREETING "{\"event\":\"RESUME\"}\n" RETURN);
	assert_int_equal(qmp_open(&q, q.fd, version, sizeof(version)), 0);
	assert_string_equal(version, "11.1.3 (p)");
	assert_true(read(peer, sent, sizeof(sent) - 1) > 0);
	assert_non_null(strstr(sent, "qmp_capabilities"));
	part(&q, peer);
}

static void test_read32(void **state)
{
	static const uint64_t address[] = { 0xfed9001c, 0xb0100004 };
	uint32_t value[2];
	struct qmp q;
	int peer;

	(void)state;
	meet(&q, &peer, "{\"return\":\"fed9001c: 0xc7000000\\r\\n\"}\n{\"event\":\"X\"}\n"
	     "{\"return\":\"b0100004: 0x00100507\\r\\n\"}\n");
	assert_int_equal(qmp_read32(&q, address, value, 2, 2), 0);
	assert_int_equal(value[0], 0xc7000000);
	assert_int_equal(value[1], 0x00100507);
	part(&q, peer);
}

/* What is in one piece is read as one; what is not there, need not be. */
static void test_pieces(void **state)
{
	static const uint64_t address[] = {
		0x34, 0x1000, 0x1004, 0x1008, 0x100c, 0x1010, 0x9000, 0x9004,
	};
	char sent[2048] = "";
	uint32_t value[8];
	struct qmp q;
	int peer;

	(void)state;
	meet(&q, &peer, "{\"return\":\"34: 0x7\\r\\n\"}\n"
	     "{\"return\":\"1000: 0x0 0x1 0x2 0x3\\r\\n\"}\n{\"return\":\"1010: 0x4\\r\\n\"}\n"
	     "{\"return\":\"Cannot access memory\\r\\n\"}\n");
	assert_int_equal(qmp_read32(&q, address, value, 8, 1), 0);
	assert_int_equal(value[0], 7);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(value[1 + i], i);
	assert_true(value[6] == UINT32_MAX && value[7] == UINT32_MAX);
	assert_true(read(peer, sent, sizeof(sent) - 1) > 0);
	assert_non_null(strstr(sent, "xp /4wx 0x1000\""));
	assert_non_null(strstr(sent, "xp /1wx 0x1010\""));
	assert_non_null(strstr(sent, "xp /2wx 0x9000\""));
	part(&q, peer);
	/* A line that ends too early is no answer. */
	meet(&q, &peer, "{\"return\":\"1000: 0x0 0x1 0x2\\r\\n\"}\n");
	assert_int_equal(qmp_read32(&q, address + 1, value, 4, 4), -EPROTO);
	part(&q, peer);
}

static void test_unreadable_memory(void **state)
{
	static const uint64_t address[] = { 0xfed9001c };
	uint32_t value[1];
	struct qmp q;
	int peer;

	(void)state;
	meet(&q, &peer, "{\"return\":\"Cannot access memory\\r\\n\"}\n");
	assert_int_equal(qmp_read32(&q, address, value, 1, 1), -EPROTO);
	assert_non_null(strstr(q.error, "Cannot access memory"));
	part(&q, peer);
}

static void test_refusal(void **state)
{
	struct qmp q;
	int peer;

	(void)state;
	meet(&q, &peer, "{\"error\":{\"class\":\"X\",\"desc\":\"no such group\"}}\n");
	assert_int_equal(qmp_set_rate(&q, 5), -EPROTO);
	assert_non_null(strstr(q.error, "no such group"));
	part(&q, peer);
}

static void test_rate_request(void **state)
{
	char sent[512] = "";
	struct qmp q;
	json_t *message;
	int peer;

	(void)state;
	meet(&q, &peer, RETURN);
	assert_int_equal(qmp_set_rate(&q, 120), 0);
	assert_true(read(peer, sent, sizeof(sent) - 1) > 0);
	message = json_loads(sent, 0, NULL);
	assert_string_equal(json_string_at(message, "arguments.path"), "/objects/tg");
	assert_int_equal(json_int_at(message, "arguments.value.iops-total"), 120);
	json_decref(message);
	part(&q, peer);
}

static void test_silence_ends(void **state)
{
	struct qmp q;
	int peer;

	(void)state;
	meet(&q, &peer, "{\"return\":");
	q.deadline = lab_now_ms() + 20;
	assert_int_equal(qmp_set_rate(&q, 5), -ETIMEDOUT);
	part(&q, peer);
}

static void test_a_late_answer_is_not_the_next_one(void **state)
{
	static const char late[] = "{\"return\":\"0: 0x5\\r\\n\"}\n{\"return\":\"registers\"}\n";
	static const uint64_t address[] = { 0 };
	uint32_t value[1];
	json_t *result;
	struct qmp q;
	int peer;

	(void)state;
	meet(&q, &peer, "");
	q.deadline = lab_now_ms() + 20;
	assert_int_equal(qmp_read32(&q, address, value, 1, 1), -ETIMEDOUT);
	assert_true(write(peer, late, sizeof(late) - 1) > 0);
	q.deadline = lab_now_ms() + 1000;
	assert_int_equal(qmp_run(&q, "human-monitor-command", NULL, &result), 0);
	assert_string_equal(json_string_value(result), "registers");
	json_decref(result);
	part(&q, peer);
}

static void test_emulator_gone(void **state)
{
	struct qmp q;
	int peer;

	(void)state;
	meet(&q, &peer, "");
	close(peer);
	assert_int_equal(qmp_set_rate(&q, 5), -EPIPE);
	close(q.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_read32),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_unreadable_memory),
		cmocka_unit_test(test_refusal),
		cmocka_unit_test(test_rate_request),
		cmocka_unit_test(test_silence_ends),
		cmocka_unit_test(test_a_late_answer_is_not_the_next_one),
		cmocka_unit_test(test_emulator_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
