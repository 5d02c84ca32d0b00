/* control_alive.c - see control_impl.h: processes by identity, and time. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "failpoint/control_impl.h"

/* The pid namespace of the machine itself: from there every process can be seen. */
#define PIDNS_INITIAL UINT64_C(0xeffffffc)

static bool read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, size - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = 0;
	return true;
}

/* State and start time: fields 3 and 22, counted after the last ")" since a comm may hold one. */
static bool read_stat(pid_t pid, char *state, uint64_t *start_ticks)
{
	char path[64], text[1024];
	unsigned long long ticks;
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (!read_text(path, text, sizeof(text)))
		return false;
	at = strrchr(text, ')');
	if (!at || sscanf(at + 1,
			  " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s"
			  " %*s %*s %llu",
			  state, &ticks) != 2)
		return false;
	*start_ticks = ticks;
	return true;
}

/* Is this process of ours the one that calls itself pid in its own namespace? */
static bool is_inner_pid(pid_t outer, pid_t pid)
{
	char path[64], text[4096];
	const char *line, *end;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)outer);
	if (!read_text(path, text, sizeof(text)))
		return false;
	line = strstr(text, "\nNSpid:");
	if (!line)
		return false;
	end = strchrnul(line + 1, '\n');
	while (end > line && isdigit((unsigned char)end[-1]))
		end--;
	return atoi(end) == pid;
}

/* The pid here of a process of another namespace, 0 when it is not to be seen. */
static pid_t find_outer_pid(const struct identity *id)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	pid_t found = 0;

	if (!dir)
		return 0;
	while (!found && (entry = readdir(dir))) {
		pid_t pid = atoi(entry->d_name);
		uint64_t ticks;
		char state;

		if (pid > 0 && read_stat(pid, &state, &ticks) && ticks == id->start_ticks &&
		    state != 'Z' && state != 'X' && is_inner_pid(pid, (pid_t)id->pid))
			found = pid;
	}
	closedir(dir);
	return found;
}

bool process_is_alive(const struct identity *id)
{
	struct identity self;

	identity_self(&self);
	if (id->pidns == self.pidns)
		return identity_may_live(id);
	return find_outer_pid(id) != 0 || self.pidns != PIDNS_INITIAL;
}

bool process_thread_is_alive(const struct identity *id, pid_t tid)
{
	struct identity self;
	char path[64];

	if (!process_is_alive(id))
		return false;
	identity_self(&self);
	if (id->pidns != self.pidns)
		return true;
	snprintf(path, sizeof(path), "/proc/%u/task/%d", id->pid, (int)tid);
	return access(path, F_OK) == 0;
}

int64_t control_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void control_sleep_ns(int64_t ns)
{
	struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

	nanosleep(&t, NULL);
}

bool control_is_past(int64_t deadline_ns)
{
	return deadline_ns >= 0 && control_now_ns() >= deadline_ns;
}

int control_futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t timeout_ns)
{
	struct timespec t = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};

	return syscall(SYS_futex, word, FUTEX_WAIT, value, &t, NULL, 0) == 0 ? 0 : -errno;
}

void control_futex_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}
