/* act.c - what a term does. One row an action: does it set the result, when may it act, how; see
 * act_impl.h. */
#include "failpoint/act_impl.h"

enum { AT_ENTER = 1, AT_EXIT = 2, ALWAYS = 3 };
enum { MOVED_MAX = 0x7ffff000 }; /* what the kernel moves at most in one call */
enum { PAUSE_DEFAULT_NS_PER_S = 1000000000, PAUSE_DEFAULT_S = 60 };

/* ---- Results ---- */

void act_fail(struct hit *hit, int error)
{
	hit->err = error;
	hit->ret = -1;
	if (act_is_call(hit) && call_table[hit->site].fails == FAILS_ERRNUM)
		hit->ret = error;
	if (act_is_call(hit) && (call_table[hit->site].fails == FAILS_NULL ||
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
	[ACTION_ERROR] = {act_can_fail, do_error, true, AT_ENTER},
	[ACTION_ERROR_AFTER] = {act_can_fail_after, do_error_after, true, ALWAYS},
	[ACTION_LIE] = {act_can_lie, do_lie, true, AT_ENTER},
	[ACTION_RETURN] = {act_can_return, do_return, true, ALWAYS},
	[ACTION_SHORT] = {act_can_shorten, do_short, true, AT_ENTER},
	[ACTION_TORN] = {act_can_tear, do_torn, true, AT_ENTER},
	[ACTION_CORRUPT] = {act_can_corrupt, do_corrupt, true, AT_ENTER},
	[ACTION_QUOTA] = {account_fills, do_quota, true, AT_ENTER},
	[ACTION_DELAY] = {act_can_always, do_delay, false, ALWAYS},
	[ACTION_RATE] = {account_owes, do_rate, false, AT_ENTER},
	[ACTION_PAUSE] = {act_can_always, do_pause, false, ALWAYS},
	[ACTION_REFUSE] = {act_can_refuse, do_refuse, true, AT_ENTER},
	[ACTION_RESET] = {act_can_reset, do_reset, true, AT_ENTER},
	[ACTION_CUT] = {account_cuts, do_reset, true, AT_ENTER},
	[ACTION_DROP] = {act_can_drop, do_drop, true, AT_ENTER},
	[ACTION_KILL] = {act_can_always, act_do_kill, false, ALWAYS},
	[ACTION_ABORT] = {act_can_always, act_do_abort, false, ALWAYS},
	[ACTION_EXIT] = {act_can_always, act_do_exit, false, ALWAYS},
	[ACTION_PRINT] = {act_can_always, do_print, false, ALWAYS},
};

/* A rule about a class is meant for those of its calls that can fail so. */
static bool errno_fits(const struct meeting *meeting, const struct rule_action *action)
{
	if (action->kind != ACTION_ERROR && action->kind != ACTION_ERROR_AFTER)
		return true;
	return !act_is_call(meeting->hit) || action->flags & ACTION_FORCED ||
	       calls_errno_is_legal(meeting->hit->site, (int)action->number);
}

/* The kernel never moves a part of a datagram and keeps the rest. */
static bool keeps_datagrams(const struct meeting *meeting, const struct rule_action *action)
{
	const struct subject *subject;

	if (action->kind != ACTION_SHORT || action->flags & ACTION_FORCED ||
	    !act_is_call(meeting->hit) ||
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
