"""A complaint: one reason why something handed in is not acceptable, as a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from preserve.errors import Refused

MOST_COMPLAINTS = 100
"""How many complaints about one thing are kept; the rest are counted: a hostile submission must not fill the memory."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """`template.format(**values)` is the English sentence; `code` names the rule, `where` the path or line."""

    code: str
    where: str
    template: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.template.format(**self.values)


@dataclass(frozen=True, slots=True)
class Complaints:
    """Several complaints, of which at most `MOST_COMPLAINTS` are named and `count` tells how many there were."""

    named: tuple[Complaint, ...]
    count: int

    def __str__(self) -> str:
        lines = [f"  - {complaint}" for complaint in self.named]
        if self.count > len(self.named):
            lines.append(f"  … (+{self.count - len(self.named)})")
        return "\n".join(lines)


class ComplaintList:
    """Gathers complaints, keeps the first `most` and counts all."""

    def __init__(self, most: int = MOST_COMPLAINTS) -> None:
        self._most = most
        self._named: list[Complaint] = []
        self.count = 0

    def add(self, code: str, where: str, template: str, **values: object) -> None:
        """One more complaint."""
        self.take(Complaint(code, where, template, values))

    def take(self, complaint: Complaint) -> None:
        """One more complaint, made elsewhere."""
        self.count += 1
        if len(self._named) < self._most:
            self._named.append(complaint)

    def take_all(self, complaints: Iterable[Complaint]) -> None:
        """More complaints, made elsewhere."""
        for complaint in complaints:
            self.take(complaint)

    @property
    def named(self) -> tuple[Complaint, ...]:
        return tuple(self._named)

    def freeze(self) -> Complaints:
        """What was gathered so far, as a value."""
        return Complaints(self.named, self.count)

    def raise_if_any(self, what: str) -> None:
        """Raise `Refused` about `what`: one complaint speaks for itself, several are listed."""
        if self.count == 1:
            raise Refused(self._named[0].template, **self._named[0].values)
        if self.count:
            raise Refused(
                "{what} was refused for {count} reasons:\n{complaints}",
                what=what,
                count=self.count,
                complaints=self.freeze(),
            )
