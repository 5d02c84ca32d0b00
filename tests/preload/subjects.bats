#!/usr/bin/env bats
# subjects.bats - a rule about a file meets that file and no other, however its number, its name or
# the program's notion of where it is has changed.

load ../cli/common.bash

setup_more() {
	cd "$T" || return
}

@test "a number that came to mean another file is that file" {
	run --separate-stderr failctl run -e 'write:path=**/wrong = error(EIO)' -- victim_fds
	echo "$output"
	[ "$status" = 0 ]
	[ "$(grep -c ' ok$' <<< "$output")" = 24 ]
	[ "$(grep -vc ' ok$' <<< "$output")" = 0 ]
}

@test "names are absolute and clean, whichever way they were written" {
	mkdir -p a/b
	cat > names.py <<'END'
import errno, os
def tell(what, path, **more):
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, **more))
        print(what, "passed")
    except OSError as e:
        print(what, errno.errorcode[e.errno])
tell("relative", "a/b/hit")
tell("dots", "./a/../a/./b//hit")
tell("absolute", os.getcwd() + "/a/b/hit")
tell("dirfd", "b/hit", dir_fd=os.open("a", os.O_RDONLY))
os.chdir("a")
tell("moved", "b/hit")
tell("other", "hit")
tell("longer", "b/hitter")
END
	run --separate-stderr failctl run -e "%meta:path=$T/a/b/hit = error(EACCES)" -- \
		python3 names.py
	echo "$output"
	[ "$output" = "relative EACCES
dots EACCES
absolute EACCES
dirfd EACCES
moved EACCES
other passed
longer passed" ]
}

@test "both names of a rename can be asked for, and a deleted file keeps its own" {
	cat > names.py <<'END'
import errno, os
def tell(what, call, *args):
    try:
        call(*args)
        print(what, "passed")
    except OSError as e:
        print(what, errno.errorcode[e.errno])
open("x", "w").close()
tell("from", os.rename, "x", "y")
tell("to", os.rename, "x", "target")
tell("none", os.rename, "x", "z")
fd = os.open("gone.wal", os.O_WRONLY | os.O_CREAT)
os.unlink("gone.wal")
tell("deleted", os.fsync, fd)
END
	run --separate-stderr failctl run -e 'rename:from=*/x:to=*/y = error(EIO)' \
		-e 'rename:to=target = error(ENOSPC)' -e 'fsync:path=*.wal = error(EDQUOT)' -- \
		python3 names.py
	echo "$output"
	[ "$output" = "from EIO
to ENOSPC
none passed
deleted EDQUOT" ]
}
