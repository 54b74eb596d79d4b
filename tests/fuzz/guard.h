/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The user's file, which nobody may write. */
#ifndef VC_TESTS_FUZZ_GUARD_H
#define VC_TESTS_FUZZ_GUARD_H

#include "io/file.h"

/* Gives a file that reads as FILE, which it borrows, and aborts when it is written. */
VcFile *fuzz_guard(VcFile *file);

#endif
