/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether qmrestore would take a qemu-server.conf. */
#include "converters/qemuconf.h"

#include "converters/names.h"
#include "io/error.h"

#include <string.h>

/* What was found about one configuration. */
typedef struct {
    const VcLayout *layout;
    bool mapped[VC_DISKS_MAX]; /* by disk */
    GHashTable *drives;        /* of "DRIVE: …" lines */
    GPtrArray *wanted;         /* drives of map lines */
    bool in_section;           /* behind the lines of the machine as it is */
} Check;

static void
check_clear(Check *check)
{
    g_clear_pointer(&check->drives, g_hash_table_unref);
    g_clear_pointer(&check->wanted, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Check, check_clear)

static int
find_disk(const VcLayout *layout, const char *device)
{
    for (unsigned i = 0; i < layout->n_disks; i++)
        if (!layout->disks[i].vmstate && strcmp(layout->disks[i].name, device) == 0)
            return (int)i;
    return -1;
}

static void
fail_line(GError **error, unsigned number, const char *line, const char *what)
{
    g_autofree char *shown = vc_printable(line);
    vc_fail(error, VC_ERROR_USAGE, VC_QEMUCONF_NAME ": line %u, '%s': %s", number,
            shown, what);
}

static bool
check_map_line(Check *check, const char *line, unsigned number, GError **error)
{
    /* DRIVE:DEVICE:STORAGE:FORMAT: */
    g_auto(GStrv) parts = g_strsplit(line + strlen(VC_QEMUCONF_MAP), ":", -1);
    if (g_strv_length(parts) != 5 || parts[4][0] != '\0' ||
        !vc_qemuconf_is_drive(parts[0])) {
        fail_line(error, number, line,
                  "is not " VC_QEMUCONF_MAP "DRIVE:DEVICE:STORAGE:FORMAT:");
        return false;
    }
    int disk = find_disk(check->layout, parts[1]);
    if (disk < 0) {
        fail_line(error, number, line, "the archive has no disk of this name");
        return false;
    }
    if (check->mapped[disk]) {
        fail_line(error, number, line, "the disk has a line already");
        return false;
    }
    if (g_ptr_array_find_with_equal_func(check->wanted, parts[0], g_str_equal, NULL)) {
        fail_line(error, number, line, "the drive has a disk already");
        return false;
    }
    check->mapped[disk] = true;
    g_ptr_array_add(check->wanted, g_strdup(parts[0]));
    return true;
}

/* qmrestore puts a disk into the line of its drive: a CD-ROM it would stay, and a drive
 * without backup become a comment. */
static bool
takes_disk(const char *value)
{
    static const char *const no_disk[] = { "media=cdrom", "backup=0" };
    g_auto(GStrv) parts = g_strsplit(value, ",", -1);
    for (size_t i = 0; i < G_N_ELEMENTS(no_disk); i++)
        if (g_strv_contains((const char *const *)parts, no_disk[i]))
            return false;
    return true;
}

static bool
check_line(Check *check, const char *line, unsigned number, GError **error)
{
    if (g_str_has_prefix(line, VC_QEMUCONF_MAP))
        return check_map_line(check, line, number, error);
    /* "[NAME]" begins a snapshot or what is pending: not the machine that starts. */
    check->in_section = check->in_section || line[0] == '[';
    const char *colon = strchr(line, ':');
    if (colon && line[0] != '#' && !check->in_section && takes_disk(colon + 1))
        g_hash_table_add(check->drives, g_strndup(line, (gsize)(colon - line)));
    return true;
}

static bool
check_names(const VcLayout *layout, GError **error)
{
    for (unsigned i = 0; i < layout->n_disks; i++) {
        const char *name = layout->disks[i].name;
        if (layout->disks[i].vmstate ||
            (name[0] != '\0' && !strpbrk(name, " \t\n\v\f\r")))
            continue;
        g_autofree char *shown = vc_printable(name);
        vc_fail(error, VC_ERROR_USAGE,
                "disk '%s': qmrestore takes no name with white space in it", shown);
        return false;
    }
    return true;
}

static bool
check_complete(const Check *check, GError **error)
{
    for (unsigned i = 0; i < check->layout->n_disks; i++) {
        const VcDisk *disk = &check->layout->disks[i];
        if (disk->vmstate || check->mapped[i])
            continue;
        g_autofree char *drive = vc_qemuconf_drive(disk->name);
        vc_fail(error, VC_ERROR_USAGE,
                VC_QEMUCONF_NAME ": has no line for disk '%s'; add '" VC_QEMUCONF_MAP
                                 "%s:%s::raw:'",
                disk->name, drive ? drive : "DRIVE", disk->name);
        return false;
    }
    for (guint i = 0; i < check->wanted->len; i++) {
        const char *drive = check->wanted->pdata[i];
        if (g_hash_table_contains(check->drives, drive))
            continue;
        vc_fail(error, VC_ERROR_USAGE,
                VC_QEMUCONF_NAME
                ": maps a disk to %s, and has no line '%s: …' for it; those of "
                "snapshots, CD-ROMs and with backup=0 do not count",
                drive, drive);
        return false;
    }
    return true;
}

bool
vc_qemuconf_check(const char *text, size_t length, const VcLayout *layout,
                  GError **error)
{
    if (memchr(text, '\0', length)) {
        vc_fail(error, VC_ERROR_USAGE, VC_QEMUCONF_NAME ": is no text");
        return false;
    }
    g_auto(Check) check = {
        .layout = layout,
        .drives = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .wanted = g_ptr_array_new_with_free_func(g_free),
    };
    if (!check_names(layout, error))
        return false;
    g_autofree char *whole = g_strndup(text, length);
    g_auto(GStrv) lines = g_strsplit(whole, "\n", -1);
    for (unsigned i = 0; lines[i]; i++)
        if (!check_line(&check, lines[i], i + 1, error))
            return false;
    return check_complete(&check, error);
}
