# judges.bash - how fast histories and ledgers are judged, how that grows, memory an operation.
# shellcheck shell=bash disable=SC2154 # names of common.bash

judged() {
	local row=$1 ms bytes
	shift
	read -r ms bytes < <("$bench/check" "$@")
	record "judging a history, fastest of 5" "$row" "=ms" "$ms"
	record "memory to judge it, with the history" "$row" "=bytes an operation" "$bytes"
}

# How the time of judging grows: t ~ n^x from each size to the tenfold one.
growth() {
	local judge=$1 per_key=${2:-} n exponent ms
	local -a took=() to=(10^5 10^6 10^7)
	for n in 10000 100000 1000000 10000000; do
		read -r ms _ < <("$bench/check" "$judge" $n $((n / ${per_key:-n})))
		took+=("$ms")
	done
	for n in 0 1 2; do
		exponent=$(awk -v a="${took[n]}" -v b="${took[n + 1]}" 'BEGIN {printf "%.2f", log(b / a) / log(10)}')
		record "growth of the time with n operations, n to the" "$judge, to ${to[n]}" "=exponent" "$exponent"
	done
}

# How long failrun takes to judge a ledger that a script makes.
checked() {
	local what=$1 script=$2 took TIMEFORMAT=%R
	shift 2
	"bench/$script" "$work/ledger" "$@"
	took=$({ time "$B/failrun" check "$work/ledger" >"$work/check.out" 2>"$work/check.err"; } 2>&1)
	grep -qx PASS "$work/check.out"
	record "failrun check on a ledger" "$what" "=s" "$took"
}

part_check() {
	judged "zones, 1,000,000 on one key" zones 1000000
	judged "frontier, 1,000,000 on 10,000 keys" frontier 1000000 10000
	judged "general, 100 register histories of 80" registers 100
	growth zones
	growth frontier 100
	checked "1,000,000 operations, 10,000 pages" ledger.sh 1000000 10000
	checked "100,000 puts, one listing in 100 pages" listing.sh 100000
}
