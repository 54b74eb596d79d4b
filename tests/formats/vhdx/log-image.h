/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of the log share: an image, entries in its log, and their replay,
 * which goes into the memory file itself as it would go into an overlay. */
#ifndef VC_TESTS_VHDX_LOG_IMAGE_H
#define VC_TESTS_VHDX_LOG_IMAGE_H

#include "formats/vhdx/log.h"
#include "io/error.h"
#include "tests/check-main.h"
#include "tests/formats/vhdx/image.h"

#include <string.h>

/* Free for changes: behind the regions, inside the file. */
#define PAGE0 (6 * MIB)
#define PAGE(n) (PAGE0 + (uint64_t)(n)*4096)
#define FILE_SIZE (8 * MIB)

static Image image;

static inline void
set_up(void)
{
    image = (Image){ 0 };
    image_build(&image);
    ck_assert(vc_file_truncate(image.file, FILE_SIZE, NULL));
}

static inline void
tear_down(void)
{
    image_clear(&image);
}

static inline bool
replay(VhdxReplay *result, GError **error)
{
    VhdxLog log = { .offset = IMAGE_LOG, .length = image.log_length };
    memcpy(log.guid.bytes, image_log_guid, 16);
    return vhdx_log_replay(&log, image.file, result, error);
}

static inline VhdxReplay
replays(void)
{
    g_autoptr(GError) error = NULL;
    VhdxReplay result;
    bool ok = replay(&result, &error);
    assert_no_error(error);
    ck_assert(ok);
    return result;
}

static inline void
refuses(VcError code)
{
    g_autoptr(GError) error = NULL;
    VhdxReplay result;
    ck_assert(!replay(&result, &error));
    assert_error(error, (int)code);
}

/* The byte that fills the page at POSITION; fails when it is not one byte. */
static inline unsigned
page_at(uint64_t position)
{
    uint8_t page[4096];
    ck_assert(vc_file_read(image.file, position, page, sizeof page, NULL));
    ck_assert_int_eq(memcmp(page, page + 1, sizeof page - 1), 0);
    return page[0];
}

/* An entry of one page. */
static inline uint32_t
put(uint32_t at, uint32_t tail, uint64_t sequence, uint64_t position, uint8_t byte)
{
    Change change = { .position = position, .byte = byte };
    return image_log(
        &image,
        &(LogEntry){
            .at = at, .tail = tail, .sequence = sequence, .changes = &change, .n = 1 });
}

#endif
