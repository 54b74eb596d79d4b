/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of what is said about data in sectors that are marked as never written. */
#include "tests/formats/vpc/image.h"

#include "io/bytes.h"

#define BLOCKS 20u

/* All blocks of a disk, whose bitmaps say that none of their sectors were written where
 * CLEAR has a bit for the block. */
static VcFile *
make_full(uint32_t clear)
{
    static const uint8_t none[16];
    VcFile *file = vc_memory_file("full");
    g_autoptr(VcSink)
        sink = create_vpc(file, BLOCKS * IMAGE_BLOCK, "block_size=64k", NULL);
    put(sink, 0, BLOCKS * IMAGE_BLOCK);
    ck_assert(vc_sink_finish(sink, NULL));
    for (uint32_t block = 0; block < BLOCKS; block++) {
        uint8_t raw[4];
        ck_assert(vc_file_read(file, 1536 + 4 * block, raw, 4, NULL));
        if (clear & 1u << block)
            vc_file_write(file, load_be32(raw) * (uint64_t)512, none, 16, NULL);
    }
    return file;
}

static void
map_from(const VcSource *source, uint64_t offset, uint64_t step)
{
    for (; offset < source->layout.disks[0].size; offset += step) {
        VcExtent e;
        ck_assert(vc_source_map(source, 0, offset, &e, NULL));
    }
}

START_TEST(hidden_data_of_blocks_behind_the_first_is_told_when_they_were_passed)
{
    g_autoptr(VcSource) source = open_vpc(make_full(1u << 12 | 1u << 15), "", NULL);
    ck_assert_uint_eq(vc_source_warnings(source)->len, 0);
    map_from(source, 13 * IMAGE_BLOCK, IMAGE_BLOCK);
    ck_assert_uint_eq(vc_source_warnings(source)->len, 1);
    ck_assert(warned(source, "data in 1 block (the first is block 15) lies"));
    map_from(source, 0, IMAGE_BLOCK);
    ck_assert_uint_eq(vc_source_warnings(source)->len, 2);
    ck_assert(warned(source, "data in 1 more block (the first is block 12) lies"));
    map_from(source, 0, 512);
    ck_assert_uint_eq(vc_source_warnings(source)->len, 2);
}
END_TEST

START_TEST(the_lowest_of_many_blocks_is_named)
{
    g_autoptr(VcSource) source = open_vpc(make_full(0xff000), "", NULL);
    for (uint32_t block = BLOCKS; block-- > 0;) {
        VcExtent e;
        ck_assert(vc_source_map(source, 0, block * IMAGE_BLOCK, &e, NULL));
    }
    ck_assert_uint_eq(vc_source_warnings(source)->len, 1);
    ck_assert(warned(source, "data in 8 blocks (the first is block 12) lies"));
    ck_assert(warned(source, "driver=vpc,file.filename=FILE,ignore_bitmaps=on reads"));
}
END_TEST

START_TEST(what_is_read_as_it_is_is_not_hidden)
{
    g_autoptr(VcSource)
        source = open_vpc(make_full(0xfffff), "ignore_bitmaps=on", NULL);
    map_from(source, 0, IMAGE_BLOCK);
    ck_assert_uint_eq(vc_source_warnings(source)->len, 0);
}
END_TEST

/* A file whose reads are counted. */
typedef struct {
    VcFile base;
    VcFile *below; /* owned */
    uint64_t *bytes;
} Counted;

static bool
counted_read(VcFile *file, uint64_t position, void *buffer, size_t length, size_t *got,
             GError **error)
{
    Counted *counted = (Counted *)file;
    *counted->bytes += length;
    return vc_file_read_some(counted->below, position, buffer, length, got, error);
}

static bool
counted_size(VcFile *file, uint64_t *size, GError **error)
{
    return vc_file_size(((Counted *)file)->below, size, error);
}

static void
counted_free(VcFile *file)
{
    vc_file_free(((Counted *)file)->below);
    vc_file_clear(file);
    g_free(file);
}

/* Opens FILE, which is taken, and counts in *BYTES what is read of it from then on. */
static VcSource *
open_counted(VcFile *file, uint64_t *bytes)
{
    static const VcFileOps ops = { .read = counted_read,
                                   .size = counted_size,
                                   .free = counted_free };
    Counted *counted = g_new0(Counted, 1);
    counted->below = file;
    counted->bytes = bytes;
    vc_file_init(&counted->base, &ops, "counted", true);
    VcSource *source = open_vpc(&counted->base, "", NULL);
    *bytes = 0;
    return source;
}

/* A child asks for each of its gaps; that must not cost its parent's block each time.
 */
START_TEST(each_block_is_looked_at_once)
{
    uint64_t bytes = 0;
    VcFile *file = make_full(1u << 12);
    uint8_t raw[4];
    vc_file_read(file, 1536 + 4 * 12, raw, 4, NULL);
    vc_file_zero(file, (load_be32(raw) + 1) * (uint64_t)512, IMAGE_BLOCK, NULL);
    g_autoptr(VcSource) source = open_counted(file, &bytes);
    for (unsigned i = 0; i < 128; i++) {
        VcExtent e;
        ck_assert(vc_source_map(source, 0, 12 * IMAGE_BLOCK + 512 * i, &e, NULL));
        ck_assert_int_eq(e.kind, VC_ZERO);
    }
    ck_assert_uint_le(bytes, IMAGE_BLOCK + 512); /* the block and its bitmap */
    ck_assert_uint_eq(vc_source_warnings(source)->len, 0);
}
END_TEST

/* Gives a disk that has nothing of its own over BELOW, both of which it owns. */
static VcSource *
open_child(VcFile *below)
{
    GError *error = NULL;
    VcFile *file = vc_memory_file("child");
    VpcFooter footer;
    uint8_t raw[512];
    vc_file_read(below, 0, raw, sizeof raw, NULL);
    ck_assert(vpc_footer_decode(raw, 0, &footer, NULL));
    g_autoptr(VcSink) sink = create_vpc(file, BLOCKS * IMAGE_BLOCK, "", NULL);
    ck_assert(vc_sink_finish(sink, NULL));
    VpcHeader header = get_header(file);
    memcpy(header.parent_id, footer.id, 16);
    header.parent_name[1] = 'p';
    set_header(file, &header);
    footer.type = VPC_DIFFERENCING;
    footer.id[0] ^= 1;
    set_footer(file, &footer);
    VcSource *source = open_vpc(file, "", &error);
    assert_no_error(error);
    ck_assert(vc_source_adopt(source, open_vpc(below, "", NULL), &error));
    return source;
}

/* Nobody opens a parent with options, so none is advised. */
START_TEST(what_bitmaps_of_the_parent_hide_is_told_with_its_name)
{
    static const uint32_t blocks[] = { 12, 3 }; /* behind and in the sample of `open` */
    for (size_t i = 0; i < G_N_ELEMENTS(blocks); i++) {
        g_autoptr(VcSource) source = open_child(make_full(1u << blocks[i]));
        g_autofree char *words = g_strdup_printf(
            "full: data in 1 block (the first is block %u) lies", blocks[i]);
        map_from(source, 0, IMAGE_BLOCK);
        vc_source_warnings(source);
        ck_assert(warned(source, words));
        ck_assert(!warned(source, "ignore_bitmaps"));
    }
}
END_TEST

START_TEST(a_lost_block_of_a_parent_comes_without_advice_that_cannot_be_taken)
{
    g_autoptr(GError) error = NULL;
    VcFile *below = make_full(1u << 9);
    vc_file_zero(below, file_size(below) - 512, 512, NULL);
    g_autoptr(VcSource) source = open_child(below);
    VcExtent e;
    ck_assert(!vc_source_map(source, 0, 9 * IMAGE_BLOCK, &e, &error));
    assert_error(error, VC_ERROR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(error->message, "no bit of block 9 is set"));
    ck_assert_ptr_null(strstr(error->message, "ignore_bitmaps"));
}
END_TEST

START_TEST(a_block_without_bits_in_a_file_without_a_footer_is_refused)
{
    static const uint8_t one = 0x01;
    g_autoptr(GError) error = NULL;
    VcFile *file = make_full(1u << 9 | 1u << 19);
    VcExtent e;
    uint8_t raw[4];
    vc_file_read(file, 1536 + 4 * 9, raw, 4, NULL);
    vc_file_write(file, load_be32(raw) * (uint64_t)512 + 15, &one, 1, NULL);
    g_autoptr(VcSource) source = open_vpc(file, "", NULL);
    ck_assert(vc_source_map(source, 0, 19 * IMAGE_BLOCK, &e, NULL));

    VcFile *cut = vc_memory_file("cut");
    size_t length;
    g_autofree uint8_t *bytes = file_bytes(file, &length);
    memset(bytes + length - 512, 0, 512);
    vc_file_write(cut, 0, bytes, length, NULL);
    g_autoptr(VcSource) damaged = open_vpc(cut, "", &error);
    assert_no_error(error);
    ck_assert(warned(damaged, "or not wholly downloaded?"));
    ck_assert(vc_source_map(damaged, 0, 18 * IMAGE_BLOCK, &e, NULL));
    ck_assert(vc_source_map(damaged, 0, 9 * IMAGE_BLOCK, &e, NULL));
    ck_assert(!vc_source_map(damaged, 0, 19 * IMAGE_BLOCK + 512, &e, &error));
    assert_error(error, VC_ERROR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(error->message, "no bit of block 19 is set"));

    g_autoptr(VcSource) raw_blocks = open_vpc(vc_memory_file_from("cut", bytes, length),
                                              "ignore_bitmaps", NULL);
    ck_assert(vc_source_map(raw_blocks, 0, 19 * IMAGE_BLOCK, &e, NULL));
}
END_TEST

/* Its only bit may be the last, and a clear run is asked for as often as there are. */
START_TEST(a_block_is_looked_through_once_for_its_first_bit)
{
    static const uint8_t bits[2048] = { [2047] = 0x01 }; /* four sectors of bitmap */
    uint64_t bytes = 0;
    VcFile *file = vc_memory_file("cut");
    g_autoptr(VcSink) sink = create_vpc(file, 8 << 20, "block_size=8M", NULL);
    put(sink, 0, 4096);
    ck_assert(vc_sink_finish(sink, NULL));
    uint8_t raw[4];
    vc_file_read(file, 1536, raw, 4, NULL);
    vc_file_write(file, load_be32(raw) * (uint64_t)512, bits, sizeof bits, NULL);
    vc_file_zero(file, file_size(file) - 512, 512, NULL);
    g_autoptr(VcSource) source = open_counted(file, &bytes);
    for (unsigned i = 0; i < 100; i++) {
        VcExtent e;
        ck_assert(vc_source_map(source, 0, 512 * i, &e, NULL));
        ck_assert_int_eq(e.kind, VC_ZERO);
    }
    ck_assert_uint_le(bytes, 4096 + 5 * 512);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vpc/hidden");
    TCase *hidden = tcase_create("hidden");
    tcase_set_timeout(hidden, 60); /* slow under sanitizers */
    tcase_add_test(
        hidden, hidden_data_of_blocks_behind_the_first_is_told_when_they_were_passed);
    tcase_add_test(hidden, the_lowest_of_many_blocks_is_named);
    tcase_add_test(hidden, what_is_read_as_it_is_is_not_hidden);
    tcase_add_test(hidden, each_block_is_looked_at_once);
    tcase_add_test(hidden, what_bitmaps_of_the_parent_hide_is_told_with_its_name);
    tcase_add_test(hidden,
                   a_lost_block_of_a_parent_comes_without_advice_that_cannot_be_taken);
    tcase_add_test(hidden, a_block_without_bits_in_a_file_without_a_footer_is_refused);
    tcase_add_test(hidden, a_block_is_looked_through_once_for_its_first_bit);
    suite_add_tcase(suite, hidden);
    return run_suite(suite);
}
