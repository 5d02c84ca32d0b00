/* real.c - see real.h for the model. */
#include "preload/real.h"

#include <errno.h>
#include <stddef.h>

#include "preload/aio.h"
#include "preload/alloc.h"
#include "preload/next.h"

static long missing(void)
{
	errno = ENOSYS;
	return -1;
}

/* A libaio that is loaded later, out of our sight, calls ours by name all the same. */
static void *instead(void **slot)
{
	if (slot == (void **)&real_io_setup)
		return (void *)kernel_io_setup;
	if (slot == (void **)&real_io_submit)
		return (void *)kernel_io_submit;
	return slot == (void **)&real_io_getevents ? (void *)kernel_io_getevents : (void *)missing;
}

/* Not inlined or tail-called: dlsym learns from its return address that "next" means after us. */
void *real_resolve(void **slot, const char *name) REAL_HIDDEN;
__attribute__((noinline, used)) void *real_resolve(void **slot, const char *name)
{
	void *found;

	if (alloc_early(slot))
		__atomic_store_n(slot, alloc_early(slot), __ATOMIC_RELAXED);
	if (slot == (void **)&real_dlsym)
		found = next_definition(name);
	else
		found = real_dlsym(RTLD_NEXT, name);
	if (!found)
		found = instead(slot);
	__atomic_store_n(slot, found, __ATOMIC_RELAXED);
	return found;
}

/* A stub for each: puts its slot and its name where the common part wants them. */
#if defined(__x86_64__)
#define RESOLVER(name)                                          \
	__asm__(".section .rodata.str1.1,\"aMS\",@progbits,1\n" \
		"name_" #name ": .asciz \"" #name "\"\n"        \
		".text\n"                                       \
		".type resolve_" #name ", @function\n"          \
		"resolve_" #name ":\n"                          \
		"	leaq real_" #name "(%rip), %r10\n"      \
		"	leaq name_" #name "(%rip), %r11\n"      \
		"	jmp resolve\n"                                \
		".size resolve_" #name ", . - resolve_" #name "\n");
__asm__(".text\n"
	".type resolve, @function\n"
	"resolve:\n"
	"	.cfi_startproc\n"
	"	push %rdi\n"
	"	push %rsi\n"
	"	push %rdx\n"
	"	push %rcx\n"
	"	push %r8\n"
	"	push %r9\n"
	"	push %rax\n"
	"	.cfi_adjust_cfa_offset 56\n"
	"	mov %r10, %rdi\n"
	"	mov %r11, %rsi\n"
	"	call real_resolve\n"
	"	mov %rax, %r11\n"
	"	pop %rax\n"
	"	pop %r9\n"
	"	pop %r8\n"
	"	pop %rcx\n"
	"	pop %rdx\n"
	"	pop %rsi\n"
	"	pop %rdi\n"
	"	.cfi_adjust_cfa_offset -56\n"
	"	jmp *%r11\n"
	"	.cfi_endproc\n"
	".size resolve, . - resolve\n");
#elif defined(__aarch64__)
#define RESOLVER(name)                                          \
	__asm__(".section .rodata.str1.1,\"aMS\",@progbits,1\n" \
		"name_" #name ": .asciz \"" #name "\"\n"        \
		".text\n"                                       \
		".type resolve_" #name ", @function\n"          \
		"resolve_" #name ":\n"                          \
		"	adrp x16, real_" #name "\n"             \
		"	add x16, x16, :lo12:real_" #name "\n"   \
		"	adrp x17, name_" #name "\n"             \
		"	add x17, x17, :lo12:name_" #name "\n"   \
		"	b resolve\n"                                  \
		".size resolve_" #name ", . - resolve_" #name "\n");
__asm__(".text\n"
	".type resolve, @function\n"
	"resolve:\n"
	"	stp x29, x30, [sp, -80]!\n"
	"	stp x0, x1, [sp, 16]\n"
	"	stp x2, x3, [sp, 32]\n"
	"	stp x4, x5, [sp, 48]\n"
	"	stp x6, x7, [sp, 64]\n"
	"	mov x0, x16\n"
	"	mov x1, x17\n"
	"	bl real_resolve\n"
	"	mov x16, x0\n"
	"	ldp x0, x1, [sp, 16]\n"
	"	ldp x2, x3, [sp, 32]\n"
	"	ldp x4, x5, [sp, 48]\n"
	"	ldp x6, x7, [sp, 64]\n"
	"	ldp x29, x30, [sp], 80\n"
	"	br x16\n"
	".size resolve, . - resolve\n");
#endif

#define REAL_DEFINE(name)                                   \
	RESOLVER(name)                                      \
	extern REAL_HIDDEN __typeof__(name) resolve_##name; \
	__typeof__(name) *real_##name = resolve_##name;
#define CALL(name, ...)   REAL_DEFINE(name)
#define CUSTOM(name, ...) REAL_DEFINE(name)
#define ALIAS(alias, name)
#include "failpoint/calls.def"
#undef CALL
#undef CUSTOM
REAL_OTHERS(REAL_DEFINE)

void real_find_all(void)
{
	static const struct {
		void **slot;
		const char *name;
	} all[] = {
#define REAL_ENTRY(name)  {(void **)&real_##name, #name},
#define CALL(name, ...)   REAL_ENTRY(name)
#define CUSTOM(name, ...) REAL_ENTRY(name)
		REAL_OTHERS(REAL_ENTRY)
#include "failpoint/calls.def"
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		real_resolve(all[i].slot, all[i].name);
	dlerror(); /* what this libc lacks is no error of the program's */
}
