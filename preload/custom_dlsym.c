/*
 * custom_dlsym.c - what is found by name is covered too.
 *
 * RTLD_DEFAULT finds ours by itself, and RTLD_NEXT is answered by who asks: libc takes that from
 * the return address, so both are a true tail jump. With the handle of a library, libc's own
 * function would come out; where it is that one, ours is returned. A plugin's own "open" stays its
 * own.
 *
 * dlclose tells the engine that what it knows of addresses may be wrong from now on.
 */
#include "preload/call.h"

#include <stddef.h>

#include "failpoint/stack.h"
#include "preload/raw.h"

void *dlsym_of_handle(void *handle, const char *name) PRELOAD_HIDDEN;

#if defined(__x86_64__)
__asm__(".text\n"
	".globl dlsym\n"
	".type dlsym, @function\n"
	"dlsym:\n"
	"	lea 1(%rdi), %rax\n" /* RTLD_DEFAULT is 0, RTLD_NEXT -1 */
	"	cmp $1, %rax\n"
	"	ja dlsym_of_handle\n"
	"	jmp *real_dlsym(%rip)\n"
	".size dlsym, . - dlsym\n");
#elif defined(__aarch64__)
__asm__(".text\n"
	".globl dlsym\n"
	".type dlsym, @function\n"
	"dlsym:\n"
	"	add x16, x0, #1\n"
	"	cmp x16, #1\n"
	"	b.hi dlsym_of_handle\n"
	"	adrp x16, real_dlsym\n"
	"	ldr x16, [x16, :lo12:real_dlsym]\n"
	"	br x16\n"
	".size dlsym, . - dlsym\n");
#endif

#define OURS(name)         extern const char ours_##name[] __asm__(#name);
#define CALL(name, ...)    OURS(name)
#define CUSTOM(name, ...)  OURS(name)
#define ALIAS(alias, name) OURS(alias)
#define HOOK(name)         OURS(name)
#include "failpoint/calls.def"
#undef OURS

#define OURS(name) {#name, ours_##name},
static const struct {
	const char *name;
	const void *address;
} ours[] = {
#include "failpoint/calls.def"
};

__attribute__((used)) void *dlsym_of_handle(void *handle, const char *name)
{
	void *found = real_dlsym(handle, name);

	if (!found)
		return NULL;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (raw_equal(name, ours[i].name))
			return found == real_dlsym(RTLD_NEXT, name)
				       ? (void *)(uintptr_t)ours[i].address
				       : found;
	return found;
}

int dlclose(void *handle)
{
	int ret = real_dlclose(handle);

	atomic_fetch_add(&stack_generation, 1);
	return ret;
}
