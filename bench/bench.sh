#!/bin/bash
# bench.sh - what failkit costs, beside its nearest peers in the same run; BENCH=name runs one part.
#
#   instructions   one write to /dev/null, exactly: bare, disarmed, armed, libfiu
#   failpoint      one failpoint, exactly, disarmed and armed, beside libfiu's fiu_fail
#   calls          write, pwrite, fsync and send by one and two threads, in time: every tier, armed and
#                  not, beside libfiu and strace
#   deep           the deep tier: a call by name, inlined and by a stream
#   control        from asking for a fault to the first failing call, beside fiu-ctrl
#   programs       redis, SQLite and RocksDB under the idle interposer, processor time an operation
#   check          how fast histories and a ledger are judged, how that grows, memory an operation
#   clients        operations a second of failrun's clients with ledger and oracle, and without
#
# The rows of a part run in turn, ROUNDS= times (9). All figures are left as JSON in the build folder.
set -eu
cd "$(dirname "$0")/.."
# In memory: what is measured is not a disk.
BENCH_WORK=$(mktemp -d -p /dev/shm failkit-bench.XXXXXX)
. bench/common.bash
. bench/counts.bash
. bench/calls.bash
. bench/control.bash
. bench/programs.bash
. bench/judges.bash
. bench/clients.bash
cleanup() {
	for pid in "${spinners[@]}"; do kill "$pid" 2>/dev/null || true; done
	rm -rf "$work"
}
trap cleanup EXIT

all="instructions failpoint calls deep control programs check clients"
parts=${BENCH:-$all}
for part in $parts; do
	case " $all " in
	*" $part "*) ;;
	*)
		echo "bench.sh: unknown part \"$part\": ${all// /, }" >&2
		exit 2
		;;
	esac
done

echo "failkit $(git rev-parse --short HEAD 2>/dev/null || echo unknown), $(nproc) cores, $(uname -r)"
for part in $parts; do
	: >"$work/figures"
	"part_$part"
	awk -v json="$B/bench.$part.json" -f bench/table.awk "$work/figures"
done
echo
echo "JSON: $B/bench.PART.json"
