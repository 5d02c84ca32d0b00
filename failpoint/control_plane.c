/*
 * control_plane.c - see control.h: planes are made, opened and closed.
 *
 * A plane is made under its own name with O_EXCL, filled, and gets its magic last; until then
 * others see a file that is being made.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "failpoint/control_impl.h"

const char *control_directory(void)
{
	const char *directory = getenv("FAILKIT_DIR");

	return directory && *directory ? directory : "/dev/shm";
}

bool control_name_is_good(const char *name)
{
	size_t n = 0;

	for (; name[n]; n++)
		if (!isalnum((unsigned char)name[n]) && !strchr("-_.", name[n]))
			return false;
	return n > 0 && n < CONTROL_NAME_MAX && name[0] != '.';
}

static int set_name(struct control *control, const char *name, struct why *why)
{
	if (!control_name_is_good(name))
		return why_set(why, -EINVAL,
			       "\"%s\" can't name a plane: wanted up to %d letters, digits, \"-\", "
			       "\"_\", \".\"",
			       name, CONTROL_NAME_MAX - 1);
	snprintf(control->name, sizeof(control->name), "%s", name);
	if (snprintf(control->path, sizeof(control->path), "%s/failkit.%s", control_directory(),
		     name) >= (int)sizeof(control->path))
		return why_set(why, -ENAMETOOLONG, "the path of plane \"%s\" is too long", name);
	return 0;
}

/* Five consonants and vowels in turn, to be said and typed. */
static void make_up_name(char name[8])
{
	static const char consonants[] = "bdfgklmnprstvz", vowels[] = "aeiou";
	uint8_t random[6];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		memset(random, 0, sizeof(random));
	for (unsigned i = 0; i < 6; i++)
		name[i] = i % 2 ? vowels[random[i] % 5] : consonants[random[i] % 14];
	name[6] = 0;
}

static int create_file(struct control *control, struct why *why)
{
	int fd = open(control->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 && errno == EEXIST)
		return why_set(why, -EEXIST, "plane \"%s\" is there already", control->name);
	if (fd < 0)
		return why_set(why, -errno, "cannot make \"%s\": %s", control->path,
			       strerror(errno));
	return fd;
}

static int create_named(struct control *control, const char *name, struct why *why)
{
	char made_up[8];
	int fd, rc, tries = 0;

	do {
		if (!name)
			make_up_name(made_up);
		rc = set_name(control, name ? name : made_up, why);
		if (rc)
			return rc;
		fd = create_file(control, why);
	} while (!name && fd == -EEXIST && ++tries < 100);
	return fd;
}

static void init_mutex(pthread_mutex_t *mutex)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(mutex, &attr);
	pthread_mutexattr_destroy(&attr);
}

/* The file is all zeroes: slots are free, counts are 0. */
static void fill_head(struct plane_head *head, const struct control_options *options)
{
	struct identity self;

	identity_self(&self);
	head->abi = PLANE_ABI;
	head->head_bytes = sizeof(*head);
	head->plane_bytes = plane_layout(head->part);
	head->calls_hash = calls_hash();
	head->build_hash = plane_build_hash();
	identity_boot(head->boot_id);
	head->seed = options->seed;
	head->created_ns = control_now_ns();
	head->created_s = time(NULL);
	head->creator_pid = self.pid;
	head->creator_start_ticks = self.start_ticks;
	head->creator_pidns = self.pidns;
	head->owner_uid = options->owner;
	head->next_id = 1;
	atomic_store(&head->version, 1);
	snprintf(head->note, sizeof(head->note), "%s", options->note ? options->note : "");
	init_mutex(&head->control);
	for (unsigned i = 0; i < LEASE_MAX; i++)
		init_mutex(&plane_leases(head)[i].owner);
	atomic_store_explicit(&head->magic, PLANE_MAGIC, memory_order_release);
}

static int allocate(struct control *control, int fd, const struct control_options *options,
		    struct why *why)
{
	struct plane_part part[PART_MAX];
	uint64_t bytes = plane_layout(part);
	int rc = posix_fallocate(fd, 0, (off_t)bytes);

	if (rc)
		return why_set(why, -rc, "cannot allocate %llu MiB for \"%s\": %s",
			       (unsigned long long)(bytes >> 20), control->path, strerror(rc));
	if (fchmod(fd, 0600) < 0 ||
	    (options->owner != geteuid() && fchown(fd, options->owner, (gid_t)-1) < 0))
		return why_set(why, -errno, "cannot give \"%s\" to user %u: %s", control->path,
			       options->owner, strerror(errno));
	control->length = bytes;
	/* All of it at once: page by page, as rules and events come by, a controller that runs for
	 * days would look like one that leaks. */
	control->head = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (control->head == MAP_FAILED)
		return why_set(why, -errno, "cannot map \"%s\": %s", control->path,
			       strerror(errno));
	fill_head(control->head, options);
	return 0;
}

int control_create(struct control **out, const char *name, const struct control_options *options,
		   struct why *why)
{
	struct control_options used = options ? *options : (struct control_options){0};
	struct control *control = calloc(1, sizeof(*control));
	int fd, rc;

	if (!control)
		return why_set(why, -ENOMEM, "no memory for a plane");
	if (used.owner == (uid_t)-1 || used.owner == 0)
		used.owner = geteuid();
	fd = create_named(control, name, why);
	rc = fd < 0 ? fd : allocate(control, fd, &used, why);
	if (fd >= 0)
		close(fd);
	if (fd >= 0 && rc)
		unlink(control->path);
	if (rc) {
		free(control);
		return rc;
	}
	*out = control;
	return 0;
}

/* ---- Opening ---- */

static int check_boot(struct control *control, struct why *why)
{
	uint64_t boot_id[2];

	identity_boot(boot_id);
	if (memcmp(boot_id, control->head->boot_id, sizeof(boot_id)) != 0)
		return why_set(why, -ESTALE, "plane \"%s\" was made before this machine booted",
			       control->path);
	return 0;
}

static int map_fd(struct control *control, int fd, struct why *why)
{
	struct stat st;
	const char *problem;

	if (fstat(fd, &st) < 0)
		return why_set(why, -errno, "cannot read \"%s\": %s", control->path,
			       strerror(errno));
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size < sizeof(struct plane_head))
		return why_set(why, -EINVAL, "\"%s\" is no plane: too small", control->path);
	control->length = (uint64_t)st.st_size;
	control->head = mmap(NULL, control->length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (control->head == MAP_FAILED)
		return why_set(why, -errno, "cannot map \"%s\": %s", control->path,
			       strerror(errno));
	problem = plane_check(control->head, control->length);
	if (problem)
		return why_set(why, -EINVAL, "\"%s\" is no plane of this failkit: %s",
			       control->path, problem);
	return check_boot(control, why);
}

int control_map(struct control *control, const char *path, struct why *why)
{
	const char *base = strrchr(path, '/');
	int fd, rc;

	base = base ? base + 1 : path;
	if (strncmp(base, "failkit.", 8) == 0)
		base += 8;
	snprintf(control->name, sizeof(control->name), "%.*s", CONTROL_NAME_MAX - 1, base);
	if (path != control->path)
		snprintf(control->path, sizeof(control->path), "%s", path);
	fd = open(control->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return why_set(why, -errno,
			       errno == ENOENT ? "there is no plane \"%s\""
					       : "cannot open plane \"%s\": %m",
			       control->path);
	rc = map_fd(control, fd, why);
	close(fd);
	if (rc && control->head && control->head != MAP_FAILED)
		munmap(control->head, control->length);
	if (rc)
		control->head = NULL;
	return rc;
}

struct only {
	unsigned planes;
	char name[CONTROL_NAME_MAX];
	char list[WHY_MAX / 2];
};

static int add_only(void *arg, const struct control_plane *plane)
{
	struct only *only = arg;
	size_t used = strlen(only->list);

	if (plane->dead || plane->problem[0])
		return 0;
	only->planes++;
	snprintf(only->name, sizeof(only->name), "%s", plane->name);
	snprintf(only->list + used, sizeof(only->list) - used, "%s%s", used ? ", " : "",
		 plane->name);
	return 0;
}

static int choose_only(struct control *control, struct why *why)
{
	struct only only = {0};
	int rc = control_planes(add_only, &only);

	if (rc)
		return why_set(why, rc, "cannot list \"%s\": %s", control_directory(),
			       strerror(-rc));
	if (only.planes == 0)
		return why_set(why, -ENOENT, "there is no plane in \"%s\"", control_directory());
	if (only.planes > 1)
		return why_set(why, -EINVAL, "there are %u planes, name one of them: %s",
			       only.planes, only.list);
	return set_name(control, only.name, why);
}

int control_open(struct control **out, const char *name, struct why *why)
{
	struct control *control = calloc(1, sizeof(*control));
	int rc = 0;

	if (!control)
		return why_set(why, -ENOMEM, "no memory for a plane");
	if (!name)
		rc = choose_only(control, why);
	else if (!strchr(name, '/'))
		rc = set_name(control, name, why);
	if (!rc)
		rc = control_map(control, name && strchr(name, '/') ? name : control->path, why);
	if (rc) {
		free(control);
		return rc;
	}
	*out = control;
	return 0;
}

void control_close(struct control *control)
{
	if (!control)
		return;
	if (control_end_lease(control))
		munmap(control->head, control->length);
	free(control);
}

int control_unlink(struct control *control)
{
	return unlink(control->path) == 0 ? 0 : -errno;
}

const char *control_name(const struct control *control)
{
	return control->name;
}

const char *control_path(const struct control *control)
{
	return control->path;
}
