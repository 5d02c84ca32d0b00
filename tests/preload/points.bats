#!/usr/bin/env bats
# points.bats - failpoints in programs: C and C++, four compilers, linked in both ways, with and
# without the interposer, with a controller and alone.

load ../cli/common.bash

# shellcheck disable=SC2154 # run sets stderr

SOURCE=$BATS_TEST_DIRNAME/points_victim.c
INCLUDE=$BATS_TEST_DIRNAME/../../include
WARN=(-Wall -Wextra -Wshadow -Werror -Wno-unused-command-line-argument -O2)

setup_more() {
	cd "$T" || return
}

language() {
	case $1 in
	*++) echo c++ ;;
	*) echo c ;;
	esac
}

# build COMPILER LANGUAGE HOW [FLAG...]: ./victim with ./part.so; HOW is static, shared or disable.
build() {
	local compiler=$1 language=$2 how=$3 libs=()
	shift 3
	case $how in
	static) libs=("$FAILKIT_BUILD/libfailpoint.a") ;;
	shared) libs=("-L$FAILKIT_BUILD" -lfailpoint "-Wl,-rpath,$FAILKIT_BUILD") ;;
	disable) set -- "$@" -DFAILPOINT_DISABLE ;;
	esac
	"$compiler" -x "$language" "${WARN[@]}" -fPIC "$@" -I"$INCLUDE" -DPART -shared "$SOURCE" \
		-o part.so &&
		"$compiler" -x "$language" "${WARN[@]}" "$@" -I"$INCLUDE" "$SOURCE" -x none \
			./part.so "${libs[@]}" -Wl,-rpath,. -rdynamic -lpthread -o victim
}

RULES='wal/append = 2@error(ENOSPC); put/* = return(7); list/page = 1*short(10); part/* = 3@return(9)'
EXPECTED='first error 0 0 return 7 part 0 buffer 10
second error 1 28 return 7 part 0 buffer 100
template 5 text
child error 0 0 return 7 part 9 buffer 100
status 0'

@test "every compiler and language, alone with FAILPOINTS" {
	for compiler in gcc g++ clang clang++; do
		for flag in -fPIE -no-pie -O0; do
			build $compiler "$(language $compiler)" shared $flag
			run env FAILPOINTS="$RULES" ./victim
			echo "$compiler $flag: $output"
			[ "$output" = "$EXPECTED" ]
		done
	done
}

@test "the static library serves as well" {
	for compiler in gcc clang++; do
		build $compiler "$(language $compiler)" static
		run env FAILPOINTS="$RULES" ./victim
		echo "$output"
		[ "$output" = "$EXPECTED" ]
	done
}

@test "with no rules nothing happens" {
	build gcc c shared
	run ./victim
	[ "${lines[0]}" = "first error 0 0 return 0 part 0 buffer 100" ]
	[ "${lines[3]}" = "child error 0 0 return 0 part 0 buffer 100" ]
}

@test "disabled, no trace is left" {
	build g++ c++ disable
	run env FAILPOINTS="$RULES" ./victim
	[ "${lines[0]}" = "first error 0 0 return 0 part 0 buffer 100" ]
	run grep -c wal/append victim
	[ "$output" = 0 ]
	run sh -c 'nm victim | grep -ci failpoint'
	[ "$output" = 0 ]
}

@test "a failpoint before its module's constructor works" {
	build gcc c shared
	run env EARLY=1 FAILPOINTS="$RULES" ./victim
	echo "$output"
	[ "${lines[0]}" = "early 7" ]
}

@test "a wrong rule is told on standard error, and strict stops the program" {
	build gcc c shared
	run --separate-stderr env FAILPOINTS='put/* = retrn(7)' ./victim
	[ "$status" = 0 ]
	[[ $stderr == *'did you mean "return"'* ]]
	run env FAILKIT_STRICT=1 FAILPOINTS='put/* = retrn(7)' ./victim
	[ "$status" = 134 ]
	run --separate-stderr env FAILPOINTS='put/* = return(7); fsync = error(EIO)' ./victim
	[[ $stderr == *'"fsync = error(EIO)" is about calls'*'use failctl run' ]]
}

@test "an interposed program with failpoints is one process with one slot" {
	build gcc c shared
	run failctl run -e 'put/* = return(7)' -e 'wal/append = error(ENOSPC)' -e 'fork = error(EAGAIN)' \
		-- ./victim
	echo "$output"
	[ "${lines[0]}" = "first error 1 28 return 7 part 0 buffer 100" ]
}

@test "the names are found in the file without running it" {
	build g++ c++ shared
	run failctl points ./victim
	echo "$output"
	for name in wal/append wal/after-sync put/commit list/page cxx/template; do
		[[ $output == *"$name"* ]]
	done
}

@test "a disarmed failpoint takes four instructions" {
	printf '%s\n' '#include "failkit/failpoint.h"' 'int f(int a) { FAILPOINT("a/b"); return a; }' > f.c
	gcc -O2 -fPIC -I"$INCLUDE" -c f.c -o f.o
	objdump -d --no-show-raw-insn f.o | awk '/<f>:/,/ret/' > f.s
	cat f.s
	[ "$(grep -cE '\s(lea|mov|cmpl|jne)\s.*(%rip|\(%r|f\+)' f.s)" = 4 ]
}

@test "the header suits aarch64, and compilers without flag outputs" {
	printf '%s\n' '#include "failkit/failpoint.h"' 'int f(int a);' \
		'int f(int a) { FAILPOINT("a/b"); FAILPOINT_RETURN("c/d", -1); return a; }' > f.c
	clang --target=aarch64-linux-gnu -ffreestanding -nostdlibinc "${WARN[@]}" -fPIC -I"$INCLUDE" \
		-c f.c -o arm.o
	gcc -U__GCC_ASM_FLAG_OUTPUTS__ "${WARN[@]}" -I"$INCLUDE" -c f.c -o old.o
}

@test "a plane that is not there is told in one line, and strict stops the program" {
	build gcc c shared
	run --separate-stderr env FAILKIT_PLANE=/nonexistent ./victim
	echo "$stderr"
	[ "${lines[0]}" = "first error 0 0 return 0 part 0 buffer 100" ]
	[ "$stderr" = "failkit: /nonexistent: no such plane" ]
	head -c 100000 /dev/zero > zeroes
	run --separate-stderr env FAILKIT_PLANE=zeroes ./victim
	[ "$stderr" = "failkit: zeroes: not a plane, or one that is still being made" ]
	run --separate-stderr env FAILKIT_STRICT=1 FAILKIT_PLANE=/nonexistent ./victim
	[ "$status" = 134 ]
	[ -z "$output" ]
}
