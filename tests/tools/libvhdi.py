# SPDX-License-Identifier: LGPL-2.1-or-later
"""VHD and VHDX images as libvhdi reads them (Debian: libvhdi1, which libvhdi-utils needs)."""

import ctypes
import ctypes.util

READ = 1  # LIBVHDI_ACCESS_FLAG_READ
IDENTIFIER_SIZE = 16

try:
    LIBRARY = ctypes.CDLL(ctypes.util.find_library('vhdi') or 'libvhdi.so.1')
except OSError:
    LIBRARY = None
else:
    LIBRARY.libvhdi_file_read_buffer_at_offset.restype = ctypes.c_ssize_t
    LIBRARY.libvhdi_file_read_buffer_at_offset.argtypes = [
        ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int64, ctypes.c_void_p]


class Error(Exception):
    pass


class Image:
    """An image that is open; Error when libvhdi refuses it."""

    def __init__(self, path):
        self._file = ctypes.c_void_p()
        self._call('file_initialize', ctypes.byref(self._file), handle=False)
        self._call('file_open', str(path).encode(), ctypes.c_int(READ))
        size = ctypes.c_uint64()
        self._call('file_get_media_size', ctypes.byref(size))
        self.size = size.value
        identifier = ctypes.create_string_buffer(IDENTIFIER_SIZE)
        self._call('file_get_identifier', identifier, ctypes.c_size_t(IDENTIFIER_SIZE))
        self.identifier = identifier.raw

    def _call(self, name, *arguments, handle=True):
        error = ctypes.c_void_p()
        first = [self._file] if handle else []
        if getattr(LIBRARY, 'libvhdi_' + name)(*first, *arguments, ctypes.byref(error)) == 1:
            return
        text = ctypes.create_string_buffer(512)
        LIBRARY.libvhdi_error_sprint(error, text, ctypes.c_size_t(len(text)))
        LIBRARY.libvhdi_error_free(ctypes.byref(error))
        raise Error(f'libvhdi_{name}: {text.value.decode(errors="replace")}')

    def read(self, offset, length):
        buffer = ctypes.create_string_buffer(length)
        got = LIBRARY.libvhdi_file_read_buffer_at_offset(self._file, buffer, length, offset,
                                                         None)
        if got != length:
            raise Error(f'read {got} of {length} bytes at {offset}')
        return buffer.raw

    def close(self):
        LIBRARY.libvhdi_file_close(self._file, None)
        LIBRARY.libvhdi_file_free(ctypes.byref(self._file), None)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()
