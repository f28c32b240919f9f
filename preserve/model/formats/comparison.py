"""Hold what was measured after a conversion against what was measured before: each difference becomes a `Risk`.

Nothing that was not measured counts as kept, and nothing that is more than before counts as a declared loss.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import islice, zip_longest

from preserve.model.formats import texts
from preserve.model.formats.file_results import BothSides
from preserve.model.formats.losses import Comparison, DeclaredLoss, FileVerdict, Place, Risk, RiskType
from preserve.model.formats.pathways import Pathway, PropertyRule
from preserve.model.formats.properties import Measure, Measured, PageFace, Property, Value

WITHOUT_ITS_LIKE = 3_600_000
"""By how many milliseconds a moment differs that the other side has not: by an hour, which no pathway tolerates."""
BLANK_PER_MILLE = 1
"""A page with less ink than that is blank: a speck of dust on a scan is more."""
_WHOLE = 1000
_SHOWN = texts.LONGEST_SHOWN


TYPES: Mapping[Property, RiskType] = {
    **dict.fromkeys(Property, RiskType.CONTENT_LOST),
    Property.UNREADABLE: RiskType.GARBLED,
    Property.BYTES_BACK: RiskType.GARBLED,
    Property.ENCODING: RiskType.GARBLED,
    Property.UNMAPPED: RiskType.GARBLED,
    Property.HEADERS: RiskType.METADATA_LOST,
    Property.NUMBERING: RiskType.ORDER_CHANGED,
    Property.ORDER: RiskType.ORDER_CHANGED,
    Property.PAGE_FACES: RiskType.LAYOUT_CHANGED,
    Property.FONTS: RiskType.LAYOUT_CHANGED,
    Property.HYPERLINKS: RiskType.LINK_BROKEN,
    Property.MACROS: RiskType.MACRO_OR_FORMULA_LOST,
    Property.FORMULAS: RiskType.MACRO_OR_FORMULA_LOST,
    Property.SIGNATURES: RiskType.SIGNATURE_BROKEN,
    Property.METADATA: RiskType.METADATA_LOST,
    Property.PIXELS: RiskType.COLOUR_OR_RESOLUTION,
    Property.IMAGE_SIZES: RiskType.COLOUR_OR_RESOLUTION,
    Property.COLOUR_DEPTH: RiskType.COLOUR_OR_RESOLUTION,
    Property.COLOUR_PROFILE: RiskType.COLOUR_OR_RESOLUTION,
    Property.RESOLUTION: RiskType.COLOUR_OR_RESOLUTION,
}
"""As what a difference is booked of which no loss is declared."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How far two values of a property differ, in its unit.

    `gained` is the part that is more or new; it is never a declared loss.  `changed` are the entries of a table that
    stand on both sides with another value: one loss more only where the rule of the property names them.
    """

    amount: int
    gained: int = 0
    before: str = ""
    after: str = ""
    places: tuple[Place, ...] = ()
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class TextPair:
    """The texts of both sides; what takes long is found out once, for all that is compared on them."""

    before: str
    after: str

    @cached_property
    def readable_before(self) -> str:
        return texts.readable(self.before)

    @cached_property
    def readable_after(self) -> str:
        return texts.readable(self.after)

    @cached_property
    def difference(self) -> texts.TextDifference:
        return texts.difference(self.readable_before, self.readable_after)


def compare(pathway: Pathway, before: Measured, after: Measured) -> tuple[Risk, ...]:
    """All risks of one file, in the order in which the pathway names its properties; () where all is equal."""
    text, other = before.values.get(Property.TEXT), after.values.get(Property.TEXT)
    pair = TextPair(text, other) if isinstance(text, str) and isinstance(other, str) else None
    risks = (_risk(rule, pathway.loss_of(rule.what), before, after, pair) for rule in pathway.properties)
    return tuple(risk for risk in risks if risk is not None)


def verdict(risks: Iterable[Risk]) -> FileVerdict:
    """What becomes of a file with these risks."""
    found = {risk.comparison for risk in risks}
    if any(each.stops for each in found):
        return FileVerdict.STOPPED
    if Comparison.DECLARED in found:
        return FileVerdict.LOSSES
    return FileVerdict.WITHIN if found else FileVerdict.EQUAL


def both_sides(pathway: Pathway, before: Measured, after: Measured) -> tuple[BothSides, ...]:
    """What each property that the pathway names came to on both sides, in short.

    Of those that are measured on the text (its numerals, its order) only the text itself is named.
    """
    wanted = [each.what for each in pathway.properties]
    shown = [each for each in wanted if each is Property.TEXT or not each.measure.is_of_text]
    return tuple(
        BothSides(each, _in_short(each.measure, before.value(each)), _in_short(each.measure, after.value(each)))
        for each in shown
    )


def differ(measure: Measure, before: Value, after: Value) -> Difference:
    """How far two values of a property differ.  Raises `TypeError` where they are not what the measure compares."""
    match measure, before, after:
        case Measure.COUNT, int(), int():
            gained = max(0, after - before)
            return Difference(abs(after - before), gained, str(before), str(after))
        case Measure.AT_LEAST, int(), int():
            return Difference(max(0, before - after), 0, str(before), str(after))
        case Measure.DIGEST, str(), str():
            return Difference(int(before != after), 0, before, after)
        case Measure.LIST | Measure.BAG, tuple(), tuple():
            one, two = tuple(map(str, before)), tuple(map(str, after))
            return _of_lists(one, two) if measure is Measure.LIST else _of_bags(one, two)
        case Measure.TABLE, Mapping(), Mapping():
            return _of_tables(before, after)
        case Measure.TIMES, Mapping(), Mapping():
            return _of_times(before, after)
        case Measure.FACES, tuple(), tuple():
            return _of_faces(_faces(before), _faces(after))
        case _, str(), str() if measure.is_of_text:
            return _of_texts(measure, TextPair(before, after))
    raise TypeError(f"{measure} does not compare {type(before).__name__} with {type(after).__name__}")


def _in_short(measure: Measure, value: Value | None) -> str | None:
    match value:
        case None:
            return None
        case str():
            return value[:_SHOWN] if measure is Measure.DIGEST else str(len(texts.readable(value)))
        case int():
            return str(value)
    return str(len(value))


def _risk(
    rule: PropertyRule, declared: DeclaredLoss | None, before: Measured, after: Measured, pair: TextPair | None
) -> Risk | None:
    name = rule.what
    type_ = declared.type if declared is not None else TYPES[name]
    one, two = before.value(name), after.value(name)
    if one is None or two is None:
        why = before.why_not(name) if one is None else after.why_not(name)
        comparison = Comparison.NOT_MEASURED
        return Risk(name, type_, rule.severity, comparison, None, rule.tolerance, declared=declared, why=why)
    is_shared = pair is not None and name.measure.is_of_text
    found = _of_texts(name.measure, pair) if pair is not None and is_shared else differ(name.measure, one, two)
    if found.amount == 0:
        return None
    comparison = _judged(rule, declared, replace(found, gained=0) if name.may_gain else found)
    return Risk(
        name, type_,
        declared.severity if declared is not None and comparison is Comparison.DECLARED else rule.severity,
        comparison, found.amount, rule.tolerance, found.before[:_SHOWN], found.after[:_SHOWN], found.places, declared,
    )  # fmt: skip


def _judged(rule: PropertyRule, declared: DeclaredLoss | None, found: Difference) -> Comparison:
    if found.amount <= rule.tolerance:
        return Comparison.WITHIN
    lost = found.amount - found.gained
    is_declared = declared is not None and (declared.at_most is None or lost <= declared.at_most)
    changed = [name for name in found.changed if not any(fnmatchcase(name, each) for each in rule.may_change)]
    if is_declared and lost > 0 and max(found.gained, len(changed)) <= rule.tolerance:
        return Comparison.DECLARED
    return Comparison.UNDECLARED


def _of_lists(before: Sequence[str], after: Sequence[str]) -> Difference:
    amount = texts.list_distance(before, after)
    pairs = enumerate(zip_longest(before, after), 1)
    places = _first(Place(str(at), one or "", two or "") for at, (one, two) in pairs if one != two)
    return Difference(amount, max(0, len(after) - len(before)), str(len(before)), str(len(after)), places)


def _of_bags(before: Sequence[str], after: Sequence[str]) -> Difference:
    one, two = Counter(before), Counter(after)
    lost, new = one - two, two - one
    places = _first([*(Place("", each, "") for each in lost), *(Place("", "", each) for each in new)])
    # One entry lost and another new may be one that was changed, or two; counted as two it is never too low.
    return Difference(lost.total() + new.total(), new.total(), str(len(before)), str(len(after)), places)


def _of_tables(before: Mapping[str, str], after: Mapping[str, str]) -> Difference:
    keys = [*before, *(key for key in after if key not in before)]
    differing = [key for key in keys if before.get(key) != after.get(key)]
    new = sum(1 for key in differing if key not in before)
    changed = tuple(key for key in differing if key in before and key in after)
    places = _first(Place(key, before.get(key, ""), after.get(key, "")) for key in differing)
    return Difference(len(differing), new, str(len(before)), str(len(after)), places, changed)


def _of_times(before: Mapping[str, str], after: Mapping[str, str]) -> Difference:
    differing = _of_tables(before, after)
    shifts = [abs(int(after[key]) - int(at)) if key in after else WITHOUT_ITS_LIKE for key, at in before.items()]
    return replace(
        differing,
        amount=max([*shifts, differing.gained and WITHOUT_ITS_LIKE]),
        gained=differing.gained and WITHOUT_ITS_LIKE,
    )


def _faces(value: Sequence[object]) -> tuple[PageFace, ...]:
    faces = tuple(each for each in value if isinstance(each, PageFace))
    if len(faces) != len(value):
        raise TypeError("faces of pages are wanted")
    return faces


def _of_faces(before: Sequence[PageFace], after: Sequence[PageFace]) -> Difference:
    unlike = [_unlike(one, two) for one, two in zip_longest(before, after)]
    places = _first(
        Place(str(page), _ink(one), _ink(two))
        for page, (one, two, amount) in enumerate(zip_longest(before, after, unlike), 1)
        if amount
    )
    gained = _WHOLE if len(after) > len(before) else 0
    return Difference(max(unlike, default=0), gained, str(len(before)), str(len(after)), places)


def _unlike(before: PageFace | None, after: PageFace | None) -> int:
    """How unlike two pages are, per mille: wholly, where one is missing, or only one is blank."""
    if before is None or after is None or after.likeness is None:
        return _WHOLE
    if (before.ink < BLANK_PER_MILLE) is not (after.ink < BLANK_PER_MILLE):
        return _WHOLE
    return max(0, _WHOLE - after.likeness)


def _ink(face: PageFace | None) -> str:
    return "" if face is None else f"{face.ink} ‰"


def _of_texts(measure: Measure, pair: TextPair) -> Difference:
    if pair.before == pair.after:
        return Difference(0)  # nothing is found out of megabytes that are the same
    match measure:
        case Measure.NUMBERING:
            one, two = texts.labels(pair.before), texts.labels(pair.after)
            return _of_lists(one, two)
        case Measure.ORDER:
            one, two = texts.sentences(pair.before), texts.sentences(pair.after)
            return Difference(texts.moved(one, two), 0, str(len(one)), str(len(two)))
        case Measure.UNREADABLE:
            return differ(Measure.COUNT, texts.unreadable(pair.before), texts.unreadable(pair.after))
        case Measure.NUMERALS:
            pair = TextPair(texts.numerals(pair.before), texts.numerals(pair.after))
            return _edited(pair, pair.difference.at_most)
        case Measure.EDITED:
            return _edited(pair, pair.difference.at_most)
        case Measure.PASSAGE:
            return _edited(pair, pair.difference.longest)
    longer = max(len(pair.readable_before), len(pair.readable_after))
    return _edited(pair, -(-pair.difference.at_most * _WHOLE // longer) if longer else 0)


def _edited(pair: TextPair, amount: int) -> Difference:
    one, two = pair.readable_before, pair.readable_after
    places = _first(Place(*texts.shown(one, two, part)) for part in pair.difference.parts)
    return Difference(amount, 0, str(len(one)), str(len(two)), places)


def _first(places: Iterable[Place]) -> tuple[Place, ...]:
    short = (Place(each.where[:_SHOWN], each.before[:_SHOWN], each.after[:_SHOWN]) for each in places)
    return tuple(islice(short, texts.MOST_SHOWN))
