#!/usr/bin/env bats
# clock.bats - the clock of a node: what programs of other makers are told, and when it ends.

load ../cli/common.bash

setup_more() {
	cd "$T" || return
}

# ahead COMMAND...: how many seconds what it prints is ahead of the machine's clock, rounded.
ahead() {
	local told
	told=$("$@") || return
	python3 -c "import sys, time; print(round(float(sys.argv[1]) - time.time()))" "$told"
}

# about SECONDS VALUE: within what a loaded machine may need.
about() {
	(($2 > $1 - 40 && $2 < $1 + 40))
}

@test "date and Python are told the bent time" {
	about 3600 "$(ahead failctl run --clock +1h -- date +%s.%N)"
	about -3600 "$(ahead failctl run --clock -1h -- date +%s.%N)"
	about 0 "$(ahead failctl run -- date +%s.%N)"
	for ask in 'time.time()' 'time.clock_gettime(time.CLOCK_REALTIME)' \
		'datetime.datetime.now().timestamp()'; do
		about 3600 "$(ahead failctl run --clock +1h -- \
			python3 -c "import time, datetime; print($ask)")"
	done
}

@test "every way of asking libc tells the same" {
	cat > ask.c <<'EOF'
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
int main(void)
{
	struct timespec t[6];
	struct timeval v;
	time_t seconds;
	gettimeofday(&v, NULL);
	time(&seconds);
	clock_gettime(CLOCK_REALTIME, &t[0]);
	clock_gettime(CLOCK_REALTIME_COARSE, &t[1]);
	clock_gettime(CLOCK_TAI, &t[2]);
	timespec_get(&t[3], TIME_UTC);
	syscall(SYS_clock_gettime, CLOCK_REALTIME, &t[4]);
	clock_gettime(CLOCK_MONOTONIC, &t[5]);
	printf("%ld %ld %ld", (long)v.tv_sec, (long)seconds, (long)time(NULL));
	for (int i = 0; i < 6; i++)
		printf(" %ld", (long)t[i].tv_sec);
	printf("\n");
	return 0;
}
EOF
	gcc -O1 ask.c -o ask
	read -ra bare <<< "$(./ask)"
	read -ra bent <<< "$(failctl run --clock +1h -- ./ask)"
	for i in {0..7}; do
		about 3600 $((bent[i] - bare[i]))
	done
	about 0 $((bent[8] - bare[8]))
}

@test "a standing clock stands, and spans keep their length" {
	run -0 failctl run --clock freeze -- python3 -c '
import time
a, m = time.time(), time.monotonic()
time.sleep(0.3)
print(time.time() == a, time.monotonic() - m > 0.29)'
	[ "$output" = "True True" ]
}

@test "a drift gains by the rate" {
	run -0 failctl run --clock 'drift 1000000ppm' -- python3 -c '
import time
def both():
    while True:
        m, a = time.monotonic(), time.time()
        if time.monotonic() - m < 0.1: return a, m
a, m = both()
time.sleep(1)
later, end = both()
print(1.5 < (later - a) / (end - m) < 2.5)'
	[ "$output" = True ]
}

# How far its clock is from what it reads, line by line.
teller='import sys, time
for line in open("in"): print(time.time() - float(line), flush=True)'

# A target ds1 that waits for its input, as descriptor 7.
hold() {
	mkfifo in
	start one failctl run -p p --node ds1 -- "$@"
	exec 7> in
	eventually failctl ps -p p
}

has_lines() {
	(($(wc -l < one.out) >= $1))
}

# The whole seconds by which the teller's clock is ahead.
ask() {
	local n
	n=$(wc -l < one.out)
	python3 -c 'import time; print(time.time())' >&7
	eventually has_lines $((n + 1))
	tail -n 1 one.out | cut -d. -f1
}

@test "a running process follows: set, changed, listed, reset, healed" {
	hold python3 -c "$teller"
	about 0 "$(ask)"
	failctl clock ds1 +1h
	about 3600 "$(ask)"
	failctl clock ds1 -1h
	about -3600 "$(ask)"
	run -0 failctl clock
	[[ ${lines[0]} == NODE*CLOCK*HELD*READS ]]
	[[ ${lines[1]} =~ ^ds1\ +-1h ]]
	failctl clock --json | jq -e '.[0].node == "ds1" and .[0].reads >= 1 and .[0].shift_s < -3500'
	failctl ps --json | jq -e '.[0].clock == "-1h"'
	[[ $(failctl ls) == *"ds1"*"-1h"* ]]
	failctl clock ds1 drift 100ppm
	about -3600 "$(ask)"
	failctl clock ds1 reset
	about 0 "$(ask)"
	[ -z "$(failctl clock)" ]
	failctl clock +2h
	about 7200 "$(ask)"
	failctl heal
	about 0 "$(ask)"
}

@test "only waits until a time of the clock count as reads, each once" {
	cat > wait.c <<'EOF'
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
int main(void)
{
	struct timespec past = {.tv_sec = 1};
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_condattr_t attribute;
	pthread_cond_t condition;
	sem_t semaphore;
	char line[16];
	pthread_condattr_init(&attribute);
	pthread_condattr_setclock(&attribute, CLOCK_MONOTONIC);
	pthread_cond_init(&condition, &attribute);
	pthread_mutex_lock(&mutex);
	sem_init(&semaphore, 0, 0);
	FILE *in = fopen("in", "r");
	while (in && fgets(line, sizeof(line), in)) {
		if (!strcmp(line, "machine\n")) {
			pthread_cond_timedwait(&condition, &mutex, &past);
			pthread_cond_clockwait(&condition, &mutex, CLOCK_MONOTONIC, &past);
			sem_clockwait(&semaphore, CLOCK_MONOTONIC, &past);
		} else {
			struct timespec until = {.tv_sec = time(NULL) + 1};
			sem_timedwait(&semaphore, &until);
		}
		puts(line);
		fflush(stdout);
	}
	return 0;
}
EOF
	gcc -O1 wait.c -o wait -pthread
	hold ./wait
	failctl clock ds1 +1h
	echo machine >&7
	eventually grep -q machine one.out
	failctl clock --json | jq -e '.[0].reads == 0'
	# Asked once, and awaited once, in however many slices.
	echo node >&7
	eventually grep -q node one.out
	failctl clock --json | jq -e '.[0].reads == 2'
}

@test "a held clock ends when failctl is killed" {
	hold cat in
	start holder failctl clock -p p --hold ds1 freeze
	eventually bash -c '[[ $(failctl clock) == *frozen*yes* ]]'
	kill -KILL "$pid"
	eventually bash -c '[ -z "$(failctl clock)" ]'
}

@test "who steers the clock is told the machine's" {
	cat > steer.c <<'EOF'
#include <stdio.h>
#include <sys/timex.h>
#include <time.h>
int main(void)
{
	struct ntptimeval told = {0};
	struct timex by_ntp = {0}, by_clock = {0};
	if (ntp_gettime(&told) < 0 || adjtimex(&by_ntp) < 0 ||
	    clock_adjtime(CLOCK_REALTIME, &by_clock) < 0)
		return 1;
	printf("%ld %ld %ld %ld\n", (long)told.time.tv_sec, (long)by_ntp.time.tv_sec,
	       (long)by_clock.time.tv_sec, (long)time(NULL));
	return 0;
}
EOF
	gcc -O1 steer.c -o steer
	read -ra bare <<< "$(./steer)"
	read -ra bent <<< "$(failctl run --clock +1h -- ./steer)"
	for i in 0 1 2; do
		about 0 $((bent[i] - bare[i]))
	done
	about 3600 $((bent[3] - bare[3]))
}

@test "what is no change of a clock is refused" {
	hold cat in
	for wrong in "+5parsecs" "drift" "drift fast" "drift 1" "reset +5m" "+5m ds1" "ds1" \
		"drift 99999999ppm" "+1000000h"; do
		# shellcheck disable=SC2086
		run -2 failctl clock $wrong
		[[ $output == "failctl: "* ]]
	done
	run -1 failctl clock ds2 +5m
	[ "$output" = 'failctl: unknown node "ds2", did you mean "ds1"?' ]
	run -125 failctl run --clock 5m -- true
	[[ $output == *'--clock: "5m" is no change of a clock'* ]]
	run -125 failctl run --static --clock +5m -- true
}

@test "children inherit the clock" {
	about 3600 "$(ahead failctl run --clock +1h -- sh -c 'date +%s')"
}

@test "every wait until a time of the clock ends when the clock says so" {
	for bend in +1h -1h 'drift 1000000ppm' 'drift -500000ppm'; do
		run -0 failctl run --clock "$bend" -- victim_clock waits 0.4
		echo "$bend: $output"
		[ "$(grep -c ' ok$' <<< "$output")" = 19 ]
		[ "${#lines[@]}" = 19 ]
	done
	run -0 victim_clock waits 0.1
	[ "$(grep -c ' ok$' <<< "$output")" = 19 ]
}

@test "who waits by a bent clock follows it when it is set" {
	for way in nanosleep condition mutex semaphore queue; do
		start "$way" failctl run -p p --node ds1 --clock freeze -- victim_clock follow "$way"
		eventually grep -q waits "$way.out"
		failctl clock ds1 +2h
		eventually grep -q "^$way ok$" "$way.out"
		eventually is_over "$pid"
	done
}

@test "a sleep by Python until a time of the bent clock" {
	run -0 failctl run --clock +1h -- python3 -c '
import threading, time
until = time.time() + 0.5
lock = threading.Lock()
lock.acquire()
print(lock.acquire(timeout=0.2), time.time() < until + 100)
while time.time() < until:
    time.sleep(until - time.time())
print(time.time() >= until)'
	[ "$output" = $'False True\nTrue' ]
}
