# run.bash - whole runs of failrun, for the tests that watch them.

# A plan of configs/ to work on; {bin} in it is the folder of the failrun that runs.
plan() {
	cp "$ROOT/configs/$1.ini" "$T" && cd "$T" || return
}

field() {
	jq -r "$2" "$T/$1/results.json"
}

# What a run may leave: its folder. Nothing of it may still be alive or mounted.
assert_nothing_left() {
	! pgrep -f -- "$T/" || return 1
	! grep -F -- "$T/" /proc/mounts
}

# The ledger of the run in $T/$1; not made where there is none yet.
query() {
	sqlite3 "file:$T/$1/model.sqlite?mode=rw" "$2"
}

# quick.ini for runs that are resumed and replayed: a short gate, small loads.
run_quick() {
	local dir=$1
	shift
	failrun run quick.ini --set run.dir="$T/$dir" --set run.min-ops=50 "$@"
}

# The same in the background: $pid is failrun's own, so that what is left of it ends with the test.
start_quick() {
	local dir=$1
	shift
	start run failrun run quick.ini --set run.dir="$T/$dir" --set run.min-ops=50 "$@"
}

# For a plan of quick.ini: a fault that comes at a time comes however few operations a busy machine gets to.
# shellcheck disable=SC2034 # by the tests
early=(--set fault.kill-ds.anchor='time 1s')

# At least this many faults, or kinds of them, have come to this.
happened() {
	[ "$(query r "SELECT count(DISTINCT fault) FROM fault_event WHERE event = '$1'")" -ge "${2:-1}" ]
}

happened_to_kinds() {
	[ "$(query r "SELECT count(DISTINCT kind) FROM fault_event JOIN fault USING(fault)
		WHERE event = '$1'")" -ge "$2" ]
}

# So many operations were answered, those that compaction took included.
answered() {
	[ "$(query r "SELECT (SELECT count(*) FROM outcome) + (SELECT total(operations) FROM tally) >= $1")" = 1 ]
}

# end_when COMMAND...: the run r in the background is told to end once that has come true and a fault
# has its gate, however long the machine takes for it; it passes.
end_when() {
	# shellcheck disable=SC2154 # start sets it
	if eventually -300 is_seen_or_over "$@" && ! is_over "$pid" && kill -INT "$pid" && wait "$pid"; then
		return
	fi
	tail -n 40 "$T"/*.out "$T"/*.err
	return 1
}

is_seen_or_over() {
	is_over "$pid" || { happened gated && "$@"; }
}
