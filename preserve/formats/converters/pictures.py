"""Pictures to PNG or lossless JPEG 2000, every page of them: `python -P -m preserve.formats.converters.pictures
png|jp2 PICTURE FOLDER`.

libvips decodes and encodes, row by row; old-style JPEG in TIFF, which it does not read, goes through libtiff's
tiff2rgba, and BMP through Pillow.  What stands beside the pixels is written by us: resolution, colour profile, EXIF
(which has room for every tag of a TIFF) and XMP.  Each page becomes a file.  What the format has no place for (other
colours, floating point, premultiplied transparency) is refused: libvips would turn it into something else without a
word (measured: CMYK into RGB of 16 bits, floating point into 8).
"""

from __future__ import annotations

import struct
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from PIL import Image

from preserve.errors import Refused, Unavailable
from preserve.formats.converters.beside_pixels import Beside, Target, finished
from preserve.opening.pictures import FAULTS
from preserve.processes import run_for_answer

MOST_SECONDS = 24 * 3600
"""Whoever started us bounds the time."""
MOST_PAGES = 900
"""The sandbox takes a thousand files of a run."""
MOST_PIXELS = 400_000_000
"""As many as are measured (`preserve.formats.measuring.pictures`)."""
ORIENTATION, LYING = 274, 5
"""The tag, and the first of its values that turn a picture on its side."""
OLD_JPEG = 6
"""TIFF 6.0, section 22; withdrawn by Technical Note 2 in 1995, and still written by scanners' software since."""
_STRUCTURE = frozenset(
    (254, 256, 257, 258, 259, 262, 263, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284, 288, 289, 290, 291, 292,
     293, 296, 317, 318, 319, 320, 321, 322, 323, 324, 325, 330, 332, 334, 336, 338, 339, 340, 341, 342, 347, 512, 513,
     514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532, 700, 34675)
)  # fmt: skip
"""Tags of TIFF that say how its pixels lie in the file, which is no longer so, and those that are kept otherwise."""
_COLOURS = {
    Target.PNG: frozenset(("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I;16B", "I;16L", "YCbCr", "RGBX")),
    Target.JP2: frozenset(("L", "LA", "P", "RGB", "RGBA", "I;16", "I;16B", "I;16L", "YCbCr", "RGBX")),
}


@dataclass(frozen=True, slots=True)
class _Page:
    """One page: what libvips is to be given for it, at which depth it is to be written, and what stands beside it."""

    source: str
    depth: int
    beside: Beside


def main(target: Target, picture: Path, into: Path) -> None:
    """Make one file of each page: `image.png`, or `page-0001.png` and so on.  Raises `Refused`."""
    with tempfile.TemporaryDirectory() as work:
        pages = list(_pages(target, picture, Path(work)))
        for number, page in enumerate(pages, 1):
            name = "image" if len(pages) == 1 else f"page-{number:04}"
            made = into / f"made.{target.value}"
            _vips(target, page, made)
            finished(target, made, page.beside, into / f"{name}.{target.value}")
            made.unlink()


@contextmanager
def _opened(picture: Path) -> Iterator[Image.Image]:
    """A picture as far as its headers tell.  Raises `Refused` for one that Pillow does not know: nobody could judge
    what would be made of it."""
    Image.MAX_IMAGE_PIXELS = None  # we have a bound of our own
    with picture.open("rb") as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = Image.open(stream)
        except FAULTS as error:
            raise Refused(
                "this kind of picture cannot be measured, so it is not converted; keep it as it is"
            ) from error
        with image:
            try:
                yield image
            except FAULTS as error:
                raise Refused("the picture is damaged: Pillow cannot read all of it; keep it as it is") from error


def _pages(target: Target, picture: Path, work: Path) -> Iterator[_Page]:
    with _opened(picture) as image:
        count = getattr(image, "n_frames", 1)
        if count > MOST_PAGES:
            raise Refused("the picture has {pages} pages; at most {most} are converted", pages=count, most=MOST_PAGES)
        old = image.format == "TIFF" and _without_old_jpeg(image, picture, work)
        for number in range(count):
            image.seek(number)
            _require_colours(target, image, picture)
            yield _Page(_source(image, picture, old or None, number, work), _depth(image), _beside(image))


_WHOLE = "autorotate,fail_on=error"
"""Upright, or not at all: left to itself libvips makes the rest of a broken picture grey, and ends with 0."""


def _source(image: Image.Image, picture: Path, old: Path | None, number: int, work: Path) -> str:
    """What libvips is told to open, upright."""
    if image.format == "TIFF":
        options = f"page={number}" if old is not None else f"page={number},{_WHOLE}"
        return f"{old or picture}[{options}]"
    if image.format == "BMP":
        plain = work / "plain.tif"
        (image.convert("RGB") if image.mode == "P" else image.convert("L") if image.mode == "1" else image).save(plain)
        return str(plain)
    return f"{picture}[{_WHOLE}]"


def _without_old_jpeg(image: Image.Image, picture: Path, work: Path) -> Path | None:
    """A TIFF with pages of old-style JPEG decoded; None where there are none."""
    old = [number for number in range(getattr(image, "n_frames", 1)) if _compression(image, number) == OLD_JPEG]
    if not old:
        return None
    if len(old) != getattr(image, "n_frames", 1):
        raise Refused("some pages are old-style JPEG and others are not; take them apart by hand")
    plain = work / "plain.tif"
    _run("tiff2rgba", "-n", "-c", "none", str(picture), str(plain))
    return plain


def _compression(image: Image.Image, number: int) -> int:
    image.seek(number)
    return int(image.tag_v2.get(259, 1))  # type: ignore[attr-defined]


def _require_colours(target: Target, image: Image.Image, picture: Path) -> None:
    if image.width * image.height > MOST_PIXELS:
        raise Refused("a page has more than 400 million pixels, too many to be measured; keep it as it is")
    if image.mode not in _COLOURS[target]:
        raise Refused(
            "a page has colours of the kind {mode}, which {target} has no place for; keep it as it is",
            mode=image.mode,
            target=target.name,
        )
    if image.format == "BMP" and _bmp_bits(picture) == 16:
        raise Refused("the BMP has 16 bits a pixel, which programs turn into colours differently; keep it as it is")
    if image.format == "TIFF":
        _require_plain(image.tag_v2)  # type: ignore[attr-defined]


def _bmp_bits(picture: Path) -> int:
    """Bits a pixel, by the header (BITMAPINFOHEADER, biBitCount)."""
    with picture.open("rb") as stream:
        stream.seek(28)
        return int.from_bytes(stream.read(2), "little")


def _require_plain(tags: Image.Exif) -> None:
    if 1 in _several(tags.get(338, ())):
        raise Refused("a page has its transparency multiplied into its colours, which neither format can say")
    if set(_several(tags.get(339, (1,)))) - {1}:
        raise Refused("a page has samples that are not whole numbers without a sign")
    if 330 in tags:
        raise Refused("the TIFF holds further pictures in directories of their own, which would be lost")
    if tags.get(262, 1) in (8, 9, 10, 32844, 32845):
        raise Refused("a page has colours as L*a*b* or LogLuv, which neither format has a place for")


def _several(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)


def _depth(image: Image.Image) -> int:
    """At how many bits a sample is to be written."""
    if image.format != "TIFF" or image.mode not in ("1", "L"):
        return 8
    bits = _several(image.tag_v2.get(258, (1,)))[0]  # type: ignore[attr-defined]
    return bits if isinstance(bits, int) and bits in (1, 2, 4) else 8


def _vips(target: Target, page: _Page, made: Path) -> None:
    if target is Target.JP2:
        if page.depth == 1:
            raise Refused("a page is black and white, which JPEG 2000 would only make larger; take PNG for it")
        if page.depth < 8:
            raise Refused(
                "a page has {bits} bits a sample, which would become 8 in JPEG 2000; take PNG", bits=page.depth
            )
        _run("vips", "jp2ksave", page.source, str(made), "--lossless")
        return
    depth = f",bitdepth={page.depth}" if page.depth < 8 else ",filter=all"
    _run("vips", "copy", page.source, f"{made}[compression=6{depth}]")


def _run(*command: str) -> None:
    """Raises `Refused` with what a program says of a picture that it cannot convert."""
    answer = run_for_answer(command, Path("/"), MOST_SECONDS)
    if answer.status != 0:
        raise Refused(
            "{program} ended with {status}: {complaints}",
            program=command[0],
            status=answer.status,
            complaints=answer.complaints,
        )


def _beside(image: Image.Image) -> Beside:
    """What stands beside the pixels of a page."""
    info = image.info
    xmp = info.get("xmp") or b""
    comment = info.get("comment") or b""
    dots = _dots(image)
    if dots is not None and image.getexif().get(ORIENTATION, 1) >= LYING:
        dots = dots[::-1]
    return Beside(
        dots=dots,
        profile=info.get("icc_profile") or b"",
        exif=_exif(image),
        xmp=xmp if isinstance(xmp, bytes) else xmp.encode(),
        comment=comment if isinstance(comment, bytes) else comment.encode(),
    )


def _dots(image: Image.Image) -> tuple[Fraction, Fraction] | None:
    """Dots per inch across and down, as the file says exactly; None where it does not say, or says a ratio only."""
    if image.format == "TIFF":
        tags = image.tag_v2  # type: ignore[attr-defined]
        unit = {2: Fraction(1), 3: Fraction(254, 100)}.get(tags.get(296, 2))
        if unit is None or not tags.get(282) or not tags.get(283):
            return None
        across, down = (Fraction(tags[tag].numerator, tags[tag].denominator or 1) * unit for tag in (282, 283))
        return across, down
    given = image.info.get("dpi")
    if given is None or (image.info.get("jfif_unit") == 0 and "exif" not in image.info):
        return None
    return Fraction(given[0]).limit_denominator(10_000), Fraction(given[1]).limit_denominator(10_000)


def _exif(image: Image.Image) -> bytes:
    """EXIF as a TIFF structure of its own: that of the picture upright, or all tags of a TIFF that still hold."""
    if image.format == "TIFF":
        kept = image.getexif()
        for tag, value in list(kept.items()):
            if tag in _STRUCTURE:
                del kept[tag]
            elif isinstance(value, str):  # bytes of whatever encoding, which Pillow reads as Latin-1 and writes as ?
                kept[tag] = value.encode("latin-1", "replace")
        return kept.tobytes() if len(kept) else b""
    return upright(image.info.get("exif") or b"")


def upright(exif: bytes) -> bytes:
    """EXIF of a picture that stands upright by now; nothing else of it is touched (CIPA DC-008, 4.6.4: tag 274)."""
    structure = bytearray(exif.removeprefix(b"Exif\0\0"))
    order = {b"II": "<", b"MM": ">"}.get(bytes(structure[:2]))
    if order is None or len(structure) < 14:
        return bytes(structure)
    try:
        first = struct.unpack_from(f"{order}I", structure, 4)[0]
        for number in range(struct.unpack_from(f"{order}H", structure, first)[0]):
            at = first + 2 + 12 * number
            if struct.unpack_from(f"{order}H", structure, at)[0] == ORIENTATION:
                struct.pack_into(f"{order}H", structure, at + 8, 1)
    except struct.error:
        raise Refused("the EXIF of the picture is broken; look at it by hand") from None
    return bytes(structure)


if __name__ == "__main__":
    try:
        main(Target(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
    except (Refused, Unavailable) as why:
        sys.exit(str(why))
