/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of differencing disks: locators, finding the right parent, reading through it.
 */
#include "tests/formats/vpc/image.h"

#include "io/bytes.h"

#include <stdlib.h>

/* Room for locators between the BAT and the first lead. */
#define LOCATORS_AT 2048u

typedef struct {
    char code[5];
    const char *data;
    size_t length; /* 0: DATA is text, to become UTF-16LE for the W2 codes */
} Locator;

static void
add_locator(VcFile *file, VpcHeader *header, unsigned i, const Locator *locator)
{
    uint64_t at = LOCATORS_AT + 512 * i;
    glong units = 0;
    g_autofree gunichar2 *wide = NULL;
    const void *data = locator->data;
    size_t length = locator->length ? locator->length : strlen(locator->data);
    if (locator->length == 0 && memcmp(locator->code, "W2", 2) == 0) {
        wide = g_utf8_to_utf16(locator->data, -1, NULL, &units, NULL);
        length = 2 * (size_t)units;
        data = wide; /* little endian on the machines that run tests */
    }
    vc_file_write(file, at, data, length, NULL);
    header->locators[i] =
        (VpcLocator){ .space = 512, .length = (uint32_t)length, .offset = at };
    memcpy(header->locators[i].code, locator->code, 4);
}

static void
set_name(VpcHeader *header, const char *name)
{
    memset(header->parent_name, 0, sizeof header->parent_name);
    for (size_t i = 0; name[i] != '\0'; i++)
        header->parent_name[2 * i + 1] = (uint8_t)name[i];
}

/* Makes FILE a child of the image with PARENT_ID. */
static void
make_child(VcFile *file, const uint8_t *parent_id, const Locator *locators, size_t n,
           const char *name)
{
    VpcFooter footer = get_footer(file);
    VpcHeader header = get_header(file);
    footer.type = VPC_DIFFERENCING;
    footer.id[0] ^= 0xff;
    if (parent_id)
        memcpy(header.parent_id, parent_id, 16);
    for (unsigned i = 0; i < n; i++)
        add_locator(file, &header, i, &locators[i]);
    set_name(&header, name);
    set_footer(file, &footer);
    set_header(file, &header);
}

static VcFile *
child_of(VcFile *parent)
{
    static const Locator locator = { "W2ru", ".\\parent.vhd", 0 };
    VpcFooter footer = get_footer(parent);
    VcFile *file = make_image("");
    make_child(file, footer.id, &locator, 1, "parent.vhd");
    return file;
}

static void
check_paths(const Locator *locators, size_t n, const char *name, const char *expected,
            const char *warning)
{
    g_autoptr(GError) error = NULL;
    VcFile *file = make_image("");
    make_child(file, NULL, locators, n, name);
    g_autoptr(VcSource) source = open_vpc(file, "", &error);
    assert_no_error(error);
    g_autofree char *paths = g_strjoinv("|", source->parent->paths);
    ck_assert_str_eq(paths, expected);
    if (warning)
        ck_assert(warned(source, warning));
    else
        ck_assert_uint_eq(source->warnings->len, 0);
}

START_TEST(relative_paths_come_before_absolute_ones_and_the_name)
{
    static const Locator locators[] = {
        { "W2ku", "C:\\machines\\base\\Grün.vhd", 0 },
        { "MacX", "file://localhost/Volumes/a%20b/g.vhd", 0 },
        { "W2ru", "..\\base\\Grün.vhd", 0 },
    };
    check_paths(
        locators, 3, "X:\\old\\name.vhd",
        "../base/Grün.vhd|C:/machines/base/Grün.vhd|/Volumes/a b/g.vhd|name.vhd", NULL);
}
END_TEST

START_TEST(paths_of_xenserver_are_relative_urls)
{
    static const Locator locators[] = { { "MacX", "file://./8a%2d1.vhd", 0 } };
    check_paths(locators, 1, "8a-1.vhd", "./8a-1.vhd|8a-1.vhd", NULL);
}
END_TEST

START_TEST(deprecated_paths_are_taken_last)
{
    static const Locator locators[] = { { "Wi2k", "D:\\x.vhd", 0 },
                                        { "Wi2r", ".\\x.vhd", 0 },
                                        { "Mac ", "\x1\x2\x3", 0 } };
    check_paths(locators, 3, "x.vhd", "./x.vhd|D:/x.vhd|x.vhd", NULL);
}
END_TEST

START_TEST(a_path_may_end_with_zeros_and_begin_with_a_mark)
{
    static const Locator locators[] = { { "W2ru",
                                          "\xff\xfe"
                                          "a\0.\0\0\0x\0",
                                          10 } };
    check_paths(locators, 1, "a.", "a.", NULL);
}
END_TEST

START_TEST(shares_are_not_followed)
{
    static const Locator both[] = { { "W2ku", "\\\\host\\share\\p.vhd", 0 },
                                    { "W2ru", ".\\p.vhd", 0 } };
    static const Locator share[] = { { "W2ku", "\\\\host\\share\\p.vhd", 0 } };
    static const Locator long_share[] = { { "W2ku", "\\\\?\\UNC\\host\\s\\p.vhd", 0 } };
    check_paths(both, 2, "p.vhd", "./p.vhd|p.vhd", "network share");
    check_paths(share, 1, "p.vhd", "", "network share");
    check_paths(long_share, 1, "p.vhd", "", "network share");
}
END_TEST

START_TEST(long_paths_lose_their_prefix)
{
    static const Locator locators[] = { { "W2ku", "\\\\?\\C:\\p.vhd", 0 } };
    check_paths(locators, 1, "p.vhd", "C:/p.vhd|p.vhd", NULL);
}
END_TEST

START_TEST(characters_of_two_units_are_one)
{
    static const Locator locators[] = { { "W2ru", ".\\\xf0\x9f\x92\xbe.vhd", 0 } };
    check_paths(locators, 1, "n", "./\xf0\x9f\x92\xbe.vhd|n", NULL);
}
END_TEST

START_TEST(text_that_is_none_is_said)
{
    static const Locator odd[] = { { "W2ru", "a\0b\0c", 5 } };
    static const Locator half_pair[] = { { "W2ru", "a\0\x00\xd8z\0", 6 } };
    static const Locator no_url[] = { { "MacX", "file://host", 0 } };
    static const Locator bad_escape[] = { { "MacX", "file:///a%zz", 0 } };
    check_paths(odd, 1, "n", "ab|n", "not whole UTF-16");
    check_paths(half_pair, 1, "n",
                "a\xef\xbf\xbd"
                "z|n",
                "not whole UTF-16");
    check_paths(no_url, 1, "n", "n", "not a file URL");
    check_paths(bad_escape, 1, "n", "n", "not a file URL");
    check_paths(NULL, 0, "n", "n", "no parent locator");
}
END_TEST

START_TEST(locators_outside_of_the_file_are_refused)
{
    static const struct {
        uint64_t offset;
        uint32_t length;
        VcError code;
    } cases[] = {
        { 2048, 0xffffffff, VC_ERROR_CORRUPT },
        { UINT64_MAX - 100, 10, VC_ERROR_CORRUPT },
        { UINT64_MAX - 100, 200, VC_ERROR_CORRUPT },
        { 1 << 30, 10, VC_ERROR_CORRUPT },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        static const Locator locator = { "W2ru", "x", 0 };
        g_autoptr(GError) error = NULL;
        VcFile *file = make_image("");
        make_child(file, NULL, &locator, 1, "x");
        VpcHeader header = get_header(file);
        header.locators[0].offset = cases[i].offset;
        header.locators[0].length = cases[i].length;
        set_header(file, &header);
        g_autoptr(VcSource) source = open_vpc(file, "", &error);
        ck_assert_ptr_null(source);
        assert_error(error, (int)cases[i].code);
    }
}
END_TEST

START_TEST(a_locator_that_is_absurdly_long_is_refused)
{
    static const Locator locator = { "W2ru", "x", 0 };
    g_autoptr(GError) error = NULL;
    VcFile *file = vc_memory_file("m");
    g_autoptr(VcSink) sink = create_vpc(file, 4 << 20, "", NULL);
    put(sink, 0, 4096);
    ck_assert(vc_sink_finish(sink, NULL));
    make_child(file, NULL, &locator, 1, "x");
    VpcHeader header = get_header(file);
    header.locators[0].length = 1 << 20;
    set_header(file, &header);
    g_autoptr(VcSource) source = open_vpc(file, "", &error);
    ck_assert_ptr_null(source);
    assert_error(error, VC_ERROR_LIMIT);
}
END_TEST

START_TEST(without_its_parent_a_child_has_no_map)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) parent = make_image("");
    g_autoptr(VcSource) source = open_vpc(child_of(parent), "", NULL);
    VcExtent e;
    ck_assert(!vc_source_map(source, 0, 0, &e, &error));
    assert_error(error, VC_ERROR_PARENT);
}
END_TEST

START_TEST(another_parent_is_refused_and_stays_the_callers)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) parent = make_image("");
    VcFile *other = make_image("");
    VpcFooter footer = get_footer(other);
    footer.id[15] ^= 1;
    set_footer(other, &footer);
    g_autoptr(VcSource) source = open_vpc(child_of(parent), "", NULL);
    g_autoptr(VcSource) wrong = open_vpc(other, "", NULL);
    ck_assert(!vc_source_adopt(source, wrong, &error));
    assert_error(error, VC_ERROR_PARENT);
    ck_assert_ptr_nonnull(strstr(error->message, source->parent->id));
    ck_assert_ptr_nonnull(strstr(error->message, wrong->identity));
}
END_TEST

START_TEST(a_dynamic_disk_adopts_nobody)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcSource) source = open_vpc(make_image(""), "", NULL);
    g_autoptr(VcSource) other = open_vpc(make_image(""), "", NULL);
    ck_assert(!vc_source_adopt(source, other, &error));
    assert_error(error, VC_ERROR_PARENT);
}
END_TEST

START_TEST(bitmaps_of_a_child_cannot_be_ignored)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) parent = make_image("");
    g_autoptr(VcSource) source = open_vpc(child_of(parent), "ignore_bitmaps", &error);
    ck_assert_ptr_null(source);
    assert_error(error, VC_ERROR_USAGE);
}
END_TEST

START_TEST(a_parent_changed_after_its_child_is_warned_of)
{
    VcFile *parent = make_image("");
    VcFile *child = child_of(parent);
    VpcHeader header = get_header(child);
    header.parent_timestamp = get_footer(parent).timestamp - 1;
    set_header(child, &header);
    g_autoptr(VcSource) source = open_vpc(child, "", NULL);
    ck_assert(vc_source_adopt(source, open_vpc(parent, "", NULL), NULL));
    ck_assert(warned(source, "changed after"));
}
END_TEST

START_TEST(a_child_without_the_id_of_a_parent_takes_a_raw_file)
{
    extern const VcFormat vc_format_raw;
    g_autoptr(GError) error = NULL;
    static const Locator locator = { "MacX", "file://./base", 0 };
    VcFile *child = make_image(""), *base = vc_memory_file("base");
    vc_file_write(base, 5000, "base", 4, NULL);
    make_child(child, NULL, &locator, 1, "base");
    g_autoptr(VcSource) source = open_vpc(child, "", NULL);
    ck_assert(vc_source_adopt(source, vc_format_open(&vc_format_raw, base, NULL, NULL),
                              &error));
    ck_assert(warned(source, "raw"));
    char text[5] = "";
    ck_assert(vc_source_read(source, 0, 5000, text, 4, NULL));
    ck_assert_str_eq(text, "base");
}
END_TEST

START_TEST(a_child_without_the_id_of_a_parent_takes_nothing_but_raw)
{
    static const Locator locator = { "MacX", "file://./base", 0 };
    static const char *const names[] = { "vpc", "vma" };
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GError) error = NULL;
        VcIdentity identity = { .reproducible = true };
        VcLayout layout = { 0 };
        VcFile *child = make_image(""), *base = vc_memory_file("base");
        const VcFormat *format = vc_format_find(names[i], NULL);
        make_child(child, NULL, &locator, 1, "base");
        g_autoptr(VcSource) source = open_vpc(child, "", NULL);
        ck_assert_ptr_null(source->parent->id);

        vc_layout_add_disk(&layout, "disk", 65536);
        g_autoptr(VcSink)
            sink = vc_format_create(format, base, &layout, NULL, &identity, &error);
        assert_no_error(error);
        put(sink, 0, 65536);
        ck_assert(vc_sink_finish(sink, NULL));
        g_clear_pointer(&sink, vc_sink_free);
        vc_layout_clear(&layout);
        if (i == 0) { /* the id of zeros is nobody's */
            VpcFooter footer = get_footer(base);
            memset(footer.id, 0, sizeof footer.id);
            set_footer(base, &footer);
        }
        g_autoptr(VcSource) parent = vc_format_open(format, base, NULL, &error);
        assert_no_error(error);
        ck_assert(!vc_source_adopt(source, parent, &error));
        assert_error(error, VC_ERROR_PARENT);
        ck_assert_ptr_nonnull(strstr(error->message, names[i]));
    }
}
END_TEST

/* Puts random bits into the bitmaps of FILE's blocks and random bytes under them. */
static void
scatter(VcFile *file, GRand *chance, const uint8_t *below, uint64_t below_size,
        uint8_t *model, uint64_t size)
{
    g_autofree uint8_t *mine = g_malloc(size);
    for (uint64_t i = 0; i < size; i++)
        mine[i] = (uint8_t)g_rand_int(chance);
    for (uint64_t i = 0; i < size; i++)
        model[i] = i < below_size ? below[i] : 0;
    for (uint32_t block = 0; block < 10; block++) {
        uint8_t raw[4], bits[512] = { 0 };
        vc_file_read(file, 1536 + 4 * block, raw, 4, NULL);
        uint64_t at = (uint64_t)load_be32(raw) * 512;
        if (load_be32(raw) == VPC_UNALLOCATED)
            continue;
        bool set = g_rand_boolean(chance);
        for (unsigned k = 0; k < IMAGE_BLOCK / 512; k++) {
            uint64_t offset = (uint64_t)block * IMAGE_BLOCK + k * 512;
            if (g_rand_int_range(chance, 0, 6) == 0)
                set = !set;
            if (offset >= size || !set)
                continue;
            bits[k / 8] |= (uint8_t)(0x80 >> k % 8);
            memcpy(model + offset, mine + offset, 512);
            vc_file_write(file, at + 512 + k * 512, mine + offset, 512, NULL);
        }
        vc_file_write(file, at, bits, 512, NULL);
    }
}

static VcFile *
scattered_file(GRand *chance, uint64_t size)
{
    VcFile *file = vc_memory_file("chain");
    g_autoptr(VcSink) sink = create_vpc(file, size, "block_size=64k", NULL);
    for (unsigned block = 0; block < 10; block++)
        if (g_rand_int_range(chance, 0, 3) > 0 && block * IMAGE_BLOCK < size)
            put(sink, (uint64_t)block * IMAGE_BLOCK, 512);
    ck_assert(vc_sink_finish(sink, NULL));
    return file;
}

START_TEST(a_chain_reads_like_its_model)
{
    g_autoptr(GRand) chance = g_rand_new_with_seed(77 + (guint32)_i);
    g_autoptr(GError) error = NULL;
    g_autoptr(VcSource) top = NULL;
    g_autofree uint8_t *below = NULL;
    uint64_t below_size = 0;
    uint8_t id[16];

    for (unsigned level = 0; level < 4; level++) {
        static const Locator locator = { "W2ru", ".\\parent.vhd", 0 };
        uint64_t size = (uint64_t)g_rand_int_range(chance, 1000, 1280) * 512;
        VcFile *file = scattered_file(chance, size);
        uint8_t *model = g_malloc(size);
        scatter(file, chance, below, below_size, model, size);
        if (level > 0)
            make_child(file, id, &locator, 1, "parent.vhd");
        VpcFooter footer = get_footer(file);
        footer.id[1] = (uint8_t)level;
        set_footer(file, &footer);
        memcpy(id, footer.id, 16);

        VcSource *source = open_vpc(file, "", &error);
        assert_no_error(error);
        if (level > 0) {
            ck_assert(vc_source_adopt(source, top, &error));
            ck_assert(warned(source, "smaller than its parent") == (size < below_size));
        }
        top = source;
        g_free(below);
        below = model;
        below_size = size;
    }

    g_autofree uint8_t *bytes = g_malloc(below_size);
    ck_assert(vc_source_read(top, 0, 0, bytes, below_size, &error));
    for (uint64_t i = 0; i < below_size; i++)
        if (bytes[i] != below[i])
            ck_abort_msg("wrong byte at %" G_GUINT64_FORMAT, i);
    unsigned deepest = 0;
    for (VcExtent e; vc_source_next(top, &e, NULL) && e.kind != VC_END;)
        deepest = MAX(deepest, e.depth);
    ck_assert_uint_eq(deepest, 3);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vpc/parent");
    TCase *paths = tcase_create("paths"), *reading = tcase_create("reading");
    tcase_set_timeout(paths, 60); /* slow under sanitizers */
    tcase_add_test(paths, relative_paths_come_before_absolute_ones_and_the_name);
    tcase_add_test(paths, paths_of_xenserver_are_relative_urls);
    tcase_add_test(paths, deprecated_paths_are_taken_last);
    tcase_add_test(paths, a_path_may_end_with_zeros_and_begin_with_a_mark);
    tcase_add_test(paths, shares_are_not_followed);
    tcase_add_test(paths, long_paths_lose_their_prefix);
    tcase_add_test(paths, characters_of_two_units_are_one);
    tcase_add_test(paths, text_that_is_none_is_said);
    tcase_add_test(paths, locators_outside_of_the_file_are_refused);
    tcase_add_test(paths, a_locator_that_is_absurdly_long_is_refused);
    tcase_set_timeout(reading, 60); /* slow under sanitizers */
    tcase_add_test(reading, without_its_parent_a_child_has_no_map);
    tcase_add_test(reading, another_parent_is_refused_and_stays_the_callers);
    tcase_add_test(reading, a_dynamic_disk_adopts_nobody);
    tcase_add_test(reading, bitmaps_of_a_child_cannot_be_ignored);
    tcase_add_test(reading, a_parent_changed_after_its_child_is_warned_of);
    tcase_add_test(reading, a_child_without_the_id_of_a_parent_takes_a_raw_file);
    tcase_add_test(reading, a_child_without_the_id_of_a_parent_takes_nothing_but_raw);
    tcase_add_loop_test(reading, a_chain_reads_like_its_model, 0, 10);
    suite_add_tcase(suite, paths);
    suite_add_tcase(suite, reading);
    return run_suite(suite);
}
