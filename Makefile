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
SANITIZE := $(SANITIZE_$(FLAVOUR))
# The libraries that are loaded into a target are never built with ASan or TSan: the runtime is the
# target's. They get UBSan, which needs none, in the asan flavour.
INJECT_SANITIZE_asan := -fsanitize=undefined -fsanitize-undefined-trap-on-error
INJECT_SANITIZE := $(INJECT_SANITIZE_$(FLAVOUR))
CPPFLAGS += -Iinclude -I. -D_GNU_SOURCE -DFAILKIT_VERSION='"$(VERSION)"'
CFLAGS += -std=gnu11 -O2 -g
ALL_CFLAGS = $(CFLAGS) $(CWARN) -MMD -MP

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' $(1) $@)

# failpoint/: the core runs inside intercepted calls and allocates, locks and prints nothing; the
# front parses, prints and serves people. lib is libfailpoint's own, failctl the tool's.
CORE := calls pattern regex_match
FRONT := why regex_compile
CORE_SRC := $(CORE:%=failpoint/%.c)
FRONT_SRC := $(FRONT:%=failpoint/%.c)
LIB_SRC := $(wildcard failpoint/lib_*.c)
FAILCTL_SRC := $(wildcard failpoint/failctl*.c)
PRELOAD_SRC := $(wildcard preload/*.c)
RUNNER_SRC := $(filter-out runner/failrun.c,$(wildcard runner/*.c))
REFSTORE_SRC := $(wildcard tests/refstore/*.c)
UNIT_SRC := $(wildcard tests/unit/test_*.c)
VICTIM_SRC := $(wildcard tests/preload/victim_*.c)

objects = $(patsubst %.c,$(O)/%.o,$(1))
pic = $(patsubst %.c,$(O)/%.pic.o,$(1))

PROGRAMS := $(B)/failctl $(B)/failrun $(B)/refstore
LIBRARIES := $(B)/libfailpreload.so $(B)/libfailpoint.so $(B)/libfailpoint.a
UNITS := $(UNIT_SRC:tests/unit/%.c=$(B)/unit/%)
VICTIMS := $(VICTIM_SRC:tests/preload/%.c=$(B)/victim/%)

RUNNER_LIBS := -lcurl -lsqlite3 -linih -ljansson -lxxhash -lpthread
REFSTORE_LIBS := -lmicrohttpd -lcurl -lsqlite3 -ljansson -lxxhash -lpthread

.DELETE_ON_ERROR:
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
$(O)/%.pic.o: %.c $(O)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(PIC_CFLAGS) $(INJECT_SANITIZE) -c $< -o $@

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

$(B)/failctl: $(call objects,$(FAILCTL_SRC)) $(O)/libfailcontrol.a
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) $(SANITIZE) $^ -ljansson -lpthread -o $@
$(B)/failrun: $(O)/runner/failrun.o $(O)/librunner.a $(O)/libfailcontrol.a
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) $(SANITIZE) $^ $(RUNNER_LIBS) -o $@
$(B)/refstore: $(call objects,$(REFSTORE_SRC)) $(B)/libfailpoint.a
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) $(SANITIZE) $^ $(REFSTORE_LIBS) -o $@

# The interposer exports exactly the names of the call table.
$(O)/preload.map: failpoint/calls.def preload/export.map.in
	@mkdir -p $(@D)
	$(Q)$(CC) -E -P -x c $(CPPFLAGS) preload/export.map.in > $@
$(B)/libfailpreload.so: $(call pic,$(PRELOAD_SRC) $(CORE_SRC)) $(O)/preload.map
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -shared $(INJECT_SANITIZE) -Wl,--version-script=$(O)/preload.map \
		-Wl,--no-undefined-version -Wl,-z,now -Wl,-z,nodelete -Wl,-z,defs -Wl,-Bsymbolic-functions \
		$(call pic,$(PRELOAD_SRC) $(CORE_SRC)) -ldl -o $@

# Applications link one of these; only failpoint.h's symbols leave it.
LIBFAILPOINT := $(call pic,$(LIB_SRC) $(CORE_SRC) $(FRONT_SRC))
$(B)/libfailpoint.a: $(LIBFAILPOINT) failpoint/libfailpoint.syms
	$(call say,AR)
	$(Q)$(LD) -r $(LIBFAILPOINT) -o $(O)/libfailpoint.o
	$(Q)objcopy --keep-global-symbols=failpoint/libfailpoint.syms $(O)/libfailpoint.o
	$(Q)rm -f $@ && $(AR) rcs $@ $(O)/libfailpoint.o
$(B)/libfailpoint.so: $(LIBFAILPOINT) failpoint/libfailpoint.map
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -shared $(INJECT_SANITIZE) -Wl,--version-script=failpoint/libfailpoint.map \
		-Wl,-soname,libfailpoint.so.0 $(LIBFAILPOINT) -o $@

$(B)/unit/%: $(O)/tests/unit/%.o $(O)/librunner.a $(O)/libfailcontrol.a
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) $(SANITIZE) $^ $(UNIT_LIBS_$*) -lcmocka $(RUNNER_LIBS) -o $@
$(B)/victim/%: $(O)/tests/preload/%.o
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) $^ $(VICTIM_LIBS_$*) -lpthread -o $@

clean: ## remove everything that was built
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

-include $(shell find $(O) -name '*.d' 2>/dev/null)
