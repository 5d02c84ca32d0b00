/*
 * deep_aarch64.c - stubs and registers of aarch64; see deep_arch.h.
 *
 * There is no red zone, and no return that takes its address from the stack: the way back costs
 * x17, a scratch register of calls; what makes a child costs x8 and x16 too. The vector registers
 * that our code may change are saved whole.
 */
#include "preload/deep_arch.h"

#if defined(__aarch64__)

/* What a stub finds at the top of the stack: the way back, and what deep_born() is told. */
struct way_back {
	long back, kind;
};

#define STUB(name)            \
	".globl " #name "\n"  \
	".hidden " #name "\n" \
	".type " #name ", %function\n" #name ":\n"

#define RETURN                  \
	"	ldr x17, [sp], #16\n" \
	"	br x17\n"

/* Calls a C function with a struct deep_trap and, second, what x17 holds. */
#define INTO_C(function)              \
	"	sub sp, sp, #720\n"         \
	"	stp x8, x0, [sp]\n"         \
	"	stp x1, x2, [sp, #16]\n"    \
	"	stp x3, x4, [sp, #32]\n"    \
	"	stp x5, x6, [sp, #48]\n"    \
	"	stp x7, x9, [sp, #64]\n"    \
	"	stp x10, x11, [sp, #80]\n"  \
	"	stp x12, x13, [sp, #96]\n"  \
	"	stp x14, x15, [sp, #112]\n" \
	"	stp x16, x18, [sp, #128]\n" \
	"	stp x29, x30, [sp, #144]\n" \
	"	mrs x0, nzcv\n"             \
	"	mrs x1, fpsr\n"             \
	"	stp x0, x1, [sp, #160]\n"   \
	"	add x9, sp, #192\n"         \
	"	stp q0, q1, [x9]\n"         \
	"	stp q2, q3, [x9, #32]\n"    \
	"	stp q4, q5, [x9, #64]\n"    \
	"	stp q6, q7, [x9, #96]\n"    \
	"	stp q8, q9, [x9, #128]\n"   \
	"	stp q10, q11, [x9, #160]\n" \
	"	stp q12, q13, [x9, #192]\n" \
	"	stp q14, q15, [x9, #224]\n" \
	"	stp q16, q17, [x9, #256]\n" \
	"	stp q18, q19, [x9, #288]\n" \
	"	stp q20, q21, [x9, #320]\n" \
	"	stp q22, q23, [x9, #352]\n" \
	"	stp q24, q25, [x9, #384]\n" \
	"	stp q26, q27, [x9, #416]\n" \
	"	stp q28, q29, [x9, #448]\n" \
	"	stp q30, q31, [x9, #480]\n" \
	"	mov x0, sp\n"               \
	"	mov x1, x17\n"              \
	"	bl " #function "\n"   \
	"	add x9, sp, #192\n"         \
	"	ldp q0, q1, [x9]\n"         \
	"	ldp q2, q3, [x9, #32]\n"    \
	"	ldp q4, q5, [x9, #64]\n"    \
	"	ldp q6, q7, [x9, #96]\n"    \
	"	ldp q8, q9, [x9, #128]\n"   \
	"	ldp q10, q11, [x9, #160]\n" \
	"	ldp q12, q13, [x9, #192]\n" \
	"	ldp q14, q15, [x9, #224]\n" \
	"	ldp q16, q17, [x9, #256]\n" \
	"	ldp q18, q19, [x9, #288]\n" \
	"	ldp q20, q21, [x9, #320]\n" \
	"	ldp q22, q23, [x9, #352]\n" \
	"	ldp q24, q25, [x9, #384]\n" \
	"	ldp q26, q27, [x9, #416]\n" \
	"	ldp q28, q29, [x9, #448]\n" \
	"	ldp q30, q31, [x9, #480]\n" \
	"	ldp x2, x1, [sp, #160]\n"   \
	"	msr nzcv, x2\n"             \
	"	msr fpsr, x1\n"             \
	"	ldr x8, [sp]\n"             \
	"	ldp x1, x2, [sp, #16]\n"    \
	"	ldp x3, x4, [sp, #32]\n"    \
	"	ldp x5, x6, [sp, #48]\n"    \
	"	ldp x7, x9, [sp, #64]\n"    \
	"	ldp x10, x11, [sp, #80]\n"  \
	"	ldp x12, x13, [sp, #96]\n"  \
	"	ldp x14, x15, [sp, #112]\n" \
	"	ldp x16, x18, [sp, #128]\n" \
	"	ldp x29, x30, [sp, #144]\n" \
	"	add sp, sp, #720\n" RETURN

/* clang-format off */
__asm__(".text\n"
	STUB(deep_again)
	STUB(deep_again_foreign)
	"	svc 0\n"
	RETURN

	STUB(deep_enter)
	INTO_C(deep_judge)

	STUB(deep_clone)
	"	svc 0\n"
	"	cbz x0, 1f\n"
	RETURN
	"1:	sub sp, sp, #16\n"
	"	ldr x8, [sp, #8]\n" /* the kind stands where the number is looked for */
	INTO_C(deep_born)

	/* x19 leads to the node; what it held is there. */
	STUB(deep_vfork)
	"	svc 0\n"
	"	mov x17, x19\n"
	"	ldr x19, [x17, #8]\n"
	"	mov x8, x0\n"
	"	ldr x16, [x17]\n"
	"	str x16, [sp, #-16]!\n"
	INTO_C(deep_vforked)

	STUB(deep_sigreturn)
	"	mov x8, #139\n"
	"	svc 0\n");
/* clang-format on */

struct deep_trap deep_arch_trap(const ucontext_t *context)
{
	const unsigned long long *r = context->uc_mcontext.regs;

	return (struct deep_trap){
		(long)r[8],
		{(long)r[0], (long)r[1], (long)r[2], (long)r[3], (long)r[4], (long)r[5]}};
}

uintptr_t deep_arch_ip(const ucontext_t *context)
{
	return (uintptr_t)context->uc_mcontext.pc;
}

uintptr_t deep_arch_sp(const ucontext_t *context)
{
	return (uintptr_t)context->uc_mcontext.sp;
}

ucontext_t *deep_arch_frame(const ucontext_t *context)
{
	return (ucontext_t *)(void *)((siginfo_t *)deep_arch_sp(context) + 1);
}

void deep_arch_jump(ucontext_t *context, deep_stub *stub)
{
	context->uc_mcontext.pc = (uintptr_t)stub;
}

void deep_arch_call(ucontext_t *context, deep_stub *stub)
{
	struct way_back *way = (struct way_back *)(uintptr_t)context->uc_mcontext.sp - 1;

	way->back = (long)context->uc_mcontext.pc;
	context->uc_mcontext.sp = (uintptr_t)way;
	deep_arch_jump(context, stub);
}

void deep_arch_call_born(const ucontext_t *context, uintptr_t child_sp, long kind)
{
	struct way_back *way = (struct way_back *)child_sp - 1;

	way->back = (long)context->uc_mcontext.pc;
	way->kind = kind;
}

void deep_arch_call_vfork(ucontext_t *context, struct deep_vfork_node *node)
{
	node->back = (long)context->uc_mcontext.pc;
	node->borrowed = (long)context->uc_mcontext.regs[19];
	context->uc_mcontext.regs[19] = (uintptr_t)node;
	deep_arch_jump(context, deep_vfork);
}

int deep_arch_is_foreign(const siginfo_t *info)
{
	(void)info;
	return 0;
}

#endif
