/*
 * act.c - what a term does. One row an action: does it set the result, when may it act, how.
 *
 * A result is only made up where the real call could have come that far: an fd that is closed gets
 * its EBADF from the kernel. Events of what kills or blocks are written first.
 */
#include <sys/socket.h>

#include "failpoint/core.h"

enum { AT_ENTER = 1, AT_EXIT = 2, ALWAYS = 3 };
enum { MOVED_MAX = 0x7ffff000 }; /* what the kernel moves at most in one call */
enum { PAUSE_DEFAULT_NS_PER_S = 1000000000, PAUSE_DEFAULT_S = 60 };

static bool is_call(const struct hit *hit)
{
	return hit->site < CALL_COUNT;
}

static bool fd_is_good(const struct hit *hit)
{
	uint8_t subject = call_table[hit->site].subject;

	if (subject == SUBJECT_MAPPING && hit->fd < 0)
		return true;
	return (subject != SUBJECT_FD && subject != SUBJECT_MAPPING) || whose_fd_is_open(hit->fd);
}

/* ---- Does it apply? ---- */

static bool can_fail(const struct meeting *meeting, const struct rule_action *action)
{
	(void)action;
	const struct hit *hit = meeting->hit;

	if (!is_call(hit))
		return hit->can_return_value;
	return call_table[hit->site].fails != FAILS_NEVER &&
	       (meeting->phase == PHASE_EXIT || fd_is_good(hit));
}

static bool can_fail_after(const struct meeting *meeting, const struct rule_action *action)
{
	return is_call(meeting->hit) && can_fail(meeting, action);
}

static bool can_return(const struct meeting *meeting, const struct rule_action *action)
{
	(void)action;
	return is_call(meeting->hit) || meeting->hit->can_return_value;
}

/* An answer, a new fd or a process can't be made up; exec's success is never seen. */
static bool can_lie(const struct meeting *meeting, const struct rule_action *action)
{
	(void)action;
	const struct hit *hit = meeting->hit;

	if (!is_call(hit) || call_table[hit->site].makes ||
	    (meeting->phase != PHASE_EXIT && !fd_is_good(hit)))
		return false;
	return hit->site != CALL_fcntl || (hit->flags != F_DUPFD && hit->flags != F_DUPFD_CLOEXEC);
}

static bool can_shorten(const struct meeting *meeting, const struct rule_action *action)
{
	(void)action;
	const struct hit *hit = meeting->hit;

	if (hit->len < 2)
		return false;
	return is_call(hit) ? call_table[hit->site].amount && fd_is_good(hit)
			    : !hit->can_return_value;
}

static bool can_refuse(const struct meeting *meeting, const struct rule_action *action)
{
	return can_fail_after(meeting, action) && call_table[meeting->hit->site].network;
}

static bool can_reset(const struct meeting *meeting, const struct rule_action *action)
{
	return can_refuse(meeting, action) && core.ops && core.ops->reset;
}

static bool gives_bytes(const struct hit *hit)
{
	return is_call(hit) && call_table[hit->site].amount &&
	       (call_table[hit->site].classes & (CLASS_WRITE | CLASS_SEND)) && fd_is_good(hit);
}

static bool can_tear(const struct meeting *meeting, const struct rule_action *action)
{
	return gives_bytes(meeting->hit) && (uint64_t)action->number < meeting->hit->len;
}

static bool can_corrupt(const struct meeting *meeting, const struct rule_action *action)
{
	(void)action;
	const struct hit *hit = meeting->hit;

	return hit->len && (hit->data || hit->iov) && (!is_call(hit) || fd_is_good(hit));
}

/* Datagrams only: a stream has no part that could be missing. Looking does not take one away. */
static bool can_drop(const struct meeting *meeting, const struct rule_action *action)
{
	(void)action;
	const struct hit *hit = meeting->hit;
	const struct subject *subject = match_subject(meeting->hit);

	if (subject && !core.ops->verify(meeting->hit))
		subject = match_subject(meeting->hit);
	return is_call(hit) && call_table[hit->site].amount && subject &&
	       subject->sock == SOCK_UDP && !(hit->flags & (MSG_PEEK | MSG_ERRQUEUE)) &&
	       fd_is_good(hit);
}

static bool can_always(const struct meeting *meeting, const struct rule_action *action)
{
	(void)meeting;
	(void)action;
	return true;
}

/* ---- Results ---- */

void act_fail(struct hit *hit, int error)
{
	hit->err = error;
	hit->ret = -1;
	if (is_call(hit) && call_table[hit->site].fails == FAILS_ERRNUM)
		hit->ret = error;
	if (is_call(hit) && (call_table[hit->site].fails == FAILS_NULL ||
			     call_table[hit->site].fails == FAILS_ZERO))
		hit->ret = 0;
}

static void fire(struct meeting *meeting, const struct firing *firing,
		 const struct rule_action *action)
{
	event_write(meeting->hit, firing, EVENT_FIRE, action, NULL);
}

static bool fail_now(struct meeting *meeting, const struct firing *firing,
		     const struct rule_action *action, int error)
{
	act_fail(meeting->hit, error);
	meeting->hit->after[0] |= AFTER_DONE | AFTER_RESULT;
	fire(meeting, firing, action);
	return true;
}

static bool do_error(struct meeting *meeting, const struct firing *firing,
		     const struct rule_action *action)
{
	return fail_now(meeting, firing, action, (int)action->number);
}

/* At the entrance it is only noted: engine_leave() does it. */
static bool do_error_after(struct meeting *meeting, const struct firing *firing,
			   const struct rule_action *action)
{
	struct hit *hit = meeting->hit;

	hit->after[0] |= AFTER_RESULT;
	if (meeting->phase == PHASE_EXIT) {
		act_fail(hit, (int)action->number);
	} else {
		hit->after[0] |= AFTER_ERROR;
		hit->after[1] = (uint32_t)action->number;
	}
	fire(meeting, firing, action);
	return true;
}

static bool do_return(struct meeting *meeting, const struct firing *firing,
		      const struct rule_action *action)
{
	struct hit *hit = meeting->hit;

	hit->ret = action->number;
	hit->err = 0;
	hit->after[0] |= AFTER_RESULT | (meeting->phase == PHASE_ENTER ? AFTER_DONE : 0);
	fire(meeting, firing, action);
	return true;
}

static bool do_lie(struct meeting *meeting, const struct firing *firing,
		   const struct rule_action *action)
{
	struct hit *hit = meeting->hit;

	hit->ret = 0;
	if (call_table[hit->site].amount)
		hit->ret = hit->len < MOVED_MAX ? (int64_t)hit->len : MOVED_MAX;
	hit->err = 0;
	hit->after[0] |= AFTER_DONE | AFTER_RESULT;
	fire(meeting, firing, action);
	return true;
}

/* At least one byte, and at least one byte less than was asked for. */
static bool do_short(struct meeting *meeting, const struct firing *firing,
		     const struct rule_action *action)
{
	struct hit *hit = meeting->hit;
	uint64_t length = (uint64_t)action->number;

	if (action->flags & ACTION_PERCENT)
		length = (uint64_t)((unsigned __int128)hit->len * length / CHANCE_ALWAYS);
	if (length > hit->len - 1)
		length = hit->len - 1;
	hit->len = length ? length : 1;
	hit->after[0] |= AFTER_RESULT;
	fire(meeting, firing, action);
	return true;
}

static bool do_refuse(struct meeting *meeting, const struct firing *firing,
		      const struct rule_action *action)
{
	return fail_now(meeting, firing, action,
			meeting->hit->site == CALL_connect ? ECONNREFUSED : ECONNRESET);
}

static bool do_reset(struct meeting *meeting, const struct firing *firing,
		     const struct rule_action *action)
{
	fail_now(meeting, firing, action, ECONNRESET);
	core.ops->reset(meeting->hit->fd);
	return true;
}

/* ---- Bytes ---- */

/* The call persists the first bytes, and walk_exit() reports all. */
static bool do_torn(struct meeting *meeting, const struct firing *firing,
		    const struct rule_action *action)
{
	struct hit *hit = meeting->hit;

	hit->after_number = (int64_t)hit->len;
	hit->len = (uint64_t)action->number;
	hit->after[0] |= AFTER_RESULT | AFTER_TORN;
	fire(meeting, firing, action);
	return true;
}

/* Where there is no offset, on a socket, each match is wrong in its own way. */
static bool do_corrupt(struct meeting *meeting, const struct firing *firing,
		       const struct rule_action *action)
{
	struct hit *hit = meeting->hit;
	const struct subject *subject = match_subject(hit);
	int64_t offset = hit->offset < 0 && hit->fd >= 0 ? whose_tell(hit->fd) : hit->offset;
	uint64_t key = raw_mix(core.head->seed, firing->hash);

	if (subject && subject->path)
		key = raw_mix(key, raw_hash(subject->path, raw_length(subject->path)));
	hit->corrupt_key = raw_mix(key, offset >= 0 ? (uint64_t)offset : ~firing->ordinal);
	hit->corrupt_bits = (uint32_t)action->number;
	hit->after[0] |= AFTER_RESULT;
	fire(meeting, firing, action);
	return true;
}

static bool do_quota(struct meeting *meeting, const struct firing *firing,
		     const struct rule_action *action)
{
	struct hit *hit = meeting->hit;
	uint64_t fits = account_reserved(hit);

	if (!fits)
		return fail_now(meeting, firing, action, ENOSPC);
	hit->len = fits;
	hit->after[0] |= AFTER_RESULT;
	fire(meeting, firing, action);
	return true;
}

/* What was sent is only said to be; what is received is thrown away by the interposer. */
static bool do_drop(struct meeting *meeting, const struct firing *firing,
		    const struct rule_action *action)
{
	struct hit *hit = meeting->hit;

	if (call_table[hit->site].classes & (CLASS_WRITE | CLASS_SEND))
		return do_lie(meeting, firing, action);
	hit->drop = true;
	hit->after[0] |= AFTER_RESULT;
	fire(meeting, firing, action);
	return true;
}

/* ---- Time ---- */

static bool rest(struct meeting *meeting, const struct firing *firing,
		 const struct rule_action *action, int64_t duration_ns, bool pause)
{
	bool live;

	event_write(meeting->hit, firing, EVENT_BEGIN, action, NULL);
	live = cell_sleep(meeting, duration_ns, pause);
	event_write(meeting->hit, firing, EVENT_END, action, NULL);
	return live;
}

static bool do_delay(struct meeting *meeting, const struct firing *firing,
		     const struct rule_action *action)
{
	uint64_t jitter = action->extra > 0 ? (uint64_t)action->extra : 0;
	uint64_t delay = action->number > 0 ? (uint64_t)action->number : 0;

	if (jitter)
		delay += trigger_roll(firing, RULE_TERM_MAX) % (jitter + 1);
	return rest(meeting, firing, action, delay <= INT64_MAX ? (int64_t)delay : INT64_MAX,
		    false);
}

/* A call waits until the bytes before it have had their time. */
static bool do_rate(struct meeting *meeting, const struct firing *firing,
		    const struct rule_action *action)
{
	return rest(meeting, firing, action, account_debt(meeting->hit), false);
}

static bool do_pause(struct meeting *meeting, const struct firing *firing,
		     const struct rule_action *action)
{
	int64_t limit = action->number;

	if (limit <= 0)
		limit = (int64_t)PAUSE_DEFAULT_S * PAUSE_DEFAULT_NS_PER_S;
	return rest(meeting, firing, action, limit, true);
}

/* ---- The process ---- */

/* Only where the process that ends is another's (whose.h) does it come so far. */
static bool is_over(struct meeting *meeting)
{
	walk_wakes();
	act_fail(meeting->hit, EINTR);
	meeting->hit->after[0] |= AFTER_DONE | AFTER_RESULT;
	return false;
}

/* Who may not come back counts as outside: in a vfork child this thread is the parent's, which goes
 * on without us; and a handler of the signal is judged as during a sleep. */
static void begin_end(struct meeting *meeting, const struct firing *firing,
		      const struct rule_action *action)
{
	event_write(meeting->hit, firing, EVENT_BEGIN, action, NULL);
	walk_sleeps(NULL);
}

static bool is_of_node(const struct plane_slot *slot)
{
	uint64_t state = atomic_load(&slot->state) & 0xff;

	return (state == SLOT_LIVE || state == SLOT_EXECING) && slot != core.slot &&
	       slot->node == core.node && slot->pidns_inode == core.slot->pidns_inode;
}

/* Twice, for a child that was made meanwhile. A number that was given to somebody else is not
 * killed; a process in another pid namespace has no number here. */
static void kill_node(void)
{
	for (int round = 0; round < 2 && core.node; round++) {
		for (unsigned i = 0; i < SLOT_MAX; i++) {
			const struct plane_slot *slot = &core.slots[i];
			struct identity owner = {slot->pid, 0, slot->start_ticks,
						 slot->pidns_inode};

			if (atomic_load(&slot->state) == 0)
				break;
			if (is_of_node(slot) && owner.pid && identity_may_live(&owner))
				raw_kill(owner.pid, SIGKILL);
		}
	}
}

static bool do_kill(struct meeting *meeting, const struct firing *firing,
		    const struct rule_action *action)
{
	int signal = action->number > 0 ? (int)action->number : SIGKILL;

	begin_end(meeting, firing, action);
	if (action->flags & ACTION_NODE)
		kill_node();
	if (signal == SIGKILL) {
		whose_kill();
		return is_over(meeting);
	}
	whose_signal(signal);
	walk_wakes();
	return true;
}

static bool do_abort(struct meeting *meeting, const struct firing *firing,
		     const struct rule_action *action)
{
	begin_end(meeting, firing, action);
	whose_abort();
	return is_over(meeting);
}

static bool do_exit(struct meeting *meeting, const struct firing *firing,
		    const struct rule_action *action)
{
	begin_end(meeting, firing, action);
	raw_syscall(SYS_exit_group, (int)action->number, 0, 0, 0, 0, 0);
	return true;
}

static bool do_print(struct meeting *meeting, const struct firing *firing,
		     const struct rule_action *action)
{
	const char *text = match_text(&meeting->entry->rule, action->text);

	event_write(meeting->hit, firing, EVENT_PRINT, action, text);
	if (!core.plane_path[0])
		attach_say(firing->name, text); /* a private plane has no watcher */
	return true;
}

/* ---- The table ---- */

static const struct {
	bool (*applies)(const struct meeting *, const struct rule_action *);
	bool (*act)(struct meeting *, const struct firing *, const struct rule_action *);
	bool sets_result;
	uint8_t when;
} actions[ACTION_COUNT] = {
	[ACTION_ERROR] = {can_fail, do_error, true, AT_ENTER},
	[ACTION_ERROR_AFTER] = {can_fail_after, do_error_after, true, ALWAYS},
	[ACTION_LIE] = {can_lie, do_lie, true, AT_ENTER},
	[ACTION_RETURN] = {can_return, do_return, true, ALWAYS},
	[ACTION_SHORT] = {can_shorten, do_short, true, AT_ENTER},
	[ACTION_TORN] = {can_tear, do_torn, true, AT_ENTER},
	[ACTION_CORRUPT] = {can_corrupt, do_corrupt, true, AT_ENTER},
	[ACTION_QUOTA] = {account_fills, do_quota, true, AT_ENTER},
	[ACTION_DELAY] = {can_always, do_delay, false, ALWAYS},
	[ACTION_RATE] = {account_owes, do_rate, false, AT_ENTER},
	[ACTION_PAUSE] = {can_always, do_pause, false, ALWAYS},
	[ACTION_REFUSE] = {can_refuse, do_refuse, true, AT_ENTER},
	[ACTION_RESET] = {can_reset, do_reset, true, AT_ENTER},
	[ACTION_CUT] = {account_cuts, do_reset, true, AT_ENTER},
	[ACTION_DROP] = {can_drop, do_drop, true, AT_ENTER},
	[ACTION_KILL] = {can_always, do_kill, false, ALWAYS},
	[ACTION_ABORT] = {can_always, do_abort, false, ALWAYS},
	[ACTION_EXIT] = {can_always, do_exit, false, ALWAYS},
	[ACTION_PRINT] = {can_always, do_print, false, ALWAYS},
};

/* A rule about a class is meant for those of its calls that can fail so. */
static bool errno_fits(const struct meeting *meeting, const struct rule_action *action)
{
	if (action->kind != ACTION_ERROR && action->kind != ACTION_ERROR_AFTER)
		return true;
	return !is_call(meeting->hit) || action->flags & ACTION_FORCED ||
	       calls_errno_is_legal(meeting->hit->site, (int)action->number);
}

/* The kernel never moves a part of a datagram and keeps the rest. */
static bool keeps_datagrams(const struct meeting *meeting, const struct rule_action *action)
{
	const struct subject *subject;

	if (action->kind != ACTION_SHORT || action->flags & ACTION_FORCED ||
	    !is_call(meeting->hit) ||
	    !(call_table[meeting->hit->site].classes & (CLASS_SEND | CLASS_RECV)))
		return true;
	subject = match_subject(meeting->hit);
	return !subject || !subject->datagram;
}

bool act_applies(const struct meeting *meeting, const struct rule_action *action, bool *suppressed)
{
	unsigned when = meeting->phase == PHASE_EXIT ? AT_EXIT : AT_ENTER;
	uint8_t kind = action->kind;

	if (kind >= ACTION_COUNT || !actions[kind].act || !(actions[kind].when & when) ||
	    !errno_fits(meeting, action) || !keeps_datagrams(meeting, action))
		return false;
	if (core.ops && core.ops->able && !core.ops->able(meeting->hit, kind))
		return false;
	if (!actions[kind].applies(meeting, action))
		return false;
	*suppressed = actions[kind].sets_result && (meeting->hit->after[0] & AFTER_RESULT);
	return !*suppressed;
}

void act_fire(struct meeting *meeting, struct firing *firing)
{
	for (unsigned a = 0; a < firing->actions; a++)
		if (!actions[firing->action[a].kind].act(meeting, firing, &firing->action[a]))
			return;
}
