# clients.bash - what ledger and oracle cost failrun's clients: the workers of configs/nginx.ini against
# nginx in memory, with both and with neither (--no-ledger), in turn.
# shellcheck shell=bash disable=SC2154 # names of common.bash

web_address=127.0.0.77:8077
web=

start_web() {
	local dir=$1
	mkdir -p "$dir/data" "$dir/tmp"
	cat >"$dir/nginx.conf" <<EOF
user root; daemon off; master_process off; pid nginx.pid; error_log stderr warn;
events { worker_connections 512; }
http {
	access_log off; client_max_body_size 64m; keepalive_requests 100000;
	client_body_temp_path tmp; fastcgi_temp_path tmp/f; uwsgi_temp_path tmp/u;
	scgi_temp_path tmp/s; proxy_temp_path tmp/p; default_type application/octet-stream;
	server {
		listen $web_address; root data;
		location / { dav_methods PUT DELETE MKCOL; create_full_put_path on;
			autoindex on; autoindex_format json; }
	}
}
EOF
	/usr/sbin/nginx -p "$dir" -c nginx.conf -e stderr 2>"$dir/log" &
	web=$!
	spinners+=("$web")
	until curl -s -o /dev/null "http://$web_address/"; do
		kill -0 $web
		sleep 0.05
	done
}

part_clients() {
	local round row rate us options part="failrun's clients against nginx in memory"
	start_web "$work/web"
	for ((round = 0; round < rounds; round++)); do
		for row in "without ledger and oracle" "with both"; do
			options=()
			[ "$row" = "with both" ] || options=(--no-ledger)
			rm -rf "$work"/web/data/* "$work"/clients.sqlite*
			read -r rate us < <("$bench/workload" configs/nginx.ini $web_address \
				"$work/clients.sqlite" 3 "${options[@]}")
			record "$part" "$row" "operations a second" "$rate"
			record "$part, of their processor" "$row" "us an operation" "$us"
		done
	done
	kill "$web"
	wait "$web" 2>/dev/null || true
}
