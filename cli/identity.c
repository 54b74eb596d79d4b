/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the UUIDs and times of outputs come from. */
#include "cli/identity.h"

#include "io/error.h"

#include <time.h>

bool
vc_identity_prepare(VcIdentity *identity, bool reproducible, GError **error)
{
    /* https://reproducible-builds.org/specs/source-date-epoch/ */
    const char *epoch = g_getenv("SOURCE_DATE_EPOCH");
    gint64 time_s = reproducible ? 0 : (gint64)time(NULL);
    if (epoch && !g_ascii_string_to_signed(epoch, 10, 0, G_MAXINT64, &time_s, NULL)) {
        vc_fail(error, VC_ERROR_USAGE,
                "SOURCE_DATE_EPOCH is '%s', not a number of seconds since 1970", epoch);
        return false;
    }
    *identity = (VcIdentity){ .reproducible = reproducible, .time = time_s };
    return true;
}
