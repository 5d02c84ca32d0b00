/* net_connections.c - see net_connections.h. */
#include "runner/net_connections.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/net.h"
#include "runner/net_command.h"

enum { ESTABLISHED = 1 }; /* of /proc/net/tcp */

int net_connections(uint32_t from, uint32_t to, struct shape_ports *out, int max)
{
	FILE *table = fopen("/proc/net/tcp", "re");
	unsigned local, local_port, remote, remote_port, state;
	char line[256];
	int found = 0;

	while (table && found < max && fgets(line, sizeof(line), table)) {
		if (sscanf(line, " %*u: %x:%x %x:%x %x", &local, &local_port, &remote, &remote_port,
			   &state) != 5 ||
		    state != ESTABLISHED || ntohl(local) != from || ntohl(remote) != to)
			continue;
		out[found++] = (struct shape_ports){(uint16_t)local_port, (uint16_t)remote_port};
	}
	if (table)
		fclose(table);
	return found;
}

int net_connections_reset(uint32_t from, uint32_t to, struct why *why)
{
	struct shape_ports ports[SHAPE_CONNECTIONS_MAX];
	struct in_addr ends[2] = {{htonl(from)}, {htonl(to)}};
	char text[2][INET_ADDRSTRLEN];
	int found, error;

	if (!net_can_cut())
		return why_set(why, -ENOTSUP, "idle connections can't be reset here");
	found = net_connections(from, to, ports, SHAPE_CONNECTIONS_MAX);
	for (int i = 0; i < 2; i++)
		inet_ntop(AF_INET, &ends[i], text[i], sizeof(text[i]));
	error = net_command(NULL, why, "ss -K -H -t state established src %s dst %s", text[1],
			    text[0]);
	return error ? error : found;
}

static int bind_datagram(uint32_t address, struct sockaddr_in *own)
{
	socklen_t size = sizeof(*own);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*own = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
	if (fd >= 0 && (bind(fd, (struct sockaddr *)own, size) ||
			getsockname(fd, (struct sockaddr *)own, &size))) {
		close(fd);
		return -1;
	}
	return fd;
}

bool net_probe(uint32_t from, uint32_t to, int limit_ms)
{
	struct sockaddr_in here, there;
	int out = bind_datagram(from, &here), in = bind_datagram(to, &there);
	struct pollfd wait = {.fd = in, .events = POLLIN};
	bool arrived = out >= 0 && in >= 0 &&
		       sendto(out, "?", 1, 0, (struct sockaddr *)&there, sizeof(there)) == 1 &&
		       poll(&wait, 1, limit_ms) == 1;

	if (out >= 0)
		close(out);
	if (in >= 0)
		close(in);
	return arrived;
}
