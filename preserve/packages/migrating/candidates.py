"""Which files of a package a pathway converts: by what its list of formats says of each, and where each lies."""

from __future__ import annotations

import codecs
import mimetypes
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple

from preserve.errors import Refused
from preserve.model.formats.encodings import LIKELY, encoding_called, likeness
from preserve.model.formats.file_results import Original
from preserve.model.formats.identification import Oddity
from preserve.model.formats.pathways import Pathway
from preserve.model.formats.properties import ContentKind
from preserve.model.formats.settlements import FileSettled, Settlement
from preserve.model.phrases import phrase
from preserve.model.records import Record
from preserve.packages.members import Kind, Member, MembersFile
from preserve.packages.settled_files import Rows, in_force

_REFUSALS = {
    Oddity.PASSWORD_PROTECTED: phrase("it cannot be opened without a password"),
    Oddity.ENCRYPTED: phrase("it is encrypted"),
    Oddity.EMPTY: phrase("it is empty"),
    Oddity.TRUNCATED: phrase("it ends before its own structure says it does"),
    Oddity.NOT_EXAMINED: phrase("nobody could examine it"),
}
"""Why a file is handed to no tool, unless a person answers for it: what would come of it could not be a faithful
conversion."""
IN_NO_ENCODING = phrase("it is no text in an encoding that the pathway is for, and nobody said in which one it is")
NOT_UTF_8 = phrase("it is said to be UTF-8, and it is not")
_UTF_8 = "utf-8"
_FOR_GOOD = frozenset({Oddity.PASSWORD_PROTECTED, Oddity.EMPTY})
"""Whatever a person says, no tool can do anything with these."""
_ENDING = re.compile(rb"\.[A-Za-z0-9]{1,8}$")
_PIECE_BYTES = 1024 * 1024


class Candidate(NamedTuple):
    """A file that a pathway is for: `ending` is the one that its format has, `offset` where its content lies in the
    bag, `record` the archival code of the record it belongs to, `encoding` what a person, or else the description of
    its record, says of a text ("": nothing does).  `refusal` says why no tool is given it; "": one is."""

    original: Original
    ending: str
    offset: int
    record: str | None
    oddities: frozenset[Oddity]
    encoding: str = ""
    refusal: str = ""


def candidates(
    members: IO[bytes],
    rows: Rows,
    package: str,
    puids: Sequence[str],
    said: Sequence[Settlement] = (),
    encodings: Mapping[str, str] | None = None,
) -> Iterator[Candidate]:
    """The files of these formats in a package, in the order of its bag; `rows` are its list of formats, and what
    persons `said` of its files goes before that.  `encodings` are those of its records (`encodings_of`).

    Raises `Refused` where the list of formats is not of these members, `ValueError` and OSError where one of the two
    cannot be read.
    """
    files = (member for member in MembersFile(members).all() if member.kind is Kind.FILE)
    wanted, settlements = frozenset(puids), in_force(said, rows)
    for number, (member, listed) in enumerate(zip(files, rows(), strict=True)):
        if (member.path, member.sha256) != (listed.path, listed.sha256):
            raise Refused(
                "the list of formats of package {package} is of other files; `preserve format identify --package"
                " {package} --again` makes it anew",
                package=package,
            )
        settled = settlements.of(listed.path, listed.found)
        if settled.identification.puid in wanted:
            encoding = settled.encoding or (encodings or {}).get(member.record or "", "")
            yield _candidate(package, number, member, settled)._replace(encoding=encoding)


def encodings_of(records: Iterable[Record]) -> dict[str, str]:
    """In which encoding the texts of records are, by archival code, of those whose description says one."""
    said = ((each.archival_code, encoding_called(each.other.get("encoding", ""))) for each in records)
    return {code: encoding for code, encoding in said if encoding}


def belonging(members: IO[bytes], package: str, endings: Collection[str]) -> dict[bytes, tuple[Candidate, ...]]:
    """The files of a package with these endings, by what `stem_of` says of them and of the file that they belong to.

    Raises `ValueError` and OSError where the members cannot be read.
    """
    found: dict[bytes, tuple[Candidate, ...]] = {}
    for one in with_endings(members, package, endings):
        stem = stem_of(one.original.path)
        found[stem] = (*found.get(stem, ()), one)
    return found


def with_endings(members: IO[bytes], package: str, endings: Collection[str]) -> Iterator[Candidate]:
    """The files of a package with these endings, whatever they are.

    Raises `ValueError` and OSError where the members cannot be read.
    """
    wanted = {each.encode(): each for each in endings}
    files = (member for member in MembersFile(members).all() if member.kind is Kind.FILE)
    for number, member in enumerate(files):
        ending = wanted.get(member.name.lower()[member.name.rfind(b".") :])
        if ending is not None:
            original = Original(package, number, member.name, member.size, member.sha256.hex(), "")
            yield Candidate(original, ending, member.offset, member.record, frozenset())


def stem_of(name: bytes) -> bytes:
    """A name without its ending and without regard to case: the programs of the day saw none (`A.DBF`, `a.dbt`)."""
    folder, slash, last = name.rpartition(b"/")
    return (folder + slash + (last.rpartition(b".")[0] or last)).lower()


def _candidate(package: str, number: int, member: Member, file: FileSettled) -> Candidate:
    puid = file.identification.puid
    original = Original(package, number, member.name, member.size, member.sha256.hex(), puid)
    odd = file.open | (file.found.oddities & _FOR_GOOD)
    refusal = next((why for oddity, why in _REFUSALS.items() if oddity in odd), "")
    ending = _ending(member.name, file)
    return Candidate(original, ending, member.offset, member.record, file.found.oddities, refusal=refusal)


def _ending(name: bytes, file: FileSettled) -> str:
    """The ending by which a tool knows the format: the file's own, unless it is none, or another format's."""
    own = _ENDING.search(name.rpartition(b"/")[2])
    if own is not None and Oddity.EXTENSION_MISMATCH not in file.found.oddities:
        return own[0].decode().lower()
    return mimetypes.guess_extension(file.identification.mime) or ""


def is_for(pathway: Pathway, path: Path, encoding: str = "") -> bool:
    """Whether a pathway is for what lies at `path`; one for texts in certain encodings asks what is said of its
    `encoding`, else the bytes.

    A text that is UTF-8 needs no conversion to it, whatever else it could be read as.  One with some bytes that mean
    nothing in its encoding is for it all the same: they come out in the list of what was lost.
    """
    if not pathway.encodings:
        return True
    if encoding:
        return codecs.lookup(encoding).name in {codecs.lookup(each).name for each in pathway.encodings}
    if pathway.kind is not ContentKind.TEXT:
        return True
    if is_utf8(path):
        return False
    if any(_is_text_in(each, path) for each in pathway.encodings):
        return True
    with path.open("rb") as file:
        head = file.read(_PIECE_BYTES)
    return any((likeness(head, each) or 0) >= LIKELY for each in pathway.encodings)


def why_unfit(pathway: Pathway, path: Path, encoding: str = "") -> str:
    """Why a text that a pathway is not for wants a person; "": it is left to whoever it is for, or needs nothing."""
    if pathway.kind is not ContentKind.TEXT or encoding not in ("", _UTF_8) or is_utf8(path):
        return ""
    return NOT_UTF_8 if encoding else IN_NO_ENCODING


def is_utf8(path: Path) -> bool:
    """Whether a text needs no conversion to UTF-8."""
    return _is_text_in(_UTF_8, path)


def _is_text_in(encoding: str, path: Path) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file, suppress(UnicodeDecodeError):
        while piece := file.read(_PIECE_BYTES):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
        return True
    return False
