/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Advisory locks that keep two programs from one image. They are those that QEMU takes,
 * so the disk of a running VM is not converted by accident. */
#ifndef VC_IO_LOCK_H
#define VC_IO_LOCK_H

#include "io/file.h"

/* Locks FILE until it is freed: WRITE false shares it with other readers, WRITE true
 * with nobody. VC_ERROR_IO when another program uses it in a way that does not go with
 * that. Succeeds where the system has no such locks, and on what is not a seekable
 * file. */
bool vc_lock(VcFile *file, bool write, GError **error);

/* Waits until no other run of vconv holds DIRECTORY, for ten seconds at most, and holds
 * it until *FD is closed; *FD is -1 where the directory cannot be read, and then
 * nothing is held, as on a file system without locks. False when interrupted, or when
 * the system does not tell; DIRECTORY's name stands before the error. */
bool vc_lock_directory(const char *directory, int *fd, GError **error);

#endif
