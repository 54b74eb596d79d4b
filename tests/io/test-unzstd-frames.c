/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of zstd files of many frames, which are unpacked side by side. */
#include "tests/check-main.h"
#include "tests/io/packed.h"
#include "tests/io/zstd-made.h"

#include <dirent.h>

#define ZSTD VC_COMPRESSION_ZSTD
#define SMALL_MEMORY ((uint64_t)8 << 20)

/* A stream of LENGTH bytes at DATA; where there is an ERROR, it comes behind them. */
typedef struct {
    VcStream base;
    const uint8_t *data;
    size_t length, taken;
    VcError error;
    bool fails;
} Bytes;

static bool
bytes_pull(VcStream *stream, void *buffer, size_t length, size_t *got, GError **error)
{
    Bytes *b = (Bytes *)stream;
    *got = MIN(length, b->length - b->taken);
    memcpy(buffer, b->data + b->taken, *got);
    b->taken += *got;
    if (*got == length || !b->fails)
        return true;
    vc_fail(error, b->error, "as planned");
    b->fails = false; /* whoever asks again must not take it for the end */
    return false;
}

static void
bytes_free(VcStream *stream)
{
    g_free(stream);
}

static const VcStreamOps bytes_ops = { .pull = bytes_pull, .free = bytes_free };

static VcStream *
open_bytes(const uint8_t *data, size_t length, uint64_t memory)
{
    g_autoptr(GError) error = NULL;
    Bytes *bytes = g_new0(Bytes, 1);
    *bytes = (Bytes){ .base.ops = &bytes_ops, .data = data, .length = length };
    VcStream *stream = vc_decompress(&bytes->base, ZSTD, memory, &error);
    assert_no_error(error);
    return stream;
}

/* Gives all that comes out of STREAM, up to its end or an error, which then comes
 * again. */
static GByteArray *
pull_all(VcStream *stream, size_t chunk, GError **error)
{
    GByteArray *out = g_byte_array_new();
    g_autofree uint8_t *buffer = g_malloc(chunk);
    size_t got = chunk;
    while (got == chunk && !*error) {
        bool ok = vc_stream_pull(stream, buffer, chunk, &got, error);
        ck_assert_int_eq(ok, *error == NULL);
        g_byte_array_append(out, buffer, (guint)got);
    }
    return out;
}

static GByteArray *
unpack_until(const uint8_t *data, size_t length, uint64_t memory, size_t chunk,
             GError **error)
{
    g_autoptr(VcStream) stream = open_bytes(data, length, memory);
    return pull_all(stream, chunk, error);
}

typedef struct {
    GByteArray *packed, *data;
    size_t at[64], end[64], data_at[64]; /* of each frame */
    unsigned n;
} Made;

static void
clear_made(Made *made)
{
    g_byte_array_unref(made->packed);
    g_byte_array_unref(made->data);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Made, clear_made)

static void
add(Made *made, size_t length, int window_log, bool checksum, bool sized)
{
    if (!made->packed) {
        made->packed = g_byte_array_new();
        made->data = g_byte_array_new();
    }
    made->at[made->n] = made->packed->len;
    made->data_at[made->n] = made->data->len;
    g_autofree uint8_t *piece = made->n % 3 == 1 ? pattern_new(length, made->n)
                                                 : pattern_text(length, made->n);
    add_frame(made->packed, piece, length, window_log, checksum, sized);
    g_byte_array_append(made->data, piece, (guint)length);
    made->end[made->n++] = made->packed->len;
}

static void
assert_data(const GByteArray *out, const GByteArray *data, size_t length)
{
    ck_assert_uint_eq(out->len, length);
    ck_assert(length == 0 || memcmp(out->data, data->data, length) == 0);
}

START_TEST(frames_of_all_sizes_come_in_their_order)
{
    /* In 8 MiB, 4 are for one piece; 3 MiB with both sides are beyond it. */
    static const size_t lengths[] = { 0,       1,       5000,    700000, 3 << 20, 0,
                                      100,     1 << 20, 1 << 20, 900000, 1,       1000,
                                      1 << 20, 131072,  131073,  2000000 };
    static const size_t chunks[] = { 1021, 65536, 1 << 20, 64 << 20 };
    g_auto(Made) made = { 0 };
    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(lengths); i++) {
        add(&made, lengths[i % G_N_ELEMENTS(lengths)], i % 7 == 0 ? 20 : 17, i & 1,
            i & 2);
        if (i % 5 < 2)
            add_skippable(made.packed, i % 16, i % 5 == 1 ? 2 << 20 : i);
    }
    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(chunks); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GByteArray) out = unpack_until(
            made.packed->data, made.packed->len,
            i & 1 ? SMALL_MEMORY : VC_DECOMPRESS_MEMORY_DEFAULT, chunks[i / 2], &error);
        assert_no_error(error);
        assert_data(out, made.data, made.data->len);
    }
}
END_TEST

/* As the stream's MADE, but frame K comes first: what was before it is skipped. So it
 * is unpacked alone. */
static GByteArray *
unpack_from(const Made *made, unsigned k, GError **error)
{
    g_autoptr(GByteArray) alone = g_byte_array_new();
    if (k > 0)
        add_skippable(alone, 0, made->at[k] - 8);
    g_byte_array_append(alone, made->packed->data + made->at[k],
                        (guint)(made->packed->len - made->at[k]));
    return unpack_until(alone->data, alone->len, VC_DECOMPRESS_MEMORY_DEFAULT, 65536,
                        error);
}

static uint64_t
position_of(const GError *error)
{
    const char *at = strstr(error->message, " at 0x");
    ck_assert_ptr_nonnull(at);
    return g_ascii_strtoull(at + 6, NULL, 16);
}

/* Damaged, its bytes and its error are those of frame K alone, behind all before it. A
 * block whose successor has a wrong header is lost when it is alone. */
static void
assert_damage_shows(const Made *made, unsigned k)
{
    static const size_t chunks[] = { 1021, 200000, 16 << 20 };
    static const uint64_t block = (128 << 10) + 6;
    g_autoptr(GError) alone_error = NULL;
    g_autoptr(GByteArray) alone = unpack_from(made, k, &alone_error);
    ck_assert_ptr_nonnull(alone_error);
    size_t before = made->data_at[k], first = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(chunks); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GByteArray)
            out = unpack_until(made->packed->data, made->packed->len,
                               VC_DECOMPRESS_MEMORY_DEFAULT, chunks[i], &error);
        assert_error(error, (int)alone_error->code);
        ck_assert_uint_ge(position_of(error), position_of(alone_error));
        ck_assert_uint_le(position_of(error), position_of(alone_error) + block);
        first = i == 0 ? out->len : first;
        ck_assert_uint_eq(out->len, first);
        ck_assert_uint_ge(out->len, before + alone->len);
        ck_assert_uint_le(out->len, before + alone->len + block);
        ck_assert(memcmp(out->data, made->data->data, before) == 0);
        ck_assert(alone->len == 0 ||
                  memcmp(out->data + before, alone->data, alone->len) == 0);
    }
}

START_TEST(damage_of_a_frame_comes_behind_all_before_it)
{
    /* Alone in their pieces, and many in one. */
    static const size_t lengths[] = { 500000, 3000 };
    g_auto(Made) made = { 0 };
    for (unsigned i = 0; i < 6; i++) {
        add(&made, lengths[_i], 17, true, i & 1);
        if (_i == 0)
            add_skippable(made.packed, 0, 4);
    }
    for (unsigned k = 1; k < made.n; k++) {
        size_t length = made.end[k] - made.at[k];
        /* The magic, the window or what follows it, the blocks, the checksum. */
        const size_t places[] = { 1, 4, 8, 9, 10, length / 2, length - 5, length - 1 };
        for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
            uint8_t *at = made.packed->data + made.at[k] + places[i];
            *at ^= 0x41;
            assert_damage_shows(&made, k);
            *at ^= 0x41;
        }
        /* Many bytes, so that a block of several is the damaged one. */
        g_autofree uint8_t *saved = g_memdup2(made.packed->data + made.at[k], length);
        pattern_fill(made.packed->data + made.at[k] + length / 2, length / 4, 9);
        assert_damage_shows(&made, k);
        memcpy(made.packed->data + made.at[k], saved, length);
    }
}
END_TEST

START_TEST(a_frame_that_is_refused_comes_behind_all_before_it)
{
    static const struct {
        const char *bytes, *message;
        VcError code;
    } rows[] = {
        { "\x28\xb5\x2f\xfd\x01\x00\x2a\x01\x00\x00", "needs dictionary 42",
          VC_ERROR_UNSUPPORTED },
        { "\x28\xb5\x2f\xfd\x00\xff\x01\x00\x00\x00", "needs a window of ",
          VC_ERROR_UNSUPPORTED },
        { "\x28\xb5\x2f\xfd\x00\x90\x01\x00\x00\x00", "needs a window of ",
          VC_ERROR_LIMIT },
        { "\x28\xb5\x2f\xfc\x00\x90\x01\x00\x00\x00", "bytes behind the end",
          VC_ERROR_CORRUPT },
    };
    g_auto(Made) made = { 0 };
    for (unsigned i = 0; i < 5; i++)
        add(&made, 300000 * i, 17, true, false);
    guint whole = made.packed->len;
    g_autofree char *position = g_strdup_printf("0x%x", whole);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_byte_array_set_size(made.packed, whole);
        g_byte_array_append(made.packed, (const uint8_t *)rows[i].bytes, 10);
        g_autoptr(GByteArray) out = unpack_until(made.packed->data, made.packed->len,
                                                 SMALL_MEMORY, 65536, &error);
        assert_error(error, rows[i].code);
        ck_assert_ptr_nonnull(strstr(error->message, rows[i].message));
        ck_assert_ptr_nonnull(strstr(error->message, position));
        assert_data(out, made.data, made.data->len);
    }
}
END_TEST

START_TEST(every_cut_is_short_behind_all_before_it)
{
    g_auto(Made) made = { 0 };
    for (unsigned i = 0; i < 8; i++) {
        add(&made, 10 + 70 * i, 17, i & 1, i & 2);
        if (i % 3 == 2)
            add_skippable(made.packed, i, 10);
    }
    for (unsigned cut = 1; cut < made.packed->len; cut++) {
        unsigned k = made.n - 1; /* the frame that is cut, or a skippable behind it */
        while (made.at[k] > cut)
            k--;
        g_autoptr(GError) error = NULL;
        g_autoptr(GByteArray) out = unpack_until(
            made.packed->data, cut, VC_DECOMPRESS_MEMORY_DEFAULT, 100, &error);
        size_t behind = k + 1 < made.n ? made.data_at[k + 1] : made.data->len;
        ck_assert_uint_ge(out->len, made.data_at[k]);
        ck_assert_uint_le(out->len, behind);
        assert_data(out, made.data, out->len);
        if (!error) {
            ck_assert(cut == made.at[k] || out->len == behind);
            continue;
        }
        assert_error(error, VC_ERROR_SHORT);
        g_autofree char *end = g_strdup_printf(" at 0x%x", cut);
        ck_assert_msg(g_str_has_suffix(error->message, end), "cut at %u: %s", cut,
                      error->message);
    }
}
END_TEST

START_TEST(an_error_of_the_stream_below_comes_behind_all_before_it)
{
    static const VcError codes[] = { VC_ERROR_IO, VC_ERROR_CANCELLED };
    g_auto(Made) made = { 0 };
    for (unsigned i = 0; i < 9; i++)
        add(&made, i % 4 * 1000000, 17, true, false);
    for (size_t i = 0; i < 40; i++) {
        /* What is in the buffer when a read fails is lost, as it is elsewhere. */
        size_t length = made.packed->len / 40 * i;
        size_t safe = length / (512 << 10) * (512 << 10);
        unsigned k = made.n - 1;
        while (k > 0 && made.end[k] > safe)
            k--;
        size_t least = k == 0 ? 0 : made.data_at[k];

        Bytes *bytes = g_new0(Bytes, 1);
        *bytes =
            (Bytes){ { &bytes_ops }, made.packed->data, length, 0, codes[i % 2], true };
        g_autoptr(VcStream) stream = vc_decompress(&bytes->base, ZSTD,
                                                   VC_DECOMPRESS_MEMORY_DEFAULT, NULL);
        g_autoptr(GError) error = NULL, again = NULL;
        g_autoptr(GByteArray) out = pull_all(stream, 100000, &error);
        assert_error(error, codes[i % 2]);
        ck_assert_str_eq(error->message, "as planned");
        ck_assert_uint_ge(out->len, least);
        assert_data(out, made.data, out->len);
        g_autoptr(GByteArray) nothing = pull_all(stream, 100000, &again);
        assert_error(again, codes[i % 2]);
        ck_assert_uint_eq(nothing->len, 0);
    }
}
END_TEST

START_TEST(freeing_ends_what_is_under_way)
{
    g_auto(Made) made = { 0 };
    for (unsigned i = 0; i < 12; i++)
        add(&made, i == 0 ? 1 : 1500000, 17, true, false);
    static const size_t pulls[] = { 0, 1, 2, 1500000, 3000000 };
    g_autofree uint8_t *buffer = g_malloc(3000000);
    for (unsigned i = 0; i < 20; i++) {
        size_t want = pulls[i % G_N_ELEMENTS(pulls)], got;
        g_autoptr(VcStream) stream = open_bytes(made.packed->data, made.packed->len,
                                                VC_DECOMPRESS_MEMORY_DEFAULT);
        ck_assert(vc_stream_pull(stream, buffer, want, &got, NULL));
        ck_assert_uint_eq(got, want);
        ck_assert(want == 0 || memcmp(buffer, made.data->data, want) == 0);
    }
}
END_TEST

/* Of this process; 0 where nobody tells. */
static unsigned
count_threads(void)
{
    unsigned count = 0;
    DIR *tasks = opendir("/proc/self/task");
    while (tasks && readdir(tasks))
        count++;
    if (tasks)
        closedir(tasks);
    return count;
}

START_TEST(threads_start_when_there_is_a_second_frame)
{
    g_auto(Made) made = { 0 };
    g_autofree uint8_t *buffer = g_malloc(4 << 20);
    size_t got;
    add(&made, 4 << 20, 17, true, true);
    guint one = made.packed->len;
    add(&made, 4 << 20, 17, true, true);
    unsigned before = count_threads();
    for (unsigned frames = 1; frames <= 2; frames++) {
        g_autoptr(VcStream)
            stream = open_bytes(made.packed->data, frames == 1 ? one : made.packed->len,
                                VC_DECOMPRESS_MEMORY_DEFAULT);
        for (unsigned i = 0; i < frames; i++) {
            ck_assert(vc_stream_pull(stream, buffer, 4 << 20, &got, NULL));
            ck_assert_uint_eq(got, 4 << 20);
        }
        ck_assert_uint_eq(count_threads(),
                          frames == 1 || before == 0 ? before : before + 1);
        if (frames == 1) {
            ck_assert(vc_stream_pull(stream, buffer, 1, &got, NULL));
            ck_assert_uint_eq(got, 0);
            ck_assert_uint_eq(count_threads(), before);
        }
    }
}
END_TEST

START_TEST(a_frame_that_unpacks_to_a_lot_is_unpacked_as_it_comes)
{
    /* 700 blocks of 128 KiB that are one byte each. */
    g_autoptr(GByteArray) packed = g_byte_array_new();
    for (unsigned i = 0; i < 4; i++) {
        g_byte_array_append(packed, (const uint8_t *)"\x28\xb5\x2f\xfd\x00\x38", 6);
        for (unsigned k = 0; k < 700; k++) {
            const uint8_t block[] = { (k == 699) | 2, 0, 0x10, (uint8_t)(i + 1) };
            g_byte_array_append(packed, block, sizeof block);
        }
    }
    g_autoptr(GError) error = NULL;
    g_autoptr(VcStream)
        stream = open_bytes(packed->data, packed->len, VC_DECOMPRESS_MEMORY_DEFAULT);
    g_autofree uint8_t *buffer = g_malloc(128 << 10);
    unsigned before = count_threads();
    for (size_t i = 0; i < 4 * 700; i++) {
        size_t got;
        ck_assert(vc_stream_pull(stream, buffer, 128 << 10, &got, &error));
        ck_assert_uint_eq(got, 128 << 10);
        ck_assert_uint_eq(buffer[0], i / 700 + 1);
        ck_assert(memcmp(buffer, buffer + 1, (128 << 10) - 1) == 0);
    }
    ck_assert_uint_eq(count_threads(), before);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("io/unzstd-frames");
    TCase *tests = tcase_create("unzstd-frames");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, frames_of_all_sizes_come_in_their_order);
    tcase_add_loop_test(tests, damage_of_a_frame_comes_behind_all_before_it, 0, 2);
    tcase_add_test(tests, a_frame_that_is_refused_comes_behind_all_before_it);
    tcase_add_test(tests, every_cut_is_short_behind_all_before_it);
    tcase_add_test(tests, an_error_of_the_stream_below_comes_behind_all_before_it);
    tcase_add_test(tests, freeing_ends_what_is_under_way);
    tcase_add_test(tests, threads_start_when_there_is_a_second_frame);
    tcase_add_test(tests, a_frame_that_unpacks_to_a_lot_is_unpacked_as_it_comes);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
