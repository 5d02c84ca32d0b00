# compare.bash - what strace shows of a program beside what the interposer saw of it, call by call.
#
#     watch_begin [USER]             a plane on which a rule for each call does nothing but count
#     watched COMMAND...             runs it as a target of that plane, under strace
#     watch_end                      counts.tsv: call, shown, seen; known.json: the report without counts
#     measured [USER] COMMAND...     the same by the deep tier: measured.json
#     unexplained                    calls that were shown more often than seen, and named nowhere
#
# The calls are those that write, make last, take room, or talk to sockets; read() where it reads a
# socket. Both sides count entries into the kernel: a call that was cut short by the end counts.

# Rows, and the system call that libc makes of each; a row seen counts for its call.
watch_calls() {
	failctl calls --json | jq -r '.[]
		| select(any(.classes[]; . == "%write" or . == "%sync" or . == "%space" or . == "%send" or
			. == "%recv" or . == "%connect"))
		| .name' | grep -vx -e getaddrinfo -e getnameinfo -e 'aio_.*' -e lio_listio
}

system_call() {
	case $1 in
	send) echo sendto ;;
	recv) echo recvfrom ;;
	pwrite) echo pwrite64 ;;
	posix_fallocate) echo fallocate ;;
	*) echo "$1" ;;
	esac
}

watch_begin() {
	# In the asan flavour failctl itself runs under strace, where leaks can't be looked for.
	export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
	local call rules=() user=()
	[ -z "${1:-}" ] || user=(--user "$1")
	watch_user=("${user[@]}")
	traced=""
	for call in $(watch_calls); do
		case $call in
		read | readv | preadv2) rules+=(-e "c_$call := $call:file=sock = off") ;;
		*) rules+=(-e "c_$call := $call = off") ;;
		esac
		traced+=,$(system_call "$call")
	done
	mkfifo "$T/hold"
	failctl run -p watch "${user[@]}" "${rules[@]}" -- sh -c "read -r _ < '$T/hold'" 2> /dev/null &
	watch_owner=$!
	later_kill $watch_owner
	eventually failctl ls -p watch
}

watched() {
	strace -f -qq -y --seccomp-bpf -e trace="execve$traced" -e signal=none -o "$T/trace" \
		failctl run --join -p watch "${watch_user[@]}" -- "$@"
}

# What strace shows, without failctl itself (the first process) and its child until that is the command.
shown() {
	awk 'NR == 1 {us = $1}
		/resumed>/ || /^[0-9]+ +(\+\+\+|---)/ {next}
		{match($0, /[a-z_0-9]+\(/); call = substr($0, RSTART, RLENGTH - 1)}
		$1 == us {next}
		call == "execve" {is_command = 1; next}
		!is_command {next}
		call ~ /^(read|readv|preadv2)$/ && $0 !~ /^[0-9]+ +[a-z0-9]+\([0-9]+<(socket|TCP|UDP|UNIX)/ {next}
		{n[call]++}
		END {for (c in n) print c, n[c]}' "$T/trace"
}

seen() {
	failctl ls -p watch --json | jq -r '.[] | select(.name | startswith("c_")) | "\(.name[2:]) \(.matches)"' |
		while read -r call n; do
			echo "$(system_call "$call") $n"
		done
}

watch_end() {
	awk 'FNR == NR {shown[$1] = $2; next} {seen[$1] += $2}
		END {for (c in seen) if (shown[c] || seen[c]) printf "%s\t%d\t%d\n", c, shown[c], seen[c]}' \
		<(shown) <(seen) | sort > "$T/counts.tsv"
	failctl escapes -p watch --json > "$T/known.json"
	echo > "$T/hold"
	wait "$watch_owner" || true
}

measured() {
	failctl escapes --json -o "$T/measured.json" "${watch_user[@]}" -- "$@"
}

# A row's name is that of its system call, but for those above.
named() {
	jq -r '.[] | select(.reason != "") | .call' "$T/known.json" "$T/measured.json" |
		while read -r call; do
			system_call "$call"
		done | sort -u
}

# How often the call was counted by the deep tier, whoever made it.
counted() {
	jq -r '.[] | "\(.call) \(.count // 0)"' "$T/measured.json" | while read -r call n; do
		echo "$(system_call "$call") $n"
	done | awk -v call="$1" '$1 == call {n += $2} END {print n + 0}'
}

unexplained() {
	awk -F '\t' 'FNR == NR {named[$1] = 1; next} $2 > $3 && !named[$1]' <(named) "$T/counts.tsv"
}
