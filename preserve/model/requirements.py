"""Requirements of laws and standards as data: where each comes from, how far that was verified, how it is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from preserve.model.sentences import Sentence

Figure = int | str | bool | tuple[str, ...] | tuple[int, ...]
KeyPath = tuple[str | int, ...]


class Mark(StrEnum):
    """How far the wording and the figures of a requirement were verified."""

    SEEN = "seen"  # in a source
    SECOND_HAND = "second_hand"  # as somebody else quotes it
    MEMORY = "memory"
    UNSURE = "unsure"
    OURS = "ours"  # nobody's law: this program's own

    @property
    def is_verified(self) -> bool:
        return self is Mark.SEEN


@dataclass(frozen=True, slots=True)
class Words:
    """The same in Chinese and English."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Source:
    """A law, a standard or another source, in the edition that was used; "" where that is not known."""

    name: Words
    edition: str


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement.  Either `rule` names how it is judged from a policy, with `figures`, or `needs` what that takes.

    `of_whom` says who is asked, where not everybody is.
    """

    id: str
    source: Source
    clause: str
    mark: Mark
    text: Words
    of_whom: Words | None = None
    rule: str | None = None
    figures: Mapping[str, Figure] = field(default_factory=dict)
    needs: Words | None = None


class Verdict(StrEnum):
    """What a policy does about a requirement."""

    MISSED = "missed"
    PROMISED = "promised"  # asked for; this version of the program does not carry it out yet
    MET = "met"
    NOT_CONCERNED = "not_concerned"  # it is about records or media that the policy is not about
    NOT_JUDGED = "not_judged"  # it takes facts that no policy holds


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a rule says of a policy, why, and by which key of the policy; () where the policy does not speak of it."""

    verdict: Verdict
    why: Sentence
    path: KeyPath = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """A requirement and the opinion about it; `why` is None where it is not judged."""

    requirement: Requirement
    verdict: Verdict
    why: Sentence | None = None
    path: KeyPath = ()
