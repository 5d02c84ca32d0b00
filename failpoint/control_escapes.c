/*
 * control_escapes.c - see control.h: what ran but could not be intercepted.
 *
 *     counted    by the deep tier, in the slot: calls that passed no name, by who made them
 *     known      without it: rows that lead to system calls of libc's own, once they were seen
 *     noted      by the interposer: shared writable mappings, io_uring, programs that were started
 *     looked at  now: processes that run without the plane, /proc's view of an io_uring
 *
 * A slot keeps what it has after its process has ended, until another needs the slot.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failpoint/control_impl.h"

/* Rows below which libc makes system calls of its own: those pass no name. */
static const struct door {
	uint16_t row, inside;
} doors[] = {
	{CALL_fwrite, CALL_write},         {CALL_fputs, CALL_write},
	{CALL_fputc, CALL_write},          {CALL_fprintf, CALL_write},
	{CALL_fputwc, CALL_write},         {CALL_fputws, CALL_write},
	{CALL_fwprintf, CALL_write},       {CALL_fflush, CALL_write},
	{CALL_fclose, CALL_write},         {CALL_fseek, CALL_write},
	{CALL_fsetpos, CALL_write},        {CALL_dprintf, CALL_write},
	{CALL_fread, CALL_read},           {CALL_fgets, CALL_read},
	{CALL_fgetc, CALL_read},           {CALL_fgetwc, CALL_read},
	{CALL_fgetws, CALL_read},          {CALL_fscanf, CALL_read},
	{CALL_fwscanf, CALL_read},         {CALL_scandirat, CALL_openat},
	{CALL_getdelim, CALL_read},        {CALL_fopen, CALL_openat},
	{CALL_freopen, CALL_openat},       {CALL_tmpfile, CALL_openat},
	{CALL_mkstemp, CALL_openat},       {CALL_mkostemp, CALL_openat},
	{CALL_mkstemps, CALL_openat},      {CALL_mkostemps, CALL_openat},
	{CALL_opendir, CALL_openat},       {CALL_scandir, CALL_openat},
	{CALL_shm_open, CALL_openat},      {CALL_sem_open, CALL_openat},
	{CALL_dlopen, CALL_openat},        {CALL_remove, CALL_unlink},
	{CALL_shm_unlink, CALL_unlink},    {CALL_sem_unlink, CALL_unlink},
	{CALL_mkdtemp, CALL_mkdir},        {CALL_aio_write, CALL_pwrite},
	{CALL_lio_listio, CALL_pwrite},    {CALL_aio_read, CALL_pread},
	{CALL_aio_fsync, CALL_fsync},      {CALL_getaddrinfo, CALL_socket},
	{CALL_getaddrinfo, CALL_connect},  {CALL_getaddrinfo, CALL_sendto},
	{CALL_getaddrinfo, CALL_sendmmsg}, {CALL_getaddrinfo, CALL_recvfrom},
	{CALL_getnameinfo, CALL_socket},   {CALL_getnameinfo, CALL_connect},
	{CALL_getnameinfo, CALL_sendto},   {CALL_getnameinfo, CALL_recvfrom},
};

enum { DOORS = sizeof(doors) / sizeof(doors[0]) };

struct report {
	struct control *control;
	const char *node;
	struct control_escape *at;
	size_t count, room;
	bool failed;
};

/* The row of that node, command, kind and subject or call; made when there is none. */
static struct control_escape *row(struct report *report, struct plane_slot *slot, const char *kind,
				  const char *call, const char *subject)
{
	const char *node = control_node_name(report->control, slot->node);
	struct control_escape *e = report->at;
	char comm[16];

	snprintf(comm, sizeof(comm), "%.15s", slot->comm);
	for (; e && e < report->at + report->count; e++)
		if (strcmp(e->node, node) == 0 && strcmp(e->comm, comm) == 0 &&
		    strcmp(e->kind, kind) == 0 && strcmp(e->call, call) == 0 &&
		    strncmp(e->subject, subject, sizeof(e->subject) - 1) == 0)
			return e;
	if (report->count == report->room) {
		size_t room = report->room ? report->room * 2 : 64;

		e = reallocarray(report->at, room, sizeof(*e));
		report->failed |= !e;
		if (!e)
			return NULL;
		report->at = e;
		report->room = room;
	}
	e = &report->at[report->count++];
	memset(e, 0, sizeof(*e));
	snprintf(e->node, sizeof(e->node), "%s", node);
	snprintf(e->comm, sizeof(e->comm), "%s", comm);
	snprintf(e->kind, sizeof(e->kind), "%s", kind);
	snprintf(e->call, sizeof(e->call), "%s", call);
	snprintf(e->subject, sizeof(e->subject), "%s", subject);
	return e;
}

/* ---- Calls ---- */

static bool has_seen(struct plane_slot *slot, unsigned call)
{
	return atomic_load(&slot->calls_seen[call / 64]) >> call % 64 & 1;
}

/* Is it one of the names in there? Some begin with another. */
static bool is_named(const char *reason, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = strstr(reason, name); at; at = strstr(at + 1, name))
		if (strchr(", ", at[-1]) && (!at[length] || at[length] == ','))
			return true;
	return false;
}

/* Adds the names of the doors to that call which the process has passed, each once. */
static bool add_doors(struct plane_slot *slot, unsigned call, char *reason, size_t size)
{
	bool any = false;

	for (unsigned i = 0; i < DOORS; i++) {
		const char *name = call_table[doors[i].row].name;
		size_t used = strlen(reason);

		if (doors[i].inside != call || !has_seen(slot, doors[i].row))
			continue;
		any = true;
		if (!is_named(reason, name))
			snprintf(reason + used, size - used, "%s%s",
				 reason[used - 1] == ' ' ? "" : ", ", name);
	}
	return any;
}

static const struct way {
	const char *kind, *reason;
} ways[BYPASS_WAYS] = {
	[BYPASS_LIBC] = {"libc", "libc calls it inside itself"},
	[BYPASS_LOADER] = {"loader", "the dynamic loader calls it"},
	[BYPASS_INLINE] = {"inlined", "a system call instruction outside of libc"},
};

#define INSIDE "libc calls it inside "

static void add_counted(struct report *report, struct plane_slot *slot, unsigned way, unsigned call)
{
	uint32_t count = atomic_load(&slot->escapes.bypassed[way][call]);
	struct control_escape *e;

	if (!count)
		return;
	e = row(report, slot, ways[way].kind, call_table[call].name, "");
	if (!e)
		return;
	e->count += count;
	e->reached = true;
	if (!e->reason[0])
		snprintf(e->reason, sizeof(e->reason), "%s", INSIDE);
	if (way == BYPASS_LIBC && strncmp(e->reason, INSIDE, strlen(INSIDE)) == 0 &&
	    add_doors(slot, call, e->reason, sizeof(e->reason)))
		return;
	if (strcmp(e->reason, INSIDE) == 0)
		snprintf(e->reason, sizeof(e->reason), "%s", ways[way].reason);
}

/* Without the deep tier nothing is counted, but who passed a door may have gone where it leads. */
static void add_known(struct report *report, struct plane_slot *slot)
{
	for (unsigned i = 0; i < DOORS; i++) {
		struct control_escape *e;

		if (!has_seen(slot, doors[i].row))
			continue;
		e = row(report, slot, "libc", call_table[doors[i].inside].name, "");
		if (!e)
			continue;
		if (!e->reason[0])
			snprintf(e->reason, sizeof(e->reason), "%s", INSIDE);
		add_doors(slot, doors[i].inside, e->reason, sizeof(e->reason));
	}
}

static void add_calls(struct report *report, struct plane_slot *slot)
{
	if (!atomic_load(&slot->escapes.deep)) {
		add_known(report, slot);
		return;
	}
	for (unsigned way = 0; way < BYPASS_WAYS; way++)
		for (unsigned call = 0; call < CALL_COUNT; call++)
			add_counted(report, slot, way, call);
}

/* ---- Notes ---- */

static void keep_path(char out[ESCAPE_PATH_MAX], const char *path)
{
	snprintf(out, ESCAPE_PATH_MAX, "%.*s", ESCAPE_PATH_MAX - 1, path);
}

static void add(struct report *report, struct plane_slot *slot, const char *kind, const char *call,
		const char *subject, uint64_t count, const char *reason)
{
	struct control_escape *e = row(report, slot, kind, call, subject);

	if (!e)
		return;
	e->count += count;
	snprintf(e->reason, sizeof(e->reason), "%s", reason);
}

static void add_programs(struct report *report, struct plane_slot *slot)
{
	uid_t owner = report->control->head->owner_uid;
	uint32_t used = atomic_load(&slot->escapes.programs);
	char path[ESCAPE_PATH_MAX];

	for (uint32_t i = 0; i < used && i < ESCAPE_PROGRAMS; i++) {
		const char *reason;

		keep_path(path, slot->escapes.program[i]);
		reason = control_refuses(path, owner);
		if (reason)
			add(report, slot, "child", "", path, 0, reason);
	}
}

static void add_executing(struct report *report, struct plane_slot *slot)
{
	char path[ESCAPE_PATH_MAX];
	const char *reason;

	keep_path(path, slot->escapes.executing);
	reason = control_refuses(path, report->control->head->owner_uid);
	add(report, slot, "child", "", path[0] ? path : "?", 1,
	    reason ? reason
		   : "was executed and has not attached: without its environment, or ended before");
}

static void add_notes(struct report *report, struct plane_slot *slot)
{
	struct plane_escapes *e = &slot->escapes;
	char path[ESCAPE_PATH_MAX];

	keep_path(path, e->mapping);
	if (atomic_load(&e->mapped))
		add(report, slot, "mapping", "mmap", path, atomic_load(&e->mapped),
		    "shared and writable: what is written by memory is not seen, only msync is");
	if (atomic_load(&e->uring))
		add(report, slot, "io_uring", "io_uring_setup", "", atomic_load(&e->uring),
		    "the kernel does what is asked by memory (--io-uring=deny refuses it)");
	if (has_seen(slot, CALL_io_submit))
		add(report, slot, "completion", "io_submit", "", 0,
		    "no rule makes what only a completion tells (EIO, ENOSPC), as one does what "
		    "io_submit says");
	add_programs(report, slot);
	if ((atomic_load(&slot->state) & 0xff) == SLOT_EXECING)
		add_executing(report, slot);
}

/* ---- What is there now ---- */

static void add_stranger(void *arg, struct plane_slot *slot, pid_t pid)
{
	char link[64], path[ESCAPE_PATH_MAX];
	struct report *report = arg;
	const char *reason;
	ssize_t n;

	if (report->node && strcmp(control_node_name(report->control, slot->node), report->node))
		return;
	if (slot->pid == (uint32_t)pid && (atomic_load(&slot->state) & 0xff) == SLOT_EXECING)
		return; /* told already, by what it was asked to be */
	snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return;
	path[n] = 0;
	reason = control_refuses(link, report->control->head->owner_uid);
	add(report, slot, "process", "", path, 1,
	    reason ? reason : "runs without the interposer: its environment was emptied");
}

/* A ring that was made where no note could be taken: by an instruction inlined in liburing. */
static bool holds_uring(pid_t pid)
{
	char path[PATH_MAX], target[64];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%d/fd/%.20s", (int)pid, entry->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = 0;
		found = strcmp(target, "anon_inode:[io_uring]") == 0;
	}
	if (dir)
		closedir(dir);
	return found;
}

static void add_rings(struct report *report, struct plane_slot *slot)
{
	struct identity id, self;

	control_slot_process(slot, &id);
	identity_self(&self);
	if (!atomic_load(&slot->escapes.uring) && id.pidns == self.pidns && process_is_alive(&id) &&
	    holds_uring((pid_t)id.pid))
		add(report, slot, "io_uring", "io_uring_setup", "", 1,
		    "the kernel does what is asked by memory (--io-uring=deny refuses it)");
}

int control_escapes(struct control *control, const char *node,
		    int (*each)(void *, const struct control_escape *), void *arg)
{
	struct report report = {.control = control, .node = node};
	int rc = 0;

	for (unsigned i = 0, used = control_slots_used(control); i < used; i++) {
		struct plane_slot *slot = control_slot(control, i);
		uint64_t state = atomic_load(&slot->state) & 0xff;

		if (state == SLOT_FREE || state == SLOT_ATTACHING ||
		    (node && strcmp(control_node_name(control, slot->node), node) != 0))
			continue;
		add_calls(&report, slot);
		add_notes(&report, slot);
		add_rings(&report, slot);
	}
	image_strangers(control, add_stranger, &report);
	if (report.failed)
		rc = -ENOMEM;
	for (size_t i = 0; i < report.count && !rc; i++)
		rc = each(arg, &report.at[i]);
	free(report.at);
	return rc;
}
