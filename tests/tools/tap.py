# SPDX-License-Identifier: LGPL-2.1-or-later
"""TAP for tests written in Python: a function that returns is ok, one that raises is not."""

import os
import sys
import traceback


class Skip(Exception):
    """Raised by a test that cannot run here; the text says why."""


class Missing(Skip):
    """Something is not here that tests of the project have: a failure where VCONV_TEST_ALL says
    that all of it must be here."""


def run(tests):
    """Runs (name, function) pairs and gives the exit status. Names are sentences."""
    tests = list(tests)
    print(f'1..{len(tests)}')
    failed = 0
    for number, (name, function) in enumerate(tests, 1):
        try:
            function()
        except Skip as skip:
            if isinstance(skip, Missing) and os.environ.get('VCONV_TEST_ALL'):
                failed += 1
                print(f'not ok {number} - {name}\n# {skip}', flush=True)
                continue
            print(f'ok {number} - {name} # SKIP {skip}', flush=True)
        except Exception:
            failed += 1
            print(f'not ok {number} - {name}')
            for line in traceback.format_exc().rstrip().splitlines():
                print(f'# {line}')
            sys.stdout.flush()
        else:
            print(f'ok {number} - {name}', flush=True)
    return 1 if failed else 0


def sentences(module):
    """The test_* functions of MODULE (its dictionary) as pairs, in the order written."""
    return [(name[5:].replace('_', ' '), function) for name, function in module.items()
            if name.startswith('test_') and callable(function)]
