/* victim_buffer.c - passes N times a failpoint with a buffer; says how long it was and what it held. */
#include "failkit/failpoint.h"
#include "tests/preload/victim.h"

int main(int argc, char **argv)
{
	for (int n = argc > 1 ? atoi(argv[1]) : 1; n > 0; n--) {
		unsigned char page[16] = {0};
		size_t length = FAILPOINT_BUFFER("list/page", page, sizeof(page));

		printf("%zu", length);
		for (size_t i = 0; i < sizeof(page); i++)
			printf(" %02x", page[i]);
		printf("\n");
	}
	return 0;
}
