"""The work of telling the formats of files: what a policy asks for, when nothing keeps records safe any more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from preserve import compose
from preserve.daemon.works import Shift, Work
from preserve.errors import Refused
from preserve.model.duties import Duty, DutyKind, Ended, Ending
from preserve.model.sentences import sentence


def _not_identified(shift: Shift, now: datetime) -> Iterator[Duty]:
    """One duty for each policy that asks for it and under which packages, or copies without their list, wait."""
    for policy, waiting in _waiting(shift).items():
        why = sentence("packages whose formats nobody told with the signatures in use: {count}", count=waiting.packages)
        if not waiting.packages:
            why = sentence("copies without the list of formats beside them: {count}", count=waiting.lists)
        yield Duty(DutyKind.IDENTIFICATION, policy, now, why, copies=waiting.count, policies=(policy,))


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What waits under a policy: packages to be identified, and copies in stores in reach that lack the list."""

    packages: int
    lists: int

    @property
    def count(self) -> int:
        return self.packages + self.lists


def _waiting(shift: Shift) -> dict[str, _Waiting]:
    """What waits, by policy."""
    rules = {name: policy.formats for name, policy in shift.policies.items() if policy.formats is not None}
    if not rules:
        return {}
    books, away = shift.workplace.books, shift.workplace.away
    found = {}
    for standing in books.identification_standings(compose.release_in_use(books)):
        rule = rules.get(standing.policy)
        if rule is None:
            continue
        lacking = books.count_without_format_list(standing.policy)
        lists = sum(count for store, count in lacking.items() if store not in away)
        waiting = _Waiting(standing.never + (standing.earlier if rule.again_on_release else 0), lists)
        if waiting.count:
            found[standing.policy] = waiting
    return found


def _identify(shift: Shift, duty: Duty) -> Ended:
    """Tell formats under one policy, until none is due or the allowance is spent."""
    from preserve.operations.identify_formats import IdentifyRequest, identify_formats

    policy = shift.policies.get(duty.subject)
    if policy is None or policy.formats is None:
        raise Refused("{subject} is no policy in force", subject=duty.subject)
    only_new = not policy.formats.again_on_release
    request = IdentifyRequest((policy.name,), only_new=only_new, most_seconds=shift.allowance.seconds)
    with compose.identifier(shift.workplace) as identifier:
        report = identify_formats(shift.workplace, request, identifier)
    told = sum(each.bytes for each in report.identified)
    left = _waiting(shift).get(policy.name, _Waiting(0, 0))
    what = sentence("packages identified: {count}; still due: {left}", count=len(report.identified), left=left.count)
    if report.not_identified:
        return Ended(Ending.PUT_OFF if report.is_only_away else Ending.FAILED, what, told)
    if left.count and not report.identified and not report.kept:
        return Ended(Ending.PUT_OFF, what, told)  # a store that does not take the lists now
    return Ended(Ending.PARTLY if left.count else Ending.DONE, what, told)


IDENTIFICATION = Work(DutyKind.IDENTIFICATION, _not_identified, _identify)
