/* driver.c - the drivers there are. */
#include "runner/driver.h"

#include <errno.h>
#include <string.h>

#include "failpoint/names.h"

static const struct driver *const drivers[] = {&driver_kv, &driver_webdav};
enum { DRIVERS = sizeof(drivers) / sizeof(drivers[0]) };

static const char *name_at(const void *arg, size_t i)
{
	(void)arg;
	return i < DRIVERS ? drivers[i]->name : NULL;
}

const struct driver *driver_find(const char *name, struct why *why)
{
	for (int i = 0; i < DRIVERS; i++)
		if (strcmp(drivers[i]->name, name) == 0)
			return drivers[i];
	names_refuse(why, -ENOENT, "driver", name, name_at, NULL);
	return NULL;
}
