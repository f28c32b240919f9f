"""What those who watch the service are shown: status, duties, and what is to be seen to, of one moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from preserve import compose, environment
from preserve.clock import stamp
from preserve.daemon import heartbeat
from preserve.daemon.deriving import Derived, by_clock, derived, duties_name
from preserve.daemon.works import Shift, Work
from preserve.errors import Refused
from preserve.model.audit import is_to_come
from preserve.model.concerns import UNATTENDED, Concern, ConcernKind, FindingsSeen, LateSeen, Seen, concerns
from preserve.model.duties import Duty
from preserve.model.policy import Policy
from preserve.model.sentences import Sentence, sentence
from preserve.model.signs_of_life import NEVER, SignOfLife, Silence, silences
from preserve.operations.status import StatusReport, status

LONGEST_UNTOLD = timedelta(hours=26)
"""So long ago somebody must have looked whether there is anything to tell: a day, and what a daily run may shift."""


@dataclass(frozen=True, slots=True)
class Looked:
    """How everything stood at the moment `at`; `home_id` names the home in its ledger.

    `duties` are all that can be derived, those to come too, in the order in which they are done.  Of `policies` the
    owners of those `answering` are told: nobody answers for what came along with the program and is not used.  At
    `noticed_at` somebody last looked whether there is anything to tell, and so many addressees cannot be told.
    `unattended` is set where work falls due and no runner ever ran: policy wants the work done, not a runner, so that
    this is nothing to see to for who does it by hand, and an alarm for who watches the running.
    """

    at: datetime
    home_id: str
    status: StatusReport
    findings: tuple[FindingsSeen, ...]
    duties: tuple[Duty, ...]
    concerns: tuple[Concern, ...]
    policies: Mapping[str, Policy]
    answering: Mapping[str, Policy]
    noticed_at: datetime | None
    notices_failing: int
    unattended: Concern | None = None

    @property
    def is_as_wanted(self) -> bool:
        """Whether nothing is to be seen to, but for what waits for a person's decision: by that nothing is wrong."""
        return self.status.is_as_wanted and all(each.kind is ConcernKind.WAITING for each in self.concerns)

    @property
    def alarms(self) -> tuple[Concern, ...]:
        """What those are told who watch the running from outside."""
        wrong = tuple(each for each in self.concerns if each.kind is not ConcernKind.WAITING)
        return wrong if self.unattended is None else (*wrong, self.unattended)

    @property
    def late(self) -> list[Duty]:
        """Duties that should have been done by now, as far as the clock tells."""
        return [] if self.status.clock_doubt else [duty for duty in self.duties if duty.is_late(self.at)]


def look(shift: Shift, works: Sequence[Work], longest: timedelta | None = None) -> Looked:
    """Look at everything once: the books, a glance at each store, and what the works say is due.

    The last sign of life of a runner may be so old as it said itself, or as `longest`: whoever says that counts on a
    runner, and where none ever ran it is silent.  By a clock that is not to be trusted nothing is late, nor is it known
    not to be.  Raises `Tampered` where the books themselves do not fit.
    """
    workplace, now = shift.workplace, shift.now()
    report = status(workplace, compose.policy_in_force(workplace.books), shift.policies)
    due = derived(by_clock(works, is_trusted=report.clock_doubt is None), shift, now)
    duties = tuple(due.duties)
    findings = tuple(workplace.books.open_findings_alike())
    signs = heartbeat.signs(shift.home, workplace.books)
    seen = Seen(
        alarm=str(report.alarm) if report.alarm else None,
        machine=environment.machine_name(),
        clock_doubt=report.clock_doubt,
        silences=() if report.clock_doubt else tuple(_silences(signs, now, longest)),
        findings=findings,
        incidents=report.incidents,
        short={each.policy: each.short for each in report.holdings},
        overdue=report.overdue_in,
        lacking=report.lacking,
        too_close=report.too_close,
        rooms=report.rooms,
        migrations=report.migrations,
        away={store.name: store.away_since for store in report.stores if store.is_wanting},
        unfinished=report.unfinished_count,
        unfinished_since=min((each.accession.accession_at for each in report.unfinished), default=None),
        late=(*_failing(due, now), *(() if report.clock_doubt else (*_late(duties, now), *_untold(shift, now)))),
    )
    return Looked(
        at=now,
        home_id=workplace.books.home_id(),
        status=report,
        findings=findings,
        duties=duties,
        concerns=tuple(concerns(seen)),
        policies=shift.policies,
        answering=compose.policies_in_use(workplace.books, shift.policies),
        noticed_at=workplace.books.noticed_at(),
        notices_failing=sum(each.is_failing for each in workplace.books.deliveries().values()),
        unattended=UNATTENDED if duties and not signs and longest is None else None,
    )


def _silences(signs: Sequence[SignOfLife], now: datetime, longest: timedelta | None) -> Iterable[Silence]:
    return [NEVER] if longest is not None and not signs else silences(signs, now, longest)


def _failing(due: Derived, now: datetime) -> Iterable[LateSeen]:
    """Kinds of work of which nobody can tell what is due: what is late of them is not known either."""
    for kind, why in due.failing.items():
        yield LateSeen(duties_name(kind), why, stamp(now))


def _late(duties: Iterable[Duty], now: datetime) -> Iterable[LateSeen]:
    for duty in duties:
        if duty.is_late(now):
            yield LateSeen(duty.name, duty.why, stamp(duty.owed_since))


def _untold(shift: Shift, now: datetime) -> Iterable[LateSeen]:
    """That nobody looks any more whether there is anything to tell, in a home whose owners are to be told."""
    last = shift.workplace.books.noticed_at()
    try:
        addresses = compose.addresses(shift.home)
    except Refused as error:  # nobody can be told, and whoever looks has to know that of all things
        yield LateSeen("notices", Sentence(error.template, error.values), stamp(now))
        return
    if last is not None and addresses and (is_to_come(last, now) or last + LONGEST_UNTOLD < now):
        template = "nobody has looked since {moment} whether there is anything to tell the owners"
        what = sentence(template, moment=last.isoformat(" ", "seconds"))
        yield LateSeen("notices", what, stamp(last))
