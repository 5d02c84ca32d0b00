/* call.c - see call.h for the model. */
#include "preload/call.h"

#include "preload/corrupt.h"
#include "preload/fd_table.h"
#include "preload/raw.h"

extern void pthread_testcancel(void) __attribute__((weak));

/* The cancellation points of glibc among the calls of the table. fcntl is one for locks only. */
static const bool cancels[CALL_COUNT] = {
	[CALL_write] = true,
	[CALL_pwrite] = true,
	[CALL_writev] = true,
	[CALL_pwritev] = true,
	[CALL_pwritev2] = true,
	[CALL_fsync] = true,
	[CALL_fdatasync] = true,
	[CALL_sync_file_range] = true,
	[CALL_msync] = true,
	[CALL_read] = true,
	[CALL_pread] = true,
	[CALL_readv] = true,
	[CALL_preadv] = true,
	[CALL_preadv2] = true,
	[CALL_recv] = true,
	[CALL_recvfrom] = true,
	[CALL_recvmsg] = true,
	[CALL_recvmmsg] = true,
	[CALL_send] = true,
	[CALL_sendto] = true,
	[CALL_sendmsg] = true,
	[CALL_sendmmsg] = true,
	[CALL_connect] = true,
	[CALL_accept] = true,
	[CALL_accept4] = true,
	[CALL_open] = true,
	[CALL_openat] = true,
	[CALL_creat] = true,
	[CALL_close] = true,
	[CALL_fallocate] = true,
	[CALL_system] = true,
	[CALL_poll] = true,
	[CALL_ppoll] = true,
	[CALL_select] = true,
	[CALL_pselect] = true,
	[CALL_epoll_wait] = true,
	[CALL_nanosleep] = true,
	[CALL_epoll_pwait] = true,
	[CALL_sleep] = true,
	[CALL_clock_nanosleep] = true,
	[CALL_usleep] = true,
	[CALL_epoll_pwait2] = true,
	[CALL_splice] = true,
	[CALL_copy_file_range] = true,
	[CALL_tee] = true,
	[CALL_vmsplice] = true,
	[CALL_sem_timedwait] = true,
	[CALL_sem_clockwait] = true,
	[CALL_pthread_cond_timedwait] = true,
	[CALL_pthread_cond_clockwait] = true,
	[CALL_pthread_timedjoin_np] = true,
	[CALL_pthread_clockjoin_np] = true,
	[CALL_mq_timedsend] = true,
	[CALL_mq_timedreceive] = true,
};

static void test_cancel(const struct call *call)
{
	if (call->cancellable && pthread_testcancel)
		pthread_testcancel();
}

/* Bytes that are only said to have moved move the file's own offset all the same. */
static void move_offset(const struct call *call)
{
	const struct hit *hit = &call->hit;

	if (call_table[hit->site].amount && hit->offset == -1 && !hit->err &&
	    hit->site != CALL_copy_file_range && hit->site != CALL_splice)
		raw(SYS_lseek, hit->fd, hit->ret - call->moved, SEEK_CUR);
}

bool call_enter(struct call *call)
{
	call->errno_before = errno;
	call->failed = false;
	call->moved = -1;
	call->cancellable = cancels[call->hit.site] && !(deep_on && deep_trapped());
	if (!preload_begun)
		preload_begin();
	call->outside = !engine_inside();
	if (!call->outside)
		return true;
	/* Before the engine: a rule is not spent on who is cancelled anyway. */
	test_cancel(call);
	if (engine_enter(&call->hit) == HIT_CALL) {
		if (deep_on)
			deep_call_begin(call->hit.site, &call->mark);
		return true;
	}
	test_cancel(call);
	call->moved = 0;
	return false;
}

void call_result(struct call *call, int64_t ret)
{
	struct hit *hit = &call->hit;

	if (deep_on && call->outside)
		deep_mark_end(&call->mark);
	hit->ret = ret;
	hit->err = 0;
	switch (call_table[hit->site].fails) {
	case FAILS_MINUS1:
		if (ret == -1)
			hit->err = errno;
		break;
	case FAILS_ERRNUM:
		hit->err = (int)ret;
		break;
	case FAILS_ZERO:
	case FAILS_NULL:
		if (!ret)
			hit->err = errno;
		break;
	}
	call->failed = hit->err != 0;
	call->moved = call->failed ? 0 : ret;
}

int64_t call_leave(struct call *call)
{
	struct hit *hit = &call->hit;
	int fails = call_table[hit->site].fails;

	if (hit->corrupt_bits)
		corrupt_after(call);
	if (call->outside)
		engine_leave(hit);
	if (call->moved >= 0 && hit->ret > call->moved)
		move_offset(call);
	if (fails == FAILS_ERRNUM)
		return hit->err ? hit->err : hit->ret;
	if (hit->err) {
		errno = hit->err;
		return fails == FAILS_NULL || fails == FAILS_ZERO ? 0 : -1;
	}
	if (call->failed)
		errno = call->errno_before;
	return hit->ret;
}

int64_t call_leave_fd(struct call *call)
{
	int64_t made = call->hit.err ? -1 : call->hit.ret;
	int64_t ret = call_leave(call);

	if (made >= 0) {
		fd_table_forget((int)made);
		if (ret < 0)
			raw(SYS_close, made);
	}
	return ret;
}
