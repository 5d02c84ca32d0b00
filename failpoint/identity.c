/* identity.c - who is this process? See core.h. A pid alone is reused; with its start time and its
 * pid namespace it is one process for ever, also across exec. */
#include "failpoint/core.h"

enum { STAT_BYTES = 512, START_TIME_FIELD = 22 };

static long read_file(const char *path, char *text, size_t size)
{
	int fd = raw_open(path, O_RDONLY);
	long n;

	if (fd < 0)
		return fd;
	n = raw_read(fd, text, size - 1);
	raw_close(fd);
	text[n > 0 ? n : 0] = 0;
	return n;
}

static const char *read_digits(const char *at, uint64_t *out)
{
	*out = 0;
	for (; *at >= '0' && *at <= '9'; at++)
		*out = *out * 10 + (uint64_t)(*at - '0');
	return at;
}

/* Reads pid, state and start time from a line of /proc/PID/stat. The comm in it may hold blanks and
 * parentheses, so fields are counted from the last ")". */
static bool read_stat(const char *path, uint64_t *pid, char *state, uint64_t *start_ticks)
{
	char text[STAT_BYTES];
	const char *at = NULL;
	unsigned field = 2;

	if (read_file(path, text, sizeof(text)) <= 0)
		return false;
	read_digits(text, pid);
	for (const char *c = text; *c; c++)
		if (*c == ')')
			at = c;
	if (!at || at[1] != ' ')
		return false;
	*state = at[2];
	for (; *at && field < START_TIME_FIELD; at++)
		field += *at == ' ';
	read_digits(at, start_ticks);
	return *at != 0;
}

void identity_self(struct identity *out)
{
	struct statx st;
	uint64_t pid, start;
	char state;

	out->pid = raw_getpid();
	out->pad = 0;
	out->start_ticks = read_stat("/proc/self/stat", &pid, &state, &start) ? start : 0;
	out->pidns = raw_statx("/proc/self/ns/pid", AT_FDCWD, &st) == 0 ? st.stx_ino : 0;
}

/* Two that share a number while both live are in different namespaces. Opens nothing: the process may
 * have no descriptor left. */
bool identity_is_own(void)
{
	struct statx st;

	return raw_getpid() == core.pid &&
	       (!core.slot || raw_statx("/proc/self/ns/pid", AT_FDCWD, &st) < 0 ||
		st.stx_ino == core.slot->pidns_inode);
}

/* /proc can only be asked where it belongs to our own pid namespace. */
static bool proc_is_ours(void)
{
	uint64_t pid, start;
	char state;

	return read_stat("/proc/self/stat", &pid, &state, &start) && pid == raw_getpid();
}

bool identity_may_live(const struct identity *id)
{
	char path[16 + RAW_DIGITS] = "/proc/";
	uint64_t pid, start;
	struct statx st;
	char state;
	size_t n = 6;

	if (raw_statx("/proc/self/ns/pid", AT_FDCWD, &st) < 0 || st.stx_ino != id->pidns)
		return true;
	if (raw_kill(id->pid, 0) == -ESRCH)
		return false;
	if (!id->start_ticks || !proc_is_ours())
		return true;
	n += raw_number(path + n, id->pid);
	raw_copy(path + n, sizeof(path) - n, "/stat", 5);
	if (!read_stat(path, &pid, &state, &start))
		return false;
	return start == id->start_ticks && state != 'Z' && state != 'X';
}

static unsigned hex_digit(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
}

void identity_boot(uint64_t boot_id[2])
{
	char text[64];
	unsigned digits = 0;

	boot_id[0] = boot_id[1] = 0;
	if (read_file("/proc/sys/kernel/random/boot_id", text, sizeof(text)) <= 0)
		return;
	for (const char *at = text; *at && digits < 32; at++) {
		if (*at == '-' || *at == '\n')
			continue;
		boot_id[digits / 16] = boot_id[digits / 16] << 4 | hex_digit(*at);
		digits++;
	}
}

void identity_comm(char comm[16])
{
	long n = read_file("/proc/self/comm", comm, 16);

	if (n <= 0)
		raw_thread_name(comm);
	else if (comm[n - 1] == '\n')
		comm[n - 1] = 0;
}
