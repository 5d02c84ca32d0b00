/* match_holds.c - one function for each key of a clause: does this value hold for this hit? See
 * match_impl.h. What the plane says about sizes is clamped. */
#include "failpoint/match_impl.h"
#include "failpoint/pattern.h"
#include "failpoint/regex.h"
#include "failpoint/stack.h"

enum { DATA_MAX = 4096 }; /* two pages at most: both ends are looked at */

/* ---- Facts ---- */

/* The pool's last byte ends every text in it, unless the pool is full or broken. */
const char *match_text(const struct rule *rule, uint32_t offset)
{
	if (offset < RULE_POOL_BYTES && !rule->pool[RULE_POOL_BYTES - 1])
		return rule->pool + offset;
	for (uint32_t i = offset; i < RULE_POOL_BYTES; i++)
		if (!rule->pool[i])
			return rule->pool + offset;
	return "";
}

const struct subject *match_subject(struct hit *hit)
{
	if (!hit->subject && core.ops && core.ops->resolve)
		hit->subject = core.ops->resolve(hit);
	return hit->subject;
}

static bool number_is(const struct rule_value *value, uint64_t number)
{
	if (value->kind == VALUE_RANGE)
		return number >= value->number && number <= value->other;
	return value->kind == VALUE_NUMBER && number == value->number;
}

static bool text_is(const struct rule *rule, const struct rule_value *value, const char *text,
		    bool (*glob)(const char *, const char *))
{
	if (value->kind == VALUE_REGEX)
		return value->other < RULE_POOL_BYTES &&
		       regex_match(rule->pool + value->other, RULE_POOL_BYTES - value->other, text,
				   raw_length(text));
	return glob(match_text(rule, value->text), text);
}

static bool compares(uint8_t op, uint64_t a, uint64_t b)
{
	switch (op) {
	case OP_LT:
		return a < b;
	case OP_LE:
		return a <= b;
	case OP_GT:
		return a > b;
	case OP_GE:
		return a >= b;
	default:
		return a == b;
	}
}

/* ---- One function a key: does this value hold? Negation is the caller's. ---- */

static bool path_holds(const struct question *q)
{
	const struct subject *subject = match_subject(q->hit);

	return subject &&
	       ((subject->path && text_is(q->rule, q->value, subject->path, pattern_path)) ||
		(subject->path2 && text_is(q->rule, q->value, subject->path2, pattern_path)));
}

static bool from_holds(const struct question *q)
{
	const struct subject *subject = match_subject(q->hit);

	return subject && subject->path && text_is(q->rule, q->value, subject->path, pattern_path);
}

static bool to_holds(const struct question *q)
{
	const struct subject *subject = match_subject(q->hit);

	return subject && subject->path2 &&
	       text_is(q->rule, q->value, subject->path2, pattern_path);
}

static bool file_holds(const struct question *q)
{
	const struct subject *subject = match_subject(q->hit);

	return subject && number_is(q->value, subject->file);
}

static bool sock_holds(const struct question *q)
{
	const struct subject *subject = match_subject(q->hit);

	return subject && number_is(q->value, subject->sock);
}

static bool fd_holds(const struct question *q)
{
	return q->hit->fd >= 0 && number_is(q->value, (uint64_t)q->hit->fd);
}

/* The peer's port or our own: a server means its own, a client the server's. */
static bool port_holds(const struct question *q)
{
	const struct subject *subject = match_subject(q->hit);

	return subject && subject->sock != SOCK_NONE &&
	       (number_is(q->value, subject->peer_port) ||
		number_is(q->value, subject->local_port));
}

/* Host order; 0 when it is no IPv4 address. */
static uint32_t address_v4(const uint8_t address[16])
{
	for (int i = 0; i < 12; i++)
		if (address[i] != (i < 10 ? 0 : 0xff))
			return 0;
	return (uint32_t)address[12] << 24 | (uint32_t)address[13] << 16 |
	       (uint32_t)address[14] << 8 | address[15];
}

/* Does the address belong to a node that the glob names? */
static bool node_has_address(const char *glob, uint32_t address)
{
	char name[NODE_NAME_MAX];

	for (unsigned i = 0; address && i < NODE_MAX; i++) {
		const struct plane_node *node = &core.nodes[i];

		if (!atomic_load_explicit(&node->used, memory_order_acquire))
			return false;
		if (node->address != address)
			continue;
		raw_copy(name, sizeof(name), node->name, sizeof(node->name));
		if (pattern_name(glob, name))
			return true;
	}
	return false;
}

static bool peer_holds(const struct question *q)
{
	const struct subject *subject = match_subject(q->hit);
	const struct rule_value *value = q->value;

	if (!subject || subject->sock == SOCK_NONE)
		return false;
	if (value->kind == VALUE_IPV4)
		return address_v4(subject->peer) == (uint32_t)value->number;
	if (value->kind == VALUE_TEXT)
		return node_has_address(match_text(q->rule, value->text),
					address_v4(subject->peer));
	if (value->kind != VALUE_IPV6 || value->other > RULE_POOL_BYTES - 16)
		return false;
	for (unsigned i = 0; i < 16; i++)
		if (subject->peer[i] != (uint8_t)q->rule->pool[value->other + i])
			return false;
	return true;
}

/* A link is the way the data goes: what we receive from a peer comes over the link from it to us.
 */
static bool link_holds(const struct question *q)
{
	const struct subject *subject = match_subject(q->hit);
	const char *from, *to;
	uint32_t peer;

	if (!subject || subject->sock == SOCK_NONE || q->value->kind != VALUE_LINK)
		return false;
	peer = address_v4(subject->peer);
	from = match_text(q->rule, q->value->text);
	to = match_text(q->rule, q->value->other);
	if (q->hit->site < CALL_COUNT && (match_classes(q->hit) & CLASS_RECV))
		return pattern_name(to, core.node_name) && node_has_address(from, peer);
	return pattern_name(from, core.node_name) && node_has_address(to, peer);
}

static bool length_holds(const struct question *q)
{
	return compares(q->clause->op, q->hit->len, q->value->number);
}

static bool offset_holds(const struct question *q)
{
	int64_t offset = q->hit->offset;

	if (offset < 0 && q->hit->fd >= 0)
		offset = whose_tell(q->hit->fd);
	return offset >= 0 && compares(q->clause->op, (uint64_t)offset, q->value->number);
}

/* A piece of at most that many bytes; a pointer that is bad is the kernel's to refuse. */
static bool piece_holds(const struct question *q, const char *base, uint64_t length)
{
	if (!length || !raw_is_readable(base) || !raw_is_readable(base + length - 1))
		return false;
	return q->value->kind == VALUE_REGEX && q->value->other < RULE_POOL_BYTES &&
	       regex_match(q->rule->pool + q->value->other, RULE_POOL_BYTES - q->value->other, base,
			   length);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

bool match_reads(const struct hit *hit)
{
	return hit->site < CALL_COUNT &&
	       (call_table[hit->site].classes & (CLASS_READ | CLASS_RECV));
}

/* The first bytes that are about to be written, or were read. The pieces of a vector are looked at
 * one by one. */
static bool data_holds(const struct question *q)
{
	const struct hit *hit = q->hit;
	uint64_t left = match_reads(hit)
				? (q->phase == PHASE_EXIT && hit->ret > 0 ? (uint64_t)hit->ret : 0)
				: hit->len;

	left = least(left, DATA_MAX);
	if (hit->data)
		return piece_holds(q, hit->data, left);
	for (uint32_t i = 0; hit->iov && i < hit->iovs && left; i++) {
		uint64_t length = least(hit->iov[i].iov_len, left);

		if (piece_holds(q, hit->iov[i].iov_base, length))
			return true;
		left -= length;
	}
	return false;
}

static bool flags_hold(const struct question *q)
{
	return (q->hit->flags & q->value->number) == q->value->number;
}

static bool node_holds(const struct question *q)
{
	return text_is(q->rule, q->value, core.node_name, pattern_name);
}

static bool role_holds(const struct question *q)
{
	return text_is(q->rule, q->value, core.node_role, pattern_name);
}

static bool comm_holds(const struct question *q)
{
	return text_is(q->rule, q->value, core.comm, pattern_name);
}

static bool pid_holds(const struct question *q)
{
	return number_is(q->value, core.pid);
}

static bool thread_holds(const struct question *q)
{
	char name[16];

	whose_thread_name(name);
	return text_is(q->rule, q->value, name, pattern_name);
}

/* At the entrance nothing is known yet: what could still become true holds. */
static bool result_holds(const struct question *q)
{
	if (q->value->kind == VALUE_RET_OK)
		return q->hit->err == 0;
	if (q->value->kind == VALUE_RET_ERR)
		return q->hit->err != 0;
	return number_is(q->value, (uint64_t)q->hit->err);
}

static bool name_fits(const void *arg, const char *name)
{
	const struct question *q = arg;

	return text_is(q->rule, q->value, name, pattern_name);
}

static bool object_fits(const void *arg, const char *path)
{
	const struct question *q = arg;

	return text_is(q->rule, q->value, path, pattern_path);
}

static struct stack_pattern pattern_of(const struct question *q,
				       bool (*fits)(const void *, const char *))
{
	const char *text = match_text(q->rule, q->value->text);

	return (struct stack_pattern){
		.arg = q,
		.fits = fits,
		.key = raw_mix(raw_hash(text, raw_length(text)), q->value->kind),
	};
}

static bool stack_holds(const struct question *q)
{
	struct stack_pattern pattern = pattern_of(q, name_fits);

	return stack_has(q->hit, &pattern);
}

static bool caller_holds(const struct question *q)
{
	struct stack_pattern pattern = pattern_of(q, object_fits);

	return stack_caller_is(q->hit, &pattern);
}

/* ---- The table ---- */

const struct match_key match_keys[KEY_COUNT] = {
	[KEY_PATH] = {path_holds, COST_SUBJECT},
	[KEY_FROM] = {from_holds, COST_SUBJECT},
	[KEY_TO] = {to_holds, COST_SUBJECT},
	[KEY_FILE] = {file_holds, COST_SUBJECT},
	[KEY_FD] = {fd_holds, COST_HIT},
	[KEY_PEER] = {peer_holds, COST_SUBJECT},
	[KEY_PORT] = {port_holds, COST_SUBJECT},
	[KEY_LINK] = {link_holds, COST_SUBJECT},
	[KEY_SOCK] = {sock_holds, COST_SUBJECT},
	[KEY_LEN] = {length_holds, COST_HIT},
	[KEY_OFFSET] = {offset_holds, COST_SUBJECT},
	[KEY_FLAGS] = {flags_hold, COST_HIT},
	[KEY_DATA] = {data_holds, COST_THREAD},
	[KEY_NODE] = {node_holds, COST_PROCESS},
	[KEY_ROLE] = {role_holds, COST_PROCESS},
	[KEY_THREAD] = {thread_holds, COST_THREAD},
	[KEY_COMM] = {comm_holds, COST_PROCESS},
	[KEY_PID] = {pid_holds, COST_PROCESS},
	[KEY_STACK] = {stack_holds, COST_STACK},
	[KEY_CALLER] = {caller_holds, COST_STACK},
	[KEY_RET] = {result_holds, COST_HIT},
	[KEY_AT] = {NULL, COST_PROCESS},
};
