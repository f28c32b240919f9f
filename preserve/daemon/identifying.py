"""The work of telling the formats of files: what a policy asks for, when nothing keeps records safe any more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from preserve import compose
from preserve.daemon.works import Shift, Work
from preserve.errors import Refused
from preserve.model.duties import Duty, DutyKind, Ended, Ending
from preserve.model.sentences import sentence


def _not_identified(shift: Shift, now: datetime) -> Iterator[Duty]:
    """One duty for each policy that asks for it and under which packages wait."""
    for policy, count in _waiting(shift).items():
        why = sentence("packages whose formats nobody told with the signatures in use: {count}", count=count)
        yield Duty(DutyKind.IDENTIFICATION, policy, now, why, copies=count, policies=(policy,))


def _waiting(shift: Shift) -> dict[str, int]:
    """How many packages wait, by policy."""
    rules = {name: policy.formats for name, policy in shift.policies.items() if policy.formats is not None}
    if not rules:
        return {}
    books = shift.workplace.books
    found = {}
    for standing in books.identification_standings(compose.release_in_use(books)):
        rule = rules.get(standing.policy)
        count = standing.never + (standing.earlier if rule is not None and rule.again_on_release else 0)
        if rule is not None and count:
            found[standing.policy] = count
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
    what = sentence(
        "packages identified: {count}; still due: {left}",
        count=len(report.identified),
        left=_waiting(shift).get(policy.name, 0),
    )
    if report.not_identified:
        return Ended(Ending.PUT_OFF if report.is_only_away else Ending.FAILED, what, told)
    return Ended(Ending.PARTLY if _waiting(shift).get(policy.name) else Ending.DONE, what, told)


IDENTIFICATION = Work(DutyKind.IDENTIFICATION, _not_identified, _identify)
