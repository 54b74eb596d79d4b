/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a format tells about a file: key and value, in the order told. */
#include "formats/facts.h"

static void
clear_fact(gpointer fact)
{
    g_free(((VcFact *)fact)->text);
}

void
vc_facts_init(VcFacts *facts)
{
    facts->facts = g_array_new(FALSE, FALSE, sizeof(VcFact));
    g_array_set_clear_func(facts->facts, clear_fact);
}

void
vc_facts_clear(VcFacts *facts)
{
    g_clear_pointer(&facts->facts, g_array_unref);
}

static void
add(VcFacts *facts, VcFact fact)
{
    g_array_append_val(facts->facts, fact);
}

void
vc_facts_add_text(VcFacts *facts, const char *key, const char *text)
{
    add(facts, (VcFact){ .key = key, .type = VC_FACT_TEXT, .text = g_strdup(text) });
}

void
vc_facts_add_number(VcFacts *facts, const char *key, uint64_t number)
{
    add(facts, (VcFact){ .key = key, .type = VC_FACT_NUMBER, .number = number });
}

void
vc_facts_add_bool(VcFacts *facts, const char *key, bool value)
{
    add(facts, (VcFact){ .key = key, .type = VC_FACT_BOOL, .number = value });
}
