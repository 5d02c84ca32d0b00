/*
 * serving.h - a server to make clusters of: the test program itself, started with "serve".
 *
 *     serve ADDRESS PORT     answers every connection with 200 and the file "health" of its folder
 *
 * It lets SIGTERM end it at once, unless there is a file "stubborn" beside. With a file "leaves" there
 * is a child of its own that has left its process group, before it serves.
 */
#ifndef UNIT_SERVING_H
#define UNIT_SERVING_H

#include "sandboxed.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static char own_path[PATH_MAX];

static inline int serve_listen(const char *address, const char *port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    inet_pton(AF_INET, address, &at.sin_addr) != 1 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 16)) {
		perror(address);
		exit(9);
	}
	return fd;
}

static inline void serve_one(int connection)
{
	char request[4096], health[1024] = "{}", answer[2048];
	FILE *file = fopen("health", "re");
	int n;

	if (file && !fgets(health, sizeof(health), file))
		health[0] = 0;
	if (file)
		fclose(file);
	if (read(connection, request, sizeof(request)) <= 0)
		return;
	n = snprintf(answer, sizeof(answer),
		     "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
		     strlen(health), health);
	if (write(connection, answer, (size_t)n) != n)
		perror("write");
}

static inline void leave_group(void)
{
	int left[2];
	char word;

	if (pipe(left))
		exit(9);
	if (fork() == 0) {
		setsid();
		close(left[0]);
		close(left[1]);
		for (;;)
			pause();
	}
	close(left[1]);
	if (read(left[0], &word, 1) != 0)
		exit(9);
	close(left[0]);
}

static inline int serve(const char *address, const char *port)
{
	int fd;

	if (access("leaves", F_OK) == 0)
		leave_group();
	fd = serve_listen(address, port);
	if (access("stubborn", F_OK) == 0)
		signal(SIGTERM, SIG_IGN);
	fprintf(stderr, "serving at %s:%s\n", address, port);
	for (;;) {
		int connection = accept(fd, NULL, NULL);

		if (connection < 0)
			return 1;
		serve_one(connection);
		close(connection);
	}
}

/* To be called first in main(): does not return when this is a server. */
static inline void serve_if_asked(int argc, char **argv)
{
	ssize_t n = readlink("/proc/self/exe", own_path, sizeof(own_path) - 1);

	if (n <= 0)
		exit(9);
	own_path[n] = 0;
	if (argc == 4 && strcmp(argv[1], "serve") == 0)
		exit(serve(argv[2], argv[3]));
}

/* A plan of two roles, ms and ds, with what else is to stand in [role ds] and after it. */
static inline struct plan *serving_plan(const char *dir, const char *more)
{
	char text[16384], path[PATH_MAX];
	struct plan *plan = NULL;
	struct why why = {""};

	snprintf(text, sizeof(text),
		 "[store]\nendpoints = ds\n"
		 "[role ms]\ncommand = %s serve {addr} 7000\nready = tcp://{addr}:7000\n"
		 "[role ds]\ncount = 2\nspares = 1\ncommand = '%s' serve {addr} \"7000\"\n"
		 "ready = http://{addr}:7000/health\n%s",
		 own_path, own_path, more);
	write_text(dir, "p.ini", text);
	snprintf(path, sizeof(path), "%s/p.ini", dir);
	if (plan_read(&plan, path, NULL, &why)) {
		fprintf(stderr, "%s\n", why.text);
		exit(98);
	}
	return plan;
}

#endif
