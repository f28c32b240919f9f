"""How what is known of a format is told: its name, who reads it, where it is accepted, how endangered it is and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from preserve.cli.tables import pairs
from preserve.cli.voices import Voice, person
from preserve.model.formats.rating import RatingGround

if TYPE_CHECKING:
    from preserve.cli.answers import Document
    from preserve.model.formats.rating import Rating, Ratings
    from preserve.model.formats.registry import Format
    from preserve.model.formats.risk_rule import RiskRule
    from preserve.model.requirements import Words


@dataclass(frozen=True, slots=True)
class KnownFormat:
    """A format by one of its identifiers, and its rating if anybody rated it; at least one of both is there."""

    puid: str
    format: Format | None
    rating: Rating | None


def known_format(ratings: Ratings, named: str) -> KnownFormat | None:
    """What is known of what a person named: an identifier, or the register's own name."""
    entry = ratings.register.of(named) or ratings.register.named(named)
    puid = named
    if entry is not None and named not in entry.puids:
        puid = next(iter(entry.puids), named)
    rating = ratings.of(puid) or (ratings.of_format(entry) if entry is not None else None)
    return KnownFormat(puid, entry, rating) if entry is not None or rating is not None else None


def in_language(words: Words, voice: Voice) -> str:
    """The one of both that is spoken."""
    return words.en if voice.is_english else words.zh


def rating_said(rating: Rating | None, rule: RiskRule, voice: Voice) -> str:
    """How endangered a format is, and by whose word."""
    if rating is None:
        return voice.sentence("nobody rated it")
    values = {"total": rating.total, "highest": rule.highest, "lowest": rule.lowest, "level": voice.word(rating.level)}
    match rating.ground:
        case RatingGround.OWN_ANSWERS:
            return voice.said(
                "{level} risk, {total} points ({highest} best, {lowest} worst), by answers of our own, {count} of them"
                " unverified",
                **values,
                count=rating.unverified,
            )
        case RatingGround.FAMILY:
            return voice.said(
                "{level} risk, {total} points ({highest} best, {lowest} worst), by {publisher} for another version:"
                " {name}",
                **values,
                publisher=rule.publisher,
                name=rating.rated_as,
            )
    return voice.said(
        "{level} risk, {total} points ({highest} best, {lowest} worst), by {publisher} for {name}",
        **values,
        publisher=rule.publisher,
        name=rating.rated_as,
    )


def weakest_said(rating: Rating, voice: Voice) -> str:
    """In which categories a format lost most."""
    return ", ".join(in_language(each.words, voice) for each in rating.weakest)


def rating_document(rating: Rating | None) -> Document | None:
    """For `--json`."""
    if rating is None:
        return None
    return {
        "total": rating.total,
        "level": rating.level.value,
        "ground": rating.ground.value,
        "rated_as": rating.rated_as,
        "weakest": [each.name for each in rating.weakest],
        "unverified": rating.unverified,
    }


def readers_said(entry: Format | None, names: Mapping[str, str], alive: Mapping[str, str], voice: Voice) -> str:
    """Which programs read a format, and which of them are on this machine."""
    if entry is None:
        return voice.sentence("not known")
    if not entry.readers:
        return voice.sentence("no program is known that reads it")
    return ", ".join(
        f"{names[id_]} {alive[id_]}" if id_ in alive else voice.said("{name} (not on this machine)", name=names[id_])
        for id_ in entry.readers
    )


def format_document(shown: KnownFormat, alive: Mapping[str, str]) -> Document:
    """For `--json`."""
    entry = shown.format
    return {
        "puid": shown.puid,
        "rating": rating_document(shown.rating),
        "format": None
        if entry is None
        else {
            "id": entry.id,
            "zh": entry.words.zh,
            "en": entry.words.en,
            "puids": dict(entry.puids),
            "category": entry.category.value,
            "openness": entry.openness.value,
            "readers": [{"id": id_, "version": alive.get(id_)} for id_ in entry.readers],
            "accepted": [
                {"standard": each.standard, "zh": each.words.zh, "en": each.words.en, "mark": each.mark.value,
                 "verified": each.mark.is_verified, "source": each.source}
                for each in entry.accepted
            ],
            "note": None if entry.note is None else {"zh": entry.note.zh, "en": entry.note.en},
            "source": entry.source,
            "mark": entry.mark.value,
        },
    }  # fmt: skip


def format_lines(shown: KnownFormat, ratings: Ratings, alive: Mapping[str, str]) -> Iterator[str]:
    """For people."""
    entry, voice = shown.format, person()
    rows: list[tuple[str, object]] = [(voice.sentence("identifier"), shown.puid)]
    if entry is not None:
        rows += _entry_rows(entry, ratings, alive, voice)
    rows.append((voice.sentence("risk"), rating_said(shown.rating, ratings.rule, voice)))
    if shown.rating is not None and shown.rating.weakest:
        rows.append((voice.sentence("weakest in"), weakest_said(shown.rating, voice)))
    yield from pairs(rows)
    if entry is not None and entry.note is not None:
        yield in_language(entry.note, voice)


def _entry_rows(
    entry: Format, ratings: Ratings, alive: Mapping[str, str], voice: Voice
) -> Iterator[tuple[str, object]]:
    names = {reader.id: reader.name for reader in ratings.register.readers.values()}
    yield voice.sentence("format"), in_language(entry.words, voice)
    yield voice.sentence("identifiers"), ", ".join(entry.puids) or voice.sentence("none yet")
    yield voice.sentence("category"), voice.word(entry.category)
    yield voice.sentence("specification"), f"{voice.word(entry.openness)}: {entry.source} ({voice.word(entry.mark)})"
    yield voice.sentence("read by"), readers_said(entry, names, alive, voice)
    if not entry.accepted:
        yield voice.sentence("accepted"), voice.sentence("not named in what we know of GB/T 18894-2016 (unverified)")
    for each in entry.accepted:
        yield voice.sentence("accepted"), f"{each.standard}: {in_language(each.words, voice)} ({voice.word(each.mark)})"
