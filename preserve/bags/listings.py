"""What a bag's manifests and fetch.txt list, held against what is in the bag; names only, no content."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from preserve.bags import manifests
from preserve.bags.entries import Entry, Sorter, open_content, order
from preserve.bags.manifests import DIGEST_BYTES, ManifestLine
from preserve.bags.names import path_problem, readings, shown, tidy
from preserve.bags.parts import FETCH, Contents, no_text, unreadable
from preserve.bags.tags import STRICT, Declaration
from preserve.bags.text import MalformedTextError, lines
from preserve.model.complaints import ComplaintList

Digests = tuple[tuple[str, bytes], ...]
"""(algorithm, digest) pairs, in the order of the algorithms' names."""

_FETCHED = ""  # stands for an algorithm in a line that fetch.txt gave
_MOST_LEFT_OVER = 1000
"""Files missing or unlisted that are compared once more, in another Unicode normalisation."""

_BAD_PATH = {
    "empty": "{file}, line {line}: there is no path of a file",
    "nul": "{file}, line {line}: {path} has a NUL byte",
    "absolute": "{file}, line {line}: {path} is an absolute path and leads out of the bag",
    "parent": "{file}, line {line}: {path} leads out of the bag",
    "home": "{file}, line {line}: {path} leads to a home folder, out of the bag",
    "drive": "{file}, line {line}: {path} leads to a drive, out of the bag",
    "not-payload": "{file}, line {line}: {path} is not below data/",
    "payload": "{file}, line {line}: {path} is payload, which a tag manifest must not list",
}
_LEGACY = {
    "star": "{file}, line {line}: the path follows an asterisk, as md5sum writes it; the bag fails strict validation",
    "backslash": "{file}, line {line}: escaped as md5sum does it; the bag fails strict validation",
}


@dataclass(frozen=True, slots=True)
class Judges:
    """Where complaints go: `grave` takes what BagIt 1.0 forbids and earlier versions let pass with a warning."""

    errors: ComplaintList
    warnings: ComplaintList
    grave: ComplaintList


class Listings:
    """All lines of all payload manifests and of fetch.txt, sorted beside the payload."""

    def __init__(self, contents: Contents, declaration: Declaration, judges: Judges, work: Path) -> None:
        self._contents = contents
        self._declaration = declaration
        self._judges = judges
        self._sorter = Sorter(work, key=_in_order)
        self._algorithms: list[str] = []

    def add_manifest(self, algorithm: str, entry: Entry) -> None:
        """Read one payload manifest."""
        self._algorithms.append(algorithm)
        for line, path in self.lines(algorithm, entry, payload=True):
            self._sorter.add((path, algorithm, line.digest))

    def lines(self, algorithm: str, entry: Entry, *, payload: bool) -> Iterator[tuple[ManifestLine, bytes]]:
        """The sound lines of one manifest with the path each means; complains about the others."""
        name = shown(entry[1])
        try:
            for line in manifests.read(open_content(entry), self._declaration.encoding, algorithm):
                if line.digest is None:
                    template = "{file}, line {line}: not a digest and a path"
                    self._judges.errors.add("manifest-line", name, template, file=name, line=line.number)
                    continue
                if line.legacy:
                    template = _LEGACY[line.legacy]
                    self._judges.warnings.add("md5sum", name, template, file=name, line=line.number)
                path = self._path(line.written, name, line.number, payload=payload)
                if path is not None:
                    yield line, path
        except MalformedTextError as error:
            no_text(error, name, self._judges.errors)
        except OSError as error:
            unreadable(entry[1], error, self._judges.errors)

    def add_fetch(self, entry: Entry) -> None:
        """Read fetch.txt: `url length path` (RFC 8493, 2.2.3).  Nothing is ever fetched."""
        name = FETCH.decode()
        try:
            for number, text in enumerate(lines(open_content(entry), self._declaration.encoding), 1):
                if not text.strip():
                    continue
                parts = text.split(None, 2)
                if len(parts) < 3 or ":" not in parts[0] or not (parts[1] == "-" or parts[1].isdecimal()):
                    template = "{file}, line {line}: not a URL, a length and a path"
                    self._judges.errors.add("fetch-line", name, template, file=name, line=number)
                elif (path := self._path(parts[2], name, number, payload=True)) is not None:
                    self._sorter.add((path, _FETCHED, b""))
        except MalformedTextError as error:
            no_text(error, name, self._judges.errors)
        except OSError as error:
            unreadable(entry[1], error, self._judges.errors)

    def _path(self, written: str, file: str, line: int, *, payload: bool) -> bytes | None:
        """The path a line means, or None after a complaint."""
        tidied = tidy(written)
        problem = path_problem(written) or path_problem(tidied)
        if problem is None and tidied.startswith("data/") is not payload:
            problem = "not-payload" if payload else "payload"
        if problem is not None:
            values = {"file": file, "line": line, "path": shown(written)}
            self._judges.errors.add(f"path-{problem}", file, _BAD_PATH[problem], **values)
            return None
        if tidied != written:
            template = "{file}, line {line}: {path} has needless dots or slashes"
            self._judges.warnings.add("path-untidy", file, template, file=file, line=line, path=shown(written))
        return self._meant(tidied, file, line)

    def _meant(self, written: str, file: str, line: int) -> bytes:
        """Percent signs and encodings: the first reading of a path that is in the bag, else the likeliest."""
        candidates = readings(written, percent_is_encoded=self._declaration.version >= STRICT)
        likely = candidates[0].encode("utf-8", "surrogatepass")
        if "%" not in written and self._declaration.encoding == "utf-8":
            return likely
        known = (
            self._contents.odd_paths | self._contents.tag_files.keys() if "%" in written else self._contents.odd_paths
        )
        for candidate in candidates:
            for encoding in ("utf-8", self._declaration.encoding):
                path = candidate.encode(encoding, "replace")
                if path in known and path != likely:
                    if likely in known:
                        return likely
                    template = "{file}, line {line}: {path} is not percent-encoded as BagIt says; taken as it stands"
                    self._judges.warnings.add("percent", file, template, file=file, line=line, path=shown(written))
                    return path
        return likely

    def matched(self) -> Iterator[tuple[Entry, Digests]]:
        """Each payload file that is listed, in listing order, with the digests its manifests give.

        On the way everything that is missing, unlisted or listed twice becomes an error; files whose names differ
        only in Unicode normalisation come last, with a warning (RFC 8493, 6.1.1.3).
        """
        missing: dict[bytes, Digests] = {}
        unlisted: list[Entry] = []
        for entry, listed in _joined(self._contents.payload(), self._sorter.sorted()):
            digests = self._digests(entry, listed)
            if entry is None:
                self._missing(listed, digests, missing)
            elif not digests:
                self._unlisted(entry, listed, unlisted)
            else:
                self._check_every_manifest(entry, digests)
                yield entry, digests
        yield from self._renormalised(missing, unlisted)

    def _digests(self, entry: Entry | None, listed: list[tuple[bytes, str, bytes]]) -> Digests:
        found: dict[str, bytes] = {}
        for path, algorithm, digest in listed:
            if algorithm in found:
                self._twice(path, algorithm, same=found[algorithm] == digest)
            elif algorithm != _FETCHED:
                found[algorithm] = digest
        return tuple(found.items())

    def _twice(self, path: bytes, algorithm: str, *, same: bool) -> None:
        values = {"path": shown(path), "algorithm": algorithm}
        if same:
            template = "{path} stands twice in the {algorithm} manifest"
            self._judges.grave.add("listed-twice", shown(path), template, **values)
        else:
            template = "{path} stands in the {algorithm} manifest with two digests"
            self._judges.errors.add("two-digests", shown(path), template, **values)

    def _check_every_manifest(self, entry: Entry, digests: Digests) -> None:
        if len(digests) == len(self._algorithms):
            return
        absent = sorted(set(self._algorithms) - {algorithm for algorithm, _ in digests})
        template = "{path} is not in the {algorithms} manifest; BagIt 1.0 wants each file in every manifest"
        values = {"path": shown(entry[1]), "algorithms": ", ".join(absent)}
        self._judges.grave.add("not-in-every-manifest", shown(entry[1]), template, **values)

    def _missing(self, listed: list[tuple[bytes, str, bytes]], digests: Digests, left: dict[bytes, Digests]) -> None:
        path = listed[0][0]
        if not digests:
            template = "{path} is in fetch.txt and in no manifest"
            self._judges.errors.add("fetch-unlisted", shown(path), template, path=shown(path))
        elif any(algorithm == _FETCHED for _, algorithm, _ in listed):
            template = "{path} was not fetched: fetch.txt names it, and it is not in the bag"
            self._judges.errors.add("not-fetched", shown(path), template, path=shown(path))
        elif not path.isascii() and len(left) < _MOST_LEFT_OVER:
            left[path] = digests
        else:
            self._tell_missing(path)

    def _unlisted(self, entry: Entry, listed: list[tuple[bytes, str, bytes]], left: list[Entry]) -> None:
        if not entry[1].isascii() and not listed and len(left) < _MOST_LEFT_OVER:
            left.append(entry)
        else:
            self._tell_unlisted(entry[1])

    def _renormalised(self, missing: dict[bytes, Digests], unlisted: list[Entry]) -> Iterator[tuple[Entry, Digests]]:
        by_form = {_composed(path): path for path in missing}
        for entry in unlisted:
            path = by_form.get(_composed(entry[1]))
            if path is None or path not in missing:
                self._tell_unlisted(entry[1])
                continue
            template = "{path} is listed in another Unicode normalisation than it has"
            self._judges.warnings.add("normalisation", shown(entry[1]), template, path=shown(entry[1]))
            yield entry, missing.pop(path)
        for path in missing:
            self._tell_missing(path)

    def _tell_missing(self, path: bytes) -> None:
        self._judges.errors.add("missing", shown(path), "{path} is listed and not in the bag", path=shown(path))

    def _tell_unlisted(self, path: bytes) -> None:
        self._judges.errors.add("unlisted", shown(path), "{path} is in the bag and in no manifest", path=shown(path))

    def close(self) -> None:
        """Forget everything."""
        self._sorter.close()


def _in_order(line: tuple[bytes, str, bytes]) -> tuple[bytes, str]:
    return order(line[0]), line[1]


def _composed(path: bytes) -> str:
    return unicodedata.normalize("NFC", path.decode("utf-8", "surrogateescape"))


def _joined(
    entries: Iterator[Entry], listed: Iterator[tuple[bytes, str, bytes]]
) -> Iterator[tuple[Entry | None, list[tuple[bytes, str, bytes]]]]:
    """Both in listing order, put together by path: a file and all lines about it, or either alone."""
    line = next(listed, None)
    for entry in entries:
        key = order(entry[1])
        while line is not None and order(line[0]) < key:
            group, line = _group(line, listed)
            yield None, group
        if line is not None and line[0] == entry[1]:
            group, line = _group(line, listed)
            yield entry, group
        else:
            yield entry, []
    while line is not None:
        group, line = _group(line, listed)
        yield None, group


def _group(
    first: tuple[bytes, str, bytes], rest: Iterator[tuple[bytes, str, bytes]]
) -> tuple[list[tuple[bytes, str, bytes]], tuple[bytes, str, bytes] | None]:
    """The lines about one path, and the first line about the next."""
    group = [first]
    for line in rest:
        if line[0] != first[0]:
            return group, line
        group.append(line)
    return group, None


def known_only(found: Mapping[tuple[str, bool], Entry], *, tag: bool) -> dict[str, Entry]:
    """The manifests of one sort whose algorithm can be computed, by algorithm, in the order of their names."""
    return {name: entry for (name, of_tags), entry in sorted(found.items()) if of_tags is tag and name in DIGEST_BYTES}
