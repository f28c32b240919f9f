"""Measure pictures: what is to be seen of each page, at which size, depth and resolution, in which colours.

Read by Pillow, which made none of the results; by FFmpeg, whose decoders are its own, where Pillow has none that keeps
every bit (more than one channel of 16 bits), or one that shares its library with the converter (JPEG 2000: OpenJPEG),
or with the original's reader (BMP).  Pixels are taken upright, as they are to be seen, palettes as the colours they
stand for, and grey of up to 8 bits as three equal channels.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps, TiffTags

from preserve.formats.measuring import jp2_boxes
from preserve.formats.measuring.decoding import Raw, decoded
from preserve.formats.measuring.side import Side
from preserve.model.formats.properties import Measured, Property, Value
from preserve.model.phrases import phrase
from preserve.opening.pictures import FAULTS

MOST_PIXELS = 400_000_000
"""A page larger than that (20,000 dots square) is not measured: all of it lies in memory while it is."""
MOST_PAGES = 2000
SMALL_PIXELS = 1_000_000
"""Up to so many, pages of JPEG 2000 are decoded by a program that shares no code with the one that encoded them."""
STRIP_BYTES = 8 * 1024 * 1024
TOO_LARGE = phrase("a page has more than 400 million pixels")
TOO_MANY = phrase("there are more than 2000 pages")
BROKEN = phrase("the picture cannot be decoded")
STRANGE = phrase("this kind of colours is not measured")
_TIFF_STRUCTURE = frozenset(
    (254, 255, 256, 257, 258, 259, 262, 263, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284, 288, 289, 290, 291,
     292, 293, 296, 317, 318, 319, 320, 321, 322, 323, 324, 325, 330, 332, 334, 336, 338, 339, 340, 341, 342, 347, 512,
     513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532, 700, 34665, 34675, 34853, 40965)
)  # fmt: skip
"""Tags that say how the pixels lie in the file, or that are measured apart (XMP, the profile, directories of EXIF)."""
_KEPT_APART = ("compression", "xml:com.adobe.xmp", "xmp")
_SHOWN = 200
_ORIENTATION, _LYING = 274, 5
"""The tag, and the first of its values that turn a picture on its side (CIPA DC-008, 4.6.4)."""


class _CannotError(Exception):
    """A picture cannot be measured, for a reason that is one of the sentences above."""


@dataclass(frozen=True, slots=True)
class _Page:
    """What was seen of one page; `dots` are those per inch, across and down, 0 where the file does not say."""

    width: int
    height: int
    bits: int
    pixels: str
    profile: str
    dots: tuple[int, int]
    metadata: Mapping[str, str]

    @property
    def size(self) -> str:
        """Its pixels, and their shape where they are no squares: a fax has half as many lines to the inch as dots."""
        across, down = self.dots
        return f"{self.width}x{self.height}" + (f" at {across} by {down} dots" if across != down else "")


def measure(side: Side, wanted: frozenset[Property]) -> Measured:
    """What is to be seen of pictures: those of one file, or of several (a page each) in the order of their names."""
    Image.MAX_IMAGE_PIXELS = None  # we have a bound of our own
    try:
        pages = [page for file in side.files for page in _pages(file)]
    except _CannotError as why:
        return Measured({}, dict.fromkeys(wanted, str(why)))
    except (*FAULTS, MemoryError):
        return Measured({}, dict.fromkeys(wanted, BROKEN))
    values = _values(pages)
    return Measured({name: values[name] for name in wanted if name in values}, {})


def _values(pages: list[_Page]) -> Mapping[Property, Value]:
    return {
        Property.PAGES: len(pages),
        Property.IMAGES: len(pages),
        Property.PIXELS: tuple(f"{page.bits} {page.pixels}" for page in pages),
        Property.IMAGE_SIZES: tuple(page.size for page in pages),
        Property.COLOUR_DEPTH: max((page.bits for page in pages), default=0),
        Property.COLOUR_PROFILE: _together(page.profile for page in pages),
        Property.RESOLUTION: min((min(page.dots) for page in pages), default=0),
        Property.METADATA: {
            f"{number} {key}" if len(pages) > 1 else key: value
            for number, page in enumerate(pages, 1)
            for key, value in page.metadata.items()
        },
    }


def _together(digests: Iterator[str]) -> str:
    """One digest for the profiles of all pages; "" where none has one."""
    each = tuple(digests)
    if len(set(each)) == 1:
        return each[0]
    return hashlib.sha256("\n".join(each).encode()).hexdigest() if each else ""


def _pages(file: Path) -> Iterator[_Page]:
    with file.open("rb") as stream:
        head = stream.read(12)
    if head[4:8] == b"jP  ":
        yield _jp2(file)
        return
    # Opened by hand: of a path Pillow maps the file into memory, and turns plain TIFF with an orientation wrongly.
    with file.open("rb") as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(stream) as image:
            count = getattr(image, "n_frames", 1)
            if count > MOST_PAGES:
                raise _CannotError(TOO_MANY)
            for number in range(count):
                image.seek(number)
                yield _page(image, file, number)


def _page(image: Image.Image, file: Path, number: int) -> _Page:
    if image.width * image.height > MOST_PIXELS:
        raise _CannotError(TOO_LARGE)
    if image.format == "PNG":
        image.load()  # what stands behind the pixels is read with them
    bits, channels = _bits(image, file), len(image.getbands())
    metadata = _metadata(image)  # before pixels are loaded: then Pillow forgets the orientation
    profile, dots = image.info.get("icc_profile") or b"", _dots(image)
    if image.getexif().get(_ORIENTATION, 1) >= _LYING:
        dots = dots[::-1]
    if image.format == "BMP":
        upright, pixels = image, _bmp(file, image)
    elif bits == 16 and not image.mode.startswith("I;16"):
        upright, pixels = image, _deep(file, image, number)
    else:
        upright = ImageOps.exif_transpose(image)
        pixels = _digest(upright)
    width, height = upright.size
    return _Page(
        width, height, bits, f"{pixels} ({channels})" if bits == 16 else pixels, _sha256(profile), dots, metadata
    )


def _bits(image: Image.Image, file: Path) -> int:
    """Bits of a sample; a palette has 8 of each colour."""
    if image.format == "TIFF":
        bits = image.tag_v2.get(258, (1,))  # type: ignore[attr-defined]
        return 8 if image.mode in ("P", "PA") else max(bits if isinstance(bits, tuple) else (bits,))
    if image.format == "PNG":
        return _png_bits(file)
    return 8


def _png_bits(file: Path) -> int:
    """Its header says so in byte 24 (ISO/IEC 15948, 11.2.2); Pillow gives 8 bits of what has 16."""
    with file.open("rb") as stream:
        stream.seek(24)
        depth, colour = stream.read(2)
    return 8 if colour == 3 else depth


def _dots(image: Image.Image) -> tuple[int, int]:
    """Dots per inch, across and down, as the pixels lie in the file; 0 where it does not say."""
    if image.format == "TIFF" and 282 not in image.tag_v2:  # type: ignore[attr-defined]
        return 0, 0  # Pillow gives 1 then
    if image.format == "TIFF" and image.tag_v2.get(296, 2) == 1:  # type: ignore[attr-defined]
        return 0, 0  # TIFF 6.0: no unit, only a ratio
    if image.format == "JPEG" and image.info.get("jfif_unit") == 0 and "exif" not in image.info:
        return 0, 0
    across, down = image.info.get("dpi", (0, 0))
    return round(float(across)), round(float(down))


_KEPT_MODES = {"1": "RGB", "L": "RGB", "P": "RGB", "LA": "RGBA", "PA": "RGBA", "RGB": "RGB", "RGBA": "RGBA",
               "RGBX": "RGB"}  # fmt: skip


def _digest(image: Image.Image) -> str:
    """The digest of the samples, strip by strip, of how many channels they are."""
    found = hashlib.sha256()
    if image.mode.startswith("I;16"):
        for strip in _strips(image, 2):
            found.update(strip.tobytes("raw", "I;16B"))
        return found.hexdigest()
    mode = _KEPT_MODES.get(image.mode)
    if mode is None:
        raise _CannotError(STRANGE)
    if image.mode == "P" and "transparency" in image.info:
        mode = "RGBA"
    for strip in _strips(image, len(mode)):
        found.update(strip.convert(mode).tobytes())
    return f"{mode} {found.hexdigest()}"


def _strips(image: Image.Image, channels: int) -> Iterator[Image.Image]:
    rows = max(1, STRIP_BYTES // (image.width * channels))
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height)))


def _bmp(file: Path, image: Image.Image) -> str:
    return _by_ffmpeg(file, "RGBA" if image.mode == "RGBA" else "RGB")


_DEEP = {1: "gray16be", 2: "ya16be", 3: "rgb48be", 4: "rgba64be"}


def _deep(file: Path, image: Image.Image, number: int) -> str:
    """The digest of samples of 16 bits in several channels; FFmpeg turns nothing, so there must be nothing to turn."""
    if image.getexif().get(_ORIENTATION, 1) != 1:
        raise _CannotError(STRANGE)
    layout = _DEEP[len(image.getbands())]
    return _hashed(file, Raw(layout, number + 1 if image.format == "TIFF" else None), lambda piece: piece)


def _by_ffmpeg(file: Path, mode: str) -> str:
    return f"{mode} {_hashed(file, Raw({'RGB': 'rgb24', 'RGBA': 'rgba'}[mode]), lambda piece: piece)}"


def _hashed(file: Path, raw: Raw, change: Callable[[bytes], bytes]) -> str:
    found = hashlib.sha256()
    if not decoded(file, raw, lambda piece: found.update(change(piece))):
        raise _CannotError(BROKEN)
    return found.hexdigest()


_JP2_LAYOUTS = {
    (1, 8): ("gray", "RGB"), (2, 8): ("ya8", "RGBA"), (3, 8): ("rgb24", "RGB"), (4, 8): ("rgba", "RGBA"),
    (1, 16): ("gray16be", ""), (2, 16): ("ya16be", ""), (3, 16): ("rgb48be", ""), (4, 16): ("rgba64be", ""),
}  # fmt: skip


def _jp2(file: Path) -> _Page:
    """A JP2 (ISO/IEC 15444-1, annex I): its boxes are read here, its pixels by FFmpeg."""
    header = jp2_boxes.header(file)
    if header is None:
        raise _CannotError(BROKEN)
    if header.width * header.height > MOST_PIXELS:
        raise _CannotError(TOO_LARGE)
    return _Page(
        header.width, header.height, header.bits, _jp2_pixels(file, header), _sha256(header.profile),
        header.dots,
        {**_exif(header.exif), **({"XMP": _sha256(header.xmp)} if header.xmp else {})},
    )  # fmt: skip


def _jp2_pixels(file: Path, header: jp2_boxes.Jp2Header) -> str:
    """FFmpeg's decoder takes three times as long as OpenJPEG encoded, so large pages are left to the one in Pillow,
    which is OpenJPEG too, of another version and build."""
    known = _JP2_LAYOUTS.get((header.channels, header.bits))
    if known is None:
        raise _CannotError(STRANGE)
    layout, mode = known
    if header.bits == 8 and header.width * header.height > SMALL_PIXELS:
        with file.open("rb") as stream, Image.open(stream) as image:
            return _digest(image)
    wide = {1: _tripled, 2: _tripled_of_two}.get(header.channels) if header.bits == 8 else None
    digest = _hashed(file, Raw(layout), wide or (lambda piece: piece))
    return f"{mode} {digest}" if mode else f"{digest} ({header.channels})"


def _tripled(grey: bytes) -> bytes:
    wide = bytearray(3 * len(grey))
    wide[0::3] = wide[1::3] = wide[2::3] = grey
    return bytes(wide)


def _tripled_of_two(grey: bytes) -> bytes:
    wide = bytearray(2 * len(grey))
    wide[0::4] = wide[1::4] = wide[2::4] = grey[0::2]
    wide[3::4] = grey[1::2]
    return bytes(wide)


def _metadata(image: Image.Image) -> Mapping[str, str]:
    """Tags that say something of the picture, by name, and digests of what is itself a document."""
    found: dict[str, str] = {}
    for key, value in image.info.items():
        if (
            isinstance(key, str)
            and isinstance(value, str)
            and key.lower() not in ("compression", "xml:com.adobe.xmp", "xmp")
        ):
            found[key] = _shown(value)
    comment = image.info.get("comment")
    if isinstance(comment, bytes):
        found["comment"] = _shown(comment)
    xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    if xmp:
        found["XMP"] = _sha256(xmp if isinstance(xmp, bytes) else xmp.encode())
    return {**found, **_tags(image.getexif())}


def _exif(raw: bytes) -> Mapping[str, str]:
    if not raw:
        return {}
    exif = Image.Exif()
    exif.load(raw)
    return _tags(exif)


def _tags(exif: Image.Exif) -> Mapping[str, str]:
    found = {TiffTags.lookup(tag).name: _shown(value) for tag, value in exif.items() if tag not in _TIFF_STRUCTURE}
    for directory in (34665, 34853):
        inner = exif.get_ifd(directory)
        found |= {f"{directory}/{tag}": _shown(value) for tag, value in inner.items() if tag != 40965}
    return found


def _shown(value: object) -> str:
    if isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    if isinstance(value, bytes):
        if not value.isascii():
            return _sha256(value)
        text = value.rstrip(b"\0").decode("ascii")
    else:
        text = str(value).rstrip("\0 ")
        with suppress(UnicodeError):  # Pillow reads whatever is written there as Latin-1
            text = text.encode("latin-1").decode()
    return text if len(text) <= _SHOWN else _sha256(text.encode())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest() if content else ""
