/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disks as flat memory, what is written to them, and images made and read the same way.
 */
#ifndef VC_TESTS_MODEL_H
#define VC_TESTS_MODEL_H

#include "tests/contract/variant.h"

/* How much of the disks is written. */
typedef enum { MODEL_EMPTY, MODEL_RANDOM, MODEL_FULL, MODEL_DENSITIES } ModelDensity;

typedef struct {
    unsigned disk;
    uint64_t offset, length;
} ModelWrite;

typedef struct {
    VcLayout layout; /* as the sink stores it */
    uint8_t **disks; /* the bytes of each */
    GArray *writes;  /* of ModelWrite: whole cells, but for the ends of disks; each byte
                        at  most once */
} Model;

/* Makes the disks that SINK stores and a script of writes in an order that it accepts.
 * The same SEED gives the same. */
Model *model_new(const VcSink *sink, ModelDensity density, const char *seed);
void model_free(Model *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Model, model_free)

/* Places and writes as the engine does: settles what is settled. */
bool model_write(const Model *model, VcSink *sink, GError **error);

/* Creates, writes and finishes an image in FILE (borrowed). *MODEL is given also when
 * writing fails; NULL when the sink could not be created. */
bool model_make(const Variant *variant, const VcLayout *layout, ModelDensity density,
                VcFile *file, Model **model, GError **error);

/* Reads all of SOURCE, by its map or in its stored order, and compares. What is wrong
 * is said in *FAULT (owned by the caller), NULL when all is the same. False when
 * something could not be read. */
bool model_compare_map(const Model *model, VcSource *source, char **fault,
                       GError **error);
bool model_compare_stored(const Model *model, VcSource *source, char **fault,
                          GError **error);

#endif
