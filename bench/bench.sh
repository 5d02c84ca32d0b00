#!/bin/bash
# bench.sh - what failkit costs, beside its nearest peer in the same run; BENCH=name runs one part.
#
#   instructions   exact, by callgrind: of one write to /dev/null, over the bare call
#   time           the same, in nanoseconds: rows interleaved, 9 rounds, median and ratio to bare
#   failpoint      exact: of one disarmed failpoint beside libfiu's fiu_fail
#   control        from starting `failctl set` to the first failing call, beside fiu-ctrl
#   deep           the deep tier: a call by name, inlined and by a stream; processor time, 21 rounds
#   workload       operations a second of failrun's clients with ledger and oracle, and without
#   check          how fast histories and a ledger are judged, how that grows, memory an operation
set -eu
cd "$(dirname "$0")/.."
B=${FAILKIT_BUILD:-build/plain}
bench=$B/bench
work=$(mktemp -d)
spinners=()
cleanup() {
	for pid in "${spinners[@]}"; do kill "$pid" 2>/dev/null || true; done
	rm -rf "$work"
}
trap cleanup EXIT

echo "failkit $(git rev-parse --short HEAD 2>/dev/null || echo unknown), $(nproc) cores, $(uname -r)"

failkit() {
	"$B/failctl" run -- "$@"
}

# Instructions of one call: the difference of two runs, divided by the difference of their lengths.
instructions() {
	local name=$1 n out counts=()
	shift
	for n in 20000 120000; do
		out=$work/cg.$name.$n
		"$@" valgrind --tool=callgrind --callgrind-out-file="$out.%p" \
			"$bench/loop_write" $n >/dev/null 2>&1
		counts+=("$(cat "$out".* | awk '/^totals:/ || /^summary:/ {if ($2 > m) m = $2} END {print m}')")
	done
	echo $(((counts[1] - counts[0]) / 100000))
}

part_instructions() {
	local bare kit fiu
	bare=$(instructions bare env)
	kit=$(instructions failkit failkit)
	fiu=$(instructions fiu fiu-run -x)
	echo
	echo "write to /dev/null, instructions a call (callgrind)"
	printf '  %-28s %8s %8s\n' "" call over
	printf '  %-28s %8d %8s\n' bare "$bare" -
	printf '  %-28s %8d %+8d\n' "failkit, disarmed" "$kit" $((kit - bare))
	printf '  %-28s %8d %+8d\n' "libfiu, nothing enabled" "$fiu" $((fiu - bare))
}

part_time() {
	local round
	for round in 1 2 3 4 5 6 7 8 9; do
		"$bench/loop_write" 500000 >>"$work/t.bare"
		failkit "$bench/loop_write" 500000 >>"$work/t.failkit"
		fiu-run -x "$bench/loop_write" 500000 >>"$work/t.fiu"
	done
	echo
	echo "write to /dev/null, ns a call, $round rounds interleaved"
	printf '  %-28s %8s %8s %8s %8s\n' "" min median max ratio
	local row bare=0
	for row in bare failkit fiu; do
		sort -n "$work/t.$row" | awk -v name="$row" -v bare="$bare" '{v[NR] = $1} END {
			m = v[int((NR + 1) / 2)]
			printf "  %-28s %8.1f %8.1f %8.1f %8.2f\n", name, v[1], m, v[NR], bare ? m / bare : 1}'
		[ $row != bare ] || bare=$(sort -n "$work/t.bare" | sed -n 5p)
	done
}

# Starts a spinning target under the given command; leaves its page in $page and pid in $target.
spin() {
	page=$work/page.$1
	shift
	head -c 4096 /dev/zero >"$page"
	"$@" "$bench/spin" "$page" &
	spinners+=($!)
	local tries=0
	until target=$(pgrep -P $! -f "$page" || pgrep -f "bench/spin $page" | tail -n 1) && [ -n "$target" ]; do
		tries=$((tries + 1))
		[ $tries -lt 200 ] || return 1
		sleep 0.02
	done
}

stop_spin() {
	printf '\1' | dd of="$page" bs=1 seek=4 conv=notrunc status=none
	wait "${spinners[-1]}" 2>/dev/null || true
	unset 'spinners[-1]'
}

part_control() {
	local kit fiu
	spin failkit "$B/failctl" run -p "bench$$" --
	kit=$("$bench/set_to_effect" 200 "$page" "$B/failctl|-p|bench$$|set|b := write = error(EIO)" \
		"$B/failctl|-p|bench$$|rm|b")
	stop_spin
	spin fiu fiu-run -x
	fiu=$("$bench/set_to_effect" 100 "$page" \
		"fiu-ctrl|-c|enable name=posix/io/rw/write,failinfo=5|$target" \
		"fiu-ctrl|-c|disable name=posix/io/rw/write|$target")
	stop_spin
	echo
	echo "control: from starting the tool to the first failing call, us"
	printf '  %-28s %8s %8s\n' "" p50 p99
	# shellcheck disable=SC2086
	printf '  %-28s %8.0f %8.0f\n' "failctl set" $kit
	# shellcheck disable=SC2086
	printf '  %-28s %8.0f %8.0f\n' "fiu-ctrl" $fiu
}

part_failpoint() {
	echo
	echo "a disarmed failpoint, instructions (callgrind, net of the loop)"
	local kind n counts
	for kind in empty failpoint fiu; do
		counts=()
		for n in 10000 110000; do
			valgrind --tool=callgrind --callgrind-out-file="$work/fp.$kind.$n" \
				"$bench/loop_point" $kind $n >/dev/null 2>&1
			counts+=("$(awk '/^totals:/ || /^summary:/ {print $2; exit}' "$work/fp.$kind.$n")")
		done
		printf '%s %d\n' $kind $(((counts[1] - counts[0]) / 100000))
	done | awk '{v[$1] = $2} END {
		printf "  %-28s %8d\n  %-28s %8d\n", "FAILPOINT", v["failpoint"] - v["empty"],
			"libfiu fiu_fail", v["fiu"] - v["empty"]}'
}

# A row of the judges' table: name, a history's size, its milliseconds and bytes an operation.
judged() {
	local name=$1
	shift
	"$bench/check" "$@" | awk -v name="$name" '{
		printf "  %-44s %10.1f ms %6.0f bytes\n", name, $1, $2}'
}

# How the time of judging grows: t ~ n^x from each size to the tenfold one.
growth() {
	local judge=$1 per_key=${2:-} n
	for n in 10000 100000 1000000 10000000; do
		"$bench/check" "$judge" $n $((n / ${per_key:-n}))
	done | awk -v name="$judge" '{t[NR] = $1} END {
		printf "  %-44s", name ", from 10^4 to 10^7: n to the"
		for (i = 2; i <= NR; i++)
			printf " %.2f", log(t[i] / t[i - 1]) / log(10)
		print ""}'
}

# How long failrun takes to judge a ledger that a script makes.
checked() {
	local what=$1 script=$2
	shift 2
	"bench/$script" "$work/ledger" "$@"
	echo
	echo "failrun check on a ledger of $what"
	TIMEFORMAT='  %R s, of processor time %U and %S'
	time "$B/failrun" check "$work/ledger" >"$work/check.out"
	grep -qx PASS "$work/check.out"
}

part_check() {
	echo
	echo "judging histories: fastest of 5 rounds, memory with the history itself"
	judged "zones, 1,000,000 operations on one key" zones 1000000
	judged "frontier, 1,000,000 on 10,000 keys, deletes" frontier 1000000 10000
	judged "general, 100 register histories of 80" registers 100
	growth zones
	growth frontier 100
	checked "1,000,000 operations and 10,000 pages of listings" ledger.sh 1000000 10000
	checked "100,000 puts and one listing of all in 100 pages" listing.sh 100000
}

part_deep() {
	local elsewhere='write:path=/nowhere/x = error(EIO)' round way row bare
	for round in {1..21}; do
		for way in name inline stream; do
			"$bench/loop_deep" $way 40000 >>"$work/d.$way.bare"
			failkit "$bench/loop_deep" $way 40000 >>"$work/d.$way.preload"
			"$B/failctl" run --deep -- "$bench/loop_deep" $way 40000 >>"$work/d.$way.deep"
			"$B/failctl" run --deep -e "$elsewhere" -- "$bench/loop_deep" $way 40000 \
				>>"$work/d.$way.elsewhere" 2>/dev/null
		done
	done
	for way in name inline stream; do
		echo
		echo "a write to /dev/null: $way, ns of processor time, $round rounds interleaved"
		printf '  %-28s %8s %8s %8s %8s\n' "" min median max ratio
		bare=$(sort -n "$work/d.$way.bare" | sed -n 11p)
		for row in bare preload deep elsewhere; do
			sort -n "$work/d.$way.$row" | awk -v name="$row" -v bare="$bare" '{v[NR] = $1} END {
				m = v[int((NR + 1) / 2)]
				printf "  %-28s %8.1f %8.1f %8.1f %8.2f\n", name, v[1], m, v[NR], m / bare}'
		done
	done
}

part_workload() {
	bench/workload.sh
}

parts=${BENCH:-instructions time failpoint control deep check workload}
for part in $parts; do
	declare -F "part_$part" >/dev/null || {
		echo "bench.sh: unknown part \"$part\": instructions, time, failpoint, control, deep, check or workload" >&2
		exit 2
	}
	"part_$part"
done
