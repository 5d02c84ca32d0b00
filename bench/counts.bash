# counts.bash - what can be counted exactly: instructions, by callgrind.
# shellcheck shell=bash disable=SC2154 # names of common.bash

# count_runs COMMAND... - runs COMMAND... N under callgrind for two N; the difference of the two
# counts, divided by that of the lengths, is the price of one passage.
count_runs() {
	local short=20000 long=120000 n counts=()
	for n in $short $long; do
		rm -f "$work"/cg.*
		"$@" "$n" >/dev/null 2>&1
		counts+=("$(cat "$work"/cg.* | awk '/^totals:/ || /^summary:/ {if ($2 > m) m = $2} END {print m}')")
	done
	awk -v a="${counts[0]}" -v b="${counts[1]}" -v n=$((long - short)) 'BEGIN {printf "%.2f\n", (b - a) / n}'
}

grind() {
	valgrind --tool=callgrind --callgrind-out-file="$work/cg.%p" "$@"
}

grind_under() {
	local under=$1
	shift
	case $under in
	bare) grind "$@" ;;
	failkit) failkit -- valgrind --tool=callgrind --callgrind-out-file="$work/cg.%p" "$@" ;;
	node) failkit -e 'write:node=other = error(EIO)' -- \
		valgrind --tool=callgrind --callgrind-out-file="$work/cg.%p" "$@" ;;
	path) failkit -e 'write:path=/nowhere/x = error(EIO)' -- \
		valgrind --tool=callgrind --callgrind-out-file="$work/cg.%p" "$@" ;;
	fiu) fiu-run -x valgrind --tool=callgrind --callgrind-out-file="$work/cg.%p" "$@" ;;
	esac
}

part_instructions() {
	local part="write of a byte to /dev/null" row
	while read -r under row; do
		record "$part, counted" "$row" instructions \
			"$(count_runs grind_under "$under" "$bench/loop_call" write 1)"
	done <<'EOF'
bare bare
failkit failkit, disarmed
node failkit, armed for another node
path failkit, armed for another path
fiu libfiu, nothing enabled
EOF
}

part_failpoint() {
	local part="a failpoint in its loop, counted" unit=instructions loop=$bench/loop_point
	record "$part" "the loop alone" $unit "$(count_runs grind "$loop" empty)"
	record "$part" "FAILPOINT, disarmed" $unit "$(count_runs grind "$loop" failpoint)"
	record "$part" "FAILPOINT, armed for another thread" $unit \
		"$(FAILPOINTS='bench/point:thread=nobody = delay(1)' count_runs grind "$loop" failpoint)"
	record "$part" "libfiu fiu_fail, disabled" $unit "$(count_runs grind "$loop" fiu)"
	record "$part" "libfiu fiu_fail, enabled at chance 0" $unit "$(count_runs grind "$loop" fiu_armed)"
}
