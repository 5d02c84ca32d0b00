#!/bin/bash
# replay.sh [--tries N] [BUG...] - does a failing run fail again when its faults are replayed?
#
# Runs the reference store with each planted bug until a seed fails, replays that run N (5) times, and
# wants a violation of the same code in at least four of five. Prints a table and "N passed, N failed".
set -u
cd "$(dirname "$0")/../.." || exit 3
B=${FAILKIT_BUILD:-build/plain}
tries=5
bugs=()
while [ $# -gt 0 ]; do
	case $1 in
	--tries) tries=$2 && shift ;;
	-*) echo "replay.sh: unknown option \"$1\": --tries" >&2 && exit 2 ;;
	*) bugs+=("$1") ;;
	esac
	shift
done
[ ${#bugs[@]} -gt 0 ] ||
	bugs=(ack-before-sync delete-not-replicated short-write-ignored commit-before-data tombstone-forgotten-on-restart)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
# shellcheck source=tests/proof/common.bash
. tests/proof/common.bash

# A failing run of the bug in $work/run; sets seed.
find_failure() {
	local bug=$1 role=$2 faults=$3 weights
	mapfile -t weights < <(only "$faults")
	for seed in 1 2 3 4 5; do
		rm -rf "$work/run"
		"$B/failrun" run tests/proof/proof.ini --seed "$seed" --set run.dir="$work/run" \
			"${weights[@]}" --set "role.$role.args=--bug $bug" >"$work/log" 2>&1
		[ $? != 1 ] || return 0
	done
	return 1
}

replay() {
	local bug=$1 role=$2 faults=$3 hits=0 code codes seen=""
	if ! find_failure "$bug" "$role" "$faults"; then
		echo "$bug: no seed fails" && failed=$((failed + 1))
		return
	fi
	codes=$(codes_of "$work/run")
	for _ in $(seq 1 "$tries"); do
		rm -rf "$work/run-replay-1"
		"$work/run/repro.sh" >"$work/log" 2>&1
		code=$(grep -c '^replay: .* again$' "$work/log")
		[ "$code" = 0 ] || hits=$((hits + 1))
		seen="$seen $(codes_of "$work/run-replay-1")"
	done
	printf '%-30s %4d  %-28s %d/%d %s\n' "$bug" "$seed" "$codes" "$hits" "$tries" "$seen"
	if [ $((hits * 5)) -ge $((tries * 4)) ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

printf '%-30s %4s  %-28s %s\n' bug seed "codes of the run" "again, and what its replays found"
while read -r bug role faults names _ <&3; do
	case $bug in '#'* | '') continue ;; esac
	[ "$names" != - ] || continue
	among "$bug" "$(IFS=,; echo "${bugs[*]}")" || continue
	replay "$bug" "$role" "$faults"
done 3<tests/proof/bugs.txt
echo "$passed passed, $failed failed"
[ $failed = 0 ]
