# common.bash - what the parts of bench.sh share: paths, the interposer, where figures go.
# shellcheck shell=bash disable=SC2034 # used by the parts
B=${FAILKIT_BUILD:-build/plain}
bench=$B/bench
rounds=${ROUNDS:-9}
work=${BENCH_WORK:?set by bench.sh}

failkit() {
	"$B/failctl" run "$@" 2>/dev/null
}

# record PART ROW UNIT VALUE... - one line for each value; see table.awk.
record() {
	local part=$1 row=$2 unit=$3 value
	shift 3
	for value in "$@"; do
		printf '%s\t%s\t%s\t%s\n' "$part" "$row" "$unit" "$value" >>"$work/figures"
	done
}

# Processor seconds, user and system, of a command and what it waited for; its output is lost.
processor() {
	local TIMEFORMAT='%U %S'
	{ time "$@" >/dev/null 2>&1; } 2>&1 | awk '{printf "%.3f\n", $1 + $2}'
}
