"""A voice says templates in one language: the person's, or each of ours where a document is for readers of both.

The person's language is what LANGUAGE, LC_ALL, LC_MESSAGES or LANG say, in this order, whether or not the machine has
such a locale: a bare server speaks Chinese to who asks for it (stdlib gettext, domain `preserve`).
"""

from __future__ import annotations

import gettext
import struct
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from preserve.cli.reasons import REASONS
from preserve.errors import PreserveError
from preserve.model.complaints import Complaint, Complaints
from preserve.model.phrases import SENTENCES
from preserve.model.printable import printable

if TYPE_CHECKING:
    from preserve.cli.recognition import Recogniser

DOMAIN = "preserve"
LOCALES = Path(__file__).parent / "locale"
CHINESE = "zh_CN"
LONGEST_RECOGNISED = 2000
"""Characters; a longer text is no sentence of ours."""


class Voice:
    """Says templates in one language."""

    def __init__(self, catalogue: gettext.NullTranslations) -> None:
        self._catalogue = catalogue

    @property
    def is_english(self) -> bool:
        """English is the language of the templates: nothing is looked up."""
        return not isinstance(self._catalogue, gettext.GNUTranslations)

    def sentence(self, template: str) -> str:
        """A constant sentence or template in this language."""
        return self._catalogue.gettext(template)

    def said(self, template: str, /, **values: object) -> str:
        """A template filled in, both in this language."""
        return self.sentence(template).format(**self.shown_values(values))

    def counted(self, template: str, plural: str, count: int, **values: object) -> str:
        """`said` of `count` things: `template` of one, `plural` of several; both may name {count}."""
        return self._catalogue.ngettext(template, plural, count).format(count=count, **self.shown_values(values))

    def word(self, value: Enum) -> str:
        """A state, condition, role or level as people call it; `--json` keeps the identifier."""
        return self._catalogue.pgettext(type(value).__name__, str(value.value))

    def subject(self, text: str) -> str:
        """What an incident, an alarm or a claim is about: duties are named by their kind, and then by what it is of."""
        if self.is_english:
            return printable(text)
        from preserve.model.duties import DutyKind

        bare = text.removeprefix("duty ")
        kind = next((kind for kind in DutyKind if bare.startswith(f"{kind.value} ")), None)
        return printable(text if kind is None else f"{self.word(kind)} {bare.removeprefix(f'{kind.value} ')}")

    def error_said(self, error: PreserveError) -> str:
        """The sentence of an error."""
        return self.said(error.template, **error.values)

    def complaint_said(self, complaint: Complaint) -> str:
        """The sentence of a complaint."""
        return self.said(complaint.template, **complaint.values)

    def complaint_lines(self, complaints: Complaints) -> list[str]:
        """One line for each complaint named, and one that counts the others."""
        lines = [f"  - {self.complaint_said(complaint)}" for complaint in complaints.named]
        if complaints.count > len(complaints.named):
            lines.append("  " + self.said("… and {count} more", count=complaints.count - len(complaints.named)))
        return lines

    def resaid(self, text: str) -> str:
        """A sentence of ours that was kept as English text (see `preserve.model.phrases`), or a reason the system gave.

        What is not recognised stays as it is.
        """
        template = REASONS.get(text)
        if template is not None:
            return self.sentence(template)
        recognised = None
        if not self.is_english and len(text) <= LONGEST_RECOGNISED:
            recognised = _recogniser().recognise(text)
        return self.said(recognised.sentence, **recognised.values) if recognised else printable(text)

    def shown_values(self, values: Mapping[str, object]) -> dict[str, object]:
        """Values as they may stand in a sentence: translated where they are ours, harmless where they are not."""
        return {
            name: self._shown_as(name, value) if type(value) is str else self.shown(value)
            for name, value in values.items()
        }

    def _shown_as(self, name: str, text: str) -> str:
        """A text by the name of the value that it is."""
        if name in SENTENCES:
            return self.resaid(text)
        return self.subject(text) if name == "subject" else printable(text)

    def shown(self, value: object) -> object:
        """One value for a person's eyes; numbers keep their type, because templates may format them."""
        match value:
            case bool() | int() | float():
                return value
            case PreserveError():
                return self.error_said(value)
            case Complaint():
                return self.complaint_said(value)
            case Complaints():
                return "\n".join(self.complaint_lines(value))
            case Enum():
                return self.word(value)
            case datetime():
                return value.astimezone().isoformat(" ", "seconds")
            case OSError() if value.strerror:
                return self.resaid(value.strerror)
            case ValueError():
                return self.resaid(str(value))
            case _:
                return printable(str(value))


@cache
def person() -> Voice:
    """The voice that the environment asks for."""
    return Voice(gettext.translation(DOMAIN, str(LOCALES), fallback=True))


@cache
def english() -> Voice:
    """The templates as they are."""
    return Voice(gettext.NullTranslations())


@cache
def chinese() -> Voice:
    """Simplified Chinese, whatever the environment says."""
    return Voice(gettext.translation(DOMAIN, str(LOCALES), [CHINESE]))


def both() -> tuple[Voice, Voice]:
    """For documents that readers of either language rely on; the person's comes first."""
    return (english(), chinese()) if person().is_english else (chinese(), english())


@cache
def _recogniser() -> Recogniser:
    from preserve.cli.recognition import Recogniser

    return Recogniser(_templates(LOCALES / CHINESE / "LC_MESSAGES" / f"{DOMAIN}.mo"))


def _templates(compiled: Path) -> Iterator[str]:
    """The sentences that a compiled catalogue translates (GNU gettext, little-endian, as `ops.messages` writes it)."""
    content = compiled.read_bytes()
    count, start = struct.unpack_from("<2I", content, 8)
    for number in range(count):
        length, at = struct.unpack_from("<2I", content, start + 8 * number)
        text = content[at : at + length].decode()
        if text and "\x04" not in text and "\0" not in text:  # no header, no word, nothing that is counted
            yield text
