#!/usr/bin/env bats
# deep.bats - the deep tier: what never passes a name obeys the same rules; and a program that is
# trapped everywhere notices nothing. Victims write past every name that could be interposed, and say
# what the kernel said.

load ../cli/common.bash

setup_more() {
	cd "$T" || return
	uname -m | grep -q x86_64 || skip "the deep tier traps on x86-64 only"
}

rule='%write:path=*.data* = error(EIO)'

# deep VICTIM WHAT [RULE]: under the rule, its lines joined by commas.
deep() {
	run --separate-stderr failctl run --deep -e "${3:-$rule}" -- "$1" "$2" x.data
	got=$(paste -sd, <<< "$output")
	echo "$status: $got $stderr"
}

@test "a rule on %write reaches fflush, dprintf, syscall() and an inlined system call" {
	deep victim_deep ways
	[ "$got" = "fflush -1 EIO,dprintf -1 EIO,syscall -1 EIO,inline -1 EIO,write -1 EIO,mkstemp 0" ]
	# Without it only the names are seen.
	run failctl run -e "$rule" -- victim_deep ways x.data
	got=$(paste -sd, <<< "$output")
	[[ $got = "fflush 0,dprintf 5,syscall -1 EIO,inline 1,write -1 EIO,mkstemp 0"* ]]
}

@test "mkstemp's own open can fail, and a rule about another path leaves all alone" {
	deep victim_deep ways 'openat:path=*made.* = error(ENOSPC)'
	[ "$got" = "fflush 0,dprintf 5,syscall 1,inline 1,write 1,mkstemp -1 ENOSPC" ]
}

@test "a call is judged once, whichever way it takes" {
	deep victim_deep once '%write,%space:path=*.data = 2@error(EIO)->5@error(EIO)->8@error(EIO)->11@error(EIO)'
	[ "$got" = "write 1,write -1 EIO,write 1,inline 1,inline -1 EIO,inline 1,syscall 1,syscall -1 EIO,syscall 1,posix_fallocate 0,posix_fallocate EIO,posix_fallocate 0" ]
}

@test "a shortened write is shortened for real, and an error after it has written" {
	failctl run --deep -e 'write:path=*.data = short(2)' -- bash -c 'exec 3>x.data; printf abcdef >&3' || true
	[ "$(cat x.data)" = abcdef ]
	failctl run --deep -e 'write:path=*.data = error_after(EIO)' -- victim_deep status after.data || true
	[ "$(cat after.data)" = x ]
}

@test "what comes after a call of libaio's is judged" {
	deep victim_deep after_aio '%write:path=*.data = error(EIO);io_getevents:fd=99 = error(EINTR)'
	[ "$got" = "io_getevents failed,inline -1 EIO" ]
}

@test "threads of every kind are reached from their first instruction" {
	deep victim_deep threads
	[ "$got" = "pthread -1 EIO,bare thread -1 EIO,parent -1 EIO" ]
}

@test "children of every kind are reached, and their parents after them" {
	deep victim_deep children
	[ "$got" = "fork EIO,clone by number EIO,inline clone EIO,clone on a stack EIO,vfork EIO,vfork and exec EIO,vfork in vfork EIO,posix_spawn EIO,parent -1 EIO" ]
}

@test "16 threads write inlined at once: no call is lost, errno is nobody's business" {
	deep victim_deep stress
	[ "$got" = "stress 32000 of 32000" ]
	[ "$(cat x.data.* | wc -c)" = 0 ]
	rm x.data.*
	deep victim_deep stress '%write:path=*.data.3 = error(EIO)'
	[ "$got" = "stress 2000 of 32000" ]
	[ "$(cat x.data.* | wc -c)" = 30000 ]
}

@test "registers, flags and errno are kept; a bad pointer and an unknown number get the kernel's answer" {
	deep victim_deep keeps
	[ "$got" = "inline -1 EIO,kept 1 1 1,errno -1 ENOTTY,a bad pointer -1 EFAULT,no such call -1 ENOSYS" ]
	deep victim_deep keeps 'write:path=*.none = error(EIO)'
	[ "$got" = "inline 1,kept 1 1 1,errno -1 ENOTTY,a bad pointer -1 EFAULT,no such call -1 ENOSYS" ]
}

@test "a handler during a trapped call is reached; the call is interrupted or restarted as ever" {
	for more in '' ';read = delay(1)'; do
		deep victim_deep_signals signals "$rule$more"
		[ "$got" = "interrupted -1 EINTR,in its handler -1 EIO,restarted 1,in its handler -1 EIO,fgetc 121" ]
	done
}

@test "a siglongjmp out of a trapped call leaves nothing behind" {
	deep victim_deep_signals jumps
	[ "$got" = "jumps 300 of 300" ]
	# Out of a sleep, too. A jump in the microseconds in which the engine judges leaves its mark until
	# a shallower call comes by (walk.c): the few that hit them are passed through, none is lost.
	deep victim_deep_signals jumps "$rule;read = delay(1ms)"
	[[ $got =~ ^"jumps "(2[5-9][0-9]|300)" of 300"$ ]]
}

@test "a program that blocks SIGSYS by every means is still reached, and told that it did" {
	deep victim_deep_signals masks
	[ "$got" = "sigprocmask -1 EIO,blocked 1,pthread_sigmask -1 EIO,rt_sigprocmask -1 EIO,sa_mask -1 EIO,in sa_mask 1,sigsuspend -1 EINTR,in its handler -1 EIO,ppoll -1 EINTR,in its handler -1 EIO,pselect -1 EINTR,in its handler -1 EIO" ]
}

@test "a program may ignore, handle or die of a SIGSYS of its own" {
	deep victim_deep_signals actions
	[ "$got" = "before default,ignored -1 EIO,handler 1,handled -1 EIO,seen 1,default -1 EIO" ]
	[ "$status" = 159 ]
}

@test "a program sees its own signal stacks and not ours" {
	deep victim_deep_signals stacks
	[ "$got" = "none 1,own 1,on it -1 EIO,had 1,none 1,after -1 EIO" ]
}

@test "threads blocked in read and in stdio are cancelled, with and without a rule" {
	for more in '' 'read = delay(1ms)'; do
		deep victim_deep_signals cancel "$more${more:+;}$rule"
		[ "$got" = "cancelled, cleaned 1" ]
	done
}

@test "the clock is still read without a system call" {
	command -v strace
	failctl run --deep -- strace -f -e trace=fcntl -e signal=SIGSYS -o trace \
		env LD_PRELOAD="$FAILKIT_BUILD/libfailpreload.so" victim_deep_signals clock x.data
	between=$(awk '/fcntl\(-102/ {on = 0} on && /SIGSYS/ {n++} /fcntl\(-101/ {on = 1} END {print n + 0}' trace)
	echo "$between traps for 1000 readings"
	grep -q SIGSYS trace
	[ "$between" -le 2 ]
}

# What the kernel saw between the two marks, addresses apart; and without our own returns, and the
# questions whether a pointer can be read.
between() {
	awk '/fsync\(-102\)/ {on = 0} on {print} /fsync\(-101\)/ {on = 1}' "$1" |
		grep -v -e rt_sigreturn -e '^---' -e 'rt_sigprocmask(0x' | sed -E 's/0x[0-9a-f]+/ADDRESS/g'
}

@test "the kernel sees the same calls and results with and without it" {
	mkdir bare ours
	(cd bare && strace -o ../bare.trace victim_idle)
	(cd ours && failctl run --deep -- strace -o ../ours.trace victim_idle)
	between bare.trace > bare.calls
	between ours.trace > ours.calls
	[ "$(wc -l < bare.calls)" -gt 70 ]
	diff bare.calls ours.calls
}

@test "Python, Perl, git and pipelines of the shell work as they do" {
	cat > work.py <<'END2'
import os, signal, subprocess, threading, tempfile, multiprocessing, time
def square(n):
    return n * n
if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as d:
        def job(n):
            for i in range(30):
                p = os.path.join(d, f"{n}.{i}")
                with open(p, "w") as f:
                    f.write("x" * 1000)
                    f.flush()
                    os.fsync(f.fileno())
                os.rename(p, p + ".done")
        ts = [threading.Thread(target=job, args=(n,)) for n in range(4)]
        [t.start() for t in ts]
        [t.join() for t in ts]
        print(len(os.listdir(d)), subprocess.check_output("seq 5 | sort -r | head -2", shell=True))
    with multiprocessing.Pool(2) as pool:
        print(pool.map(square, range(8)))
    signal.signal(signal.SIGALRM, lambda *a: print("alarm"))
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    signal.pause()
END2
	cat > work.sh <<'END2'
set -e
mkdir -p w && cd w && rm -rf repo && git init -q repo && cd repo
git config user.email a@b && git config user.name a
seq 1000 > numbers && git add . && GIT_COMMITTER_DATE='1000000000 +0000' git commit -qm one --date='1000000000 +0000'
cp numbers other && sort -rn other | tail -3 && dd if=numbers of=third bs=512 status=none
cmp numbers third && tar cf - . | wc -l > /dev/null && git log --format=%s | cat && md5sum numbers
trap 'echo trapped' USR1; kill -USR1 $$; (exit 3) || echo $?
find . -name third -exec wc -l {} \;
END2
	for command in "python3 work.py" "perl -e 'print join(q(,), sort map {\$_ * 2} 1..5), qx(echo hi)'" \
		"bash work.sh" "seq 1000 | sort -n | tail -1"; do
		bare=$(bash -c "$command")
		for rules in '%all:path=/nowhere/** = error(EIO)' 'link:path=/never = error(EIO)'; do
			run --separate-stderr failctl run --deep -e "$rules" -- bash -c "$command"
			echo "$output / $bare / $stderr"
			[ "$status" = 0 ]
			[ "$output" = "$bare" ]
		done
	done
}

redis_start() {
	failctl run -p redis "$@" -- redis-server --port 0 --unixsocket "$T/redis.sock" --dir "$T" \
		--save '' --appendonly no --daemonize no > "$T/redis.log" 2>&1 &
	later_kill $!
	eventually redis-cli -s "$T/redis.sock" ping
	[ "$(redis-cli -s "$T/redis.sock" set key value)" = OK ]
}

redis_stop() {
	redis-cli -s "$T/redis.sock" shutdown nosave 2> /dev/null || true
	eventually is_over "${later[-1]}"
	wait "${later[-1]}" || true
}

@test "redis: its RDB save is reached: ENOSPC and EIO are answered, the snapshot that was there stays" {
	redis_start --deep
	[ "$(redis-cli -s "$T/redis.sock" save)" = OK ]
	before=$(md5sum < dump.rdb)
	for error in ENOSPC EIO; do
		failctl -p redis set "full := %write:path=*.rdb = error($error)"
		run redis-cli -s "$T/redis.sock" save
		echo "$output"
		[[ $output = *ERR* ]]
		[ "$(rule_field redis full fires)" -ge 1 ]
		[ "$(md5sum < dump.rdb)" = "$before" ]
	done
	grep -q 'Write error saving DB on disk.*No space left on device' redis.log
	failctl -p redis rm full
	[ "$(redis-cli -s "$T/redis.sock" save)" = OK ]
	# In a child of fork, too.
	failctl -p redis set 'full := %write:path=*.rdb = error(ENOSPC)'
	redis-cli -s "$T/redis.sock" bgsave
	eventually grep -q 'Background saving error' redis.log
	redis_stop
}

@test "redis: without the deep tier the same rule does not reach it" {
	redis_start
	failctl -p redis set 'full := %write:path=*.rdb = error(ENOSPC)'
	[ "$(redis-cli -s "$T/redis.sock" save)" = OK ]
	[ "$(rule_field redis full fires)" = 0 ]
	redis_stop
}

@test "where the kernel can't, it says so in one line and goes on" {
	# A filter that refuses the prctl() stands for an old kernel.
	cat > old.c <<'END2'
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 59, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog program = {6, code};
	(void)argc;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
	execvp(argv[1], argv + 1);
	return 9;
}
END2
	gcc old.c -o old
	run --separate-stderr ./old failctl run --deep -e "$rule" -- victim_deep ways x.data
	echo "$output / $stderr"
	[[ $output = *"write -1 EIO"* && $output = *"inline 1"* ]]
	[ "$(grep -c 'needs Syscall User Dispatch' <<< "$stderr")" = 1 ]
}
