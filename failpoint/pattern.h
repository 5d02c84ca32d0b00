/*
 * pattern.h - globs over paths and names.
 *
 *     ?       any byte but "/"            [a-c] [!a-c]   one byte of (not of) a set, never "/"
 *     *       any bytes but "/"           \x             the byte x itself
 *     **      any bytes                   an unclosed [ is an ordinary byte
 *
 * A name matches as a whole. A path matches as a whole when the glob begins with "/", else when any
 * tail of it that begins at a "/" boundary does:
 *
 *     *.wal          /data/x.wal        yes
 *     pg_wal/0*      /var/pg_wal/0001   yes
 *     wal            /data/x.wal        no
 *     /data/a**.wal  /data/a/b/c.wal    yes
 *
 * CORE: runs inside intercepted calls. Calls nothing, allocates nothing; time grows with the
 * product of the two lengths at worst, never with 2 to the number of stars.
 */
#ifndef FAILPOINT_PATTERN_H
#define FAILPOINT_PATTERN_H

#include <stdbool.h>

bool pattern_path(const char *glob, const char *path);
bool pattern_name(const char *glob, const char *name);

#endif
