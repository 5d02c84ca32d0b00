# failkit: the whole build. `make help` lists the targets.
#
#   build/FLAVOUR/        programs and libraries (FLAVOUR is plain, asan or tsan)
#   build/FLAVOUR/obj/    objects, dependencies and the stamp of the flags they were made with

FLAVOUR ?= plain
B := build/$(FLAVOUR)
O := $(B)/obj
PREFIX ?= /usr/local
DESTDIR ?=
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
CXX := $(if $(filter default,$(origin CXX)),g++,$(CXX))
VERSION := 0.1.0

WARN := -Wall -Wextra -Wshadow -Wpointer-arith -Wwrite-strings -Wvla -Wundef -Werror
CWARN := $(WARN) -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
SANITIZE_plain :=
SANITIZE_asan := -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
SANITIZE_tsan := -fsanitize=thread -fno-omit-frame-pointer
SANITIZE_coverage := --coverage
SANITIZE := $(SANITIZE_$(FLAVOUR))
# The libraries that are loaded into a target are never built with ASan or TSan: the runtime is the
# target's. They get UBSan, which needs none, in the asan flavour; but a null pointer that a program
# hands to libc is handed on, whatever libc's headers say of it.
INJECT_SANITIZE_asan := -fsanitize=undefined -fno-sanitize=nonnull-attribute,returns-nonnull-attribute \
	-fsanitize-undefined-trap-on-error
INJECT_SANITIZE := $(INJECT_SANITIZE_$(FLAVOUR))
CPPFLAGS += -Iinclude -I. -D_GNU_SOURCE -DFAILKIT_VERSION='"$(VERSION)"'
CFLAGS += -std=gnu11 -O2 -g
ALL_CFLAGS = $(CFLAGS) $(CWARN) -MMD -MP

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' $(1) $@)

# failpoint/: the core runs inside intercepted calls and allocates, locks and prints nothing; the
# front parses, prints and serves people. lib is libfailpoint's own, failctl the tool's.
CORE := calls pattern regex_match plane_layout identity attach slot walk miss candidates match match_holds sequence trigger act act_can act_process account corrupt stack stack_walk stack_rule stack_program stack_object stack_symbol stack_cplus stack_keep cell event timepage escape
FRONT := why regex_compile control_plane control_planes control_lock control_check control_publish control_rules control_cells control_wait control_events control_slots control_alive control_clock control_escapes control_image control_uring control_environment names names_number rule_lex rule_parse rule_parse_clause rule_parse_chain rule_parse_check rule_format import import_chain import_strace import_fiu
# Of the front, what reads the rules of FAILPOINTS=.
LIB_FRONT := why regex_compile names names_number $(filter rule_%,$(FRONT))
CORE_SRC := $(CORE:%=failpoint/%.c)
FRONT_SRC := $(FRONT:%=failpoint/%.c)
LIB_SRC := $(wildcard failpoint/lib_*.c)
FAILCTL_SRC := $(wildcard failpoint/failctl*.c)
NOTIFY_SRC := $(wildcard failpoint/notify_*.c)
PRELOAD_SRC := $(wildcard preload/*.c)
RUNNER_SRC := $(filter-out runner/failrun.c,$(wildcard runner/*.c))
REFSTORE_SRC := $(wildcard tests/refstore/*.c)
UNIT_SRC := $(wildcard tests/unit/test_*.c)
VICTIM_SRC := $(wildcard tests/preload/victim_*.c)

objects = $(patsubst %.c,$(O)/%.o,$(1))
behalf = $(patsubst %.c,$(O)/behalf/%.o,$(1))
pic = $(patsubst %.c,$(O)/%.pic.o,$(1))

PROGRAMS := $(B)/failctl $(B)/failrun $(B)/refstore
LIBRARIES := $(B)/libfailpreload.so $(B)/libfailpoint.so $(B)/libfailpoint.a
UNITS := $(UNIT_SRC:tests/unit/%.c=$(B)/unit/%)
VICTIMS := $(VICTIM_SRC:tests/preload/%.c=$(B)/victim/%)

RUNNER_LIBS := -lcurl -lsqlite3 -linih -ljansson -lxxhash -lnetfilter_queue -lpthread
REFSTORE_LIBS := -lmicrohttpd -lcurl -lsqlite3 -ljansson -lxxhash -lpthread

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all tests clean help
all: $(PROGRAMS) $(LIBRARIES) ## everything a user runs (the default)
tests: all $(UNITS) $(VICTIMS) ## every test program, without running them

$(O)/%.o: %.c $(O)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(SANITIZE) $(CFLAGS_$(basename $(notdir $<))) -c $< -o $@

# Objects that end up inside a target: position independent, initial-exec TLS, no builtins that turn
# one call into another, no stack protector (it may run before libc has set the guard).
PIC_CFLAGS := -fPIC -ftls-model=initial-exec -fno-builtin -fno-stack-protector
# A hit is cleared at each armed call: gcc would do that by an instruction that starts slowly.
CLEARING := -mmemset-strategy=unrolled_loop:512:noalign,rep_8byte:-1:noalign
CLEARS := $(shell $(CC) -Werror $(CLEARING) -c -x c /dev/null -o /dev/null 2>/dev/null && echo $(CLEARING))
$(O)/%.pic.o: %.c $(O)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(PIC_CFLAGS) $(CLEARS) $(INJECT_SANITIZE) -c $< -o $@

# failctl's supervisor has the core a second time, asking for threads of other processes (whose.h).
$(O)/behalf/%.o: %.c $(O)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS) -DFAILPOINT_ON_BEHALF $(ALL_CFLAGS) $(SANITIZE) -c $< -o $@

$(O)/runner/ledger_schema.o: runner/ledger.sql # by .incbin

# A stamp that changes when the compiler or its flags do, so that nothing stale is linked.
$(O)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(SANITIZE) $(LDFLAGS)' | cmp -s - $@ || \
		echo '$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(SANITIZE) $(LDFLAGS)' > $@
FORCE:

# libfailcontrol.a is internal: core and front for failctl, failrun and the tests.
$(O)/libfailcontrol.a: $(call objects,$(CORE_SRC) $(FRONT_SRC))
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(O)/librunner.a: $(call objects,$(RUNNER_SRC))
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/failctl: $(call objects,$(FAILCTL_SRC)) $(call behalf,$(NOTIFY_SRC) $(CORE_SRC)) $(O)/libfailcontrol.a
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) $(SANITIZE) $^ -ljansson -lseccomp -lpthread -o $@
$(B)/failrun: $(O)/runner/failrun.o $(O)/librunner.a $(O)/libfailcontrol.a
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) $(SANITIZE) $^ $(RUNNER_LIBS) -o $@
$(B)/refstore: $(call objects,$(REFSTORE_SRC)) $(B)/libfailpoint.a
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) $(SANITIZE) $^ $(REFSTORE_LIBS) -o $@

# The interposer exports exactly the names of the call table.
$(O)/preload.map: $(wildcard failpoint/calls*.def) preload/export.map.in
	@mkdir -p $(@D)
	$(Q)$(CC) -E -P -x c $(CPPFLAGS) preload/export.map.in > $@
# The second names of its calls, by the linker: an alias in C must stand beside its target.
$(O)/preload.ld: $(wildcard failpoint/calls*.def) preload/alias.ld.in
	@mkdir -p $(@D)
	$(Q)$(CC) -E -P -x c $(CPPFLAGS) preload/alias.ld.in > $@
$(B)/libfailpreload.so: $(call pic,$(PRELOAD_SRC) $(CORE_SRC)) $(O)/preload.map $(O)/preload.ld
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -shared $(INJECT_SANITIZE) -Wl,--version-script=$(O)/preload.map \
		-Wl,--no-undefined-version -Wl,-z,now -Wl,-z,nodelete -Wl,-z,defs -Wl,-Bsymbolic-functions \
		$(call pic,$(PRELOAD_SRC) $(CORE_SRC)) $(O)/preload.ld -ldl -o $@

# Applications link one of these; only failpoint.h's symbols leave it.
LIBFAILPOINT := $(call pic,$(LIB_SRC) $(CORE_SRC) $(LIB_FRONT:%=failpoint/%.c))
$(B)/libfailpoint.a: $(LIBFAILPOINT) failpoint/libfailpoint.syms
	$(call say,AR)
	$(Q)$(LD) -r $(LIBFAILPOINT) -o $(O)/libfailpoint.o
	$(Q)objcopy --keep-global-symbols=failpoint/libfailpoint.syms $(O)/libfailpoint.o
	$(Q)rm -f $@ && $(AR) rcs $@ $(O)/libfailpoint.o
$(B)/libfailpoint.so: $(LIBFAILPOINT) failpoint/libfailpoint.map
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -shared $(INJECT_SANITIZE) -Wl,--version-script=failpoint/libfailpoint.map \
		-Wl,-z,now -Wl,-z,nodelete -Wl,-z,defs -Wl,-Bsymbolic-functions \
		-Wl,-soname,libfailpoint.so.0 $(LIBFAILPOINT) -o $@
	$(Q)ln -sf libfailpoint.so $@.0

UNIT_LIBS_test_workload := -lmicrohttpd
UNIT_LIBS_test_net_queue := -lm
UNIT_LIBS_test_stack := -lunwind
$(B)/unit/test_workload: $(O)/tests/unit/liar.o
$(B)/unit/%: $(O)/tests/unit/%.o $(O)/librunner.a $(O)/libfailcontrol.a
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) $(SANITIZE) $^ $(UNIT_LIBS_$*) -lcmocka $(RUNNER_LIBS) -o $@
# The victims are the targets of others' rules, so they are plain in every flavour.
$(call objects,$(filter-out %turmoil.c,$(VICTIM_SRC))): SANITIZE :=
VICTIM_LIBS_victim_static := -static
VICTIM_LIBS_victim_libaio := -laio
$(B)/victim/victim_buffer: $(B)/libfailpoint.a
# But for the one that has the engine inside: TSan watches that, too.
$(B)/victim/victim_turmoil: LDFLAGS += $(SANITIZE)
$(B)/victim/victim_turmoil: $(call objects,$(LIB_SRC)) $(O)/libfailcontrol.a
$(B)/victim/%: $(O)/tests/preload/%.o
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) $^ $(VICTIM_LIBS_$*) -lpthread -o $@

BENCHES := $(addprefix $(B)/bench/,loop_call loop_point spin set_to_effect check workload)
$(B)/bench/%: $(O)/bench/%.o $(B)/libfailpoint.a
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) $^ $(BENCH_LIBS_$*) -lpthread -o $@
BENCH_LIBS_loop_point := -lfiu
$(B)/bench/set_to_effect: $(O)/libfailcontrol.a
$(B)/bench/check: $(O)/bench/check.o $(O)/librunner.a
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) $(SANITIZE) $^ -o $@
$(B)/bench/workload: $(O)/bench/workload.o $(O)/librunner.a $(O)/libfailcontrol.a
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) $(SANITIZE) $^ $(RUNNER_LIBS) -o $@

bench: packages-build+check+bench ## what it costs, beside libfiu and strace; BENCH=PART runs one part (bench/bench.sh)
	$(Q)$(MAKE) --no-print-directory -j2 all $(BENCHES)
	$(Q)FAILKIT_BUILD=$(B) bench/bench.sh

.PHONY: fuzz coverage packages-% bench check proof storm asan tsan demo format lint install uninstall dist
packages-%:
	@.ci/packages.sh $(subst +, ,$*)

check: packages-build+check ## every test; TEST=x only files whose path contains x
	$(Q)$(MAKE) --no-print-directory -j2 tests
	$(Q)FAILKIT_BUILD=$(B) tests/run.sh
asan: ## the same tests, built with AddressSanitizer and UBSan
	$(Q)$(MAKE) --no-print-directory FLAVOUR=asan check
tsan: ## the same tests, built with ThreadSanitizer
	$(Q)$(MAKE) --no-print-directory FLAVOUR=tsan check

STORM_SECONDS ?= 600
storm: packages-build+check ## rules come and go under 16 busy threads, STORM_SECONDS= a case, plain and with TSan
	$(Q)for flavour in plain tsan; do \
		$(MAKE) --no-print-directory -j2 FLAVOUR=$$flavour build/$$flavour/unit/test_storm \
			build/$$flavour/victim/victim_turmoil build/$$flavour/libfailpreload.so && \
		STORM_SECONDS=$(STORM_SECONDS) FAILKIT_BUILD=build/$$flavour \
			TSAN_OPTIONS=halt_on_error=1 build/$$flavour/unit/test_storm || exit; \
	done

proof: packages-build+check ## every planted bug found, clean seeds pass; PROOF=judges,bugs,clean SEEDS= CLEAN= JOBS=
	$(Q)$(MAKE) --no-print-directory -j2 all $(B)/unit/test_judge_differ
	$(Q)FAILKIT_BUILD=$(B) tests/proof/proof.sh

demo: packages-build ## build, boot the reference cluster, inject faults, print the verdict
	$(Q)$(MAKE) --no-print-directory -j2 all
	$(Q)$(B)/failrun run configs/demo.ini

$(B)/calls_page: $(O)/docs/calls_page.o
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) $(SANITIZE) $^ -o $@
.PHONY: docs
# Each fuzzer starts from its corpus and works on a copy; what it finds is left in build/fuzz.
FUZZ_SECONDS ?= 60
FUZZERS := rule import plane
FUZZ_CFLAGS := -std=gnu11 -g -O1 -fsanitize=address,undefined
build/fuzz/%.o: %.c
	@mkdir -p $(@D)
	$(Q)clang $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link $(CPPFLAGS) -c $< -o $@
build/fuzz/fuzz_%: build/fuzz/tests/fuzz/fuzz_%.o $(patsubst %.c,build/fuzz/%.o,$(CORE_SRC) $(FRONT_SRC))
	$(Q)clang $(FUZZ_CFLAGS) -fsanitize=fuzzer $^ -o $@
fuzz: SHELL := /bin/bash
fuzz: packages-build+check ## each fuzzer in turn, FUZZ_SECONDS= each (clang)
	$(Q)$(MAKE) --no-print-directory -j2 $(FUZZERS:%=build/fuzz/fuzz_%)
	$(Q)mkdir -p $(FUZZERS:%=build/fuzz/%)
	$(Q)cp tests/fuzz/corpus_rule/* build/fuzz/rule; cp tests/fuzz/corpus_import/* build/fuzz/import
	$(Q)n=0; while read -r line; do n=$$((n + 1)); printf '%b' "$$(echo $$line | sed 's/../\\x&/g')" \
		> build/fuzz/plane/seed$$n; done < tests/fuzz/corpus_plane.hex
	$(Q)for f in $(FUZZERS); do \
		(cd build/fuzz && ./fuzz_$$f -max_total_time=$(FUZZ_SECONDS) -max_len=2048 -timeout=25 $$f) || exit; \
	done

# What the tests pass through of the programs that run outside of targets; the floor is agreed, not
# measured: raise it when the figure has risen.
COVERAGE_FLOOR := 75
coverage: packages-build+check+lint ## the tests with gcov; fails under COVERAGE_FLOOR percent of lines
	$(Q)$(MAKE) --no-print-directory FLAVOUR=coverage check
	gcovr -r . build/coverage/obj --exclude 'tests/' --exclude 'bench/' --fail-under-line $(COVERAGE_FLOOR) \
		--print-summary -o build/coverage/coverage.txt

docs: $(B)/calls_page ## docs/calls.md, from the table of calls
	$(Q)$(B)/calls_page > docs/calls.md

format: ## clang-format every .c and .h
	$(Q)clang-format -i $$(git ls-files '*.c' '*.h')
lint: packages-build+check+lint ## formatting, headers that stand alone, the folder rule, cppcheck, shellcheck
	$(Q)$(MAKE) --no-print-directory -j2 $(B)/failrun
	$(Q)FAILKIT_BUILD=$(B) tests/lint.sh

LIBDIR := $(DESTDIR)$(PREFIX)/lib
install: all ## programs, libraries, headers, man pages; DESTDIR= PREFIX=
	install -d $(DESTDIR)$(PREFIX)/bin $(LIBDIR)/failkit $(LIBDIR)/pkgconfig \
		$(DESTDIR)$(PREFIX)/include/failkit $(DESTDIR)$(PREFIX)/share/man/man1 \
		$(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/man/man7
	install $(B)/failctl $(B)/failrun $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(B)/libfailpreload.so $(LIBDIR)/failkit
	install -m 644 $(B)/libfailpoint.a $(LIBDIR)
	install -m 644 $(B)/libfailpoint.so $(LIBDIR)/libfailpoint.so.0
	ln -sf libfailpoint.so.0 $(LIBDIR)/libfailpoint.so
	sed 's,@PREFIX@,$(PREFIX),;s,@VERSION@,$(VERSION),' failpoint/failkit.pc.in > $(LIBDIR)/pkgconfig/failkit.pc
	install -m 644 include/failkit/failpoint.h $(DESTDIR)$(PREFIX)/include/failkit
	for s in 1 5 7; do install -m 644 docs/*.$$s $(DESTDIR)$(PREFIX)/share/man/man$$s || exit; done
uninstall: ## remove what install put there
	rm -rf $(LIBDIR)/failkit $(LIBDIR)/libfailpoint.* $(LIBDIR)/pkgconfig/failkit.pc \
		$(DESTDIR)$(PREFIX)/include/failkit $(DESTDIR)$(PREFIX)/bin/failctl $(DESTDIR)$(PREFIX)/bin/failrun
	rm -f $(patsubst docs/%,$(DESTDIR)$(PREFIX)/share/man/man*/%,$(wildcard docs/*.[157]))
dist: ## a tarball of the committed tree
	git archive --prefix=failkit-$(VERSION)/ -o build/failkit-$(VERSION).tar.gz HEAD

clean: ## remove everything that was built
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# What runs inside targets compiles for the other machine, too; nothing is linked.
CROSS := aarch64-linux-gnu-
CROSS_SRC := $(CORE_SRC) $(PRELOAD_SRC)
.PHONY: cross
cross: packages-cross $(CROSS_SRC:%.c=build/cross/%.o) ## compile the core and the interposer for aarch64
build/cross/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CROSS)
	$(Q)$(CROSS)gcc $(CPPFLAGS) $(ALL_CFLAGS) $(PIC_CFLAGS) -c $< -o $@
-include $(shell find build/cross -name '*.d' 2>/dev/null)

-include $(shell find $(O) -name '*.d' 2>/dev/null)
