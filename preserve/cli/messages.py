"""Sentences and words in the person's language, by templates (stdlib gettext, domain `preserve`).

The language is what LANGUAGE, LC_ALL, LC_MESSAGES or LANG say, in this order, whether or not the machine has such a
locale: a bare server speaks Chinese to who asks for it.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterable, Mapping
from enum import Enum
from functools import cache
from pathlib import Path

from preserve.errors import PreserveError
from preserve.model.complaints import Complaint, Complaints
from preserve.model.sentences import Sentence

DOMAIN = "preserve"
LOCALES = Path(__file__).parent / "locale"


def speak() -> None:
    """Let click too look its sentences up in our catalogue."""
    gettext.bindtextdomain(DOMAIN, str(LOCALES))
    gettext.textdomain(DOMAIN)


@cache
def _catalogue() -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, str(LOCALES), fallback=True)


def _(template: str) -> str:
    """A constant sentence or template in the person's language."""
    return _catalogue().gettext(template)


def said(template: str, **values: object) -> str:
    """A template filled in, both in the person's language."""
    return _(template).format(**shown_values(values))


def error_said(error: PreserveError) -> str:
    """The sentence of an error."""
    return said(error.template, **error.values)


def complaint_said(complaint: Complaint) -> str:
    """The sentence of a complaint."""
    return said(complaint.template, **complaint.values)


def is_chinese() -> bool:
    """Whether the person is spoken to in Chinese: data that hold both languages choose by this."""
    return _catalogue().info().get("language", "").startswith("zh")


def sentence_said(sentence: Sentence) -> str:
    """The sentence that a decision came to; an attribute of stores in it is called as people call it."""
    values = dict(sentence.values)
    if "attribute" in values:
        values["attribute"] = attribute_word(str(values["attribute"]))
    return said(sentence.template, **values)


def word(value: Enum) -> str:
    """A state, condition, role or level as people call it; `--json` keeps the identifier."""
    return _catalogue().pgettext(type(value).__name__, str(value.value))


def attribute_word(name: str) -> str:
    """An attribute of a store as people call it."""
    words = {
        "site": _("site"),
        "city": _("city"),
        "power_grid": _("power grid"),
        "river_basin": _("river basin"),
        "seismic_zone": _("seismic zone"),
        "vendor": _("vendor"),
        "software": _("software"),
        "medium": _("medium"),
        "credential_domain": _("credential domain"),
        "jurisdiction": _("jurisdiction"),
    }
    return words.get(name, name)


def shown_values(values: Mapping[str, object]) -> dict[str, object]:
    """Values as they may stand in a sentence: translated where they are ours, harmless where they are not."""
    return {name: shown(value) for name, value in values.items()}


def shown(value: object) -> object:
    """One value for a person's eyes; numbers keep their type, because templates may format them."""
    match value:
        case bool() | int() | float():
            return value
        case PreserveError():
            return error_said(value)
        case Complaint():
            return complaint_said(value)
        case Complaints():
            return "\n".join(complaint_lines(value))
        case Enum():
            return word(value)
        case _:
            return printable(str(value))


def complaint_documents(complaints: Iterable[Complaint]) -> list[dict[str, str]]:
    """Complaints as `--json` gives them; the sentence is in the person's language, the code is not."""
    return [
        {"code": complaint.code, "where": complaint.where, "message": complaint_said(complaint)}
        for complaint in complaints
    ]


def complaint_lines(complaints: Complaints) -> list[str]:
    """One line for each complaint named, and one that counts the others."""
    lines = [f"  - {complaint_said(complaint)}" for complaint in complaints.named]
    if complaints.count > len(complaints.named):
        lines.append("  " + said("… and {count} more", count=complaints.count - len(complaints.named)))
    return lines


def printable(text: str) -> str:
    """`text` without characters that a terminal would obey; names come from anywhere."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character == "\n"
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )
