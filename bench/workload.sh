#!/bin/bash
# workload.sh - what ledger and oracle cost the clients: the workers of configs/nginx.ini against
# nginx in memory, with both and with neither (--no-ledger), in turn.
set -eu
B=${FAILKIT_BUILD:-build/plain}
rounds=${ROUNDS:-9}
seconds=${SECONDS_EACH:-3}
cd "$(dirname "$0")/.."
work=$(mktemp -d -p /dev/shm failkit-bench.XXXXXX)
nginx=
cleanup() {
	[ -z "$nginx" ] || kill "$nginx" 2>/dev/null || true
	[ -z "$nginx" ] || wait "$nginx" 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT

address=127.0.0.77:8077
mkdir -p "$work/data" "$work/tmp"
cat >"$work/nginx.conf" <<EOF
user root; daemon off; master_process off; pid nginx.pid; error_log stderr warn;
events { worker_connections 512; }
http {
	access_log off; client_max_body_size 64m; keepalive_requests 100000;
	client_body_temp_path tmp; fastcgi_temp_path tmp/f; uwsgi_temp_path tmp/u;
	scgi_temp_path tmp/s; proxy_temp_path tmp/p; default_type application/octet-stream;
	server {
		listen $address; root data;
		location / { dav_methods PUT DELETE MKCOL; create_full_put_path on;
			autoindex on; autoindex_format json; }
	}
}
EOF
/usr/sbin/nginx -p "$work" -c nginx.conf -e stderr 2>"$work/log" &
nginx=$!
for _ in $(seq 100); do
	! curl -s -o /dev/null "http://$address/" || break
	sleep 0.05
done

for round in $(seq "$rounds"); do
	rm -rf "$work"/data/*
	"$B/bench/workload" configs/nginx.ini $address "$work/$round.sqlite" "$seconds" >>"$work/both"
	rm -rf "$work/$round".sqlite* "$work"/data/*
	"$B/bench/workload" configs/nginx.ini $address - "$seconds" --no-ledger >>"$work/neither"
done

echo
echo "the workload against nginx, $rounds rounds interleaved: operations a second; us of the client's processor an operation"
printf '  %-28s %8s %8s %8s %8s %10s\n' "" min median max ratio "us median"
middle=$(((rounds + 1) / 2))
bare=$(sort -n "$work/neither" | sed -n "${middle}s/ .*//p")
for row in neither both; do
	us=$(cut -d ' ' -f 2 "$work/$row" | sort -n | sed -n "${middle}p")
	cut -d ' ' -f 1 "$work/$row" | sort -n | awk -v name="$row" -v bare="$bare" -v us="$us" '{v[NR] = $1} END {
		m = v[int((NR + 1) / 2)]
		sub("neither", "without ledger and oracle", name)
		sub("both", "with both", name)
		printf "  %-28s %8d %8d %8d %8.2f %10s\n", name, v[1], m, v[NR], m / bare, us}'
done
