/*
 * main.c - refstore ROLE [options]: the reference store's one program.
 *
 * Exit codes: 0 stopped by SIGTERM or SIGINT, or done; 2 wrong usage; 3 cannot start (port in use,
 * log refused), or not done.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/refstore/bugs.h"
#include "tests/refstore/http_client.h"
#include "tests/refstore/node.h"

enum { EXIT_USAGE = 2, EXIT_START = 3 };
enum { NEEDS_DIR = 1, NEEDS_MS = 2, NEEDS_DB = 4, NEEDS_LISTEN = 8, NEEDS_SERVER = 16 };

static const struct role {
	const char *name, *what;
	int needs;
	int (*start)(const struct node *node, struct trouble *trouble);
} roles[] = {
	{"db", "metadata database: what exists", NEEDS_LISTEN | NEEDS_DIR, db_start},
	{"ms", "meta server: placement, liveness, repair", NEEDS_LISTEN | NEEDS_DB, ms_start},
	{"ds", "data server: log, chunk files, replication", NEEDS_LISTEN | NEEDS_DIR | NEEDS_MS,
	 ds_start},
	{"fe", "front end: objects over HTTP", NEEDS_LISTEN | NEEDS_MS | NEEDS_DB, fe_start},
	{"offline", "takes a data server out of service, and ends", NEEDS_MS | NEEDS_SERVER,
	 admin_offline},
	{"online", "takes it back, and ends", NEEDS_MS | NEEDS_SERVER, admin_online},
};

static int set_text(struct node *node, size_t offset, const char *value)
{
	memcpy((char *)node + offset, &value, sizeof(value));
	return 0;
}

static int set_number(struct node *node, size_t offset, const char *value)
{
	uint64_t n;

	if (!number_parse(value, &n) || n == 0)
		return -EINVAL;
	memcpy((char *)node + offset, &n, sizeof(n));
	return 0;
}

/* "3s", "500ms"; a bare number is milliseconds. */
static int set_time(struct node *node, size_t offset, const char *value)
{
	char digits[24];
	uint64_t n;
	const char *unit = value + strspn(value, "0123456789");

	snprintf(digits, sizeof(digits), "%.*s", (int)(unit - value), value);
	if (!number_parse(digits, &n) || n == 0 ||
	    (*unit && strcmp(unit, "ms") && strcmp(unit, "s")))
		return -EINVAL;
	n *= *unit == 's' ? 1000 : 1;
	memcpy((char *)node + offset, &n, sizeof(n));
	return 0;
}

static int set_flag(struct node *node, size_t offset, const char *value)
{
	(void)value;
	*((char *)node + offset) = true;
	return 0;
}

/* Planted by name now, for a bug names its role. */
static int set_bug(struct node *node, size_t offset, const char *value)
{
	struct trouble trouble;

	(void)offset;
	if (bugs_plant(value, node->role, &trouble) == 0)
		return 0;
	fprintf(stderr, "refstore: %s\n", trouble.text);
	exit(EXIT_USAGE);
}

static const struct option_row {
	const char *name, *value, *help;
	int (*set)(struct node *node, size_t offset, const char *value);
	size_t offset;
} options[] = {
	{"--listen", "ADDR[:PORT]", "where to serve", set_text, offsetof(struct node, listen)},
	{"--port", "PORT", "for addresses without one (7000)", set_number,
	 offsetof(struct node, port)},
	{"--dir", "DIR", "where to keep data, made if missing (db, ds)", set_text,
	 offsetof(struct node, dir)},
	{"--ms", "ADDR,...", "the meta servers (ds, fe, offline, online)", set_text,
	 offsetof(struct node, ms_list)},
	{"--db", "ADDR", "the database (ms, fe)", set_text, offsetof(struct node, db_list)},
	{"--server", "ADDR", "which data server (offline, online)", set_text,
	 offsetof(struct node, server)},
	{"--spare", NULL, "used for repair, and while others are dead (ds)", set_flag,
	 offsetof(struct node, spare)},
	{"--trust", NULL, "a data server's word for the bytes it sends (fe)", set_flag,
	 offsetof(struct node, trust)},
	{"--dead-after", "TIME", "without heartbeat (ms, 3s)", set_time,
	 offsetof(struct node, dead_after_ms)},
	{"--heartbeat", "TIME", "between heartbeats (ds, 500ms)", set_time,
	 offsetof(struct node, heartbeat_ms)},
	{"--garbage-after", "TIME", "age of a chunk to be asked about (ds, 15s)", set_time,
	 offsetof(struct node, garbage_after_ms)},
	{"--segment-kib", "SIZE", "of a log segment before its checkpoint (ds, 4096)", set_number,
	 offsetof(struct node, segment_kib)},
	{"--version-name", "TEXT", "what /health says (1)", set_text,
	 offsetof(struct node, version)},
	{"--bug", "NAME,...", "plant known bugs; see refstore --bugs", set_bug, 0},
};

static void print_usage(FILE *to)
{
	fputs("usage: refstore ROLE [OPTION]...\n       refstore --bugs | --help\n\nroles:\n", to);
	for (size_t i = 0; i < COUNT(roles); i++)
		fprintf(to, "  %-28s %s\n", roles[i].name, roles[i].what);
	fputs("\noptions:\n", to);
	for (size_t i = 0; i < COUNT(options); i++) {
		char text[64];

		snprintf(text, sizeof(text), "%s %s", options[i].name,
			 options[i].value ? options[i].value : "");
		fprintf(to, "  %-28s %s\n", text, options[i].help);
	}
}

static int usage_unknown(const char *kind, const char *word, const char *const *known, size_t count)
{
	const char *near = nearest_word(word, known, count);

	fprintf(stderr, "refstore: unknown %s \"%s\"%s%s%s\n", kind, word,
		near ? ", did you mean \"" : "", near ? near : "",
		near ? "\"?" : "; see refstore --help");
	return EXIT_USAGE;
}

static int parse_options(struct node *node, char **args)
{
	const char *names[COUNT(options)];

	for (size_t i = 0; i < COUNT(options); i++)
		names[i] = options[i].name;
	for (; *args; args++) {
		const struct option_row *row = NULL;

		for (size_t i = 0; i < COUNT(options) && !row; i++)
			if (strcmp(*args, options[i].name) == 0)
				row = &options[i];
		if (!row)
			return usage_unknown("option", *args, names, COUNT(names));
		const char *value = row->value ? args[1] : "";
		if (!value || row->set(node, row->offset, value) < 0) {
			fprintf(stderr, "refstore: %s wants %s, not \"%s\"\n", row->name,
				row->value, value ? value : "");
			return EXIT_USAGE;
		}
		args += row->value != NULL;
	}
	return 0;
}

/* Gives every address of a list its port. */
static void complete_addresses(const char *list, uint64_t port, char *to, size_t max)
{
	char item[ADDRESS_MAX], address[ADDRESS_MAX + 24];

	to[0] = 0;
	while (list && list_next(&list, item, sizeof(item))) {
		if (strchr(item, ':'))
			snprintf(address, sizeof(address), "%s", item);
		else
			snprintf(address, sizeof(address), "%s:%llu", item,
				 (unsigned long long)port);
		list_add(to, max, address);
	}
}

static int complete_node(struct node *node, int needs)
{
	const char *missing = (needs & NEEDS_LISTEN) && !node->listen   ? "--listen"
			      : (needs & NEEDS_DIR) && !node->dir       ? "--dir"
			      : (needs & NEEDS_MS) && !node->ms_list    ? "--ms"
			      : (needs & NEEDS_DB) && !node->db_list    ? "--db"
			      : (needs & NEEDS_SERVER) && !node->server ? "--server"
									: NULL;

	if (missing) {
		fprintf(stderr, "refstore: role %s wants %s\n", node->role, missing);
		return EXIT_USAGE;
	}
	complete_addresses(node->listen, node->port, node->address, sizeof(node->address));
	complete_addresses(node->ms_list, node->port, node->ms, sizeof(node->ms));
	complete_addresses(node->db_list, node->port, node->db, sizeof(node->db));
	if (!node->listen)
		return 0;
	const char *colon = strchr(node->address, ':');
	if (!colon || !number_parse(colon + 1, &node->port) || node->port > 65535) {
		fprintf(stderr, "refstore: --listen wants ADDR[:PORT], not \"%s\"\n", node->listen);
		return EXIT_USAGE;
	}
	snprintf(node->host, sizeof(node->host), "%.*s", (int)(colon - node->address),
		 node->address);
	return 0;
}

static int run(const struct role *role, struct node *node)
{
	struct trouble trouble = {""};
	sigset_t stop;
	int signal_number;

	/* Blocked before the first thread, so that only sigwait below gets them. */
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (node->dir && mkdir(node->dir, 0700) < 0 && errno != EEXIST) {
		fprintf(stderr, "refstore: cannot make \"%s\": %s\n", node->dir, strerror(errno));
		return EXIT_START;
	}
	client_init(node->host);
	if (role->start(node, &trouble) < 0) {
		fprintf(stderr, "refstore: %s %s: %s\n", node->role, node->address, trouble.text);
		fflush(stderr);
		_exit(EXIT_START);
	}
	if (!(role->needs & NEEDS_LISTEN))
		return 0;
	log_line("%s: serving at %s, version %s", node->role, node->address, node->version);
	sigwait(&stop, &signal_number);
	/* Nothing an acknowledgement rests on is in memory, so there is nothing to wind down. */
	_exit(0);
}

int main(int argc, char **argv)
{
	static struct node node = {.port = 7000,
				   .version = "1",
				   .dead_after_ms = 3000,
				   .heartbeat_ms = 500,
				   .garbage_after_ms = 15000,
				   .segment_kib = 4096};
	const char *names[COUNT(roles)];
	const struct role *role = NULL;

	if (argc < 2 || strcmp(argv[1], "--help") == 0) {
		print_usage(argc < 2 ? stderr : stdout);
		return argc < 2 ? EXIT_USAGE : 0;
	}
	if (strcmp(argv[1], "--bugs") == 0) {
		bugs_print(stdout);
		return 0;
	}
	for (size_t i = 0; i < COUNT(roles); i++) {
		names[i] = roles[i].name;
		if (strcmp(argv[1], roles[i].name) == 0)
			role = &roles[i];
	}
	if (!role)
		return usage_unknown("role", argv[1], names, COUNT(names));
	node.role = role->name;
	int error = parse_options(&node, argv + 2);
	if (!error)
		error = complete_node(&node, role->needs);
	return error ? error : run(role, &node);
}
