/* deep_x86_64.c - stubs and registers of x86-64; see deep_arch.h. */
#include "preload/deep_arch.h"

#if defined(__x86_64__)

#include <linux/audit.h>

enum { RED_ZONE = 128 };

/* At the entrance of each stub: the way back is at the top of the stack, the program's own stack
 * begins beyond it and the red zone. That is told to unwinders, for cancellation and backtraces. */
#define STUB(name)            \
	".globl " #name "\n"  \
	".hidden " #name "\n" \
	".type " #name ", @function\n" #name ":\n"

#define CFI_CALLED                 \
	"	.cfi_startproc\n"        \
	"	.cfi_def_cfa rsp, 136\n" \
	"	.cfi_offset rip, -136\n"

/* Calls a C function with a struct deep_trap and, second, what rcx holds. Our code is compiled for
 * the baseline, so what it may change are the registers that fxsave knows; the upper parts of the
 * vector registers stay. */
#define INTO_C(function)                             \
	"	push %rbp\n"                               \
	"	.cfi_def_cfa_offset 144\n"                 \
	"	.cfi_offset rbp, -144\n"                   \
	"	mov %rsp, %rbp\n"                          \
	"	.cfi_def_cfa_register rbp\n"               \
	"	pushfq\n"                                  \
	"	cld\n"                                     \
	"	push %r9\n"                                \
	"	push %r8\n"                                \
	"	push %r10\n"                               \
	"	push %rdx\n"                               \
	"	push %rsi\n"                               \
	"	push %rdi\n"                               \
	"	push %rax\n"                               \
	"	mov %rsp, %rdi\n"                          \
	"	mov %rcx, %rsi\n"                          \
	"	sub $512, %rsp\n"                          \
	"	and $-64, %rsp\n"                          \
	"	fxsave64 (%rsp)\n"                         \
	"	call " #function "\n"                \
	"	fxrstor64 (%rsp)\n"                        \
	"	lea -56(%rbp), %rsp\n" /* but rax */ \
	"	pop %rdi\n"                                \
	"	pop %rsi\n"                                \
	"	pop %rdx\n"                                \
	"	pop %r10\n"                                \
	"	pop %r8\n"                                 \
	"	pop %r9\n"                                 \
	"	popfq\n"                                   \
	"	pop %rbp\n"                                \
	"	.cfi_def_cfa rsp, 136\n"                   \
	"	ret $128\n"                                \
	"	.cfi_endproc\n"

/* clang-format off */
__asm__(".text\n"
	STUB(deep_again)
	CFI_CALLED
	"	syscall\n"
	"	ret $128\n"
	"	.cfi_endproc\n"

	STUB(deep_again_foreign)
	CFI_CALLED
	"	int $0x80\n"
	"	ret $128\n"
	"	.cfi_endproc\n"

	STUB(deep_enter)
	CFI_CALLED
	INTO_C(deep_judge)

	/* The child has the address on its own stack, and its kind below that. Flags are kept: so
	 * no test. */
	STUB(deep_clone)
	CFI_CALLED
	"	syscall\n"
	"	xchg %rax, %rcx\n"
	"	jrcxz 1f\n"
	"	xchg %rax, %rcx\n"
	"	ret $128\n"
	"1:	lea -136(%rsp), %rsp\n"
	"	mov -8(%rsp), %rax\n"
	INTO_C(deep_born)

	/* r12 leads to the node; what it held is there. */
	STUB(deep_vfork)
	"	.cfi_startproc\n"
	"	.cfi_undefined rip\n"
	"	syscall\n"
	"	mov %r12, %rcx\n"
	"	mov 8(%rcx), %r12\n"
	"	lea -128(%rsp), %rsp\n"
	"	push (%rcx)\n"
	"	.cfi_def_cfa rsp, 136\n"
	"	.cfi_offset rip, -136\n"
	INTO_C(deep_vforked)

	/* Unwinders know a signal frame by these very bytes. */
	".balign 16\n"
	"	nop\n"
	STUB(deep_sigreturn)
	"	mov $15, %rax\n"
	"	syscall\n");
/* clang-format on */

struct deep_trap deep_arch_trap(const ucontext_t *context)
{
	const greg_t *r = context->uc_mcontext.gregs;

	return (struct deep_trap){
		r[REG_RAX], {r[REG_RDI], r[REG_RSI], r[REG_RDX], r[REG_R10], r[REG_R8], r[REG_R9]}};
}

uintptr_t deep_arch_ip(const ucontext_t *context)
{
	return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
}

uintptr_t deep_arch_sp(const ucontext_t *context)
{
	return (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
}

/* The address that the handler returned by stood before it. */
ucontext_t *deep_arch_frame(const ucontext_t *context)
{
	return (ucontext_t *)deep_arch_sp(context);
}

void deep_arch_jump(ucontext_t *context, deep_stub *stub)
{
	context->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)stub;
}

void deep_arch_call(ucontext_t *context, deep_stub *stub)
{
	uintptr_t sp = deep_arch_sp(context) - RED_ZONE - sizeof(greg_t);

	*(greg_t *)sp = context->uc_mcontext.gregs[REG_RIP];
	context->uc_mcontext.gregs[REG_RSP] = (greg_t)sp;
	deep_arch_jump(context, stub);
}

void deep_arch_call_born(const ucontext_t *context, uintptr_t child_sp, long kind)
{
	greg_t *top = (greg_t *)(child_sp - RED_ZONE);

	top[-1] = context->uc_mcontext.gregs[REG_RIP];
	top[-2] = kind;
}

void deep_arch_call_vfork(ucontext_t *context, struct deep_vfork_node *node)
{
	greg_t *r = context->uc_mcontext.gregs;

	node->back = r[REG_RIP];
	node->borrowed = r[REG_R12];
	r[REG_R12] = (greg_t)(uintptr_t)node;
	deep_arch_jump(context, deep_vfork);
}

int deep_arch_is_foreign(const siginfo_t *info)
{
	return info->si_arch != AUDIT_ARCH_X86_64;
}

#endif
