#!/usr/bin/env bats
# A one-shot rule under 8 processes of 8 threads fires exactly once, 200 times in a row, and no
# listing, during the storm or after it, ever shows more.

load common

BATS_TEST_TIMEOUT=600

@test "a one-shot rule fires once among 64 threads, 200 times in a row" {
	mkfifo "$T/in" "$T/out"
	failctl run -p p -- victim_storm "$T/file" 8 8 20 < "$T/in" > "$T/out" 3>&- &
	later_kill $!
	exec 7> "$T/in" 8< "$T/out"
	eventually failctl ls -p p
	for round in $(seq 200); do
		failctl set -p p 'once := fsync:path=*/file = 1*error(EIO)' > "$T/name"
		echo "$round" >&7
		failctl ls -p p > "$T/during"
		read -r failed <&8
		failctl ls -p p > "$T/after"
		read -r _ _ _ _ _ during _ < <(tail -n 1 "$T/during")
		read -r _ _ _ _ matches after _ < <(tail -n 1 "$T/after")
		[[ $failed == 1 && $during -le 1 && $after == 1 && $matches == 1280 ]] ||
			{ echo "round $round: $failed failed"; cat "$T/during" "$T/after"; false; }
	done
	exec 7>&-
}
