# SPDX-License-Identifier: GPL-2.0-only
# Description: what scripts share that do many runs, one after the other
# shellcheck shell=sh disable=SC2034

# A run that is interrupted ends as it does by itself; who began it goes no further.
stopped=
stop() {
	stopped=1
	# Until it is hf-lab, it is a shell that waits for make or dpkg: these end, too.
	[ -z "$child" ] || kill -- "-$child" 2>/dev/null || kill "$child"
}

# one_run COMMAND...: what lab/run does, and its exit code. Leaves its run.json in $result: empty,
# if it did not even start and has said why.
one_run() {
	before=$(readlink build/results/latest)
	setsid "$@" </dev/null &
	child=$!
	trap stop INT TERM HUP
	# A signal ends the first wait, and not the run.
	wait "$child"
	code=$?
	[ -z "$stopped" ] || wait "$child"
	child=
	trap - INT TERM HUP
	result=
	after=$(readlink build/results/latest)
	[ "$after" = "$before" ] || result=build/results/$after/run.json
	return "$code"
}

# The machines of a run that names none.
machines() {
	case $FLAVOUR in
	'' | lab) echo qemu-intel,qemu-amd ;;
	debug) echo qemu-intel-debug,qemu-amd-debug ;;
	*)
		echo "FLAVOUR='$FLAVOUR': there are lab and debug to run with" >&2
		return 2
		;;
	esac
}

# worse RC WORST: which exit code is the worse one? All that is not ours is the lab's failure.
worse() {
	for code in 2 1 4 0; do
		case $1 in
		0 | 1 | 2 | 4) ;;
		*) set -- 2 "$2" ;;
		esac
		if [ "$1" = "$code" ] || [ "$2" = "$code" ]; then
			echo "$code"
			return
		fi
	done
}

# words LIST: of a list with commas
words() {
	printf '%s' "$1" | tr , ' '
}

# columns WIDTH: lines of words; the first is so wide, the last is as long as it is
columns() {
	awk -v width="$1" '{ printf "%-" width "s", $1
		for (i = 2; i <= NF; i++) printf " %11s", $i
		print "" }'
}

# table FILE [NAME FIELD]: the names in configs/FILE, or a field of the line of that name;
# FIELD 0: all of it
table() {
	awk -v name="$2" -v field="${3:-1}" '!/^#/ && NF && (name == "" || name == $1) { print $field }' \
		"configs/$1" | paste -sd ' '
}
