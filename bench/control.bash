# control.bash - how long from asking for a fault to the first call that fails.
# shellcheck shell=bash disable=SC2154 # names of common.bash

spinners=()

# Starts a spinning target under the given command; leaves its page in $page and pid in $target.
spin() {
	page=$work/page
	head -c 4096 /dev/zero >"$page"
	"$@" "$bench/spin" "$page" &
	spinners+=($!)
	local tries=0
	until target=$(pgrep -P $! -f "$page" || pgrep -f "bench/spin $page" | tail -n 1) && [ -n "$target" ]; do
		tries=$((tries + 1))
		[ $tries -lt 200 ] || return 1
		sleep 0.02
	done
}

stop_spin() {
	printf '\1' | dd of="$page" bs=1 seek=4 conv=notrunc status=none
	wait "${spinners[-1]}" 2>/dev/null || true
	unset 'spinners[-1]'
}

# first_failures ROW ROUNDS SET UNSET - of the target that spins on $page.
first_failures() {
	local row=$1 value
	shift
	while read -r value; do
		record "control: from asking to the first failing call" "$row" us "$value"
	done < <("$bench/set_to_effect" "$1" "$page" "$2" "$3")
}

part_control() {
	spin "$B/failctl" run -p "bench$$" --
	first_failures "control_set(), as failrun does" 400 "set|bench$$|b := write = error(EIO)" "rm|bench$$|b"
	first_failures "failctl set, its start included" 200 \
		"$B/failctl|-p|bench$$|set|b := write = error(EIO)" "$B/failctl|-p|bench$$|rm|b"
	stop_spin
	spin fiu-run -x
	first_failures "fiu-ctrl, its start included" 100 \
		"fiu-ctrl|-c|enable name=posix/io/rw/write,failinfo=5|$target" \
		"fiu-ctrl|-c|disable name=posix/io/rw/write|$target"
	stop_spin
}
