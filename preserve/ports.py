"""What operations need of the world outside, as contracts; concrete classes are named in `compose` alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from preserve.model.formats.identification import FileIdentified, Release
from preserve.model.keys import Key


@dataclass(frozen=True, slots=True)
class PartsClaim:
    """The SHA-256 over the SHA-256 digests of an object's parts in order, and how many parts there are."""

    sha256: bytes
    parts: int


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What a store says of an object without reading it.  It proves nothing about the bytes."""

    key: Key
    size: int
    attested_sha256: bytes | None = None
    """The store's own claim about the whole object's SHA-256, where it makes one."""
    retain_until: datetime | None = None
    """The object lock in force, where the store has locks and tells."""
    attested_parts: PartsClaim | None = None
    """The store's own claim about an object that it took in parts, where it makes one."""


class NoObjectKind(StrEnum):
    """Why something in a store can be no object."""

    NAME = "name"  # no key is written so
    LINK = "symbolic link"
    PIPE = "named pipe"
    SOCKET = "socket"
    DEVICE = "device"
    FOLDER = "empty folder"  # counts only where an object should be
    CLOSED = "closed folder"  # it may not be listed, and so nobody knows what lies in it


@dataclass(frozen=True, slots=True)
class NoObject:
    """Something that lies in a store and can be no object of ours; nobody opened or followed it.

    `path` is its name as the store has it, a folder's with a slash at the end; bytes that are no UTF-8 are lone
    surrogates.
    """

    path: str
    kind: NoObjectKind
    size: int = 0

    @property
    def name(self) -> str:
        """The path as it may stand in a ledger and on a terminal, each different one differently."""
        return "".join(_harmless(character) for character in self.path)


def _harmless(character: str) -> str:
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    if character == "\\" or not character.isprintable():
        return character.encode("unicode_escape", "surrogatepass").decode("ascii")
    return character


Found = ObjectFacts | NoObject
"""What searching a store finds."""


def position(found: Found) -> str:
    """Where in the order of a store something stands; a later search may begin behind it."""
    return found.path if isinstance(found, NoObject) else found.key


class Upload(Protocol):
    """One object on its way into a store: invisible until `commit`, gone after `abort`.

    `write` and `take` may be called from several threads, in any order, for any part; each part (see
    `Store.create`) must be covered before `commit`: by exactly one of these calls, or by one of `holds` that said yes.
    As a context manager it is left (see `leave`) with whatever ended the work.
    """

    part_bytes: int

    def holds(self, offset: int, sha256: bytes) -> bool:
        """Whether an interrupted upload (see `Store.create`, `resume`) left the part at `offset`, whose digest must be
        `sha256`; then it need not be written.

        That is what the store says, and it may find out at `commit` alone that the part is another one; nobody has
        looked at it.  What is made of it is judged, as always, by being read back.
        """

    def write(self, offset: int, data: memoryview, sha256: bytes | None = None) -> None:
        """Send one whole part that begins at `offset` (a multiple of `part_bytes`).

        `sha256` is the digest of `data` if the caller has it; a store that lets the server check parts
        computes it otherwise.  `data` is not kept after return.  Raises `Unavailable`, `NoSpace`, and `GivenUp`
        once the upload is left.
        """

    def take(self, offset: int, source: Key, start: int, length: int) -> int:
        """Fill the parts from `offset` on with bytes `start`..`start+length` of `source`, which this store holds.

        `offset` is a multiple of `part_bytes`, and `length` too unless it reaches the object's end.  Returns how
        many bytes travelled between us and the store: 0 where the store copies by itself.  Says nothing about the
        soundness of those bytes.  Raises `Unavailable`, `NotThere`, `Unreadable`, `NoSpace`, `GivenUp`.
        """

    def commit(self) -> None:
        """Make the object visible, whole and durable, under its key.

        Raises `AlreadyThere` when the key is taken (the object there is untouched, ours is gone), `Unavailable` or
        `NoSpace`.  After `Unavailable` the object may or may not be there; `commit` may then be called again on the
        same upload, and succeeds if the earlier call had taken effect (a lost reply is not a failure).  A call after
        success is without effect.
        """

    def abort(self) -> None:
        """Leave the upload (see `leave`) and keep nothing of it.  May be called again, and after `commit`, without
        effect."""

    def leave(self, error: BaseException | None) -> None:
        """End the work on this upload; `error` is what stopped it.

        Without effect after `commit`, or a second time.  May be called while `write`, `take` and `commit` are under way
        in other threads: they are ended, however slow the line, and raise `GivenUp`, as does whoever calls them later.
        Returns when none is at work any more; only a call to the operating system, such as a sync, cannot be ended.
        What a `commit` made visible meanwhile stays.

        Parts that were wholly sent stay for the next `Store.create` with `resume`, where this one had that too, the
        store can keep them, and the error is an interruption (`preserve.errors.is_interruption`); otherwise all is
        forgotten.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@runtime_checkable
class Store(Protocol):
    """A place that keeps bytes under keys (存储).  It never overwrites and cannot delete.

    All methods may be called from several threads.  A store that cannot be reached, is not mounted or is not the
    one it was registered as raises `Unavailable` from every method; it is never reported as empty.
    """

    name: str

    def create(
        self,
        key: Key,
        size: int,
        *,
        part_bytes: int | None = None,
        retain_until: datetime | None = None,
        resume: bool = False,
    ) -> Upload:
        """Begin an object of exactly `size` bytes; nothing is visible before `Upload.commit`.

        `part_bytes` is how the caller will cut it (None: one part, the whole; at most `LARGEST_SINGLE_PART`).
        `retain_until` asks for an object lock where the store has one, and is ignored where it has none.
        `resume` takes over what an interrupted upload of the same key left, if all of its parts fit this cut: see
        `Upload.holds`.  A store may keep no such thing.  Leftovers that are not taken over are cleared.
        Raises `AlreadyThere` if the key is seen to be taken already, `Unavailable`, `NoSpace`.
        """

    def read(self, key: Key, start: int, into: memoryview) -> int:
        """Fill `into` with the object's bytes from `start` on, read from the store now.

        Returns how many bytes were read: fewer than `len(into)` only at the object's end (0 at or past it).
        Raises `NotThere`, `Unreadable` (the site answers, this object does not come), `Unavailable`.
        """

    def stat(self, key: Key) -> ObjectFacts:
        """What the store says of one object.  Raises `NotThere`, `Unreadable`, `Unavailable`."""

    def list(self, folder: str, after: str = "") -> Iterator[ObjectFacts]:
        """All objects whose key begins with `folder` + `/` (all objects where it is empty), sorted by key.

        `a` lists `a/1` and never `ab/1`.  Uploads not committed are not listed.  Only keys greater than `after` come,
        so that a long listing can be taken up again.  Raises `Unavailable`, also midway, and `Unreadable` for a folder
        that may not be listed: it is never taken for empty.
        """

    def search(self, after: str = "") -> Iterator[Found]:
        """Everything there is: all objects as `list` gives them, and between them whatever can be none.

        Folders that may not be listed are passed over, and named.  Raises `Unavailable`, also midway.
        """

    def free_bytes(self) -> int | None:
        """How much more fits, or None where the store does not tell.  Raises `Unavailable`."""


class ErasableStore(Store, Protocol):
    """A store that can also erase; handed to disposal and to the conformance probe (for its own objects) alone."""

    def erase(self, key: Key) -> None:
        """Remove one object for good.  Raises `Refused` where an object lock holds it, `Unavailable`."""


class Locks(Protocol):
    """The object locks of a store that has them; see `locks_of`."""

    def extend(self, key: Key, until: datetime) -> datetime:
        """Hold one object until `until`, or longer, and return until when the store says that it is held, asked anew.

        Never shortens: what is held longer stays so.  May be done again without effect.  Raises `NotThere`,
        `Unavailable`; `Away` also where these credentials may not, or the store says yes and does not do it.
        """


@runtime_checkable
class Lockable(Protocol):
    """A store, or what is wrapped around one, that can be asked whether it has object locks."""

    def locks(self) -> Locks | None:
        """Its locks; None where it has none.  Raises `Unavailable`."""


def locks_of(store: Store) -> Locks | None:
    """The object locks of a store; None where it has none: a folder, or a bucket that was made without.

    Raises `Unavailable`.
    """
    return store.locks() if isinstance(store, Lockable) else None


class Temperature(StrEnum):
    """Whether an object can be read now."""

    FROZEN = "frozen"  # it has to be asked for
    THAWING = "thawing"  # it was asked for, and is not there yet
    THAWED = "thawed"  # it can be read until its day


@dataclass(frozen=True, slots=True)
class Frost:
    """How an object lies in cold storage, as the store says now; `until` is the day on which a thawed copy goes."""

    storage_class: str
    temperature: Temperature
    until: datetime | None = None


class Asked(StrEnum):
    """What came of asking for an object that was said to lie frozen."""

    ACCEPTED = "accepted"  # the site brings it, and has it paid for
    COMING = "coming"  # it was on its way already: somebody else asked
    READABLE = "readable"  # there is nothing to ask for: it can be read by now
    REFUSED = "refused"  # the site says that it lies frozen, and does not bring it


class Cold(Protocol):
    """The cold storage of a store that has it; see `cold_of`."""

    def frost(self, key: Key) -> Frost | None:
        """How cold an object lies; None where it can be read at any time.  Raises `NotThere`, `Unavailable`."""

    def ask(self, key: Key, days: int, tier: str) -> Asked:
        """Ask for an object, to be readable for so many days once it is there; `tier` is how quickly and dearly
        (`preserve.model.thawing.Tier`).  Again without effect while it is on its way.

        Raises `NotThere`, `Unavailable`; `Away` where these credentials may not, or the site has no such tier.
        """


@runtime_checkable
class Freezing(Protocol):
    """A store, or what is wrapped around one, that can be asked whether it has cold storage."""

    def cold(self) -> Cold | None:
        """Its cold storage; None where it can have none.  Asks the store nothing."""


def cold_of(store: Store) -> Cold | None:
    """The cold storage of a store; None where it can have none: a folder."""
    return store.cold() if isinstance(store, Freezing) else None


LARGEST_SINGLE_PART = 64 * 1024 * 1024
"""An object written in one part is held in memory by its writer, so it is bounded; in bytes."""


class Progress(Protocol):
    """Where long work tells how far it is; silent under cron."""

    def begin(self, template: str, total_bytes: int | None, **values: object) -> None:
        """A new stretch of work, described by a translatable sentence; total None: unknown."""

    def advance(self, done_bytes: int) -> None:
        """So many bytes more are done."""

    def say(self, template: str, **values: object) -> None:
        """One line for the person at the terminal, translated there."""

    def alert(self, template: str, **values: object) -> None:
        """The same, for who reads the log of a scheduled job too."""


class NoProgress:
    """Tells nobody."""

    def begin(self, template: str, total_bytes: int | None, **values: object) -> None:
        pass

    def advance(self, done_bytes: int) -> None:
        pass

    def say(self, template: str, **values: object) -> None:
        pass

    def alert(self, template: str, **values: object) -> None:
        pass


@dataclass(frozen=True, slots=True)
class FileToIdentify:
    """A file whose format somebody asks for: its name as it was deposited, its size in bytes, and how bytes of it are
    read: `read` fills the memory it is given with those from an offset on, all of which are there.

    `read` raises OSError where these bytes are lost, `Unavailable` where nobody can serve them now.
    """

    name: bytes
    size: int
    read: Callable[[int, memoryview], None]


class Identifier(Protocol):
    """Who tells formats of files apart (identification)."""

    def release(self) -> Release:
        """With what it identifies.  Raises `Unavailable` where it does not come up."""

    def identify(self, files: Iterable[FileToIdentify]) -> Iterator[FileIdentified]:
        """What each file is, in their order.  Files are asked for as there is room for them, and read in this thread.

        A file over which the identifier breaks down or takes too long, or whose bytes are lost, is `not examined`; the
        others are looked at all the same.  Raises `Unavailable` where bytes cannot be had now, or the identifier does
        not come up.
        """


Capabilities = Mapping[str, bool]
"""What the conformance probe found a store to honour, by name (`create_only`, `part_digest_sha256`, ...)."""
