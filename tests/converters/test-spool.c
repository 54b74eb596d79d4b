/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the temporary copy of a stream. */
#include "converters/spool.h"
#include "io/error.h"
#include "tests/check-main.h"
#include "tests/converters/scripted.h"
#include "tests/io/scratch.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#define MIB ((size_t)1 << 20)

static VcFile *
spool(VcStream *stream, GError **error)
{
    return vc_spool(vc_stream_file(stream, "pipe"), scratch, error);
}

START_TEST(the_copy_has_the_bytes_of_the_stream_at_any_position)
{
    static const size_t lengths[] = { 0, 1, 4097, MIB, 3 * MIB + 5 };
    g_autoptr(GError) error = NULL;
    size_t length = lengths[_i];
    g_autofree uint8_t *expected = g_malloc(length + 1), *found = g_malloc(length + 1);
    uint64_t size;
    scripted_pattern(0, expected, length);

    g_autoptr(VcFile) file = spool(scripted_stream(length, false), &error);
    assert_no_error(error);
    ck_assert(file->seekable);
    ck_assert_str_eq(file->name, "pipe");
    ck_assert(vc_file_size(file, &size, NULL));
    ck_assert_uint_eq(size, length);
    for (int again = 0; again < 2; again++) {
        ck_assert(vc_file_read(file, 0, found, length, NULL));
        if (length > 0)
            ck_assert_mem_eq(found, expected, length);
    }
}
END_TEST

/* A stream of 5 MiB that is zero but for a byte at 3 MiB + 1. */
static bool
pull_lonely_byte(VcStream *stream, void *buffer, size_t length, size_t *got,
                 GError **error G_GNUC_UNUSED)
{
    static size_t at;
    if (!stream) {
        at = 0;
        return true;
    }
    *got = MIN(length, 5 * MIB - at);
    memset(buffer, 0, *got);
    if (at <= 3 * MIB + 1 && at + *got > 3 * MIB + 1)
        ((uint8_t *)buffer)[3 * MIB + 1 - at] = 7;
    at += *got;
    return true;
}

static void
free_nothing(VcStream *stream G_GNUC_UNUSED)
{
}

START_TEST(zeros_become_holes)
{
    static const VcStreamOps ops = { .pull = pull_lonely_byte, .free = free_nothing };
    VcStream stream = { .ops = &ops };
    uint64_t size, length;
    uint8_t byte;
    bool data;

    pull_lonely_byte(NULL, NULL, 0, NULL, NULL);
    g_autoptr(VcFile) file = spool(&stream, NULL);
    ck_assert(vc_file_size(file, &size, NULL));
    ck_assert_uint_eq(size, 5 * MIB);
    ck_assert(vc_file_run(file, 0, &data, &length, NULL));
    ck_assert(!data);
    ck_assert_uint_ge(length, 2 * MIB);
    ck_assert(vc_file_read(file, 3 * MIB + 1, &byte, 1, NULL));
    ck_assert_uint_eq(byte, 7);
}
END_TEST

START_TEST(no_name_is_left_in_the_directory)
{
    g_autoptr(VcFile) file = spool(scripted_stream(MIB, false), NULL);
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(scratch_count(), 0);
}
END_TEST

START_TEST(an_error_of_the_stream_is_given_with_its_name)
{
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(spool(scripted_stream(2 * MIB + 9, true), &error));
    assert_error(error, VC_ERROR_CORRUPT);
    ck_assert(g_str_has_prefix(error->message, "pipe: "));
    ck_assert_uint_eq(scratch_count(), 0);
}
END_TEST

START_TEST(a_directory_that_is_not_there_is_named)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *nowhere = scratch_path("nowhere");
    VcFile *file = vc_stream_file(scripted_stream(MIB, false), "pipe");

    ck_assert_ptr_null(vc_spool(file, nowhere, &error));
    assert_error(error, VC_ERROR_IO);
    ck_assert_ptr_nonnull(strstr(error->message, nowhere));
}
END_TEST

START_TEST(a_full_disk_names_the_directory)
{
    /* A file system of 64 KiB needs a mount; a limit on the size of files does not. */
    struct rlimit limit, before;
    g_autoptr(GError) error = NULL;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 65536;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    VcFile *file = spool(scripted_stream(MIB, false), &error);
    setrlimit(RLIMIT_FSIZE, &before);

    ck_assert_ptr_null(file);
    assert_error(error, VC_ERROR_IO);
    ck_assert_ptr_nonnull(strstr(error->message, scratch));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("converters/spool");
    TCase *tests = scratch_case(suite, "spool");
    tcase_add_loop_test(tests, the_copy_has_the_bytes_of_the_stream_at_any_position, 0,
                        5);
    tcase_add_test(tests, zeros_become_holes);
    tcase_add_test(tests, no_name_is_left_in_the_directory);
    tcase_add_test(tests, an_error_of_the_stream_is_given_with_its_name);
    tcase_add_test(tests, a_directory_that_is_not_there_is_named);
    tcase_add_test(tests, a_full_disk_names_the_directory);
    return run_suite(suite);
}
