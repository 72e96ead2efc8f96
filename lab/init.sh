#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Description: init of the machine under test: mount, run the agent, power off

export PATH=/bin:/sbin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t debugfs debug /sys/kernel/debug
mount -t tracefs trace /sys/kernel/tracing

hf-agent
rc=$?
echo "init: hf-agent exited with $rc"
# One that was killed leaves a machine on which another must be able to go on, and a third one when
# that has brought it to its end.
for exit in again ended; do
	[ $rc = 137 ] || break
	hf-agent --exit=$exit
	rc=$?
done
sync
poweroff -f
