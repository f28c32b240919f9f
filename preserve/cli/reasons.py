"""Reasons that the operating system gives by number, and their texts, which the C library says in English.

Those that people meet are translated; others are shown as they come.
"""

from __future__ import annotations

import errno
import os

from preserve.model.phrases import phrase

_TEXTS = {
    errno.EPERM: phrase("Operation not permitted"),
    errno.ENOENT: phrase("No such file or directory"),
    errno.EIO: phrase("Input/output error"),
    errno.ENXIO: phrase("No such device or address"),
    errno.EAGAIN: phrase("Resource temporarily unavailable"),
    errno.ENOMEM: phrase("Cannot allocate memory"),
    errno.EACCES: phrase("Permission denied"),
    errno.EBUSY: phrase("Device or resource busy"),
    errno.EEXIST: phrase("File exists"),
    errno.EXDEV: phrase("Invalid cross-device link"),
    errno.ENODEV: phrase("No such device"),
    errno.ENOTDIR: phrase("Not a directory"),
    errno.EISDIR: phrase("Is a directory"),
    errno.EINVAL: phrase("Invalid argument"),
    errno.ENFILE: phrase("Too many open files in system"),
    errno.EMFILE: phrase("Too many open files"),
    errno.ETXTBSY: phrase("Text file busy"),
    errno.EFBIG: phrase("File too large"),
    errno.ENOSPC: phrase("No space left on device"),
    errno.EROFS: phrase("Read-only file system"),
    errno.EMLINK: phrase("Too many links"),
    errno.EPIPE: phrase("Broken pipe"),
    errno.ENAMETOOLONG: phrase("File name too long"),
    errno.ENOTEMPTY: phrase("Directory not empty"),
    errno.ELOOP: phrase("Too many levels of symbolic links"),
    errno.EOVERFLOW: phrase("Value too large for defined data type"),
    errno.EILSEQ: phrase("Invalid or incomplete multibyte or wide character"),
    errno.EOPNOTSUPP: phrase("Operation not supported"),
    errno.EADDRINUSE: phrase("Address already in use"),
    errno.ENETUNREACH: phrase("Network is unreachable"),
    errno.ECONNRESET: phrase("Connection reset by peer"),
    errno.ENOTCONN: phrase("Transport endpoint is not connected"),
    errno.ETIMEDOUT: phrase("Connection timed out"),
    errno.ECONNREFUSED: phrase("Connection refused"),
    errno.EHOSTDOWN: phrase("Host is down"),
    errno.EHOSTUNREACH: phrase("No route to host"),
    errno.ESTALE: phrase("Stale file handle"),
    errno.EDQUOT: phrase("Disk quota exceeded"),
    errno.ENOMEDIUM: phrase("No medium found"),
}

REASONS = {os.strerror(number): text for number, text in _TEXTS.items()}
"""What this machine's C library calls each reason, and what the catalogue does."""
