/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The short form of a sparse file: laying it out, and changing it. */
#include "tests/fuzz/records.h"

#include "io/bytes.h"

/* Bytes alike that are worth a record of their own. */
#define FILL_MIN (8 * WORD)
/* Of one record. */
#define LENGTH_MAX (((size_t)UINT16_MAX + 1) * WORD)

bool
fuzz_record_next(const FuzzForm *form, const uint8_t *data, size_t size, size_t *at,
                 Record *record)
{
    if (size < *at || size - *at <= RECORD)
        return false;
    const uint8_t *head = data + *at;
    uint64_t place = form->places[(head[0] & ~FILL) % form->n_places];
    record->position = place + (uint64_t)load_le16(head + 1) * WORD;
    record->length = ((size_t)load_le16(head + 3) + 1) * WORD;
    record->fill = head[0] & FILL;
    record->at = *at + RECORD;
    record->stored = record->fill ? 1 : MIN(record->length, size - record->at);
    if (!record->fill)
        record->length = record->stored;
    *at = record->at + record->stored;
    return true;
}

void
fuzz_records_lay(const FuzzForm *form, const uint8_t *data, size_t size, VcFile *file,
                 uint64_t length)
{
    Record r;
    for (size_t at = form->head; fuzz_record_next(form, data, size, &at, &r);) {
        if (r.fill) {
            g_autofree uint8_t *bytes = g_malloc(r.length);
            memset(bytes, data[r.at], r.length);
            vc_file_write(file, r.position, bytes, r.length, NULL);
        } else {
            vc_file_write(file, r.position, data + r.at, r.length, NULL);
        }
    }
    vc_file_truncate(file, length, NULL);
}

void
fuzz_records_peek(const FuzzInput *in, uint64_t position, uint8_t *raw, size_t length)
{
    Record r;
    memset(raw, 0, length);
    for (size_t at = in->form->head;
         fuzz_record_next(in->form, in->data, in->size, &at, &r);) {
        uint64_t from = MAX(position, r.position);
        uint64_t to = MIN(position + length, r.position + r.length);
        for (uint64_t p = from; p < to; p++)
            raw[p - position] = in->data[r.at + (r.fill ? 0 : p - r.position)];
    }
}

/* Appends a record of LENGTH bytes, of which STORED are at RAW: all or the one that
 * fills. */
static void
append(FuzzInput *in, uint64_t position, size_t length, const uint8_t *raw,
       size_t stored)
{
    const FuzzForm *form = in->form;
    unsigned place = form->n_places - 1;
    while (form->places[place] > position)
        place--;
    uint64_t words = (position - form->places[place]) / WORD;
    if (in->max - in->size < RECORD + stored || words > UINT16_MAX)
        return;
    uint8_t *to = in->data + in->size;
    to[0] = (uint8_t)(place | (stored < length ? FILL : 0));
    store_le16(to + 1, (uint16_t)words);
    store_le16(to + 3, (uint16_t)(length / WORD - 1));
    memcpy(to + RECORD, raw, stored);
    in->size += RECORD + stored;
}

/* The record at LAST takes in the one at END, just appended, when that goes on where it
 * stops. */
static void
join(FuzzInput *in, size_t last, size_t end)
{
    Record a, b;
    size_t at = last;
    if (last == end || !fuzz_record_next(in->form, in->data, end, &at, &a) ||
        !fuzz_record_next(in->form, in->data, in->size, &at, &b))
        return;
    size_t words = a.length / WORD;
    if (a.fill || b.position != a.position + a.length || words > UINT16_MAX)
        return;
    memmove(in->data + end, in->data + b.at, b.stored);
    store_le16(in->data + a.at - 2, (uint16_t)words);
    in->size -= RECORD;
}

static void
poke_word(FuzzInput *in, uint64_t position, const uint8_t raw[static WORD])
{
    Record r;
    size_t found = 0, at = in->form->head, last = at, from = at;
    while (fuzz_record_next(in->form, in->data, in->size, &at, &r)) {
        if (position < r.position + r.length && position + WORD > r.position)
            found = !r.fill && position >= r.position &&
                            position + WORD <= r.position + r.length
                        ? r.at + (position - r.position)
                        : 0;
        last = from;
        from = at;
    }
    if (found) {
        memcpy(in->data + found, raw, WORD);
        return;
    }
    /* The last record must be whole before another can follow. */
    if (at != in->size)
        return;
    append(in, position, WORD, raw, WORD);
    if (in->size > at)
        join(in, last, at);
}

void
fuzz_records_poke(FuzzInput *in, uint64_t position, const uint8_t *old,
                  const uint8_t *raw, size_t length)
{
    for (size_t i = 0; i + WORD <= length; i += WORD)
        if (memcmp(old + i, raw + i, WORD) != 0)
            poke_word(in, position + i, raw + i);
}

/* How many whole words of the LENGTH bytes at RAW are alike in each byte. */
static size_t
alike(const uint8_t *raw, size_t length)
{
    size_t n = 1;
    while (n < length && raw[n] == raw[0])
        n++;
    return n - n % WORD;
}

void
fuzz_records_add(FuzzInput *in, uint64_t position, const uint8_t *raw, size_t length)
{
    for (size_t at = 0, n; at < length; at += n) {
        n = MIN(alike(raw + at, length - at), LENGTH_MAX);
        if (n >= FILL_MIN) {
            append(in, position + at, n, raw + at, 1);
            continue;
        }
        for (n = WORD; at + n < length && n < LENGTH_MAX &&
                       alike(raw + at + n, MIN(length - at - n, FILL_MIN)) < FILL_MIN;)
            n += WORD;
        append(in, position + at, n, raw + at, n);
    }
}

bool
fuzz_records_find(const FuzzInput *in, FuzzDice *dice, const void *cookie,
                  size_t length, uint64_t *position)
{
    unsigned n = 0;
    Record r;
    for (size_t at = in->form->head;
         fuzz_record_next(in->form, in->data, in->size, &at, &r);)
        if (r.stored >= length && memcmp(in->data + r.at, cookie, length) == 0 &&
            fuzz_roll(dice, ++n) == 0)
            *position = r.position;
    return n > 0;
}

void
fuzz_records_finish(FuzzInput *in)
{
    Record r;
    size_t from = in->form->head;
    for (size_t at = from; fuzz_record_next(in->form, in->data, in->size, &at, &r);
         from = at) {
        size_t words = r.stored / WORD;
        if (r.fill || r.stored == (load_le16(in->data + r.at - 2) + (size_t)1) * WORD)
            continue;
        if (words == 0)
            break;
        store_le16(in->data + r.at - 2, (uint16_t)(words - 1));
        at = in->size = r.at + words * WORD;
    }
    in->size = from;
}

void
fuzz_records_mix(FuzzInput *in, FuzzDice *dice, const uint8_t *data, size_t size)
{
    Record r;
    fuzz_records_finish(in);
    for (size_t at = in->form->head, from = at;
         fuzz_record_next(in->form, data, size, &at, &r); from = at)
        if (fuzz_roll(dice, 4) == 0 && at - from <= in->max - in->size) {
            memcpy(in->data + in->size, data + from, at - from);
            in->size += at - from;
        }
    fuzz_records_finish(in);
}
