/* driver.c - the drivers there are. */
#include "runner/driver.h"

#include <errno.h>
#include <string.h>

#include "runner/nearest.h"

static const struct driver *const drivers[] = {&driver_kv, &driver_webdav};
enum { DRIVERS = sizeof(drivers) / sizeof(drivers[0]) };

static const char *name_at(const void *arg, int i)
{
	(void)arg;
	return i < DRIVERS ? drivers[i]->name : NULL;
}

const struct driver *driver_find(const char *name, struct why *why)
{
	for (int i = 0; i < DRIVERS; i++)
		if (strcmp(drivers[i]->name, name) == 0)
			return drivers[i];
	const char *near = nearest(name, name_at, NULL);
	if (near)
		why_set(why, -ENOENT, "unknown driver \"%s\", did you mean \"%s\"", name, near);
	else
		why_set(why, -ENOENT, "unknown driver \"%s\", wanted kv or webdav", name);
	return NULL;
}
