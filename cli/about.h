/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `info` tells about one image. */
#ifndef VC_CLI_ABOUT_H
#define VC_CLI_ABOUT_H

#include "cli/json.h"
#include "converters/image.h"

/* What is told about one file. */
typedef struct {
    const VcImage *image;
    VcFacts facts;
    uint64_t actual_size; /* allocated in the file system */
    bool has_actual;
    const char *parent;   /* where it was found; NULL: not looked for, or none */
    GPtrArray *obstacles; /* for Hyper-V; NULL: not its format */
} VcAbout;

/* Gathers it; IMAGE and PARENT are borrowed. */
void vc_about_init(VcAbout *about, const VcImage *image, const char *parent);
void vc_about_clear(VcAbout *about);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VcAbout, vc_about_clear)

/* The fact KEY of the format, or NULL. */
const VcFact *vc_about_fact(const VcAbout *about, const char *key);

bool vc_about_is_archive(const VcAbout *about);

/* The disk that stands for the image: of an archive the one behind '#', or NULL. */
const VcDisk *vc_about_disk(const VcAbout *about);

/* The name that the image has for its parent: the first of the places where it says
 * that it lies. NULL: it has none. */
const char *vc_about_stored_parent(const VcAbout *about);

/* Adds an object with the keys of qemu-img, and some more. */
void vc_about_json(const VcAbout *about, JsonBuilder *builder);

/* Prints the lines of qemu-img, and some more. */
void vc_about_print(const VcAbout *about);

#endif
