// SPDX-License-Identifier: GPL-2.0-only
/* Description: kernel-owned devices beside the preserved one: do they still work? */

#include "bystander.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "complain.h"
#include "frame.h"

#define CHUNK (128 * 1024)	/* of the drive, in one request */
#define CHUNKS 32
#define FRAME 1500
#define FRAMES 200		/* each way */
#define LINK_MS 15000		/* from switching a port on to its link */
#define FRAME_MS 10000
#define NIC_DRIVER "/e1000e"

/* A pattern that tells kernel, place and word apart. */
static uint64_t pattern(uint32_t cycle, uint32_t chunk, size_t word)
{
	uint64_t x = (uint64_t)cycle << 40 ^ (uint64_t)chunk << 20 ^ word;

	x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9ULL;
	return x ^ x >> 32;
}

static void fill(uint64_t *buf, size_t bytes, uint32_t cycle, uint32_t chunk)
{
	for (size_t i = 0; i < bytes / sizeof(*buf); i++)
		buf[i] = pattern(cycle, chunk, i);
}

static bool filled(const uint64_t *buf, size_t bytes, uint32_t cycle, uint32_t chunk)
{
	for (size_t i = 0; i < bytes / sizeof(*buf); i++) {
		if (buf[i] != pattern(cycle, chunk, i))
			return false;
	}
	return true;
}

/*
 * The drive
 */

int bystander_drive(char *path, size_t size)
{
	int err = 0;
	glob_t g;

	if (glob("/dev/nvme[0-9]*n1", 0, NULL, &g))
		return complain(-ENODEV, "no bystander drive");
	if (g.gl_pathc == 1)
		snprintf(path, size, "%s", g.gl_pathv[0]);
	else
		err = complain(-ENODEV, "%zu drives of the kernel, not 1: which is the bystander?",
			       g.gl_pathc);
	globfree(&g);
	return err;
}

static int open_drive(void)
{
	char path[64];
	int err = bystander_drive(path, sizeof(path));
	int fd;

	if (err)
		return err;
	/* With O_EXCL a drive that is mounted is busy. */
	fd = open(path, O_RDWR | O_DIRECT | O_EXCL | O_CLOEXEC);
	return fd < 0 ? complain(-errno, "the bystander drive %s cannot be opened", path) : fd;
}

/* Count chunks that hold what kernel @cycle has written. */
static int read_chunks(int fd, uint64_t *buf, uint32_t cycle, uint64_t *good, uint64_t *bad)
{
	for (uint32_t i = 0; i < CHUNKS; i++) {
		memset(buf, 0xa5, CHUNK);
		if (pread(fd, buf, CHUNK, (off_t)i * CHUNK) != CHUNK)
			return complain(-EIO, "the bystander drive cannot be read");
		if (filled(buf, CHUNK, cycle, i))
			*good += CHUNK;
		else
			(*bad)++;
	}
	return 0;
}

static int write_chunks(int fd, uint64_t *buf, uint32_t cycle)
{
	for (uint32_t i = 0; i < CHUNKS; i++) {
		fill(buf, CHUNK, cycle, i);
		if (pwrite(fd, buf, CHUNK, (off_t)i * CHUNK) != CHUNK)
			return complain(-EIO, "the bystander drive cannot be written");
	}
	return 0;
}

static int run_drive(uint32_t cycle, struct bystander_counts *c)
{
	uint64_t *buf = aligned_alloc(4096, CHUNK);
	int fd = open_drive();
	int err = fd < 0 ? fd : buf ? 0 : -ENOMEM;

	if (!err && cycle)
		err = read_chunks(fd, buf, cycle - 1, &c->kept, &c->bad);
	if (!err)
		err = write_chunks(fd, buf, cycle);
	if (!err)
		err = read_chunks(fd, buf, cycle, &c->bytes, &c->bad);
	if (fd >= 0)
		close(fd);
	free(buf);
	return err;
}

/*
 * The ports
 */

struct port {
	char name[IFNAMSIZ];
	int fd;
};

/* The two that the kernel's driver has. */
static int find_ports(struct port ports[2])
{
	char target[PATH_MAX];
	int found = 0;
	glob_t g;

	if (glob("/sys/class/net/*/device/driver", 0, NULL, &g))
		return complain(-ENODEV, "no bystander ports");
	for (size_t i = 0; i < g.gl_pathc; i++) {
		ssize_t n = readlink(g.gl_pathv[i], target, sizeof(target) - 1);

		if (n <= 0)
			continue;
		target[n] = 0;
		if (strcmp(strrchr(target, '/') ? strrchr(target, '/') : "", NIC_DRIVER) != 0)
			continue;
		if (found < 2)
			sscanf(g.gl_pathv[i], "/sys/class/net/%15[^/]", ports[found].name);
		found++;
	}
	globfree(&g);
	if (found == 2)
		return 0;
	return complain(-ENODEV, "%d bystander ports, not 2", found);
}

static int switch_on(const struct port *p)
{
	struct ifreq ifr = { 0 };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	int err = fd < 0 ? -errno : 0;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%.15s", p->name);
	if (!err && ioctl(fd, SIOCGIFFLAGS, &ifr))
		err = -errno;
	ifr.ifr_flags |= IFF_UP;
	if (!err && ioctl(fd, SIOCSIFFLAGS, &ifr))
		err = -errno;
	if (fd >= 0)
		close(fd);
	return err ? complain(err, "port %s cannot be switched on", p->name) : 0;
}

static bool has_link(const struct port *p)
{
	char path[64], state = '0';
	int fd;

	snprintf(path, sizeof(path), "/sys/class/net/%s/carrier", p->name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, &state, 1) != 1)
		state = '0';
	if (fd >= 0)
		close(fd);
	return state == '1';
}

static int open_port(struct port *p)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET, .sll_protocol = htons(FRAME_ETHERTYPE),
		.sll_ifindex = (int)if_nametoindex(p->name),
	};

	p->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(FRAME_ETHERTYPE));
	if (p->fd < 0 || bind(p->fd, (struct sockaddr *)&at, sizeof(at)))
		return complain(-errno, "port %s cannot be opened", p->name);
	return 0;
}

static void make_frame(uint64_t frame[FRAME / 8 + 1], uint32_t cycle, uint32_t n)
{
	struct ether_header *eth = (void *)frame;

	fill(frame, FRAME, cycle, n);
	memset(eth->ether_dhost, 0xff, sizeof(eth->ether_dhost));
	memset(eth->ether_shost, 0x02, sizeof(eth->ether_shost));
	eth->ether_type = htons(FRAME_ETHERTYPE);
}

/* One frame at a time: what does not come is lost, not late. */
static bool carry(const struct port *from, const struct port *to, uint32_t cycle, uint32_t n)
{
	uint64_t sent[FRAME / 8 + 1], got[FRAME / 8 + 1] = { 0 };
	struct pollfd p = { .fd = to->fd, .events = POLLIN };

	make_frame(sent, cycle, n);
	if (send(from->fd, sent, FRAME, 0) != FRAME)
		return false;
	while (poll(&p, 1, FRAME_MS) > 0) {
		if (recv(to->fd, got, sizeof(got), MSG_DONTWAIT) == FRAME &&
		    memcmp(sent, got, FRAME) == 0)
			return true;
	}
	return false;
}

static int run_ports(uint32_t cycle, struct bystander_counts *c)
{
	struct port ports[2] = { { .fd = -1 }, { .fd = -1 } };
	uint64_t end = now_ms() + LINK_MS;
	int err = find_ports(ports);

	for (int i = 0; i < 2 && !err; i++)
		err = switch_on(&ports[i]);
	while (!err && !(has_link(&ports[0]) && has_link(&ports[1]))) {
		if (now_ms() > end)
			err = complain(-ENETDOWN, "the bystander ports get no link");
		sleep_ms(20);
	}
	for (int i = 0; i < 2 && !err; i++)
		err = open_port(&ports[i]);
	for (uint32_t n = 0; n < 2 * FRAMES && !err; n++) {
		if (carry(&ports[n % 2], &ports[!(n % 2)], cycle, n))
			c->frames++;
		else if (++c->bad > 3)
			err = complain(-EIO, "frames are lost between the bystander ports");
	}
	for (int i = 0; i < 2; i++) {
		if (ports[i].fd >= 0)
			close(ports[i].fd);
	}
	return err;
}

int bystanders_init(struct bystanders *b, const char *list)
{
	*b = (struct bystanders){ .drive = strstr(list, "nvme"), .nics = strstr(list, "nic") };
	if (strcmp(list, "nvme,nic") && strcmp(list, "nvme") && strcmp(list, "nic") && *list)
		return complain(-EINVAL, "bystanders=%s: known are nvme and nic", list);
	return 0;
}

int bystanders_run(const struct bystanders *b, uint32_t cycle, struct bystander_counts *c)
{
	int err = b->drive ? run_drive(cycle, c) : 0;

	if (!err && b->nics)
		err = run_ports(cycle, c);
	if (!err && c->bad)
		err = complain(-EIO, "%llu blocks or frames of bystanders were lost or wrong",
			       (unsigned long long)c->bad);
	return err;
}
