#!/bin/sh
# packages.sh PURPOSE... - install the Debian packages that building, running or testing failkit needs.
#
# Says nothing when all are there. As root it installs what is missing; as another user it says what
# is missing and how to get it, and exits with 3.
set -eu

build="gcc make libc6-dev pkg-config libcurl4-openssl-dev libsqlite3-dev libinih-dev libjansson-dev
	libxxhash-dev libmicrohttpd-dev libseccomp-dev libnetfilter-queue-dev nftables iptables iproute2 stress-ng"
check="g++ clang libunwind-dev libclang-rt-14-dev libcmocka-dev bats jq curl strace valgrind procps sqlite3
	redis-server redis-tools etcd-server etcd-client nginx-light libnginx-mod-http-dav-ext postgresql-15 python3
	default-jre-headless zookeeper nodejs git libjemalloc2 libjemalloc-dev libaio1 libaio-dev"
lint="clang-format cppcheck shellcheck gcovr"
cross="gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
bench="valgrind fiu-utils libfiu-dev rocksdb-tools"

wanted=""
for purpose in "$@"; do
	case $purpose in
	build) wanted="$wanted $build" ;;
	check) wanted="$wanted $check" ;;
	lint) wanted="$wanted $lint" ;;
	cross) wanted="$wanted $cross" ;;
	bench) wanted="$wanted $bench" ;;
	*)
		echo "packages.sh: unknown purpose \"$purpose\": build, check, lint, cross or bench" >&2
		exit 2
		;;
	esac
done

missing=""
for package in $wanted; do
	case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
	"install ok installed") ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
	echo "packages.sh: not installed:$missing" >&2
	echo "packages.sh: as root: apt-get install$missing" >&2
	exit 3
fi

echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# A server that a package brings is ours to start, under the interposer: none starts by itself.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod +x $policy
	trap 'rm -f $policy' EXIT
fi
log=$(mktemp)
# shellcheck disable=SC2086
if ! { apt-get update -q && apt-get install -y -q --no-install-recommends $missing; } >"$log" 2>&1; then
	tail -n 20 "$log" >&2
	rm -f "$log"
	exit 3
fi
rm -f "$log"
