/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Everything that can be found out about a VHD without knowing what is on the disk. */
#include "formats/vpc/batmap.h"
#include "formats/vpc/bitmap.h"
#include "formats/vpc/locator.h"
#include "formats/vpc/vpc.h"

#include "io/bytes.h"
#include "io/checksum.h"
#include "io/error.h"
#include "io/interrupt.h"

#include <string.h>

#define HEX "0x%" G_GINT64_MODIFIER "x"

/* A smaller space between blocks is alignment. */
#define LEAK_MIN ((uint64_t)1 << 20)

typedef struct {
    VcFile *file;
    VcReport *report;
    VpcFooters found;
    VpcHeader header;
    VpcBat bat;
    struct {
        uint64_t from, to;
    } batmap;
} Check;

/* What is wrong with the file is a finding; that it cannot be read is the end. */
static bool
report_error(Check *c, GError *problem, GError **error)
{
    if (g_error_matches(problem, VC_ERROR, VC_ERROR_IO) ||
        g_error_matches(problem, VC_ERROR, VC_ERROR_CANCELLED)) {
        g_propagate_error(error, problem);
        return false;
    }
    vc_report_add(c->report, VC_FINDING_CORRUPT, "%s", problem->message);
    g_error_free(problem);
    return true;
}

static void
report_warnings(Check *c, GPtrArray *warnings)
{
    for (unsigned i = 0; i < warnings->len; i++)
        vc_report_add(c->report, VC_FINDING_WARNING, "%s", (char *)warnings->pdata[i]);
    g_ptr_array_set_size(warnings, 0);
}

static bool
check_footer_bits(Check *c, GError **error)
{
    const VpcFooter *footer = &c->found.footer;
    uint8_t raw[VPC_FOOTER_SIZE] = { 0 };
    size_t got;

    if (!vc_file_read_some(c->file, c->found.at, raw, sizeof raw, &got, error))
        return false;
    if (!vc_is_zero(raw + 86, sizeof raw - 86))
        vc_report_add(c->report, VC_FINDING_NOTE,
                      "reserved bytes of the footer at " HEX " are not zero",
                      c->found.at);
    if ((footer->features & ~3u) != 0)
        vc_report_add(c->report, VC_FINDING_WARNING, "unknown features 0x%08x",
                      footer->features);
    if (footer->saved_state > 1 || footer->hidden > 1)
        vc_report_add(c->report, VC_FINDING_WARNING,
                      "the saved state is %u and the hidden mark %u, neither should be "
                      "more than 1",
                      footer->saved_state, footer->hidden);
    return true;
}

static bool
check_header_bits(Check *c, GError **error)
{
    static const uint8_t nobody[16];
    const VpcHeader *header = &c->header;
    uint64_t at = c->found.footer.data_offset;
    uint8_t raw[VPC_HEADER_SIZE];

    if (!vc_file_read(c->file, at, raw, sizeof raw, error))
        return false;
    if (load_be32(raw + 60) != 0 || !vc_is_zero(raw + 768, sizeof raw - 768))
        vc_report_add(
            c->report, VC_FINDING_NOTE,
            "reserved bytes of the dynamic disk header at " HEX " are not zero", at);
    if (header->next != UINT64_MAX)
        vc_report_add(c->report, VC_FINDING_WARNING,
                      "the dynamic disk header at " HEX
                      " points to a next structure, which VHD does not have",
                      at);
    if (c->found.footer.type == VPC_DYNAMIC &&
        (memcmp(header->parent_id, nobody, 16) != 0 || header->parent_timestamp != 0 ||
         !vc_is_zero(raw + 64, 704)))
        vc_report_add(c->report, VC_FINDING_NOTE,
                      "a dynamic disk has no parent, but its header names one");
    return true;
}

/* The bytes between FROM and TO are of no block. */
static void
report_space(Check *c, uint64_t from, uint64_t to)
{
    if (from >= to)
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(c->bat.taken); i++) {
        if (c->bat.taken[i].from < to && from < c->bat.taken[i].to) {
            report_space(c, from, MAX(from, c->bat.taken[i].from));
            report_space(c, MIN(to, c->bat.taken[i].to), to);
            return;
        }
    }
    if (c->batmap.from < to && from < c->batmap.to) {
        report_space(c, from, MAX(from, c->batmap.from));
        report_space(c, MIN(to, c->batmap.to), to);
        return;
    }
    if (to - from >= MAX(LEAK_MIN, vpc_bat_stride(&c->bat)))
        vc_report_add(c->report, VC_FINDING_LEAK,
                      "nothing refers to %" G_GUINT64_FORMAT " bytes at " HEX,
                      to - from, from);
}

static void
check_overlaps(Check *c, const VpcPlace *places, size_t n)
{
    uint64_t stride = vpc_bat_stride(&c->bat), last_end = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t at = (uint64_t)places[i].sector * VPC_SECTOR;
        if (at < last_end)
            vc_report_add(c->report, VC_FINDING_CORRUPT,
                          "blocks %u and %u overlap at " HEX, places[i - 1].block,
                          places[i].block, at);
        else
            report_space(c, last_end, at);
        last_end = at + stride;
    }
    c->report->end = MAX(c->report->end, last_end);
    if (last_end < c->bat.end)
        report_space(c, last_end, c->bat.end);
}

/* No byte is read twice: what lies over a block that was looked at has its finding. */
static bool
check_bitmaps(Check *c, const VpcPlace *places, size_t n, GError **error)
{
    uint64_t stride = vpc_bat_stride(&c->bat), last_end = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t at = (uint64_t)places[i].sector * VPC_SECTOR, budget = UINT64_MAX;
        uint32_t sector, block = places[i].block;
        if (c->report->count[VC_FINDING_CORRUPT] >= VC_FINDINGS_MAX) {
            vc_report_add(c->report, VC_FINDING_NOTE,
                          "from block %u on, at " HEX ", no bitmap was looked at",
                          block, at);
            break;
        }
        if (at < last_end)
            continue;
        last_end = at + stride;
        if (!vc_interrupt_check(error) ||
            !vpc_bitmap_find_hidden(&c->bat, c->file, block, &budget, &sector, error))
            return false;
        if (sector < c->bat.block_size / VPC_SECTOR)
            vc_report_add(
                c->report, VC_FINDING_CORRUPT,
                "block %u: sector %u is marked as never written but holds data; "
                "it reads as zeros, and with " VPC_IGNORE_BITMAPS " as it is",
                block, sector);
    }
    return true;
}

/* Of very many only the number is kept; to put each into words would take minutes. */
static void
report_block(Check *c, uint32_t block)
{
    g_autoptr(GError) problem = NULL;
    if (vpc_bat_block_fits(&c->bat, block))
        return;
    if (c->report->count[VC_FINDING_CORRUPT] < VC_FINDINGS_MAX)
        vpc_bat_check_block(&c->bat, block, &problem);
    vc_report_add(c->report, VC_FINDING_CORRUPT, "%s", problem ? problem->message : "");
}

static bool
check_blocks(Check *c, GError **error)
{
    const VpcBat *bat = &c->bat;
    c->report->total = bat->n;
    for (uint32_t i = 0; i < bat->n; i++) {
        if (bat->entries[i] == VPC_UNALLOCATED)
            continue;
        c->report->allocated++;
        report_block(c, i);
    }

    size_t n;
    g_autofree VpcPlace *places = vpc_bat_sorted(bat, &n, error);
    if (!places)
        return false;
    check_overlaps(c, places, n);
    return c->found.footer.type != VPC_DYNAMIC || check_bitmaps(c, places, n, error);
}

static bool
check_parent(Check *c, GError **error)
{
    g_autoptr(GPtrArray) warnings = vc_warnings_new();
    GError *problem = NULL;
    VcParent *parent = vpc_parent_read(c->file, &c->header, c->found.end, warnings,
                                       &problem);
    report_warnings(c, warnings);
    vc_parent_free(parent);
    return parent || report_error(c, problem, error);
}

/* Writers that let a file grow write it last, and so it is the first to go. */
static void
report_footers(Check *c)
{
    g_autoptr(GPtrArray) warnings = vc_warnings_new();
    if (!c->found.trailing)
        vc_report_add(c->report, VC_FINDING_CORRUPT, VPC_FOOTER_LOST);
    vpc_footers_warn(&c->found, warnings);
    report_warnings(c, warnings);
}

/* Reads the BAT, and so knows where the last block ends, and may find the footer there.
 */
static bool
read_table(Check *c, GError **error)
{
    const VpcFooter *footer = &c->found.footer;
    uint64_t size = footer->current_size - footer->current_size % VPC_SECTOR;
    return vpc_bat_read(&c->bat, c->file, &c->found, &c->header, size, error) &&
           vpc_bat_find_footer(&c->bat, c->file, &c->found, error);
}

static bool
check_table(Check *c, GError **error)
{
    if (c->bat.byte_missing)
        vc_report_add(c->report, VC_FINDING_WARNING,
                      "the last byte of the file is missing");
    for (size_t i = 0; i < G_N_ELEMENTS(c->bat.taken); i++)
        c->report->end = MAX(c->report->end, c->bat.taken[i].to);
    return vpc_batmap_check(c->file, &c->bat, c->report, &c->batmap.from, &c->batmap.to,
                            error) &&
           check_blocks(c, error);
}

static bool
check_dynamic(Check *c, GError **error)
{
    const VpcFooter *footer = &c->found.footer;
    GError *problem = NULL;
    bool header = vpc_header_read(c->file, footer, c->found.end, &c->header, &problem);
    bool table = header && read_table(c, &problem);

    report_footers(c);
    if (!table && !report_error(c, problem, error))
        return false;
    if (header && !check_header_bits(c, error))
        return false;
    if (header && footer->type == VPC_DIFFERENCING && !check_parent(c, error))
        return false;
    return !table || check_table(c, error);
}

static bool
check_fixed(Check *c, GError **error)
{
    const VpcFooter *footer = &c->found.footer;
    uint64_t size = footer->current_size - footer->current_size % VPC_SECTOR;
    g_autoptr(GPtrArray) warnings = vc_warnings_new();
    GError *problem = NULL;

    report_footers(c);
    bool good = vpc_footers_check_fixed(c->file, &c->found, size, warnings, &problem);
    report_warnings(c, warnings);
    return good || report_error(c, problem, error);
}

bool
vpc_check(VcFile *file, VcReport *report, GError **error)
{
    Check c = { .file = file, .report = report };
    GError *problem = NULL;

    if (!file->seekable) {
        vc_fail(error, VC_ERROR_UNSUPPORTED,
                "a VHD can only be checked in a file, not in a stream");
        return false;
    }
    if (!vpc_footers_find(file, &c.found, &problem))
        return report_error(&c, problem, error);

    bool done = check_footer_bits(&c, error) &&
                (c.found.footer.type == VPC_FIXED ? check_fixed(&c, error)
                                                  : check_dynamic(&c, error));
    vpc_bat_clear(&c.bat);
    if (c.found.trailing)
        report->end = MAX(report->end, c.found.at + VPC_FOOTER_SIZE);
    return done;
}
