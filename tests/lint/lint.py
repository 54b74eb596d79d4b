#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rules of the house that a machine can decide, over the whole source tree.

A rule is a function that gives "path:line: what is wrong" for each breach.
"""

import os
import re
import shutil
import subprocess
import sys

import tap

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# From the top down: a room includes itself and the rooms below it.
ROOMS = ['cli', 'converters', 'formats', 'io']

LINES_MAX = 500

# Layout differs between versions; this one decides.
CLANG_FORMAT = 14

COMMENT_OR_STRING = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def walk():
    for folder, folders, files in os.walk(ROOT):
        folders[:] = sorted(f for f in folders if not f.startswith(('.', 'build', '__')) and
                            not (folder == ROOT and f in ('out', 'subprojects')))
        for name in sorted(files):
            yield os.path.relpath(os.path.join(folder, name), ROOT)
    yield '.ci/run'


def read(path):
    with open(os.path.join(ROOT, path), encoding='utf-8') as file:
        return file.read()


def code_only(text):
    """TEXT of C with comments and the insides of strings blanked, lines kept."""
    def blank(match):
        found = match[0]
        if found[0] in '"\'':
            return found[0] * 2
        return re.sub(r'[^\n]', ' ', found)
    return COMMENT_OR_STRING.sub(blank, text)


FILES = [path for path in walk() if os.path.exists(os.path.join(ROOT, path))]
C_FILES = [path for path in FILES if path.endswith(('.c', '.h'))]
TEXTS = {path: read(path) for path in FILES
         if path.endswith(('.c', '.h', '.py', '.md', '.build', '.txt', '.bash', '.1', '.in')) or
         path.startswith(('scripts/', '.ci/')) or path.startswith('completions/')}
CODE = {path: code_only(TEXTS[path]) for path in C_FILES}


def room(path):
    return path.split('/')[0]


def matches(paths, pattern, why, texts=CODE):
    for path in paths:
        for number, line in enumerate(texts[path].splitlines(), 1):
            for found in re.finditer(pattern, line):
                yield f'{path}:{number}: {found[0].strip()}: {why}'


def in_rooms(*rooms):
    return [path for path in C_FILES if room(path) in rooms]


def folder_of_format(path):
    parts = path.split('/')
    return parts[1] if parts[0] == 'formats' and len(parts) > 2 else None


def includes_point_only_downwards():
    for path in in_rooms(*ROOMS):
        for number, line in enumerate(TEXTS[path].splitlines(), 1):
            found = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not found:
                continue
            to, where = found[1], f'{path}:{number}'
            if not os.path.exists(os.path.join(ROOT, to)):
                yield f'{where}: "{to}" is not a path from the root'
            elif room(to) not in ROOMS or ROOMS.index(room(to)) < ROOMS.index(room(path)):
                yield f'{where}: {room(path)} includes {to}'
            elif folder_of_format(to) and folder_of_format(to) != folder_of_format(path):
                yield f'{where}: only formats/{folder_of_format(to)} may include {to}'


def formats_start_no_threads_and_open_no_paths():
    yield from matches(in_rooms('formats'), r'<pthread\.h>|\bpthread_\w+|\bg_thread_\w+',
                       'formats start no threads')
    yield from matches(in_rooms('formats'), r'<(?:fcntl|unistd|sys/stat|sys/mman)\.h>',
                       'formats reach files through io/', TEXTS)
    yield from matches(
        in_rooms('formats'),
        r'(?<!->)\b(?:open|openat|fopen|creat|mkstemp|vc_file_open\w*|g_file_(?:get|set)_contents|'
        r'g_fopen|g_open)\s*\(', 'formats open no paths')


def threads_are_pthreads():
    # ThreadSanitizer does not see through the locks of GLib.
    yield from matches(
        in_rooms(*ROOMS),
        r'\b(?:g_thread_\w+|g_mutex_\w+|g_cond_\w+|g_async_queue_\w+|GMutex|GCond|GThread\w*)\b',
        'use pthreads')


def only_the_command_line_prints_and_exits():
    below = in_rooms('converters', 'formats', 'io')
    yield from matches(
        below, r'\b(?:printf|vprintf|puts|putchar|perror|fprintf|vfprintf|fputs|fputc|dprintf|'
        r'g_print|g_printerr|g_message|g_warning|g_critical|g_error|g_log)\s*\(',
        'only cli/ prints')
    yield from matches(below, r'\bstderr\b|\bstdout\b', 'only cli/ prints')
    yield from matches(below, r'\b(?:exit|_exit|_Exit|abort|quick_exit)\s*\(',
                       'only cli/ ends the program')


def no_goto_alloca_or_bit_fields():
    yield from matches(C_FILES, r'\bgoto\b|\balloca\b|\bg_alloca\b|\bg_newa\b', 'not in this house')
    yield from matches(C_FILES, r'^\s+(?:unsigned|int|bool|u?int\d+_t)(?: \w+)? ?: ?\d+;',
                       'no bit-fields')


def unbounded_string_functions_are_not_used():
    yield from matches(
        C_FILES, r'\b(?:strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atoll|system|popen|'
        r'tmpnam|mktemp)\s*\(', 'has a safe form')


def files_begin_with_licence_and_purpose():
    for path in C_FILES:
        lines = TEXTS[path].split('\n')
        if lines[0] != '/* SPDX-License-Identifier: LGPL-2.1-or-later */':
            yield f'{path}:1: does not begin with the SPDX line'
        elif not lines[1].startswith('/* '):
            yield f'{path}:2: does not say what the file is for'
        else:
            # The first paragraph; a synopsis may follow.
            comment = re.split(r'\*/|\n \*\n', TEXTS[path].split('\n', 1)[1])[0]
            if not comment.rstrip().endswith('.'):
                yield f'{path}:2: the first comment is not a sentence'
    for path, text in TEXTS.items():
        if path not in C_FILES and not path.endswith(('.md', '.txt')) and \
                'SPDX-License-Identifier: LGPL-2.1-or-later' not in text[:200]:
            yield f'{path}:1: no SPDX line'


def headers_have_guards_of_one_form():
    for path in C_FILES:
        if path.endswith('.h'):
            found = re.search(r'^#ifndef (VC_\w+_H)\n#define (\w+)\n', TEXTS[path], re.M)
            if not found or found[1] != found[2]:
                yield f'{path}: no guard VC_..._H'


def files_are_short():
    for path in TEXTS:
        lines = TEXTS[path].count('\n')
        if lines > LINES_MAX and path.endswith(('.c', '.h', '.py', '.build')):
            yield f'{path}: {lines} lines, at most {LINES_MAX}: one noun per file?'


def text_is_plain():
    for path, text in TEXTS.items():
        for number, line in enumerate(text.split('\n'), 1):
            if line != line.rstrip():
                yield f'{path}:{number}: blanks at the end of the line'
            if '\t' in line and path.endswith(('.c', '.h', '.py')):
                yield f'{path}:{number}: a tab'
        if text and not text.endswith('\n'):
            yield f'{path}: no newline at the end'


def nothing_is_left_for_later():
    words = '|'.join(['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'])
    yield from matches(TEXTS, rf'\b(?:{words})\b', 'do it or leave it', TEXTS)


def no_path_of_one_machine():
    yield from matches(TEXTS, r'(?<![\w.}\])<])/(?:home|root|work|Users|mnt|srv)/\w[^\s]*',
                       'a path of one machine', TEXTS)


def links_of_the_documents_lead_somewhere():
    top = '|'.join(ROOMS + ['tests', 'docs', 'scripts', 'examples', 'bench'])
    named = re.compile(rf'`(?:\./)?((?:{top})/[\w./+-]*[\w/])`')
    for path, text in TEXTS.items():
        if not path.endswith('.md'):
            continue
        folder = os.path.dirname(path)
        for number, line in enumerate(text.splitlines(), 1):
            for target in re.findall(r'\]\(([^)#\s]+)(?:#[^)]*)?\)', line):
                if not re.match(r'[a-z]+:', target) and \
                        not os.path.exists(os.path.join(ROOT, folder, target)):
                    yield f'{path}:{number}: link to {target}, which is not there'
            for target in named.findall(line.replace('NAME', '*')):
                # `io/ordered` is the noun of io/ordered.c and its header.
                if not any(os.path.exists(os.path.join(ROOT, target + suffix))
                           for suffix in ('', '.c', '.h')):
                    yield f'{path}:{number}: names {target}, which is not there'


def tests_that_documents_name_exist():
    tests = '\n'.join(text for path, text in TEXTS.items() if path.startswith('tests/'))
    for path, text in TEXTS.items():
        if path.startswith('formats/') and path.endswith('.md'):
            for number, line in enumerate(text.splitlines(), 1):
                for name in re.findall(r'`([a-z0-9]+(?:_[a-z0-9]+){3,})`', line):
                    if not re.search(rf'\b{name}\b', tests):
                        yield f'{path}:{number}: no test {name}'


def every_limit_stands_in_the_table_of_limits():
    path = 'docs/RELIABILITY.md'
    table = TEXTS[path].partition('\n## Limits\n')[2].partition('\n## ')[0]
    told = {}  # the name to the nouns in brackets behind it
    for cell in re.findall(r'^\|([^|]*)\|', table, re.M):
        for name, nouns in re.findall(r'`(\w+)`(?: \(([^)]*)\))?', cell):
            told.setdefault(name, set()).update(nouns.split(', '))

    limits = {}  # the name to its places, by noun
    for file in in_rooms(*ROOMS):
        for number, line in enumerate(CODE[file].splitlines(), 1):
            found = re.match(r'\s*#\s*define\s+(\w+_MAX(?:_\w+)?)\b', line)
            if found:
                noun = os.path.splitext(os.path.basename(file))[0]
                limits.setdefault(found[1], {})[noun] = f'{file}:{number}'

    for name, places in limits.items():
        for noun, where in places.items():
            if name not in told:
                yield f'{where}: {name} is not in the table of limits of {path}'
            elif len(places) > 1 and noun not in told[name]:
                yield f'{where}: {name} ({noun}) is not in the table of limits of {path}'
    for name in told:
        if re.search(r'_MAX(?:_|$)', name) and name not in limits:
            yield f'{path}: the table of limits has {name}, which is not there'


def every_header_compiles_alone():
    compiler = os.environ.get('CC') or shutil.which('cc') or shutil.which('gcc')
    if not compiler:
        raise tap.Skip('no compiler')
    flags = subprocess.run(['pkg-config', '--cflags', 'glib-2.0', 'json-glib-1.0', 'check'],
                           text=True, stdout=subprocess.PIPE, check=True).stdout.split()
    headers = [path for path in C_FILES if path.endswith('.h')]
    done = subprocess.run(
        compiler.split() + ['-std=gnu11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror',
                            '-Wno-unused-function', '-fsyntax-only', '-I.', *flags, '-x', 'c',
                            *headers],
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        yield from done.stdout.splitlines()


def the_layout_is_that_of_clang_format():
    for name in (f'clang-format-{CLANG_FORMAT}', 'clang-format'):
        if shutil.which(name):
            told = subprocess.run([name, '--version'], text=True, stdout=subprocess.PIPE).stdout
            if re.search(rf'version {CLANG_FORMAT}\.', told):
                break
    else:
        raise tap.Skip(f'no clang-format of version {CLANG_FORMAT}')
    done = subprocess.run([name, '--dry-run', '-Werror', *C_FILES], cwd=ROOT, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        yield from sorted({line.split(':')[0] for line in done.stdout.splitlines()
                           if 'error:' in line})


RULES = [
    includes_point_only_downwards,
    formats_start_no_threads_and_open_no_paths,
    threads_are_pthreads,
    only_the_command_line_prints_and_exits,
    no_goto_alloca_or_bit_fields,
    unbounded_string_functions_are_not_used,
    files_begin_with_licence_and_purpose,
    headers_have_guards_of_one_form,
    files_are_short,
    text_is_plain,
    nothing_is_left_for_later,
    no_path_of_one_machine,
    links_of_the_documents_lead_somewhere,
    tests_that_documents_name_exist,
    every_limit_stands_in_the_table_of_limits,
    every_header_compiles_alone,
    the_layout_is_that_of_clang_format,
]


def as_test(rule):
    def test():
        breaches = list(rule())
        assert not breaches, '\n' + '\n'.join(breaches)
    return rule.__name__.replace('_', ' '), test


if __name__ == '__main__':
    sys.exit(tap.run(map(as_test, RULES)))
