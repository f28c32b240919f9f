"""A sentence as a value: a constant English template and what it speaks of, so that decisions stay pure and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sentence:
    """`template.format(**values)` is the English sentence."""

    template: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.template.format(**self.values)


def sentence(template: str, **values: object) -> Sentence:
    """A sentence about `values`."""
    return Sentence(template, values)
