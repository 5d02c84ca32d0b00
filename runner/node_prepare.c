/* node_prepare.c - what a node needs before its first start; see cluster_impl.h. */
#include "runner/cluster_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/disk.h"
#include "runner/sandbox.h"

enum { COMMAND_MAX = 8192, OUTPUT_MAX = 2048 };
static const int64_t shell_limit_ns = INT64_C(120000000000);

static int make_folder(const char *path, struct why *why)
{
	if (mkdir(path, 0755) && errno != EEXIST)
		return why_set(why, -errno, "no folder %s: %s", path, strerror(errno));
	return 0;
}

/* A disk of its own that can really be full. */
static int mount_disk(struct node_own *own, struct why *why)
{
	const struct node *node = &own->node;
	int r;

	if (!(sandbox_has() & SANDBOX_MOUNT))
		return why_set(why, -ENOTSUP,
			       "role \"%s\" has disk =, which needs a mount namespace: %s",
			       node->role->name, sandbox_missing());
	r = disk_mount(node->dir, node->role->disk_bytes, why);
	own->mounted = disk_is_mounted(node->dir);
	return r ? why_prefix(why, r, "%s", node->name) : 0;
}

int node_keep_disk(struct node_own *own, struct why *why)
{
	int r = own->mounted ? disk_keep(own->node.dir, why) : 0;

	own->mounted = own->mounted && r;
	return r;
}

static int run_shell(struct cluster *cluster, const struct node *node, const char *what,
		     const char *command, const struct process_user *user, struct why *why)
{
	char line[COMMAND_MAX], output[OUTPUT_MAX], text[64];
	const char *const argv[] = {"/bin/sh", "-c", line, NULL};
	struct process_options options = {
		.argv = argv, .dir = node->dir, .output = -1, .user = user};
	int64_t started_ns = process_now_ns();
	int status;
	int r = cluster_expand(cluster, node, command, line, sizeof(line), why);

	if (r == 0)
		r = process_run(&options, started_ns + shell_limit_ns, output, sizeof(output),
				&status, why);
	if (r)
		return why_prefix(why, r, "%s: %s", node->name, what);
	if (cluster->options.ledger)
		ledger_command(cluster->options.ledger, started_ns, process_now_ns(), node->name,
			       line, status, output);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	process_status_text(status, text, sizeof(text));
	return why_set(why, -EPROTO, "%s: %s \"%.120s\" %s: %.200s", node->name, what, line, text,
		       output);
}

int node_command(struct cluster *cluster, const struct node *node, const char *what,
		 const char *command, struct why *why)
{
	return run_shell(cluster, node, what, command, NULL, why);
}

static int supervisor_path(char path[PATH_MAX], struct why *why)
{
	char own[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);

	if (n <= 0)
		return why_set(why, -errno, "cannot find failctl: %s", strerror(errno));
	own[n] = 0;
	*strrchr(own, '/') = 0;
	if (snprintf(path, PATH_MAX, "%s/failctl", own) >= PATH_MAX || access(path, X_OK))
		return why_set(why, -ENOENT, "tier = notify wants failctl in %s", own);
	return 0;
}

int node_supervise(const struct cluster *cluster, const struct node *node, const char **argv,
		   size_t size, char path[PATH_MAX], struct why *why)
{
	const struct plan_role *role = node->role;
	const char *const plain[] = {
		path,        "run",      "--static",
		"--join",    "-p",       control_path(cluster->options.control),
		"--node",    node->name, *role->calls ? "--calls" : "--",
		role->calls, "--"};
	size_t more = sizeof(plain) / sizeof(plain[0]) - (*role->calls ? 0 : 2), words = 0;
	int r = supervisor_path(path, why);

	while (argv[words])
		words++;
	if (r == 0 && words + more >= size)
		r = why_set(why, -E2BIG, "%s: more than %zu words", node->name, size - more - 1);
	if (r)
		return r;
	memmove(argv + more, argv, (words + 1) * sizeof(*argv));
	memcpy(argv, plain, more * sizeof(*argv));
	return 0;
}

int node_prepare(struct cluster *cluster, struct node_own *own, const struct process_user *user,
		 struct why *why)
{
	struct node *node = &own->node;
	bool mount = node->role->disk_bytes && !own->mounted;
	int r = own->prepared && !mount ? 0 : make_folder(node->dir, why);

	if (r == 0 && mount)
		r = mount_disk(own, why);
	if (own->prepared)
		return r;
	if (r == 0 && user && chown(node->dir, user->uid, user->gid))
		r = why_set(why, -errno, "%s can't be given to \"%s\": %s", node->dir,
			    node->role->user, strerror(errno));
	if (r == 0 && *node->role->setup)
		r = run_shell(cluster, node, "setup", node->role->setup, user, why);
	own->prepared = r == 0;
	return r;
}

void node_record(const struct cluster *cluster, const struct node_own *own)
{
	char key[PLAN_NAME_MAX + 8], kept[32];

	if (!cluster->options.ledger)
		return;
	snprintf(key, sizeof(key), "node %s", own->node.name);
	snprintf(kept, sizeof(kept), "%s%s%s", own->prepared ? "prepared" : "new",
		 own->node.updated ? " updated" : "", own->node.spare ? " spare" : "");
	ledger_run(cluster->options.ledger, key, kept);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	return ftw->level == 0 ? 0 : remove(path);
}

int node_wipe(struct cluster *cluster, struct node *node, struct why *why)
{
	struct node_own *own = (struct node_own *)node;

	if (node_alive(cluster, node))
		return why_set(why, -EBUSY, "%s is running", node->name);
	own->prepared = false;
	node_record(cluster, own);
	if (nftw(node->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS))
		return why_set(why, -errno, "%s can't be emptied: %s", node->dir, strerror(errno));
	return 0;
}

/* One that is not prepared has never been started, or was being emptied. */
int node_restore(struct cluster *cluster, struct node *node, const char *kept, struct why *why)
{
	struct node_own *own = (struct node_own *)node;

	if (!*kept)
		return 0;
	own->prepared = strstr(kept, "prepared") != NULL;
	node->updated = strstr(kept, "updated") != NULL;
	node->spare = strstr(kept, "spare") != NULL;
	return own->prepared || access(node->dir, F_OK) ? 0 : node_wipe(cluster, node, why);
}
