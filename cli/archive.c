/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The making of an archive that Proxmox restores. */
#include "cli/archive.h"

#include "cli/print.h"
#include "io/error.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

/* The options; some are refused where a configuration is given, for it says the same.
 */
static const struct {
    const char *name;
    size_t at; /* of the value in VcArchive */
    const char *help, *kind;
    bool machine; /* says what the machine is */
} words[] = {
    { "config", offsetof(VcArchive, config), "The file that becomes qemu-server.conf",
      "FILE", false },
    { "firewall", offsetof(VcArchive, firewall), "The file that becomes qemu-server.fw",
      "FILE", false },
    { "vmid", offsetof(VcArchive, vmid), "Number of the machine (100)", "N", false },
    { "name", offsetof(VcArchive, name), "Name of the machine", "NAME", true },
    { "memory", offsetof(VcArchive, memory), "Its memory in MiB (2048)", "MIB", true },
    { "cores", offsetof(VcArchive, cores), "Its cores (2)", "N", true },
    { "bios", offsetof(VcArchive, bios), "seabios or ovmf (ovmf with an efidisk)",
      "BIOS", true },
    { "machine", offsetof(VcArchive, machine), "Its chipset: q35, …", "TYPE", true },
    { "ostype", offsetof(VcArchive, ostype), "Its system: l26, win11, … (l26)", "TYPE",
      true },
    { "scsihw", offsetof(VcArchive, scsihw), "Its controller (virtio-scsi-single)",
      "TYPE", true },
    { "net0", offsetof(VcArchive, net0), "Its network: virtio=MAC,bridge=vmbr0", "NET",
      true },
    { "boot", offsetof(VcArchive, boot), "What it boots from: order=scsi0", "ORDER",
      true },
};

static char **
value_of(VcArchive *a, size_t word)
{
    return &G_STRUCT_MEMBER(char *, a, words[word].at);
}

void
vc_archive_add(VcArchive *a, VcArguments *arguments)
{
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        g_autofree char *help = g_strconcat("Archives: ", words[i].help, NULL);
        const GOptionEntry entry[] = {
            { words[i].name, 0, 0, G_OPTION_ARG_FILENAME, value_of(a, i),
              g_intern_string(help), words[i].kind },
            { NULL },
        };
        vc_arguments_add(arguments, entry);
    }
}

void
vc_archive_clear(VcArchive *a)
{
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        g_clear_pointer(value_of(a, i), g_free);
}

/* What the user has typed must not be lost without a word: fails with REASON where one
 * of the words (MACHINE: of those that say what the machine is) was given. */
static bool
refuse_words(VcArchive *a, bool machine, const char *reason, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        if (!*value_of(a, i) || (machine && !words[i].machine))
            continue;
        vc_fail(error, VC_ERROR_USAGE, "--%s: %s", words[i].name, reason);
        return false;
    }
    return true;
}

bool
vc_archive_refuse(VcArchive *archive, const char *reason, GError **error)
{
    return refuse_words(archive, false, reason, error);
}

/* Proxmox has no smaller ones, and nine digits. */
#define VMID_MIN 100u
#define VMID_MAX 999999999u

/* More than almost any machine has; a slip is told from a wish. */
#define MEMORY_MAX ((uint64_t)16 << 20) /* MiB */
#define CORES_MAX 8192u

/* The number in "vzdump-qemu-100-….vma.zst", or 0. */
static unsigned
vmid_of_name(const char *path)
{
    g_autofree char *base = g_path_get_basename(path);
    if (!g_str_has_prefix(base, "vzdump-qemu-"))
        return 0;
    guint64 vmid = g_ascii_strtoull(base + strlen("vzdump-qemu-"), NULL, 10);
    return vmid >= VMID_MIN && vmid <= VMID_MAX ? (unsigned)vmid : 0;
}

static bool
prepare_conf(VcArchive *a, const char *to, GError **error)
{
    uint64_t vmid;
    VcQemuConf *conf = &a->conf;
    *conf = (VcQemuConf){ .name = a->name,
                          .bios = a->bios,
                          .machine = a->machine,
                          .ostype = a->ostype,
                          .scsihw = a->scsihw,
                          .net0 = a->net0,
                          .boot = a->boot };
    if (!vc_arguments_number("--vmid", a->vmid, VMID_MAX, vmid_of_name(to), &vmid,
                             error) ||
        !vc_arguments_number("--memory", a->memory, MEMORY_MAX, 0, &conf->memory_mib,
                             error) ||
        !vc_arguments_number("--cores", a->cores, CORES_MAX, 0, &conf->cores, error))
        return false;
    if (a->vmid && vmid < VMID_MIN) {
        vc_fail(error, VC_ERROR_USAGE, "--vmid: the numbers of machines begin at %u",
                VMID_MIN);
        return false;
    }
    conf->vmid = vmid > 0 ? (unsigned)vmid : VMID_MIN;
    return true;
}

/* The names that --disk gives, which are not free for others. */
static GHashTable *
reserved_names(char **disks, GError **error)
{
    g_autoptr(GHashTable)
        names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (char **d = disks; d && *d; d++) {
        const char *equals = strchr(*d, '=');
        if (!equals || equals == *d) {
            vc_fail(error, VC_ERROR_USAGE,
                    "--disk: '%s' is not DEVICE=FILE, such as scsi0=disk.vhdx", *d);
            return NULL;
        }
        g_autofree char *device = g_strndup(*d, (size_t)(equals - *d));
        if (!g_hash_table_add(names, vc_qemuconf_device(device))) {
            vc_fail(error, VC_ERROR_USAGE, "--disk: device %s is given twice", device);
            return NULL;
        }
    }
    return g_steal_pointer(&names);
}

static char *
next_name(const VcPack *pack, GHashTable *reserved)
{
    for (unsigned n = 0;; n++) {
        char *name = g_strdup_printf("drive-scsi%u", n);
        if (!g_hash_table_contains(reserved, name) && !vc_pack_has_disk(pack, name))
            return name;
        g_free(name);
    }
}

static bool
add_source(VcPack *pack, const VcFormat *format, const char *path, GHashTable *reserved,
           GError **error)
{
    const VcImage *image = vc_transfer_open(pack->transfer, pack->images, path, format,
                                            error);
    if (!image)
        return false;
    if (image->source->format->max_disks > 1)
        return vc_pack_archive(pack, image, error);
    vc_transfer_say_guess(image);
    g_autofree char *name = next_name(pack, reserved);
    return vc_pack_disk(pack, image, 0, name, error);
}

static bool
add_device(VcPack *pack, const VcFormat *format, const char *assignment, GError **error)
{
    const char *path = strchr(assignment, '=') + 1;
    g_autofree char *device = g_strndup(assignment, (size_t)(path - assignment - 1));
    g_autofree char *name = vc_qemuconf_device(device);
    const VcImage *image = vc_transfer_open(pack->transfer, pack->images, path, format,
                                            error);
    unsigned disk;
    return image && vc_image_single_disk(image, &disk, error) &&
           vc_pack_disk(pack, image, disk, name, error);
}

/* The configuration of an archive is kept as it was; but disks may have come or gone.
 */
static void
judge_kept(VcArchive *archive, const VcPack *pack, const VcBlob *blob)
{
    g_autoptr(GError) reason = NULL;
    archive->unfit = !vc_qemuconf_check((const char *)blob->data, blob->length,
                                        &pack->target.layout, &reason);
    if (archive->unfit)
        vc_print_warning("%s: qmrestore will not restore it as it should: %s; --config "
                         "FILE gives another configuration",
                         pack->target.path, reason->message);
}

/* What the machine is: the file given, what came with an archive, or lines of our own.
 */
static bool
add_conf(VcArchive *archive, VcPack *pack, GError **error)
{
    const VcLayout *layout = &pack->target.layout;
    if (archive->config) {
        vc_pack_drop_config(pack, VC_QEMUCONF_NAME);
        if (!vc_pack_config(pack, archive->config, VC_QEMUCONF_NAME, error))
            return false;
        const VcBlob *blob = &layout->blobs[layout->n_blobs - 1];
        if (vc_qemuconf_check((const char *)blob->data, blob->length, layout, error))
            return true;
        g_prefix_error(error, "%s: ", archive->config);
        return false;
    }
    for (unsigned i = 0; i < layout->n_blobs; i++) {
        if (strcmp(layout->blobs[i].name, VC_QEMUCONF_NAME) != 0)
            continue;
        if (!refuse_words(archive, true,
                          "the configuration that comes with the archive stays as it "
                          "is; --config FILE gives another",
                          error))
            return false;
        judge_kept(archive, pack, &layout->blobs[i]);
        return true; /* as it was */
    }
    g_autofree char *text = vc_qemuconf_make(&archive->conf, layout, error);
    if (!text)
        return false;
    vc_layout_add_blob(&pack->target.layout, VC_QEMUCONF_NAME, text, strlen(text));
    return true;
}

static bool
add_firewall(const VcArchive *archive, VcPack *pack, GError **error)
{
    if (!archive->firewall)
        return true;
    vc_pack_drop_config(pack, VC_QEMUCONF_FIREWALL);
    return vc_pack_config(pack, archive->firewall, VC_QEMUCONF_FIREWALL, error);
}

bool
vc_archive_fill(VcArchive *archive, VcPack *pack, const VcFormat *format,
                char **sources, guint n, GError **error)
{
    if (archive->config &&
        !refuse_words(archive, true,
                      "the file of --config says what the machine is, and stays as it "
                      "is",
                      error))
        return false;
    if (!prepare_conf(archive, pack->target.path, error))
        return false;
    g_autoptr(GHashTable) reserved = reserved_names(pack->transfer->disks, error);
    if (!reserved)
        return false;
    for (guint i = 0; i < n; i++)
        if (!add_source(pack, format, sources[i], reserved, error))
            return false;
    for (char **d = pack->transfer->disks; d && *d; d++)
        if (!add_device(pack, format, *d, error))
            return false;
    return add_conf(archive, pack, error) && add_firewall(archive, pack, error);
}

/* Proxmox knows archives, and what they are compressed with, by their names alone. */
static void
advise(const VcArchive *archive, const VcPack *pack)
{
    static const char prefix[] = "vzdump-qemu-";
    const VcTarget *target = &pack->target;
    if (vc_output_is(target->path, STDOUT_FILENO) || archive->unfit)
        return;
    g_autofree char *base = g_path_get_basename(target->path);
    g_autofree char *suffix = g_strconcat(
        target->format->suffix, vc_compression_suffix(target->compress.compression),
        NULL);
    if (g_str_has_prefix(base, prefix) && g_str_has_suffix(base, suffix) &&
        strlen(base) > strlen(prefix) + strlen(suffix)) {
        if (isatty(STDOUT_FILENO) && !pack->transfer->quiet)
            vc_print_line("qmrestore %s %u --storage local-lvm", target->path,
                          archive->conf.vmid);
        return;
    }
    g_autoptr(GDateTime)
        time = g_date_time_new_from_unix_local(pack->transfer->convert.identity.time);
    g_autofree char *stamp = time ? g_date_time_format(time, "%Y_%m_%d-%H_%M_%S")
                                  : NULL;
    vc_print_warning("%s: qmrestore takes archives by their names only: %s%u-%s%s",
                     target->path, prefix, archive->conf.vmid,
                     stamp ? stamp : "1970_01_01-00_00_00", suffix);
}

bool
vc_archive_write(VcArchive *archive, VcTransfer *transfer, const VcFormat *format,
                 char **sources, guint n, const char *to, const VcFormat *target,
                 GError **error)
{
    g_auto(VcPack) pack = { 0 };
    vc_pack_init(&pack, transfer, to, target);
    if (!vc_archive_fill(archive, &pack, format, sources, n, error) ||
        !vc_pack_run(&pack, error))
        return false;
    advise(archive, &pack);
    return true;
}
