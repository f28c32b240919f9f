"""Kinds of media (载体) and the families by which copies count as of different kind (异质)."""

from __future__ import annotations

import re
from enum import StrEnum


class Family(StrEnum):
    """What copies must differ in to be 异质: one weakness of making, ageing or reading takes a whole family."""

    MAGNETIC_DISK = "magnetic_disk"
    MAGNETIC_TAPE = "magnetic_tape"
    OPTICAL = "optical"
    SOLID_STATE = "solid_state"
    FILM = "film"


class Medium(StrEnum):
    """A kind of medium, as policies and stores name it."""

    HDD = "hdd"
    LTO = "lto"
    BD_R = "bd_r"
    DVD_R = "dvd_r"
    CD_R = "cd_r"
    MICROFILM = "microfilm"
    SSD = "ssd"
    USB_FLASH = "usb_flash"


WRITTEN_ONCE = frozenset({Medium.BD_R, Medium.DVD_R, Medium.CD_R})
"""Kinds that are written in one go and never again: all that is to be on them is laid in a folder first."""

FAMILY_OF = {
    Medium.HDD: Family.MAGNETIC_DISK,
    Medium.LTO: Family.MAGNETIC_TAPE,
    Medium.BD_R: Family.OPTICAL,
    Medium.DVD_R: Family.OPTICAL,
    Medium.CD_R: Family.OPTICAL,
    Medium.MICROFILM: Family.FILM,
    Medium.SSD: Family.SOLID_STATE,
    Medium.USB_FLASH: Family.SOLID_STATE,
}

_ALSO_CALLED = {
    "disk": Family.MAGNETIC_DISK,
    "硬盘": Family.MAGNETIC_DISK,
    "硬磁盘": Family.MAGNETIC_DISK,
    "tape": Family.MAGNETIC_TAPE,
    "磁带": Family.MAGNETIC_TAPE,
    "disc": Family.OPTICAL,
    "光盘": Family.OPTICAL,
    "蓝光": Family.OPTICAL,
    "固态盘": Family.SOLID_STATE,
    "u盘": Family.SOLID_STATE,
    "缩微胶片": Family.FILM,
}
_FAMILIES: dict[str, Family] = {
    **{family.value: family for family in Family},
    **{medium.value: family for medium, family in FAMILY_OF.items()},
    **_ALSO_CALLED,
}


def family_of(text: str) -> Family | None:
    """The family of a medium as somebody typed it for a store (`hdd`, `LTO-8`, 磁带); None where it is not known."""
    plain = re.sub(r"[\s-]+", "_", text.strip().casefold())
    return _FAMILIES.get(plain) or _FAMILIES.get(re.sub(r"_?[0-9]+$", "", plain))
