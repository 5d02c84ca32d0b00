/* init.c - the interposer comes to life: by its constructor, or by a call that was earlier. */
#include "preload/call.h"

#include "preload/custom_syscall.h"
#include "preload/deep.h"
#include "preload/process.h"
#include "preload/subject.h"

bool preload_begun;

/* Idempotent: two threads, or a call within, may do it twice to the same end. Before libc knows its
 * environment the engine cannot begin; then the next call tries again. */
void preload_begin(void)
{
	engine_init(&subject_ops);
	__atomic_store_n(&preload_begun, environ != NULL, __ATOMIC_RELEASE);
}

__attribute__((constructor(101))) static void preload_start(void)
{
	real_find_all();
	process_remember();
	syscall_begin();
	preload_begin();
	deep_start();
}
