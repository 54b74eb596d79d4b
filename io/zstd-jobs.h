/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to reading zstd: threads that unpack pieces of a stream side by side. */
#ifndef VC_IO_ZSTD_JOBS_H
#define VC_IO_ZSTD_JOBS_H

#include "io/zstd-piece.h"

/* Threads; as many as there are processors, and no more than this. */
#define VC_ZSTD_THREADS_MAX 8u

typedef struct VcZstdJobs VcZstdJobs;

/* MEMORY is that of vc_zstd_find. Threads start when there is something to do. */
VcZstdJobs *vc_zstd_jobs_new(uint64_t memory);

/* Ends what is under way. */
void vc_zstd_jobs_free(VcZstdJobs *jobs);

/* How many there are: added, and not pulled to their end. */
unsigned vc_zstd_jobs_count(const VcZstdJobs *jobs);

/* The memory that they have together; see vc_zstd_piece_cost. */
uint64_t vc_zstd_jobs_cost(const VcZstdJobs *jobs);

/* Whether one more would be of use. */
bool vc_zstd_jobs_want(const VcZstdJobs *jobs);

/* Unpacks PIECE, which has whole frames only, and is empty then. */
void vc_zstd_jobs_add(VcZstdJobs *jobs, VcZstdPiece *piece);

/* Gives the next bytes of the oldest job, of which there must be one, or none where it
 * is at its end. Its error comes behind all its bytes, and again. */
bool vc_zstd_jobs_pull(VcZstdJobs *jobs, uint8_t *buffer, size_t length, size_t *put,
                       GError **error);

#endif
