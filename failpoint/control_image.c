/* control_image.c - see control_impl.h: programs that can't load the interposer, processes that run
 * without it. */
#include <ctype.h>
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "failpoint/control_impl.h"

/* ---- Programs ---- */

enum { LINE_MAX_ = 512, SEGMENT_MAX = 64, SCRIPT_DEPTH = 4 };

/* A name without "/" as execvp() would find it. */
static int open_program(const char *program)
{
	const char *path = getenv("PATH"), *at = path ? path : "/usr/bin:/bin";

	if (strchr(program, '/'))
		return open(program, O_RDONLY | O_CLOEXEC);
	for (; *at; at += strcspn(at, ":"), at += *at == ':') {
		char name[PATH_MAX];
		int fd;

		if (snprintf(name, sizeof(name), "%.*s/%s", (int)strcspn(at, ":"), at, program) >=
		    (int)sizeof(name))
			continue;
		fd = open(name, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

static bool changes_user(int fd, uid_t owner)
{
	struct stat st;

	if (owner == 0 || fstat(fd, &st))
		return false;
	return (st.st_mode & S_ISUID && st.st_uid != owner) || st.st_mode & S_ISGID ||
	       fgetxattr(fd, "security.capability", NULL, 0) > 0;
}

static const char *elf_refuses(int fd)
{
	Elf64_Ehdr head;
	Elf64_Phdr segment;

	if (pread(fd, &head, sizeof(head), 0) != sizeof(head) ||
	    memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
		return NULL;
	if (head.e_ident[EI_CLASS] != ELFCLASS64)
		return "is a 32-bit program: the interposer has 64 bits";
	for (unsigned i = 0; i < head.e_phnum && i < SEGMENT_MAX; i++) {
		off_t at = (off_t)(head.e_phoff + (uint64_t)i * head.e_phentsize);

		if (pread(fd, &segment, sizeof(segment), at) != sizeof(segment))
			return NULL;
		if (segment.p_type == PT_INTERP)
			return NULL;
	}
	return "is static: it loads no library (the notify tier, --static, reaches it)";
}

/* What runs a script: the first word of its first line. */
static bool interpreter(int fd, char name[LINE_MAX_])
{
	char line[LINE_MAX_];
	ssize_t n = pread(fd, line, sizeof(line) - 1, 0);
	size_t from;

	if (n < 3 || line[0] != '#' || line[1] != '!')
		return false;
	line[n] = 0;
	from = 2 + strspn(line + 2, " \t");
	snprintf(name, LINE_MAX_, "%.*s", (int)strcspn(line + from, " \t\n"), line + from);
	return name[0] != 0;
}

static const char *refuses(const char *program, uid_t owner, int depth)
{
	char name[LINE_MAX_];
	const char *reason = NULL;
	int fd = open_program(program);

	if (fd < 0)
		return NULL;
	if (interpreter(fd, name))
		reason = depth < SCRIPT_DEPTH ? refuses(name, owner, depth + 1) : NULL;
	else if (changes_user(fd, owner))
		reason = "is setuid, or has capabilities: the loader ignores LD_PRELOAD";
	else
		reason = elf_refuses(fd);
	close(fd);
	return reason;
}

const char *control_refuses(const char *program, uid_t user)
{
	return *program ? refuses(program, user, 0) : NULL;
}

/* ---- Processes ---- */

struct table {
	struct control *control;
	struct entry {
		pid_t pid, parent;
		struct plane_slot *slot;
	} * at;
	size_t count, room;
};

static pid_t parent_of(pid_t pid)
{
	char path[64], text[512];
	const char *end;
	int fd, parent = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	end = strrchr(text, ')');
	return end && sscanf(end + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

static struct plane_slot *slot_of(struct control *control, pid_t pid)
{
	struct identity id, self;

	identity_self(&self);
	for (unsigned i = 0, used = control_slots_used(control); i < used; i++) {
		struct plane_slot *slot = control_slot(control, i);

		control_slot_process(slot, &id);
		if (control_slot_is_running(slot) && id.pid == (uint32_t)pid &&
		    id.pidns == self.pidns && identity_may_live(&id))
			return slot;
	}
	return NULL;
}

static bool read_processes(struct table *table)
{
	DIR *dir = opendir("/proc");
	struct dirent *name;

	while (dir && (name = readdir(dir))) {
		pid_t pid = atoi(name->d_name);

		if (pid <= 0)
			continue;
		if (table->count == table->room) {
			size_t room = table->room ? table->room * 2 : 256;
			void *more = reallocarray(table->at, room, sizeof(*table->at));

			if (!more)
				break;
			table->at = more;
			table->room = room;
		}
		table->at[table->count++] =
			(struct entry){pid, parent_of(pid), slot_of(table->control, pid)};
	}
	if (dir)
		closedir(dir);
	return table->count > 0;
}

static struct plane_slot *nearest_slot(const struct table *table, const struct entry *entry)
{
	for (size_t steps = 0; entry && steps < table->count; steps++) {
		const struct entry *parent = NULL;

		if (entry->slot)
			return entry->slot;
		for (size_t i = 0; i < table->count && !parent; i++)
			if (table->at[i].pid == entry->parent)
				parent = &table->at[i];
		entry = parent;
	}
	return NULL;
}

/* Is the plane among the mappings? A process that is ending has none at all, and is no stranger. */
static bool has_plane(struct control *control, pid_t pid)
{
	char path[64], line[PATH_MAX + 128];
	bool found = false, any = false;
	struct stat st;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	if (!maps || stat(control->path, &st)) {
		if (maps)
			fclose(maps);
		return true;
	}
	while (!found && fgets(line, sizeof(line), maps)) {
		unsigned major_, minor_;
		unsigned long long inode;

		any = true;
		found = sscanf(line, "%*s %*s %*s %x:%x %llu", &major_, &minor_, &inode) == 3 &&
			inode == st.st_ino && makedev(major_, minor_) == st.st_dev;
	}
	fclose(maps);
	return found || !any;
}

void image_strangers(struct control *control,
		     void (*each)(void *arg, struct plane_slot *slot, pid_t pid), void *arg)
{
	struct table table = {.control = control};

	if (control_slots_used(control) == 0 || !read_processes(&table))
		return;
	for (size_t i = 0; i < table.count; i++) {
		struct plane_slot *slot = nearest_slot(&table, &table.at[i]);

		if (slot && !atomic_load(&slot->escapes.supervised) &&
		    !has_plane(control, table.at[i].pid))
			each(arg, slot, table.at[i].pid);
	}
	free(table.at);
}
