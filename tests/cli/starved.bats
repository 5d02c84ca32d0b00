#!/usr/bin/env bats
# failctl under its own interposer: whatever allocation or write fails, it says so in a line and exits
# as documented, or does all that it was asked to.

load common

BATS_TEST_TIMEOUT=600

setup_more() {
	failctl run -p inner -- sleep 1000 &
	later_kill $!
	eventually failctl ls -p inner
	failctl set -p inner 'a := write:path=*.wal = error(EIO)' 'b := %sync = delay(5ms)' >/dev/null
}

# each_failure OPTIONS SITE COMMAND...: fails the first passage of SITE in COMMAND, then the second ...
# until there is none left; beyond the hundredth in growing steps.
each_failure() {
	local options=$1 site=$2 n status
	shift 2
	"$@" > "$T/whole" 2> /dev/null
	for ((n = 1; n < 20000; n += n < 100 ? 1 : n / 10)); do
		status=0
		# shellcheck disable=SC2086
		failctl run -p "outer$n" $options --must-fire -e "$site = $n@error(${ERROR:-ENOMEM})" -- "$@" \
			> "$T/out" 2> "$T/err" || status=$?
		[[ $status != 125 ]] || return 0
		if [[ $status == 0 ]]; then
			cmp "$T/out" "$T/whole"
		else
			[[ $status == [123] ]] && grep -q '^failctl: .' "$T/err"
		fi || {
			echo "$*: passage $n of $site: status $status"
			cat "$T/out" "$T/err"
			return 1
		}
	done
	return 1
}

@test "no allocation that fails goes by in silence" {
	for command in "ls -p inner" "ls -p inner --json" "ps -p inner" "calls" "points -p inner" \
		"import strace inject=write:error=EIO:when=3" "version" "help" "help run"; do
		# shellcheck disable=SC2086
		each_failure "" malloc,calloc,realloc failctl $command
	done
}

@test "a rule is set as a whole or not at all, whatever allocation fails" {
	each_failure "" malloc,calloc,realloc failctl set -p inner 'a := write:path=*.log = error(EIO)'
	failctl ls -p inner | grep -q 'path=\*\.log'
}

@test "no write that fails goes by in silence" {
	for command in "ls -p inner" "ps -p inner" "calls" "help"; do
		# shellcheck disable=SC2086
		ERROR=ENOSPC each_failure --deep write:fd=1 failctl $command
	done
}
