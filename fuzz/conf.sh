#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Description: fuzz target: machine and profile files with any damage, read by lab/conf
#
# usage: conf.sh SECONDS FOLDER
# Every file of configs/ is changed in up to three places. What lab/conf takes must be what the
# file says and run nothing; what it refuses, it refuses with one line and code 2. A file that
# breaks this is kept in FOLDER.
set -eu

cd "$(dirname "$0")/.."
seconds=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
saved=$2
seed=${FUZZ_SEED:-$(date +%s)}

# damage FILE SEED: bytes and pieces that mean something to a shell, somewhere in it
damage() {
	LC_ALL=C awk -v seed="$2" '
	function pick(n) { return int(rand() * n) }
	BEGIN {
		srand(seed)
		pieces = split("$(touch RAN)|`touch RAN`|\047|\"|\\|\\n|\\c|;|&|\n|=|==|#| |\t|\r|\001|" \
			"\033[2J|\377|-n|-e|*|?|[a|%s|${HOME}|$((1/0))|\047; touch RAN; \047|0|9999999|x|,", piece, "|")
		pieces++
		piece[pieces] = "||"
		keys = split("KIND CPUS APPEND LOAD CYCLES NVME_BDF BYSTANDERS PATH IFS", key, " ")
	}
	{ text = text $0 "\n" }
	END {
		for (n = 1 + pick(3); n > 0; n--) {
			at = pick(length(text)) + 1
			cut = pick(4) ? 0 : pick(40)
			put = pick(6) ? piece[1 + pick(pieces)] : key[1 + pick(keys)] "="
			text = substr(text, 1, at - 1) put substr(text, at + cut)
		}
		printf "%s", text
	}' "$1"
}

bad() {
	cp "$tmp/file" "$saved/conf-$seed"
	echo "must hold: $1; again: lab/conf $what $saved/conf-$seed"
	exit 1
}

# What was taken must be what the file says, key by key.
check_taken() {
	rm -f "$tmp/RAN"
	(
		cd "$tmp"
		eval "$(cat out)"
		while IFS= read -r line || [ -n "$line" ]; do
			case $line in
			[A-Z]*) ;;
			*) continue ;;
			esac
			value=
			eval "value=\$${line%%=*}"
			[ "$value" = "${line#*=}" ] || exit 1
		done < file
	) 2>"$tmp/said" || bad "values are those of the file"
	[ ! -e "$tmp/RAN" ] || bad "no value is run"
}

check_refused() {
	[ "$rc" = 2 ] || bad "it leaves with 2, not $rc"
	[ ! -s "$tmp/out" ] || bad "nothing comes out"
	[ "$(wc -l < "$tmp/err")" = 1 ] || bad "one line says why"
	! LC_ALL=C grep -q '[^ -~]' "$tmp/err" || bad "what it says is printable"
}

until=$(($(date +%s) + seconds))
n=0 taken=0
while [ "$(date +%s)" -lt "$until" ]; do
	for file in configs/machines/*.conf configs/profiles/*.conf; do
		what=${file#configs/}
		what=${what%%s/*}
		damage "$file" "$seed" > "$tmp/file"
		rc=0
		lab/conf "$what" "$tmp/file" > "$tmp/out" 2> "$tmp/err" || rc=$?
		n=$((n + 1))
		seed=$((seed + 1))
		if [ "$rc" = 0 ]; then
			taken=$((taken + 1))
			check_taken
		else
			check_refused
		fi
	done
done
echo "$n files, $taken of them taken, in $seconds s"
