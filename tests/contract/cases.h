/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sizes and contents that each variant of the contract is tried with. */
#ifndef VC_TESTS_CASES_H
#define VC_TESTS_CASES_H

#include "tests/contract/model.h"

/* One image that was made, in memory. */
typedef struct {
    const Variant *variant;
    VcLayout layout; /* asked for */
    ModelDensity density;
    char
        *text; /* "vhdx subformat=fixed, 1 disk of 65536 bytes, random": for messages */
    VcFile *file;
    Model *model;
} Case;

/* Makes images of VARIANT, of one disk and of three, with sizes around every boundary,
 * and calls TEST for each. Sizes that the format refuses are left out; 1 MiB must work.
 */
void cases_run(const Variant *variant, void (*test)(const Case *));

/* The same for a few sizes only: for what is tried very often. */
void cases_run_few(const Variant *variant, void (*test)(const Case *));

/* Makes the image of CASE again in FILE (borrowed). */
bool case_make_again(const Case *c, VcFile *file, GError **error);

/* Opens the image, or another file. Fails the test when it does not open. */
VcSource *case_open(const Case *c, VcFile *file);

/* Fails the test with CASE's text before the message. */
#define case_require(c, condition, ...)                                                \
    do {                                                                               \
        if (!(condition)) {                                                            \
            g_autofree char *case_message = g_strdup_printf(__VA_ARGS__);              \
            ck_abort_msg("%s: %s", (c)->text, case_message);                           \
        }                                                                              \
    } while (0)

#define case_no_error(c, error)                                                        \
    case_require(c, (error) == NULL, "%s", (error) ? (error)->message : "")

#endif
