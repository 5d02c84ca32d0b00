#!/usr/bin/env bats
# escapes.bats - the report of a run names what no rule could meet, node by node; and io-uring = deny
# of a role is kept.

load ../cli/common
load run

# Makes an io_uring the way that liburing does, and says what came of it.
make_ring() {
	cat > ring.c <<'END'
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void)
{
	char parameters[120] = {0};
	long ret = syscall(SYS_io_uring_setup, 1, parameters);

	puts(ret < 0 ? "no ring" : "a ring");
	return 0;
}
END
	gcc ring.c -o ring
}

escaped() {
	jq -r ".escapes[] | select($1) | $2" r/results.json
}

@test "static children, rings, inner calls: in report.md and results.json, by node" {
	cp "$ROOT/configs/quick.ini" "$T"
	cd "$T"
	make_ring
	cat > ds.sh <<END
#!/bin/sh
$T/ring
$FAILKIT_BUILD/victim/victim_static write made
exec $FAILKIT_BUILD/refstore ds "\$@"
END
	chmod +x ds.sh
	sed -i "s|^command = {bin}/refstore ds|command = $T/ds.sh|" quick.ini
	failrun run quick.ini --set run.dir="$T/r" --duration 8s "${early[@]}" \
		--set run.min-ops=20 --set role.db.deep=yes --set role.ds.io-uring=warn
	jq -c '.escapes[]' r/results.json
	[[ $(escaped '.node == "ds1" and .kind == "child"' .reason) = "is static"* ]]
	[ "$(escaped '.node == "ds1" and .kind == "child"' .subject)" = "$FAILKIT_BUILD/victim/victim_static" ]
	[ "$(escaped '.node == "ds1" and .kind == "io_uring"' .count)" -ge 1 ]
	[ "$(escaped '.node == "db1" and .kind == "libc" and .call == "openat"' .reached)" = true ]
	[ "$(escaped '.node == "db1" and .kind == "libc" and .call == "openat"' .count)" -ge 1 ]
	grep -qx '## Escapes' r/report.md
	grep -q '^| ds1, ds2, ds3, .* | io_uring | io_uring_setup | ' r/report.md
	# From the ledger alone, and not judged by it.
	cp r/report.md before.md
	failrun report r
	cmp before.md r/report.md
	failrun run quick.ini --set run.dir="$T/r2" --duration 8s "${early[@]}" --set run.min-ops=20 \
		--set role.ds.io-uring=deny
	mv r2/results.json r/results.json
	[ -z "$(escaped '.kind == "io_uring"' .count)" ]
	grep -rqx 'no ring' r2
}
