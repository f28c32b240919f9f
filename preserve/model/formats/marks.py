"""What a pilot saw of a pathway as marks, by which alternatives are compared (`preserve.model.formats.governance`)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from preserve.model.formats.file_results import FileFate
from preserve.model.formats.governance import Criterion, Option
from preserve.model.formats.losses import Comparison, LossSeverity
from preserve.model.formats.pathways import Pathway
from preserve.model.formats.registry import Format, FormatRegister, Openness
from preserve.model.migrations import Piloted, Tallied

BEST = 100


@dataclass(frozen=True, slots=True)
class MarkRule:
    """How marks follow from what was seen, and what each criterion weighs (policies/formats/migration-rule.toml).

    `milliseconds` and `growth_percent` are (up to, mark) in rising order, and `beyond` the mark past the last of them;
    `readers_here` is (from, mark).  `source` says where the figures come from, `is_verified` whether they stand in a
    standard that was read.
    """

    weights: Mapping[Criterion, int]
    losses: Mapping[LossSeverity, int]
    milliseconds: tuple[tuple[int, int], ...]
    growth_percent: tuple[tuple[int, int], ...]
    beyond: int
    openness: Mapping[Openness, int]
    not_in_register: int
    accepted_nowhere: int
    readers_here: tuple[tuple[int, int], ...]
    source: str
    is_verified: bool


def marks(
    rule: MarkRule, pathway: Pathway, register: FormatRegister, alive: Collection[str], seen: Tallied
) -> Mapping[Criterion, int]:
    """The marks of a pathway; `alive` are the readers on this machine, by their ids in the register.

    None at all where no file was given to its tool: nobody can say how faithful it is, or what it costs.
    """
    if not _tried(seen):
        return {}
    targets = [register.of(puid) for puid in pathway.targets]
    return {
        Criterion.FIDELITY: _fidelity(rule, pathway, seen),
        Criterion.COST: _cost(rule, seen),
        Criterion.OPENNESS: min(_openness(rule, each) for each in targets),
        Criterion.TOOL_HEALTH: _tool_health(rule, targets, alive, seen),
    }


def options(outcomes: Iterable[Piloted]) -> tuple[Option, ...]:
    """What a pilot tried, as what can be ranked; a pathway of which nothing is known has no place among them."""
    return tuple(Option(each.pathway, each.marks) for each in outcomes if each.marks)


def _tried(seen: Tallied) -> int:
    """How many files a tool was given: what is encrypted or empty is none's to convert."""
    return seen.files - seen.of(FileFate.REFUSED)


def _fidelity(rule: MarkRule, pathway: Pathway, seen: Tallied) -> int:
    converted = seen.of(FileFate.CONVERTED)
    lost = sum(
        rule.losses[each.severity] * each.files for each in seen.losses if each.comparison is Comparison.DECLARED
    )
    unseen = sum(rule.losses[each.severity] for each in pathway.losses if each.what is None)
    return max(0, BEST * converted - lost - unseen * converted) // _tried(seen)


def _cost(rule: MarkRule, seen: Tallied) -> int:
    milliseconds = (seen.milliseconds + seen.judging_milliseconds) // _tried(seen)
    growth = BEST * seen.bytes_after // seen.bytes_before if seen.bytes_before else BEST
    return (_up_to(rule.milliseconds, milliseconds, rule) + _up_to(rule.growth_percent, growth, rule)) // 2


def _up_to(steps: tuple[tuple[int, int], ...], value: int, rule: MarkRule) -> int:
    return next((mark for most, mark in steps if value <= most), rule.beyond)


def _openness(rule: MarkRule, target: Format | None) -> int:
    if target is None:
        return rule.not_in_register
    return max(0, rule.openness[target.openness] - (0 if target.accepted else rule.accepted_nowhere))


def _tool_health(rule: MarkRule, targets: Iterable[Format | None], alive: Collection[str], seen: Tallied) -> int:
    readers = min(sum(id_ in alive for id_ in each.readers) if each is not None else 0 for each in targets)
    mark = max(mark for least, mark in rule.readers_here if readers >= least)
    return max(0, mark - BEST * seen.of(FileFate.FAILED) // _tried(seen))
