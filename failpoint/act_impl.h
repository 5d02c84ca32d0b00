/*
 * act_impl.h - what the files of the actions share.
 *
 *     act.c           the table of actions; results, bytes and time
 *     act_can.c       could this action do anything to this hit?
 *     act_process.c   what ends the process
 *
 * A result is only made up where the real call could have come that far: an fd that is closed gets
 * its EBADF from the kernel. Events of what kills or blocks are written first.
 */
#ifndef FAILPOINT_ACT_IMPL_H
#define FAILPOINT_ACT_IMPL_H

#include "failpoint/core.h"

static inline bool act_is_call(const struct hit *hit)
{
	return hit->site < CALL_COUNT;
}

static inline bool act_fd_is_good(const struct hit *hit)
{
	uint8_t subject = call_table[hit->site].subject;

	if (subject == SUBJECT_MAPPING && hit->fd < 0)
		return true;
	return (subject != SUBJECT_FD && subject != SUBJECT_MAPPING) || whose_fd_is_open(hit->fd);
}

/* act_can.c */
CORE_HIDDEN bool act_can_fail(const struct meeting *meeting, const struct rule_action *action);
CORE_HIDDEN bool act_can_fail_after(const struct meeting *meeting,
				    const struct rule_action *action);
CORE_HIDDEN bool act_can_return(const struct meeting *meeting, const struct rule_action *action);
CORE_HIDDEN bool act_can_lie(const struct meeting *meeting, const struct rule_action *action);
CORE_HIDDEN bool act_can_shorten(const struct meeting *meeting, const struct rule_action *action);
CORE_HIDDEN bool act_can_refuse(const struct meeting *meeting, const struct rule_action *action);
CORE_HIDDEN bool act_can_reset(const struct meeting *meeting, const struct rule_action *action);
CORE_HIDDEN bool act_can_tear(const struct meeting *meeting, const struct rule_action *action);
CORE_HIDDEN bool act_can_corrupt(const struct meeting *meeting, const struct rule_action *action);
CORE_HIDDEN bool act_can_drop(const struct meeting *meeting, const struct rule_action *action);
CORE_HIDDEN bool act_can_always(const struct meeting *meeting, const struct rule_action *action);

/* act_process.c: false when it is the hit's end. */
CORE_HIDDEN bool act_do_kill(struct meeting *meeting, const struct firing *firing,
			     const struct rule_action *action);
CORE_HIDDEN bool act_do_abort(struct meeting *meeting, const struct firing *firing,
			      const struct rule_action *action);
CORE_HIDDEN bool act_do_exit(struct meeting *meeting, const struct firing *firing,
			     const struct rule_action *action);

#endif
