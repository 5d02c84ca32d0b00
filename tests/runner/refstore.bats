#!/usr/bin/env bats
# refstore.bats - the reference store keeps what it acknowledged, and its planted bugs do not.
#
# Goal: the store is honest under a kill, a freeze, a dead data server and a damaged log, so that what
# the runner finds in it is a planted bug; and every planted bug shows to a client. Method: a whole
# cluster of processes for each test, on loopback addresses of its own.

load refstore

setup() {
	cluster_setup
}

teardown() {
	cluster_teardown
}

@test "objects are put, read, listed and deleted" {
	cluster_start
	http 201 -X PUT --data-binary 'hello world' "$fe1/o/a%2Fb"
	head_has 'ETag: "d447b1ea40e6988b"'
	http 200 "$fe2/o/a%2Fb"
	body_is 'hello world'
	head_has 'ETag: "d447b1ea40e6988b"'
	http 200 -I "$fe2/o/a%2Fb"
	head_has 'Content-Length: 11'
	head_has 'ETag: "d447b1ea40e6988b"'
	http 200 -X PUT --data-binary 'replaced' "$fe2/o/a%2Fb"
	http 200 "$fe1/o/a%2Fb"
	body_is 'replaced'
	http 204 -X DELETE "$fe1/o/a%2Fb"
	http 404 -X DELETE "$fe2/o/a%2Fb"
	http 404 "$fe2/o/a%2Fb"
	http 404 -I "$fe2/o/a%2Fb"
	http 201 -X PUT --data-binary '' "$fe1/o/empty"
	http 200 "$fe2/o/empty"
	body_is ''
	http 200 -I "$fe2/o/empty"
	head_has 'Content-Length: 0'
}

@test "a range is served to the byte" {
	cluster_start
	http 201 -X PUT --data-binary '0123456789' "$fe1/o/r"
	local range body bounds
	while read -r range body bounds; do
		http 206 -H "Range: bytes=$range" "$fe2/o/r"
		body_is "$body"
		head_has "Content-Range: bytes $bounds/10"
	done <<-END
		0-0 0 0-0
		2-4 234 2-4
		7- 789 7-9
		8-100 89 8-9
		-3 789 7-9
		-100 0123456789 0-9
	END
	for range in 10- 10-12 -0; do
		http 416 -H "Range: bytes=$range" "$fe2/o/r"
		head_has 'Content-Range: bytes \*/10'
	done
	for range in 4-2 0-1,3-4 x-y -; do
		http 200 -H "Range: bytes=$range" "$fe2/o/r"
		body_is 0123456789
	done
}

@test "a list is in the order of bytes, by pages, and of a prefix" {
	cluster_start
	local key
	for key in b a/2 a/10 a/1 A 'a%20%25' %C3%A9; do
		http 201 -X PUT --data-binary "$key" "$fe1/o/$key"
	done
	http 200 "$fe2/o"
	[ "$(jq -c '[.entries[].key, .more]' "$dir/body")" = '["A","a %","a/1","a/10","a/2","b","é",false]' ]
	http 200 "$fe2/o?prefix=a/"
	[ "$(jq -c '[.entries[].key]' "$dir/body")" = '["a/1","a/10","a/2"]' ]
	http 200 "$fe2/o?prefix=a/&limit=2"
	[ "$(jq -c '[.entries[].key, .more]' "$dir/body")" = '["a/1","a/10",true]' ]
	http 200 "$fe2/o?prefix=a/&limit=2&after=a/10"
	[ "$(jq -c '[.entries[].key, .more]' "$dir/body")" = '["a/2",false]' ]
	http 200 "$fe2/o?prefix=b"
	local entry
	entry=$(jq -c '.entries[0]' "$dir/body")
	http 200 "$fe2/o/b"
	local tag
	tag=$(sed -n 's/^ETag: "\(.*\)".*/\1/p' "$dir/head")
	[ "$entry" = "{\"key\":\"b\",\"size\":1,\"tag\":\"$tag\"}" ]
}

@test "a wrong request is refused and changes nothing" {
	cluster_start
	local long
	long=$(printf 'k%.0s' {1..513})
	http 400 -X PUT --data-binary x "$fe1/o/"
	http 400 -X PUT --data-binary x "$fe1/o/$long"
	http 201 -X PUT --data-binary x "$fe1/o/${long:1}"
	http 400 -X PUT --data-binary x "$fe1/o/bad%zz"
	http 400 -X PUT --data-binary x "$fe1/o/nul%00"
	http 400 -X PUT --data-binary x "$fe1/o/latin%E9"
	http 405 -X PATCH "$fe1/o/k"
	http 404 "$fe1/nowhere"
	http 400 "$fe1/o?limit=x"
	http 413 -X PUT -H 'Content-Length: 99999999999' --data-binary x "$fe1/o/huge"
	http 200 "$fe1/o"
	[ "$(jq '.entries | length' "$dir/body")" = 1 ]
}

@test "a conditional PUT is applied when its condition holds, and never else" {
	cluster_start
	http 412 -X PUT -H 'If-Match: *' --data-binary none "$fe1/o/c"
	http 404 "$fe2/o/c"
	http 201 -X PUT -H 'If-None-Match: *' --data-binary one "$fe1/o/c"
	local tag
	tag=$(sed -n 's/^ETag: \(".*"\).*/\1/p' "$dir/head")
	http 412 -X PUT -H 'If-None-Match: *' --data-binary two "$fe2/o/c"
	http 412 -X PUT -H 'If-Match: "0123456789abcdef"' --data-binary two "$fe2/o/c"
	http 200 "$fe2/o/c"
	body_is one
	http 200 -X PUT -H "If-Match: $tag" --data-binary two "$fe2/o/c"
	http 412 -X PUT -H "If-Match: $tag" --data-binary three "$fe1/o/c"
	http 200 "$fe1/o/c"
	body_is two
	http 200 -X PUT -H 'If-Match: *' --data-binary four "$fe1/o/c"
	http 204 -X DELETE "$fe1/o/c"
	http 412 -X PUT -H 'If-Match: *' --data-binary five "$fe1/o/c"
	local bad
	for bad in 'If-Match: x' 'If-Match: "x"' 'If-None-Match: "0123456789abcdef"'; do
		http 400 -X PUT -H "$bad" --data-binary x "$fe1/o/c"
	done
	http 404 "$fe2/o/c"
}

# Six conditional PUTs at once for a new key; how many of them were answered with a status.
race() { # KEY STATUS...
	local key=$1 i pids=()

	for i in 1 2 3 4 5 6; do
		curl -s -m 60 -o /dev/null -w '%{http_code}\n' -X PUT -H 'If-None-Match: *' \
			--data-binary "$i" "http://$net.3$((i % 3 + 1)):7000/o/$key" >"$dir/status.$i" &
		pids+=($!)
	done
	wait "${pids[@]}"
	shift
	cat "$dir"/status.? | grep -cE "$*"
}

@test "of conditional PUTs that race for one key exactly one makes it" {
	cluster_start
	local round
	for round in 1 2 3; do
		[ "$(race "k$round" 201)" = 1 ]
		grep -q 412 "$dir"/status.?
	done
}

@test "bug conditional-put-races: two of them make it" {
	fe_options="--bug conditional-put-races"
	cluster_start
	http 201 -X PUT -H 'If-None-Match: *' --data-binary one "$fe1/o/k"
	http 412 -X PUT -H 'If-None-Match: *' --data-binary two "$fe2/o/k"
	two() { [ "$(race "k$RANDOM$RANDOM" '20[01]')" -gt 1 ]; }
	eventually two
}

# codes CURL-ARGUMENTS...: how often each status came, "000" for none.
codes() {
	curl -s -m 20 -o /dev/null -w '%{http_code}\n' "$@" | sort | uniq -c | awk '{print $2 "x" $1}'
}

@test "a front end without memory says so, or nothing: never that nothing is there, or half of it" {
	local failctl=${bin%/*}/failctl i code
	local -a gone=()
	FAILKIT_DIR=$dir "$failctl" run -p fe2 --node fe2 -- \
		"$bin" fe --listen "$net.32:7000" --ms "$ms" --db "$net.10" 2>>"$dir/fe2.log" 3>&- &
	pid_of[fe2]=$!
	cluster_start db ms1 ms2 ms3 ds1 ds2 ds3 fe1
	put_many 1 40 "$fe1"
	FAILKIT_DIR=$dir "$failctl" set -p fe2 'short := %alloc:node=fe2 = 3%error(ENOMEM)'
	for ((i = 0; i < 10; i++)); do
		codes -I "$fe2/o/many%2F[1-40]"
		codes "$fe2/o/many%2F[1-40]"
	done >"$dir/reads"
	sort "$dir/reads" | uniq -c
	[ "$(grep -Evc '^(200|503|000)x' "$dir/reads")" = 0 ]
	grep -q '^200x' "$dir/reads"
	# An answer is a whole one.
	for ((i = 1; i <= 60; i++)); do
		code=$(curl -s -m 6 -o "$dir/body" -D "$dir/head" -w '%{http_code}' "$fe2/o/many%2F7") || continue
		[ "$code" != 200 ] || body_is "value 7"
		[ "$code" != 200 ] || head_has 'ETag: .*'
		code=$(curl -s -m 6 -o "$dir/body" -w '%{http_code}' "$fe2/o?prefix=many/3&limit=4") || continue
		[ "$code" != 200 ] || [ "$(jq -c '[.entries[].key]' "$dir/body")" = \
			'["many/3","many/30","many/31","many/32"]' ]
	done
	# What was there may be gone or not, but was not absent the first time.
	for ((i = 1; i <= 40; i++)); do
		code=$(curl -s -m 6 -o "$dir/body" -w '%{http_code}' -X DELETE "$fe2/o/many%2F$i") || true
		[[ $code == 204 || $code == 503 || $code == 000 ]]
		[ "$code" != 204 ] || gone+=("$i")
	done
	[ ${#gone[@]} -gt 0 ]
	FAILKIT_DIR=$dir "$failctl" ls -p fe2 --json | jq -e '.[] | select(.name == "short") | .fires > 100'
	FAILKIT_DIR=$dir "$failctl" heal -p fe2
	for i in "${gone[@]}"; do
		http 404 "$fe2/o/many%2F$i"
	done
	eventually health_is "$net.32" '.registered == 3'
	put_many 41 45 "$fe2"
	get_many 41 45 "$fe2"
}

@test "a large object comes back as it was" {
	cluster_start
	head -c 3000000 /dev/urandom >"$dir/large"
	http 201 -X PUT --data-binary "@$dir/large" "$fe1/o/large"
	http 200 "$fe2/o/large"
	cmp "$dir/large" "$dir/body"
}

@test "kill -9 of any data server loses nothing, and it comes back with what it had" {
	cluster_start
	put_many 1 20 "$fe1"
	local name
	for name in ds1 ds2 ds3; do
		node_kill "$name"
		get_many 1 20 "$fe2"
		http 201 -X PUT --data-binary "without $name" "$fe2/o/$name"
		node_start "$name"
		eventually health_is "$net.2${name#ds}" '.chunks >= 20'
	done
	eventually health_is "$net.12" '.registered == 3 and .under_replicated == 0'
	for name in ds1 ds2 ds3; do
		http 200 "$fe1/o/$name"
		body_is "without $name"
	done
}

@test "kill -9 of the database and of every other node at once loses nothing" {
	cluster_start
	put_many 1 10 "$fe1"
	http 204 -X DELETE "$fe1/o/many%2F3"
	local name
	for name in "${!pid_of[@]}"; do
		node_kill "$name"
	done
	cluster_start
	get_many 4 10 "$fe1"
	http 404 "$fe1/o/many%2F3"
}

@test "a checkpoint moves chunks into files, which survive a restart" {
	ds_options="--segment-kib 1"
	cluster_start
	put_many 1 40 "$fe1"
	chunk_files() { [ "$(find "$dir/ds1" -name '*.chunk' | wc -l)" -ge 10 ]; }
	eventually chunk_files
	get_many 1 40 "$fe2"
	local name
	for name in ds1 ds2 ds3; do
		node_kill "$name"
	done
	for name in ds1 ds2 ds3; do
		node_start "$name"
	done
	eventually health_is "$net.23" '.chunks >= 40'
	eventually get_many 1 40 "$fe2"
}

@test "without two data servers a PUT is answered 503 with Retry-After" {
	cluster_start
	put_many 1 3 "$fe1"
	# Acknowledged by two: the one that stays must have got its copies before the others go.
	eventually health_is "$net.23" '.chunks == 3'
	node_kill ds1
	node_kill ds2
	http 503 -X PUT --data-binary x "$fe1/o/k"
	head_has 'Retry-After: 1'
	http 404 "$fe2/o/k"
	get_many 1 3 "$fe2"
}

@test "a dead data server is repaired onto a spare, which then serves alone" {
	cluster_start db ms1 ms2 ms3 ds1 ds2 ds3 ds4 fe1 fe2 fe3
	eventually health_is "$net.11" '.spares == 1'
	put_many 1 20 "$fe1"
	# What a busy machine has put there goes where it belongs, and is garbage.
	eventually health_is "$net.24" '.chunks == 0'
	node_kill ds1
	eventually health_is "$net.11" '.registered == 2 and .under_replicated == 0'
	eventually health_is "$net.24" '.chunks >= 20'
	node_kill ds2
	node_kill ds3
	eventually get_many 1 20 "$fe2"
}

@test "garbage is collected, and only garbage" {
	ds_options="--garbage-after 10s"
	cluster_start
	put_many 1 5 "$fe1"
	# A chunk that no key refers to, as a front end leaves it that dies before its commit.
	local tag
	tag=$(curl -s "$fe1/o?limit=1" | jq -r '.entries[0].tag')
	http 200 --data-binary 'value 1' \
		"http://$net.21:7000/c/$(printf 'ab%.0s' {1..16})?size=7&tag=$tag"
	eventually health_is "$net.21" '.chunks == 6'
	eventually health_is "$net.21" '.chunks == 5'
	get_many 1 5 "$fe2"
}

@test "a frozen node costs time, not truth" {
	cluster_start
	put_many 1 6 "$fe1"
	kill -STOP "${pid_of[ds2]}"
	get_many 1 6 "$fe1"
	http 201 -X PUT --data-binary frozen "$fe1/o/frozen"
	kill -CONT "${pid_of[ds2]}"
	kill -STOP "${pid_of[db]}"
	http 503 "$fe1/o/frozen"
	http 503 -X PUT --data-binary x "$fe1/o/other"
	kill -CONT "${pid_of[db]}"
	eventually http 200 "$fe1/o/frozen"
	body_is frozen
}

@test "a torn end of the log is cut, a bad middle refuses to start" {
	cluster_start
	put_many 1 5 "$fe1"
	# A put is acknowledged by two of three: the third may still be writing.
	eventually health_is "$net.21" '.chunks == 5'
	node_kill ds1
	# Once it runs again its log goes into chunk files: what is damaged is a copy from before.
	cp -a "$dir/ds1" "$dir/copy"
	head -c 30 /dev/urandom >>"$dir/ds1/wal-000001.wal"
	node_start ds1
	eventually health_is "$net.21" '.chunks == 5'
	grep -q 'cutting 30 torn bytes' "$dir/ds1.log"
	node_kill ds1
	printf X | dd of="$dir/copy/wal-000001.wal" bs=1 seek=60 conv=notrunc status=none
	run "$bin" ds --listen "$net.21" --dir "$dir/copy" --ms "$ms"
	[ "$status" = 3 ]
	echo "$output"
	[[ $output == *"wal-000001.wal: bad record at offset 48"* ]]
	[[ $output == *"refusing to start"* ]]
	get_many 1 5 "$fe2"
}

@test "wrong usage exits 2 with the nearest word, a port in use exits 3" {
	run "$bin"
	[ "$status" = 2 ]
	run "$bin" dss
	[ "$status" = 2 ]
	[[ $output == *'did you mean "d'* ]]
	run "$bin" fe --lisen x
	[ "$status" = 2 ]
	[[ $output == *'did you mean "--listen"'* ]]
	run "$bin" fe --listen "$net.31" --ms "$net.11"
	[ "$status" = 2 ]
	[[ $output == *"role fe wants --db"* ]]
	run "$bin" ms --listen "$net.11" --db "$net.10" --dead-after soon
	[ "$status" = 2 ]
	node_start ms1
	eventually health_is "$net.11" '.role == "ms"'
	run "$bin" ms --listen "$net.11" --db "$net.10"
	[ "$status" = 3 ]
	[[ $output == *"$net.11:7000: Address already in use"* ]]
}

@test "SIGTERM ends every role at once, with peers and without" {
	cluster_start
	put_many 1 3 "$fe1"
	local name code
	for name in fe1 ds1 ms1 db; do
		kill "${pid_of[$name]}"
		code=0
		wait "${pid_of[$name]}" || code=$?
		unset "pid_of[$name]"
		[ "$code" = 0 ]
	done
}

@test "every planted bug is listed, and taken by its own role alone" {
	run "$bin" --bugs
	[ "$status" = 0 ]
	local names
	names=$(grep -o '^[a-z-]*' <<<"$output" | grep . | sort)
	diff <(echo "$names") <(grep -o '^[a-z-]*' "$BATS_TEST_DIRNAME/../proof/bugs.txt" | grep . | sort)
	run "$bin" fe --bug ack-before-sync
	[ "$status" = 2 ]
	[[ $output == *"is one of role ds, not fe"* ]]
	run "$bin" ds --bug ack-before-sinc
	[ "$status" = 2 ]
	[[ $output == *'did you mean "ack-before-sync"'* ]]
}

@test "bug ack-before-sync: a kill of one data server loses acknowledged objects" {
	ds_options="--bug ack-before-sync"
	cluster_start
	# What it holds back is out within half a second: a slow machine may need more than one try.
	lost() {
		local i
		put_many 1 12 "$fe1"
		node_kill ds1
		node_start ds1
		eventually health_is "$net.21" '.ok'
		for i in {1..12}; do
			http 404 "$fe2/o/many%2F$i" >/dev/null && return 0
		done
		return 1
	}
	eventually lost
}

@test "bug delete-not-replicated: another front end still has the object" {
	fe_options="--bug delete-not-replicated"
	cluster_start
	http 201 -X PUT --data-binary x "$fe1/o/k"
	http 204 -X DELETE "$fe1/o/k"
	http 404 "$fe1/o/k"
	http 200 "$fe2/o/k"
}

@test "bug list-from-stale-cache: a new key is missing" {
	fe_options="--bug list-from-stale-cache"
	cluster_start
	http 200 "$fe1/o"
	http 201 -X PUT --data-binary x "$fe1/o/k"
	http 200 "$fe1/o"
	[ "$(jq '.entries | length' "$dir/body")" = 0 ]
}

@test "bug range-off-by-one: the last byte is missing" {
	fe_options="--bug range-off-by-one"
	cluster_start
	http 201 -X PUT --data-binary 0123456789 "$fe1/o/k"
	http 206 -r 2-4 "$fe1/o/k"
	body_is 23
}

@test "bug stale-replica-read: an overwrite by another front end is not seen" {
	fe_options="--bug stale-replica-read"
	cluster_start
	http 201 -X PUT --data-binary old "$fe1/o/k"
	http 200 "$fe1/o/k"
	http 200 -X PUT --data-binary new "$fe2/o/k"
	http 200 "$fe1/o/k"
	body_is old
}

@test "bug commit-before-data: an acknowledged object is not there yet" {
	fe_options="--bug commit-before-data"
	cluster_start
	missing() {
		http 201 -X PUT --data-binary x "$fe1/o/k$RANDOM$RANDOM" || return 1
		local key
		for key in $(curl -s "$fe1/o" | jq -r '.entries[].key'); do
			http 404 "$fe2/o/$key" >/dev/null && return 0
		done
		return 1
	}
	eventually missing
}
