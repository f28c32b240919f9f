"""Where stores and the home lie: none within another, and nothing is read from or written into them but by their rules.

A copy within another copy's folder, or in the home, goes with it in one fire, one mistake, one `rm -r`; and each would
take the other's files for its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from os import stat, statvfs
from os.path import isfile, ismount
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from preserve.errors import Misused, Refused
from preserve.model.links import MOUNTED_AT
from preserve.model.nouns import Role, StoreEntry
from preserve.model.room import Room
from preserve.state import books_place
from preserve.state.books import Books

STORE_FILE, STORE_MARK = "store.json", b'"preserve-store/'
"""By which a store is known from outside (preserve/FORMAT.md, section 1)."""
LONGEST_LOOK_BYTES = 64 * 1024

_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Spot:
    """A place as places are compared: `path` leads down in the `realm`, a file system tree or a bucket at a site.

    Of a folder, `device` is what it lies on, and `above` names it and all folders above it, as far as they are there,
    by device and inode: so a mount elsewhere of the same folder is known too.
    """

    realm: str
    path: tuple[str, ...]
    device: int | None = None
    itself: tuple[int, int] | None = None
    above: frozenset[tuple[int, int]] = frozenset()

    def lies_in(self, other: Spot) -> bool:
        """Whether this is `other` or something below it."""
        is_below = self.realm == other.realm and self.path[: len(other.path)] == other.path
        return is_below or (other.itself is not None and other.itself in self.above)


def folder_of(url: str) -> Path:
    """The folder that a `file:` URL names.  Raises `Misused` unless it is absolute and of this machine."""
    parts = urlsplit(url)
    path = Path(unquote(parts.path))
    if parts.netloc not in ("", "localhost") or parts.query or parts.fragment or not path.is_absolute():
        raise Misused("{url} names no folder of this machine; write file:///absolute/folder", url=url)
    return path


def spot_of(url: str) -> Spot:
    """The spot a store's URL names, however it is spelled.  Raises `Misused`."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return spot_of_folder(folder_of(url))
    endpoint = urlsplit(parse_qs(parts.query).get("endpoint", [""])[0])
    try:
        port = endpoint.port or _DEFAULT_PORTS.get(endpoint.scheme, 0)
    except ValueError as error:
        raise Misused("{url}: endpoint is http://host:port or https://host:port and nothing more", url=url) from error
    realm = f"{parts.scheme}://{endpoint.hostname or ''}:{port}/{parts.netloc}"
    return Spot(realm, tuple(segment for segment in parts.path.split("/") if segment))


def spot_of_folder(folder: Path) -> Spot:
    """The spot of a folder, which need not be there, with all symbolic links followed."""
    resolved = folder.resolve()
    known = dict(_known([resolved, *resolved.parents]))
    nearest = next(iter(known.values()), None)
    return Spot(
        "file",
        resolved.parts,
        device=nearest[0] if nearest else None,
        itself=known.get(resolved),
        above=frozenset(known.values()),
    )


def _known(folders: list[Path]) -> Iterator[tuple[Path, tuple[int, int]]]:
    for folder in folders:
        try:
            facts = stat(folder)
        except OSError:  # not there, or nobody may look: then its name alone counts
            continue
        yield folder, (facts.st_dev, facts.st_ino)


def require_a_place_of_its_own(wanted: StoreEntry, registered: list[StoreEntry], home: Path) -> None:
    """Make sure that a store is to lie beside the home and the other stores.  Raises `Refused`, `Misused`."""
    spot, house = spot_of(wanted.url), spot_of_folder(home)
    if spot.lies_in(house):
        raise Refused(
            "{url} lies in the home {home}: what takes the home would take the copies too; give a place outside it",
            url=wanted.url,
            home=home,
        )
    if house.lies_in(spot):
        raise Refused(
            "the home {home} lies in {url}: what takes the store would take the home too; give a place beside it",
            url=wanted.url,
            home=home,
        )
    for other in registered:
        if other.name != wanted.name:
            _require_apart(wanted, spot, other, spot_of(other.url))


def _require_apart(wanted: StoreEntry, spot: Spot, other: StoreEntry, its: Spot) -> None:
    if spot.lies_in(its) and its.lies_in(spot):
        raise Refused(
            "{url} is store {other} already: a second copy in one place is no second copy; give another place",
            url=wanted.url,
            other=other.name,
        )
    if spot.lies_in(its):
        raise Refused(
            "{url} lies in store {other} ({place}): a copy within a copy is no second copy; give a place beside it",
            url=wanted.url,
            other=other.name,
            place=other.url,
        )
    if its.lies_in(spot):
        raise Refused(
            "store {other} ({place}) lies in {url}: a copy within a copy is no second copy; give a place beside it",
            url=wanted.url,
            other=other.name,
            place=other.url,
        )


def on_one_device(wanted: StoreEntry, registered: list[StoreEntry]) -> Iterator[StoreEntry]:
    """The other stores that lie on the same device, or at the same site of S3: one failure takes both."""
    spot = spot_of(wanted.url)
    for other in registered:
        its = spot_of(other.url)
        is_same_disk = spot.device is not None and spot.device == its.device
        is_same_site = spot.realm != "file" and spot.realm.rpartition("/")[0] == its.realm.rpartition("/")[0]
        if other.name != wanted.name and (is_same_disk or is_same_site):
            yield other


def seen_on_one_device(entries: Iterable[StoreEntry]) -> Iterator[tuple[StoreEntry, ...]]:
    """Stores, two or more at a time, that lie on the same device, or at the same site of S3: one failure takes all.

    A folder counts while its store is there: an empty mount point lies on a disk with which its medium has nothing to
    do.
    """
    together: dict[object, list[StoreEntry]] = {}
    for entry in entries:
        spot = spot_of(entry.url)
        if spot.realm != "file":
            together.setdefault(spot.realm.rpartition("/")[0], []).append(entry)
        elif spot.device is not None and _is_seen(entry):
            together.setdefault(spot.device, []).append(entry)
    return (tuple(each) for each in together.values() if len(each) > 1)


def seen_beside_home(entries: Iterable[StoreEntry], home: Path) -> Iterator[StoreEntry]:
    """Stores that are called offline, and are there now, on the device that holds the home."""
    return (each for each in entries if each.role is Role.REMOTE_OFFLINE and is_seen_on_device_of(each, home))


def mounted(store: StoreEntry, home: Path) -> StoreEntry:
    """The store as one that is there while its medium is mounted, where that is now.

    Raises `Refused` where its folder lies on the disk of the system or of the home: then nothing is mounted.
    """
    if urlsplit(store.url).scheme != "file":
        raise Refused("{url} is no folder, and nothing is mounted there; leave --mounted-only out", url=store.url)
    folder = folder_of(store.url).resolve()
    point = next((above for above in (folder, *folder.parents) if ismount(above)), folder)
    if point == Path(folder.anchor) or is_on_device_of(store, home):
        raise Refused(
            "nothing is mounted at {folder}: it lies on the disk of the system, or of the home; mount the medium of"
            " store {store} first",
            folder=folder,
            store=store.name,
        )
    return replace(store, attributes={**store.attributes, MOUNTED_AT: str(point)})


def is_on_device_of(wanted: StoreEntry, home: Path) -> bool:
    """Whether a store lies on the device that holds the home."""
    device = spot_of(wanted.url).device
    return device is not None and device == spot_of_folder(home).device


def is_seen_on_device_of(entry: StoreEntry, home: Path) -> bool:
    """Whether a store is there now, on the device that holds the home.

    A mount point that is empty lies on that device too: what should be mounted there is away, wherever it is.
    """
    return _is_seen(entry) and is_on_device_of(entry, home)


def rooms(entries: Iterable[StoreEntry], home: Path) -> Iterator[Room]:
    """What the disks take still that hold the home, and those of `entries` that are folders and there now."""
    yield _room(None, home)
    yield from (_room(entry.name, folder_of(entry.url)) for entry in entries if _is_seen(entry))


def _room(store: str | None, folder: Path) -> Room:
    facts = statvfs(folder)
    total = facts.f_blocks * facts.f_frsize
    return Room(store, str(folder), facts.f_bavail * facts.f_frsize, total, stat(folder).st_dev)


def _is_seen(entry: StoreEntry) -> bool:
    """Whether a store that is a folder is there now."""
    return urlsplit(entry.url).scheme == "file" and isfile(folder_of(entry.url) / STORE_FILE)


def enclosing(folder: Path) -> Path | None:
    """The nearest folder above that is a store or a home, of this service or another; None where there is none."""
    return next((above for above in folder.resolve().parents if _is_ours(above)), None)


def require_home_apart(home: Path) -> None:
    """Make sure that a new home is not to lie in a store or another home.  Raises `Refused`."""
    around = enclosing(home)
    if around is not None:
        raise Refused(
            "{home} lies in a store or a home, {around}: what takes one would take both; give a place outside it",
            home=home,
            around=around,
        )


def _is_ours(folder: Path) -> bool:
    try:
        if books_place.is_made(folder):
            return True
        with (folder / STORE_FILE).open("rb") as file:
            return STORE_MARK in file.read(LONGEST_LOOK_BYTES)
    except OSError:
        return False


def require_source_outside(books: Books, home: Path, source: Path) -> None:
    """Make sure that a submission has nothing of the home or of a store in it, and lies in none.  Raises `Refused`."""
    spot = spot_of_folder(source)
    for folder, its in _ours(books, home):
        if spot.lies_in(its):
            raise Refused(
                "{source} lies in {place}, which this service keeps itself; nothing is taken in from there",
                source=source,
                place=folder,
            )
        if its.lies_in(spot):
            raise Refused(
                "{source} contains {place}, which this service keeps itself; give a folder without it",
                source=source,
                place=folder,
            )


def require_target_outside(books: Books, home: Path, target: Path) -> None:
    """Make sure that nothing is restored into the home or a store.  Raises `Refused`."""
    spot = spot_of_folder(target)
    for folder, its in _ours(books, home):
        if spot.lies_in(its):
            raise Refused(
                "{target} lies in {place}, which this service keeps itself; nothing is restored there: name another"
                " folder",
                target=target,
                place=folder,
            )


def _ours(books: Books, home: Path) -> Iterator[tuple[Path, Spot]]:
    """The folders of the home and of the stores, also of retired ones that are not lost; one in a bucket has none."""
    retired = [each.entry for each in books.retired_stores() if not each.is_lost]
    entries = [*books.stores(), *retired]
    folders = [folder_of(entry.url) for entry in entries if urlsplit(entry.url).scheme == "file"]
    return ((folder, spot_of_folder(folder)) for folder in [home, *folders])
