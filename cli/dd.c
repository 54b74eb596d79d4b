/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `dd`: a part of a disk, with operands as dd(1) has them. */
#include "cli/command.h"

#include "cli/print.h"
#include "cli/transfer.h"
#include "converters/range.h"
#include "io/error.h"

#include <string.h>

typedef struct {
    VcArguments arguments;
    VcTransfer transfer;
    char *target_format;
    const char *from, *to; /* borrowed from the arguments */
    uint64_t block, skip;
    uint64_t count; /* UINT64_MAX: to the end */
} Dd;

static void
dd_clear(Dd *dd)
{
    vc_arguments_clear(&dd->arguments);
    vc_transfer_clear(&dd->transfer);
    g_clear_pointer(&dd->target_format, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Dd, dd_clear)

static bool
parse_operand(Dd *dd, const char *operand, GError **error)
{
    const char *equals = strchr(operand, '=');
    size_t length = equals ? (size_t)(equals - operand) : 0;
    const struct {
        const char *name;
        const char **text;
        uint64_t *size;
    } known[] = {
        { "if", &dd->from, NULL },     { "of", &dd->to, NULL },
        { "bs", NULL, &dd->block },    { "skip", NULL, &dd->skip },
        { "count", NULL, &dd->count },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        if (length != strlen(known[i].name) ||
            strncmp(operand, known[i].name, length) != 0)
            continue;
        if (known[i].size)
            return vc_arguments_size(known[i].name, equals + 1, 0, known[i].size,
                                     error);
        *known[i].text = equals + 1;
        return true;
    }
    vc_fail(error, VC_ERROR_USAGE,
            "dd: '%s' is none of if=FILE, of=FILE, bs=SIZE, count=N, skip=N", operand);
    return false;
}

static bool
parse_operands(Dd *dd, GError **error)
{
    dd->block = 512;
    dd->count = UINT64_MAX;
    for (char **file = dd->arguments.files; *file; file++)
        if (!parse_operand(dd, *file, error))
            return false;
    if (!dd->from || !dd->to) {
        vc_fail(error, VC_ERROR_USAGE, "dd: both if=FILE and of=FILE are needed");
        return false;
    }
    if (dd->block == 0 || dd->block > G_MAXINT32) {
        vc_fail(error, VC_ERROR_USAGE, "dd: bs= must be between 1 and 2147483647");
        return false;
    }
    return true;
}

/* The bytes that the operands name, of a disk of SIZE. */
static bool
find_range(const Dd *dd, uint64_t size, uint64_t *offset, uint64_t *length,
           GError **error)
{
    if (size == VC_SIZE_UNKNOWN) {
        vc_fail(error, VC_ERROR_USAGE,
                "%s: its size is not known, for it comes from a pipe", dd->from);
        return false;
    }
    /* qemu-img counts what is skipped, too; dd(1) does not. */
    uint64_t end, count = dd->count;
    if (vc_manners != VC_MANNERS_QEMU_IMG &&
        !g_uint64_checked_add(&count, count, dd->skip))
        count = UINT64_MAX;
    if (!g_uint64_checked_mul(&end, count, dd->block) || end > size)
        end = size;
    if (!g_uint64_checked_mul(offset, dd->skip, dd->block) || *offset > end) {
        vc_fail(error, VC_ERROR_USAGE,
                "%s: skip= leads beyond the end of the disk, %" G_GUINT64_FORMAT
                " bytes",
                dd->from, end);
        return false;
    }
    *length = end - *offset;
    return true;
}

static bool
copy(Dd *dd, const VcFormat *format, GError **error)
{
    g_autoptr(GPtrArray) images = vc_transfer_images_new();
    g_auto(VcConversion) conversion = { 0 };
    vc_conversion_init(&conversion);

    const VcImage *image = vc_transfer_open(&dd->transfer, images, dd->from, NULL,
                                            error);
    unsigned disk;
    uint64_t offset, length;
    if (!image || !vc_image_single_disk(image, &disk, error) ||
        !find_range(dd, image->source->layout.disks[disk].size, &offset, &length,
                    error))
        return false;

    g_autoptr(VcSource) range = vc_range(image->source, disk, offset, length);
    VcTarget target = vc_transfer_target(&dd->transfer, dd->to, format);
    vc_transfer_add_disk(&dd->transfer, &target, &range->layout.disks[0], "");
    unsigned index = vc_transfer_add_target(&conversion, &target);
    vc_conversion_add_route(&conversion, range, 0, index, 0);
    return vc_transfer_run(&dd->transfer, &conversion, images, error);
}

static int
run(const VcCommand *command, int argc, char **argv, GError **error)
{
    g_auto(Dd) dd = { 0 };
    const GOptionEntry entries[] = {
        { "format", 'f', 0, G_OPTION_ARG_FILENAME, &dd.transfer.reading.format,
          "Format of the source (found by its content)", "FORMAT" },
        { "target-format", 'O', 0, G_OPTION_ARG_FILENAME, &dd.target_format,
          "Format of the target (raw)", "FORMAT" },
        { NULL },
    };
    vc_arguments_init(&dd.arguments, command);
    vc_arguments_add(&dd.arguments, entries);
    vc_transfer_add(&dd.transfer, &dd.arguments);
    if (!vc_arguments_parse(&dd.arguments, argc, argv, error))
        return dd.arguments.status;

    const VcFormat *format = vc_format_find(dd.target_format ? dd.target_format : "raw",
                                            error);
    if (!format)
        return 1;
    if (vc_transfer_help(&dd.transfer, format))
        return 0;
    return parse_operands(&dd, error) && vc_transfer_prepare(&dd.transfer, error) &&
                   copy(&dd, format, error)
               ? 0
               : 1;
}

const VcCommand vc_command_dd = {
    .name = "dd",
    .usage = "if=SRC of=DST [bs=SIZE] [count=N] [skip=N]",
    .summary = "Copy a part of a disk.",
    .details = "bs= is 512 unless given; count= and skip= are numbers of such blocks.",
    .run = run,
};
