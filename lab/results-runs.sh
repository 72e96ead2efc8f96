# SPDX-License-Identifier: GPL-2.0-only
# Description: what lab/results makes of run.json and cycles.jsonl
# shellcheck shell=sh disable=SC2016,SC2154

# plot NAME TITLE CAPTION [HEIGHT] < commands: a picture; the caption says where its figures come
# from, and has a few lines
plot() {
	lines=$(printf '%b\n' "$3" | wc -l)
	height=$((${4:-440} + lines * 15))
	{
		cat <<-END
			set terminal svg noenhanced size 900,$height font "DejaVu Sans,13" background "white"
			set output "$tmp/plots/$1.svg"
			set datafile separator "\t"
			set title "$2"
			set label 1 "$3" at screen 0.01,$((lines * 15 - 5)).0/$height font ",10"
			set bmargin at screen ($((lines * 15 + 55)).0/$height)
			set grid ytics
			set style fill solid 0.9 border -1
		END
		cat
	} > "$tmp/$1.gp"
	gnuplot "$tmp/$1.gp" > "$tmp/gnuplot.log" 2>&1 || {
		cat "$tmp/gnuplot.log" >&2
		die "gnuplot cannot draw $1"
	}
}

# Of jq: what an oracle has reported, in cycles, or in swaps if there were no cycles
oracle='def oracle($of): .oracles[$of] // (.swaps | { iommu, device: .faulted,
	data: (.lost + .corrupt + .stray), emulator, outside }[$of]) // "-";'

rows "$oracle"'select(.bench == null and .control == "none" and (.exit // "none") == "none")
	| [ "`\(.command)`", .of, .date, .verdict, "\(.cycles.completed)/\(.cycles.planned)",
		.swaps.done // 0, .dma.in_blackout, .nic.in_blackout // "-",
		.dma.faulted + .swaps.faulted, .dma.lost + .swaps.lost,
		.dma.corrupt + .swaps.corrupt, .dma.stray + .swaps.stray,
		oracle("iommu", "device", "data", "emulator", "outside"),
		"\(.blackout_ms.median // "-" | if type == "number" then round else . end) (\(.timing // "native"))",
		.reason ]' > "$tmp/rows"
{
	if [ -s "$tmp/rows" ]; then
		table_head command series date verdict cycles swaps "in blackout" "of these frames" \
			faulted lost corrupt stray iommu device data emulator outside \
			"blackout ms, median" reason
		cat "$tmp/rows"
	else
		left "runs" "make run"
	fi
} > "$tmp/runs.md"

rows 'select(.drift and .control == "none") | . as $run | .drift | to_entries[]
	| def short: . * 1000 | round / 1000;
	[ "`\($run.command)`", $run.of, $run.date, .key, (.value.slope | short), (.value.noise | short),
		(if .value.drifts then "**yes**" else "no" end) ]' > "$tmp/rows"
{
	if [ -s "$tmp/rows" ]; then
		echo "What a kernel has left behind for the next one, over the cycles of a run: slope of a straight"
		echo "line, per cycle, and the standard deviation off it (lab/SCHEMA.md, \`drift\`)."
		echo
		table_head command series date resource slope noise drifts
		cat "$tmp/rows"
	else
		left "leaks and drift" "make run CYCLES=100"
	fi
} > "$tmp/drift.md"

rows 'select((.exit // "none") != "none")
	| [ .exit, (.machine | sub("^qemu-"; "")), (.loads | join(",")), .verdict, (.exits // [] | length),
		.dma.faulted, .reason, .of, .date, "`\(.command)`" ]' > "$tmp/rows"
{
	if [ -s "$tmp/rows" ]; then
		echo "What else a hand-over can come to (configs/exits), each a run with DMA going on."
		echo
		table_head exit machine loads verdict checks faulted reason series date command
		cat "$tmp/rows"
	else
		left "the exits" "make exits"
	fi
} > "$tmp/exits.md"

rows "$oracle"'select(.control != "none" and .must_catch) | .must_catch as $must
	| def seen($of): oracle($of) | if $must | index($of) then "**\(.)**" else . end;
	[ .control, (.machine | sub("^qemu-"; "")), (.loads | join(",")),
		(if .control_caught then (if $must == [] then "no fault" else "caught" end) else "**NO**" end),
		seen("iommu"), seen("device"), seen("data"), seen("emulator"), seen("outside"),
		.of, .date, "`\(.command)`" ]' > "$tmp/rows"
{
	if [ -s "$tmp/rows" ]; then
		echo "How much each oracle reported. Bold: it must see the control (configs/controls). A full ring"
		echo "is no fault, and none may report it."
		echo
		table_head control machine loads verdict iommu device data emulator outside series date command
		cat "$tmp/rows"
	else
		left "runs that were broken on purpose" "make run CONTROL=all"
	fi
} > "$tmp/controls.md"

rows 'def ms($of): .steps_ns[$of].median // null | if . then . / 10000 | round / 100 else "-" end;
	select(.map_gib // 0 | . > 0) | select(.steps_ns and .restore_walk)
	| [ "`\(.command)`", .of, .date, .map_gib, .restore_walk.tables,
		(.restore_walk.levels // [] | map(tostring) | join(" ") | if . == "" then "-" else . end),
		.restore_walk.entries_read, .restore_walk.where,
		(.restore_walk.ns.median / 10000 | round / 100),
		ms("preserve"), ms("freeze"), ms("early_reserve"), ms("record"), ms("retrieve"),
		ms("attach"), ms("map"), ms("replace"), ms("free"),
		(.blackout_ms.median // "-" | if type == "number" then round else . end), .timing,
		(.iommu_pmu // {} | length | if . == 0 then "not here" else "\(.) events" end) ]' > "$tmp/rows"
{
	if [ -s "$tmp/rows" ]; then
		echo "One memfd, mapped again and again in pages of 4 KiB, goes through the whole path. Times are"
		echo "medians in ms over the cycles, of the steps that lab/SCHEMA.md names (\`steps_ns\`); -: the"
		echo "kernel does not tell. Levels: tables, those of leaves first."
		echo
		table_head command series date "IOVA, GiB" tables levels "entries read" "walk at" walk preserve \
			freeze "early reserve" record retrieve attach map replace free blackout timing \
			"IOMMU counters"
		cat "$tmp/rows"
	else
		left "the restore walk in the booted kernel" "make run PROFILE=restore"
	fi
} > "$tmp/restore.md"

# Of each machine the longest clean run of the smoke profile; rather an older one with enough cycles
# for a histogram than a newer one without.
jq '[.[] | select(.profile == "smoke" and .control == "none" and (.exit // "none") == "none" and
		.stretch_ms == 0 and .verdict == "pass" and .blackout_ms.phases and
		(.map_gib // 0) == 0)]
	| group_by(.machine) | map(max_by([.cycles.completed >= 10, .now, .cycles.completed, .started]))' \
	"$tmp/all.json" > "$tmp/clean.json"
emulated=$(jq -r 'if any(.timing == "emulated") then " (emulated: order, not latency)" else "" end' \
	"$tmp/clean.json")
caption=$(jq -r 'map("\(.command), series \(.of), \(.date)") | join("\\n")' "$tmp/clean.json")

phases() {
	jq -r '["shutdown", "jump", "early_boot", "restore", "init", "retrieve", "resume"] as $phases
		| (["machine"] + $phases), (.[] | [.machine + if .timing == "emulated" then " (emulated)"
			else "" end] + [.blackout_ms.phases[$phases[]].median // 0]) | @tsv' \
		"$tmp/clean.json" > "$tmp/phases.tsv"
	plot blackout-phases "Blackout by phase, median of the cycles$emulated" "$caption" <<-END
		set style data histograms
		set style histogram rowstacked
		set boxwidth 0.5
		set key outside right top invert
		set ylabel "ms"
		set yrange [0:*]
		plot for [i=2:8] "$tmp/phases.tsv" using i:xtic(1) title columnheader(i)
	END
	picture blackout-phases "blackout by phase$emulated"
}

# Of the runs that have ten cycles: with fewer there is no shape to see.
histogram() {
	: > "$tmp/histogram"
	jq -r '.[] | select(.cycles.completed >= 10) | "\(.machine) \(.folder)"' "$tmp/clean.json" |
		while read -r machine folder; do
			[ -r "$folder/cycles.jsonl" ] || die "$folder/cycles.jsonl cannot be read"
			check cycles '' "$folder/cycles.jsonl"
			jq -r 'select(.verdict == "pass") | .blackout.ms // empty' \
				"$folder/cycles.jsonl" > "$tmp/of-$machine"
			echo "$machine" >> "$tmp/histogram"
		done
	[ -s "$tmp/histogram" ] || {
		left "a histogram of the blackout" "make run CYCLES=50"
		return
	}
	width=$(sort -n "$tmp"/of-* | awk 'NR == 1 { low = $1 } { high = $1 }
		END { w = (high - low) / 25; p = 10 ^ int(log(w > 1 ? w : 1) / log(10))
			print (w > 5 * p ? 10 : w > 2 * p ? 5 : w > p ? 2 : 1) * p }')
	range=$(sort -n "$tmp"/of-* | awk -v w="$width" 'NR == 1 { low = $1 } { high = $1 }
		END { print (int(low / w) - 1) * w ":" (int(high / w) + 2) * w }')
	panels=$(wc -l < "$tmp/histogram")
	plot blackout-histogram "" "$caption" $((panels * 260)) <<-END
		width = $width
		lines = $(printf '%b\n' "$caption" | wc -l)
		set boxwidth width * 0.9
		set xlabel "ms, in steps of $width"
		set ylabel "cycles"
		set yrange [0:*]
		set xrange [$range]
		unset key
		unset bmargin
		set multiplot layout $panels,1 title "Blackout over the cycles$emulated" margins 0.09,0.97,0.24,0.88 spacing 0.2
		$(while read -r machine; do
			echo "set title \"$machine\""
			echo "plot \"$tmp/of-$machine\" using (width * (floor(\$1 / width) + 0.5)):(1) smooth frequency with boxes title \"$machine\""
			echo "unset label 1"
		done < "$tmp/histogram")
		unset multiplot
	END
	picture blackout-histogram "histogram of the blackout$emulated"
}

{
	if ! lacks "$tmp/clean.json" "the blackout by phase" "make run"; then
		phases
		histogram
	fi
} > "$tmp/blackout.md"
