/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of raw images as source and sink. */
#include "formats/format.h"
#include "formats/vpc/wire.h"
#include "io/error.h"
#include "io/memory.h"
#include "tests/check-main.h"

#include <string.h>

extern const VcFormat vc_format_raw;

/* A stream over a copy of bytes that refuses to go back. */
typedef struct {
    VcFile base;
    uint8_t *data;
    size_t length;
    uint64_t reached;
} Pipe;

static bool
pipe_read(VcFile *file, uint64_t position, void *buffer, size_t length, size_t *got,
          GError **error)
{
    Pipe *p = (Pipe *)file;
    if (position < p->reached) {
        vc_fail(error, VC_ERROR_UNSUPPORTED, "reading backwards");
        return false;
    }
    *got = position < p->length ? MIN(length, p->length - position) : 0;
    memcpy(buffer, p->data + position, *got);
    p->reached = position + *got;
    return true;
}

static void
pipe_free(VcFile *file)
{
    Pipe *p = (Pipe *)file;
    g_free(p->data);
    vc_file_clear(file);
    g_free(p);
}

static VcFile *
pipe_of(const void *data, size_t length)
{
    static const VcFileOps ops = { .read = pipe_read, .free = pipe_free };
    Pipe *p = g_new0(Pipe, 1);
    vc_file_init(&p->base, &ops, "pipe", false);
    p->data = g_memdup2(data, length);
    p->length = length;
    return &p->base;
}

static VcSource *
open_raw(VcFile *file, const char *options, GError **error)
{
    g_autoptr(VcOptions) parsed = vc_options_new();
    ck_assert(vc_options_parse(parsed, options, NULL));
    return vc_format_open(&vc_format_raw, file, parsed, error);
}

static VcSink *
create_raw(VcFile *file, uint64_t size, const char *options, GError **error)
{
    g_autoptr(VcOptions) parsed = vc_options_new();
    ck_assert(vc_options_parse(parsed, options, NULL));
    VcLayout layout = { 0 };
    vc_layout_add_disk(&layout, "disk", size);
    VcSink *sink = vc_format_create(&vc_format_raw, file, &layout, parsed, NULL, error);
    vc_layout_clear(&layout);
    return sink;
}

START_TEST(a_file_is_mapped_by_its_holes)
{
    g_autoptr(GError) error = NULL;
    VcFile *file = vc_memory_file("m");
    vc_file_write(file, 1 << 20, "hello", 5, NULL);
    vc_file_truncate(file, 3 << 20, NULL);
    g_autoptr(VcSource) source = open_raw(file, "", &error);
    assert_no_error(error);
    ck_assert_uint_eq(source->layout.n_disks, 1);
    ck_assert_uint_eq(source->layout.disks[0].size, 3 << 20);

    VcExtent e;
    ck_assert(vc_source_map(source, 0, 0, &e, NULL));
    ck_assert_int_eq(e.kind, VC_ZERO);
    ck_assert_uint_eq(e.length, 1 << 20);
    ck_assert(vc_source_map(source, 0, 1 << 20, &e, NULL));
    ck_assert_int_eq(e.kind, VC_DATA);
    ck_assert_ptr_eq(e.file, file);
    ck_assert_uint_eq(e.position, 1 << 20);

    char back[7];
    ck_assert(vc_source_read(source, 0, (1 << 20) - 1, back, 7, NULL));
    ck_assert_mem_eq(back, "\0hello\0", 7);
}
END_TEST

START_TEST(next_walks_a_file_from_its_beginning_to_its_end)
{
    VcFile *file = vc_memory_file("m");
    vc_file_write(file, 1 << 20, "hello", 5, NULL);
    g_autoptr(VcSource) source = open_raw(file, "", NULL);

    uint64_t at = 0;
    for (VcExtent e; vc_source_next(source, &e, NULL) && e.kind != VC_END;) {
        ck_assert_uint_eq(e.offset, at);
        at += e.length;
    }
    ck_assert_uint_eq(at, (1 << 20) + 5);
}
END_TEST

START_TEST(an_empty_file_is_an_empty_disk)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcSource) source = open_raw(vc_memory_file("m"), "", &error);
    assert_no_error(error);
    VcExtent e;
    ck_assert(vc_source_next(source, &e, NULL));
    ck_assert_int_eq(e.kind, VC_END);
}
END_TEST

START_TEST(a_stream_of_unknown_size_is_read_to_its_end)
{
    g_autoptr(GError) error = NULL;
    size_t length = (5 << 19) + 77;
    g_autofree uint8_t *data = g_malloc(length), *back = g_malloc(length);
    for (size_t i = 0; i < length; i++)
        data[i] = (uint8_t)(i * 7 ^ i >> 9);
    g_autoptr(VcSource) source = open_raw(pipe_of(data, length), "", &error);
    assert_no_error(error);
    ck_assert_uint_eq(source->layout.disks[0].size, VC_SIZE_UNKNOWN);

    uint64_t at = 0;
    VcExtent e;
    while (vc_source_next(source, &e, NULL) && e.kind != VC_END) {
        ck_assert_int_eq(e.kind, VC_DATA);
        ck_assert_uint_eq(e.offset, at);
        ck_assert(vc_file_read(e.file, e.position, back + at, 100, &error));
        ck_assert(vc_file_read(e.file, e.position + 100, back + at + 100,
                               e.length - 100, &error));
        at += e.length;
    }
    ck_assert_int_eq(e.kind, VC_END);
    ck_assert_uint_eq(at, length);
    ck_assert_mem_eq(back, data, length);
}
END_TEST

/* Reads to the end of the data and of the stream, PIECE bytes at a time. */
static bool
read_to_end(VcSource *source, size_t piece, GError **error)
{
    g_autofree uint8_t *buffer = g_malloc(piece);
    for (VcExtent e;;) {
        if (!vc_source_next(source, &e, error))
            return false;
        if (e.kind == VC_END)
            return true;
        for (uint64_t at = 0; at < e.length; at += piece)
            if (!vc_file_read(e.file, e.position + at, buffer,
                              MIN(piece, e.length - at), error))
                return false;
    }
}

/* What reading a stream to its end says that is SIZE zeros and a footer that tells
 * TOLD. Its own size is given as an option, or not. */
static bool
read_fixed_vhd(uint64_t size, uint64_t told, bool guessed, bool given, GError **error)
{
    VpcFooter footer = { .features = 2,
                         .version = 0x00010000,
                         .data_offset = UINT64_MAX,
                         .current_size = told,
                         .type = VPC_FIXED };
    g_autofree uint8_t *data = g_malloc0(size + VPC_FOOTER_SIZE);
    vpc_footer_encode(&footer, data + size);
    g_autofree char *option = g_strdup_printf("size=%" G_GUINT64_FORMAT,
                                              size + VPC_FOOTER_SIZE);
    g_autoptr(VcSource) source = open_raw(pipe_of(data, size + VPC_FOOTER_SIZE),
                                          given ? option : "", NULL);
    source->guessed = guessed;
    return read_to_end(source, 100003, error);
}

/* Wherever the ends of the pieces are that are read ahead. */
START_TEST(a_stream_that_ends_as_a_fixed_vhd_was_guessed_wrong)
{
    static const uint64_t sizes[] = { 0,       1,       511,           512,
                                      1048064, 1048065, 1048575,       1048576,
                                      1048577, 2097151, (5 << 19) + 77 };
    for (size_t k = 0; k < 2 * G_N_ELEMENTS(sizes); k++) {
        size_t i = k / 2;
        bool given = k % 2;
        g_autoptr(GError) error = NULL;
        ck_assert(!read_fixed_vhd(sizes[i], sizes[i], true, given, &error));
        assert_error(error, VC_ERROR_UNSUPPORTED);
        ck_assert(g_str_has_prefix(error->message, "pipe: "));
        ck_assert_ptr_nonnull(strstr(error->message, "vpc"));
        ck_assert_ptr_nonnull(strstr(error->message, "--spool DIR"));
        ck_assert_ptr_nonnull(strstr(error->message, "-f raw"));

        ck_assert(read_fixed_vhd(sizes[i], sizes[i], false, given, NULL));
        ck_assert(read_fixed_vhd(sizes[i], sizes[i] + 1, true, given, NULL));
    }
}
END_TEST

/* A caller that passes over the end makes no disk of it. */
START_TEST(an_end_that_was_not_read_says_nothing)
{
    g_autofree char *data = g_malloc0(2000);
    g_autoptr(VcSource) source = open_raw(pipe_of(data, 2000), "size=2000", NULL);
    source->guessed = true;
    VcExtent e;
    ck_assert(vc_source_next(source, &e, NULL));
    ck_assert(vc_file_read(e.file, 1700, data, 300, NULL));
    ck_assert(vc_source_next(source, &e, NULL));
    ck_assert_int_eq(e.kind, VC_END);
}
END_TEST

START_TEST(a_stream_of_known_size_is_one_run)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcSource) source = open_raw(pipe_of("0123456789", 10), "size=10", &error);
    assert_no_error(error);
    VcExtent e;
    char back[10];
    ck_assert(vc_source_next(source, &e, NULL));
    ck_assert_uint_eq(e.length, 10);
    ck_assert(vc_file_read(e.file, e.position, back, 10, NULL));
    ck_assert(vc_source_next(source, &e, &error));
    ck_assert_int_eq(e.kind, VC_END);
}
END_TEST

START_TEST(a_stream_longer_than_its_size_is_refused)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcSource) source = open_raw(pipe_of("0123456789", 10), "size=9", &error);
    VcExtent e;
    char back[9];
    ck_assert(vc_source_next(source, &e, NULL));
    ck_assert(vc_file_read(e.file, e.position, back, 9, NULL));
    ck_assert(!vc_source_next(source, &e, &error));
    assert_error(error, VC_ERROR_USAGE);
}
END_TEST

START_TEST(a_stream_shorter_than_its_size_ends_short)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcSource) source = open_raw(pipe_of("0123456789", 10), "size=11", NULL);
    VcExtent e;
    char back[11];
    ck_assert(vc_source_next(source, &e, NULL));
    ck_assert(!vc_file_read(e.file, e.position, back, 11, &error));
    assert_error(error, VC_ERROR_SHORT);
}
END_TEST

START_TEST(a_file_of_another_size_than_told_is_refused)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcSource)
        source = open_raw(vc_memory_file_from("m", "abc", 3), "size=4", &error);
    ck_assert_ptr_null(source);
    assert_error(error, VC_ERROR_USAGE);
}
END_TEST

START_TEST(each_byte_is_placed_where_it_is)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = vc_memory_file("m");
    g_autoptr(VcSink) sink = create_raw(file, 10000, "", &error);
    assert_no_error(error);
    ck_assert(sink->identity && sink->append_only);

    uint64_t position, run, size;
    ck_assert(vc_sink_place(sink, 0, 8192, 1808, &position, &run, &error));
    ck_assert_uint_eq(position, 8192);
    ck_assert_uint_eq(run, 1808);
    ck_assert(vc_sink_finish(sink, &error));
    ck_assert(vc_file_size(file, &size, NULL));
    ck_assert_uint_eq(size, 10000);
}
END_TEST

START_TEST(a_longer_old_file_is_cut_to_the_size)
{
    g_autoptr(VcFile) file = vc_memory_file_from("m", "0123456789", 10);
    g_autoptr(VcSink) sink = create_raw(file, 4, "", NULL);
    uint64_t size;
    ck_assert(vc_sink_finish(sink, NULL));
    ck_assert(vc_file_size(file, &size, NULL));
    ck_assert_uint_eq(size, 4);
}
END_TEST

START_TEST(a_disk_of_unknown_size_ends_where_the_last_run_ends)
{
    g_autoptr(VcFile) file = vc_memory_file("m");
    g_autoptr(VcSink) sink = create_raw(file, VC_SIZE_UNKNOWN, "", NULL);
    uint64_t position, run, size;
    ck_assert(vc_sink_place(sink, 0, 4096, 4096, &position, &run, NULL));
    ck_assert(vc_sink_place(sink, 0, 8192, 13, &position, &run, NULL));
    ck_assert(vc_sink_finish(sink, NULL));
    ck_assert(vc_file_size(file, &size, NULL));
    ck_assert_uint_eq(size, 8205);
    ck_assert_uint_eq(sink->layout.disks[0].size, 8205);
}
END_TEST

START_TEST(what_is_behind_the_source_on_a_device_becomes_zero)
{
    uint8_t old[3 * 4096], back[sizeof old];
    memset(old, 0xff, sizeof old);
    g_autoptr(VcFile) file = vc_memory_file_from("m", old, sizeof old);
    file->reads_zero = false;
    g_autoptr(VcSink) sink = create_raw(file, 4096, "size=12k", NULL);
    uint64_t position, run;
    ck_assert(vc_sink_place(sink, 0, 0, 4096, &position, &run, NULL));
    ck_assert(vc_sink_finish(sink, NULL));
    memset(old + 4096, 0, 8192);
    ck_assert(vc_file_read(file, 0, back, sizeof back, NULL));
    ck_assert_mem_eq(back, old, sizeof old);
}
END_TEST

START_TEST(a_disk_may_become_larger_but_not_smaller)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = vc_memory_file("m");
    g_autoptr(VcSink) larger = create_raw(file, 512, "size=4k", NULL);
    ck_assert_uint_eq(larger->layout.disks[0].size, 4096);
    g_autoptr(VcSink) smaller = create_raw(file, 512, "size=511", &error);
    ck_assert_ptr_null(smaller);
    assert_error(error, VC_ERROR_USAGE);
    g_clear_error(&error);
    g_autoptr(VcSink) unknown = create_raw(file, VC_SIZE_UNKNOWN, "size=4k", &error);
    ck_assert_ptr_null(unknown);
    assert_error(error, VC_ERROR_USAGE);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("raw");
    TCase *source = tcase_create("source"), *sink = tcase_create("sink");
    tcase_add_test(source, a_file_is_mapped_by_its_holes);
    tcase_add_test(source, next_walks_a_file_from_its_beginning_to_its_end);
    tcase_add_test(source, an_empty_file_is_an_empty_disk);
    tcase_add_test(source, a_stream_of_unknown_size_is_read_to_its_end);
    tcase_add_test(source, a_stream_that_ends_as_a_fixed_vhd_was_guessed_wrong);
    tcase_add_test(source, an_end_that_was_not_read_says_nothing);
    tcase_add_test(source, a_stream_of_known_size_is_one_run);
    tcase_add_test(source, a_stream_longer_than_its_size_is_refused);
    tcase_add_test(source, a_stream_shorter_than_its_size_ends_short);
    tcase_add_test(source, a_file_of_another_size_than_told_is_refused);
    tcase_add_test(sink, each_byte_is_placed_where_it_is);
    tcase_add_test(sink, a_longer_old_file_is_cut_to_the_size);
    tcase_add_test(sink, a_disk_of_unknown_size_ends_where_the_last_run_ends);
    tcase_add_test(sink, what_is_behind_the_source_on_a_device_becomes_zero);
    tcase_add_test(sink, a_disk_may_become_larger_but_not_smaller);
    suite_add_tcase(suite, source);
    suite_add_tcase(suite, sink);
    return run_suite(suite);
}
