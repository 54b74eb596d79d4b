/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which file is a VHD. */
#include "formats/vpc/footers.h"

#include "io/bytes.h"
#include "io/error.h"

#include <string.h>

/* Both cookies where they belong, or a fixed footer that fits its file to the byte: no
 * payload looks so. */
static bool
looks_damaged(VcFile *file, bool *damaged, GError **error)
{
    uint8_t raw[VPC_FOOTER_SIZE], cookie[8];
    uint64_t size;
    size_t got;

    *damaged = false;
    if (!vc_file_size(file, &size, error))
        return false;
    if (size / 2 < VPC_FOOTER_SIZE)
        return true;
    if (!vc_file_read(file, 0, raw, sizeof raw, error))
        return false;
    if (memcmp(raw, "conectix", 8) == 0 || memcmp(raw, "v_poison", 8) == 0) {
        uint64_t at = load_be64(raw + 16);
        if (at > size || size - at < sizeof cookie)
            at = VPC_FOOTER_SIZE;
        if (!vc_file_read_some(file, at, cookie, sizeof cookie, &got, error))
            return false;
        *damaged = got == sizeof cookie && memcmp(cookie, "cxsparse", 8) == 0;
    }
    if (*damaged)
        return true;
    if (!vc_file_read(file, size - sizeof raw, raw, sizeof raw, error))
        return false;
    *damaged = memcmp(raw, "conectix", 8) == 0 && load_be32(raw + 60) == VPC_FIXED &&
               load_be64(raw + 48) == size - sizeof raw;
    return true;
}

static bool
probe_stream(VcFile *file, bool *match, GError **error)
{
    uint8_t raw[VPC_FOOTER_SIZE];
    VpcFooter footer;
    size_t got;

    if (!vc_file_read_some(file, 0, raw, sizeof raw, &got, error))
        return false;
    *match = got == sizeof raw && vpc_footer_valid(raw) &&
             vpc_footer_decode(raw, 0, &footer, NULL) && footer.type != VPC_FIXED;
    return !*match || vpc_header_look(file, &footer, VC_STREAM_LOOKBACK, match, error);
}

bool
vpc_probe(VcFile *file, bool *match, GError **error)
{
    g_autoptr(GError) reason = NULL;
    VpcFooters found;

    if (!file->seekable)
        return probe_stream(file, match, error);
    *match = vpc_footers_find(file, &found, &reason);
    if (*match || found.trailing)
        return *match = true;
    if (g_error_matches(reason, VC_ERROR, VC_ERROR_IO)) {
        g_propagate_error(error, g_steal_pointer(&reason));
        return false;
    }
    return looks_damaged(file, match, error);
}

bool
vpc_probe_end(const uint8_t raw[static VPC_FOOTER_SIZE], uint64_t at)
{
    VpcFooter footer;
    return vpc_footer_valid(raw) && vpc_footer_decode(raw, at, &footer, NULL) &&
           footer.type == VPC_FIXED && footer.current_size == at;
}
