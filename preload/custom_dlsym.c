/*
 * custom_dlsym.c - what is found by name is covered too.
 *
 * RTLD_DEFAULT finds ours by itself, and RTLD_NEXT is answered by who asks: libc takes that from
 * the return address, so both are a true tail jump. With the handle of a library, libc's own
 * function would come out; where it is that one, ours is returned. A plugin's own "open" stays its
 * own, and so does an older version of libc's that dlvsym asks for: it takes other arguments.
 *
 * dlclose tells the engine that what it knows of addresses may be wrong from now on.
 */
#include "preload/call.h"

#include <stddef.h>

#include "failpoint/stack.h"
#include "preload/raw.h"

void *dlsym_of_handle(void *handle, const char *name) PRELOAD_HIDDEN;
void *dlvsym_of_handle(void *handle, const char *name, const char *version) PRELOAD_HIDDEN;

/* RTLD_DEFAULT is 0, RTLD_NEXT -1. */
#if defined(__x86_64__)
#define BY_HANDLE(name)                                    \
	__asm__(".text\n"                                  \
		".globl " #name "\n"                       \
		".type " #name ", @function\n" #name ":\n" \
		"	lea 1(%rdi), %rax\n"                     \
		"	cmp $1, %rax\n"                          \
		"	ja " #name "_of_handle\n"          \
		"	jmp *real_" #name "(%rip)\n"       \
		".size " #name ", . - " #name "\n");
#elif defined(__aarch64__)
#define BY_HANDLE(name)                                         \
	__asm__(".text\n"                                       \
		".globl " #name "\n"                            \
		".type " #name ", @function\n" #name ":\n"      \
		"	add x16, x0, #1\n"                            \
		"	cmp x16, #1\n"                                \
		"	b.hi " #name "_of_handle\n"             \
		"	adrp x16, real_" #name "\n"             \
		"	ldr x16, [x16, :lo12:real_" #name "]\n" \
		"	br x16\n"                                     \
		".size " #name ", . - " #name "\n");
#endif
BY_HANDLE(dlsym)
BY_HANDLE(dlvsym)

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

/* Is it the function that ours stands for? Where there is none, that is no error of the program's. */
static bool is_ours(const void *found, const char *name)
{
	const void *next = real_dlsym(RTLD_NEXT, name);

	if (!next)
		dlerror();
	return found == next;
}

/* What is to be handed out for a function that was found by that name. */
static void *ours_for(void *found, const char *name)
{
	for (size_t i = 0; found && i < sizeof(ours) / sizeof(ours[0]); i++)
		if (raw_equal(name, ours[i].name))
			return is_ours(found, name) ? (void *)(uintptr_t)ours[i].address : found;
	return found;
}

__attribute__((used)) void *dlsym_of_handle(void *handle, const char *name)
{
	return ours_for(real_dlsym(handle, name), name);
}

__attribute__((used)) void *dlvsym_of_handle(void *handle, const char *name, const char *version)
{
	return ours_for(real_dlvsym(handle, name, version), name);
}

int dlclose(void *handle)
{
	int ret = real_dlclose(handle);

	atomic_fetch_add(&stack_generation, 1);
	return ret;
}
