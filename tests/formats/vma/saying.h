/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What reading and checking an archive say. */
#ifndef VC_TESTS_VMA_SAYING_H
#define VC_TESTS_VMA_SAYING_H

#include "formats/report.h"
#include "tests/formats/vma/build.h"

#define ACCEPTED (-1)

/* The ways of reading: in stored order from a stream and from a file, by the map. */
typedef enum { STREAM, STORED, MAPPED, WAYS } Way;

/* What reading an archive in one way says. */
typedef struct {
    int code;   /* of the error, or ACCEPTED */
    char *text; /* the error, or the first warning; NULL for none */
    unsigned warnings;
} Outcome;

Outcome read_archive(const GByteArray *archive, Way way);

/* Asserts that all ways of reading say CODE with TEXT in it; `check`, too. ACCEPTED
 * with a TEXT means one warning; NULL for none. */
void assert_says(const GByteArray *archive, int code, const char *text);

/* The same for what BUILD makes, which is cleared. */
void assert_built(Build *build, int code, const char *text);

/* Checks an archive, as a STREAM or a file; the caller clears REPORT. */
void check_bytes(const GByteArray *archive, bool stream, VcReport *report);
/* The text of finding number I, which must be there. */
const char *finding(const VcReport *report, guint i);

/* Begins an archive of a config (17 bytes of name, 8 of data), disk "a" of four
 * clusters and one block and disk "b" of eight clusters, whole, with the extent left
 * open at slot 13. */
void begin_whole(Build *build);

/* That one with another, empty extent. */
GByteArray *small_archive(void);

#endif
