/*
 * disk.h - a node's disk of its own: a file system in memory, of a size that can be used up.
 *
 *     nodes/ds1         mount point; beneath it, unseen, the mark .not-kept
 *     nodes/ds1.kept    a copy of what is on the disk, while it is made
 *     nodes/ds1.load    what a former run had there, until it is on the new disk
 *
 * Such a disk ends with the mount namespace. So when its node has ended for good it is kept: copied
 * to where a plain folder would be. Who finds the mark there finds nothing of what was on it.
 */
#ifndef RUNNER_DISK_H
#define RUNNER_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "failkit/why.h"

/* In the place of the folder, with what is in it. -ENODATA: what was there was not kept. */
int disk_mount(const char *dir, int64_t bytes, struct why *why);
/* Copies it into the place of the mount point and unmounts. The node must have ended. */
int disk_keep(const char *dir, struct why *why);

/* Is one mounted on this folder? */
bool disk_is_mounted(const char *dir);
/* Keeps all of a run directory whose nodes have ended. */
void disk_keep_all(const char *run_dir);

#endif
