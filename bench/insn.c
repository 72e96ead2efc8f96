// SPDX-License-Identifier: GPL-2.0-only
/* Description: QEMU plugin: counts the guest's instructions where the guest can read them */

/*
 * Instructions are what an emulated processor can be compared by: they do not depend on how
 * fast the host emulates which of them, or on what else it does. Argument counts=PATH: a shared
 * file of which processor n has the 64 bytes from n * 64 on; the first 8 are its count. The
 * machine shows the file to the guest as an ivshmem device (lab/machine-qemu).
 *
 * A block that an exception ends early counts as whole.
 *
 * QEMU's plugin interface, version 7 (docs/devel/tcg-plugins of QEMU 11.1); Debian packages no
 * header of it.
 */

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define PROCESSORS 64
#define SIZE (1 << 20)	/* of the file: what the device's BAR may be at least */

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   void (*cb)(struct qemu_plugin_tb *tb, void *data),
					   void *data);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  void (*cb)(unsigned int vcpu, void *data), int flags,
					  void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

extern EXPORT int qemu_plugin_version;
int qemu_plugin_version = 7;

/* A cache line each: processors are threads of the emulator. */
static struct {
	volatile uint64_t count;
	uint64_t unused[7];
} *counts;

static void count(unsigned int vcpu, void *data)
{
	if (vcpu < PROCESSORS)
		counts[vcpu].count += (uintptr_t)data;
}

static void translate(struct qemu_plugin_tb *tb, void *data)
{
	(void)data;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, count, 0,
					     (void *)(uintptr_t)qemu_plugin_tb_n_insns(tb));
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
	const char *path = argc == 1 && strncmp(argv[0], "counts=", 7) == 0 ? argv[0] + 7 : "";
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	(void)info;
	if (fd < 0 || ftruncate(fd, SIZE))
		return -1;
	counts = mmap(NULL, PROCESSORS * sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (counts == MAP_FAILED)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate, NULL);
	return 0;
}
