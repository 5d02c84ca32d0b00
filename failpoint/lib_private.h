/*
 * lib_private.h - a plane of the process's own, for FAILPOINTS without a controller.
 *
 * It is anonymous shared memory: forked children inherit it and count on in it, a new image makes
 * its own from the environment. Its rules stay as they are: nobody can change them.
 */
#ifndef FAILPOINT_LIB_PRIVATE_H
#define FAILPOINT_LIB_PRIVATE_H

#include "failpoint/plane.h"

/* A plane with the rules of the text in force. NULL, said on standard error, when the text is
 * wrong; under FAILKIT_STRICT=1 the process ends then. */
__attribute__((visibility("hidden"))) struct plane_head *private_plane(const char *rules);

#endif
