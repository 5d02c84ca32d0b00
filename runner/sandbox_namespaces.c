/* sandbox_namespaces.c - see sandbox_namespaces.h for the model. */
#include "runner/sandbox_namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runner/plan.h"
#include "runner/sandbox.h"

static const unsigned attempts[] = {
	SANDBOX_MOUNT | SANDBOX_PID | SANDBOX_NET,
	SANDBOX_MOUNT | SANDBOX_PID | SANDBOX_NET | SANDBOX_USER,
	SANDBOX_MOUNT | SANDBOX_NET | SANDBOX_USER,
	SANDBOX_MOUNT | SANDBOX_PID,
	SANDBOX_MOUNT | SANDBOX_PID | SANDBOX_USER,
	0,
};

int sandbox_attempt(int i, int net)
{
	for (size_t n = 0; n < sizeof(attempts) / sizeof(attempts[0]); n++) {
		bool has_net = attempts[n] & SANDBOX_NET;

		if ((net == NET_PRIVATE && !has_net) || (net == NET_HOST && has_net))
			continue;
		if (i-- == 0)
			return (int)attempts[n];
	}
	return -1;
}

static int write_file(const char *path, const char *text, struct why *why)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int error = 0;

	if (fd < 0)
		return why_set(why, -errno, "%s: %s", path, strerror(errno));
	if (write(fd, text, strlen(text)) < 0)
		error = errno;
	close(fd);
	return error ? why_set(why, -error, "%s: %s", path, strerror(error)) : 0;
}

/* Makes us root in the new user namespace, and ourselves to all outside of it. */
static int map_user(uid_t uid, gid_t gid, struct why *why)
{
	char map[64];
	int r = write_file("/proc/self/setgroups", "deny", why);

	if (r)
		return r;
	snprintf(map, sizeof(map), "0 %u 1", (unsigned)uid);
	r = write_file("/proc/self/uid_map", map, why);
	if (r)
		return r;
	snprintf(map, sizeof(map), "0 %u 1", (unsigned)gid);
	return write_file("/proc/self/gid_map", map, why);
}

pid_t sandbox_fork(unsigned layers)
{
	if (!(layers & SANDBOX_USER))
		return fork();
	return (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
}

int sandbox_unshare(unsigned layers, uid_t uid, gid_t gid, struct why *why)
{
	static const struct {
		unsigned layer;
		int flags;
	} table[] = {
		/* Shared memory and semaphores of targets end with the run, too. */
		{SANDBOX_MOUNT, CLONE_NEWNS | CLONE_NEWIPC},
		{SANDBOX_NET, CLONE_NEWNET},
		{SANDBOX_PID, CLONE_NEWPID},
	};
	int flags = 0;
	int r = layers & SANDBOX_USER ? map_user(uid, gid, why) : 0;

	if (r)
		return r;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (layers & table[i].layer)
			flags |= table[i].flags;
	if (unshare(flags))
		return why_set(why, -errno, "no%s%s%s namespace: %s",
			       layers & SANDBOX_MOUNT ? " mount" : "",
			       layers & SANDBOX_NET ? " net" : "",
			       layers & SANDBOX_PID ? " pid" : "", strerror(errno));
	return 0;
}

static int mount_here(const char *type, const char *path, unsigned long flags, const char *options,
		      struct why *why)
{
	if (mount(type, path, type, flags, options))
		return why_set(why, -errno, "no %s of our own on %s: %s", type, path,
			       strerror(errno));
	return 0;
}

int sandbox_settle(unsigned layers, struct why *why)
{
	int r = 0;

	if (!(layers & SANDBOX_MOUNT))
		return 0;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return why_set(why, -errno, "mounts can't be made private: %s", strerror(errno));
	if (layers & SANDBOX_PID)
		r = mount_here("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, why);
	/* Planes, and whatever targets keep in POSIX shared memory. */
	if (r == 0)
		r = mount_here("tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777", why);
	if (r == 0 && setenv("FAILKIT_DIR", "/dev/shm", 1))
		r = -ENOMEM;
	return r;
}
