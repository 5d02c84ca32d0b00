#!/usr/bin/env bats
# aio.bats - a program that is linked with libaio: each request of a batch is judged about its own
# file, as what it is.

load ../cli/common.bash

setup_more() {
	cd "$T" || return
}

bare=('setup 0' 'write 4' 'sync 2' 'read 4' 'wal WALWALWAWALWALWA' 'data datadatadatadata')

# tells RULES LINE...: what the victim says under the rules, by name and by number.
tells() {
	local rules=$1 how
	shift
	for how in name number; do
		rm -f wal data
		run --separate-stderr failctl run -e "$rules" -- victim_libaio $how
		echo "$how: $output $stderr"
		[ "$output" = "$(printf '%s\n' "$@")" ]
	done
}

@test "without a rule libaio does what it does, call by call" {
	[ "$(victim_libaio)" = "$(printf '%s\n' "${bare[@]}")" ]
	strace -f -e trace=io_setup,io_submit,io_getevents,openat -o bare.trace victim_libaio > bare.out
	rm wal data
	failctl run -- strace -f -e trace=io_setup,io_submit,io_getevents,openat -o ours.trace \
		victim_libaio > ours.out
	cmp bare.out ours.out
	for trace in bare ours; do
		grep -E 'io_|"(wal|data)"' $trace.trace | sed -E 's/^[0-9]+ +//; s/0x[0-9a-f]+/ADDRESS/g' > $trace
	done
	[ "$(grep -c io_submit bare)" = 3 ]
	diff bare ours
}

@test "rules about others leave every request as it was" {
	tells '%write,%read,%sync:path=**/other = error(EAGAIN)' "${bare[@]}"
	tells 'io_submit:path=**/wal = off' "${bare[@]}"
	tells '%recv,%send,%meta:path=**/none = error(EIO)' "${bare[@]}"
}

@test "a request about the file fails where it stands in its batch, the others are made" {
	tells '%write:path=**/data = error(EAGAIN)' 'setup 0' 'write 1' 'write -11 EAGAIN' 'write 1' \
		'write -11 EAGAIN' 'sync 2' 'read 4' 'wal WALWALWAWALWALWA' 'data '
	tells 'io_submit:path=**/data = 2@error(EBADF)' 'setup 0' 'write 3' 'write 1' "${bare[@]:2}"
	tells 'io_submit:path=**/wal = 1@error(EBADF)' 'setup 0' 'write -9 EBADF' 'write 3' 'sync 2' \
		'read 4' 'wal ........WALWALWA' 'data datadatadatadata'
}

@test "an error that only a completion tells is made by no rule, and the escape report says so" {
	tells '%write,%sync = error(EIO)' "${bare[@]}"
	tells '%write = error(ENOSPC)' "${bare[@]}"
	run -125 failctl run -e 'io_submit = error(EIO)' -- victim_libaio
	rm -f wal data
	failctl escapes --json -o report.json -- victim_libaio
	cat report.json
	jq -e '.[] | select(.kind == "completion" and .call == "io_submit")' report.json
}

@test "a request is a write, a sync or a read" {
	tells '%sync:path=**/wal = error(EINVAL)' 'setup 0' 'write 4' 'sync -22 EINVAL' 'sync 1' 'read 4' \
		"${bare[@]:4}"
	tells '%read:path=**/wal = 1@error(ENOMEM)' 'setup 0' 'write 4' 'sync 2' 'read -12 ENOMEM' 'read 3' \
		"${bare[@]:4}"
	run --separate-stderr failctl run -e 'io_setup = error(ENOSYS)' -- victim_libaio
	[ "${lines[0]}" = 'setup -38 ENOSYS' ]
}

@test "libaio that a program loads later works and is judged" {
	cat > later.c <<'END'
#include <dlfcn.h>
#include <stdio.h>
int main(void)
{
	void *context = NULL, *plugin = dlopen("./plugin.so", RTLD_NOW | RTLD_LOCAL);
	int (*set_up)(void **) = (int (*)(void **))dlsym(plugin, "set_up");
	printf("%d\n", set_up(&context));
	return 0;
}
END
	cat > plugin.c <<'END'
#include <libaio.h>
int set_up(void **context)
{
	return io_setup(1, (io_context_t *)context);
}
END
	gcc -w -shared -fPIC plugin.c -o plugin.so -laio
	gcc -w later.c -o later
	[ "$(./later)" = 0 ]
	[ "$(failctl run -- ./later)" = 0 ]
	[ "$(failctl run -e 'io_setup = error(ENOMEM)' -- ./later)" = -12 ]
}

@test "what is found in a libaio that a program loads itself comes without an error" {
	cat > finds.c <<'END'
#include <dlfcn.h>
#include <stdio.h>
int main(void)
{
	void *library = dlopen("libaio.so.1", RTLD_NOW | RTLD_LOCAL);
	int found = library && dlsym(library, "io_submit");
	printf("%d %s\n", found, dlerror());
	found = library && dlvsym(library, "io_submit", "LIBAIO_0.1");
	printf("%d %s\n", found, dlerror());
	printf("%d %d\n", dlsym(library, "io_submitted") != 0, dlerror() != 0);
	return 0;
}
END
	gcc -w -D_GNU_SOURCE finds.c -o finds
	./finds > bare
	grep -qx '1 (null)' bare
	failctl run -- ./finds > under
	diff bare under
}
