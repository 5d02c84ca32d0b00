/* loop_point.c KIND N - N passages of a failpoint that does not fire: "empty" (only the loop),
 * "failpoint" (ours; FAILPOINTS may arm it), "fiu" (libfiu's), "fiu_armed" (enabled at chance 0).
 * For instruction counts; each library's loop is a function of its own. */
#define FIU_ENABLE
#include <fiu-control.h>
#include <fiu.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failkit/failpoint.h"

static volatile long sink;

static void loop_empty(long n)
{
	for (long i = 0; i < n; i++)
		sink = i;
}

static void loop_failpoint(long n)
{
	for (long i = 0; i < n; i++) {
		FAILPOINT("bench/point");
		sink = i;
	}
}

static void loop_fiu(long n)
{
	for (long i = 0; i < n; i++) {
		if (fiu_fail("bench/point"))
			exit(1);
		sink = i;
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*loop)(long);
	} kinds[] = {{"empty", loop_empty},
		     {"failpoint", loop_failpoint},
		     {"fiu", loop_fiu},
		     {"fiu_armed", loop_fiu}};

	fiu_init(0);
	if (argc == 3 && !strcmp(argv[1], "fiu_armed"))
		fiu_enable_random("bench/point", 1, NULL, 0, 0.0f);
	for (size_t i = 0; argc == 3 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(argv[1], kinds[i].name)) {
			kinds[i].loop(strtol(argv[2], NULL, 10));
			return 0;
		}
	fprintf(stderr, "loop_point: wanted empty, failpoint, fiu or fiu_armed, and a number\n");
	return 2;
}
