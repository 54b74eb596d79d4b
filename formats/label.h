/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names from files as text for messages. */
#ifndef VC_FORMATS_LABEL_H
#define VC_FORMATS_LABEL_H

/* Gives NAME as text for a message: printable, not too long (an archive may have
 * hundreds of 64 KiB); never empty. */
char *vc_label(const char *name);

#endif
