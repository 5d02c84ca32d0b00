/* fault_resource.c - too little of something: a CPU, memory, a disk that others keep busy, as stress-ng
 * and limits make it; descriptors, threads and allocations that are refused, as rules. */
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/fault_kinds.h"
#include "runner/net.h"
#include "runner/net_connections.h"
#include "runner/process.h"

enum { WORDS_MAX = 24 };
static const int64_t end_limit_ns = INT64_C(2000000000), enough_bytes = 1 << 20;

/* ---- The load beside a node ---- */

/* stress-ng, within the group from its first instruction on. */
static int start_load(struct fault_run *run, const char *const *words, struct why *why)
{
	char procs[sizeof(run->cgroup.path) + 16] = "/dev/null";
	const char *argv[WORDS_MAX] = {
		"/bin/sh", "-c",        "echo $$ >\"$0\" && exec stress-ng --quiet \"$@\"",
		procs,     "--timeout", "0"};
	struct process_options options = {.argv = argv, .output = -1};
	size_t n = 6;

	if (run->cgroup.path[0])
		snprintf(procs, sizeof(procs), "%s/cgroup.procs", run->cgroup.path);
	while (*words && n + 1 < WORDS_MAX)
		argv[n++] = *words++;
	return process_start(&run->load, &options, why);
}

static void end_load(struct fault_run *run)
{
	int status;

	if (run->load <= 0)
		return;
	kill(-run->load, SIGKILL);
	process_wait(run->load, process_now_ns() + end_limit_ns, &status);
	process_group_end(run->load);
	run->load = 0;
}

static bool load_runs(const struct fault_run *run)
{
	int status;

	return run->load > 0 && process_wait(run->load, 0, &status) == 0;
}

int load_check(const struct plan_fault *fault, struct why *why)
{
	return fault_wants_on(fault, why);
}

int load_heal(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	run->atom->kind->applied(run, c); /* the last count */
	end_load(run);
	return cgroup_remove(&run->cgroup, why);
}

bool load_healed(struct fault_run *run, const struct fault_context *c)
{
	(void)c;
	return run->load == 0 && !run->cgroup.path[0];
}

static int enter(struct fault_run *run, const struct fault_context *c, const char *controller,
		 struct why *why)
{
	if (!node_alive(c->cluster, run->node))
		return why_set(why, -ESRCH, "%s is not running", run->node->name);
	return cgroup_make(&run->cgroup, controller, why);
}

/* ---- CPU ---- */

int load_cpu(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	static const char *const words[] = {"--cpu", "2", NULL};
	int error = enter(run, c, "cpu", why);

	if (!error)
		error = cgroup_limit_cpu(&run->cgroup, run->atom->fault->share, why);
	if (!error)
		error = start_load(run, words, why);
	return error ? error : cgroup_take(&run->cgroup, run->node->pid, why);
}

/* Fires: periods of 100 ms in which they shared it. On a machine where the others leave less than that
 * anyway none of them was made to wait. */
bool load_cpu_applied(struct fault_run *run, const struct fault_context *c)
{
	int64_t periods = cgroup_cpu_periods(&run->cgroup);

	(void)c;
	if (!load_runs(run) || periods <= 0)
		return false;
	run->fires = (uint64_t)periods;
	return true;
}

/* ---- Memory ---- */

int load_memory(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	int64_t bytes = run->atom->fault->bytes > 0 ? run->atom->fault->bytes : 64 << 20;
	char value[32];
	const char *const words[] = {"--vm", "1", "--vm-keep", "--vm-bytes", value, NULL};
	int error = enter(run, c, "memory", why);

	snprintf(value, sizeof(value), "%lld", (long long)bytes);
	if (!error)
		error = cgroup_limit_memory(&run->cgroup, bytes, why);
	if (!error)
		error = start_load(run, words, why);
	return error ? error : cgroup_take(&run->cgroup, run->node->pid, why);
}

/* Fires: how often somebody had to wait for memory, or was ended for it. */
bool load_memory_applied(struct fault_run *run, const struct fault_context *c)
{
	int64_t full = cgroup_memory_full(&run->cgroup);

	(void)c;
	if (full <= 0)
		return false;
	run->fires = (uint64_t)full;
	return true;
}

/* ---- I/O ---- */

int load_io(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	int64_t bytes = run->atom->fault->bytes > 0 ? run->atom->fault->bytes : 16 << 20;
	char value[32];
	const char *const words[] = {"--hdd",        "1",           "--hdd-opts",
				     "wr-seq,fsync", "--hdd-bytes", value,
				     "--temp-path",  run->file,     NULL};

	(void)c;
	snprintf(value, sizeof(value), "%lld", (long long)bytes);
	snprintf(run->file, sizeof(run->file), "%.480s/.failkit-load", run->node->dir);
	if (mkdir(run->file, 0700) && errno != EEXIST)
		return why_set(why, -errno, "cannot make \"%s\": %s", run->file, strerror(errno));
	return start_load(run, words, why);
}

struct written {
	pid_t group;
	int64_t bytes;
};

static void add_written(void *arg, const struct process_facts *facts)
{
	struct written *written = arg;
	char path[64];
	long long bytes;
	FILE *file;

	if (facts->group != written->group)
		return;
	snprintf(path, sizeof(path), "/proc/%d/io", (int)facts->pid);
	file = fopen(path, "re");
	if (file && fscanf(file, "rchar: %*d wchar: %lld", &bytes) == 1)
		written->bytes += bytes;
	if (file)
		fclose(file);
}

/* Fires: MiB that it has written beside the node. */
bool load_io_applied(struct fault_run *run, const struct fault_context *c)
{
	struct written written = {.group = run->load};

	(void)c;
	if (!load_runs(run))
		return false;
	process_each(add_written, &written);
	run->fires = (uint64_t)(written.bytes / enough_bytes);
	return run->fires > 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int load_io_heal(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	load_io_applied(run, c); /* the last count */
	end_load(run);
	if (run->file[0] && nftw(run->file, remove_entry, 16, FTW_DEPTH | FTW_PHYS) &&
	    errno != ENOENT)
		return why_set(why, -errno, "cannot remove \"%s\": %s", run->file, strerror(errno));
	return 0;
}

/* ---- What is refused, by rule ---- */

static int refused(const struct fault_atom *atom, const char *sites, const char *share,
		   const char *error, char *text, size_t size, struct why *why)
{
	const struct plan_fault *fault = atom->fault;
	char plain[512];

	snprintf(plain, sizeof(plain), "%s = %serror(%s)",
		 fault->rule && fault->rule[0] ? fault->rule : sites, share,
		 fault->error && fault->error[0] ? fault->error : error);
	return rule_bind(plain, atom->node, fault->count, text, size, why);
}

int resource_fds(const struct fault_atom *atom, char *text, size_t size, struct why *why)
{
	static const char sites[] =
		"open,openat,creat,opendir,socket,socketpair,accept,accept4,dup,pipe,pipe2,"
		"epoll_create1,eventfd,timerfd_create,fopen";

	return refused(atom, sites, "", "EMFILE", text, size, why);
}

/* What a node has, it goes on using: it is made to want new ones. */
int resource_apply(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	int error = rule_apply(run, c, why);

	for (int i = 0; !error && run->node && net_can_cut() && i < cluster_nodes(c->cluster); i++)
		if (net_connections_reset(cluster_node(c->cluster, i)->address, run->node->address,
					  why) < 0)
			return -EIO;
	return error;
}

int resource_threads(const struct fault_atom *atom, char *text, size_t size, struct why *why)
{
	return refused(atom, "pthread_create", "", "EAGAIN", text, size, why);
}

int resource_alloc(const struct fault_atom *atom, char *text, size_t size, struct why *why)
{
	char share[32];

	snprintf(share, sizeof(share), "%.7g%%", atom->fault->share * 100);
	return refused(atom, "%alloc", share, "ENOMEM", text, size, why);
}
