/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a format tells about a file: key and value, in the order told. The command line
 * prints them as text or JSON. */
#ifndef VC_FORMATS_FACTS_H
#define VC_FORMATS_FACTS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const char *key; /* "block-size": static, lower case, hyphens */
    enum { VC_FACT_TEXT, VC_FACT_NUMBER, VC_FACT_BOOL } type;
    char *text;
    uint64_t number; /* also the bool */
} VcFact;

typedef struct {
    GArray *facts; /* of VcFact */
} VcFacts;

void vc_facts_init(VcFacts *facts);
void vc_facts_clear(VcFacts *facts);
/* TEXT is copied. */
void vc_facts_add_text(VcFacts *facts, const char *key, const char *text);
void vc_facts_add_number(VcFacts *facts, const char *key, uint64_t number);
void vc_facts_add_bool(VcFacts *facts, const char *key, bool value);

#endif
