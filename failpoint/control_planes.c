/* control_planes.c - see control.h: every plane of this machine, and the dead ones swept. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "failpoint/control_impl.h"

static unsigned count_live_processes(struct control *control)
{
	unsigned n = 0;

	for (unsigned i = 0, used = control_slots_used(control); i < used; i++) {
		struct plane_slot *slot = control_slot(control, i);
		struct identity id;

		if (!control_slot_is_running(slot))
			continue;
		control_slot_process(slot, &id);
		n += process_is_alive(&id);
	}
	return n;
}

static bool creator_is_alive(const struct plane_head *head)
{
	struct identity id = {
		.pid = head->creator_pid,
		.start_ticks = head->creator_start_ticks,
		.pidns = head->creator_pidns,
	};

	return process_is_alive(&id);
}

static void describe(struct control *control, struct control_plane *out)
{
	struct plane_head *head = control->head;

	snprintf(out->note, sizeof(out->note), "%.*s", (int)sizeof(head->note) - 1, head->note);
	out->creator = (pid_t)head->creator_pid;
	out->created_s = head->created_s;
	out->processes = count_live_processes(control);
	for (unsigned w = 0; w < RULE_MAX / 64; w++)
		out->rules += (unsigned)__builtin_popcountll(atomic_load(&head->live[w]));
	out->dead = out->processes == 0 && !creator_is_alive(head);
}

static int look_at(const char *file, struct control *control, struct control_plane *out)
{
	struct why why = {""};
	int rc;

	memset(control, 0, sizeof(*control));
	memset(out, 0, sizeof(*out));
	snprintf(out->name, sizeof(out->name), "%.*s", CONTROL_NAME_MAX - 1,
		 file + strlen("failkit."));
	snprintf(control->path, sizeof(control->path), "%s/%s", control_directory(), file);
	rc = control_map(control, control->path, &why);
	if (rc == -ENOENT)
		return rc; /* it went while we looked */
	if (rc) {
		snprintf(out->problem, sizeof(out->problem), "%.*s", (int)sizeof(out->problem) - 1,
			 why.text);
		out->dead = rc == -ESTALE;
		return 0;
	}
	describe(control, out);
	munmap(control->head, control->length);
	return 0;
}

static int is_plane_file(const struct dirent *entry)
{
	return strncmp(entry->d_name, "failkit.", 8) == 0 &&
	       control_name_is_good(entry->d_name + 8);
}

int control_planes(int (*each)(void *, const struct control_plane *), void *arg)
{
	struct control *control = malloc(sizeof(*control));
	struct dirent **list = NULL;
	struct control_plane plane;
	int n, rc = 0;

	if (!control)
		return -ENOMEM;
	n = scandir(control_directory(), &list, is_plane_file, alphasort);
	if (n < 0)
		rc = errno == ENOENT ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		if (!rc && look_at(list[i]->d_name, control, &plane) == 0)
			rc = each(arg, &plane);
		free(list[i]);
	}
	free(list);
	free(control);
	return rc;
}

struct sweep {
	unsigned removed;
	int rc;
	struct why *why;
};

static int sweep_one(void *arg, const struct control_plane *plane)
{
	struct sweep *sweep = arg;
	char path[PATH_MAX];

	if (!plane->dead)
		return 0;
	snprintf(path, sizeof(path), "%s/failkit.%s", control_directory(), plane->name);
	if (unlink(path) == 0)
		sweep->removed++;
	else if (errno != ENOENT)
		sweep->rc = why_set(sweep->why, -errno, "cannot remove \"%s\": %s", path,
				    strerror(errno));
	return 0;
}

int control_sweep(unsigned *removed, struct why *why)
{
	struct sweep sweep = {.why = why};
	int rc = control_planes(sweep_one, &sweep);

	if (removed)
		*removed = sweep.removed;
	if (rc)
		return why_set(why, rc, "cannot list \"%s\": %s", control_directory(),
			       strerror(-rc));
	return sweep.rc;
}
