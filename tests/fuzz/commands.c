/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of a command line, one per NUL, as each command takes them. Commands run,
 * up to the first file: in a directory that was removed, so that there is nothing to
 * read and nothing can be made.
 *
 * Byte 0: bits 0 to 5 the command, bits 6 and 7 whose manners. Words have no slashes,
 * lest they lead out of there, and none is a dash, lest they take our standard input
 * and output. */
#include "tests/fuzz/fuzz.h"

#include "cli/command.h"
#include "cli/failure.h"
#include "cli/migrate.h"
#include "cli/print.h"
#include "io/error.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 30

VcManners vc_manners; /* main's */

static struct {
    int home, nowhere; /* directories */
    FILE *null;
    GPtrArray *pairs; /* names of commands, which those borrow */
} places = { .home = -1 };

static void
make_places(void)
{
    if (places.home >= 0)
        return;
    g_autofree char *path = g_dir_make_tmp("vconv-fuzz-XXXXXX", NULL);
    g_assert(path);
    places.home = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    places.nowhere = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    places.null = fopen("/dev/null", "we");
    g_assert(places.home >= 0 && places.nowhere >= 0 && places.null);
    g_assert(g_rmdir(path) == 0);
    places.pairs = vc_migrate_names();
    vc_print_init("vconv");
    vc_print_be_quiet(); /* else what it has to say waits for ever */
}

static const VcCommand *
choose_command(unsigned choice)
{
    static const VcCommand *const commands[] = {
        &vc_command_check,      &vc_command_compare,     &vc_command_convert,
        &vc_command_create,     &vc_command_dd,          &vc_command_info,
        &vc_command_map,        &vc_command_measure,     &vc_command_repack,
        &vc_command_roundtrip,  &vc_command_vma,         &vc_command_vma_config,
        &vc_command_vma_create, &vc_command_vma_extract, &vc_command_vma_list,
        &vc_command_vma_verify,
    };
    if (choice < G_N_ELEMENTS(commands))
        return commands[choice];
    guint index = (choice - G_N_ELEMENTS(commands)) % places.pairs->len;
    const VcCommand *pair = vc_migrate_find(places.pairs->pdata[index]);
    g_assert(pair);
    return pair;
}

/* "-", "-#disk", "if=-" */
static bool
is_standard_stream(const char *word)
{
    const char *equals = strrchr(word, '=');
    const char *name = equals ? equals + 1 : word;
    return name[0] == '-' && (name[1] == '\0' || name[1] == '#');
}

static bool
split_words(GPtrArray *words, const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size && words->len < WORDS_MAX;) {
        char *word = g_strndup((const char *)data + at, size - at);
        at += strlen(word) + 1;
        g_strdelimit(word, "/", '_');
        g_ptr_array_add(words, word);
        if (is_standard_stream(word))
            return false;
    }
    return true;
}

static void
check_failure(const GError *error)
{
    g_assert(error->domain == VC_ERROR && error->message[0] != '\0');
    g_autofree char *json = vc_failure_text(error);
    g_assert(!json || g_utf8_validate(json, -1, NULL));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    make_places();
    vc_manners = data[0] >> 6 & 1 ? VC_MANNERS_QEMU_IMG
                 : data[0] >> 7   ? VC_MANNERS_VMA
                                  : VC_MANNERS_VCONV;
    const VcCommand *command = choose_command(data[0] & 63);
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(words, g_strdup(command->name));
    if (!split_words(words, data + 1, size - 1))
        return 0;
    int count = (int)words->len;
    g_ptr_array_add(words, NULL);

    FILE *out = stdout;
    g_autoptr(GError) error = NULL;
    stdout = places.null;
    g_assert(fchdir(places.nowhere) == 0);
    int status = command->run(command, count, (char **)words->pdata, &error);
    g_assert(fchdir(places.home) == 0);
    stdout = out;
    g_assert(status >= 0 && status <= G_MAXUINT8);
    if (error)
        check_failure(error);
    return 0;
}
