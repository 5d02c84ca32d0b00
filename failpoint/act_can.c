/* act_can.c - could this action do anything to this hit, at this moment? See act_impl.h. */
#include <sys/socket.h>

#include "failpoint/act_impl.h"

bool act_can_fail(const struct meeting *meeting, const struct rule_action *action)
{
	(void)action;
	const struct hit *hit = meeting->hit;

	if (!act_is_call(hit))
		return hit->can_return_value;
	return call_table[hit->site].fails != FAILS_NEVER &&
	       (meeting->phase == PHASE_EXIT || act_fd_is_good(hit));
}

bool act_can_fail_after(const struct meeting *meeting, const struct rule_action *action)
{
	return act_is_call(meeting->hit) && act_can_fail(meeting, action);
}

bool act_can_return(const struct meeting *meeting, const struct rule_action *action)
{
	(void)action;
	return act_is_call(meeting->hit) || meeting->hit->can_return_value;
}

/* An answer, a new fd or a process can't be made up; exec's success is never seen. */
bool act_can_lie(const struct meeting *meeting, const struct rule_action *action)
{
	(void)action;
	const struct hit *hit = meeting->hit;

	if (!act_is_call(hit) || call_table[hit->site].makes ||
	    (meeting->phase != PHASE_EXIT && !act_fd_is_good(hit)))
		return false;
	return hit->site != CALL_fcntl || (hit->flags != F_DUPFD && hit->flags != F_DUPFD_CLOEXEC);
}

bool act_can_shorten(const struct meeting *meeting, const struct rule_action *action)
{
	(void)action;
	const struct hit *hit = meeting->hit;

	if (hit->len < 2)
		return false;
	return act_is_call(hit) ? call_table[hit->site].amount && act_fd_is_good(hit)
				: !hit->can_return_value;
}

bool act_can_refuse(const struct meeting *meeting, const struct rule_action *action)
{
	return act_can_fail_after(meeting, action) && call_table[meeting->hit->site].network;
}

bool act_can_reset(const struct meeting *meeting, const struct rule_action *action)
{
	return act_can_refuse(meeting, action) && core.ops && core.ops->reset;
}

static bool gives_bytes(const struct hit *hit)
{
	return act_is_call(hit) && call_table[hit->site].amount &&
	       (call_table[hit->site].classes & (CLASS_WRITE | CLASS_SEND)) && act_fd_is_good(hit);
}

bool act_can_tear(const struct meeting *meeting, const struct rule_action *action)
{
	return gives_bytes(meeting->hit) && (uint64_t)action->number < meeting->hit->len;
}

bool act_can_corrupt(const struct meeting *meeting, const struct rule_action *action)
{
	(void)action;
	const struct hit *hit = meeting->hit;

	return hit->len && (hit->data || hit->iov) && (!act_is_call(hit) || act_fd_is_good(hit));
}

/* Datagrams only: a stream has no part that could be missing. Looking does not take one away. */
bool act_can_drop(const struct meeting *meeting, const struct rule_action *action)
{
	(void)action;
	const struct hit *hit = meeting->hit;
	const struct subject *subject = match_subject(meeting->hit);

	if (subject && !core.ops->verify(meeting->hit))
		subject = match_subject(meeting->hit);
	return act_is_call(hit) && call_table[hit->site].amount && subject &&
	       subject->sock == SOCK_UDP && !(hit->flags & (MSG_PEEK | MSG_ERRQUEUE)) &&
	       act_fd_is_good(hit);
}

bool act_can_always(const struct meeting *meeting, const struct rule_action *action)
{
	(void)meeting;
	(void)action;
	return true;
}
