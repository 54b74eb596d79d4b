/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON for programs, built with json-glib. */
#ifndef VC_CLI_JSON_H
#define VC_CLI_JSON_H

#include "formats/facts.h"

#include <json-glib/json-glib.h>

/* Members of the object that is being built. Text from files may be any bytes: what is
 * not UTF-8 becomes U+FFFD. */
void vc_json_text(JsonBuilder *builder, const char *key, const char *text);
void vc_json_number(JsonBuilder *builder, const char *key, uint64_t number);
void vc_json_bool(JsonBuilder *builder, const char *key, bool value);
void vc_json_facts(JsonBuilder *builder, const VcFacts *facts);

/* Gives what was built as text that is safe on a terminal: what is not visible is
 * escaped, beyond what JSON asks for. PRETTY: over many lines. */
char *vc_json_write(JsonBuilder *builder, bool pretty);

#endif
