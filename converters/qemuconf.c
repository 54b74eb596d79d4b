/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making a qemu-server.conf. */
#include "converters/qemuconf.h"

#include "converters/names.h"
#include "io/error.h"

#include <string.h>

char *
vc_qemuconf_device(const char *drive)
{
    return g_str_has_prefix(drive, "tpmstate")
               ? g_strdup_printf("drive-%s-backup", drive)
               : g_strdup_printf("drive-%s", drive);
}

/* The buses of Proxmox, and how many drives each has. */
bool
vc_qemuconf_is_drive(const char *drive)
{
    static const struct {
        const char *bus;
        guint64 max;
    } buses[] = {
        { "scsi", 30 }, { "virtio", 15 }, { "sata", 5 },
        { "ide", 3 },   { "efidisk", 0 }, { "tpmstate", 0 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(buses); i++) {
        if (!g_str_has_prefix(drive, buses[i].bus))
            continue;
        const char *number = drive + strlen(buses[i].bus);
        bool plain = number[0] != '0' || number[1] == '\0';
        if (plain &&
            g_ascii_string_to_unsigned(number, 10, 0, buses[i].max, NULL, NULL))
            return true;
    }
    return false;
}

char *
vc_qemuconf_drive(const char *device)
{
    if (!g_str_has_prefix(device, "drive-"))
        return NULL;
    g_autofree char *drive = g_strdup(device + strlen("drive-"));
    if (g_str_has_prefix(drive, "tpmstate") && g_str_has_suffix(drive, "-backup"))
        drive[strlen(drive) - strlen("-backup")] = '\0';
    return vc_qemuconf_is_drive(drive) ? g_steal_pointer(&drive) : NULL;
}

/* Lines are what a configuration is made of. */
static bool
check_value(const char *key, const char *value, GError **error)
{
    if (!value)
        return true;
    g_autofree char *shown = vc_printable(value);
    if (value[0] != '\0' && strcmp(shown, value) == 0)
        return true;
    vc_fail(error, VC_ERROR_USAGE, "--%s: '%s' cannot stand in a configuration", key,
            shown);
    return false;
}

static bool
check_name(const char *name, GError **error)
{
    for (const char *p = name; p && *p; p++) {
        if (g_ascii_isalnum(*p) ||
            ((*p == '-' || *p == '.') && p != name && p[1] != '\0'))
            continue;
        vc_fail(error, VC_ERROR_USAGE,
                "--name: '%s' is not a host name of letters, digits, '-' and '.'",
                name);
        return false;
    }
    return true;
}

static bool
check_bios(const char *bios, GError **error)
{
    if (!bios || strcmp(bios, "seabios") == 0 || strcmp(bios, "ovmf") == 0)
        return true;
    vc_fail(error, VC_ERROR_USAGE, "--bios is seabios or ovmf, not '%s'", bios);
    return false;
}

/* As Proxmox writes sizes: a whole number of the largest unit. */
static char *
size_text(uint64_t bytes)
{
    static const char units[] = "\0KMGT";
    unsigned unit = 0;
    while (unit < 4 && bytes > 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    return unit == 0 ? g_strdup_printf("%" G_GUINT64_FORMAT, bytes)
                     : g_strdup_printf("%" G_GUINT64_FORMAT "%c", bytes, units[unit]);
}

/* The variables of the older of OVMF's two builds; those of the newer have 528 KiB. */
#define EFI_VARS_2M ((uint64_t)128 << 10)

/* The volume that a drive line names is replaced when the archive is restored. */
static char *
drive_line(const VcQemuConf *conf, const char *drive, uint64_t size, unsigned number)
{
    g_autofree char *text = size_text(size);
    const char *extra = "";
    if (g_str_has_prefix(drive, "efidisk"))
        extra = size == EFI_VARS_2M ? ",efitype=2m" : ",efitype=4m";
    else if (g_str_has_prefix(drive, "tpmstate"))
        extra = ",version=v2.0";
    return g_strdup_printf("%s: local:%u/vm-%u-disk-%u.raw%s,size=%s", drive,
                           conf->vmid, conf->vmid, number, extra, text);
}

/* Its variables are of use to OVMF alone; what needs them does not start without. */
static bool
has_efi_variables(const VcLayout *layout)
{
    for (unsigned i = 0; i < layout->n_disks; i++)
        if (g_str_has_prefix(layout->disks[i].name, "drive-efidisk"))
            return true;
    return false;
}

/* Adds the lines of the drives to LINES and those of the map to MAP. */
static bool
add_drives(const VcQemuConf *conf, const VcLayout *layout, GPtrArray *lines,
           GPtrArray *map, char **first, GError **error)
{
    for (unsigned i = 0; i < layout->n_disks; i++) {
        const VcDisk *disk = &layout->disks[i];
        if (disk->vmstate) /* qmrestore passes over it */
            continue;
        g_autofree char *drive = vc_qemuconf_drive(disk->name);
        if (!drive) {
            g_autofree char *shown = vc_printable(disk->name);
            vc_fail(error, VC_ERROR_USAGE,
                    "disk '%s' is no drive of Proxmox, such as drive-scsi0: give the "
                    "configuration with --config, or the disk as --disk scsi0=FILE",
                    shown);
            return false;
        }
        if (!*first && !g_str_has_prefix(drive, "efidisk") &&
            !g_str_has_prefix(drive, "tpmstate"))
            *first = g_strdup(drive);
        g_ptr_array_add(lines, drive_line(conf, drive, disk->size, i));
        g_ptr_array_add(
            map, g_strdup_printf(VC_QEMUCONF_MAP "%s:%s::raw:", drive, disk->name));
    }
    return true;
}

static int
compare_lines(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
add_line(GPtrArray *lines, const char *key, const char *value)
{
    if (value)
        g_ptr_array_add(lines, g_strdup_printf("%s: %s", key, value));
}

static char *
join(const GPtrArray *lines, const GPtrArray *map)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < lines->len; i++)
        g_string_append_printf(text, "%s\n", (const char *)lines->pdata[i]);
    for (guint i = 0; i < map->len; i++)
        g_string_append_printf(text, "%s\n", (const char *)map->pdata[i]);
    return g_string_free(text, FALSE);
}

char *
vc_qemuconf_make(const VcQemuConf *conf, const VcLayout *layout, GError **error)
{
    VcQemuConf c = *conf;
    c.vmid = c.vmid > 0 ? c.vmid : 100;
    c.ostype = c.ostype ? c.ostype : "l26";
    c.scsihw = c.scsihw ? c.scsihw : "virtio-scsi-single";
    if (!check_name(c.name, error) || !check_bios(c.bios, error) ||
        !check_value("name", c.name, error) ||
        !check_value("machine", c.machine, error) ||
        !check_value("ostype", c.ostype, error) ||
        !check_value("scsihw", c.scsihw, error) ||
        !check_value("net0", c.net0, error) || !check_value("boot", c.boot, error))
        return NULL;

    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) map = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *first = NULL;
    if (!add_drives(&c, layout, lines, map, &first, error))
        return NULL;

    g_autofree char *order = first ? g_strdup_printf("order=%s", first) : NULL;
    g_autofree char *cores = g_strdup_printf("%" G_GUINT64_FORMAT,
                                             c.cores > 0 ? c.cores : 2);
    g_autofree char *memory = g_strdup_printf("%" G_GUINT64_FORMAT,
                                              c.memory_mib > 0 ? c.memory_mib : 2048);
    add_line(lines, "bios", c.bios || !has_efi_variables(layout) ? c.bios : "ovmf");
    add_line(lines, "boot", c.boot ? c.boot : order);
    add_line(lines, "cores", cores);
    add_line(lines, "machine", c.machine);
    add_line(lines, "memory", memory);
    add_line(lines, "name", c.name);
    add_line(lines, "net0", c.net0);
    add_line(lines, "ostype", c.ostype);
    add_line(lines, "scsihw", c.scsihw);
    g_ptr_array_sort(lines, compare_lines);
    return join(lines, map);
}
