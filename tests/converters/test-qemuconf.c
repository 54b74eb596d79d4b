/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the configuration that Proxmox wants. */
#include "converters/qemuconf.h"

#include "io/error.h"
#include "tests/check-main.h"

#include <string.h>

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VcLayout, vc_layout_clear)

START_TEST(a_configuration_has_a_drive_and_a_map_line_for_each_disk)
{
    g_auto(VcLayout) layout = { 0 };
    vc_layout_add_disk(&layout, "drive-scsi0", (uint64_t)32 << 30);
    vc_layout_add_disk(&layout, "drive-efidisk0", 540672);
    vc_layout_add_disk(&layout, "drive-tpmstate0-backup", 4 << 20);
    vc_layout_add_disk(&layout, "vmstate", 4096)->vmstate = true;
    VcQemuConf conf = { .vmid = 123,
                        .name = "web01",
                        .memory_mib = 4096,
                        .cores = 4,
                        .bios = "ovmf",
                        .machine = "q35",
                        .net0 = "virtio=BC:24:11:00:00:01,bridge=vmbr0" };
    g_autoptr(GError) error = NULL;
    g_autofree char *text = vc_qemuconf_make(&conf, &layout, &error);

    assert_no_error(error);
    ck_assert_str_eq(text,
                     "bios: ovmf\n"
                     "boot: order=scsi0\n"
                     "cores: 4\n"
                     "efidisk0: local:123/vm-123-disk-1.raw,efitype=4m,size=528K\n"
                     "machine: q35\n"
                     "memory: 4096\n"
                     "name: web01\n"
                     "net0: virtio=BC:24:11:00:00:01,bridge=vmbr0\n"
                     "ostype: l26\n"
                     "scsi0: local:123/vm-123-disk-0.raw,size=32G\n"
                     "scsihw: virtio-scsi-single\n"
                     "tpmstate0: local:123/vm-123-disk-2.raw,version=v2.0,size=4M\n"
                     "#qmdump#map:scsi0:drive-scsi0::raw:\n"
                     "#qmdump#map:efidisk0:drive-efidisk0::raw:\n"
                     "#qmdump#map:tpmstate0:drive-tpmstate0-backup::raw:\n");
    ck_assert(vc_qemuconf_check(text, strlen(text), &layout, &error));
}
END_TEST

START_TEST(the_variables_of_efi_tell_their_kind_by_their_size)
{
    static const struct {
        uint64_t size;
        const char *line;
    } rows[] = { { 128 << 10, "efitype=2m,size=128K" },
                 { 528 << 10, "efitype=4m,size=528K" },
                 { 4 << 20, "efitype=4m,size=4M" } };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(VcLayout) layout = { 0 };
        vc_layout_add_disk(&layout, "drive-efidisk0", rows[i].size);
        VcQemuConf conf = { 0 };
        g_autofree char *text = vc_qemuconf_make(&conf, &layout, NULL);
        ck_assert_ptr_nonnull(text);
        ck_assert_ptr_nonnull(strstr(text, rows[i].line));
    }
}
END_TEST

START_TEST(a_configuration_has_defaults_for_all_that_is_needed)
{
    g_auto(VcLayout) layout = { 0 };
    vc_layout_add_disk(&layout, "drive-virtio0", 1536);
    VcQemuConf conf = { 0 };
    g_autofree char *text = vc_qemuconf_make(&conf, &layout, NULL);

    ck_assert_str_eq(text, "boot: order=virtio0\n"
                           "cores: 2\n"
                           "memory: 2048\n"
                           "ostype: l26\n"
                           "scsihw: virtio-scsi-single\n"
                           "virtio0: local:100/vm-100-disk-0.raw,size=1536\n"
                           "#qmdump#map:virtio0:drive-virtio0::raw:\n");
}
END_TEST

/* SeaBIOS would not look at its variables, and the machine not start. */
START_TEST(a_machine_with_variables_of_efi_has_ovmf_unless_another_is_wanted)
{
    g_auto(VcLayout) layout = { 0 };
    vc_layout_add_disk(&layout, "drive-scsi0", 512);
    vc_layout_add_disk(&layout, "drive-efidisk0", 528 << 10);
    g_autofree char *text = vc_qemuconf_make(&(VcQemuConf){ 0 }, &layout, NULL);
    ck_assert_ptr_nonnull(strstr(text, "bios: ovmf\n"));

    const VcQemuConf wish = { .bios = "seabios" };
    g_autofree char *wished = vc_qemuconf_make(&wish, &layout, NULL);
    ck_assert_ptr_nonnull(strstr(wished, "bios: seabios\n"));
    ck_assert_ptr_null(strstr(wished, "ovmf"));
}
END_TEST

START_TEST(a_value_cannot_bring_lines_of_its_own)
{
    g_auto(VcLayout) layout = { 0 };
    vc_layout_add_disk(&layout, "drive-scsi0", 512);
    const VcQemuConf confs[] = {
        { .name = "a\nargs: x" }, { .name = "a b" },
        { .name = "-a" },         { .name = "a." },
        { .bios = "uefi" },       { .machine = "q35\nx: y" },
        { .ostype = "l26\r" },    { .scsihw = "" },
        { .net0 = "a\nb" },       { .boot = "order=scsi0\x1b[m" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(confs); i++) {
        g_autoptr(GError) error = NULL;
        ck_assert_ptr_null(vc_qemuconf_make(&confs[i], &layout, &error));
        assert_error(error, VC_ERROR_USAGE);
    }
}
END_TEST

START_TEST(a_disk_that_is_no_drive_of_proxmox_cannot_be_configured)
{
    static const char *const names[] = {
        "disk0", "drive-",        "drive-scsi31", "drive-scsi01",      "drive-scsi",
        "scsi0", "drive-floppy0", "drive-scsi0 ", "drive-scsi0-backup"
    };
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_auto(VcLayout) layout = { 0 };
        vc_layout_add_disk(&layout, names[i], 512);
        g_autoptr(GError) error = NULL;
        ck_assert_ptr_null(vc_qemuconf_make(&(VcQemuConf){ 0 }, &layout, &error));
        assert_error(error, VC_ERROR_USAGE);
    }
}
END_TEST

START_TEST(drives_and_devices_are_named_both_ways)
{
    static const char *const pairs[][2] = {
        { "scsi0", "drive-scsi0" },
        { "scsi30", "drive-scsi30" },
        { "virtio15", "drive-virtio15" },
        { "sata5", "drive-sata5" },
        { "ide3", "drive-ide3" },
        { "efidisk0", "drive-efidisk0" },
        { "tpmstate0", "drive-tpmstate0-backup" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
        g_autofree char *device = vc_qemuconf_device(pairs[i][0]);
        g_autofree char *drive = vc_qemuconf_drive(pairs[i][1]);
        ck_assert_str_eq(device, pairs[i][1]);
        ck_assert_str_eq(drive, pairs[i][0]);
    }
}
END_TEST

static const struct {
    const char *text, *says; /* SAYS NULL: is taken */
} confs[] = {
    { "scsi0: x\n#qmdump#map:scsi0:drive-scsi0::raw:\n", NULL },
    { "scsi0: x\n#qmdump#map:scsi0:drive-scsi0:local-lvm:qcow2:", NULL },
    { "#qmdump#map:scsi0:drive-scsi0:::\nscsi0: x", NULL },
    { "",
      "has no line for disk 'drive-scsi0'; add '#qmdump#map:scsi0:drive-scsi0::raw:'" },
    { "scsi0: x\n", "has no line for disk 'drive-scsi0'" },
    { "#qmdump#map:scsi0:drive-scsi0::raw:\n", "no line 'scsi0: " },
    { "#scsi0: x\n#qmdump#map:scsi0:drive-scsi0::raw:\n", "no line 'scsi0: " },
    { "scsi0: "
      "x\n#qmdump#map:scsi0:drive-scsi0::raw:\n#qmdump#map:scsi1:drive-scsi1::raw:\n",
      "line 3, '#qmdump#map:scsi1:drive-scsi1::raw:': the archive has no disk" },
    { "scsi0: "
      "x\n#qmdump#map:scsi0:drive-scsi0::raw:\n#qmdump#map:scsi1:drive-scsi0::raw:\n",
      "line 3, '#qmdump#map:scsi1:drive-scsi0::raw:': the disk has a line already" },
    { "#qmdump#map:scsi0:drive-scsi0::raw:\n[snap1]\nscsi0: x\n", "no line 'scsi0: " },
    { "#qmdump#map:scsi0:drive-scsi0::raw:\nscsi0: x\n[snap1]\nscsi0: y\n", NULL },
    { "scsi0: x\n[snap1]\n#qmdump#map:scsi0:drive-scsi0::raw:\n", NULL },
    { "scsi0: none,media=cdrom\n#qmdump#map:scsi0:drive-scsi0::raw:\n",
      "no line 'scsi0: " },
    { "scsi0: x,size=1G,backup=0\n#qmdump#map:scsi0:drive-scsi0::raw:\n",
      "no line 'scsi0: " },
    { "scsi0: x,media=disk,backup=1\n#qmdump#map:scsi0:drive-scsi0::raw:\n", NULL },
    { "scsi0: x\n#qmdump#map:scsi0:drive-scsi0:raw:\n", "line 2" },
    { "scsi0: x\n#qmdump#map:scsi99:drive-scsi0::raw:\n", "line 2" },
    { "scsi0: x\n#qmdump#map:scsi0:drive-scsi0::raw:x\n", "line 2" },
    { "scsi0: x\n#qmdump#map:\x1b[m\n", "\\x1b[m" },
};

START_TEST(a_configuration_must_fit_the_disks)
{
    g_auto(VcLayout) layout = { 0 };
    vc_layout_add_disk(&layout, "drive-scsi0", 512);
    g_autoptr(GError) error = NULL;
    bool taken = vc_qemuconf_check(confs[_i].text, strlen(confs[_i].text), &layout,
                                   &error);

    if (!confs[_i].says) {
        assert_no_error(error);
        ck_assert(taken);
        return;
    }
    ck_assert(!taken);
    assert_error(error, VC_ERROR_USAGE);
    ck_assert_msg(strstr(error->message, confs[_i].says) != NULL, "%s", error->message);
}
END_TEST

START_TEST(two_disks_cannot_be_one_drive)
{
    static const char text[] = "scsi0: x\n#qmdump#map:scsi0:drive-scsi0::raw:\n"
                               "#qmdump#map:scsi0:drive-scsi1::raw:\n";
    g_auto(VcLayout) layout = { 0 };
    vc_layout_add_disk(&layout, "drive-scsi0", 512);
    vc_layout_add_disk(&layout, "drive-scsi1", 512);
    g_autoptr(GError) error = NULL;

    ck_assert(!vc_qemuconf_check(text, strlen(text), &layout, &error));
    assert_error(error, VC_ERROR_USAGE);
    ck_assert_msg(strstr(error->message, "line 3") &&
                      strstr(error->message, "the drive has a disk already"),
                  "%s", error->message);
}
END_TEST

START_TEST(a_name_with_white_space_is_refused)
{
    g_auto(VcLayout) layout = { 0 };
    vc_layout_add_disk(&layout, "drive scsi0", 512);
    g_autoptr(GError) error = NULL;

    ck_assert(!vc_qemuconf_check("", 0, &layout, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "white space"));
}
END_TEST

START_TEST(bytes_are_no_configuration)
{
    g_auto(VcLayout) layout = { 0 };
    g_autoptr(GError) error = NULL;

    ck_assert(!vc_qemuconf_check("a\0b", 3, &layout, &error));
    assert_error(error, VC_ERROR_USAGE);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("converters/qemuconf");
    TCase *tests = tcase_create("qemuconf");
    tcase_add_test(tests, a_configuration_has_a_drive_and_a_map_line_for_each_disk);
    tcase_add_test(tests, the_variables_of_efi_tell_their_kind_by_their_size);
    tcase_add_test(tests, a_configuration_has_defaults_for_all_that_is_needed);
    tcase_add_test(tests,
                   a_machine_with_variables_of_efi_has_ovmf_unless_another_is_wanted);
    tcase_add_test(tests, a_value_cannot_bring_lines_of_its_own);
    tcase_add_test(tests, a_disk_that_is_no_drive_of_proxmox_cannot_be_configured);
    tcase_add_test(tests, drives_and_devices_are_named_both_ways);
    tcase_add_loop_test(tests, a_configuration_must_fit_the_disks, 0,
                        G_N_ELEMENTS(confs));
    tcase_add_test(tests, two_disks_cannot_be_one_drive);
    tcase_add_test(tests, a_name_with_white_space_is_refused);
    tcase_add_test(tests, bytes_are_no_configuration);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
