/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parents of a differencing image, found as far as the user allows. */
#include "converters/chain.h"

#include "converters/content.h"
#include "converters/names.h"
#include "io/error.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
    dev_t device;
    ino_t inode;
} Identity;

typedef struct {
    const VcImageOptions *options;
    GArray *visited;    /* of Identity: the image and its parents so far */
    GPtrArray *parents; /* of VcAncestor * */
    VcSource *image;
} Chain;

/* One step: the search for the parent of one child. */
typedef struct {
    Chain *chain;
    VcSource *child;
    char *directory;      /* of the child, for building paths; NULL: it has none */
    char *real_directory; /* the same, without symbolic links */
    VcSource *found;      /* adopted, so owned by the child */
    char *found_path;

    /* Why the candidates so far were not taken: the first of each kind. */
    GError *wrong;    /* it was opened, or should have been */
    char *unverified; /* the child has no id of it */
    char *outside;    /* it lies in another directory */
    char *unsuitable; /* it is no regular file */
    char *cycle;      /* it is part of the chain */
} Search;

static void
clear_search(Search *search)
{
    g_free(search->directory);
    g_free(search->real_directory);
    g_free(search->found_path);
    g_clear_error(&search->wrong);
    g_free(search->unverified);
    g_free(search->outside);
    g_free(search->unsuitable);
    g_free(search->cycle);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Search, clear_search)

/* The directory where the file at PATH lies, of a symbolic link the directory of what
 * it leads to: relative paths were made there. */
static void
find_directory(Search *search, const char *path)
{
    struct stat status;
    g_autofree char *real = strcmp(path, "-") == 0 ? NULL : realpath(path, NULL);
    if (!real)
        return;
    search->real_directory = g_path_get_dirname(real);
    search->directory = lstat(path, &status) == 0 && S_ISLNK(status.st_mode)
                            ? g_strdup(search->real_directory)
                            : g_path_get_dirname(path);
}

/* "C:/…" or "C:…"; a share or volume "//…" was "\\…". */
static bool
has_drive(const char *stored)
{
    return g_ascii_isalpha(stored[0]) && stored[1] == ':';
}

static bool
is_windows_path(const char *stored)
{
    return has_drive(stored) || g_str_has_prefix(stored, "//");
}

/* The last part of what was stored; NULL when it names no file. */
static const char *
base_name(const char *stored)
{
    const char *slash = strrchr(stored, '/');
    const char *base = slash ? slash + 1 : has_drive(stored) ? stored + 2 : stored;
    bool none = *base == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0;
    return none ? NULL : base;
}

static char *
in_directory(const Search *search, const char *relative)
{
    while (g_str_has_prefix(relative, "./"))
        relative += 2;
    if (strcmp(search->directory, ".") == 0)
        return g_strdup(relative);
    return g_build_filename(search->directory, relative, NULL);
}

static void
add_candidate(GPtrArray *candidates, char *path)
{
    if (g_ptr_array_find_with_equal_func(candidates, path, g_str_equal, NULL))
        g_free(path);
    else
        g_ptr_array_add(candidates, path);
}

/* Paths to try, best first. */
static GPtrArray *
list_candidates(const Search *search)
{
    GPtrArray *candidates = g_ptr_array_new_with_free_func(g_free);
    char **stored = search->child->parent->paths;

    for (char **path = stored; *path; path++) {
        if (is_windows_path(*path) || !base_name(*path))
            continue;
        if (**path == '/')
            add_candidate(candidates, g_strdup(*path));
        else if (search->directory)
            add_candidate(candidates, in_directory(search, *path));
    }
    for (char **path = stored; *path && search->directory; path++)
        if (base_name(*path))
            add_candidate(candidates, in_directory(search, base_name(*path)));
    return candidates;
}

static void
note(char **reason, const char *path)
{
    if (!*reason)
        *reason = vc_printable(path);
}

/* Takes ERROR. */
static void
note_wrong(Search *search, GError *error)
{
    if (search->wrong)
        g_error_free(error);
    else
        search->wrong = error;
}

static bool
in_chain(const Chain *chain, const struct stat *status)
{
    for (unsigned i = 0; i < chain->visited->len; i++) {
        const Identity *seen = &g_array_index(chain->visited, Identity, i);
        if (seen->device == status->st_dev && seen->inode == status->st_ino)
            return true;
    }
    return false;
}

static void
remember(Chain *chain, const struct stat *status)
{
    Identity identity = { .device = status->st_dev, .inode = status->st_ino };
    g_array_append_val(chain->visited, identity);
}

/* Whether the file REAL may be a parent at all. */
static bool
allowed(Search *search, const char *candidate, const char *real, struct stat *status)
{
    g_autofree char *directory = g_path_get_dirname(real);
    bool follow = search->chain->options->follow_chain;
    if (stat(real, status) != 0)
        return false; /* gone in between */
    if (!follow && !search->child->parent->id)
        note(&search->unverified, candidate);
    else if (!follow && g_strcmp0(directory, search->real_directory) != 0)
        note(&search->outside, candidate);
    else if (!S_ISREG(status->st_mode))
        note(&search->unsuitable, candidate);
    else if (in_chain(search->chain, status))
        note(&search->cycle, candidate);
    else
        return true;
    return false;
}

/* The format of the parent in FILE: first that of the child, lest payload makes it look
 * like two. */
static const VcFormat *
choose_format(const VcSource *child, VcFile *file, GError **error)
{
    bool same;
    if (!child->parent->id)
        return vc_format_find("raw", error);
    if (!child->format->probe(file, &same, error)) {
        g_prefix_error(error, "%s: ", file->name);
        return NULL;
    }
    return same ? child->format : vc_format_probe(file, error);
}

static VcSource *
open_parent(const Search *search, const char *candidate, const char *real,
            GError **error)
{
    VcFile *file = vc_posix_open(real, search->chain->options->cache, error);
    if (!file) {
        g_prefix_error(error, "%s: ", candidate);
        return NULL;
    }
    g_free(file->name);
    file->name = g_strdup(candidate);
    if (!vc_content_lock(file, candidate, search->chain->options, error)) {
        vc_file_free(file);
        return NULL;
    }

    const VcFormat *format = choose_format(search->child, file, error);
    if (!format) {
        vc_file_free(file);
        return NULL;
    }
    return vc_format_open(format, file, NULL, error);
}

static bool
try_candidate(Search *search, const char *candidate)
{
    GError *error = NULL;
    struct stat status;
    g_autofree char *real = realpath(candidate, NULL);
    if (!real || !allowed(search, candidate, real, &status))
        return false;

    g_autoptr(VcSource) parent = open_parent(search, candidate, real, &error);
    if (!parent) {
        g_prefix_error(&error,
                       "%s: its parent cannot be used: ", search->child->file->name);
        note_wrong(search, error);
        return false;
    }
    if (!vc_source_adopt(search->child, parent, &error)) {
        note_wrong(search, error);
        return false;
    }
    remember(search->chain, &status);
    search->found = g_steal_pointer(&parent);
    search->found_path = g_strdup(candidate);
    return true;
}

/* "'base.vhdx' or 'C:/disks/base.vhdx'" */
static char *
stored_paths(const VcParent *parent)
{
    GString *text = g_string_new(NULL);
    for (char **path = parent->paths; *path; path++) {
        g_autofree char *printable = vc_printable(*path);
        g_string_append_printf(text, "%s'%s'", path == parent->paths ? "" : " or ",
                               printable);
    }
    return g_string_free(text, FALSE);
}

static void
fail_search(Search *search, GError **error)
{
    const char *child = search->child->file->name;
    const VcParent *parent = search->child->parent;
    g_autofree char *stored = stored_paths(parent);

    if (search->wrong)
        g_propagate_error(error, g_steal_pointer(&search->wrong));
    else if (search->unverified)
        vc_fail(
            error, VC_ERROR_PARENT,
            "%s: it has no id of its parent, so any file could be taken for it: %s; "
            "--chain allows that, and reads it as raw",
            child, search->unverified);
    else if (search->outside)
        vc_fail(error, VC_ERROR_PARENT,
                "%s: its parent %s lies in another directory: %s; --chain allows that",
                child, stored, search->outside);
    else if (!parent->paths[0])
        vc_fail(error, VC_ERROR_PARENT,
                "%s: it names no file as its parent (%s), or one on a network share or "
                "volume that is not looked at",
                child, parent->id ? parent->id : "without an id");
    else if (search->unsuitable)
        vc_fail(error, VC_ERROR_PARENT, "%s: its parent %s is not a regular file",
                child, search->unsuitable);
    else if (search->cycle)
        vc_fail(error, VC_ERROR_PARENT,
                "%s: its parent %s is part of the same chain: a cycle", child,
                search->cycle);
    else if (!search->directory)
        vc_fail(error, VC_ERROR_PARENT,
                "%s: it has no directory to look for its parent %s in; open it by its "
                "path",
                child, stored);
    else
        vc_fail(error, VC_ERROR_PARENT,
                "%s: its parent %s (%s) was not found; put it into the directory %s",
                child, stored, parent->id ? parent->id : "without an id",
                search->real_directory);
}

/* Adopts the parent of *CHILD at *PATH, and steps to it. */
static bool
step(Chain *chain, VcSource **child, char **path, GError **error)
{
    g_auto(Search) search = { .chain = chain, .child = *child };
    find_directory(&search, *path);
    g_autoptr(GPtrArray) candidates = list_candidates(&search);

    for (unsigned i = 0; i < candidates->len && !search.found; i++)
        try_candidate(&search, candidates->pdata[i]);
    if (!search.found) {
        fail_search(&search, error);
        return false;
    }
    VcAncestor *ancestor = g_new(VcAncestor, 1);
    *ancestor = (VcAncestor){ g_strdup(search.found_path), search.found };
    g_ptr_array_add(chain->parents, ancestor);
    *child = search.found;
    g_free(*path);
    *path = g_steal_pointer(&search.found_path);
    return true;
}

static void
free_ancestor(gpointer data)
{
    VcAncestor *ancestor = data;
    g_free(ancestor->path);
    g_free(ancestor);
}

GPtrArray *
vc_ancestors_new(void)
{
    return g_ptr_array_new_with_free_func(free_ancestor);
}

/* Adoption may add warnings, so this is said last. */
static void
pass_warnings_on(const Chain *chain, const VcSource *parent)
{
    if (parent == chain->image)
        return;
    for (unsigned i = 0; i < parent->warnings->len; i++)
        vc_warn(chain->image->warnings, "%s: %s", parent->file->name,
                (const char *)parent->warnings->pdata[i]);
}

bool
vc_chain_adopt(VcSource *source, const char *path, const VcImageOptions *options,
               GPtrArray *parents, GError **error)
{
    g_autoptr(GArray) visited = g_array_new(FALSE, FALSE, sizeof(Identity));
    g_autofree char *child_path = g_strdup(path);
    Chain chain = { options, visited, parents, source };
    struct stat status;

    if (stat(path, &status) == 0)
        remember(&chain, &status);
    VcSource *child = source;
    for (unsigned depth = 0; child->parent; depth++) {
        const VcSource *before = child;
        if (depth == VC_CHAIN_MAX) {
            vc_fail(error, VC_ERROR_PARENT,
                    "%s: the chain of parents goes on after %u levels",
                    source->file->name, VC_CHAIN_MAX);
            return false;
        }
        if (!step(&chain, &child, &child_path, error))
            return false;
        pass_warnings_on(&chain, before);
    }
    pass_warnings_on(&chain, child);
    return true;
}
