#!/bin/bash
# proof.sh [--seeds N] [--clean N] [BUG...] - does the oracle see, and does it ever cry wolf?
#
# Runs the reference store with each planted bug under a plan that can reach it, for seeds 1..N (5),
# and wants a FAIL with the right code and no wrong one; then configs/quick.ini without a bug for
# seeds 1..N (10), and wants PASS. Prints a table and "N passed, N failed".
set -u
cd "$(dirname "$0")/../.." || exit 3
B=${FAILKIT_BUILD:-build/plain}
seeds=5
clean=10
bugs=()
while [ $# -gt 0 ]; do
	case $1 in
	--seeds) seeds=$2 && shift ;;
	--clean) clean=$2 && shift ;;
	-*) echo "proof.sh: unknown option \"$1\": --seeds or --clean" >&2 && exit 2 ;;
	*) bugs+=("$1") ;;
	esac
	shift
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
# shellcheck source=tests/proof/common.bash
. tests/proof/common.bash

# Seconds from the start of the workload to the answer that could not be.
found_after() {
	query "$1" "SELECT printf('%.1f', (min(o.res_ns) - (SELECT min(inv_ns) FROM intent)) / 1e9)
		FROM violation v JOIN witness w USING(violation) JOIN outcome o USING(op)
		WHERE v.judgement = 1 AND w.place = (SELECT max(place) FROM witness x WHERE x.violation = v.violation)"
}

# 0 when at least one code is a name of the bug and none is foreign to it.
right() {
	local code hit=1
	for code in ${1//,/ }; do
		if among "$code" "$2"; then hit=0; else among "$code" "$3" || return 1; fi
	done
	return $hit
}

keep() {
	local kept=build/proof/$1
	mkdir -p build/proof
	rm -rf "$kept"
	mv "$2" "$kept"
	echo "  kept: $kept"
}

prove() {
	local bug=$1 role=$2 faults=$3 names=$4 also=$5 seed dir status codes hits=0 seen="" seconds=""
	local weights
	mapfile -t weights < <(only "$faults")
	for seed in $(seq 1 "$seeds"); do
		dir=$work/$bug-$seed
		"$B/failrun" run tests/proof/proof.ini --seed "$seed" --set run.dir="$dir" \
			"${weights[@]}" --set "role.$role.args=--bug $bug" >"$work/log" 2>&1
		status=$?
		codes=$(codes_of "$dir")
		if [ $status = 1 ] && right "$codes" "$names" "$also"; then
			hits=$((hits + 1))
			seen=$seen,$codes
			seconds="$seconds $(found_after "$dir")"
			rm -rf "$dir"
		else
			echo "  $bug seed $seed: exit $status, codes \"$codes\""
			tail -n 5 "$work/log" | sed 's/^/    /'
			keep "$bug-$seed" "$dir"
		fi
	done
	seen=$(tr , '\n' <<<"$seen" | grep . | sort | uniq -c | sort -rn | awk '{printf "%s%s", s, $2; s = ","}')
	# shellcheck disable=SC2086
	seconds=$(printf '%s\n' $seconds | sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}')
	printf '%-22s %-24s %-36s %d/%d %8s\n' "$bug" "${names%%,*}" "$seen" "$hits" "$seeds" "$seconds"
	passed=$((passed + hits))
	failed=$((failed + seeds - hits))
}

printf '%-22s %-24s %-36s %s %8s\n' bug expected found seeds "first s"
while read -r bug role faults names also <&3; do
	case $bug in '#'* | '') continue ;; esac
	[ ${#bugs[@]} = 0 ] || among "$bug" "$(IFS=,; echo "${bugs[*]}")" || continue
	if [ "$names" = - ]; then
		printf '%-22s %s\n' "$bug" "not by this load: tests/runner/refstore.bats"
		continue
	fi
	prove "$bug" "$role" "$faults" "$names" "$also"
done 3<tests/proof/bugs.txt

for seed in $(seq 1 "$clean"); do
	dir=$work/clean-$seed
	"$B/failrun" run configs/quick.ini --seed "$seed" --set run.dir="$dir" >"$work/log" 2>&1
	status=$?
	if [ $status = 0 ]; then
		passed=$((passed + 1))
		verified=$(sed -n 's/.*[^0-9]\([0-9]*\) verified.*/\1/p' "$work/log" | tail -n 1)
		printf '%-22s %-24s %-36s\n' "none, seed $seed" PASS "PASS, ${verified:-?} verified"
		rm -rf "$dir"
	else
		failed=$((failed + 1))
		printf '%-22s %-24s %-36s\n' "none, seed $seed" PASS "exit $status"
		tail -n 8 "$work/log" | sed 's/^/    /'
		keep "clean-$seed" "$dir"
	fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
