#!/usr/bin/env bats
# refstore_service.bats - data servers of the reference store that leave, come back and join: their
# chunks move, and nothing is lost on the way.

load refstore

setup() {
	cluster_setup
}

teardown() {
	cluster_teardown
}

service() { # offline|online NAME
	"$bin" "$1" --ms "$ms" --server "$net.2${2#ds}"
}

settled='.under_replicated == 0 and .draining == 0 and .to_move == 0'

@test "a data server taken out is drained, may stop, and gets its share when it is taken back" {
	ds_options="--garbage-after 1s"
	cluster_start db ms1 ms2 ms3 ds1 ds2 ds3 ds4 fe1 fe2
	eventually health_is "$net.11" '.spares == 1'
	put_many 1 20 "$fe1"
	service offline ds1
	eventually health_is "$net.11" '.offline == 1 and .registered == 2'
	eventually health_is "$net.21" '.in_service == false'
	eventually health_is "$net.12" '.offline == 1'
	eventually health_is "$net.13" '.draining == 0 and .under_replicated == 0'
	eventually health_is "$net.24" '.chunks >= 20'
	# Nothing refers to its copies, so they are garbage.
	eventually health_is "$net.21" '.chunks == 0'
	node_kill ds1
	put_many 21 30 "$fe1"
	get_many 1 30 "$fe2"
	node_start ds1
	eventually health_is "$net.21" '.in_service == false'
	service online ds1
	eventually health_is "$net.31" '.offline == 0 and .registered == 3 and '"$settled"
	eventually health_is "$net.24" '.chunks == 0'
	node_kill ds2
	node_kill ds3
	eventually get_many 1 30 "$fe2"
}

@test "one that would leave too few is not taken out, nor one that nobody knows" {
	cluster_start
	run service offline ds1
	[ "$status" = 3 ]
	[[ $output == *"without $net.21:7000 fewer than 3 data servers live"* ]]
	run service offline ds9
	[ "$status" = 3 ]
	[[ $output == *"no data server $net.29:7000 lives"* ]]
	run "$bin" offline --ms "$ms"
	[ "$status" = 2 ]
	[[ $output == *"role offline wants --server"* ]]
	run "$bin" online --ms "$net.99" --server "$net.21"
	[ "$status" = 3 ]
	[[ $output == *"none of $net.99:7000 answers"* ]]
	health_is "$net.11" '.offline == 0 and .registered == 3'
}

@test "what was taken out stays out when everything restarts" {
	cluster_start db ms1 ds1 ds2 ds3 ds4 fe1 fe2 ms2 ms3
	eventually health_is "$net.11" '.spares == 1'
	service offline ds2
	local name
	for name in db ms1 ms2 ms3 ds2; do
		node_kill "$name"
	done
	for name in db ms1 ms2 ms3 ds2; do
		node_start "$name"
	done
	eventually health_is "$net.11" '.offline == 1 and .registered == 2 and .spares == 1'
	eventually health_is "$net.22" '.in_service == false'
	eventually http 201 -X PUT --data-binary x "$fe1/o/k"
	[ "$(curl -s "http://$net.22:7000/health" | jq .chunks)" = 0 ]
}

@test "a data server that joins gets its share of what is there" {
	no_spares=yes
	cluster_start
	put_many 1 120 "$fe1"
	eventually health_is "$net.11" "$settled"
	node_start ds4
	eventually health_is "$net.11" '.registered == 4'
	eventually health_is "$net.24" '.chunks >= 60'
	eventually health_is "$net.11" "$settled"
	# It really counts: with it and one more everything can be read.
	node_kill ds1
	node_kill ds2
	eventually get_many 1 120 "$fe2"
}

@test "what a quorum alone has is counted until its third copy is there" {
	cluster_start
	node_kill ds3
	put_many 1 8 "$fe1"
	eventually health_is "$net.11" '.under_replicated == 8 and .write_buffer_under_replicated == 8'
	eventually health_is "$net.31" '.write_buffer_under_replicated == 8'
	node_start ds3
	eventually health_is "$net.11" \
		'.under_replicated == 0 and .write_buffer_under_replicated == 0'
	# A dead server's copies are missing, but they were written.
	node_kill ds3
	eventually health_is "$net.11" '.under_replicated == 8'
	health_is "$net.11" '.write_buffer_under_replicated == 0'
}

@test "a server that is taken out while a repair begins leaves no chunk with one copy too many" {
	local failctl=${bin%/*}/failctl
	export FAILKIT_DIR=$dir
	ms=$net.11
	"$failctl" run -p ms1 -- "$bin" ms --listen "$net.11:7000" --db "$net.10" 2>>"$dir/ms1.log" 3>&- &
	pid_of[ms1]=$!
	cluster_start db ds1 ds2 ds3 ds4 fe1 fe2
	eventually health_is "$net.11" '.spares == 1'
	put_many 1 20 "$fe1"
	# It has looked who is there, and then asks the database what has too few copies.
	"$failctl" set -p ms1 'look := ms/before-repair-look = 1*pause'
	eventually held_back
	service offline ds1
	"$failctl" heal -p ms1
	eventually health_is "$net.11" '.offline == 1 and '"$settled"
	service online ds1
	eventually health_is "$net.11" '.offline == 0 and .registered == 3 and '"$settled"
	get_many 1 20 "$fe2"
}

held_back() {
	"$failctl" ls -p ms1 --json | jq -e '.[] | select(.name == "look") | .fires == 1' >/dev/null
}
