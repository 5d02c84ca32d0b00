#!/usr/bin/env bats
# failctl points: of a program that is not run, and of processes that are.

load common

setup_more() {
	cat > "$T/p.c" <<- 'END'
		#include <stdio.h>
		#include "failkit/failpoint.h"
		int main(void)
		{
			int c;
			while ((c = getchar()) != EOF) {
				FAILPOINT("put/begin");
				if (FAILPOINT_ERROR("put/append"))
					puts("failed");
				FAILPOINT("put/begin");
				fflush(stdout);
			}
			return 0;
		}
	END
	cc -I"$ROOT/include" -o "$T/p" "$T/p.c" "$FAILKIT_BUILD/libfailpoint.a" -lpthread -ldl
}

@test "of a program: its names, sorted, each once, without running it" {
	run -0 failctl points "$T/p"
	[ "$output" = $'NAME\nput/append\nput/begin' ]
	[ "$(failctl points "$T/p" --json | jq -r '.[].name' | tr '\n' ' ')" = "put/append put/begin " ]
}

@test "a failpoint that fires in a program without a call is no blind target" {
	printf '#include "failkit/failpoint.h"\nint main(void) { FAILPOINT_RETURN("a/b", 3); return 0; }\n' > "$T/q.c"
	cc -I"$ROOT/include" -o "$T/q" "$T/q.c" "$FAILKIT_BUILD/libfailpoint.a" -lpthread -ldl
	run -7 --separate-stderr failctl run -e 'a/b = return(7)' -- "$T/q"
	[ -z "$stderr" ]
}

@test "of what is no program, or has none" {
	run -2 failctl points "$T/p.c"
	[[ $output == *"is no 64-bit ELF file"* ]]
	run -3 failctl points "$T/nothing"
	run -0 failctl points "$FAILKIT_BUILD/failctl"
	[ -z "$output" ]
	head -c 5000 "$T/p" > "$T/cut"
	run failctl points "$T/cut"
	[[ $status == 0 || $status == 2 ]]
}

@test "of processes: how many have it, and whether it takes a value" {
	mkfifo "$T/in"
	start p failctl run -p p -- sh -c 'exec "$T/p" < "$T/in"'
	exec 7> "$T/in"
	eventually failctl ls -p p
	failctl set 'a := put/append = 1*error(EIO)'
	printf x >&7
	eventually grep -q failed "$T/p.out"
	rule_field_is p a state live
	failctl points --json | jq -e '[.[] | select(.processes == 1)] | length == 2'
	failctl points --json | jq -e '.[] | select(.name == "put/append").value'
	run -2 failctl set 'put/begin = error(EIO)'
	[[ $output == *'"put/begin" only acts'* ]]
}

@test "a misspelt failpoint is told of with the nearest there is, when it is set and at the end" {
	mkfifo "$T/in"
	start p failctl run -p p -e 'm := put/apend = error(EIO)' -- sh -c 'exec "$T/p" < "$T/in"'
	exec 7> "$T/in"
	has_points() { [ "$(failctl points -p p --json 2> /dev/null | jq length)" = 2 ]; }
	eventually has_points
	run -0 --separate-stderr failctl set 'a := put/begni = off' 'b := put/* = off' 'c := get/first = off'
	[ "$output" = $'a\nb\nc' ]
	[ "$stderr" = 'failctl: rule "a" names a failpoint that no process has; did you mean "put/begin"?' ]
	exec 7>&-
	wait "$pid"
	grep -q 'rule "m" matched no call, its failpoint never appeared (did you mean "put/append"?)' "$T/p.err"
}
