// SPDX-License-Identifier: GPL-2.0-only
/* Description: clocks: one for timeouts, and the TSC, which runs through a kexec */

#include "clock.h"

#include <cpuid.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MSR_TSC_ADJUST 0x3b

/* The hypervisor's name is in the registers of leaf 0x40000000. */
static bool under_tcg(void)
{
	unsigned int a, b, c, d;
	char name[12];

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & 1u << 31))
		return false;
	__cpuid(0x40000000, a, b, c, d);
	memcpy(name, &b, 4);
	memcpy(name + 4, &c, 4);
	memcpy(name + 8, &d, 4);
	return memcmp(name, "TCGTCGTCGTCG", sizeof(name)) == 0;
}

bool tsc_invariant(void)
{
	unsigned int a, b, c, d;

	if (__get_cpuid(0x80000007, &a, &b, &c, &d) && d & 1u << 8)
		return true;
	return under_tcg();
}

static uint64_t raw_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

uint32_t tsc_khz(void)
{
	uint64_t ns = raw_ns(), tsc = tsc_now();

	sleep_ms(100);
	ns = raw_ns() - ns;
	tsc = tsc_now() - tsc;
	return (uint32_t)(tsc * 1000000 / ns);
}

bool tsc_adjust(uint64_t *value)
{
	int fd = open("/dev/cpu/0/msr", O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && pread(fd, value, sizeof(*value), MSR_TSC_ADJUST) == sizeof(*value);

	if (fd >= 0)
		close(fd);
	return ok;
}
