/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON for programs. */
#include "cli/json.h"

#include "converters/names.h"

void
vc_json_text(JsonBuilder *builder, const char *key, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    json_builder_set_member_name(builder, key);
    json_builder_add_string_value(builder, valid);
}

void
vc_json_number(JsonBuilder *builder, const char *key, uint64_t number)
{
    json_builder_set_member_name(builder, key);
    json_builder_add_int_value(builder, (gint64)number);
}

void
vc_json_bool(JsonBuilder *builder, const char *key, bool value)
{
    json_builder_set_member_name(builder, key);
    json_builder_add_boolean_value(builder, value);
}

void
vc_json_facts(JsonBuilder *builder, const VcFacts *facts)
{
    for (guint i = 0; i < facts->facts->len; i++) {
        const VcFact *fact = &g_array_index(facts->facts, VcFact, i);
        switch (fact->type) {
        case VC_FACT_TEXT:
            vc_json_text(builder, fact->key, fact->text);
            break;
        case VC_FACT_NUMBER:
            vc_json_number(builder, fact->key, fact->number);
            break;
        case VC_FACT_BOOL:
            vc_json_bool(builder, fact->key, fact->number != 0);
            break;
        }
    }
}

char *
vc_json_write(JsonBuilder *builder, bool pretty)
{
    g_autoptr(JsonGenerator) generator = json_generator_new();
    JsonNode *root = json_builder_get_root(builder);
    json_generator_set_root(generator, root);
    json_generator_set_pretty(generator, pretty);
    json_generator_set_indent(generator, 4);
    g_autofree char *text = json_generator_to_data(generator, NULL);
    json_node_unref(root);
    return vc_printable_json(text);
}
