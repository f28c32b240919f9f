"""How a notice is worded: a subject and a text that readers of either language can act on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from preserve.model.certificates import Voice
from preserve.model.concerns import Concern, owners
from preserve.model.notices import Letter
from preserve.model.policy import Policy

MOST_NAMED = 50
"""A letter names so many concerns of a sort, and counts the others."""
_RULE = "-" * 60


def subject(letter: Letter, voices: Sequence[Voice]) -> str:
    """One line in every language."""
    return "[preserve] " + " / ".join(_subject(letter, voice) for voice in voices)


def _subject(letter: Letter, voice: Voice) -> str:
    if letter.is_all_clear:
        return voice.said("all clear")
    counts = {"news": len(letter.news), "still": len(letter.still), "over": len(letter.over)}
    mended = sum(each.count for each in letter.mended)
    if mended:
        return voice.said("new: {news}; still open: {still}; over: {over}; mended: {mended}", mended=mended, **counts)
    return voice.said("new: {news}; still open: {still}; over: {over}", **counts)


def text(letter: Letter, policies: Mapping[str, Policy], home_id: str, at: str, voices: Sequence[Voice]) -> str:
    """The whole text, in one language after the other."""
    parts = ("\n".join(_lines(letter, policies, home_id, at, voice)) for voice in voices)
    return f"\n\n{_RULE}\n\n".join(parts) + "\n"


def _lines(letter: Letter, policies: Mapping[str, Policy], home_id: str, at: str, voice: Voice) -> Iterator[str]:
    yield voice.said("To {addressee}, from the preservation service {home}, {moment}",
                     addressee=letter.addressee, home=home_id, moment=at)  # fmt: skip
    yield ""
    if letter.is_all_clear:
        yield voice.said("All clear: nothing of what you were told is open any more.")
    for heading, told in ((voice.said("New:"), letter.news), (voice.said("Still open:"), letter.still)):
        if told:
            yield heading
            for each in told[:MOST_NAMED]:
                yield from concern_lines(each, policies, voice)
            if len(told) > MOST_NAMED:
                yield voice.said("… and {count} more", count=len(told) - MOST_NAMED)
            yield ""
    yield from _mended_lines(letter, voice)
    if letter.over:
        yield voice.said("Over:")
        for ended in letter.over[:MOST_NAMED]:
            yield voice.said("  - over: {what}", what=ended.what)
        yield ""
    yield voice.said("`preserve status` tells all of it, as it is now.")


def _mended_lines(letter: Letter, voice: Voice) -> Iterator[str]:
    """That a store rots, though nothing of it is left to see to."""
    if not letter.mended:
        return
    yield voice.said("Found and mended since you were last told:")
    for each in letter.mended[:MOST_NAMED]:
        yield voice.said(
            "  - store {store}, {condition}: {count}; the last was mended, or right when it was looked at again,"
            " {moment}",
            store=each.store, condition=each.condition, count=each.count, moment=each.last_at[:19] + "Z",
        )  # fmt: skip
    yield voice.said("    a store that does this again and again wears out: have its disk looked at")
    yield ""


def concern_lines(concern: Concern, policies: Mapping[str, Policy], voice: Voice) -> Iterator[str]:
    """What it is, since when, whose, and what to do."""
    yield f"  - {voice.said(concern.what.template, **concern.what.values)}"
    if concern.since is not None:
        yield voice.said("    since {moment}", moment=concern.since[: len("2026-01-01T00:00:00")] + "Z")
    yield voice.said("    owner: {owner}", owner=", ".join(owners(concern, policies)))
    yield f"    {voice.said(concern.remedy.template, **concern.remedy.values)}"


def trial_subject(voices: Sequence[Voice]) -> str:
    """Of a letter that only tries whether letters arrive."""
    return "[preserve] " + " / ".join(voice.said("a test: nothing has happened") for voice in voices)


def trial_text(addressee: str, home_id: str, at: str, voices: Sequence[Voice]) -> str:
    """The text of such a letter."""
    return (
        "\n\n".join(
            voice.said(
                "This is a test, {moment}.  The preservation service {home} will tell {addressee} here what is wrong.",
                moment=at,
                home=home_id,
                addressee=addressee,
            )
            for voice in voices
        )
        + "\n"
    )
