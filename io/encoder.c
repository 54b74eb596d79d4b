/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all encoders have in common. */
#include "io/encoder.h"

bool
vc_encoder_emit(VcEncoder *e, const void *data, size_t length, GError **error)
{
    if (length == 0)
        return true;
    if (!vc_file_write(e->below, e->position, data, length, error))
        return false;
    e->position += length;
    return true;
}
