/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Temporary names. */
#include "io/temporary.h"

#include "io/error.h"
#include "io/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40      /* as many as Linux follows itself */
#define ATTEMPTS_MAX 1000 /* names of which each should be new */

char *
vc_temporary_target(const char *path, GError **error)
{
    g_autofree char *target = g_strdup(path);

    for (int links = 0; links < LINKS_MAX; links++) {
        char text[PATH_MAX];
        ssize_t length = readlink(target, text, sizeof text - 1);
        if (length < 0 && (errno == EINVAL || errno == ENOENT))
            return g_steal_pointer(&target); /* not a link, or not there */
        if (length < 0) {
            vc_fail_errno(error, errno, "cannot see whether it is a symbolic link");
            return NULL;
        }
        text[length] = '\0';

        g_autofree char *directory = g_path_get_dirname(target);
        g_free(target);
        target = text[0] == '/' ? g_strdup(text)
                                : g_build_filename(directory, text, NULL);
    }
    vc_fail_errno(error, ELOOP, "cannot open for writing");
    return NULL;
}

/* ".NAME.PID-RANDOM.vconv-tmp", NAME cut so that the whole is a name for a file. */
static char *
make_name(const char *target)
{
    g_autofree char *directory = g_path_get_dirname(target);
    g_autofree char *base = g_path_get_basename(target);
    g_autofree char *tail = g_strdup_printf(".%ld-%08x" VC_OUTPUT_TEMPORARY_SUFFIX,
                                            (long)getpid(), g_random_int());

    size_t room = NAME_MAX - 1 - strlen(tail);
    if (strlen(base) > room) {
        /* Not inside a character: some file systems take UTF-8 only. */
        while (room > 0 && ((unsigned char)base[room] & 0xc0) == 0x80)
            room--;
        base[room] = '\0';
    }
    g_autofree char *name = g_strdup_printf(".%s%s", base, tail);
    return g_build_filename(directory, name, NULL);
}

/* The process that gave a file NAME for the target BASE; 0 when it is no such name. */
static pid_t
name_maker(const char *name, const char *base)
{
    static const char hex[] = "0123456789abcdef";
    size_t suffix = strlen(VC_OUTPUT_TEMPORARY_SUFFIX), random = 8;
    size_t length = strlen(name);
    if (name[0] != '.' || length < 1 + 1 + 1 + random + suffix ||
        !g_str_has_suffix(name, VC_OUTPUT_TEMPORARY_SUFFIX))
        return 0;

    /* From the end, for BASE may look like anything. */
    size_t dash = length - suffix - random - 1;
    if (name[dash] != '-' || strspn(name + dash + 1, hex) != random)
        return 0;
    size_t digits = dash;
    while (digits > 1 && g_ascii_isdigit(name[digits - 1]))
        digits--;
    if (digits == dash || digits < 2 || name[digits - 1] != '.')
        return 0;

    size_t stem = digits - 2;
    bool cut = length + 4 > NAME_MAX; /* a character of UTF-8 may not have fitted */
    if (strncmp(name + 1, base, stem) != 0 || (base[stem] != '\0' && !cut))
        return 0;
    guint64 pid = g_ascii_strtoull(name + digits, NULL, 10);
    return pid <= G_MAXINT32 ? (pid_t)pid : 0;
}

GPtrArray *
vc_temporary_leftovers(const char *target)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *directory = g_path_get_dirname(target);
    g_autofree char *base = g_path_get_basename(target);
    g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        pid_t maker = name_maker(name, base);
        /* We have made none yet: in containers numbers come again soon. */
        if (maker > 0 && (maker == getpid() || (kill(maker, 0) != 0 && errno == ESRCH)))
            g_ptr_array_add(names, g_build_filename(directory, name, NULL));
    }
    return names;
}

int
vc_temporary_open(const char *target, mode_t mode, char **temporary, GError **error)
{
    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        g_autofree char *path = make_name(target);
        int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, mode);
        if (fd >= 0) {
            *temporary = g_steal_pointer(&path);
            return fd;
        }
        if (errno != EEXIST && errno != EINTR)
            break;
    }
    vc_fail_errno(error, errno, "cannot create a file in its directory");
    return -1;
}

char *
vc_temporary_folder(const char *target, GError **error)
{
    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        g_autofree char *path = make_name(target);
        if (mkdir(path, 0700) == 0)
            return g_steal_pointer(&path);
        if (errno != EEXIST)
            break;
    }
    vc_fail_errno(error, errno, "cannot create a directory in its directory");
    return NULL;
}

/* 0, EEXIST, or another error number. */
static int
rename_new(const char *temporary, const char *target)
{
    if (renameat2(AT_FDCWD, temporary, AT_FDCWD, target, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
        return errno;
    if (link(temporary, target) == 0) {
        unlink(temporary);
        return 0;
    }
    if (errno != EPERM && errno != ENOSYS && errno != EOPNOTSUPP)
        return errno;

    /* A file system that has neither: who creates the name owns it. */
    int fd = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    close(fd);
    if (rename(temporary, target) == 0)
        return 0;
    int errnum = errno;
    unlink(target);
    return errnum;
}

bool
vc_temporary_rename(const char *temporary, const char *target, bool replace,
                    GError **error)
{
    int errnum;
    if (replace)
        errnum = rename(temporary, target) == 0 ? 0 : errno;
    else
        errnum = rename_new(temporary, target);
    if (errnum == EEXIST)
        vc_fail(error, VC_ERROR_EXISTS,
                "was made by another program in the meantime, --force replaces it");
    else if (errnum != 0)
        vc_fail_errno(error, errnum, "cannot rename from %s", temporary);
    return errnum == 0;
}

bool
vc_temporary_sync_directory(const char *target, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(target);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == EACCES)
        return true; /* names may be made in it but not read: nothing more can be done
                      */

    int errnum = 0;
    if (fd < 0 || fsync(fd) != 0)
        errnum = errno;
    if (fd >= 0)
        close(fd);
    if (errnum == 0 ||
        errnum == EINVAL) /* a file system that does not sync directories */
        return true;
    vc_fail_errno(error, errnum, "cannot write back its directory");
    return false;
}
