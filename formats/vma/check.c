/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks at everything in an archive but the payload, which nothing in it protects. */
#include "formats/vma/vma.h"

#include "formats/label.h"
#include "formats/vma/walk.h"
#include "io/error.h"

#include <string.h>

#define NAME_MAX_BYTES 255u /* of a file on every system that we know */

static VcFindingKind
kind_of(VmaFault fault)
{
    return vma_fault_is_warning(fault) ? VC_FINDING_WARNING : VC_FINDING_CORRUPT;
}

static bool
wants(void *user, VmaFault fault)
{
    return vc_report_wants(user, kind_of(fault));
}

static bool
hear(void *user, VmaFault fault, const GError *what, GError **error G_GNUC_UNUSED)
{
    vc_report_add(user, kind_of(fault), "%s", what->message);
    return true;
}

/* What makes NAME unfit for a file, or NULL. */
static const char *
unsafe(const char *name)
{
    if (name[0] == '\0')
        return "is empty";
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return "is a directory";
    if (strchr(name, '/') || strchr(name, '\\'))
        return "has a slash";
    if (strlen(name) > NAME_MAX_BYTES)
        return "is longer than 255 bytes";
    if (!g_utf8_validate(name, -1, NULL))
        return "is not UTF-8";
    for (const char *p = name; *p != '\0'; p = g_utf8_next_char(p))
        if (!g_unichar_isprint(g_utf8_get_char(p)))
            return "has a control character";
    return NULL;
}

static void
check_name(const char *what, unsigned i, const char *name, GHashTable *names,
           VcReport *report)
{
    g_autofree char *label = vc_label(name);
    const char *fault = unsafe(name);
    if (fault)
        vc_report_add(report, VC_FINDING_WARNING, "name of %s %u %s: %s", what, i + 1,
                      fault, label);
    if (!g_hash_table_add(names, (char *)name))
        vc_report_add(report, VC_FINDING_WARNING,
                      "name of %s %u is that of another one: %s", what, i + 1, label);
}

static void
check_names(const VcLayout *layout, VcReport *report)
{
    g_autoptr(GHashTable) configs = g_hash_table_new(g_str_hash, g_str_equal),
                          disks = g_hash_table_new(g_str_hash, g_str_equal);
    for (unsigned i = 0; i < layout->n_blobs; i++)
        check_name("config", i, layout->blobs[i].name, configs, report);
    for (unsigned i = 0; i < layout->n_disks; i++)
        check_name("disk", i, layout->disks[i].name, disks, report);
}

static bool
check_extents(VcFile *file, const VmaHeader *header, VcReport *report, GError **error)
{
    const VmaListener listener = { wants, hear, report };
    g_autoptr(VmaWalk)
        walk = vma_walk_new(file, header, &header->layout, NULL, &listener, error);
    if (!walk)
        return false;
    const VmaWalkView *view = vma_walk_view(walk);
    bool well = true, more = true;
    while (well && more) {
        well = vma_walk_next(walk, &more, error);
        for (unsigned i = 0; well && i < view->n_clusters; i++)
            report->allocated += view->clusters[i].mask != 0;
    }
    report->end = view->end;
    return well;
}

/* What the header alone is refused for is found, and not a failure of the check. */
static bool
report_header_error(VcReport *report, GError *what, GError **error)
{
    if (g_error_matches(what, VC_ERROR, VC_ERROR_IO) ||
        g_error_matches(what, VC_ERROR, VC_ERROR_CANCELLED)) {
        g_propagate_error(error, what);
        return false;
    }
    vc_report_add(report, VC_FINDING_CORRUPT, "%s", what->message);
    g_error_free(what);
    return true;
}

bool
vma_check(VcFile *file, VcReport *report, GError **error)
{
    VmaHeader header;
    g_autoptr(GPtrArray) warnings = vc_warnings_new();
    GError *what = NULL;
    bool whole = vma_header_read(&header, file, warnings, &what);

    for (guint i = 0; i < warnings->len; i++)
        vc_report_add(report, VC_FINDING_WARNING, "%s", (char *)warnings->pdata[i]);
    if (!whole)
        return report_header_error(report, what, error);

    for (unsigned i = 0; i < header.layout.n_disks; i++)
        report->total += vma_cluster_count(header.layout.disks[i].size);
    check_names(&header.layout, report);
    bool ok = check_extents(file, &header, report, &what) ||
              vc_report_damage(report, what, error);
    vma_header_clear(&header);
    return ok;
}
