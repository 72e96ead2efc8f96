# SPDX-License-Identifier: GPL-2.0-only
# Description: what the tests of the native benches have in common; sourced
# shellcheck shell=sh

cd "$(dirname "$0")/.." || exit 2
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
bad=0
# The bench under test
program=

fail() {
	echo "FAIL $*"
	sed 's/^/  /' "$tmp/out" "$tmp/err"
	bad=$((bad + 1))
}

# runs CODE ARGUMENTS...: of the bench
runs() {
	want=$1
	shift
	"$program" "$@" >"$tmp/out" 2>"$tmp/err"
	rc=$?
	[ $rc = "$want" ] || fail "$program $*: exit code $rc, wanted $want"
}

# refused TEXT ARGUMENTS...: TEXT is in the only line that is said
refused() {
	text=$1
	shift
	runs 2 "$@"
	if [ -s "$tmp/out" ] || [ "$(wc -l <"$tmp/err")" != 1 ] || ! grep -qF -e "$text" "$tmp/err"; then
		fail "$program $*: wanted one line with: $text"
	fi
}

# refuses_options: what all benches say of options
refuses_options() {
	refused "no option -x, see --help" -x
	refused "no option --fast, see --help" --fast
	refused "-o wants a value" -o
	refused "${program##*/}: $tmp/nowhere/file: No such file" -o "$tmp/nowhere/file"
	refused "no fault 'x': there are" -F x
	runs 0 --help
	grep -q "^usage: ${program##*/} " "$tmp/out" || fail "--help"
}

# holds JQ [FILE]: the JSON (of the last run) is so
holds() {
	jq -e "$1" "${2:-$tmp/out}" >/dev/null || fail "not so: $1"
}

finish() {
	[ $bad = 0 ] && echo "all as it must be"
	exit $((bad != 0))
}
