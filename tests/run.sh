#!/bin/bash
# run.sh [PATTERN] - every test, a line a file, full logs kept, "N passed, N failed" at the end.
#
#   FAILKIT_BUILD   where the programs are (build/plain)
#   TEST            only files whose path contains this (the same as PATTERN)
#   JOBS            how many files at once (2)
#
# A file is a cmocka program (unit/) or a bats file (cli/, preload/, runner/). A test is a case in it.
set -u
cd "$(dirname "$0")/.." || exit 3

export FAILKIT_BUILD=${FAILKIT_BUILD:-build/plain}
FAILKIT_BUILD=$(realpath "$FAILKIT_BUILD") || exit 3
pattern=${1:-${TEST:-}}
jobs=${JOBS:-2}
logs=$FAILKIT_BUILD/log
mkdir -p "$logs"
rm -f "$logs"/*

# Targets built with gcc's ASan want its runtime first; a preloaded library before it is our purpose.
export ASAN_OPTIONS=${ASAN_OPTIONS:-verify_asan_link_order=0:detect_leaks=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1}

one() {
	local file=$1 name log start=$SECONDS status passed failed skipped
	name=${file#"$FAILKIT_BUILD"/}
	name=${name#tests/}
	log=$logs/$(tr / - <<<"$name").log
	case $file in
	*.bats) bats --tap --print-output-on-failure "$file" >"$log" 2>&1 </dev/null ;;
	*) "$file" >"$log" 2>&1 </dev/null ;;
	esac
	status=$?
	case $file in
	*.bats)
		passed=$(grep -c '^ok ' "$log")
		failed=$(grep -c '^not ok ' "$log")
		skipped=$(grep -c '^ok .*# skip' "$log")
		;;
	*)
		passed=$(grep -c '^\[       OK \]' "$log")
		failed=$(grep -c '^\[  FAILED  \] test_' "$log")
		skipped=$(grep -c '^\[  SKIPPED \]' "$log")
		;;
	esac
	# A file that ended badly without naming a failed case, or that ran none, has failed as a whole.
	if { [ "$status" != 0 ] && [ "$failed" = 0 ]; } || [ $((passed + failed)) = 0 ]; then
		failed=$((failed + 1))
	fi
	printf '%s %d %d %d\n' "$name" "$passed" "$failed" "$skipped" >>"$logs/results"
	printf '  %-44s %4d passed %3d failed %4ds\n' "$name" "$passed" "$failed" $((SECONDS - start))
	[ "$failed" = 0 ] || {
		grep -E '^(not ok|#|\[  (FAILED|ERROR)|.*(ERROR|Sanitizer))' "$log" | head -n 100
		echo "    all of it: $log"
	}
}

# The long ones first, so that they do not end up alone.
files() {
	find tests/runner tests/preload tests/cli -name '*.bats' | sort
	find "$FAILKIT_BUILD/unit" -name 'test_*' -type f | sort
}

selected=$(files | grep -F -- "$pattern")
[ -n "$selected" ] || {
	echo "run.sh: no test file's path contains \"$pattern\"" >&2
	exit 2
}
export -f one
export logs
# shellcheck disable=SC2016
xargs -d '\n' -P "$jobs" -I{} bash -c 'one "$1"' one {} <<<"$selected"

awk '{p += $2; f += $3; s += $4} END {
	if (s) printf "%d passed, %d failed, %d skipped\n", p, f, s
	else printf "%d passed, %d failed\n", p, f
	exit f > 0
}' "$logs/results"
