"""Sentences and words in the person's language: `preserve.cli.voices.person`, for short."""

from __future__ import annotations

import gettext
from collections.abc import Iterable
from enum import Enum

from preserve.cli.voices import DOMAIN, LOCALES, Voice, person
from preserve.errors import PreserveError
from preserve.model.complaints import Complaint, Complaints
from preserve.model.printable import printable
from preserve.model.sentences import Sentence

__all__ = [
    "_",
    "attribute_word",
    "complaint_documents",
    "complaint_lines",
    "complaint_said",
    "counted",
    "error_said",
    "is_chinese",
    "printable",
    "resaid",
    "said",
    "sentence_said",
    "speak",
    "subject_said",
    "word",
]


def speak() -> None:
    """Let click too look its sentences up in our catalogue."""
    gettext.bindtextdomain(DOMAIN, str(LOCALES))
    gettext.textdomain(DOMAIN)


def _(template: str) -> str:
    """A constant sentence or template in the person's language."""
    return person().sentence(template)


def said(template: str, **values: object) -> str:
    """A template filled in, both in the person's language."""
    return person().said(template, **values)


def counted(template: str, plural: str, count: int, **values: object) -> str:
    """`said` of `count` things: `template` of one, `plural` of several; both may name {count}."""
    return person().counted(template, plural, count, **values)


def resaid(text: str) -> str:
    """What was kept as English text, in the person's language."""
    return person().resaid(text)


def error_said(error: PreserveError) -> str:
    """The sentence of an error."""
    return person().error_said(error)


def complaint_said(complaint: Complaint) -> str:
    """The sentence of a complaint."""
    return person().complaint_said(complaint)


def complaint_lines(complaints: Complaints) -> list[str]:
    """One line for each complaint named, and one that counts the others."""
    return person().complaint_lines(complaints)


def is_chinese() -> bool:
    """Whether the person is spoken to in Chinese: data that hold both languages choose by this."""
    return not person().is_english


def sentence_said(sentence: Sentence, voice: Voice | None = None) -> str:
    """The sentence that a decision came to; an attribute of stores in it is called as people call it."""
    values = dict(sentence.values)
    if "attribute" in values:
        values["attribute"] = attribute_word(str(values["attribute"]), voice)
    return (voice or person()).said(sentence.template, **values)


def subject_said(subject: str) -> str:
    """What an incident or an alarm is about; `--json` keeps the name."""
    return person().subject(subject)


def word(value: Enum) -> str:
    """A state, condition, role or level as people call it; `--json` keeps the identifier."""
    return person().word(value)


def attribute_word(name: str, voice: Voice | None = None) -> str:
    """An attribute of a store as people call it, the person in front or whoever a voice speaks to."""
    voice = voice or person()
    words = {
        "site": voice.sentence("site"),
        "city": voice.sentence("city"),
        "power_grid": voice.sentence("power grid"),
        "river_basin": voice.sentence("river basin"),
        "seismic_zone": voice.sentence("seismic zone"),
        "vendor": voice.sentence("vendor"),
        "software": voice.sentence("software"),
        "medium": voice.sentence("medium"),
        "credential_domain": voice.sentence("credential domain"),
        "jurisdiction": voice.sentence("jurisdiction"),
        "windows": voice.sentence("windows"),
        "timezone": voice.sentence("time zone"),
        "bytes_per_second": voice.sentence("bytes a second"),
        "bytes_per_second_at": voice.sentence("bytes a second at times"),
        "mounted_at": voice.sentence("mounted at"),
    }
    return words.get(name, name)


def complaint_documents(complaints: Iterable[Complaint]) -> list[dict[str, str]]:
    """Complaints as `--json` gives them; the sentence is in the person's language, the code is not."""
    return [
        {"code": complaint.code, "where": complaint.where, "message": complaint_said(complaint)}
        for complaint in complaints
    ]
