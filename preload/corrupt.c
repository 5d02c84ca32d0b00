/*
 * corrupt.c - bytes that are wrong on their way. Which ones the engine says (engine_flips).
 *
 * What is written belongs to the caller and stays as it is: the vector is spliced, so that the wrong
 * bytes come from our stack and all others from the caller. What was read lies in memory that the
 * caller gave to be written to, and is made wrong there.
 */
#include "preload/corrupt.h"

#include "preload/custom_io.h"
#include "preload/raw.h"

static bool gives_bytes(const struct call *call)
{
	return call_table[call->hit.site].classes & (CLASS_WRITE | CLASS_SEND);
}

bool corrupts_before(const struct call *call)
{
	return call->hit.corrupt_bits && gives_bytes(call);
}

/* ---- Written ---- */

struct splice {
	struct iovec *out;
	size_t used;
	uint8_t *wrong; /* one byte each */
	const struct hit_flip *flip, *end;
};

static void add(struct splice *s, void *base, size_t length)
{
	if (length)
		s->out[s->used++] = (struct iovec){base, length};
}

/* The piece that begins at byte "at" of the whole. A byte that can't be read is the kernel's to
 * refuse. */
static void add_piece(struct splice *s, uint8_t *base, size_t length, uint64_t at)
{
	size_t done = 0;

	for (; s->flip < s->end && s->flip->at < at + length; s->flip++) {
		size_t here = (size_t)(s->flip->at - at);

		if (!raw_readable(base + here))
			continue;
		*s->wrong = base[here] ^ s->flip->mask;
		add(s, base + done, here - done);
		add(s, s->wrong++, 1);
		done = here + 1;
	}
	add(s, base + done, length - done);
}

size_t corrupt_vector(const struct call *call, struct iovec *out, uint8_t wrong[HIT_FLIP_MAX],
		      const struct iovec *iov, size_t count, uint64_t bytes)
{
	struct hit_flip flips[HIT_FLIP_MAX];
	struct splice s = {.out = out, .wrong = wrong, .flip = flips};
	uint64_t at = 0;

	s.end = flips + engine_flips(&call->hit, bytes, flips);
	for (size_t i = 0; i < count; i++) {
		if (s.used + (count - i) + 2 * (size_t)(s.end - s.flip) > CORRUPT_IOV_MAX)
			s.end = s.flip; /* more pieces than the kernel takes */
		add_piece(&s, iov[i].iov_base, iov[i].iov_len, at);
		at += iov[i].iov_len;
	}
	return s.used;
}

int64_t corrupt_and_call(struct call *call)
{
	struct hit *hit = &call->hit;
	struct iovec whole = {hit->data, hit->len}, out[CORRUPT_PIECES];
	uint8_t wrong[HIT_FLIP_MAX];
	struct msghdr message = {.msg_iov = out};
	size_t count = corrupt_vector(call, out, wrong, &whole, 1, hit->len);

	switch (hit->site) {
	case CALL_write:
		return real_writev(hit->fd, out, (int)count);
	case CALL_pwrite:
		return real_pwritev(hit->fd, out, (int)count, hit->offset);
	default: /* send, sendto */
		message.msg_iovlen = count;
		message.msg_name = (void *)(uintptr_t)hit->address;
		message.msg_namelen = hit->address_length;
		return real_sendmsg(hit->fd, &message, (int)hit->flags);
	}
}

/* ---- Read ---- */

static void flip_in(const struct iovec *iov, size_t count, const struct hit_flip *flip,
		    const struct hit_flip *end)
{
	uint64_t at = 0;

	for (size_t i = 0; i < count; i++) {
		uint8_t *base = iov[i].iov_base;

		for (; flip < end && flip->at < at + iov[i].iov_len; flip++)
			base[flip->at - at] ^= flip->mask;
		at += iov[i].iov_len;
	}
}

void corrupt_after(struct call *call)
{
	struct hit *hit = &call->hit;
	struct iovec whole = {hit->data, (size_t)call->moved};
	struct hit_flip flips[HIT_FLIP_MAX];
	unsigned count;

	if (gives_bytes(call) || call->moved <= 0)
		return;
	count = engine_flips(hit, (uint64_t)call->moved, flips);
	if (hit->data)
		flip_in(&whole, 1, flips, flips + count);
	else
		flip_in(hit->iov, hit->iovs, flips, flips + count);
}
