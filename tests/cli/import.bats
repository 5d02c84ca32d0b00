#!/usr/bin/env bats
# failctl import: other languages, printed as native rules that failctl itself takes.

load common

@test "what import prints can be set" {
	start t failctl run -p p -- sleep 1000
	eventually failctl ls -p p
	while IFS='|' read -r dialect text; do
		run -0 failctl import "$dialect" "$text"
		[ -n "$output" ]
		failctl set "$output"
		failctl import "$dialect" "$text" --json | jq -e 'type == "array" and length > 0'
	done <<- 'END'
		strace|inject=fsync:error=EIO:when=3
		failrs|put=20%3*return(1)
		gofail|app/put=return(5)
		fail9|debug.fail_point.put=10%return(5)
	END
}

@test "an unknown dialect: 2 and the nearest" {
	run -2 failctl import stace 'inject=fsync:error=EIO'
	[[ $output == *'"strace"'* ]]
}

@test "what can't be said is refused with the reason" {
	run -2 failctl import strace 'inject=fsycn:error=EIO'
	[ -n "$output" ]
}
