/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The configuration qemu-server.conf, without which Proxmox restores no archive.
 *
 * qmrestore wants one line "#qmdump#map:DRIVE:DEVICE:STORAGE:FORMAT:" for each disk of
 * the archive and a disk for each such line, and takes the disk into the new machine
 * only if a line "DRIVE: …" is there, too. */
#ifndef VC_CONVERTERS_QEMUCONF_H
#define VC_CONVERTERS_QEMUCONF_H

#include "formats/layout.h"

/* The name of it in archives, and that of the rules of the firewall. */
#define VC_QEMUCONF_NAME "qemu-server.conf"
#define VC_QEMUCONF_FIREWALL "qemu-server.fw"

/* What a line of the map begins with. */
#define VC_QEMUCONF_MAP "#qmdump#map:"

/* What the user says about the machine. NULL and 0: a default, or no line. */
typedef struct {
    unsigned vmid;       /* 100 */
    const char *name;    /* of the machine: a DNS name */
    uint64_t memory_mib; /* 2048 */
    uint64_t cores;      /* 2 */
    const char *bios;    /* seabios or ovmf; with an efidisk ovmf */
    const char *machine; /* "q35" */
    const char *ostype;  /* l26 */
    const char *scsihw;  /* virtio-scsi-single */
    const char *net0;    /* "virtio=MAC,bridge=vmbr0" */
    const char *boot;    /* "order=scsi0"; the first disk */
} VcQemuConf;

/* The name that a device has in archives: "scsi0" is "drive-scsi0", and "tpmstate0"
 * "drive-tpmstate0-backup". */
char *vc_qemuconf_device(const char *drive);

/* "scsi0" of "drive-scsi0"; NULL when DEVICE is not the name of a drive of Proxmox. */
char *vc_qemuconf_drive(const char *device);

/* True for "scsi0", as far as Proxmox has them. */
bool vc_qemuconf_is_drive(const char *drive);

/* Gives a configuration for the disks of LAYOUT. VC_ERROR_USAGE when a value or the
 * name of a disk cannot stand in it. */
char *vc_qemuconf_make(const VcQemuConf *conf, const VcLayout *layout, GError **error);

/* VC_ERROR_USAGE, with the line, when qmrestore would not take TEXT (LENGTH bytes) for
 * the disks of LAYOUT. */
bool vc_qemuconf_check(const char *text, size_t length, const VcLayout *layout,
                       GError **error);

#endif
