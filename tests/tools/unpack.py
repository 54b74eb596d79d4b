# SPDX-License-Identifier: LGPL-2.1-or-later
"""The corpus of real and malformed images, which lies beside the source tree or where
VCONV_CORPUS says, stored compressed."""

import bz2
import csv
import gzip
import lzma
import os
import shutil

import tap

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.environ.get('VCONV_CORPUS') or os.path.join(HERE, '..', '..', '..', 'shared', 'corpus')
OPENERS = {'.xz': lzma.open, '.bz2': bz2.open, '.gz': gzip.open}
PIECE = 64 << 10


def corpus(*names):
    """The path of NAMES in the corpus; the test is skipped where it is not."""
    path = os.path.join(CORPUS, *names)
    if not os.path.exists(path):
        raise tap.Missing(f'{path} is not here')
    return path


def rows(table):
    """The rows of a table of the corpus as dictionaries; none where it is not here."""
    path = os.path.join(CORPUS, table)
    if not os.path.exists(path):
        return []
    with open(path, encoding='utf-8', newline='') as file:
        return list(csv.DictReader(file, delimiter='\t', quoting=csv.QUOTE_NONE))


def plain_name(path):
    """The name of PATH without folder and compression."""
    name = os.path.basename(path)
    stem, suffix = os.path.splitext(name)
    return stem if suffix in OPENERS else name


def unpack(path, folder):
    """Puts PATH decompressed into FOLDER, holes for zeros, and gives its path there."""
    target = os.path.join(folder, plain_name(path))
    if os.path.exists(target):
        return target
    opener = OPENERS.get(os.path.splitext(path)[1])
    if not opener:
        shutil.copyfile(path, target)
        return target
    with opener(path, 'rb') as source, open(target, 'wb') as out:
        while piece := source.read(PIECE):
            if piece.count(0) == len(piece):
                out.seek(len(piece), os.SEEK_CUR)
            else:
                out.write(piece)
        out.truncate()
    return target
