"""The label of a medium: the fields that stand on its box, and on the medium itself with a signature.

The fields are those of the media rules (载体编号, 套别, 全宗号, 门类, 密级, 保管期限, 起止档号, 写入日期, 保管单位,
数字摘要前8位), in Chinese and English at once: whoever holds the medium need not have this program, nor share our
language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from preserve.model.keys import Key
from preserve.model.media import Medium
from preserve.model.medium_register import MediumEntry, MediumUse
from preserve.model.nouns import StoreEntry
from preserve.model.policy import CopySet
from preserve.model.sizes import Size

FORMAT = "preserve-medium-label/1"
FOLDER = "medium"
MOST_VALUES = 8
"""Different values of one field that a label names; of more it says how many."""

_SETS: Mapping[CopySet, str] = {
    CopySet.SEALED: "A 封存保管 sealed",
    CopySet.REFERENCE: "B 查阅使用 reference",
    CopySet.OFFSITE: "C 异地保存 off-site",
}

KINDS: Mapping[Medium, str] = {
    Medium.HDD: "硬磁盘 hdd",
    Medium.LTO: "LTO磁带 lto",
    Medium.BD_R: "蓝光光盘 bd_r",
    Medium.DVD_R: "DVD光盘 dvd_r",
    Medium.CD_R: "CD光盘 cd_r",
    Medium.MICROFILM: "缩微胶片 microfilm",
    Medium.SSD: "固态盘 ssd",
    Medium.USB_FLASH: "U盘 usb_flash",
}

ELEMENTS = ("fonds", "category", "classification", "retention")
"""What receipts say of their packages and a label sums up, in the order of `Contents.described`."""

MIXED = "多种或未著录 mixed, or not described"
"""Stands for packages whose records differ in an element, or have none."""

_WORDS: Mapping[str, str] = {"internal": "内部 internal", "public": "公开 public", "permanent": "永久 permanent"}
_YEARS = re.compile(r"y([0-9]+)")


def label_key(generation: int) -> Key:
    """The text that is signed."""
    return Key(f"{FOLDER}/label-{generation:06d}.txt")


def signature_key(generation: int) -> Key:
    """Its Ed25519 signature (RFC 8032), 64 bytes."""
    return Key(f"{FOLDER}/label-{generation:06d}.sig")


def list_key(generation: int) -> Key:
    """The digests of the receipts on the medium, as GNU `sha256sum` writes them."""
    return Key(f"{FOLDER}/list-{generation:06d}.sha256")


def public_key_key(key_id: str) -> Key:
    """The public key that checks signatures, PEM (RFC 8410); `key_id` as the ledger names it, in hex."""
    return Key(f"{FOLDER}/key-{key_id}.pem")


@dataclass(frozen=True, slots=True)
class Contents:
    """What is on a medium, as its label sums it up.

    `described` gives the different values of each of `ELEMENTS`; `codes` the first and last archival code;
    `list_sha256` is the digest of the list of receipts (hex).
    """

    use: MediumUse
    packages: int
    described: Sequence[Sequence[str]]
    codes: tuple[str, str] | None
    list_sha256: str


@dataclass(frozen=True, slots=True)
class Attested:
    """The ledger as it was when the label was signed: its origin, size, and root in hex."""

    origin: str
    size: int
    root: str


def text(medium: MediumEntry, store: StoreEntry, contents: Contents, ledger: Attested, generation: int) -> str:
    """The label as it is signed, a field a line."""
    fields = (*box_fields(medium, contents), *_inner_fields(medium, store, contents, ledger, generation))
    return "".join(f"{line}\n" for line in (FORMAT, *(f"{name}: {value}" for name, value in fields)))


def box_fields(medium: MediumEntry, contents: Contents) -> Iterator[tuple[str, str]]:
    """The fields that stand on the box."""
    said, use = medium.particulars, contents.use
    fonds, category, classification, retention = (_several(values) for values in contents.described)
    yield "载体编号 Medium number", medium.number
    yield "套别 Copy set", _SETS[said.copy_set] if said.copy_set else "-"
    yield "全宗号 Fonds", fonds
    yield "门类 Category", category
    yield "密级 Classification", classification
    yield "保管期限 Retention", retention
    yield "起止档号 Archival codes", " — ".join(contents.codes) if contents.codes else "-"
    yield "写入日期 Written", _span(use.first_written, use.last_written)
    yield "保管单位 Kept by", said.keeper or "-"
    yield "数字摘要前8位 Digest, first 8 digits", contents.list_sha256[:8]


def _inner_fields(
    medium: MediumEntry, store: StoreEntry, contents: Contents, ledger: Attested, generation: int
) -> Iterator[tuple[str, str]]:
    yield "载体类型 Kind", kind_and_serial(medium)
    yield "信息包 Packages", f"{contents.packages} ({Size(contents.use.bytes)})"
    yield "存储 Store", f"{store.name} {store.store_id}"
    yield "清单 List", f"{list_key(generation)} SHA-256 {contents.list_sha256}"
    yield "台账 Ledger", f"{ledger.origin} {ledger.size} {ledger.root}"


def kind_and_serial(medium: MediumEntry) -> str:
    """What it is, in Chinese and English, and which one by its maker's number."""
    return " ".join(part for part in (KINDS[medium.kind], medium.particulars.serial) if part)


def _several(values: Sequence[str]) -> str:
    if not values:
        return "-"
    named = ", ".join(map(_plain, values[:MOST_VALUES]))
    return named if len(values) <= MOST_VALUES else f"{named} … ({len(values)})"


def _plain(value: str) -> str:
    """An identifier of the glossary as people write it."""
    years = _YEARS.fullmatch(value)
    return f"{years[1]}年 years" if years else _WORDS.get(value, value)


def _span(first: str | None, last: str | None) -> str:
    if first is None or last is None:
        return "-"
    return first[:10] if first[:10] == last[:10] else f"{first[:10]} — {last[:10]}"
