// SPDX-License-Identifier: GPL-2.0-only
/* Description: sessions and files of the live update orchestrator (/dev/liveupdate) */

#include "luo.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/liveupdate.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "complain.h"

int luo_open(void)
{
	int fd = open("/dev/liveupdate", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == EBUSY)
		return complain(-EBUSY, "/dev/liveupdate is open in another process");
	return complain(-errno, "no /dev/liveupdate: needs CONFIG_LIVEUPDATE, and "
			"kho=on liveupdate=on on the kernel command line");
}

int luo_create(int luo, const char *name)
{
	struct liveupdate_ioctl_create_session arg = { .size = sizeof(arg) };

	snprintf((char *)arg.name, sizeof(arg.name), "%s", name);
	if (ioctl(luo, LIVEUPDATE_IOCTL_CREATE_SESSION, &arg))
		return complain(-errno, "live update session \"%s\" cannot be made", name);
	return arg.fd;
}

int luo_retrieve(int luo, const char *name)
{
	struct liveupdate_ioctl_retrieve_session arg = { .size = sizeof(arg) };

	snprintf((char *)arg.name, sizeof(arg.name), "%s", name);
	if (!ioctl(luo, LIVEUPDATE_IOCTL_RETRIEVE_SESSION, &arg))
		return arg.fd;
	if (errno == ENOENT)
		return -ENOENT;
	return complain(-errno, "live update session \"%s\" cannot be retrieved", name);
}

int luo_preserve(int session, int fd, uint64_t token, const char *what)
{
	struct liveupdate_session_preserve_fd arg = {
		.size = sizeof(arg), .fd = fd, .token = token,
	};

	if (!ioctl(session, LIVEUPDATE_SESSION_PRESERVE_FD, &arg))
		return 0;
	if (errno == ENOENT)
		return complain(-ENOENT, "this kernel cannot preserve the %s: it has no handler "
				"for such files", what);
	return complain(-errno, "the kernel refuses to preserve the %s", what);
}

int luo_retrieve_fd(int session, uint64_t token, const char *what)
{
	struct liveupdate_session_retrieve_fd arg = { .size = sizeof(arg), .token = token };

	if (!ioctl(session, LIVEUPDATE_SESSION_RETRIEVE_FD, &arg))
		return arg.fd;
	return complain(-errno, "the %s cannot be retrieved", what);
}

int luo_finish(int session)
{
	struct liveupdate_session_finish arg = { .size = sizeof(arg) };

	if (!ioctl(session, LIVEUPDATE_SESSION_FINISH, &arg))
		return 0;
	return complain(-errno, "the live update session cannot be finished");
}
