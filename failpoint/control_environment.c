/* control_environment.c - see control.h: what makes a program a target of a plane. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failpoint/control_impl.h"
#include "failpoint/names.h"

#define PRELOAD_FILE "libfailpreload.so"

static const char *const beside[] = {"", "../lib/failkit/"};

static int own_folder(char folder[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", folder, PATH_MAX - 1);

	if (n <= 0)
		return -ENOENT;
	folder[n] = 0;
	*strrchr(folder, '/') = 0;
	return 0;
}

/* ld.so takes LD_PRELOAD apart at blanks and colons. */
static int use_library(const char *found, char *path, size_t size, struct why *why)
{
	char real[PATH_MAX];

	if (!realpath(found, real))
		return why_set(why, -errno, "cannot find \"%s\": %s", found, strerror(errno));
	if (strpbrk(real, " \t:"))
		return why_set(why, -EINVAL,
			       "\"%s\" can't be preloaded: a blank or \":\" in its path", real);
	if (snprintf(path, size, "%s", real) >= (int)size)
		return why_set(why, -ENAMETOOLONG, "\"%s\" is too long", real);
	return 0;
}

int control_preload_library(char *path, size_t size, struct why *why)
{
	const char *named = getenv("FAILKIT_PRELOAD");
	char folder[PATH_MAX], candidate[PATH_MAX + 64];

	if (own_folder(folder) == 0)
		for (unsigned i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
			snprintf(candidate, sizeof(candidate), "%s/%s" PRELOAD_FILE, folder,
				 beside[i]);
			if (access(candidate, R_OK) == 0)
				return use_library(candidate, path, size, why);
		}
	if (named && *named)
		return use_library(named, path, size, why);
	return why_set(why, -ENOENT,
		       "cannot find " PRELOAD_FILE " beside this program or in ../lib/failkit;"
		       " FAILKIT_PRELOAD may name it");
}

struct node_names {
	struct control *control;
};

static const char *node_name_at(const void *arg, size_t i)
{
	const struct node_names *names = arg;
	struct plane_node *nodes = plane_nodes(names->control->head);

	return i < NODE_MAX && atomic_load(&nodes[i].used) ? nodes[i].name : NULL;
}

static int check_node(struct control *control, const char *node, struct why *why)
{
	struct node_names names = {control};
	const char *name;

	for (size_t i = 0; (name = node_name_at(&names, i)); i++)
		if (strcmp(name, node) == 0)
			return 0;
	return names_refuse(why, -ENOENT, "node", node, node_name_at, &names);
}

static const char *const ours[] = {
	"LD_PRELOAD=", "FAILKIT_PLANE=", "FAILKIT_NODE=", "FAILKIT_DEEP="};
enum { OURS = sizeof(ours) / sizeof(ours[0]) };

static bool is_ours(const char *variable)
{
	for (unsigned i = 0; i < OURS; i++)
		if (strncmp(variable, ours[i], strlen(ours[i])) == 0)
			return true;
	return false;
}

static const char *old_preload(char *const environment[])
{
	for (; *environment; environment++)
		if (strncmp(*environment, ours[0], strlen(ours[0])) == 0)
			return *environment + strlen(ours[0]);
	return "";
}

/* Copies all but ours, and leaves room for them. */
static char **copy_others(char *const environment[], unsigned *used)
{
	unsigned n = 0;
	char **copy;

	while (environment[n])
		n++;
	copy = calloc(n + OURS + 1, sizeof(*copy));
	*used = 0;
	for (unsigned i = 0; copy && i < n; i++) {
		if (is_ours(environment[i]))
			continue;
		copy[*used] = strdup(environment[i]);
		if (!copy[(*used)++]) {
			control_environment_free(copy);
			return NULL;
		}
	}
	return copy;
}

static int add(char **environment, unsigned *used, const char *name, const char *a,
	       const char *divider, const char *b)
{
	return asprintf(&environment[(*used)++], "%s%s%s%s", name, a, divider, b) < 0 ? -ENOMEM : 0;
}

static int find_library(const char *library, char *path, size_t size, struct why *why)
{
	path[0] = 0;
	if (!library)
		return control_preload_library(path, size, why);
	return *library ? use_library(library, path, size, why) : 0;
}

static int add_preload(char **environment, unsigned *used, const char *path, const char *old)
{
	if (!*path && !*old)
		return 0;
	return add(environment, used, ours[0], path, *path && *old ? ":" : "", old);
}

char **control_environment(struct control *control, const char *node, const char *library,
			   char *const environment[], struct why *why)
{
	char path[PATH_MAX], plane[PATH_MAX];
	const char *old = old_preload(environment);
	char **made;
	unsigned used;

	if (find_library(library, path, sizeof(path), why))
		return NULL;
	if (node && check_node(control, node, why))
		return NULL;
	made = copy_others(environment, &used);
	if (made && !add_preload(made, &used, path, old) &&
	    !add(made, &used, ours[1], realpath(control->path, plane) ? plane : control->path, "",
		 "") &&
	    (!node || !add(made, &used, ours[2], node, "", "")))
		return made;
	if (made)
		control_environment_free(made);
	why_set(why, -ENOMEM, "no memory for an environment");
	return NULL;
}

/* There is room: it was left for each of ours. */
int control_environment_deep(char **environment, struct why *why)
{
	unsigned used = 0;

	while (environment[used])
		used++;
	if (add(environment, &used, ours[3], "1", "", ""))
		return why_set(why, -ENOMEM, "no memory for an environment");
	return 0;
}

void control_environment_free(char **environment)
{
	for (char **at = environment; at && *at; at++)
		free(*at);
	free(environment);
}
