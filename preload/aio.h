/*
 * aio.h - libaio's calls, made by the kernel: they return what libaio does, the errno negative.
 */
#ifndef PRELOAD_AIO_H
#define PRELOAD_AIO_H

#include "preload/real.h"

__typeof__(io_setup) kernel_io_setup REAL_HIDDEN;
__typeof__(io_submit) kernel_io_submit REAL_HIDDEN;
__typeof__(io_getevents) kernel_io_getevents REAL_HIDDEN;

#endif
