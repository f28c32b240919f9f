"""Image a medium: what is to be burned on a disc that is written once, made of its folder, and read back.

The folder is the medium until then: it is filled, audited and labelled like any other, so nothing has to be written to
the disc afterwards.  With the image it is out, with whoever burns it, and nothing goes into the folder any more.  The
image is ISO 9660 (ECMA-119) with Rock Ridge names, which any system reads; Debian's xorriso makes it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from preserve.durable import sync_file_system
from preserve.errors import NoSpace, Refused
from preserve.model import events, medium_events
from preserve.model.digests import Algorithm, start
from preserve.model.media import WRITTEN_ONCE
from preserve.model.medium_register import CheckOut, MediumEntry, Purpose
from preserve.model.nouns import CopyState, Event
from preserve.model.phrases import phrase
from preserve.packages import places
from preserve.packages.carriers.labelling import Laid
from preserve.processes import run_to_file
from preserve.workplace import Workplace

PROGRAM = "xorriso"
LONGEST_SECONDS = 6 * 3600
"""The largest disc (BD-R XL, 128 GB) in a folder that gives 6 MB a second."""
SECTOR_BYTES = 2048
"""ECMA-119, 6.1.2."""
PIECE_BYTES = 1024 * 1024

_EXTENT = re.compile(r"File data lba: *\d+ , *(?P<lba>\d+) , *(?P<blocks>\d+) , *(?P<size>\d+) , (?P<path>.*)")


@dataclass(frozen=True, slots=True)
class ImageReport:
    """An image that was made: of so many files, each read back and found equal to the folder's."""

    laid: Laid
    bytes: int
    sha256: str
    files: int


def image_medium(
    workplace: Workplace, number: str, into: Path, burner: str, label: Callable[[Workplace, str], Laid]
) -> ImageReport:
    """Label a medium, make an image of its folder in the new file `into`, and check it out to `burner`.

    Its copies are `written` from then on, and no better: an inspection of the disc says what they are worth.

    `label` lays the label (`label_medium`, as the caller has its key).  Raises `Refused` for a medium that is not of a
    kind that is written once, a file that is there, an image that does not give back what is in the folder, or a
    folder that did not rest meanwhile;
    `NoSpace` where it does not fit the medium, and as `label` does.  Then there is no image.
    """
    books = workplace.books
    medium = books.medium(number)
    _refuse_misfit(workplace, medium, into)
    laid = label(workplace, number)
    folder = places.folder_of(books.store(medium.store).url)
    with workplace.claim(f"medium {number}"):
        before = _facts(folder)
        try:
            size, sha256 = _made(workplace, folder, into)
            _require_fit(medium, size)
            files = _compared(workplace, folder, into)
            sync_file_system(into.parent)
            if _facts(folder) != before:
                raise Refused(
                    "something was written into {folder} while its image was made; make it again, when nothing else is"
                    " at work on medium {medium}",
                    folder=folder,
                    medium=number,
                )
        except BaseException:
            into.unlink(missing_ok=True)
            raise
        made = ImageReport(laid, size, sha256, files)
        workplace.record(*_bookings(workplace, medium, burner, made))
    return made


def _bookings(workplace: Workplace, medium: MediumEntry, burner: str, made: ImageReport) -> Iterator[Event]:
    """That it was made, that the medium is out, and that nobody has read the disc back: all of it, or nothing."""
    act, at, number = workplace.act, workplace.now(), medium.number
    yield medium_events.medium_imaged(act, at, number, made.laid.label.generation, made.bytes, made.sha256)
    yield medium_events.medium_checked_out(act, at, number, CheckOut(burner, "", Purpose.DEPOSIT))
    why = phrase("medium {medium} is being burned, and nobody has read the disc back yet", medium=number)
    for copy in workplace.books.copies(store=medium.store, states=[CopyState.VERIFIED]):
        yield events.copy_moved(act, at, copy.package_id, copy.store, CopyState.WRITTEN, why)


def _facts(folder: Path) -> dict[Path, tuple[int, int]]:
    """Size and time of each file in a folder, those that are being written too."""
    found = ((path, path.lstat()) for path in folder.rglob("*") if not path.is_dir())
    return {path: (facts.st_size, facts.st_mtime_ns) for path, facts in found}


def _refuse_misfit(workplace: Workplace, medium: MediumEntry, into: Path) -> None:
    if medium.kind not in WRITTEN_ONCE:
        raise Refused(
            "medium {medium} is {kind}, which takes files at any time; an image is for discs that are written once",
            medium=medium.number,
            kind=medium.kind,
        )
    places.require_target_outside(workplace.books, workplace.home, into)
    if into.exists():
        raise Refused("{file} is there already; give the name of a new file", file=into)


def _require_fit(medium: MediumEntry, size: int) -> None:
    capacity = medium.particulars.capacity_bytes
    if capacity and size > capacity:
        raise NoSpace(
            "the image has {size} bytes and medium {medium} holds {capacity}; take a larger disc, or a second one",
            size=size,
            medium=medium.number,
            capacity=capacity,
        )


def _made(workplace: Workplace, folder: Path, into: Path) -> tuple[int, str]:
    workplace.progress.begin("making the image {image}", None, image=into)
    digest = start(Algorithm.SHA256)
    # Files of any size (level 3), the names as they are (Rock Ridge), readable by everybody.
    arguments = [PROGRAM, "-as", "mkisofs", "-quiet", "-iso-level", "3", "-r", "-V", "PRESERVE", str(folder)]
    output = run_to_file(arguments, into, workplace.work, LONGEST_SECONDS, digest.update)
    return output.bytes, digest.hexdigest()


@dataclass(frozen=True, slots=True)
class _Lies:
    """Where a file lies in an image: its size in bytes, and where each extent begins, with its length."""

    size: int
    extents: tuple[tuple[int, int], ...]

    def pieces(self, image: IO[bytes]) -> Iterator[bytes]:
        """The bytes of the file, read from the image.  The last extent ends with the file."""
        left = self.size
        for offset, length in self.extents:
            image.seek(offset)
            end = left - min(left, length)
            while left > end and (piece := image.read(min(PIECE_BYTES, left - end))):
                left -= len(piece)
                yield piece


def _compared(workplace: Workplace, folder: Path, image: Path) -> int:
    """Read every file of an image where it lies there, and hold it against the folder's; how many there are."""
    burned = _listed(workplace, image)
    here = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    if set(burned) != here:
        odd = sorted(here.symmetric_difference(burned))
        raise Refused("the image {image} does not hold what the folder does: {path}", image=image, path=odd[0])
    with image.open("rb") as file:
        for path, lies in burned.items():
            if not _is_equal(folder / path, lies.pieces(file)):
                raise Refused("the image {image} does not give {path} back", image=image, path=path)
    return len(burned)


def _is_equal(path: Path, pieces: Iterator[bytes]) -> bool:
    with path.open("rb") as file:
        return all(piece == file.read(len(piece)) for piece in pieces) and not file.read(1)


def _listed(workplace: Workplace, image: Path) -> dict[str, _Lies]:
    """The files in an image, as the program that made it reads it anew."""
    listed = workplace.work / "extents"
    asked = [PROGRAM, "-indev", f"stdio:{image.absolute()}", "-find", "/", "-type", "f", "-exec", "report_lba", "--"]
    try:
        run_to_file(asked, listed, workplace.work, LONGEST_SECONDS, len)
        text = listed.read_text(encoding="utf-8", errors="surrogateescape")
    finally:
        listed.unlink(missing_ok=True)
    found: dict[str, _Lies] = {}
    for match in filter(None, map(_EXTENT.fullmatch, text.splitlines())):
        path = shlex.split(match["path"])[0].removeprefix("/")
        extent = (int(match["lba"]) * SECTOR_BYTES, int(match["blocks"]) * SECTOR_BYTES)
        before = found[path].extents if path in found else ()
        found[path] = _Lies(int(match["size"]), (*before, extent))
    return found
