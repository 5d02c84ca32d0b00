# refstore.bash - a reference cluster of its own for each bats test.
#
#     127.X.Y.10 db    .11-.13 ms    .21-.23 ds, .24-.26 spares    .31-.33 fe      X, Y: of the test's pid
#
# Each node keeps its data in $dir/NAME and logs to $dir/NAME.log; pid_of[NAME] is its process. Options
# for all nodes of a role are put into the variable of its name: ds_options="--bug ...". With no_spares=yes
# .24-.26 are started as the others are.

bin=${FAILKIT_BUILD:-build/plain}/refstore

# A test that hangs is a failed test.
BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-400}
declare -gA pid_of # global although bats loads this within a function

cluster_setup() {
	dir=$(mktemp -d "${BATS_TMPDIR:-/tmp}/refstore.XXXXXX")
	# Two tests at once have different pids, and so different networks.
	net=127.$((64 + $$ / 256 % 128)).$(($$ % 256))
	ms=$net.11,$net.12,$net.13
	export fe1=http://$net.31:7000 # for the tests
	export fe2=http://$net.32:7000
}

cluster_teardown() {
	local pid

	# Of those that are over the number may be another's.
	for pid in $(jobs -pr); do
		[[ " ${pid_of[*]} " == *" $pid "* ]] || continue
		kill -9 "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	rm -rf "$dir"
}

# node_start ds1 [OPTION...]
node_start() {
	local name=$1 role=${1%[0-9]} number=${1#[a-z][a-z]} host
	local -a options
	shift
	case $role in
	db) host=$net.10 options=(--dir "$dir/$name") ;;
	ms) host=$net.1$number options=(--db "$net.10") ;;
	ds) host=$net.2$number options=(--dir "$dir/$name" --ms "$ms") ;;
	fe) host=$net.3$number options=(--ms "$ms" --db "$net.10") ;;
	esac
	[ "$role" = ds ] && [ "$number" -gt 3 ] && [ -z "${no_spares:-}" ] && options+=(--spare)
	local extra=${role}_options
	# shellcheck disable=SC2206
	options+=(${!extra:-} "$@")
	"$bin" "$role" --listen "$host:7000" "${options[@]}" 2>>"$dir/$name.log" 3>&- &
	pid_of[$name]=$!
}

node_kill() {
	kill -9 "${pid_of[$1]}"
	wait "${pid_of[$1]}" 2>/dev/null || true
	unset "pid_of[$1]" # its number may soon be another's
}

# cluster_start [NAME...]: all of them by default; returns when three data servers are registered.
cluster_start() {
	local name

	[ $# != 0 ] || set -- db ms1 ms2 ms3 ds1 ds2 ds3 fe1 fe2 fe3
	for name; do
		node_start "$name"
	done
	for name; do
		[[ $name != ms* ]] || eventually health_is "$net.1${name#ms}" '.registered == 3'
	done
	eventually health_is "$net.11" '.registered == 3 and .under_replicated == 0'
	eventually health_is "$net.31" '.registered == 3'
	eventually health_is "$net.32" '.registered == 3'
}

# eventually COMMAND...: polls until the command succeeds, for two minutes.
eventually() {
	local until=$((SECONDS + 120))

	until "$@"; do
		[ $SECONDS -lt $until ] || {
			echo "not within the limit: $*"
			tail -n 3 "$dir"/*.log
			return 1
		}
		sleep 0.1
	done
}

# health_is HOST JQ-EXPRESSION
health_is() {
	local health
	# Of no answer at all jq would say yes.
	health=$(curl -s -m 10 "http://$1:7000/health") && [ -n "$health" ] && jq -e "$2" <<<"$health" >/dev/null
}

# http STATUS CURL-ARGUMENTS...: the status is as wanted; the body is in $dir/body, headers in $dir/head.
http() {
	local want=$1 status

	shift
	status=$(curl -s -m 60 -o "$dir/body" -D "$dir/head" -w '%{http_code}' "$@")
	[ "$status" = "$want" ] || {
		echo "status $status, wanted $want: $*"
		cat "$dir/body"
		return 1
	}
}

body_is() {
	[ "$(cat "$dir/body")" = "$1" ] || {
		echo "body \"$(head -c 300 "$dir/body")\", wanted \"$1\""
		return 1
	}
}

put_many() { # FROM TO BASE-URL
	local i

	for ((i = $1; i <= $2; i++)); do
		http 201 -X PUT --data-binary "value $i" "$3/o/many%2F$i" || return 1
	done
}

get_many() {
	local i

	for ((i = $1; i <= $2; i++)); do
		http 200 "$3/o/many%2F$i" && body_is "value $i" || return 1
	done
}

head_has() {
	grep -qi "^$1"$'\r*$' "$dir/head" || {
		echo "no header $1 in:"
		cat "$dir/head"
		return 1
	}
}
