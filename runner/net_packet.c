/* net_packet.c - see net_packet.h. */
#include "runner/net_packet.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>

static size_t ip_size(const uint8_t *packet)
{
	return (size_t)(packet[0] & 0xf) * 4;
}

static size_t tcp_size(const uint8_t *packet)
{
	return (size_t)(packet[ip_size(packet) + 12] >> 4) * 4;
}

static struct iphdr ip_of(const uint8_t *packet)
{
	struct iphdr ip;

	memcpy(&ip, packet, sizeof(ip));
	return ip;
}

static struct tcphdr tcp_of(const uint8_t *packet)
{
	struct tcphdr tcp;

	memcpy(&tcp, packet + ip_size(packet), sizeof(tcp));
	return tcp;
}

static void read_tcp(struct shape_packet *out, const uint8_t *packet, size_t size)
{
	size_t head = ip_size(packet);
	struct tcphdr tcp;

	if (size < head + sizeof(tcp) || size < head + tcp_size(packet))
		return;
	tcp = tcp_of(packet);
	out->tcp = true;
	out->syn = tcp.syn;
	out->ports = (struct shape_ports){ntohs(tcp.source), ntohs(tcp.dest)};
	out->payload = (uint32_t)(size - head - tcp_size(packet));
}

bool packet_read(struct shape_packet *out, uint32_t *from, uint32_t *to, const uint8_t *packet,
		 size_t size)
{
	struct iphdr ip;

	if (size < sizeof(ip) || packet[0] >> 4 != 4 || ip_size(packet) < sizeof(ip) ||
	    size < ip_size(packet))
		return false;
	ip = ip_of(packet);
	*out = (struct shape_packet){.length = (uint32_t)size};
	*from = ntohl(ip.saddr);
	*to = ntohl(ip.daddr);
	if (ntohs(ip.tot_len) != size)
		return false;
	if (ip.protocol == IPPROTO_TCP)
		read_tcp(out, packet, size);
	return true;
}

static uint32_t sum(uint32_t so_far, const uint8_t *data, size_t size)
{
	for (; size > 1; data += 2, size -= 2)
		so_far += (uint32_t)(data[0] << 8 | data[1]);
	if (size)
		so_far += (uint32_t)data[0] << 8;
	return so_far;
}

static uint16_t fold(uint32_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return htons((uint16_t)~total);
}

/* Fills in both checksums of a TCP packet of this size. */
static void seal(uint8_t *packet, size_t size)
{
	size_t head = ip_size(packet), rest = size - head;
	struct iphdr ip = ip_of(packet);
	struct tcphdr tcp = tcp_of(packet);

	ip.tot_len = htons((uint16_t)size);
	ip.check = 0;
	memcpy(packet, &ip, sizeof(ip));
	ip.check = fold(sum(0, packet, head));
	memcpy(packet, &ip, sizeof(ip));
	tcp.check = 0;
	memcpy(packet + head, &tcp, sizeof(tcp));
	/* The addresses are the 8 bytes from offset 12. */
	tcp.check =
		fold(sum(sum(IPPROTO_TCP + (uint32_t)rest, packet + 12, 8), packet + head, rest));
	memcpy(packet + head, &tcp, sizeof(tcp));
}

size_t packet_shorten(uint8_t *packet, uint32_t keep)
{
	size_t head = ip_size(packet), size = head + tcp_size(packet) + keep;
	struct tcphdr tcp = tcp_of(packet);

	tcp.fin = 0; /* the end of what was there is not the end of what is left */
	memcpy(packet + head, &tcp, sizeof(tcp));
	seal(packet, size);
	return size;
}

static void make_reset(uint8_t reset[RESET_SIZE], uint32_t from, uint32_t to, uint16_t from_port,
		       uint16_t to_port, uint32_t sequence, uint32_t acknowledged)
{
	struct iphdr ip = {.version = 4,
			   .ihl = 5,
			   .ttl = 64,
			   .protocol = IPPROTO_TCP,
			   .saddr = from,
			   .daddr = to};
	struct tcphdr tcp = {.source = from_port,
			     .dest = to_port,
			     .seq = sequence,
			     .ack_seq = acknowledged,
			     .doff = 5,
			     .rst = 1,
			     .ack = 1};

	memcpy(reset, &ip, sizeof(ip));
	memcpy(reset + sizeof(ip), &tcp, sizeof(tcp));
	seal(reset, RESET_SIZE);
}

void packet_resets(const uint8_t *packet, uint8_t receiver[RESET_SIZE], uint8_t sender[RESET_SIZE])
{
	struct iphdr ip = ip_of(packet);
	struct tcphdr tcp = tcp_of(packet);
	uint32_t payload = (uint32_t)(ntohs(ip.tot_len) - ip_size(packet) - tcp_size(packet));
	uint32_t next = htonl(ntohl(tcp.seq) + payload);

	make_reset(receiver, ip.saddr, ip.daddr, tcp.source, tcp.dest, next, tcp.ack_seq);
	make_reset(sender, ip.daddr, ip.saddr, tcp.dest, tcp.source, tcp.ack_seq, next);
}
