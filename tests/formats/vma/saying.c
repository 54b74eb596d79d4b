/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What reading and checking an archive say. */
#include "tests/formats/vma/saying.h"

#include "formats/format.h"
#include "io/error.h"
#include "io/memory.h"
#include "tests/check-main.h"
#include "tests/formats/vma/reading.h"

#include <string.h>

extern const VcFormat vc_format_vma;

Outcome
read_archive(const GByteArray *archive, Way way)
{
    g_autoptr(GError) error = NULL;
    Contents contents = { 0 };
    g_autoptr(VcSource) source = vc_format_open(
        &vc_format_vma,
        way == STREAM ? build_stream(archive->data, archive->len)
                      : vc_memory_file_from("m", archive->data, archive->len),
        NULL, &error);
    bool ok = source && (way == MAPPED ? read_mapped(source, &contents, &error)
                                       : read_stored(source, &contents, &error));
    contents_clear(&contents);
    ck_assert(ok == (error == NULL));
    if (!ok) {
        ck_assert(error->domain == VC_ERROR);
        return (Outcome){ .code = error->code, .text = g_strdup(error->message) };
    }
    guint n = source->warnings->len;
    return (Outcome){ .code = ACCEPTED,
                      .warnings = n,
                      .text = n > 0 ? g_strdup(source->warnings->pdata[0]) : NULL };
}

void
assert_says(const GByteArray *archive, int code, const char *text)
{
    for (Way way = 0; way < WAYS; way++) {
        Outcome outcome = read_archive(archive, way);
        ck_assert_msg(outcome.code == code, "code %d, expected %d: %s", outcome.code,
                      code, outcome.text);
        ck_assert_msg((outcome.text == NULL) == (text == NULL) &&
                          (!text || strstr(outcome.text, text) != NULL),
                      "says '%s', expected '%s'", outcome.text, text);
        ck_assert_uint_eq(outcome.warnings, code == ACCEPTED && text ? 1 : 0);
        g_free(outcome.text);
    }
    g_autoptr(VcFile) file = vc_memory_file_from("m", archive->data, archive->len);
    VcReport report;
    vc_report_init(&report);
    ck_assert(vc_format_vma.check(file, &report, NULL));
    bool corrupt = report.count[VC_FINDING_CORRUPT] > 0, found = text == NULL;
    ck_assert_int_eq(corrupt, code != ACCEPTED);
    for (guint i = 0; i < report.findings->len; i++)
        found = found ||
                strstr(g_array_index(report.findings, VcFinding, i).text, text) != NULL;
    ck_assert_msg(found, "check did not say '%s'", text);
    vc_report_clear(&report);
}

void
assert_built(Build *build, int code, const char *text)
{
    g_autoptr(GByteArray) archive = build_archive(build);
    assert_says(archive, code, text);
    build_clear(build);
}

void
check_bytes(const GByteArray *archive, bool stream, VcReport *report)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile)
        file = stream ? build_stream(archive->data, archive->len)
                      : vc_memory_file_from("m", archive->data, archive->len);
    vc_report_init(report);
    ck_assert(vc_format_vma.check(file, report, &error));
    assert_no_error(error);
}

const char *
finding(const VcReport *report, guint i)
{
    ck_assert_uint_lt(i, report->findings->len);
    return g_array_index(report->findings, VcFinding, i).text;
}

void
begin_whole(Build *build)
{
    build_init(build);
    build_config(build, "qemu-server.conf", "name: x\n", 8);
    build_device(build, 1, "a", 4 * 65536 + 4096);
    build_device(build, 2, "b", 1000 * 512);
    build_begin(build);
    for (uint32_t i = 0; i < 4; i++)
        build_slot(build, 1, i, (uint16_t)(i * 0x21), NULL);
    build_slot(build, 1, 4, 1, NULL);
    for (uint32_t i = 0; i < 8; i++)
        build_slot(build, 2, i, 0, NULL);
}

GByteArray *
small_archive(void)
{
    Build build;
    begin_whole(&build);
    build_end(&build);
    build_begin(&build);
    build_end(&build);
    GByteArray *archive = build_archive(&build);
    build_clear(&build);
    return archive;
}
