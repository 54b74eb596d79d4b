/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A qemu-server.conf that somebody gives: checked against disks, and taken
 * for the words of a user from which one is made. */
#include "tests/fuzz/fuzz.h"

#include "converters/qemuconf.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VcLayout layout = { 0 };
    vc_layout_add_disk(&layout, "drive-scsi0", 1 << 20);
    vc_layout_add_disk(&layout, "drive-efidisk0", 540672);
    vc_layout_add_disk(&layout, "vmstate", 4096)->vmstate = true;

    GError *error = NULL;
    bool taken = vc_qemuconf_check((const char *)data, size, &layout, &error);
    g_assert(taken == !error);
    g_clear_error(&error);

    g_autofree char *line = g_strndup((const char *)data, size);
    VcQemuConf conf = { .name = line, .net0 = line, .boot = line, .machine = line };
    g_autofree char *text = vc_qemuconf_make(&conf, &layout, &error);
    g_assert(!text == !!error);
    /* What is made is always taken. */
    g_assert(!text || vc_qemuconf_check(text, strlen(text), &layout, NULL));
    g_clear_error(&error);
    vc_layout_clear(&layout);
    return 0;
}
