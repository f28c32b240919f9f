"""What lies in a store and the books do not know: every object a store lists must be explained by something.

The listing is streamed in key order, one package's folder at a time, and each folder is looked up in the books: memory
does not grow with the holdings.  What is booked and not listed is no matter of this module: an audit of the copy finds
it missing.  What can be no object at all (a link, a pipe, a name that is no key) is a stray too, and is left unopened.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from preserve.errors import NotThere, Unreadable
from preserve.model.entries import AccessionState
from preserve.model.keys import (
    BAG,
    BLOCKS,
    MEMBERS,
    PARITY,
    RECEIPT,
    Key,
    is_formats_part,
    is_key,
    package_folder,
    split_generation,
)
from preserve.model.medium_labels import FOLDER
from preserve.model.nouns import Condition, CopyEntry, Finding
from preserve.model.phrases import phrase
from preserve.packages import canary
from preserve.ports import Found, NoObject, NoObjectKind, ObjectFacts, Store, position
from preserve.state import stored_ledger
from preserve.state.books import Books

_ROOT_OBJECTS = (canary.KEY, "store.json", "README.txt", "README.zh.txt", "rescue.py")
_POLICY = re.compile(stored_ledger.POLICIES + r"/[0-9a-f]{64}\.toml")
_PACKAGE_KEY = re.compile(r"packages/(?P<shard>[^/]+)/(?P<id>[^/]+)/(?P<name>.+)", re.DOTALL)
_MEDIUM = re.compile(FOLDER + r"/(label-[0-9]{6}\.(txt|sig)|list-[0-9]{6}\.sha256|key-[0-9a-f]{8}\.pem)")
_PARTS = (BAG, BLOCKS, MEMBERS, RECEIPT, PARITY)


MOST_REMEMBERED = 100_000
"""Names that are no keys and that a search remembers, to tell later which of them are gone."""


@dataclass(frozen=True, slots=True)
class Stray:
    """Something that nothing explains.  `package` is the package in whose folder it lies, if the books know it."""

    lies: Found
    why: str
    package: str | None = None

    @property
    def where(self) -> str:
        """What findings call it."""
        return self.lies.name if isinstance(self.lies, NoObject) else self.lies.key

    def finding(self, store: str) -> Finding:
        """The stray as a finding."""
        found = phrase("{bytes} bytes; {why}", bytes=self.lies.size, why=self.why)
        return Finding(self.package, store, Condition.UNEXPECTED, self.where, phrase("nothing"), found)


@dataclass(frozen=True, slots=True)
class Folder:
    """All that a store lists in one folder of a package, or one other object, and what of it nothing explains.

    `copy` is the booked copy whose folder it is.  `leftovers` counts the objects of an ingest or a replication that
    was not brought to its end, and of accessions that were given up: known, and no harm.
    """

    objects: Sequence[ObjectFacts]
    copy: CopyEntry | None
    strays: Sequence[Stray]
    leftovers: int


class Explanations:
    """Explains the objects of one store by the books.

    `is_claimed` tells whether another process is working on a copy just now, by the subject of its claim: what it has
    written and not yet booked is no stray.
    """

    def __init__(self, books: Books, store: str, is_claimed: Callable[[str], bool]) -> None:
        self._books = books
        self._store = store
        self._is_claimed = is_claimed
        self._no_objects: set[str] = set()
        self._accounted = -1
        self._unfinished: set[str] = set()
        self._read_accessions()

    def of_folder(self, found: Sequence[Found]) -> Folder:
        """Explain what lies in one folder; all that was `found` has the same one."""
        objects = [each for each in found if isinstance(each, ObjectFacts)]
        folder = self._of_objects(objects) if objects else Folder([], None, [], 0)
        strays = [stray for each in found if isinstance(each, NoObject) and (stray := self._stray(each))]
        self._no_objects.update(stray.where for stray in strays[: MOST_REMEMBERED - len(self._no_objects)])
        return replace(folder, strays=(*folder.strays, *strays)) if strays else folder

    def _of_objects(self, objects: Sequence[ObjectFacts]) -> Folder:
        folder = self._explained(objects)
        if not folder.strays:
            return folder
        match = _PACKAGE_KEY.fullmatch(objects[0].key)
        if match and self._is_claimed(f"{match['id']} {self._store}"):
            return replace(folder, strays=(), leftovers=len(folder.strays))
        # Something may have been begun, or booked, since we asked.
        self._read_accessions()
        return self._explained(objects)

    def _stray(self, lies: NoObject) -> Stray | None:
        """A folder without anything in it is in nobody's way, unless it has the name of an object of ours."""
        if lies.kind is NoObjectKind.FOLDER and not _is_ours(lies.path.removesuffix("/")):
            return None
        match = _PACKAGE_KEY.fullmatch(f"{lies.path}-" if lies.path.endswith("/") else lies.path)
        known = match["id"] if match and self._books.has_package(match["id"]) else None
        return Stray(lies, _WHY[lies.kind], known)

    def _read_accessions(self) -> None:
        """The packages of accessions that are under way, or were given up."""
        if self._accounted != self._books.size():
            self._accounted = self._books.size()
            self._unfinished = {
                package
                for accession in self._books.accessions()
                if accession.state is not AccessionState.COMMITTED
                for package in accession.packages
            }

    def _explained(self, objects: Sequence[ObjectFacts]) -> Folder:
        match = _PACKAGE_KEY.fullmatch(objects[0].key)
        if match is None:
            strays = [
                Stray(facts, phrase("no object of this program has such a key; move it out of the store"))
                for facts in objects
                if _is_alien(facts)
            ]
            return Folder(objects, None, strays, 0)
        package = match["id"]
        if package_folder(package) != f"packages/{match['shard']}/{package}":
            why = phrase("it lies in the wrong folder; move it to {folder} or, if that is there, out of the store",
                         folder=package_folder(package))  # fmt: skip
            why = why if self._books.has_package(package) else _NO_PACKAGE
            return Folder(objects, None, [Stray(facts, why) for facts in objects], 0)
        copy = self._books.copy(package, self._store)
        if copy is not None:
            return Folder(objects, copy, list(_strays_of_copy(copy, objects)), 0)
        return self._without_copy(package, objects)

    def is_still_stray(self, store: Store, where: str) -> bool:
        """Judge what was found unexpected again, as the books are now and the store is, which was searched meanwhile.

        Raises `Unavailable`, and `Unreadable` where its folder may not be listed.
        """
        if where in self._no_objects or not is_key(where):
            return where in self._no_objects or len(self._no_objects) >= MOST_REMEMBERED
        if _PACKAGE_KEY.fullmatch(where) is None:
            objects = list(_if_there(store, Key(where)))
        else:
            objects = list(store.list(_folder(where).removesuffix("/")))
        strays = self._of_objects(objects).strays if objects else ()
        return any(stray.where == where for stray in strays)

    def _without_copy(self, package: str, objects: Sequence[ObjectFacts]) -> Folder:
        if package in self._unfinished:
            return Folder(objects, None, [], len(objects))
        if not self._books.has_package(package):
            return Folder(objects, None, [Stray(each, _NO_PACKAGE) for each in objects], 0)
        if any(_part(facts) == RECEIPT for facts in objects):
            why = phrase("a copy that the books do not know; `preserve replicate` reads it and takes it in")
            return Folder(objects, None, [Stray(facts, why, package) for facts in objects], 0)
        odd = [Stray(facts, _NO_PART, package) for facts in objects if not _part(facts)]
        return Folder(objects, None, odd, len(objects) - len(odd))


def newer_generation(finding: Finding, copy: CopyEntry) -> str | None:
    """The object of which a finding is an unexpected generation, newer than the books know of `copy`; else None."""
    base, generation = split_generation(finding.where)
    part = base.removeprefix(f"{package_folder(copy.package_id)}/")
    if finding.condition is not Condition.UNEXPECTED or part not in _PARTS:
        return None
    return part if generation > copy.generation(part) else None


def folders(store: Store, explanations: Explanations) -> Iterator[Folder]:
    """Everything a store lists, folder by folder.  Raises `Unavailable`, also midway."""
    for _, found in groupby(store.search(), key=lambda each: _folder(position(each))):
        yield explanations.of_folder(list(found))


def _folder(key: str) -> str:
    """What is explained together: a package's folder with all below it; of everything else, each object by itself."""
    match = _PACKAGE_KEY.fullmatch(key)
    return key[: match.start("name")] if match else key


def _if_there(store: Store, key: Key) -> Iterator[ObjectFacts]:
    try:
        yield store.stat(key)
    except NotThere:
        return
    except Unreadable:  # something is there, of whatever size
        yield ObjectFacts(key, 0)


def _is_alien(facts: ObjectFacts) -> bool:
    return not (facts.key.startswith("probe/") or _is_ours(facts.key))


def _is_ours(key: str) -> bool:
    """Whether an object of ours may have this key."""
    name = Key(split_generation(key)[0])
    if name.startswith(f"{stored_ledger.FOLDER}/"):
        return stored_ledger.bundle_span(name) is not None or stored_ledger.checkpoint_size(name) is not None
    match = _PACKAGE_KEY.fullmatch(name)
    is_beside = name in _ROOT_OBJECTS or any(form.fullmatch(name) for form in (_POLICY, _MEDIUM))
    return is_beside or bool(match and (match["name"] in _PARTS or is_formats_part(match["name"])))


_NO_PACKAGE = phrase(
    "the books know no such package; where this home was brought back from an old backup, `preserve home catch-up` may"
    " know it; else find out whose it is, and move it out of the store"
)
_NO_PART = phrase("no object of a package has such a name; move it out of the store")

_WHY = {
    NoObjectKind.NAME: phrase("nothing of this program has such a name; move it out of the store"),
    NoObjectKind.LINK: phrase("a symbolic link, which was not followed; move it out of the store"),
    NoObjectKind.PIPE: phrase("a named pipe, which was not opened; move it out of the store"),
    NoObjectKind.SOCKET: phrase("a socket, which was not opened; move it out of the store"),
    NoObjectKind.DEVICE: phrase("a device, which was not opened; move it out of the store"),
    NoObjectKind.FOLDER: phrase("an empty folder with the name of an object; move it out of the store"),
    NoObjectKind.CLOSED: phrase("a folder that may not be listed; let the account of this program read it"),
}


def _part(facts: ObjectFacts) -> str | None:
    match = _PACKAGE_KEY.fullmatch(facts.key)
    part = split_generation(match["name"])[0] if match else None
    return part if part is not None and (part in _PARTS or is_formats_part(part)) else None


def _strays_of_copy(copy: CopyEntry, objects: Sequence[ObjectFacts]) -> Iterator[Stray]:
    for facts in objects:
        part = _part(facts)
        if part is None:
            yield Stray(facts, _NO_PART, copy.package_id)
        elif part == PARITY and not copy.has_parity:
            continue  # made, and not booked yet; `preserve parity` takes it in, or makes another
        elif is_formats_part(part):
            continue  # of the present identification, an earlier one, or one that was not booked; none is taken away
        elif split_generation(facts.key)[1] > copy.generation(part):
            why = phrase(
                "a newer generation than the books know; `preserve repair` reads it, and takes it in or makes another"
            )
            yield Stray(facts, why, copy.package_id)
