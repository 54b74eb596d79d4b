/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files and block devices that lie on one another. */
#include "io/backing.h"

#include "io/error.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/loop.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Files and devices below one: a volume over many disks has one for each. */
#define NODES_MAX 256u

typedef struct {
    bool device; /* DEVICE is its own number; else that of its file system */
    dev_t number;
    ino_t inode; /* of a file; else 0 */
    bool part;   /* the one above takes only a part of it, as far as is known */
} Node;

typedef struct {
    const char *sysfs;
    Node nodes[NODES_MAX]; /* the first is where it began */
    unsigned n;
} Stack;

static bool
is_node(const Node *a, const Node *b)
{
    return a->device == b->device && a->number == b->number && a->inode == b->inode;
}

static bool
add(Stack *stack, Node node, GError **error)
{
    for (unsigned i = 0; i < stack->n; i++)
        if (is_node(&stack->nodes[i], &node) && stack->nodes[i].part == node.part)
            return true;
    if (stack->n == NODES_MAX) {
        vc_fail(error, VC_ERROR_LIMIT, "lies on more than %u devices", NODES_MAX);
        return false;
    }
    stack->nodes[stack->n++] = node;
    return true;
}

static Node
node_of(const struct stat *status, bool part)
{
    bool device = S_ISBLK(status->st_mode);
    return (Node){ .device = device,
                   .number = device ? status->st_rdev : status->st_dev,
                   .inode = device ? 0 : status->st_ino,
                   .part = part };
}

/* The line that the system tells in FILE of DIRECTORY; NULL without an error where
 * there is no such thing. */
static char *
read_line(const char *directory, const char *file, GError **error)
{
    g_autofree char *path = g_build_filename(directory, file, NULL), *text = NULL;
    g_autoptr(GError) reason = NULL;
    if (g_file_get_contents(path, &text, NULL, &reason)) {
        size_t length = strlen(text);
        if (length > 0 && text[length - 1] == '\n')
            text[length - 1] = '\0';
        return g_steal_pointer(&text);
    }
    /* A loop device from which its file is just being taken away has none (ENXIO). */
    if (!g_error_matches(reason, G_FILE_ERROR, G_FILE_ERROR_NOENT) &&
        !g_error_matches(reason, G_FILE_ERROR, G_FILE_ERROR_NOTDIR) &&
        !g_error_matches(reason, G_FILE_ERROR, G_FILE_ERROR_NXIO))
        vc_fail(error, VC_ERROR_IO, "cannot see on what the device lies: %s",
                reason->message);
    return NULL;
}

/* Reads the number at *TEXT, behind which FOLLOWS stands, and goes behind that. */
static bool
read_number(const char **text, char follows, unsigned *number)
{
    char *end;
    guint64 value = g_ascii_strtoull(*text, &end, 10);
    if (end == *text || *end != follows || value > UINT_MAX)
        return false;
    *number = (unsigned)value;
    *text = end + 1;
    return true;
}

/* Adds the device whose number, "MAJOR:MINOR", DIRECTORY tells. */
static bool
add_device(Stack *stack, const char *directory, const char *file, GError **error)
{
    g_autoptr(GError) reason = NULL;
    g_autofree char *text = read_line(directory, file, &reason);
    const char *at = text;
    unsigned major, minor;
    if (text && read_number(&at, ':', &major) && read_number(&at, '\0', &minor))
        return add(
            stack,
            (Node){ .device = true, .number = makedev(major, minor), .part = true },
            error);
    vc_fail(error, VC_ERROR_IO, "cannot see on what the device lies: no number in %s",
            directory);
    return false;
}

static bool
add_disk(Stack *stack, const char *directory, GError **error)
{
    g_autofree char *partition = g_build_filename(directory, "partition", NULL);
    return access(partition, F_OK) != 0 ||
           add_device(stack, directory, "../dev", error);
}

static bool
add_slaves(Stack *stack, const char *directory, GError **error)
{
    g_autofree char *path = g_build_filename(directory, "slaves", NULL);
    g_autoptr(GDir) slaves = g_dir_open(path, 0, NULL);
    for (const char *name; slaves && (name = g_dir_read_name(slaves));) {
        g_autofree char *slave = g_build_filename(path, name, NULL);
        if (!add_device(stack, slave, "dev", error))
            return false;
    }
    return true;
}

/* Asks the loop device NUMBER itself, whose file has no name here. */
static bool
ask_loop(dev_t number, struct stat *status)
{
    struct loop_info64 info;
    g_autofree char *path = g_strdup_printf("/dev/block/%u:%u", major(number),
                                            minor(number)),
                    *usual = g_strdup_printf("/dev/loop%u", minor(number));
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        fd = open(usual, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    bool told = fstat(fd, status) == 0 && S_ISBLK(status->st_mode) &&
                status->st_rdev == number && ioctl(fd, LOOP_GET_STATUS64, &info) == 0;
    close(fd);
    if (told)
        *status = (struct stat){ .st_mode = info.lo_rdevice ? S_IFBLK : S_IFREG,
                                 .st_dev = (dev_t)info.lo_device,
                                 .st_ino = (ino_t)info.lo_inode,
                                 .st_rdev = (dev_t)info.lo_rdevice };
    return told;
}

/* The loop device NUMBER, of which DIRECTORY tells, may begin or end within its file.
 */
static bool
takes_part(const char *directory)
{
    g_autofree char *offset = read_line(directory, "loop/offset", NULL),
                    *limit = read_line(directory, "loop/sizelimit", NULL);
    return g_strcmp0(offset, "0") != 0 || g_strcmp0(limit, "0") != 0;
}

static bool
add_file(Stack *stack, dev_t number, const char *directory, GError **error)
{
    g_autoptr(GError) reason = NULL;
    g_autofree char *path = read_line(directory, "loop/backing_file", &reason);
    struct stat status;
    if (reason) {
        g_propagate_error(error, g_steal_pointer(&reason));
        return false;
    }
    if (!path)
        return true;
    if (stat(path, &status) == 0 || ask_loop(number, &status))
        return add(stack, node_of(&status, takes_part(directory)), error);
    vc_fail(error, VC_ERROR_IO, "cannot see the file of the loop device, %s", path);
    return false;
}

/* Adds on what NODE of STACK lies. What is above only a part of NODE takes no more of
 * that. */
static bool
add_below(Stack *stack, unsigned node, GError **error)
{
    unsigned first = stack->n;
    dev_t number = stack->nodes[node].number;
    g_autofree char *directory = g_strdup_printf("%s/dev/block/%u:%u", stack->sysfs,
                                                 major(number), minor(number));
    if (!add_disk(stack, directory, error) || !add_slaves(stack, directory, error) ||
        !add_file(stack, number, directory, error))
        return false;
    for (unsigned i = first; i < stack->n; i++)
        stack->nodes[i].part |= stack->nodes[node].part;
    return true;
}

static bool
build(Stack *stack, const char *sysfs, const struct stat *status, GError **error)
{
    stack->sysfs = sysfs;
    stack->nodes[0] = node_of(status, false);
    stack->n = 1;
    for (unsigned i = 0; i < stack->n; i++)
        if (stack->nodes[i].device && !add_below(stack, i, error))
            return false;
    return true;
}

bool
vc_backing_same(const char *sysfs, const struct stat *a, const struct stat *b,
                bool *same, GError **error)
{
    Node x = node_of(a, false), y = node_of(b, false);
    *same = is_node(&x, &y);
    if (*same || (!x.device && !y.device))
        return true;

    g_autofree Stack *below_a = g_new0(Stack, 1), *below_b = g_new0(Stack, 1);
    if (!build(below_a, sysfs, a, error) || !build(below_b, sysfs, b, error))
        return false;
    for (unsigned i = 0; i < below_a->n; i++)
        for (unsigned j = 0; j < below_b->n; j++)
            *same |= is_node(&below_a->nodes[i], &below_b->nodes[j]) &&
                     !(below_a->nodes[i].part && below_b->nodes[j].part);
    return true;
}
