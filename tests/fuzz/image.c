/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening an image whatever it is, and its parents: the input is one file or two, in a
 * directory of our own. Without leave to follow a chain, nothing outside the image's
 * own directory is opened.
 *
 * Byte 0: bit 0 there is a second file, bit 1 it lies in another directory, bit 2 and a
 * link leads there. Then the second's name, behind its length, and the first file,
 * behind its length of two bytes; the rest is the second. A file is pieces: sector (2),
 * number of bytes (2), and the bytes. Checksums of VHD and VHDX are mended. */
#include "tests/fuzz/fuzz.h"

#include "converters/image.h"
#include "io/bytes.h"
#include "io/checksum.h"
#include "io/error.h"
#include "io/memory.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#define SECTOR 512u
#define PIECE 4u

/* Enough to see each kind of extent; a map may have billions. */
#define EXTENTS_MAX 500u

enum { SECOND = 1, ELSEWHERE = 2, LINK = 4 };

/* Made once, empty between two inputs. */
static struct {
    char *root, *here, *other;
    int opened; /* tells what is opened in the other; -1: the system has none left */
} place;

/* What is left of the input. */
typedef struct {
    const uint8_t *at;
    size_t left;
} Input;

static Input
take(Input *input, size_t length)
{
    Input piece = { input->at, MIN(length, input->left) };
    input->at += piece.left;
    input->left -= piece.left;
    return piece;
}

static size_t
take_number(Input *input, size_t size)
{
    Input piece = take(input, size);
    size_t number = 0;
    for (size_t i = 0; i < piece.left; i++)
        number |= (size_t)piece.at[i] << 8 * i;
    return number;
}

/* --- the directory ---------------------------------------------------------------- */

static void
remove_place(void)
{
    g_rmdir(place.here);
    g_rmdir(place.other);
    g_rmdir(place.root);
}

static void
make_place(void)
{
    if (place.root)
        return;
    /* In memory where that is to be had. */
    const char *parent = access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm"
                                                              : g_get_tmp_dir();
    g_autofree char *made = g_build_filename(parent, "vconv-fuzz-XXXXXX", NULL);
    g_assert(g_mkdtemp(made));
    place.root = realpath(made, NULL);
    place.here = g_build_filename(place.root, "here", NULL);
    place.other = g_build_filename(place.root, "other", NULL);
    g_assert(g_mkdir(place.here, 0700) == 0 && g_mkdir(place.other, 0700) == 0);
    place.opened = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (place.opened >= 0)
        g_assert(inotify_add_watch(place.opened, place.other, IN_OPEN) >= 0);
    atexit(remove_place);
}

/* Whether a file in the other directory was opened since the last call. */
static bool
was_opened(void)
{
    char events[4096];
    bool any = false;
    while (place.opened >= 0 && read(place.opened, events, sizeof events) > 0)
        any = true;
    return any;
}

/* --- the files -------------------------------------------------------------------- */

static void
mend_vpc_sum(VcFile *file, uint64_t position, size_t length, const char *cookie,
             size_t at)
{
    uint8_t raw[1024];
    uint32_t sum = 0;
    if (!vc_file_read(file, position, raw, length, NULL) || memcmp(raw, cookie, 8) != 0)
        return;
    memset(raw + at, 0, 4);
    for (size_t i = 0; i < length; i++)
        sum += raw[i];
    store_be32(raw + at, ~sum);
    vc_file_write(file, position + at, raw + at, 4, NULL);
}

static void
mend_vpc(VcFile *file, uint64_t position)
{
    uint8_t raw[24];
    if (!vc_file_read(file, position, raw, sizeof raw, NULL))
        return;
    mend_vpc_sum(file, position, SECTOR, "conectix", 64);
    mend_vpc_sum(file, load_be64(raw + 16), 1024, "cxsparse", 36);
}

static void
mend_vhdx(VcFile *file, uint64_t position, size_t length, const char *signature)
{
    uint8_t head[4];
    if (!vc_file_read(file, position, head, 4, NULL) || memcmp(head, signature, 4) != 0)
        return;
    g_autofree uint8_t *raw = g_malloc(length);
    if (!vc_file_read(file, position, raw, length, NULL))
        return;
    store_le32(raw + 4, 0);
    store_le32(raw + 4, vc_crc32c(0, raw, length));
    vc_file_write(file, position + 4, raw + 4, 4, NULL);
}

static VcFile *
build(Input input)
{
    VcFile *file = vc_memory_file("built");
    uint64_t end;
    while (input.left > PIECE) {
        uint64_t position = take_number(&input, 2) * SECTOR;
        Input bytes = take(&input, take_number(&input, 2));
        vc_file_write(file, position, bytes.at, bytes.left, NULL);
    }
    g_assert(vc_file_size(file, &end, NULL));
    mend_vpc(file, 0);
    if (end >= SECTOR)
        mend_vpc(file, end - SECTOR);
    for (unsigned i = 1; i <= 2; i++) {
        mend_vhdx(file, i * (64u << 10), 4096, "head");
        mend_vhdx(file, (i + 2) * (64u << 10), 64 << 10, "regi");
    }
    return file;
}

static bool
write_page(void *user, uint64_t position, const void *data, size_t length,
           GError **error G_GNUC_UNUSED)
{
    g_assert(pwrite(*(int *)user, data, length, (off_t)position) == (ssize_t)length);
    return true;
}

static void
make_file(const char *path, Input input)
{
    g_autoptr(VcFile) file = build(input);
    uint64_t size;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    g_assert(fd >= 0 && vc_file_size(file, &size, NULL));
    g_assert(vc_memory_file_visit(file, write_page, &fd, NULL));
    g_assert(ftruncate(fd, (off_t)size) == 0);
    close(fd);
}

/* One that may stand in a directory beside "image". */
static char *
take_name(Input *input)
{
    Input bytes = take(input, take_number(input, 1));
    char *name = g_strndup((const char *)bytes.at, bytes.left);
    g_strdelimit(name, "/", '_');
    if (name[0] != '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
        strcmp(name, "image") != 0)
        return name;
    g_free(name);
    return g_strdup("base");
}

/* --- opening ---------------------------------------------------------------------- */

static void
walk(VcSource *source)
{
    VcExtent extent = { 0 };
    for (unsigned i = 0; i < EXTENTS_MAX; i++) {
        uint8_t byte;
        if (!vc_source_next(source, &extent, NULL) || extent.kind == VC_END)
            return;
        if (extent.kind == VC_DATA &&
            !vc_file_read(extent.file, extent.position + extent.length - 1, &byte, 1,
                          NULL))
            return;
    }
}

static void
open_image(const char *path, bool follow)
{
    g_autoptr(GError) error = NULL;
    VcImageOptions options = { .follow_chain = follow };
    VcImage image;

    was_opened();
    bool well = vc_image_open(&image, path, &options, &error);
    g_assert(well ? !error : error && error->domain == VC_ERROR);
    g_assert(follow || !was_opened());
    if (!well)
        return;
    for (guint i = 0; i < image.parents->len; i++) {
        const VcAncestor *parent = image.parents->pdata[i];
        g_autofree char *real = realpath(parent->path, NULL);
        g_autofree char *directory = g_path_get_dirname(real);
        g_assert(follow || strcmp(directory, place.here) == 0);
    }
    walk(image.source);
    vc_image_clear(&image);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Input input = { data, size };
    make_place();
    size_t flags = take_number(&input, 1);
    g_autofree char *name = take_name(&input);
    g_autofree char *path = g_build_filename(place.here, "image", NULL);
    g_autofree char *beside = g_build_filename(place.here, name, NULL);
    g_autofree char *second = g_build_filename(
        flags & ELSEWHERE ? place.other : place.here, name, NULL);

    make_file(path, take(&input, take_number(&input, 2)));
    if (flags & SECOND)
        make_file(second, input);
    if (flags & LINK && flags & ELSEWHERE)
        g_assert(symlink(second, beside) == 0);
    open_image(path, false);
    open_image(path, true);
    g_unlink(beside);
    g_unlink(second);
    g_unlink(path);
    return 0;
}
