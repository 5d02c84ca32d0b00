# common.bash - what every test of the command line begins with.
#
# Every test has a folder of its own, $T, that is also where its planes live, so tests may run side by
# side. Nothing sleeps for a fixed time: eventually() polls with a deadline. What a test leaves running
# in the background is registered with later_kill, and asked to end before it is killed: failctl run
# then ends its command, too. A number alone names no process: on a busy machine it comes again within a
# minute, as another test's.

bats_require_minimum_version 1.5.0

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
FAILKIT_BUILD=${FAILKIT_BUILD:-$ROOT/build/plain}
case $FAILKIT_BUILD in
/*) ;;
*) FAILKIT_BUILD=$ROOT/$FAILKIT_BUILD ;;
esac
export FAILKIT_BUILD
PATH=$FAILKIT_BUILD:$FAILKIT_BUILD/victim:$PATH

# A test that hangs is a failed test; one that is slow because the machine is busy is none.
BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-400}

# In the asan flavour the tools are built with the sanitizers, and a tool that is itself a target has
# the interposer before the sanitizer.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0:verify_asan_link_order=0}

setup() {
	T=$(mktemp -d "${BATS_TMPDIR:-/tmp}/failkit.XXXXXX")
	chmod 755 "$T"
	export T FAILKIT_DIR=$T
	unset FAILKIT_PLANE FAILKIT_NODE LD_PRELOAD
	later=()
	if declare -f setup_more > /dev/null; then
		setup_more
	fi
}

teardown() {
	local each pid
	for each in "${later[@]}"; do
		pid=${each% *}
		{
			if is_same "$each"; then
				kill -TERM "$pid"
				eventually -20 is_over "$pid" || kill -KILL "$pid"
			fi
			wait "$pid"
		} 2> /dev/null || true
	done
	# What was killed may still be writing while it ends.
	eventually rm -rf "$T"
}

# The tick of the clock at which it started; nothing of one that is gone.
start_of() {
	local stat
	{ read -r stat < "/proc/$1/stat"; } 2> /dev/null || return 1
	stat=${stat##*) }
	cut -d ' ' -f 20 <<< "$stat"
}

# is_same "PID START": is it still that process?
is_same() {
	[[ $(start_of "${1% *}") == "${1#* }" ]]
}

is_over() {
	! [[ -d /proc/$1 ]] || grep -q '^State:.*zombie' "/proc/$1/status"
}

later_kill() {
	local start
	start=$(start_of "$1") || return 0
	later+=("$1 $start")
}

# eventually [-SECONDS] COMMAND...: true as soon as it is, false after 120 s.
eventually() {
	local seconds=120 end
	if [[ $1 == -[0-9]* ]]; then
		seconds=${1#-}
		shift
	fi
	end=$((SECONDS + seconds))
	until "$@" > /dev/null 2>&1; do
		((SECONDS < end)) || return 1
		read -rt 0.02 <> <(:) || true
	done
}

# start NAME COMMAND...: in the background, its output in $T/NAME.out and .err, its pid in $pid. Neither the
# report's descriptor nor the one that tests write a target's input to is left open in it.
start() {
	local name=$1
	shift
	"$@" > "$T/$name.out" 2> "$T/$name.err" 3>&- 7>&- &
	pid=$!
	later_kill "$pid"
}

# rule_field PLANE RULE FIELD
rule_field() {
	failctl ls -p "$1" --json | jq -r --arg name "$2" ".[] | select(.name == \$name) | .$3"
}

rule_field_is() {
	[[ $(rule_field "$1" "$2" "$3") == "$4" ]]
}
