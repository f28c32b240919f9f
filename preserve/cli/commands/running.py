"""`preserve run` and `preserve alarms`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, NoReturn

import click

from preserve.cli import answers, voices
from preserve.cli.amounts import parsed_budget, span_seconds
from preserve.cli.answers import moment_shown
from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.messages import _, error_said, said, sentence_said, subject_said, word
from preserve.cli.on_the_way import in_short, on_the_way_documents, on_the_way_lines
from preserve.cli.options import acts, asks
from preserve.cli.tables import table
from preserve.cli.watching import duty_document
from preserve.clock import SystemClock, stamp
from preserve.errors import Misused, NoSpace, PreserveError, Refused, Unavailable
from preserve.model.alarms import NagiosState, nagios_state, performance_data

if TYPE_CHECKING:
    from preserve.daemon.crew import Crew
    from preserve.daemon.notices import Unbooked
    from preserve.daemon.turn import TurnReport, Worked
    from preserve.daemon.works import Work
    from preserve.model.audit import Budget
    from preserve.model.concerns import Concern
    from preserve.model.duties import Duty
    from preserve.model.on_the_way import OnTheWay
    from preserve.workplace import Workplace


DAYS_PLANNED = 30
EVERY = timedelta(minutes=5)
"""How often the runner looks what is due, where nothing is known to be due earlier."""
LONGEST_SILENCE_SECONDS = 100 * 365 * 86400
"""Nobody waits longer for a sign of life, and no calendar reaches back over every span that can be typed."""
PATIENCE = timedelta(minutes=30)
"""In which time a runner that goes on gives its next sign of life, if it lives: its share of a duty, and a reserve."""


@click.command(
    help=_(
        "Do what is due by policy, the most urgent first, and say what was done; go on until stopped.\n\n"
        "With --once, do what is due now and end: for cron.  What cannot be done now, because a store is away, is left"
        " for the next time and named.  Exit code 1 when something failed, or is late all the same.  Several runners"
        " may work on one home."
    )
)
@click.option("--once", is_flag=True, help=_("do all that is due now, and end"))
@click.option("--budget", metavar="AMOUNT", help=_("begin nothing more after so much time or data: 30m, 2h, 50GiB"))
@click.option(
    "--cluster",
    metavar="ADDRESS",
    help=_("have the workers of a Dask cluster audit and replicate: tcp://host:port of its scheduler"),
)
@click.option("--plan", "plans", is_flag=True, help=_("do nothing; say what is due, and what a daily budget buys"))
@click.option(
    "--days",
    metavar="N",
    type=click.IntRange(1, 3660),
    help=_("for how many days --plan looks ahead (default: 30)"),
)
@click.option(
    "--metrics",
    metavar="[HOST:]PORT",
    help=_("let Prometheus ask for metrics at this port, of this machine alone unless HOST says otherwise"),
)
@acts
def run(
    call: Call, once: bool, budget: str | None, cluster: str | None, plans: bool, days: int | None, metrics: str | None
) -> Exit:
    from preserve.daemon.table import WORKS
    from preserve.daemon.turn import BETWEEN_RUNS, turn

    allowed = parsed_budget(budget)
    if metrics is not None and (once or plans):
        raise Misused("--metrics is for a runner that goes on; `preserve status --metrics FILE` is for one that ends")
    if plans:
        from preserve.cli.commands.planning import planned

        return planned(call, allowed, days or DAYS_PLANNED)
    if days is not None:
        raise Misused("--days says how far --plan looks ahead; it does nothing without")
    _warn_of_open_secrets(call)
    if once:
        with call.workplace() as workplace, _crew(call, cluster) as crew:
            report = turn(call.home(), workplace, WORKS, allowed, BETWEEN_RUNS, crew=crew, voices=voices.both())
            _tell(call, workplace)
            code = Exit.WELL if report.is_as_wanted else Exit.FINDINGS
            return call.answer(_document(report), _lines(report), code)
    with _metrics_shown(call, metrics):
        return _go_on(call, allowed, cluster)


def _warn_of_open_secrets(call: Call) -> None:
    from preserve import compose
    from preserve.settings.addresses import secret_file_of
    from preserve.state.signing_key import passphrase_file

    files = [passphrase_file()]
    with suppress(Refused):  # addresses that are torn are told of in their own place
        files += [file for each in compose.addresses(call.home()).values() if (file := secret_file_of(each))]
    call.warn_of_open_secrets(files)


def _go_on(call: Call, budget: Budget, cluster: str | None) -> NoReturn:
    """Turn after turn, until somebody stops it."""
    from preserve.daemon.notices import Unbooked
    from preserve.daemon.supervision import Supervisor
    from preserve.daemon.table import works_from_start

    supervisor, unbooked = Supervisor(), Unbooked()
    works = works_from_start(unbooked)
    while True:
        supervisor.alive()
        try:
            pause = _turn_told(call, works, budget, supervisor.alive, cluster)
        except NoSpace as error:  # nothing can be booked; who answers for it is told all the same
            answers.print_aside(f"preserve: {error_said(error)}")
            _tell_unbooked(call, unbooked)
            pause = EVERY
        SystemClock().sleep(pause.total_seconds())


@contextmanager
def _metrics_shown(call: Call, address: str | None) -> Iterator[None]:
    """Have metrics asked for while the runner goes on, where somebody wants that."""
    if address is None:
        yield
        return
    from preserve.cli.metrics_address import is_loopback, metrics_address
    from preserve.daemon.showing import figures, shown
    from preserve.settings.home import existing

    host, port = metrics_address(address)
    home, clock = existing(call.home_given), SystemClock()
    with shown(lambda: figures(home, clock), host, port, clock) as chosen:
        answers.print_aside(said("metrics are served at {host}:{port}", host=host, port=chosen))
        if not is_loopback(host):
            call.warn("whoever reaches {host} reads the names of stores and policies there", host=host)
        yield


def _tell(call: Call, workplace: Workplace) -> None:
    """After all is done that was due: tell people what is left, once; who cannot be told is an incident."""
    from preserve import compose
    from preserve.daemon.notices import tell
    from preserve.daemon.table import WORKS
    from preserve.daemon.works import Shift

    try:
        shift = Shift(call.home(), workplace, compose.policies(workplace.books), voices=voices.both())
        report = tell(shift, WORKS)
    except (Unavailable, Refused) as error:  # another runner is telling, say: what was done is reported all the same
        call.warn("nobody was told what is left: {why}", why=error)
        return
    for failure in report.failed:
        call.warn("{owner} could not be told: {why}", owner=failure.addressee, why=failure.error)


def _tell_unbooked(call: Call, unbooked: Unbooked) -> None:
    """Tell people while the home's disk is full; whom that does not reach reads the log."""
    from preserve.daemon.table import WORKS
    from preserve.settings.home import existing

    try:
        report = unbooked.tell(existing(call.home_given), WORKS, voices.both(), SystemClock())
    except PreserveError as error:
        call.warn("nobody was told what is left: {why}", why=error)
        return
    for failure in report.failed:
        call.warn("{owner} could not be told: {why}", owner=failure.addressee, why=failure.error)


def _turn_told(
    call: Call, works: Sequence[Work], budget: Budget, sign: Callable[[], None], cluster: str | None
) -> timedelta:
    """One turn of a runner that goes on; returns how long to wait for the next.  Raises `NoSpace` of the home."""
    from preserve.daemon.turn import turn

    try:
        with call.workplace() as workplace, _crew(call, cluster) as crew:
            report = turn(call.home(), workplace, works, budget, PATIENCE, sign, crew, voices.both())
            answers.print_aside(*_told(report))
            now = workplace.clock.now()
    except NoSpace:
        raise
    except Unavailable as error:  # the next turn tries again, and its heartbeat is missed meanwhile
        answers.print_aside(f"preserve: {error_said(error)}")
        return EVERY
    if report.next_due is None:
        return EVERY
    return min(EVERY, max(report.next_due.begins_at - now, timedelta(seconds=1)))


@contextmanager
def _crew(call: Call, cluster: str | None) -> Iterator[Crew]:
    """Who carries out heavy work in one turn; a scheduler that was away is asked anew at the next."""
    if cluster is None:
        from preserve.daemon.crew import ALONE

        yield ALONE
        return
    from preserve.daemon.cluster import crew_of

    with crew_of(call.home(), cluster) as crew:
        yield crew


def _told(report: TurnReport) -> Iterator[str]:
    """What a turn did, a line for each duty, and what is wrong with the running itself, for the log."""
    for each in report.worked:
        yield said(
            "{duty} of {about}: {ending}; {what}",
            duty=word(each.duty.kind),
            about=each.duty.subject,
            ending=word(each.ended.ending),
            what=sentence_said(each.ended.what),
        )
    yield from _alarm_lines(report)


@click.command(
    help=_(
        "Say what is late or wrong in the running, from outside: it needs no runner that lives.\n\n"
        "Late is what policy wanted done by now: audits, copies, repairs, and whatever else is scheduled; and the"
        " runner itself, when it gives no sign of life.  Where none ever ran that is a warning, and with --max-silence,"
        " which says that one is counted on, as grave as where one died.  Exit code 1 for any alarm.  With --nagios,"
        " one line and the exit codes of monitoring plugins: 0 well, 1 warning, 2 critical, 3 unknown."
    )
)
@click.option("--nagios", is_flag=True, help=_("answer as a monitoring plugin does"))
@click.option("--max-silence", metavar="TIME", help=_("how old the last sign of life may be: 30m, 26h, 2d"))
@asks
def alarms(call: Call, nagios: bool, max_silence: str | None) -> Exit:
    from preserve import compose
    from preserve.daemon.table import WORKS
    from preserve.daemon.watching import look
    from preserve.daemon.works import Shift

    longest = None
    if max_silence is not None:
        seconds = span_seconds(max_silence)
        if not seconds:
            raise Misused("--max-silence: {text} is no span of time; write it like 30m, 26h or 2d", text=max_silence)
        longest = timedelta(seconds=min(seconds, LONGEST_SILENCE_SECONDS))
    try:
        with call.workplace(patient=False) as workplace:
            shift = Shift(call.home(), workplace, compose.policies(workplace.books))
            looked = look(shift, WORKS, longest)
    except PreserveError as error:
        if not nagios:
            raise
        answers.print_lines([f"PRESERVE {NagiosState.UNKNOWN.value} - {error_said(error)}"])
        return Exit(NagiosState.UNKNOWN.code)
    found, coming = looked.alarms, looked.status.on_the_way
    if nagios:
        return _nagios(found, coming)
    document = {
        "alarms": [
            {
                "kind": each.kind.value,
                "subject": each.subject,
                "what": sentence_said(each.what),
                "remedy": sentence_said(each.remedy),
                "since": each.since,
                "count": each.count,
            }
            for each in found
        ],
        "on_the_way": on_the_way_documents(coming),
    }
    rows = ((word(each.kind), subject_said(each.subject), sentence_said(each.what)) for each in found)
    lines = table((_("alarm"), _("about"), _("what")), rows, none=_("Nothing is late, and nothing is wrong."))
    return call.answer(document, chain(lines, on_the_way_lines(coming)), Exit.FINDINGS if found else Exit.WELL)


def _nagios(found: Sequence[Concern], coming: Sequence[OnTheWay]) -> Exit:
    """One line with the worst first, and the figures; the other alarms, and what is on its way, in lines of their own.

    Where nothing is wrong the line itself says that copies are still to come: nobody reads on there.
    """
    state = nagios_state(found)
    said_of = [sentence_said(each.what).replace("|", "/") for each in found]
    first = said_of[0] if said_of else _("Nothing is late, and nothing is wrong.")
    if coming and not said_of:
        first = f"{first} {in_short(coming, voices.person())}"
    figures = " ".join(performance_data(found, sum(each.count for each in coming)))
    answers.print_lines([f"PRESERVE {state.value} - {first} | {figures}", *said_of[1:], *on_the_way_lines(coming)])
    return Exit(state.code)


def _document(report: TurnReport) -> dict[str, object]:
    return {
        "worked": [
            {
                **duty_document(each.duty),
                "ending": each.ended.ending.value,
                "what": sentence_said(each.ended.what),
                "bytes_moved": each.ended.bytes,
            }
            for each in report.worked
        ],
        "left": [duty_document(duty) for duty in report.left],
        "waiting": [duty_document(duty) for duty in report.waiting],
        "late": [duty.name for duty in report.late],
        "failing": [{"kind": kind.value, "why": sentence_said(why)} for kind, why in report.failing.items()],
        "clock_doubted": report.doubted_clock,
        "next": duty_document(report.next_due) if report.next_due else None,
        "ended_by_budget": report.is_ended_by_budget,
        "seconds": report.seconds,
    }


def _lines(report: TurnReport) -> Iterator[str]:
    if not report.worked and not report.left and not report.waiting:
        yield _("Nothing was due.")
    yield from _worked_lines(report.worked)
    if report.left:
        yield _("Still due:")
        yield from duty_lines(report.left)
    if report.waiting:
        yield _("Waiting for the window of a store or a policy:")
        yield from duty_lines(report.waiting)
    yield from _alarm_lines(report)
    if report.next_due:
        yield said(
            "next: {duty} of {about}, {moment}",
            duty=word(report.next_due.kind),
            about=report.next_due.subject,
            moment=moment_shown(stamp(report.next_due.begins_at)),
        )
    if report.is_ended_by_budget:
        yield _("the budget ended this run before all was begun; the next goes on")


def _alarm_lines(report: TurnReport) -> Iterator[str]:
    for kind, why in report.failing.items():
        yield said("ALARM: {kind}: {why}", kind=word(kind), why=sentence_said(why))
    if report.doubted_clock:
        yield said(
            "ALARM: the clock is not to be trusted ({incident}); what hangs on dates is left alone until a person has"
            " closed it, or the clock is right again",
            incident=report.doubted_clock,
        )


def _worked_lines(worked: Sequence[Worked]) -> Iterator[str]:
    if worked:
        rows = (
            (word(each.duty.kind), each.duty.subject, word(each.ended.ending), sentence_said(each.ended.what))
            for each in worked
        )
        yield from table((_("duty"), _("about"), _("how it ended"), _("what")), rows)


def duty_lines(duties: Sequence[Duty]) -> Iterator[str]:
    """Duties as a table."""
    rows = (
        (
            word(duty.kind),
            duty.subject,
            moment_shown(stamp(duty.begins_at)),
            moment_shown(stamp(duty.latest)) if duty.latest else "-",
            sentence_said(duty.why),
        )
        for duty in duties
    )
    yield from table((_("duty"), _("about"), _("due"), _("late after"), _("why")), rows)
