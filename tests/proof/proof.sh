#!/bin/bash
# proof.sh [BUG...] - does the oracle see, and does it ever cry wolf?
#
#   PROOF=judges,bugs,clean  which parts; all of them where nothing is said
#   SEEDS=10                 runs of each planted bug     CLEAN=20   runs without one
#   JOBS=2                   runs at a time
#
# judges: the exact judges against each other and brute force, on a million small histories.
# bugs: the reference store with each planted bug under a plan that can reach it (bugs.txt), stopped at
# its first violation; wanted is a FAIL with the right code and no wrong one in nine runs of ten, and
# in half of them before 30 s. clean: clean.ini without a bug, eight writers a key, restarts and
# time-outs for a minute; wanted is PASS each time. Prints a table and "N passed, N failed"; runs that
# failed are kept in build/proof.
set -u
cd "$(dirname "$0")/../.." || exit 3
export FAILKIT_BUILD=${FAILKIT_BUILD:-build/plain}
B=$FAILKIT_BUILD
parts=${PROOF:-judges,bugs,clean}
seeds=${SEEDS:-10}
clean=${CLEAN:-20}
most_seconds=30

query() {
	sqlite3 "$1/model.sqlite" "$2"
}

# Codes of the run's own judgement, in one line.
codes_of() {
	query "$1" "SELECT DISTINCT code FROM violation WHERE judgement = 1 ORDER BY violation" | paste -sd,
}

# Of the violation that was answered first: seconds since the workload began, operations answered
# until then, length of the witness.
found_of() {
	query "$1" "WITH found AS (SELECT v.violation, max(o.res_ns) AS ns, count(*) AS length
			FROM violation v JOIN witness w USING(violation) JOIN outcome o USING(op)
			WHERE v.judgement = 1 GROUP BY v.violation ORDER BY 2 LIMIT 1)
		SELECT printf('%.1f', (ns - (SELECT min(inv_ns) FROM intent)) / 1e9) || ' ' ||
			(SELECT count(*) FROM outcome WHERE res_ns <= ns) || ' ' || length FROM found"
}

among() {
	local code
	for code in ${2//,/ }; do [ "$1" != "$code" ] || return 0; done
	return 1
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

# --set options that leave only these faults in the plan, and its load unless one is named there.
only() {
	local fault
	among read-mostly "$1" &&
		printf -- '--set\nworkload.%s\n' hot-keys=12 hot-share=80% \
			"mix=put 3, overwrite 5, get 80, head 3, range 3, delete 2, list 4"
	among conditional "$1" &&
		printf -- '--set\nworkload.%s\n' hot-keys=4 hot-share=80% writers-per-key=6 \
			"mix=put 5, overwrite 5, create 20, replace 30, get 20, head 5, delete 10, list 2"
	sed -n 's/^\[fault \(.*\)\]$/\1/p' tests/proof/proof.ini | while read -r fault; do
		among "$fault" "$1" ||
			printf -- '--set\nfault.%s.weight=0\n--set\nfault.%s.anchor=\n' "$fault" "$fault"
	done
}

# One run with a bug; its line: BUG hit|miss CODES SECONDS OPERATIONS WITNESS.
one_bug() {
	local work=$1 seed=$2 bug=$3 role=$4 faults=$5 names=$6 also=$7 dir=$1/$3-$2 status codes
	local weights
	mapfile -t weights < <(only "$faults")
	"$B/failrun" run tests/proof/proof.ini --seed "$seed" --set run.dir="$dir" \
		"${weights[@]}" --set "role.$role.args=--bug $bug" >"$dir.log" 2>&1
	status=$?
	codes=$(codes_of "$dir")
	if [ $status = 1 ] && right "$codes" "$names" "$also"; then
		echo "$bug hit $codes $(found_of "$dir")" >>"$work/lines"
		rm -rf "$dir"
	else
		echo "$bug miss ${codes:--} - - -" >>"$work/lines"
		echo "  $bug seed $seed: exit $status, codes \"$codes\""
		tail -n 5 "$dir.log" | sed 's/^/    /'
		keep "$bug-$seed" "$dir"
	fi
}

# One run without; half of them with clients that retry.
one_clean() {
	local work=$1 seed=$2 dir=$1/clean-$2 status
	"$B/failrun" run tests/proof/clean.ini --seed "$seed" --set run.dir="$dir" \
		--set workload.retries=$((seed % 2)) >"$dir.log" 2>&1
	status=$?
	if [ $status = 0 ]; then
		echo "clean hit $seed $(sed -n 's/^\([0-9]*\) operations, \([0-9]*\) verified.* \([0-9]*\) ambiguous$/\1 \2 \3/p' "$dir.log")" >>"$work/lines"
		rm -rf "$dir"
	else
		echo "clean miss $seed" >>"$work/lines"
		echo "  clean seed $seed: exit $status"
		tail -n 8 "$dir.log" | sed 's/^/    /'
		keep "clean-$seed" "$dir"
	fi
}

if [ "${1:-}" = --one ]; then
	shift
	"$@"
	exit
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
touch "$work/lines"
passed=0
failed=0

judge() { # 0 passed
	if [ "$1" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

# Runs the task of each line of stdin, JOBS at a time.
run_tasks() {
	xargs -r -P "${JOBS:-2}" -L 1 tests/proof/proof.sh --one
}

bug_rows() {
	grep -v '^#' tests/proof/bugs.txt | while read -r bug rest; do
		[ $# = 0 ] || among "$bug" "$(IFS=,; echo "$*")" || continue
		echo "$bug $rest"
	done
}

# The line of one bug in the table: medians of the runs that found it.
bug_row() {
	local bug=$1 names=$2
	awk -v bug="$bug" -v names="${names//,/ }" -v most=$most_seconds '
		function median(v, n,    i, k, t) {
			for (i = 1; i < n; i++)
				for (k = i + 1; k <= n; k++)
					if (v[k] < v[i]) { t = v[i]; v[i] = v[k]; v[k] = t }
			return v[int((n + 1) / 2)]
		}
		$1 != bug { next }
		{ runs++ }
		$2 == "hit" {
			n++; s[n] = $4 + 0; o[n] = $5 + 0; w[n] = $6 + 0
			split($3, code, ","); seen[code[1]]++
		}
		END {
			for (c in seen) if (seen[c] > seen[best]) best = c
			printf "%-30s %-31s %-19s %2d/%-3d %6.1f %8d %4d\n", bug, names, best, n, runs,
				median(s, n), median(o, n), median(w, n)
			exit !(n * 10 >= runs * 9 && n && s[int((n + 1) / 2)] < most)
		}' "$work/lines"
}

if among judges "$parts"; then
	FAILKIT_LONG=1 "$B/unit/test_judge_differ" >"$work/judges" 2>&1
	status=$?
	judge $status
	if [ $status = 0 ]; then
		echo "1,000,000 small histories: zones, frontier, both general searches and brute force agree"
	else
		cat "$work/judges"
	fi
fi

if among bugs "$parts"; then
	bug_rows "$@" | while read -r row; do
		for seed in $(seq 1 "$seeds"); do echo "one_bug $work $seed $row"; done
	done | run_tasks
	printf '%-30s %-31s %-19s %-6s %6s %8s %4s\n' bug expected found seeds s operations witness
	while read -r bug _ _ names _ <&3; do
		bug_row "$bug" "$names"
		judge $?
	done 3< <(bug_rows "$@")
fi

if among clean "$parts"; then
	for seed in $(seq 1 "$clean"); do echo "one_clean $work $seed"; done | run_tasks
	awk '$1 == "clean" { runs++; if ($2 == "hit") { n++; ops += $4; sure += $5; unclear += $6 } }
		END { printf "%d of %d clean runs without a finding: %d operations, %d verified, %d ambiguous\n",
			n, runs, ops, sure, unclear; exit n != runs }' "$work/lines"
	judge $?
fi
echo "$passed passed, $failed failed"
[ $failed = 0 ]
