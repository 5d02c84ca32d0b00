/*
 * failctl_run.c - `failctl run`: one command, one plane, rules that live as long as we do.
 *
 * The command's own output and status pass untouched; we say something only when the run did not
 * show what it was for: a rule that matched no call, or a target that the interposer saw no call
 * of.
 */
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "failpoint/failctl.h"
#include "failpoint/names.h"
#include "failpoint/notify.h"

struct run {
	struct args *args;
	struct control *control;
	struct passwd *user;
	bool denies_uring, warns_uring;
	uint64_t ids[RULES_MAX * 4];
	unsigned id_count;
};

static int find_user(struct run *run, struct why *why)
{
	const char *name = run->args->user;

	if (!name)
		return 0;
	run->user = getpwnam(name);
	if (!run->user && isdigit((unsigned char)name[0]))
		run->user = getpwuid((uid_t)strtoul(name, NULL, 10));
	return run->user ? 0 : why_set(why, -EINVAL, "there is no user \"%s\"", name);
}

/* Groups first: without being root there is no way to change them. */
static int become_user(void *arg, struct why *why)
{
	const struct run *run = arg;
	int rc = run->denies_uring ? control_deny_io_uring(why) : 0;

	if (rc || !run->user)
		return rc;
	if (initgroups(run->user->pw_name, run->user->pw_gid) || setgid(run->user->pw_gid) ||
	    setuid(run->user->pw_uid))
		return why_set(why, -errno, "cannot become user \"%s\": %s", run->user->pw_name,
			       strerror(errno));
	return 0;
}

static int make_plane(struct run *run, struct why *why)
{
	const struct args *args = run->args;
	char *note = args->join ? NULL : join_words(args->words);
	struct control_options options = {
		.seed = args->seed,
		.owner = run->user ? run->user->pw_uid : (uid_t)-1,
		.note = note,
	};
	int rc;

	if (args->join)
		return control_open(&run->control, args->plane, why);
	rc = control_create(&run->control, args->plane, &options, why);

	if (rc == -EEXIST && control_sweep(NULL, NULL) == 0)
		rc = control_create(&run->control, args->plane, &options, why);
	free(note);
	return rc;
}

/* "ds2" is a "ds", unless told otherwise. */
static int declare_node(struct run *run, struct why *why)
{
	const char *node = run->args->node;
	char role[256];
	size_t n;

	if (!node || run->args->join)
		return 0;
	snprintf(role, sizeof(role), "%s", run->args->role ? run->args->role : node);
	for (n = strlen(role); !run->args->role && n > 1 && isdigit((unsigned char)role[n - 1]);)
		role[--n] = 0;
	return control_node(run->control, node, role, 0, why);
}

static int keep_id(void *arg, uint64_t id, const char *name)
{
	struct run *run = arg;

	(void)name;
	if (run->id_count < sizeof(run->ids) / sizeof(run->ids[0]))
		run->ids[run->id_count++] = id;
	return 0;
}

static int hold_rules(struct run *run, struct why *why)
{
	const struct args *args = run->args;
	int rc = args->rule_count || args->clock ? control_hold(run->control, why) : 0;

	if (!rc && args->clock) {
		rc = clock_change_text(run->control, args->node ? args->node : "", args->clock,
				       CONTROL_HELD, why);
		if (rc)
			why_prefix(why, rc, "--clock");
	}

	for (unsigned i = 0; i < run->args->rule_count && !rc; i++) {
		unsigned before = run->id_count;

		rc = control_set_each(run->control, run->args->rules[i], CONTROL_HELD, keep_id, run,
				      why);
		/* An unset variable of a script's must not look like a test that passed. */
		if (!rc && run->id_count == before)
			rc = why_set(why, -EINVAL, "it holds no rule");
		if (rc)
			why_prefix(why, rc, "-e \"%.200s\"", run->args->rules[i]);
	}
	return rc;
}

/* ---- What did not happen ---- */

static bool tell_rule(struct run *run, uint64_t id)
{
	struct control_rule rule;
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)id);
	if (control_rule(run->control, text, &rule, NULL))
		return false; /* somebody removed it */
	if (rule.uncounted)
		say("rule \"%s\" could not count %llu of its matches: it meets more paths, threads "
		    "or"
		    " processes than the plane has room for",
		    rule.name, (unsigned long long)rule.uncounted);
	if (rule.fires)
		return false;
	if (rule.matches == 0 && rule.nearest[0])
		say("rule \"%s\" matched no call, its failpoint never appeared (did you mean "
		    "\"%s\"?): %s",
		    rule.name, rule.nearest, rule.text);
	else if (rule.matches == 0)
		say("rule \"%s\" matched no call%s: %s", rule.name,
		    rule.pending ? ", its failpoint never appeared" : "", rule.text);
	else if (run->args->must_fire)
		say("rule \"%s\" matched %llu times and never fired: %s", rule.name,
		    (unsigned long long)rule.matches, rule.text);
	return true;
}

/* Nothing was seen of the command at all: why? */
static void tell_unseen(struct run *run)
{
	const char *program = run->args->words[0], *reason;

	if (run->args->is_static) {
		say("\"%s\" made no system call that the rules are about", program);
		return;
	}
	reason = control_refuses(program, run->user ? run->user->pw_uid : geteuid());
	if (reason)
		say("the interposer saw no call of \"%s\": it %s", program, reason);
	else
		say("the interposer saw no call of \"%s\": does it start something static or "
		    "setuid, or"
		    " drop LD_PRELOAD? (failctl escapes -- %s ...)",
		    program, program);
}

static bool tell_unfired(struct run *run)
{
	unsigned unfired = 0;

	for (unsigned i = 0; i < run->id_count; i++)
		unfired += tell_rule(run, run->ids[i]);
	/* A rule about a failpoint fires in a program that makes no call, too. */
	if (!unfired || unfired < run->id_count || control_seen_calls(run->control, NULL))
		return unfired > 0;
	tell_unseen(run);
	return true;
}

static int tell_uring(void *arg, const struct control_escape *escape)
{
	(void)arg;
	if (strcmp(escape->kind, "io_uring") == 0)
		say("\"%s\" made an io_uring: what it does by that, no rule meets"
		    " (--io-uring=deny refuses it, --io-uring=allow is silent)",
		    escape->comm);
	return 0;
}

static int tell_unlisted(void *arg, const struct control_process *process)
{
	(void)arg;
	say_unlisted(process);
	return 0;
}

/* ---- Running ---- */

static void set_variable(char **environment, const char *name, const char *value)
{
	size_t length = strlen(name);

	for (; *environment; environment++)
		if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=') {
			char *changed;

			if (asprintf(&changed, "%s=%s", name, value) < 0)
				return;
			free(*environment);
			*environment = changed;
		}
}

static char **make_environment(struct run *run, struct why *why)
{
	const char *library = run->args->is_static ? CONTROL_NO_LIBRARY : NULL;
	char **environment =
		control_environment(run->control, run->args->node, library, environ, why);

	if (environment && run->args->deep && control_environment_deep(environment, why)) {
		control_environment_free(environment);
		return NULL;
	}
	if (environment && run->user) {
		set_variable(environment, "HOME", run->user->pw_dir);
		set_variable(environment, "USER", run->user->pw_name);
		set_variable(environment, "LOGNAME", run->user->pw_name);
	}
	return environment;
}

static int start_supervisor(struct run *run, struct why *why)
{
	struct notify_options options = {
		.control = run->control,
		.node = run->args->node,
		.calls = run->args->calls,
		.rules = run->args->rules,
		.rule_count = run->args->rule_count,
		.leaves_group = run->args->join,
	};

	return notify_start(&options, why);
}

static int become_static(void *arg, struct why *why)
{
	return notify_become(become_user, arg, why);
}

static int run_command(struct run *run, struct why *why)
{
	char **environment = make_environment(run, why);
	struct child child = {
		.words = run->args->words,
		.environment = environment,
		.before = run->args->is_static ? become_static : become_user,
		.arg = run,
	};
	bool ran;
	int status;

	if (!environment)
		return -EINVAL;
	if (run->args->is_static && start_supervisor(run, why)) {
		control_environment_free(environment);
		return -EINVAL;
	}
	status = child_run(&child, &ran);
	if (run->args->is_static)
		notify_end();
	control_environment_free(environment);
	if (ran && run->warns_uring)
		control_escapes(run->control, run->args->node, tell_uring, NULL);
	if (ran)
		control_processes(run->control, tell_unlisted, NULL);
	if (ran && tell_unfired(run) && run->args->must_fire)
		return EXIT_RUN_FAILED;
	return status;
}

static int run_on_plane(struct run *run, struct why *why)
{
	int rc = declare_node(run, why);

	if (!rc)
		rc = hold_rules(run, why);
	if (!rc)
		rc = run_command(run, why);
	if (rc >= 0 && run->args->after && run->args->after(run->args, run->control))
		rc = EXIT_RUN_FAILED;
	if (!run->args->join)
		control_unlink(run->control);
	control_close(run->control);
	return rc;
}

static const char *policy_name_at(const void *arg, size_t i)
{
	static const char *const policies[] = {"deny", "allow", "warn"};

	(void)arg;
	return i < sizeof(policies) / sizeof(policies[0]) ? policies[i] : NULL;
}

static int find_policy(struct run *run, struct why *why)
{
	const char *policy = run->args->io_uring ? run->args->io_uring : "warn";

	run->denies_uring = strcmp(policy, "deny") == 0;
	run->warns_uring = strcmp(policy, "warn") == 0 && !run->args->after;
	if (run->denies_uring || strcmp(policy, "warn") == 0 || strcmp(policy, "allow") == 0)
		return 0;
	return names_refuse(why, -EINVAL, "policy for --io-uring", policy, policy_name_at, NULL);
}

static int check_options(const struct args *args)
{
	const struct {
		bool wrong;
		const char *text;
	} checks[] = {
		{args->must_fire && !args->rule_count, "--must-fire wants a rule (-e RULE)"},
		{args->clock && args->is_static,
		 "the clock of a static program can't be bent: --clock does not go with --static"},
		{args->calls && !args->is_static, "--calls goes with --static"},
		{args->is_static && args->deep,
		 "--deep is for programs that load the interposer, not with --static"},
	};

	for (unsigned i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (checks[i].wrong) {
			say("run: %s", checks[i].text);
			return -EINVAL;
		}
	return 0;
}

int command_run(struct args *args)
{
	static struct run run;
	struct why why = {""};
	int rc;

	run.args = args;
	if (check_options(args))
		return EXIT_RUN_FAILED;
	child_block();
	rc = find_user(&run, &why);
	if (!rc)
		rc = find_policy(&run, &why);
	if (!rc)
		rc = make_plane(&run, &why);
	if (!rc)
		rc = run_on_plane(&run, &why);
	if (rc < 0)
		say("%s", why.text);
	return rc < 0 ? EXIT_RUN_FAILED : rc;
}
