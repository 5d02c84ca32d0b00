/* calls.c - see calls.h and calls.def. */
#include "failpoint/calls.h"

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>

/* Architectures without the old calls have only their *at forms. */
enum {
	NO_NUMBER = -1,
#ifndef SYS_open
	SYS_open = NO_NUMBER,
	SYS_creat = NO_NUMBER,
	SYS_rename = NO_NUMBER,
	SYS_unlink = NO_NUMBER,
	SYS_link = NO_NUMBER,
	SYS_mkdir = NO_NUMBER,
	SYS_rmdir = NO_NUMBER,
	SYS_dup2 = NO_NUMBER,
	SYS_symlink = NO_NUMBER,
	SYS_readlink = NO_NUMBER,
	SYS_mknod = NO_NUMBER,
	SYS_stat = NO_NUMBER,
	SYS_lstat = NO_NUMBER,
	SYS_access = NO_NUMBER,
	SYS_chmod = NO_NUMBER,
	SYS_chown = NO_NUMBER,
	SYS_lchown = NO_NUMBER,
	SYS_utime = NO_NUMBER,
	SYS_utimes = NO_NUMBER,
	SYS_futimesat = NO_NUMBER,
	SYS_pipe = NO_NUMBER,
	SYS_epoll_create = NO_NUMBER,
	SYS_epoll_wait = NO_NUMBER,
	SYS_time = NO_NUMBER,
	SYS_poll = NO_NUMBER,
	SYS_select = NO_NUMBER,
#endif
#ifndef SYS_renameat
	SYS_renameat = NO_NUMBER,
#endif
};

#define NOTHING       SUBJECT_NONE
#define FD(...)       SUBJECT_FD
#define FD_FLAGS(...) SUBJECT_FD
#define SOCKET(...)   SUBJECT_FD
#define STREAM(...)   SUBJECT_FD
#define ADDRESS(...)  SUBJECT_FD
#define MAPPING(...)  SUBJECT_MAPPING
#define PATH(...)     SUBJECT_PATH
#define PATH_AT(...)  SUBJECT_PATH
#define PATHS(...)    SUBJECT_PATHS
enum { NO_BYTES, MAKES, MOVES };
#define BYTES(...)      MOVES
#define DATA(...)       MOVES
#define NETWORK_CLASSES (CLASS_SEND | CLASS_RECV | CLASS_CONNECT)
#define ERRS(...)       ((const uint16_t[]){__VA_ARGS__, 0})
#define FACTS(n, f, s, m, number_, c, e)        \
	{.name = n,                             \
	 .classes = (c),                        \
	 .fails = f,                            \
	 .subject = s,                          \
	 .amount = (m) == MOVES,                \
	 .makes = (m) == MAKES,                 \
	 .network = ((c)&NETWORK_CLASSES) != 0, \
	 .number = number_,                     \
	 .errnos = e},
#define CALL(name, ret, params, args, f, s, m, number, c, e) \
	[CALL_##name] = FACTS(#name, FAILS_##f, s, m, number, c, e)
#define CUSTOM(name, ret, params, args, f, s, m, number, c, e) \
	[CALL_##name] = FACTS(#name, FAILS_##f, s, m, number, c, e)
#define ALIAS(alias, name)
const struct call_info call_table[CALL_COUNT] = {
#include "calls.def"
};
#undef CALL
#undef CUSTOM
#undef ALIAS

_Static_assert((int)CALL_COUNT <= (int)CALL_MAX, "armed[] has room for every call");

#define CALL(name, ...)
#define CUSTOM(name, ...)
#define ALIAS(alias, name) {#alias, CALL_##name},
const struct call_alias call_aliases[] = {
#include "calls.def"
	{0, 0},
};
#undef CALL
#undef CUSTOM
#undef ALIAS

enum { ALIAS_COUNT = sizeof(call_aliases) / sizeof(call_aliases[0]) - 1 };

static const struct {
	const char *name;
	uint32_t bit;
} classes[] = {
	{"write", CLASS_WRITE}, {"read", CLASS_READ},   {"sync", CLASS_SYNC},
	{"send", CLASS_SEND},   {"recv", CLASS_RECV},   {"connect", CLASS_CONNECT},
	{"space", CLASS_SPACE}, {"meta", CLASS_META},   {"clock", CLASS_CLOCK},
	{"alloc", CLASS_ALLOC}, {"stdio", CLASS_STDIO}, {"all", CLASS_ALL},
};

/* The first name of a number is the one printed. */
/* clang-format off */
#define E(name) {#name, name},
static const struct {
	const char *name;
	int error;
} errors[] = {
	E(EPERM) E(ENOENT) E(ESRCH) E(EINTR) E(EIO) E(ENXIO) E(E2BIG) E(ENOEXEC) E(EBADF)
	E(ECHILD) E(EAGAIN) E(ENOMEM) E(EACCES) E(EFAULT) E(ENOTBLK) E(EBUSY) E(EEXIST)
	E(EXDEV) E(ENODEV) E(ENOTDIR) E(EISDIR) E(EINVAL) E(ENFILE) E(EMFILE) E(ENOTTY)
	E(ETXTBSY) E(EFBIG) E(ENOSPC) E(ESPIPE) E(EROFS) E(EMLINK) E(EPIPE) E(EDOM) E(ERANGE)
	E(EDEADLK) E(ENAMETOOLONG) E(ENOLCK) E(ENOSYS) E(ENOTEMPTY) E(ELOOP) E(ENOMSG) E(EIDRM)
	E(ECHRNG) E(EL2NSYNC) E(EL3HLT) E(EL3RST) E(ELNRNG) E(EUNATCH) E(ENOCSI) E(EL2HLT)
	E(EBADE) E(EBADR) E(EXFULL) E(ENOANO) E(EBADRQC) E(EBADSLT) E(EBFONT) E(ENOSTR)
	E(ENODATA) E(ETIME) E(ENOSR) E(ENONET) E(ENOPKG) E(EREMOTE) E(ENOLINK) E(EADV)
	E(ESRMNT) E(ECOMM) E(EPROTO) E(EMULTIHOP) E(EDOTDOT) E(EBADMSG) E(EOVERFLOW)
	E(ENOTUNIQ) E(EBADFD) E(EREMCHG) E(ELIBACC) E(ELIBBAD) E(ELIBSCN) E(ELIBMAX)
	E(ELIBEXEC) E(EILSEQ) E(ERESTART) E(ESTRPIPE) E(EUSERS) E(ENOTSOCK) E(EDESTADDRREQ)
	E(EMSGSIZE) E(EPROTOTYPE) E(ENOPROTOOPT) E(EPROTONOSUPPORT) E(ESOCKTNOSUPPORT)
	E(EOPNOTSUPP) E(EPFNOSUPPORT) E(EAFNOSUPPORT) E(EADDRINUSE) E(EADDRNOTAVAIL)
	E(ENETDOWN) E(ENETUNREACH) E(ENETRESET) E(ECONNABORTED) E(ECONNRESET) E(ENOBUFS)
	E(EISCONN) E(ENOTCONN) E(ESHUTDOWN) E(ETOOMANYREFS) E(ETIMEDOUT) E(ECONNREFUSED)
	E(EHOSTDOWN) E(EHOSTUNREACH) E(EALREADY) E(EINPROGRESS) E(ESTALE) E(EUCLEAN) E(ENOTNAM)
	E(ENAVAIL) E(EISNAM) E(EREMOTEIO) E(EDQUOT) E(ENOMEDIUM) E(EMEDIUMTYPE) E(ECANCELED)
	E(ENOKEY) E(EKEYEXPIRED) E(EKEYREVOKED) E(EKEYREJECTED) E(EOWNERDEAD)
	E(ENOTRECOVERABLE) E(ERFKILL) E(EHWPOISON) E(EWOULDBLOCK) E(EDEADLOCK) E(ENOTSUP)
};
#undef E
/* clang-format on */

/* name is text of that length, which need not end there. */
static bool name_is(const char *name, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!name[i] || name[i] != text[i])
			return false;
	return !name[length];
}

int calls_find(const char *name, size_t length)
{
	for (int i = 0; i < CALL_COUNT; i++)
		if (name_is(call_table[i].name, name, length))
			return i;
	for (int i = 0; i < ALIAS_COUNT; i++)
		if (name_is(call_aliases[i].alias, name, length))
			return call_aliases[i].call;
	return -1;
}

uint32_t calls_class(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (name_is(classes[i].name, name, length))
			return classes[i].bit;
	return 0;
}

const char *calls_class_name(uint32_t bit)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (classes[i].bit == bit)
			return classes[i].name;
	return NULL;
}

bool calls_errno_is_legal(unsigned call, int error)
{
	if (call >= CALL_COUNT || error <= 0)
		return false;
	for (const uint16_t *e = call_table[call].errnos; *e; e++)
		if (*e == error)
			return true;
	return false;
}

int calls_errno(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (name_is(errors[i].name, name, length))
			return errors[i].error;
	return 0;
}

const char *calls_errno_name(int error)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].error == error)
			return errors[i].name;
	return NULL;
}

const char *calls_name_at(size_t i)
{
	if (i < CALL_COUNT)
		return call_table[i].name;
	i -= CALL_COUNT;
	return i < ALIAS_COUNT ? call_aliases[i].alias : NULL;
}

/* FNV-1a. */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static uint64_t hash_name(uint64_t hash, const char *name)
{
	do
		hash = hash_bytes(hash, name, 1);
	while (*name++);
	return hash;
}

uint64_t calls_hash(void)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (int i = 0; i < CALL_COUNT; i++) {
		const struct call_info *info = &call_table[i];
		uint64_t facts[] = {info->classes,         info->fails, info->subject,
				    info->amount,          info->makes, info->network,
				    (uint64_t)info->number};

		hash = hash_name(hash, info->name);
		hash = hash_bytes(hash, facts, sizeof(facts));
	}
	for (int i = 0; i < ALIAS_COUNT; i++) {
		hash = hash_name(hash, call_aliases[i].alias);
		hash = hash_bytes(hash, &call_aliases[i].call, sizeof(call_aliases[i].call));
	}
	return hash;
}
