# calls.bash - the price of a call: bare, under each tier armed and not, and under the peers.
#
# Every row runs once in each round, in turn, so that a slow minute of the machine hits all of them.
# Rows that stop the thread in another process run fewer calls.
# shellcheck shell=bash disable=SC2154 # names of common.bash

declare -A system_call=([write]=write [pwrite]=pwrite64 [fsync]=fsync [send]=sendto)
declare -A fiu_point=([write]=posix/io/rw/write [pwrite]=posix/io/rw/pwrite
	[fsync]=posix/io/sync/fsync [send]=posix/io/net/send)
declare -A long_run=([write]=100000 [pwrite]=50000 [fsync]=100000 [send]=20000)
short_run=3000

elsewhere() {
	case $1 in
	send) echo "send:peer=192.0.2.1 = error(EPIPE)" ;;
	*) echo "$1:path=/nowhere/x = error(EIO)" ;;
	esac
}

# one_call ROW CALL THREADS - one run of that row; prints nanoseconds a call.
one_call() {
	local row=$1 call=$2 threads=$3 loop=$bench/loop_call
	local -a long=("$2" "$threads" "${long_run[$call]}") short=("$2" "$threads" "$short_run")
	local inject="inject=${system_call[$call]}:error=EIO:when=65535"

	case $row in
	bare) "$loop" "${long[@]}" ;;
	"failkit, disarmed") failkit -- "$loop" "${long[@]}" ;;
	"failkit, armed for another node") failkit -e "$call:node=other = error(EIO)" -- "$loop" "${long[@]}" ;;
	"failkit, armed for another "*) failkit -e "$(elsewhere "$call")" -- "$loop" "${long[@]}" ;;
	"failkit, firing delay(0)") failkit -e "$call = delay(0)" -- "$loop" "${long[@]}" ;;
	"failkit --deep, by name") failkit --deep -- "$loop" "${long[@]}" ;;
	"failkit --static") failkit --static --calls "$call" -- "$loop" "${short[@]}" ;;
	"libfiu, nothing enabled") fiu-run -x "$loop" "${long[@]}" ;;
	"libfiu, enabled at chance 0")
		fiu-run -x -c "enable_random name=${fiu_point[$call]},probability=0" "$loop" "${long[@]}"
		;;
	"strace -e inject") strace -f -qq -o /dev/null -e "trace=${system_call[$call]}" -e "$inject" "$loop" "${short[@]}" ;;
	"strace -e inject --seccomp-bpf")
		strace -f -qq -o /dev/null --seccomp-bpf -e "trace=${system_call[$call]}" -e "$inject" "$loop" "${short[@]}"
		;;
	esac
}

rows_of_call() {
	local other=path
	[ "$1" != send ] || other=peer
	printf '%s\n' bare "failkit, disarmed" "failkit, armed for another node" \
		"failkit, armed for another $other" "failkit, firing delay(0)" \
		"failkit --deep, by name" "failkit --static" \
		"libfiu, nothing enabled" "libfiu, enabled at chance 0" \
		"strace -e inject" "strace -e inject --seccomp-bpf"
}

declare -A title=([write]="write of a byte to /dev/null" [pwrite]="pwrite of 4 KiB in memory"
	[fsync]="fsync in memory" [send]="send over loopback")

part_calls() {
	local round threads call row
	for ((round = 0; round < rounds; round++)); do
		for threads in 1 2; do
			for call in write pwrite fsync send; do
				while read -r row; do
					record "${title[$call]}, $threads thread(s)" "$row" "ns a call" \
						"$(one_call "$row" $call $threads)"
				done < <(rows_of_call $call)
			done
		done
	done
}

# Where the deep tier traps, and where it does not.
part_deep() {
	local round way
	for ((round = 0; round < rounds; round++)); do
		for way in write inline stream; do
			record "deep tier: $way" bare "ns a call" "$("$bench/loop_call" $way 1 40000)"
			record "deep tier: $way" "failkit, not deep" "ns a call" \
				"$(failkit -- "$bench/loop_call" $way 1 40000)"
			record "deep tier: $way" "failkit --deep, idle" "ns a call" \
				"$(failkit --deep -- "$bench/loop_call" $way 1 40000)"
			record "deep tier: $way" "failkit --deep, armed for another path" "ns a call" \
				"$(failkit --deep -e 'write:path=/nowhere/x = error(EIO)' -- \
					"$bench/loop_call" $way 1 40000)"
		done
	done
}
