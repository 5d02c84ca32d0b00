/* custom_net.h - what syscall() must know of messages. */
#ifndef PRELOAD_CUSTOM_NET_H
#define PRELOAD_CUSTOM_NET_H

#include "preload/call.h"

/* Forgets the descriptors that came with a received message. */
void forget_received(struct msghdr *message) PRELOAD_HIDDEN;

#endif
