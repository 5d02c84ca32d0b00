#!/bin/bash
# lint.sh - what a reader should not have to check by eye; prints each finding, exits with 1 for any.
set -u
cd "$(dirname "$0")/.." || exit 3
bad=0

finding() {
	echo "lint: $*"
	bad=1
}

mapfile -t sources < <(git ls-files '*.c' '*.h')
mapfile -t headers < <(git ls-files '*.h')

clang-format --dry-run -Werror "${sources[@]}" 2>&1 | grep -m 20 'error:' && finding "run make format"

# Every header compiles on its own.
for header in "${headers[@]}"; do
	echo "#include \"$header\"" |
		gcc -std=gnu11 -D_GNU_SOURCE -DFAILKIT_VERSION='""' -Iinclude -I. -fsyntax-only -x c - ||
		finding "$header does not compile on its own"
done

# Dependencies point one way: include <- failpoint <- preload, include <- failpoint <- runner; the
# reference store sees the public header alone.
rule() {
	git grep -nE "#include \"$2/" -- "$1/*.c" "$1/*.h" && finding "$1 must not see $2"
}
rule include "(failpoint|preload|runner|tests)"
rule failpoint "(preload|runner|tests)"
rule preload "(runner|tests)"
rule runner "(preload|tests)"
rule tests/refstore "(failpoint|preload|runner)"

# What is made from the table of calls is as the table is.
page=$(mktemp)
if ! gcc -std=gnu11 -D_GNU_SOURCE -Iinclude -I. docs/calls_page.c -o "$page" ||
	! "$page" | cmp -s - docs/calls.md; then
	finding "docs/calls.md is stale: run make docs"
fi
rm -f "$page"

# Files are one job each.
for file in "${sources[@]}"; do
	lines=$(wc -l <"$file")
	[ "$lines" -le 500 ] || finding "$file has $lines lines"
done

# The page of faults is the table's.
failrun=${FAILKIT_BUILD:-build/plain}/failrun
if [ -x "$failrun" ]; then
	"$failrun" faults | cmp -s - docs/faults.md || finding "run $failrun faults > docs/faults.md"
else
	finding "no $failrun to make docs/faults.md with: run make"
fi

cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr -Iinclude -I. -D_GNU_SOURCE \
	--enable=warning,portability --suppress=missingIncludeSystem --suppress=preprocessorErrorDirective \
	--suppressions-list=tests/cppcheck.suppressions \
	failpoint preload runner tests/refstore || finding "cppcheck"

mapfile -t scripts < <(git ls-files '*.sh' '*.bash' '.ci/run')
shellcheck "${scripts[@]}" || finding "shellcheck"

[ "$bad" = 0 ] && echo "lint: clean"
exit $bad
