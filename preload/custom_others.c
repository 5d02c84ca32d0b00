/*
 * custom_others.c - calls with a way of their own to report failure: getaddrinfo, getnameinfo
 * and dlopen.
 */
#include "preload/pass.h"

/* ---- Names of hosts ---- */

static const struct {
	int error, code;
} codes[] = {
	{EAGAIN, EAI_AGAIN},
	{ENOMEM, EAI_MEMORY},
	{ENOENT, EAI_NONAME},
	{EIO, EAI_FAIL},
};

static int code_of(int error)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].error == error)
			return codes[i].code;
	return EAI_SYSTEM;
}

static int error_of(int code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].code == code)
			return codes[i].error;
	return code == EAI_SYSTEM ? errno : EINVAL;
}

/* Notes what the real call returned; the errno that stands for it. */
static int name_result(struct call *call, int real)
{
	int error = real ? error_of(real) : 0;

	call->hit.ret = real;
	call->hit.err = error;
	return error;
}

/* What the program is told, once the rules are through. A code that the real call gave is handed on
 * as it is. */
static int name_leave(struct call *call, int real, int error)
{
	int ret = (int)call_leave(call);

	if (!call->hit.err)
		return ret;
	return real && call->hit.err == error ? real : code_of(call->hit.err);
}

static __attribute__((noinline)) int armed_getaddrinfo(const char *host, const char *service,
						       const struct addrinfo *hints,
						       struct addrinfo **found)
{
	int ret, real = 0, error = 0;
	bool done = false;
	struct call call;

	CALL_BEGIN(call, getaddrinfo, HIT_NOTHING, GIVE_NO_BYTES);
	if (call_enter(&call)) {
		real = real_getaddrinfo(host, service, hints, found);
		error = name_result(&call, real);
		done = real == 0;
	}
	ret = name_leave(&call, real, error);
	if (done && call.hit.err)
		freeaddrinfo(*found);
	return ret;
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		struct addrinfo **found)
{
	return ARMED(getaddrinfo) ? armed_getaddrinfo(host, service, hints, found)
				  : real_getaddrinfo(host, service, hints, found);
}

static __attribute__((noinline)) int armed_getnameinfo(const struct sockaddr *address,
						       socklen_t length, char *host,
						       socklen_t host_size, char *service,
						       socklen_t service_size, int flags)
{
	int real = 0, error = 0;
	struct call call;

	CALL_BEGIN(call, getnameinfo, HIT_NOTHING, GIVE_NO_BYTES);
	if (call_enter(&call)) {
		real = real_getnameinfo(address, length, host, host_size, service, service_size,
					flags);
		error = name_result(&call, real);
	}
	return name_leave(&call, real, error);
}

int getnameinfo(const struct sockaddr *address, socklen_t length, char *host, socklen_t host_size,
		char *service, socklen_t service_size, int flags)
{
	return ARMED(getnameinfo) ? armed_getnameinfo(address, length, host, host_size, service,
						      service_size, flags)
				  : real_getnameinfo(address, length, host, host_size, service,
						     service_size, flags);
}

/* ---- Libraries ---- */

/* libc takes the caller's own search path by the return address: a true tail jump. */
bool dlopen_is_refused(const char *path, int flags) PRELOAD_HIDDEN;

#if defined(__x86_64__)
__asm__(".text\n"
	".globl dlopen\n"
	".type dlopen, @function\n"
	"dlopen:\n"
	"	push %rdi\n"
	"	push %rsi\n"
	"	sub $8, %rsp\n"
	"	call dlopen_is_refused\n"
	"	add $8, %rsp\n"
	"	pop %rsi\n"
	"	pop %rdi\n"
	"	test %al, %al\n"
	"	jne 1f\n"
	"	jmp *real_dlopen(%rip)\n"
	"1:	xor %eax, %eax\n"
	"	ret\n"
	".size dlopen, . - dlopen\n");
#elif defined(__aarch64__)
__asm__(".text\n"
	".globl dlopen\n"
	".type dlopen, @function\n"
	"dlopen:\n"
	"	stp x29, x30, [sp, -32]!\n"
	"	stp x0, x1, [sp, 16]\n"
	"	bl dlopen_is_refused\n"
	"	mov w16, w0\n"
	"	ldp x0, x1, [sp, 16]\n"
	"	ldp x29, x30, [sp], 32\n"
	"	tbnz w16, 0, 1f\n"
	"	adrp x16, real_dlopen\n"
	"	ldr x16, [x16, :lo12:real_dlopen]\n"
	"	br x16\n"
	"1:	mov x0, xzr\n"
	"	ret\n"
	".size dlopen, . - dlopen\n");
#endif

/* dlerror() must have something to say: a library is looked for where none can be. */
__attribute__((used)) bool dlopen_is_refused(const char *path, int flags)
{
	struct call call;

	if (!ARMED(dlopen))
		return false;
	CALL_BEGIN(call, dlopen, HIT_PATH_AT(AT_FDCWD, path, flags), GIVE_NO_BYTES);
	if (call_enter(&call))
		return false;
	real_dlopen("/dev/null/refused by a rule", RTLD_NOW);
	call_leave(&call);
	return true;
}
