/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sizes and contents that each variant of the contract is tried with. */
#include "tests/contract/cases.h"

#include "io/error.h"
#include "io/lent.h"
#include "io/memory.h"

#include <check.h>

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)

/* Of one extent of the largest kind that an archive has. */
#define EXTENT (58 * 65536)

/* Larger images are not filled: it takes long and shows nothing new. */
#define FULL_MAX (8 * MIB)

static const char *const density_names[] = { "empty", "random", "full" };

static const uint64_t sizes[] = {
    0,
    1,
    511,
    512,
    513,
    4095,
    4096,
    4097,
    4608,
    64 * KIB - 512,
    64 * KIB - 1,
    64 * KIB,
    64 * KIB + 1,
    64 * KIB + 512,
    MIB - 512,
    MIB - 1,
    MIB,
    MIB + 1,
    MIB + 512,
    2 * MIB - 1,
    2 * MIB + 1,
    EXTENT - 1,
    EXTENT,
    EXTENT + 1,
    2 * EXTENT + 4096,
};

static const uint64_t few_sizes[] = { 512, 64 * KIB + 512, MIB };

static void
clear_case(Case *c)
{
    vc_layout_clear(&c->layout);
    g_free(c->text);
    vc_file_free(c->file);
    model_free(c->model);
}

static void
check_refusal(const Case *c, uint64_t size, const GError *error)
{
    case_require(c, size != MIB, "%s", error->message);
    case_require(c,
                 g_error_matches(error, VC_ERROR, VC_ERROR_USAGE) ||
                     g_error_matches(error, VC_ERROR, VC_ERROR_LIMIT) ||
                     g_error_matches(error, VC_ERROR, VC_ERROR_UNSUPPORTED),
                 "refused as something else: %s", error->message);
    uint64_t written;
    case_require(c, vc_file_size(c->file, &written, NULL) && written == 0,
                 "refused, but something was written");
}

static void
run_case(const Variant *variant, unsigned disks, uint64_t size, ModelDensity density,
         void (*test)(const Case *))
{
    g_autoptr(GError) error = NULL;
    Case c = { .variant = variant, .density = density };
    if (!variant_layout(variant, disks, size, &c.layout))
        return;
    c.text = g_strdup_printf("%s, %u disk(s) of %" G_GUINT64_FORMAT " bytes, %s",
                             variant->text, disks, size, density_names[density]);
    c.file = vc_memory_file("image");
    if (model_make(variant, &c.layout, density, c.file, &c.model, &error)) {
        test(&c);
    } else {
        case_require(&c, !c.model, "writing failed: %s", error->message);
        check_refusal(&c, size, error);
    }
    clear_case(&c);
}

static void
run_size(const Variant *variant, uint64_t size, void (*test)(const Case *))
{
    for (unsigned disks = 1; disks <= 3; disks += 2)
        for (int density = 0; density < MODEL_DENSITIES; density++)
            if (density != MODEL_FULL || size <= FULL_MAX)
                run_case(variant, disks, size, (ModelDensity)density, test);
}

void
cases_run(const Variant *variant, void (*test)(const Case *))
{
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++)
        run_size(variant, sizes[i], test);

    uint64_t unit = variant_unit(variant);
    const uint64_t around[] = { unit - 512, unit - 1, unit, unit + 1, unit + 512 };
    for (size_t i = 0; unit > 4096 && i < G_N_ELEMENTS(around); i++)
        run_case(variant, 1, around[i], MODEL_RANDOM, test);
}

void
cases_run_few(const Variant *variant, void (*test)(const Case *))
{
    for (size_t i = 0; i < G_N_ELEMENTS(few_sizes); i++)
        for (unsigned disks = 1; disks <= 3; disks += 2)
            run_case(variant, disks, few_sizes[i], MODEL_RANDOM, test);
}

bool
case_make_again(const Case *c, VcFile *file, GError **error)
{
    Model *model;
    bool ok = model_make(c->variant, &c->layout, c->density, file, &model, error);
    model_free(model);
    return ok;
}

VcSource *
case_open(const Case *c, VcFile *file)
{
    g_autoptr(GError) error = NULL;
    VcSource *source = vc_format_open(c->variant->format, vc_lent_file(file), NULL,
                                      &error);
    case_no_error(c, error);
    return source;
}
