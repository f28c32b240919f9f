"""What of a file is measured before and after a conversion: a closed set, and which damage each must catch.

A property that is compared with too much tolerance, or not at all, lets damage pass.  So the damage that each catches
is stated here, and a pathway is refused that would let any damage pass to which files of its kind are liable
(`uncaught`); tests do that damage to each pathway and look.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Damage(StrEnum):
    """What a faulty conversion does to a file; each is done on purpose by the tests of the comparison."""

    PAGE_DROPPED = "page dropped"
    PAGE_BLANKED = "page blanked"
    PAGES_SWAPPED = "pages swapped"
    TEXT_TRUNCATED = "text truncated"
    TEXT_GARBLED = "text garbled"
    WORDS_CHANGED = "words changed throughout"
    DIGITS_CHANGED = "digits changed"
    ROW_LOST = "row lost"
    SHEET_LOST = "sheet lost"
    VALUE_CHANGED = "value changed"
    FORMULAS_FROZEN = "formulas frozen"
    IMAGE_LOST = "image lost"
    IMAGE_EXCHANGED = "image exchanged"
    IMAGE_DOWNSAMPLED = "image downsampled"
    IMAGE_RECOLOURED = "image recoloured"
    AUDIO_CLIPPED = "audio clipped"
    CHANNEL_LOST = "channel lost"
    FRAMES_DROPPED = "frames dropped"
    TIMES_SHIFTED = "times shifted"
    ATTACHMENT_LOST = "attachment lost"
    ENCODING_MANGLED = "encoding mangled"
    ENCODING_MISTAKEN = "encoding mistaken"
    COLUMN_LOST = "column lost"
    MESSAGE_LOST = "message lost"
    HEADER_LOST = "header lost"
    METADATA_CHANGED = "metadata changed"
    SPACES_LOST = "spaces lost"


class ContentKind(StrEnum):
    """What sort of content a pathway converts: it decides to which damage the files are liable."""

    DOCUMENT = "document"
    SPREADSHEET = "spreadsheet"
    PRESENTATION = "presentation"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    TEXT = "text"
    MAIL = "mail"
    TABLE = "table"


class Measure(StrEnum):
    """How two values of a property are compared, which is also the unit of its difference and its tolerance."""

    COUNT = "count"  # how many more or fewer
    TEXT = "text"  # characters edited, per mille of the longer text, rounded up
    EDITED = "edited"  # characters edited in all
    PASSAGE = "passage"  # characters edited in the longest passage that differs
    NUMERALS = "numerals"  # numerals edited
    NUMBERING = "numbering"  # labels of chapters, articles and items edited
    ORDER = "order"  # sentences that stand in another order
    UNREADABLE = "unreadable"  # more or fewer characters that stand for none
    LIST = "list"  # entries edited, in their order
    BAG = "bag"  # entries lost or new, in whatever order
    AT_LEAST = "at least"  # how many fewer: more are no loss, since who lays out draws shadows and icons as pictures
    TABLE = "table"  # keys lost, new, or with another value
    TIMES = "times"  # milliseconds by which the moment differs that differs most
    DIGEST = "digest"  # 0 equal, 1 not
    FACES = "faces"  # the least likeness of a page, as per mille unlike; 1000 for a page blank or missing

    @property
    def is_of_text(self) -> bool:
        """Whether it is measured on the text of the file."""
        return self in _OF_TEXT


_OF_TEXT = (
    Measure.TEXT, Measure.EDITED, Measure.PASSAGE, Measure.NUMERALS, Measure.NUMBERING, Measure.ORDER,
    Measure.UNREADABLE,
)  # fmt: skip


class Property(StrEnum):
    """A significant property of a file (重要属性), by the name that pathways give it."""

    PAGES = "pages"
    SLIDES = "slides"
    IMAGES = "images"
    PICTURES = "pictures on pages"
    TEXT = "text"
    EDITS = "characters edited"
    PASSAGE = "longest passage"
    NUMERALS = "numerals"
    NUMBERING = "numbering"
    ORDER = "order"
    UNREADABLE = "unreadable characters"
    LINES = "lines"
    PAGE_FACES = "page faces"
    FONTS = "fonts"
    HYPERLINKS = "hyperlinks"
    COMMENTS = "comments"
    TRACKED_CHANGES = "tracked changes"
    MACROS = "macros"
    EMBEDDED = "embedded objects"
    SIGNATURES = "signatures"
    FORM_FIELDS = "form fields"
    SHEETS = "sheets"
    ROWS = "rows"
    CELLS = "cells"
    FORMULAS = "formulas"
    METADATA = "metadata"
    PIXELS = "pixels"
    IMAGE_SIZES = "image sizes"
    COLOUR_DEPTH = "colour depth"
    COLOUR_PROFILE = "colour profile"
    RESOLUTION = "resolution"
    DURATION = "duration"
    TIMES = "times"
    SAMPLES = "samples"
    SAMPLE_RATE = "sample rate"
    SAMPLE_BITS = "sample bits"
    CHANNELS = "channels"
    FRAMES = "frames"
    BYTES_BACK = "bytes when converted back"
    ENCODING = "encoding"
    UNMAPPED = "unmapped characters"
    COLUMNS = "columns"
    MESSAGES = "messages"
    HEADERS = "headers"
    ATTACHMENTS = "attachments"

    @property
    def measure(self) -> Measure:
        """How two of its values are compared."""
        return KNOWN[self].measure

    @property
    def may_gain(self) -> bool:
        """Whether something new counts as no more than something lost; else it is never a declared loss."""
        return KNOWN[self].may_gain

    @property
    def is_content(self) -> bool:
        """Whether the record says something by it: a loss of it is never declared without a bound."""
        return KNOWN[self].is_content


@dataclass(frozen=True, slots=True)
class Known:
    """Of a property: how it is compared, whether it is content, which damage it catches with up to `most` tolerance.

    What `may_gain` differs by what is new as by what is lost, and no more: a font that stands in for another, a date
    that the converter adds.
    """

    measure: Measure
    is_content: bool = False
    catches: frozenset[Damage] = frozenset()
    most: int = 0
    may_gain: bool = False


def _content(measure: Measure, *catches: Damage, most: int = 0) -> Known:
    return Known(measure, True, frozenset(catches), most)


TEXT_PER_MILLE = 100
"""A pathway may let a tenth of the characters differ (line ends, hyphens, bullets, headers told twice) before a garbled
text would pass."""
EDITED_CHARACTERS = 200
"""Whatever share of a long text that is: a tenth of a thousand pages are a hundred that may say something else."""
PASSAGE_CHARACTERS = 40
"""A passage of two lines: whatever is cut off or left out beyond that is caught, however long the text is."""
NUMERALS_EDITED = 0
TIMES_MILLISECONDS = 10
"""Half of what a field of 50 a second lasts: a frame that comes so much earlier or later is still the same one."""
FACES_PER_MILLE = 300
"""Another page, or a blank one, is less like it than that; other fonts are more."""

KNOWN: Mapping[Property, Known] = {
    Property.PAGES: _content(Measure.COUNT, Damage.PAGE_DROPPED),
    Property.SLIDES: _content(Measure.COUNT, Damage.PAGE_DROPPED),
    Property.IMAGES: _content(Measure.AT_LEAST, Damage.IMAGE_LOST),
    # Of both sides as one program draws them, each as often as it is shown; that program proves nothing of its reading.
    Property.PICTURES: _content(Measure.BAG, Damage.IMAGE_EXCHANGED),
    Property.TEXT: _content(Measure.TEXT, Damage.TEXT_GARBLED, Damage.ENCODING_MANGLED, most=TEXT_PER_MILLE),
    Property.EDITS: _content(Measure.EDITED, Damage.WORDS_CHANGED, most=EDITED_CHARACTERS),
    Property.PASSAGE: _content(Measure.PASSAGE, Damage.TEXT_TRUNCATED, most=PASSAGE_CHARACTERS),
    Property.NUMERALS: _content(Measure.NUMERALS, Damage.DIGITS_CHANGED, most=NUMERALS_EDITED),
    Property.NUMBERING: _content(Measure.NUMBERING),
    Property.ORDER: _content(Measure.ORDER),
    Property.UNREADABLE: _content(Measure.UNREADABLE),
    # Of plain text on both sides, with the white space that all others leave out: tables and signatures drawn with it.
    Property.LINES: _content(Measure.LIST, Damage.SPACES_LOST),
    Property.PAGE_FACES: _content(
        Measure.FACES, Damage.PAGE_BLANKED, Damage.PAGE_DROPPED, Damage.PAGES_SWAPPED, Damage.IMAGE_RECOLOURED,
        Damage.IMAGE_EXCHANGED, most=FACES_PER_MILLE,
    ),
    Property.FONTS: Known(Measure.BAG, may_gain=True),
    Property.HYPERLINKS: Known(Measure.BAG),
    Property.COMMENTS: Known(Measure.BAG),
    Property.TRACKED_CHANGES: Known(Measure.COUNT),
    Property.MACROS: Known(Measure.COUNT),
    Property.EMBEDDED: Known(Measure.BAG, catches=frozenset({Damage.ATTACHMENT_LOST})),
    Property.SIGNATURES: Known(Measure.BAG),
    Property.FORM_FIELDS: Known(Measure.TABLE),
    Property.SHEETS: _content(Measure.LIST, Damage.SHEET_LOST),
    Property.ROWS: _content(Measure.TABLE, Damage.ROW_LOST, Damage.SHEET_LOST),
    Property.CELLS: _content(
        Measure.TABLE, Damage.ROW_LOST, Damage.VALUE_CHANGED, Damage.DIGITS_CHANGED, Damage.TEXT_GARBLED,
        Damage.ENCODING_MANGLED, Damage.TEXT_TRUNCATED, Damage.WORDS_CHANGED,
    ),
    Property.FORMULAS: Known(Measure.TABLE, catches=frozenset({Damage.FORMULAS_FROZEN})),
    Property.METADATA: Known(Measure.TABLE, catches=frozenset({Damage.METADATA_CHANGED}), may_gain=True),
    Property.PIXELS: _content(
        Measure.LIST, Damage.PAGE_DROPPED, Damage.PAGE_BLANKED, Damage.PAGES_SWAPPED, Damage.IMAGE_DOWNSAMPLED,
        Damage.IMAGE_RECOLOURED,
    ),
    Property.IMAGE_SIZES: _content(Measure.LIST, Damage.IMAGE_DOWNSAMPLED),
    Property.COLOUR_DEPTH: _content(Measure.COUNT),
    Property.COLOUR_PROFILE: Known(Measure.DIGEST),
    Property.RESOLUTION: Known(Measure.COUNT),
    Property.DURATION: _content(Measure.COUNT),
    Property.TIMES: _content(Measure.TIMES, Damage.TIMES_SHIFTED, most=TIMES_MILLISECONDS),
    Property.SAMPLES: _content(Measure.LIST, Damage.AUDIO_CLIPPED, Damage.CHANNEL_LOST),
    Property.SAMPLE_RATE: _content(Measure.COUNT),
    Property.SAMPLE_BITS: _content(Measure.COUNT),
    Property.CHANNELS: _content(Measure.COUNT, Damage.CHANNEL_LOST),
    Property.FRAMES: _content(
        Measure.LIST, Damage.FRAMES_DROPPED, Damage.IMAGE_DOWNSAMPLED, Damage.IMAGE_RECOLOURED
    ),
    Property.BYTES_BACK: _content(
        Measure.DIGEST, Damage.TEXT_TRUNCATED, Damage.TEXT_GARBLED, Damage.DIGITS_CHANGED, Damage.ENCODING_MANGLED,
        Damage.WORDS_CHANGED, Damage.SPACES_LOST,
    ),
    # Before: the encoding in which the bytes read as a text; after: the one that was confirmed, and converted from.
    # Nothing else notices a wrong one, since wrong characters go back to the same bytes.
    Property.ENCODING: _content(Measure.DIGEST, Damage.ENCODING_MISTAKEN),
    Property.UNMAPPED: _content(Measure.TABLE),
    Property.COLUMNS: _content(Measure.LIST, Damage.COLUMN_LOST),
    Property.MESSAGES: _content(Measure.LIST, Damage.MESSAGE_LOST),
    Property.HEADERS: _content(Measure.TABLE, Damage.HEADER_LOST, Damage.MESSAGE_LOST),
    Property.ATTACHMENTS: _content(Measure.BAG, Damage.ATTACHMENT_LOST, Damage.IMAGE_EXCHANGED),
}  # fmt: skip

_TEXT_DAMAGE = {
    Damage.TEXT_TRUNCATED, Damage.TEXT_GARBLED, Damage.WORDS_CHANGED, Damage.DIGITS_CHANGED, Damage.ENCODING_MANGLED,
}  # fmt: skip
_PAGE_DAMAGE = {Damage.PAGE_DROPPED, Damage.PAGE_BLANKED, Damage.PAGES_SWAPPED}
LIABLE: Mapping[ContentKind, frozenset[Damage]] = {
    ContentKind.DOCUMENT: frozenset(_TEXT_DAMAGE | {
        Damage.PAGE_DROPPED, Damage.IMAGE_LOST, Damage.IMAGE_EXCHANGED, Damage.ATTACHMENT_LOST, Damage.METADATA_CHANGED,
    }),
    ContentKind.SPREADSHEET: frozenset(_TEXT_DAMAGE | {
        Damage.ROW_LOST, Damage.SHEET_LOST, Damage.VALUE_CHANGED, Damage.FORMULAS_FROZEN, Damage.METADATA_CHANGED,
    }),
    ContentKind.PRESENTATION: frozenset(_TEXT_DAMAGE | _PAGE_DAMAGE | {
        Damage.IMAGE_LOST, Damage.IMAGE_EXCHANGED, Damage.ATTACHMENT_LOST, Damage.METADATA_CHANGED,
    }),
    ContentKind.IMAGE: frozenset(_PAGE_DAMAGE | {Damage.IMAGE_DOWNSAMPLED, Damage.IMAGE_RECOLOURED}),
    ContentKind.AUDIO: frozenset({Damage.AUDIO_CLIPPED, Damage.CHANNEL_LOST}),
    ContentKind.VIDEO: frozenset({
        Damage.FRAMES_DROPPED, Damage.TIMES_SHIFTED, Damage.AUDIO_CLIPPED, Damage.IMAGE_DOWNSAMPLED,
        Damage.IMAGE_RECOLOURED,
    }),
    ContentKind.TEXT: frozenset(_TEXT_DAMAGE | {Damage.ENCODING_MISTAKEN, Damage.SPACES_LOST}),
    ContentKind.MAIL: frozenset(_TEXT_DAMAGE | {
        Damage.ATTACHMENT_LOST, Damage.MESSAGE_LOST, Damage.HEADER_LOST, Damage.SPACES_LOST,
    }),
    ContentKind.TABLE: frozenset(_TEXT_DAMAGE | {Damage.ROW_LOST, Damage.COLUMN_LOST, Damage.VALUE_CHANGED}),
}  # fmt: skip
"""To which damage files of a kind are liable.  A document whose target has a fixed layout is liable to all of pages."""


def liable(kind: ContentKind, is_fixed_layout: bool) -> frozenset[Damage]:
    """To which damage the files of a pathway are liable."""
    return LIABLE[kind] | _PAGE_DAMAGE if is_fixed_layout else LIABLE[kind]


def uncaught(wanted: Iterable[Damage], tolerances: Mapping[Property, int]) -> frozenset[Damage]:
    """Which of `wanted` a comparison of these properties, with these tolerances, would let pass."""
    caught = {
        each for name, allowed in tolerances.items() if allowed <= KNOWN[name].most for each in KNOWN[name].catches
    }
    return frozenset(wanted) - caught


@dataclass(frozen=True, slots=True)
class PageFace:
    """How a page looks when it is drawn, all in per mille.

    `ink` is how much of it is not paper.  `likeness` is the structural similarity (SSIM; Wang et al., "Image Quality
    Assessment", IEEE Transactions on Image Processing 13, 2004) to the page of the same number on the other side; it is
    asked of the converted file alone, and None where there is no such page.
    """

    ink: int
    likeness: int | None = None


Value = int | str | tuple[str, ...] | tuple[PageFace, ...] | Mapping[str, str]
"""What was measured: a number, a text or digest, a list, faces of pages, a table."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of one file, and why the rest was not.

    What is compared on the text of a file (`Measure.is_of_text`) is not given apart: `Property.TEXT` is enough.
    """

    values: Mapping[Property, Value]
    failed: Mapping[Property, str]

    def value(self, name: Property) -> Value | None:
        """The value of a property, or of the text it is measured on."""
        return self.values.get(Property.TEXT if name.measure.is_of_text else name)

    def why_not(self, name: Property) -> str:
        """Why there is no value, as far as anybody said."""
        return self.failed.get(Property.TEXT if name.measure.is_of_text else name, "")
