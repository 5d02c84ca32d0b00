/*
 * custom_aio.c - the kernel's asynchronous I/O, by libaio: its calls return the errno, negative.
 *
 * io_submit() is judged block by block, as the kernel takes them: what is before the block that fails
 * is submitted and counted, and that one's errno comes back when it is the first. So each block has a
 * file, and is a read, a write or a sync.
 *
 * What was judged is asked of the kernel: libaio would ask syscall(), which is ours and judges again.
 */
#include <linux/aio_abi.h>

#include "preload/aio.h"
#include "preload/pass.h"
#include "preload/raw.h"

int kernel_io_setup(int count, void **context)
{
	return (int)raw(SYS_io_setup, count, context);
}

int kernel_io_submit(void *context, long count, void **blocks)
{
	return (int)raw(SYS_io_submit, context, count, blocks);
}

int kernel_io_getevents(void *context, long least, long most, void *events, struct timespec *limit)
{
	return (int)raw(SYS_io_getevents, context, least, most, events, limit);
}

static void note_answer(struct call *call, int ret)
{
	if (ret < 0)
		errno = -ret;
	call_result(call, ret < 0 ? -1 : ret);
}

static int answer(struct call *call, int errno_before)
{
	int ret = (int)call_leave(call);

	errno = errno_before;
	return call->hit.err ? -call->hit.err : ret;
}

#define RETURNS_ERROR(name, params, args)                                  \
	static __attribute__((noinline)) int armed_##name params           \
	{                                                                  \
		int before = errno;                                        \
		struct call call;                                          \
                                                                           \
		CALL_BEGIN(call, name, HIT_NOTHING, GIVE_NO_BYTES);        \
		if (call_enter(&call))                                     \
			note_answer(&call, kernel_##name args);            \
		return answer(&call, before);                              \
	}                                                                  \
	int name params                                                    \
	{                                                                  \
		return ARMED(name) ? armed_##name args : real_##name args; \
	}

RETURNS_ERROR(io_setup, (int count, void **context), (count, context))
RETURNS_ERROR(io_getevents,
	      (void *context, long least, long most, void *events, struct timespec *limit),
	      (context, least, most, events, limit))

/* ---- Submitting ---- */

static const uint32_t classes[] = {
	[IOCB_CMD_PREAD] = CLASS_READ,  [IOCB_CMD_PWRITE] = CLASS_WRITE,
	[IOCB_CMD_FSYNC] = CLASS_SYNC,  [IOCB_CMD_FDSYNC] = CLASS_SYNC,
	[IOCB_CMD_PREADV] = CLASS_READ, [IOCB_CMD_PWRITEV] = CLASS_WRITE,
};

static uint32_t class_of(const struct iocb *block)
{
	unsigned operation = block->aio_lio_opcode;
	uint32_t class = operation < sizeof(classes) / sizeof(classes[0]) ? classes[operation] : 0;

	return class ? class : HIT_NO_CLASS;
}

/* With no rule about the call any more, what is left goes at once, as it came. */
static int submit_judged(void *context, long count, void **blocks)
{
	const struct iocb *block = blocks[0];
	int before = errno;
	struct call call;

	CALL_BEGIN(call, io_submit, HIT_FD((int)block->aio_fildes), GIVE_NO_BYTES,
		   .classes = class_of(block));
	if (call_enter(&call))
		note_answer(&call, kernel_io_submit(context, ARMED(io_submit) ? 1 : count, blocks));
	return answer(&call, before);
}

/* What can't be read is the kernel's to refuse. */
static int submit_next(void *context, long count, void **blocks)
{
	if (!raw_readable(blocks) || !raw_bytes_readable(blocks[0], sizeof(struct iocb)))
		return kernel_io_submit(context, count, blocks);
	return submit_judged(context, count, blocks);
}

static __attribute__((noinline)) int armed_io_submit(void *context, long count, void **blocks)
{
	long done = 0;

	if (count <= 0)
		return kernel_io_submit(context, count, blocks);
	while (done < count) {
		int ret = submit_next(context, count - done, blocks + done);

		if (ret <= 0)
			return done ? (int)done : ret;
		done += ret;
	}
	return (int)done;
}

int io_submit(void *context, long count, void **blocks)
{
	return ARMED(io_submit) ? armed_io_submit(context, count, blocks)
				: real_io_submit(context, count, blocks);
}
