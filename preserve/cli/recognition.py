"""Find the template that an English sentence was made from: what the ledger keeps as text is said in other languages.

The templates are those of the translation catalogue.  A sentence that none of them fits stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from string import Formatter

from preserve.model.phrases import SENTENCES

FEWEST_LETTERS = 4
"""A template must bring so many letters of its own, or everything would fit it."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """A sentence as the catalogue knows it, and the values it was filled with, as text."""

    sentence: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Form:
    """A template taken apart: its text before the first value, behind the last, and how many letters it brings."""

    template: str
    begins: str
    ends: str
    letters: int


class Recogniser:
    """Knows a set of templates."""

    def __init__(self, templates: Iterable[str]) -> None:
        known = list(templates)
        self._plain = frozenset(template for template in known if "{" not in template)
        forms = [form for template in known if "{" in template and (form := _form(template)) is not None]
        self._forms = sorted(forms, key=lambda form: -form.letters)

    def recognise(self, text: str) -> Recognised | None:
        """The template that explains most of `text`, or None.

        Several may fit: `block 3: 17 of 20 bytes` can be a block and what it is, or `block 3: 17` of 20 bytes.
        """
        return min(self._fitting(text), key=lambda fitting: fitting[0], default=(0, None))[1]

    def _fitting(self, text: str) -> Iterator[tuple[int, Recognised]]:
        """The templates that fit, with how many characters each leaves unexplained; the wordiest first."""
        if text in self._plain:
            yield 0, Recognised(text, {})
            return
        for form in self._forms:
            if text.startswith(form.begins) and text.endswith(form.ends):
                match = re.fullmatch(_expression(form.template), text, re.DOTALL)
                if match:
                    values = match.groupdict()
                    yield sum(self._unexplained(*value) for value in values.items()), Recognised(form.template, values)

    def _unexplained(self, name: str, value: str) -> int:
        if name not in SENTENCES:
            return len(value)
        return min((left for left, _ in self._fitting(value)), default=len(value))


def _form(template: str) -> _Form | None:
    """None for a template that is not ours to recognise: with numbers laid out, or next to no text of its own."""
    parts = list(Formatter().parse(template))
    letters = sum(character.isalpha() for literal, _, _, _ in parts for character in literal)
    if letters < FEWEST_LETTERS or not all((name or "").isidentifier() for _, name, _, _ in parts if name is not None):
        return None
    if any(specification or conversion for _, _, specification, conversion in parts):
        return None
    literal, name, _, _ = parts[-1]
    return _Form(template, parts[0][0], "" if name is not None else literal, letters)


def _expression(template: str) -> str:
    seen: set[str] = set()
    pieces = []
    for literal, name, _, _ in Formatter().parse(template):
        pieces.append(re.escape(literal))
        if name is not None:
            pieces.append(f"(?P={name})" if name in seen else f"(?P<{name}>.+?)")
            seen.add(name)
    return "".join(pieces)
