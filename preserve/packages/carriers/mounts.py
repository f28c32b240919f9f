"""Where a device is mounted, by the kernel's own list (proc(5), /proc/self/mountinfo)."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from preserve.errors import Away, Misused

MOUNTS = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(r"\\([0-7]{3})")


def folder_of(given: Path, mounts: Path = MOUNTS) -> Path:
    """The folder to look at: `given` itself, or where the block device `given` is mounted.

    Raises `Misused` for what is neither, `Away` for what is not there or not mounted.
    """
    try:
        facts = given.stat()
    except OSError as error:
        raise Away("{place} is not there ({reason}): plug it in", place=given, reason=error.strerror) from error
    if stat.S_ISDIR(facts.st_mode):
        return given
    if not stat.S_ISBLK(facts.st_mode):
        raise Misused("{place} is neither a folder nor a disk: name the device, or where it is mounted", place=given)
    device = f"{os.major(facts.st_rdev)}:{os.minor(facts.st_rdev)}"
    found = mounted_at(device, mounts.read_text(encoding="utf-8", errors="surrogateescape"))
    if found is None:
        raise Away(
            "{place} is not mounted: mount it for reading alone, with `mount -o ro {place} FOLDER`, and ask again",
            place=given,
        )
    return found


def mounted_at(device: str, mountinfo: str) -> Path | None:
    """The last place where the device `major:minor` is mounted as a whole."""
    found = None
    for line in mountinfo.splitlines():
        fields = line.split(" ")
        if len(fields) > 4 and fields[2] == device and fields[3] == "/":
            found = Path(_ESCAPED.sub(lambda octal: chr(int(octal[1], 8)), fields[4]))
    return found
