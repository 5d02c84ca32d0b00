#!/usr/bin/env bats
# failctl run: the command's status, rules held while it runs, what did not happen is said.

load common

@test "the command's status, output and input pass through, and nothing else is printed" {
	run -0 --separate-stderr failctl run -- sh -c 'cat; echo done' <<< hello
	[ "$output" = $'hello\ndone' ]
	[ -z "$stderr" ]
	run -7 failctl run -- sh -c 'exit 7'
	run -127 failctl run -- sh -c 'exit 127'
	[ -z "$output" ]
	run -143 failctl run -- sh -c 'kill -TERM $$'
}

@test "options of the command stay the command's" {
	run -0 failctl run echo -e --json -- x
	[ "$output" = "--json -- x" ]
}

@test "a one-shot error on a path: the first write fails, the second succeeds" {
	run -0 --separate-stderr failctl run -e 'write:path=*/out = 1*error(EIO)' -- \
		sh -c 'cd "$T"; printf a > out || echo failed; printf b > out; cat out'
	[ "$output" = $'failed\nb' ]
	[[ $stderr == *"Input/output error"* || $stderr == *"I/O error"* ]]
}

@test "several rules, in one text or many" {
	run -0 failctl run -e 'write:path=*/a = error(EIO); write:path=*/b = error(ENOSPC)' \
		-e 'write:path=*/c = error(EDQUOT)' -- \
		sh -c 'cd "$T"; for f in a b c d; do printf x > $f 2> /dev/null || echo $f; done'
	[ "$output" = $'a\nb\nc' ]
}

@test "an empty rule, as of an unset variable, is refused before the command runs" {
	for rule in '' ' ' '# fsync = error(EIO)'; do
		run -125 failctl run -e "$rule" -- touch "$T/ran"
		[[ $output == *"it holds no rule"* ]]
		[ ! -e "$T/ran" ]
	done
}

@test "a rule that matched no call is reported" {
	run -0 --separate-stderr failctl run -e 'r := fsync:path=*/nowhere = error(EIO)' -- sh -c 'echo x > "$T/x"'
	[[ $stderr == *'rule "r" matched no call: fsync:path=*/nowhere = error(EIO)'* ]]
	run -0 --separate-stderr failctl run -e 'r := wal/sync = off' -- sh -c 'echo x > "$T/x"'
	[[ $stderr == *'rule "r" matched no call, its failpoint never appeared'* ]]
}

@test "a target that the interposer does not see is reported" {
	printf 'int main(void) { return 5; }\n' > "$T/s.c"
	cc -static -o "$T/static" "$T/s.c"
	run -5 --separate-stderr failctl run -e 'write = error(EIO)' -- "$T/static"
	[[ $stderr == *"saw no call of"*": it is static: it loads no library"*"--static"* ]]
	# What starts it is none, and says nothing of its own.
	printf '#!%s\n' "$T/static" > "$T/script"
	chmod 755 "$T/script"
	run -5 --separate-stderr failctl run -e 'write = error(EIO)' -- "$T/script"
	[[ $stderr == *"saw no call of"*": it is static"* ]]
}

@test "--must-fire: 125 when a rule has not fired, the command's status when it has" {
	run -125 failctl run --must-fire -e 'fsync:path=*/nowhere = error(EIO)' -- true
	run -125 failctl run --must-fire -e '%write:path=*/out = 5@delay(1ms)' -- sh -c 'echo x > "$T/out"'
	[[ $output == *"matched 1 times and never fired"* ]]
	run -0 failctl run --must-fire -e '%write:path=*/out = delay(1ms)' -- sh -c 'echo x > "$T/out"'
	[ -z "$output" ]
	run -3 failctl run --must-fire -e '%write:path=*/out = delay(1ms)' -- sh -c 'echo x > "$T/out"; exit 3'
}

@test "signals are passed on, and the status is the command's" {
	start t failctl run -- sh -c 'sleep 1000 & trap "echo got; kill $!; exit 9" TERM; echo up; wait'
	eventually grep -q up "$T/t.out"
	kill -TERM "$pid"
	status=0
	wait "$pid" || status=$?
	[ "$status" = 9 ]
	grep -q got "$T/t.out"
}

@test "held rules end when failctl run is killed; its target lives on" {
	mkfifo "$T/in"
	start t failctl run -p p -e 'w := write:path=*/out = pause' -- dd if="$T/in" of="$T/out" bs=64 status=none
	exec 7> "$T/in"
	echo one >&7
	failctl_ready() { failctl ls -p p; }
	eventually failctl_ready
	failctl wait -p p w --paused --timeout 60s
	target=$(pgrep -P "$pid")
	later_kill "$target"
	kill -KILL "$pid"
	eventually grep -q one "$T/out"
	kill -0 "$target"
}

@test "more threads inside actions than are listed are told of, by ps and at the end" {
	cat > "$T/many.c" <<'END'
#include <pthread.h>
#include <unistd.h>
static void *body(void *argument)
{
	return fsync(1), argument;
}
int main(void)
{
	pthread_t thread[70];
	for (int i = 0; i < 70; i++)
		pthread_create(&thread[i], NULL, body, NULL);
	for (int i = 0; i < 70; i++)
		pthread_join(thread[i], NULL);
	return 0;
}
END
	gcc -w "$T/many.c" -o "$T/many" -lpthread
	start t failctl run -p p -e 'w := fsync = pause' -- "$T/many"
	all_sleep() {
		[ "$(failctl ps -p p --json 2> /dev/null | jq '.[0] | .inside, .unlisted' | xargs)" = "64 6" ]
	}
	eventually all_sleep
	run --separate-stderr failctl ps -p p
	[[ $stderr == *'6 sleeps of "many" ('*'more threads than are listed'* ]]
	failctl release -p p w
	wait "$pid"
	grep -q '6 sleeps of "many"' "$T/t.err"
}

@test "--user: the command and its plane are the user's" {
	[ "$(id -u)" = 0 ] || skip "only root can become another user"
	chmod 777 "$T"
	install -m 755 "$FAILKIT_BUILD/libfailpreload.so" "$FAILKIT_BUILD/failctl" "$T"
	run -0 --separate-stderr "$T/failctl" run -p p --user nobody -e 'write:path=*/out = 1*error(EIO)' -- \
		sh -c 'id -un; id -Gn; stat -c %U "$T/failkit.p"; printf a > "$T/out" || echo failed'
	[ "$output" = $'nobody\nnogroup\nnobody\nfailed' ]
}

@test "--node names the process, its role is the name without digits" {
	run -0 failctl run -p p --node ds2 -e 'write:role=ds:path=*/out = error(EIO)' -- \
		sh -c 'printf a > "$T/out" 2> /dev/null || echo failed; '"$FAILKIT_BUILD"'/failctl ps -p p --json'
	[[ ${lines[0]} == failed ]]
	tail -n +2 <<< "$output" | jq -e '[.[] | select(.node == "ds2" and .role == "ds")] | length > 0'
}

@test "the same seed gives the same fires" {
	fires() {
		failctl run --seed "$1" -e 'r := %write:path=*/out = 50%error(EIO)' -- \
			sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do printf x >> "$T/out" 2> /dev/null && echo y || echo n; done'
	}
	[ "$(fires 42)" = "$(fires 42)" ]
	[ "$(fires 42)" != "$(fires 43)" ]
}
