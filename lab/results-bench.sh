# SPDX-License-Identifier: GPL-2.0-only
# Description: what lab/results makes of the benchmarks' results
# shellcheck shell=sh disable=SC2016,SC2154

rows 'select(.bench) | .bench as $b | .of as $of | .date as $date | .machine as $machine
	| (["nvme beside fio", $b.drive.best, 1.5], ["nic beside testpmd rxonly", $b.nic.best, 1.0])
	| [ "`make bench MACHINE=\($machine)`", $of, $date, .[0],
		(.[1].ratio * 100 | round / 100), "\(.[2])",
		(.[1].ours.per_cost * 10 | round / 10), (.[1].theirs.per_cost * 10 | round / 10),
		.[1].cost_in, .[1].name ]' > "$tmp/rows"
{
	if [ -s "$tmp/rows" ]; then
		echo "Work for the same cost of the whole machine, ours by that of others in the same guest (ours"
		echo "verifies every byte):"
		echo
		table_head command series date load ratio goal ours theirs per "best of theirs"
		cat "$tmp/rows"
	else
		left "our loads beside those of others" "make bench"
	fi
} > "$tmp/bench.md"
