"""What rules are made of: figures asked for by their kind, and the opinions a rule may have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from preserve.model.nouns import Role
from preserve.model.policy import Policy
from preserve.model.requirements import Figure, KeyPath, Opinion, Verdict
from preserve.model.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a requirement.  Data and rules are held together by a test."""

    values: Mapping[str, Figure]

    def whole(self, name: str) -> int:
        """A whole number."""
        return int(str(self.values[name]))

    def text(self, name: str) -> str:
        """A text."""
        return str(self.values[name])

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts."""
        values = self.values[name]
        return tuple(map(str, values)) if isinstance(values, tuple) else (str(values),)


Rule = Callable[[Policy, Figures], Opinion]


def met(path: KeyPath, template: str, **values: object) -> Opinion:
    """The policy does it, and so does the program."""
    return Opinion(Verdict.MET, Sentence(template, values), path)


def promised(path: KeyPath, template: str, **values: object) -> Opinion:
    """The policy asks for it, and this version of the program does not carry it out yet."""
    return Opinion(Verdict.PROMISED, Sentence(template, values), path)


def missed(path: KeyPath, template: str, **values: object) -> Opinion:
    """The policy does not ask for it, or for less; the sentence says what would."""
    return Opinion(Verdict.MISSED, Sentence(template, values), path)


def not_concerned(template: str, **values: object) -> Opinion:
    """The requirement is about something else."""
    return Opinion(Verdict.NOT_CONCERNED, Sentence(template, values))


def not_judged(template: str, **values: object) -> Opinion:
    """The policy does not say enough to tell."""
    return Opinion(Verdict.NOT_JUDGED, Sentence(template, values))


def path_of(policy: Policy, role: Role) -> KeyPath:
    """Where the copies on a role stand; () where there are none."""
    return next((("copies", number) for number, rule in enumerate(policy.copies) if rule.role is role), ())
