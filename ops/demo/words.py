"""What the demo says, in Chinese where the person's locale is Chinese, else in English."""

from __future__ import annotations

import os
from dataclasses import dataclass


def _speaks_chinese() -> bool:
    named = (os.environ.get(name) for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"))
    return next((value for value in named if value), "").lower().startswith("zh")


@dataclass(frozen=True, slots=True)
class Words:
    """One sentence in both languages."""

    english: str
    chinese: str

    def __str__(self) -> str:
        return self.chinese if _speaks_chinese() else self.english

    def filled(self, **values: object) -> str:
        """The sentence with its values."""
        return str(self).format(**values)
