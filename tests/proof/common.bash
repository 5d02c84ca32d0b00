# common.bash - what proof.sh and replay.sh share.

query() {
	sqlite3 "$1/model.sqlite" "$2"
}

# Codes of the run's own judgement, in one line.
codes_of() {
	query "$1" "SELECT DISTINCT code FROM violation WHERE judgement = 1 ORDER BY violation" | paste -sd,
}

among() {
	local code
	for code in ${2//,/ }; do [ "$1" != "$code" ] || return 0; done
	return 1
}

# --set options that leave only these faults in the plan, and its load unless one is named there.
only() {
	local fault
	among read-mostly "$1" &&
		printf -- '--set\nworkload.%s\n' hot-keys=12 hot-share=80% \
			"mix=put 3, overwrite 5, get 80, head 3, range 3, delete 2, list 4"
	sed -n 's/^\[fault \(.*\)\]$/\1/p' tests/proof/proof.ini | while read -r fault; do
		among "$fault" "$1" ||
			printf -- '--set\nfault.%s.weight=0\n--set\nfault.%s.anchor=\n' "$fault" "$fault"
	done
}
