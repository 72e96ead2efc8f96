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

# newest SCHEMA KEY WHOLE: of each KEY of the results in files of that SCHEMA the newest, as one array,
# each with those of the same series, itself too, as runs; WHOLE says of one whether it has what it must
newest() {
	# shellcheck disable=SC2086 # a list of files
	jq -n --arg schema "$1" --arg series "$series" "$of_series"'
		[inputs | select(.schema == $schema) | . as $file | .results[]
			| if '"$3"' then . else error("not whole") end | . + {
			command: (if $file.command == "" then "by hand" else $file.command end), cpu: $file.host.cpu,
			started: $file.started, series: $file.kernel.series_sha256,
			date: $file.started[0:10], now: ($file.kernel.series_sha256 == $series),
			of: ($file.kernel.series_sha256 | of_series) }]
		| group_by('"$2"') | map(max_by([.now, .started]) as $last
			| $last + { runs: map(select(.series == $last.series)) })' $benches < /dev/null 2> "$tmp/jq.log" ||
		die "a result of schema $1 lacks something"
}

# bench_caption FILE: where the figures of these results come from, a line for each command
bench_caption() {
	jq -r 'map("\(.command) on \(.cpu), series \(.of), \(.date)") | unique | join("\\n")' "$1"
}

strategies="every-entry per-page ours floor"

# panels NAME PHASE WHAT: ns per table against size, a panel for each format
panels() {
	set -- "$1" "$2" "$3" "$(jq -r 'map(.format) | unique | join(" ")' "$tmp/sizes.json")"
	count=$(echo "$4" | wc -w)
	caption=$(bench_caption "$tmp/sizes.json")
	{
		cat <<-END
			set logscale xy
			set xlabel "mapped, GiB"
			set format x "%.0f"
			set grid xtics ytics
			set xrange [$(jq -r 'map(.size / 1073741824) | "\(min / 1.5):\(max * 1.5)"' "$tmp/sizes.json")]
			unset bmargin
			set multiplot layout 1,$count title "$3" margins 0.07,0.84,0.25,0.86 spacing 0.06
			set ylabel "ns" offset 1
			set key at screen 0.99,0.84 right top samplen 3
		END
		for format in $4; do
			echo "set title \"$format\""
			plots=
			for strategy in $strategies; do
				jq -r --arg format "$format" --arg strategy "$strategy" --arg phase "$2" '
					map(select(.format == $format)) | sort_by(.size)[] | .size as $size
					| .strategies[$strategy] // empty | .tables as $n | .ns[$phase]
					| [$size / 1073741824, .median / $n, .min / $n, .max / $n] | @tsv' \
					"$tmp/sizes.json" > "$tmp/$1-$format-$strategy"
				[ -s "$tmp/$1-$format-$strategy" ] || continue
				style="linewidth 2"
				[ "$strategy" != floor ] || style="linewidth 2 dashtype 2 linecolor rgb \"black\""
				plots="$plots${plots:+, }\"$tmp/$1-$format-$strategy\" with yerrorlines $style title \"$strategy\""
			done
			echo "plot $plots"
			# Once is enough.
			echo "unset key"
			echo "unset ylabel"
			echo "unset label 1"
		done
		echo "unset multiplot"
	} > "$tmp/panels.gp"
	plot "$1" "" "$caption" 440 < "$tmp/panels.gp"
	picture "$1" "$3"
}

newest holdfast/walk/1 .shape '.strategies.ours and .tables and .size' > "$tmp/walks.json"
jq 'sort_by(.format, .leaf, .size, .placement, .fill, .cache)' "$tmp/walks.json" > "$tmp/walk.json"
# The shapes that differ in nothing but format and size.
jq '[.[] | select(.leaf == 4096 and .placement == "scattered" and .fill == "dense" and .cache == "cold")]
	| group_by(.format) | map(select(length > 1)) | add // []' "$tmp/walk.json" > "$tmp/sizes.json"

# Of several runs the medians, and of ratios how far they are apart.
walk_rows() {
	lines "$tmp/walk.json" 'def r($digits): . * pow(10; $digits) | round / pow(10; $digits);
		def all(f; $digits): [.runs[] | f | numbers | r($digits)] | sort;
		def median: .[(length - 1) / 2 | floor] // "-";
		def spread: "\(median)\(if length > 1 then " (\(min)..\(max))" else "" end)";
		.[] | [ .shape, .of, .date, (.runs | length), .tables,
			(("every-entry", "per-page", "ours", "floor") as $s
				| all(.strategies[$s].walk_ns_per_table; 2) | median),
			.strategies.ours.entries_read, .strategies.ours.bytes_touched,
			(all(.strategies.ours.ns.retrieve.median; 0) | median),
			(all(.strategies.ours.walk_ratio.every_entry; 1) | spread),
			(all(.strategies.ours.walk_ratio.floor; 2) | spread),
			(all(.strategies.ours.restore_free_ns_per_table; 2) | median),
			(all(.strategies.ours.restore_free_ratio.floor; 2) | spread),
			(.runs | map("`\(.command)`") | unique | join(", ")) ]'
}

{
	if ! lacks "$tmp/walk.json" "the restore walk, native" "make bench"; then
		if ! lacks "$tmp/sizes.json" "ns per table against size" "make bench"; then
			panels walk walk "Restore walk, ns per table: leaves of 4 KiB, scattered, cold (median, least and most)"
			panels restore-free restore_free "Restore and free, ns per table: leaves of 4 KiB, scattered, cold (median, least and most)"
		fi
		echo "Walk in ns per table, median; entries and bytes of ours. Ratios: how many times as fast as"
		echo "*every-entry*, which reads each entry of each table; and how many times as long as the *floor*,"
		echo "which touches only what any correct restore must touch. Retrieve: what a device waits for, ns."
		echo "Where a series has several runs of a shape: medians over them, of ratios also (least..most)."
		echo
		table_head shape series date runs tables every-entry per-page ours floor "entries read" \
			"bytes touched" retrieve "walk: faster than every-entry" "walk: of floor" \
			"restore and free, ns per table" "restore and free: of floor" command
		walk_rows
	fi
} > "$tmp/walk.md"

# Older files do not say how many blocks are adjacent.
adjacent='(.adjacent // { isolated: 1, clustered: 16 }[.placement])'
newest holdfast/reserve/1 "[.placement, $adjacent, .blocks, .strategy]" '.blocks and .ns_per_block.median' \
	> "$tmp/reserves.json"
jq "map(.adjacent = $adjacent)"' | sort_by(.placement != "isolated", .placement, .adjacent, .blocks,
	.strategy == "after")' "$tmp/reserves.json" > "$tmp/reserve.json"

# The isolated ones, and those that are most adjacent
reserve_picture() {
	plots=
	for line in $(jq -r '(map(.adjacent) | max) as $most | .[] | select(.adjacent == 1 or .adjacent == $most)
		| select(.adjacent) | "\(.adjacent)-\(.strategy)"' "$tmp/reserve.json" | sort -u); do
		jq -r --arg line "$line" '.[] | select("\(.adjacent)-\(.strategy)" == $line) | .blocks as $n
			| [$n, (.ns_per_block | .median, .min, .max | . * $n / 1e6)] | @tsv' \
			"$tmp/reserve.json" > "$tmp/reserve-$line"
		case $line in
		1-*) of=isolated ;;
		*) of="${line%-*} adjacent" ;;
		esac
		plots="$plots${plots:+, }\"$tmp/reserve-$line\" with yerrorlines linewidth 2 title \"$of, ${line#*-}\""
	done
	plot early-reserve "Early reserve, before and after (median, least and most)" \
		"$(bench_caption "$tmp/reserve.json")" <<-END
		set logscale xy
		set grid xtics ytics
		set xlabel "blocks"
		set rmargin 5
		set ylabel "ms"
		set format x "%.0f"
		set key left top
		plot $plots
	END
	picture early-reserve "early reserve against blocks"
}

{
	if ! lacks "$tmp/reserve.json" "early reserve against blocks" "make bench"; then
		reserve_picture
		table_head placement adjacent blocks strategy "ns per block" "ms, all" series date command
		lines "$tmp/reserve.json" '.[] | [ .placement, (.adjacent // "-"), .blocks, .strategy,
			(.ns_per_block.median * 10 | round / 10), (.ns_per_block.median * .blocks / 10000 | round / 100), .of, .date, "`\(.command)`" ]'
	fi
} > "$tmp/reserve.md"

newest holdfast/preserve/1 '[.cache, .tables, .adjacent, .strategy]' \
	'.tables and .adjacent and .ns_per_table.median' |
	jq 'map(select(.cache == "cold")) | sort_by(.tables, .adjacent, .strategy)' > "$tmp/preserve.json"
# Both, where both were measured, before and after, with as many tables and as many of them adjacent.
jq --slurpfile reserve "$tmp/reserve.json" 'map(.ns = .ns_per_table.median)
	+ ($reserve[0] | map(select(.adjacent) | .tables = .blocks | .ns = .ns_per_block.median))
	| [group_by(.tables)[] | [group_by(.adjacent)[]
			| .[0] + { ns: (map({ (.strategy): .ns }) | add) }
			+ (. as $all | ["of", "date", "command"] | map({ (.): (. as $what | $all | map(.[$what])
				| unique | join(", ")) }) | add)
			| select(.ns | .each and .batch and .before and .after)
			| .before = .ns.each + .ns.before | .after = .ns.batch + .ns.after]
		| (map(select(.adjacent == 1))[0].before) as $isolated | .[] | .isolated = $isolated]' \
	"$tmp/preserve.json" > "$tmp/together.json"
{
	if ! lacks "$tmp/preserve.json" "what it takes to preserve a table" "make bench"; then
		echo "ns per table, median, by how many tables are adjacent. *each*: KHO is told of one at a time;"
		echo "*batch*: as the kernel does it; *floor*: each entry is read, each struct page marked, no more."
		echo
		table_head tables adjacent each batch floor "each, isolated, by batch" series date command
		lines "$tmp/preserve.json" 'group_by(.tables)[] | (map(select(.strategy == "each")) | min_by(.adjacent)
				| .ns_per_table.median) as $single
			| group_by(.adjacent)[] | (map({ (.strategy): .ns_per_table.median }) | add) as $ns
			| [ .[0].tables, .[0].adjacent, ($ns.each, $ns.batch, $ns.floor | . * 10 | round / 10),
				($single / $ns.batch * 10 | round / 10), .[0].of, .[0].date, "`\(.[0].command)`" ]'
		echo
	fi
	if ! lacks "$tmp/together.json" "preserve and early reserve together" "make bench"; then
		echo "Preserve and early reserve together, ns per table. Before: KHO is told of one table at a time,"
		echo "and the base reserves them one by one, for which each takes the longer the more there are."
		echo "After: as the kernel does it. Ratios: what tables of which none are adjacent took before, by"
		echo "these after; and these before, by these after."
		echo
		table_head tables adjacent "preserve, before" after "early reserve, before" after \
			"together, before" after "isolated before, by this after" "this before, by this after" \
			series date command
		lines "$tmp/together.json" 'def r: . * 10 | round / 10;
			.[] | [ .tables, .adjacent, (.ns.each, .ns.batch, .ns.before, .ns.after, .before, .after | r),
				(if .isolated then .isolated / .after | r else "-" end), (.before / .after | r),
				.of, .date, "`\(.command)`" ]'
	fi
} > "$tmp/preserve.md"
