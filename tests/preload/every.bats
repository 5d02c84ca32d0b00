#!/usr/bin/env bats
# every.bats - the whole table of calls, row by row: each fails with each errno it lists, each that
# moves bytes can be made to move fewer, each name is found to be the interposer's. The lists come
# from calls.def, so a new row is tested or does not compile.

load ../cli/common.bash

setup_more() {
	cd "$T" || return
}

@test "every call fails with every errno it lists, and says so as it always does" {
	rows=0
	for part in 0 1 2 3 4 5; do
		run failctl run -e "$(victim_every rules $part)" -- victim_every run $part
		echo "$output"
		[ "$status" = 0 ]
		[[ $output =~ ([0-9]+)" rows, "[0-9]+" errnos, 0 wrong"$ ]]
		rows=$((rows + BASH_REMATCH[1]))
	done
	[ "$rows" = "$(failctl calls --json | jq length)" ]
}

@test "every call with a number fails the same by syscall()" {
	run failctl run -e "$(victim_every firsts)" -- victim_every numbers
	echo "$output"
	[[ $output =~ ([0-9]+)" rows, 0 wrong" ]]
	[ "${BASH_REMATCH[1]}" -gt 100 ]
}

@test "every name of the table leads to the interposer, by whatever lookup" {
	run failctl run -- victim_every names
	echo "$output"
	[[ $output == *"0 wrong"* ]]
}

# Versions that libc gives to old programs are the newest's code, or take other arguments.
@test "a name of libc with its version leads to the interposer, unless it is another function" {
	libc=$(ldd "$FAILKIT_BUILD/failctl" | awk '/libc\.so/ {print $3}')
	nm -D --defined-only "$FAILKIT_BUILD/libfailpreload.so" | awk '{print $3}' > ours
	nm -D --defined-only "$libc" | awk '
		{split($3, part, /@+/)}
		NR == FNR {if ($3 ~ /@@/) newest[part[1]] = $1; next}
		part[2] && newest[part[1]] {
			print part[1], part[2], newest[part[1]] == $1 ? "ours" : "libc\047s"}
		' <(nm -D --defined-only "$libc") - | awk '
		NR == FNR {ours[$1]; next} $1 in ours' ours - > expected
	cut -d' ' -f1,2 expected > lines
	grep -Fx "write GLIBC_2.2.5 ours" expected
	grep -Fx "pthread_cond_timedwait GLIBC_2.2.5 libc's" expected
	[ "$(wc -l < expected)" -gt 300 ]
	failctl run -- victim_every versions < lines > found
	diff expected found
}

# names_of LIBRARY: what it gives to programs that are linked today, functions only.
names_of() {
	nm -D --defined-only "$1" | awk '$2 ~ /[TWi]/ && $3 !~ /[^@]@[^@]|@GLIBC_PRIVATE/ {print $3}' |
		sed 's/@.*//' | sort -u
}

# names_pure.txt has an expression a line; docs/calls.md has names, where "*" is any rest.
@test "each name of libc is in the table, is left out with a reason, or touches nothing" {
	libc=$(ldd "$FAILKIT_BUILD/failctl" | awk '/libc\.so/ {print $3}')
	names_of "$libc" > libc
	names_of "$FAILKIT_BUILD/libfailpreload.so" > ours
	sed -n '/^## What is left out/,/^## The rows/p' "$ROOT/docs/calls.md" | cut -d'|' -f2 |
		grep -o '`[^`]*`' | tr -d '`' | sed 's/\*/[A-Za-z0-9_]*/' > left
	pure=$ROOT/tests/preload/names_pure.txt
	[ "$(wc -l < libc)" -gt 2000 ]
	[ "$(wc -l < left)" -gt 200 ]
	run -1 grep -xEf "$pure" ours
	run -1 grep -xEf left ours
	comm -23 libc ours | grep -vxEf left > rest
	run -1 grep -vxEf "$pure" rest
}

twins=(thrd_create thrd_sleep eventfd_write eventfd_read putw rewind getw gets __gets_chk __vfscanf
	wscanf vfwscanf vwscanf readdir_r scandirat getnameinfo)

@test "second names with bodies of their own do what they do, judged or not" {
	printf 'one\ntwo\n1 \n' > lines
	victim_twins < lines > bare
	for name in "${twins[@]}"; do
		grep "^$name [01]\|^getw 1094861636$" bare
	done
	failctl run -- victim_twins < lines > idle
	diff bare idle
	rules='pthread_create,clock_nanosleep,read,write,fputc,fgetc,fgets,fseek,fscanf,fwscanf = off
readdir_r,scandirat,getnameinfo = off'
	failctl run -e "$rules" -- victim_twins < lines > judged
	diff bare judged
}

@test "second names with bodies of their own fail as they do" {
	printf 'one\ntwo\n1 \n' > lines
	rules='pthread_create = error(EAGAIN)
clock_nanosleep = error(EINTR)
read,write,fgetc,fputc,fgets,fseek,fscanf,fwscanf,readdir_r,scandirat,getnameinfo = error(EIO)'
	run --separate-stderr failctl run -e "$rules" -- victim_twins < lines
	echo "$output"
	failed=("thrd_create 2" "thrd_sleep -1" "eventfd_write -1" "eventfd_read -1" "putw -1" "rewind 5"
		"getw -1" "gets 0" "__gets_chk 0" "__vfscanf -1" "wscanf -1" "vfwscanf -1" "vwscanf -1"
		"marked 1" "readdir_r 5" "found 0" "scandirat 0" "getnameinfo -4")
	for line in "${failed[@]}"; do
		grep -Fqx -- "$line" <<< "$output" || { echo "no \"$line\""; false; }
	done
}

@test "every call that moves bytes moves fewer, really, to the byte, and leaves errno alone" {
	victim_short run 12 > bare
	[ "$(grep -vc ' 12 moved 12$' bare)" = 0 ]
	run failctl run -e "$(victim_short rules)" -- victim_short run 12
	echo "$output"
	[ "$(grep -c ' 5 moved 5$' <<< "$output")" = "$(wc -l < bare)" ]
}

@test "two bytes become one" {
	run failctl run -e "$(victim_short rules)" -- victim_short run 2
	echo "$output"
	[ "$(grep -vc ' 1 moved 1$' <<< "$output")" = 0 ]
}

@test "nothing and one byte are never shortened" {
	for n in 0 1; do
		victim_short run $n > bare
		failctl run -e "$(victim_short rules)" -- victim_short run $n > ours 2> err || true
		diff bare ours
	done
}
