/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* XenServer's batmap is checked. */
#include "io/bytes.h"
#include "tests/formats/vpc/findings.h"

START_TEST(a_wrong_batmap_is_found)
{
    static const struct {
        uint32_t bits; /* of the first blocks, the first is the highest */
        uint32_t sectors;
        int32_t off; /* by how much the checksum is wrong */
        const char *words;
        unsigned n;
    } cases[] = {
        { 0x50400000, 1, 0, "", 0 },
        { 0x50400000, 1, 1, "checksum", 1 },
        { 0x78400000, 1, 0, "blocks are complete which are not", 1 },
        { 0x50400000, 0x1000000, 0, "beyond the end", 1 },
        { 0, 0, 0, "too few bits", 1 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        VcFile *file = make_image("");
        uint8_t raw[512] = "tdbatmap", map[512] = { 0 };
        uint32_t sum = 0;
        store_be32(map, cases[i].bits);
        for (unsigned k = 0; k < 4; k++)
            sum += map[k];
        store_be64(raw + 8, 2560);
        store_be32(raw + 16, cases[i].sectors);
        store_be32(raw + 20, 0x00010002);
        store_be32(raw + 24, ~sum + (uint32_t)cases[i].off);
        vc_file_write(file, 2048, raw, 512, NULL);
        vc_file_write(file, 2560, map, 512, NULL);
        expect(file, VC_FINDING_WARNING, cases[i].words, cases[i].n);
    }
}
END_TEST

/* As many bits as there are blocks in the largest table are read, and no more. */
START_TEST(a_batmap_longer_than_any_disk_needs_is_not_read)
{
    static const uint32_t most = VPC_BAT_ENTRIES_MAX / 8 / 512; /* sectors */
    for (uint32_t sectors = most; sectors <= most + 1; sectors++) {
        VcFile *file = make_image("");
        VpcFooter footer = get_footer(file);
        uint8_t raw[512] = "tdbatmap";
        store_be64(raw + 8, 2560);
        store_be32(raw + 16, sectors);
        store_be32(raw + 20, 0x00010002);
        vc_file_write(file, 2048, raw, 512, NULL);
        vc_file_truncate(file, 2560 + (uint64_t)sectors * 512 + 512, NULL);
        set_footer(file, &footer);
        /* The blocks lie in the map, so the checksum is that of their bytes. */
        expect(file, VC_FINDING_WARNING, sectors > most ? "was not read" : "checksum",
               1);
    }
}
END_TEST

/* The footer was cut off with the last byte before it, as if the map were a block. */
START_TEST(a_batmap_whose_last_byte_is_missing_can_be_checked)
{
    VcFile *file = make_image("");
    uint8_t raw[512] = "tdbatmap";
    uint64_t end = file_size(file) - 512;
    store_be64(raw + 8, end - 512);
    store_be32(raw + 16, 1);
    vc_file_write(file, 2048, raw, 512, NULL);
    vc_file_truncate(file, end - 1, NULL);

    g_autoptr(GError) error = NULL;
    VcReport report;
    vc_report_init(&report);
    ck_assert(vc_format_vpc.check(file, &report, &error));
    assert_no_error(error);
    ck_assert_uint_eq(count(&report, VC_FINDING_WARNING, "batmap goes beyond"), 1);
    vc_report_clear(&report);
    vc_file_free(file);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vpc/batmap");
    TCase *tcase = tcase_create("check");
    tcase_set_timeout(tcase, 60); /* slow under sanitizers */
    tcase_add_test(tcase, a_wrong_batmap_is_found);
    tcase_add_test(tcase, a_batmap_longer_than_any_disk_needs_is_not_read);
    tcase_add_test(tcase, a_batmap_whose_last_byte_is_missing_can_be_checked);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
