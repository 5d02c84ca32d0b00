/* fault_disk.c - disks that are slow, failing, short or lying, as rules; and one that is really full.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "failpoint/rule.h"
#include "runner/fault_kinds.h"

enum { SECTOR = 512 };

static const char *given(const char *text, const char *otherwise)
{
	return text && text[0] ? text : otherwise;
}

/* `rule` of the plan takes the place of the sites, `path` narrows them. Where it gives neither, the
 * node's folder is meant: not its log, which is failrun's. */
static int disk_rule(const struct fault_atom *atom, const char *sites, const char *action,
		     char *text, size_t size, struct why *why)
{
	const struct plan_fault *fault = atom->fault;
	char folder[PLAN_NAME_MAX + 16], plain[RULE_TEXT_MAX];
	const char *path = given(fault->path, "");
	int n;

	snprintf(folder, sizeof(folder), "nodes/%s/**", given(atom->node, "*"));
	if (!path[0] && !given(fault->rule, "")[0])
		path = folder;
	n = snprintf(plain, sizeof(plain), "%s%s%s = %s", given(fault->rule, sites),
		     path[0] ? ":path=" : "", path, action);

	if (n < 0 || (size_t)n >= sizeof(plain))
		return why_set(why, -ENOSPC, "the rule of fault \"%s\" is too long", fault->name);
	return rule_bind(plain, atom->node, fault->count, text, size, why);
}

static int disk_error(const struct fault_atom *atom, const char *sites, const char *error,
		      char *text, size_t size, struct why *why)
{
	char action[64];

	snprintf(action, sizeof(action), "error(%s)", given(atom->fault->error, error));
	return disk_rule(atom, sites, action, text, size, why);
}

int disk_enospc(const struct fault_atom *atom, char *text, size_t size, struct why *why)
{
	return disk_error(atom, "%write,%space", "ENOSPC", text, size, why);
}

int disk_eio(const struct fault_atom *atom, char *text, size_t size, struct why *why)
{
	return disk_error(atom, "%write,%sync", "EIO", text, size, why);
}

static int disk_slow(const struct fault_atom *atom, const char *sites, int64_t jitter_ns,
		     char *text, size_t size, struct why *why)
{
	int64_t delay_ns = atom->fault->delay_ns;
	char action[64];

	/* 20 ms where the plan names no time: a disk that is slow, not dead. */
	if (delay_ns <= 0 && jitter_ns <= 0)
		delay_ns = 20000000;
	if (jitter_ns > 0)
		snprintf(action, sizeof(action), "delay(%lldus,jitter=%lldus)",
			 (long long)delay_ns / 1000, (long long)jitter_ns / 1000);
	else
		snprintf(action, sizeof(action), "delay(%lldus)", (long long)delay_ns / 1000);
	return disk_rule(atom, sites, action, text, size, why);
}

int disk_delay(const struct fault_atom *atom, char *text, size_t size, struct why *why)
{
	return disk_slow(atom, "%write,%sync", atom->fault->jitter_ns, text, size, why);
}

int disk_jitter(const struct fault_atom *atom, char *text, size_t size, struct why *why)
{
	int64_t jitter_ns = atom->fault->jitter_ns;

	return disk_slow(atom, "%sync", jitter_ns > 0 ? jitter_ns : 30000000, text, size, why);
}

int disk_short(const struct fault_atom *atom, char *text, size_t size, struct why *why)
{
	char action[64] = "short(50%)";

	if (atom->fault->bytes > 0)
		snprintf(action, sizeof(action), "short(%lld)", (long long)atom->fault->bytes);
	return disk_rule(atom, "%write", action, text, size, why);
}

int disk_throttle(const struct fault_atom *atom, char *text, size_t size, struct why *why)
{
	char action[64];

	snprintf(action, sizeof(action), "rate(%lld/s)", (long long)atom->fault->rate);
	return disk_rule(atom, "%read,%write", action, text, size, why);
}

/* What was opened for reading goes on being read; what is opened for writing can't be written. */
int disk_read_only(const struct fault_atom *atom, char *text, size_t size, struct why *why)
{
	static const char sites[] = "%write,%sync,%space,creat,rename,renameat,renameat2,unlink,"
				    "unlinkat,link,linkat,mkdir,mkdirat,rmdir,symlink,symlinkat";

	return disk_error(atom, sites, "EROFS", text, size, why);
}

static int disk_corrupt(const struct fault_atom *atom, const char *sites, char *text, size_t size,
			struct why *why)
{
	char action[64];

	snprintf(action, sizeof(action), "corrupt(bits=%lld)", (long long)atom->fault->bits);
	return disk_rule(atom, sites, action, text, size, why);
}

int disk_corrupt_read(const struct fault_atom *atom, char *text, size_t size, struct why *why)
{
	return disk_corrupt(atom, "%read", text, size, why);
}

int disk_corrupt_write(const struct fault_atom *atom, char *text, size_t size, struct why *why)
{
	return disk_corrupt(atom, "%write", text, size, why);
}

int disk_torn(const struct fault_atom *atom, char *text, size_t size, struct why *why)
{
	int64_t bytes = atom->fault->bytes;
	char action[64];

	snprintf(action, sizeof(action), "torn(%lld)", (long long)(bytes > 0 ? bytes : SECTOR));
	return disk_rule(atom, "%write", action, text, size, why);
}

int disk_lie(const struct fault_atom *atom, char *text, size_t size, struct why *why)
{
	return disk_rule(atom, "%write", "lie", text, size, why);
}

/* A disk that lied is thrown away: nothing that it said may count for a replica any more. */
int disk_replace(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	int error = rule_heal(run, c, why);

	if (error || run->fires == 0)
		return error;
	error = fault_kill(run, c, why);
	return error ? error : life_replace(run, c, why);
}

bool disk_replaced(struct fault_run *run, const struct fault_context *c)
{
	return rule_healed(run, c) && fault_up(run, c);
}

int disk_lie_check(const struct plan_fault *fault, struct why *why)
{
	int error = life_dead_check(fault, why);

	return error ? error : rule_check(fault, why);
}

int full_check(const struct plan_fault *fault, struct why *why)
{
	return fault_wants_on(fault, why);
}

static int64_t disk_free(const struct node *node)
{
	struct statvfs s;

	return statvfs(node->dir, &s) ? -1 : (int64_t)s.f_bavail * (int64_t)s.f_frsize;
}

/* Allocates in halves until nothing more goes in: other writers race for the same space. What is in
 * the file stays. */
static int fill(int fd, const struct node *node, int64_t leave)
{
	struct stat is;
	int64_t at;

	if (fstat(fd, &is))
		return -errno;
	at = is.st_size;
	for (int64_t step = disk_free(node) - leave; step >= 4096; step = disk_free(node) - leave) {
		int error;

		while ((error = posix_fallocate(fd, at, step)) == ENOSPC && step > 4096)
			step /= 2;
		if (error == ENOSPC)
			return 0;
		if (error)
			return -error;
		at += step;
	}
	return 0;
}

int full_apply(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	int fd, error;

	(void)c;
	if (run->node->role->disk_bytes <= 0)
		return why_set(why, -ENOTSUP, "\"full\" wants `disk = SIZE` in [role %s]",
			       run->node->role->name);
	/* Without a name: it ends with us, and is not kept for a resume. */
	fd = open(run->node->dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return why_set(why, -errno, "cannot make a file in \"%s\": %s", run->node->dir,
			       strerror(errno));
	run->filler = fd;
	error = fill(fd, run->node, run->atom->fault->bytes);
	if (error)
		return why_set(why, error, "cannot fill \"%s\": %s", run->node->dir,
			       strerror(-error));
	return 0;
}

/* A store that throws away a log meanwhile has made room: that goes, too. */
bool full_applied(struct fault_run *run, const struct fault_context *c)
{
	int64_t leave = run->atom->fault->bytes, left;

	(void)c;
	if (fill(run->filler, run->node, leave))
		return false;
	left = disk_free(run->node);
	if (left < 0 || left >= leave + 65536)
		return false;
	run->fires = 1;
	return true;
}

int full_heal(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	(void)c;
	(void)why;
	if (run->filler > 0)
		close(run->filler);
	run->filler = 0;
	return 0;
}

bool full_healed(struct fault_run *run, const struct fault_context *c)
{
	(void)c;
	return run->filler == 0 && disk_free(run->node) > 0;
}
