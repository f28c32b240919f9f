"""Which record each file of a submission belongs to, and which paths of the records are not in the submission."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from preserve.model.complaints import ComplaintList
from preserve.model.records import Record

_WILD = re.compile(r"(\*\*|\*|\?)")


@dataclass(slots=True)
class _Claim:
    """One path of one record, and whether something of the submission fits it."""

    record: Record
    path: str
    is_given: bool
    """Whether the metadata names the path; else it follows from the archival code."""
    is_met: bool = False


@dataclass(slots=True)
class _Folder:
    """What records claim at or below one folder: all of it, or what fits a pattern."""

    whole: _Claim | None = None
    patterns: list[tuple[re.Pattern[str], _Claim]] = field(default_factory=list)


class Coverage:
    """Gives each path the archival code of its record: asked for all entries of a submission, once each.

    The nearest claim wins: the path itself, then a pattern (`*` stands for anything but a slash, `**` for anything,
    `?` for one character), then the folder it lies in.  Names are compared in one Unicode normalisation, because a
    table and a disk seldom agree on it; a name that is no UTF-8 is read as GB 18030.  A path that has backslashes is
    also tried with slashes.  A single record without paths covers everything; of several, one without paths covers
    what is called like its archival code.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        self._claims: list[_Claim] = []
        self._exact: dict[str, _Claim] = {}
        self._folders: dict[str, _Folder] = {}
        self._twice: list[tuple[_Claim, _Claim]] = []
        self._memory: tuple[str, tuple[_Folder, ...]] = ("\0", ())
        for record in records:
            for path in record.paths:
                self._claim(record, path)
            if not record.paths:
                # Nobody describes a record to have it forgotten: alone it is everything, else a folder is called so.
                self._claim(record, "" if len(records) == 1 else record.archival_code, is_given=False)

    def _claim(self, record: Record, path: str, *, is_given: bool = True) -> None:
        claim = _Claim(record, path, is_given)
        self._claims.append(claim)
        for spelling in dict.fromkeys((path, path.replace("\\", "/"))):
            plain = _normal("/".join(part for part in spelling.split("/") if part not in ("", ".")))
            wild = _WILD.search(plain)
            other = self._exact.setdefault(plain, claim)
            if other is not claim and other.record is not record:
                self._twice.append((claim, other))
            if wild:
                folder = plain[: wild.start()].rpartition("/")[0]
                self._folders.setdefault(folder, _Folder()).patterns.append((_pattern(plain), claim))
            else:
                self._folders.setdefault(plain, _Folder()).whole = other

    def record_of(self, path: bytes) -> str | None:
        """The archival code of the record to which the entry at `path` belongs, or None."""
        text = _text(path)
        claim = self._exact.get(text) or self._near(text)
        if claim is None:
            return None
        claim.is_met = True
        return claim.record.archival_code

    def _near(self, text: str) -> _Claim | None:
        parent = text.rpartition("/")[0]
        if parent != self._memory[0]:
            self._memory = (parent, tuple(self._above(parent)))
        for folder in self._memory[1]:
            for pattern, claim in folder.patterns:
                if pattern.fullmatch(text):
                    return claim
            if folder.whole is not None:
                return folder.whole
        return None

    def _above(self, folder: str) -> Iterator[_Folder]:
        """The claims on a folder and on those that hold it, nearest first."""
        while True:
            if folder in self._folders:
                yield self._folders[folder]
            if not folder:
                return
            folder = folder.rpartition("/")[0]

    def met(self) -> tuple[Record, ...]:
        """The records to which anything belongs that was asked about, each with those of its paths that it fits."""
        paths: dict[int, list[str]] = {}
        for claim in self._claims:
            if claim.is_met:
                paths.setdefault(id(claim.record), []).append(claim.path)
        records = {id(claim.record): claim.record for claim in self._claims}
        return tuple(replace(records[key], paths=tuple(fitting)) for key, fitting in paths.items())

    def check(self, file: str) -> None:
        """After all paths were asked about: raise `Refused` for claims that nothing fits, and for files claimed twice.

        `file` is the name of the metadata file, for the message.
        """
        complaints = ComplaintList()
        known_elsewhere = {id(claim) for claim, _ in self._twice}
        for claim in self._claims:
            if not claim.is_met and id(claim) not in known_elsewhere:
                template = "{file}, line {line}: {path} of {archival_code} is not in the submission"
                if not claim.is_given:
                    template = (
                        "{file}, line {line}: {archival_code} names no files, and nothing in the submission is"
                        " called so; give its paths in a column 路径 (path)"
                    )
                _tell(complaints, "not-there", template, file, claim)
        for claim, other in self._twice:
            template = "{file}, line {line}: {path} of {archival_code} belongs to {other} (line {first}) already"
            _tell(
                complaints,
                "claimed-twice",
                template,
                file,
                claim,
                other=other.record.archival_code,
                first=other.record.line,
            )
        complaints.raise_if_any(file)


def _tell(complaints: ComplaintList, code: str, template: str, file: str, claim: _Claim, **more: object) -> None:
    record = claim.record
    values = {"file": file, "line": record.line, "path": claim.path, "archival_code": record.archival_code, **more}
    complaints.add(code, claim.path, template, **values)


def _pattern(plain: str) -> re.Pattern[str]:
    wild = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(wild.get(part) or re.escape(part) for part in _WILD.split(plain)), re.DOTALL)


def _normal(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _text(path: bytes) -> str:
    try:
        return _normal(path.decode())
    except UnicodeDecodeError:
        pass
    try:
        return _normal(path.decode("gb18030"))
    except UnicodeDecodeError:
        return path.decode("utf-8", "surrogateescape")
