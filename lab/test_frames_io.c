// SPDX-License-Identifier: GPL-2.0-only
/* Description: frames over a stream socket: prefixes, pieces, backpressure, names that go away */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>

#include "frames_io.c"

static volatile sig_atomic_t stop;
static struct frames_io *io;
static int peer;

static int setup(void **state)
{
	int fd[2];

	(void)state;
	stop = 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd))
		return -1;
	peer = fd[1];
	return frames_io_socket(fd[0], 4096, &io);
}

static int teardown(void **state)
{
	(void)state;
	io->ops->close(io);
	if (peer >= 0)
		close(peer);
	return 0;
}

static void prefix_goes_before(void **state)
{
	uint8_t got[80];

	(void)state;
	assert_int_equal(io->ops->send(io, "0123456789", 10), 0);
	assert_int_equal(read(peer, got, sizeof(got)), 14);
	assert_memory_equal(got, "\0\0\0\x0a" "0123456789", 14);
}

static void received_in_any_portions(void **state)
{
	static const char bytes[] = "\0\0\0\x03" "abc" "\0\0\0\x01" "d";
	char buf[8] = "";

	(void)state;
	for (unsigned int i = 0; i < 7; i++) {
		assert_int_equal(io->ops->receive(io, buf, sizeof(buf)), 0);
		assert_int_equal(write(peer, bytes + i, 1), 1);
	}
	assert_int_equal(io->ops->receive(io, buf, sizeof(buf)), 3);
	assert_memory_equal(buf, "abc", 3);
	for (unsigned int i = 7; i < 12; i++) {
		assert_int_equal(io->ops->receive(io, buf, sizeof(buf)), 0);
		assert_int_equal(write(peer, bytes + i, 1), 1);
	}
	assert_int_equal(io->ops->receive(io, buf, sizeof(buf)), 1);
	assert_int_equal(buf[0], 'd');
	assert_int_equal(io->ops->receive(io, buf, sizeof(buf)), 0);
}

static void too_long_for_the_buffer(void **state)
{
	char buf[4] = "";

	(void)state;
	assert_int_equal(write(peer, "\0\0\0\x06" "abcdef" "\0\0\0\x01g", 15), 15);
	assert_int_equal(io->ops->receive(io, buf, 3), 6);
	assert_string_equal(buf, "abc");
	assert_int_equal(io->ops->receive(io, buf, 3), 1);
	assert_int_equal(buf[0], 'g');
}

static void nonsense_is_refused(void **state)
{
	char buf[4];

	(void)state;
	assert_int_equal(write(peer, "GET / HTTP/1.0", 14), 14);
	assert_int_equal(io->ops->receive(io, buf, sizeof(buf)), -EPROTO);
}

static void empty_frame_is_refused(void **state)
{
	char buf[4];

	(void)state;
	assert_int_equal(write(peer, "\0\0\0\0", 4), 4);
	assert_int_equal(io->ops->receive(io, buf, sizeof(buf)), -EPROTO);
}

/* Nothing that was sent whole may be missing, and nothing be torn, whatever was held back. */
static void backpressure_loses_nothing(void **state)
{
	uint8_t frame[1000], got[1004];
	unsigned int sent = 0, received = 0, held = 0;

	(void)state;
	while (received < 50) {
		memset(frame, (int)sent, sizeof(frame));
		if (sent < 50) {
			int err = io->ops->send(io, frame, sizeof(frame));

			assert_true(err == 0 || err == -EAGAIN);
			if (err == 0) {
				sent++;
				continue;
			}
			held++;
		}
		/* 17 bytes first, so that the sender has to go on inside a frame. */
		assert_int_equal(recv(peer, got, 17, MSG_WAITALL), 17);
		if (sent < 50 && io->ops->send(io, frame, sizeof(frame)) == 0)
			sent++;
		while (recv(peer, got + 17, sizeof(got) - 17, MSG_PEEK | MSG_DONTWAIT) <
		       (ssize_t)sizeof(got) - 17)
			sent += io->ops->send(io, frame, sizeof(frame)) == 0;
		assert_int_equal(recv(peer, got + 17, sizeof(got) - 17, MSG_WAITALL),
				 sizeof(got) - 17);
		assert_int_equal(got[2] << 8 | got[3], 1000);
		for (unsigned int i = 4; i < sizeof(got); i++)
			assert_int_equal(got[i], received);
		received++;
	}
	assert_int_equal(sent, 50);
	assert_true(held > 0);
}

/* What the peer sent before it went is received before its end is. */
static void end_of_peer(void **state)
{
	char buf[4];

	(void)state;
	assert_int_equal(write(peer, "\0\0\0\x01x\0\0", 7), 7);
	close(peer);
	peer = -1;
	assert_int_equal(io->ops->receive(io, buf, sizeof(buf)), 1);
	assert_int_equal(io->ops->receive(io, buf, sizeof(buf)), -EPIPE);
	assert_int_equal(io->ops->send(io, "x", 1), -EPIPE);
}

static void wait_ends_in_time_or_by_a_frame(void **state)
{
	uint64_t start = frames_now_ns();

	(void)state;
	io->ops->wait(io, start + 20000000, false);
	assert_true(frames_now_ns() >= start + 20000000);
	assert_int_equal(write(peer, "\0\0\0\x01x", 5), 5);
	io->ops->wait(io, frames_now_ns() + 20000000000, false);
	assert_true(frames_now_ns() < start + 10000000000);
	io->ops->wait(io, frames_now_ns() + 20000000000, true);
	io->ops->wait(io, 0, false);
	assert_true(frames_now_ns() < start + 10000000000);
}

static void nobody_listens(void **state)
{
	(void)state;
	stop = 0;
	assert_int_equal(frames_connect("/tmp/hf-no-such-socket", 30, &stop), -ETIMEDOUT);
	assert_int_equal(frames_listen("/tmp/hf-no-such-dir/socket", 30, &stop), -ENOENT);
	stop = 1;
	assert_int_equal(frames_connect("/tmp/hf-no-such-socket", 10000, &stop), -EINTR);
}

/* The name of a socket is gone when listening is over, however it ended. */
static void listen_leaves_no_name(void **state)
{
	char path[64];
	int child, fd;

	(void)state;
	stop = 0;
	snprintf(path, sizeof(path), "/tmp/hf-frames-%d.sock", (int)getpid());
	assert_int_equal(frames_listen(path, 10, &stop), -ETIMEDOUT);
	assert_int_equal(access(path, F_OK), -1);
	child = fork();
	if (child == 0) {
		fd = frames_connect(path, 10000, &stop);
		_exit(fd >= 0 && write(fd, "y", 1) == 1 ? 0 : 1);
	}
	fd = frames_listen(path, 10000, &stop);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, path + 60, 1), 1);
	assert_int_equal(path[60], 'y');
	assert_int_equal(access(path, F_OK), -1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(prefix_goes_before, setup, teardown),
		cmocka_unit_test_setup_teardown(received_in_any_portions, setup, teardown),
		cmocka_unit_test_setup_teardown(too_long_for_the_buffer, setup, teardown),
		cmocka_unit_test_setup_teardown(nonsense_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(empty_frame_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(backpressure_loses_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(end_of_peer, setup, teardown),
		cmocka_unit_test_setup_teardown(wait_ends_in_time_or_by_a_frame, setup, teardown),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(listen_leaves_no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
