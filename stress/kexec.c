// SPDX-License-Identifier: GPL-2.0-only
/* Description: load the next kernel from files, and jump */

#include "kexec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "complain.h"

int kexec_cmdline(char *cmdline, size_t size)
{
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, cmdline, size - 1);
	int err = n < 0 ? complain(-errno, "/proc/cmdline") : 0;

	if (fd >= 0)
		close(fd);
	if (err)
		return err;
	cmdline[n] = 0;
	cmdline[strcspn(cmdline, "\n")] = 0;
	return 0;
}

int kexec_load(int kernel, int initrd, const char *cmdline)
{
	if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(cmdline) + 1, cmdline, 0UL))
		return complain(-errno, "the next kernel cannot be loaded");
	return 0;
}

int kexec_jump(void)
{
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC,
		NULL);
	return complain(-errno, "the kernel refuses the jump");
}
