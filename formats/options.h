/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The -o key=value options of a format, and what makes an output reproducible. */
#ifndef VC_FORMATS_OPTIONS_H
#define VC_FORMATS_OPTIONS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* One option that a format knows; a format's list ends with a NULL key. The help text,
 * `-o help` and the refusal of unknown keys all come from these rows. */
typedef struct {
    const char *key;
    enum { VC_OPTION_SIZE, VC_OPTION_BOOL, VC_OPTION_CHOICE, VC_OPTION_TEXT } type;
    const char *choices;  /* VC_OPTION_CHOICE: "dynamic|fixed" */
    const char *fallback; /* for the help text */
    const char *help;
} VcOptionSpec;

typedef struct VcOptions VcOptions;

/* Gives an empty set; formats are also called with NULL for "no options". */
VcOptions *vc_options_new(void);
/* Parses "key=value,key=value" into OPTIONS; a later value of a key replaces an earlier
 * one, ",," is a comma inside a value, a bare key means "on". */
bool vc_options_parse(VcOptions *options, const char *text, GError **error);
void vc_options_set(VcOptions *options, const char *key, const char *value);
/* Takes KEY out of OPTIONS; gives its value, or NULL when it was not given. */
char *vc_options_take(VcOptions *options, const char *key);
/* A key that was given, the first by name; NULL: none. Borrowed. */
const char *vc_options_first(const VcOptions *options);
/* VC_ERROR_USAGE when a key is not in SPECS (may be NULL: no key is) or its value does
 * not have its type. FORMAT is for the message. */
bool vc_options_check(const VcOptions *options, const char *format,
                      const VcOptionSpec *specs, GError **error);

/* For formats, after the check: the value, or FALLBACK when it was not given. */
uint64_t vc_options_size(const VcOptions *options, const char *key, uint64_t fallback);
bool vc_options_bool(const VcOptions *options, const char *key, bool fallback);
const char *vc_options_text(const VcOptions *options, const char *key,
                            const char *fallback);

void vc_options_free(VcOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VcOptions, vc_options_free)

/* "4096", "64k", "2M", "1.5G", "1T", "1P"; 1024 each, a trailing "B" or "iB" is taken.
 * False for anything else or beyond 2^63 - 1. */
bool vc_size_parse(const char *text, uint64_t *size);

/* Where UUIDs and times of an output come from: chance and the clock, or the user. */
typedef struct {
    bool reproducible;
    int64_t time; /* seconds since 1970 */
} VcIdentity;

/* Random; or, reproducible, derived from the two texts alone (RFC 4122 version 5), so
 * that PURPOSE keeps the UUIDs of one file apart, and NAME those of the disks of one
 * archive. */
void vc_identity_uuid(const VcIdentity *identity, const char *purpose, const char *name,
                      uint8_t uuid[static 16]);

#endif
