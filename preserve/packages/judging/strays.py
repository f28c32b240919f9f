"""What lies in a store and the books do not know: every object a store lists must be explained by something.

The listing is streamed in key order, one package's folder at a time, and each folder is looked up in the books: memory
does not grow with the holdings.  What is booked and not listed is no matter of this module: an audit of the copy finds
it missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from preserve.errors import NotThere, Unreadable
from preserve.model.entries import AccessionState
from preserve.model.keys import BAG, BLOCKS, MEMBERS, RECEIPT, Key, package_folder, split_generation
from preserve.model.nouns import Condition, CopyEntry, Finding
from preserve.model.phrases import phrase
from preserve.ports import ObjectFacts, Store
from preserve.state.books import Books

_ROOT_OBJECTS = ("store.json", "README.txt", "README.zh.txt", "rescue.py")
_OWN_FOLDERS = ("ledger/", "books/", "probe/")
_PACKAGE_KEY = re.compile(r"packages/(?P<shard>[^/]+)/(?P<id>[^/]+)/(?P<name>.+)")
_PARTS = (BAG, BLOCKS, MEMBERS, RECEIPT)


@dataclass(frozen=True, slots=True)
class Stray:
    """An object that nothing explains.  `package` is the package in whose folder it lies, if the books know it."""

    facts: ObjectFacts
    why: str
    package: str | None = None

    def finding(self, store: str) -> Finding:
        """The stray as a finding."""
        found = phrase("{bytes} bytes; {why}", bytes=self.facts.size, why=self.why)
        return Finding(self.package, store, Condition.UNEXPECTED, self.facts.key, phrase("nothing"), found)


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
        self._accounted = -1
        self._unfinished: set[str] = set()
        self._read_accessions()

    def of_folder(self, objects: Sequence[ObjectFacts]) -> Folder:
        """Explain what lies in one folder; `objects` all have the same one."""
        folder = self._explained(objects)
        if not folder.strays:
            return folder
        match = _PACKAGE_KEY.fullmatch(objects[0].key)
        if match and self._is_claimed(f"{match['id']} {self._store}"):
            return replace(folder, strays=(), leftovers=len(folder.strays))
        # Something may have been begun, or booked, since we asked.
        self._read_accessions()
        return self._explained(objects)

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
                Stray(facts, phrase("no object of this program has such a key"))
                for facts in objects
                if _is_alien(facts)
            ]
            return Folder(objects, None, strays, 0)
        package = match["id"]
        if package_folder(package) != f"packages/{match['shard']}/{package}":
            return Folder(objects, None, [Stray(facts, phrase("it lies in the wrong folder")) for facts in objects], 0)
        copy = self._books.copy(package, self._store)
        if copy is not None:
            return Folder(objects, copy, list(_strays_of_copy(copy, objects)), 0)
        return self._without_copy(package, objects)

    def still_stray(self, store: Store, key: str) -> Stray | None:
        """What was found unexpected, judged again as the store and the books are now.  Raises `Unavailable`."""
        if _PACKAGE_KEY.fullmatch(key) is None:
            objects = list(_if_there(store, Key(key)))
        else:
            objects = list(store.list(_folder(key).removesuffix("/")))
        strays = self.of_folder(objects).strays if objects else []
        return next((stray for stray in strays if stray.facts.key == key), None)

    def _without_copy(self, package: str, objects: Sequence[ObjectFacts]) -> Folder:
        if package in self._unfinished:
            return Folder(objects, None, [], len(objects))
        if not self._books.has_package(package):
            return Folder(objects, None, [Stray(each, phrase("the books know no such package")) for each in objects], 0)
        if any(_part(facts) == RECEIPT for facts in objects):
            why = phrase("a copy that the books do not know; `preserve replicate` reads it and takes it in")
            return Folder(objects, None, [Stray(facts, why, package) for facts in objects], 0)
        odd = [
            Stray(facts, phrase("no object of a package has such a name"), package)
            for facts in objects
            if not _part(facts)
        ]
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
    for _, objects in groupby(store.list(""), key=lambda facts: _folder(facts.key)):
        yield explanations.of_folder(list(objects))


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
    return not (split_generation(facts.key)[0] in _ROOT_OBJECTS or facts.key.startswith(_OWN_FOLDERS))


def _part(facts: ObjectFacts) -> str | None:
    match = _PACKAGE_KEY.fullmatch(facts.key)
    part = split_generation(match["name"])[0] if match else None
    return part if part in _PARTS else None


def _strays_of_copy(copy: CopyEntry, objects: Sequence[ObjectFacts]) -> Iterator[Stray]:
    for facts in objects:
        part = _part(facts)
        if part is None:
            yield Stray(facts, phrase("no object of a package has such a name"), copy.package_id)
        elif split_generation(facts.key)[1] > copy.generation(part):
            why = phrase(
                "a newer generation than the books know; `preserve repair` reads it and takes it in if it is sound"
            )
            yield Stray(facts, why, copy.package_id)
