"""The status as metrics for Prometheus: a file for node_exporter, or served by the daemon.

Names follow Prometheus's conventions (https://prometheus.io/docs/practices/naming/): base units, the unit at the end of
the name.  All are gauges: they say how things stand, and a series that is gone says that the thing is gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from preserve import __version__
from preserve.clock import moment_of
from preserve.daemon.watching import Looked
from preserve.errors import Refused
from preserve.model.concerns import ConcernKind
from preserve.model.drills import DrillVerdict, spread
from preserve.model.duties import DutyKind
from preserve.model.incidents import IncidentKind
from preserve.model.migration_waits import WaitsFor
from preserve.model.nouns import Condition, CopyState
from preserve.model.policy import DAY_SECONDS
from preserve.operations.survey import SurveyReport

if TYPE_CHECKING:
    from prometheus_client.core import Metric


@dataclass(frozen=True, slots=True)
class Gauge:
    """One metric: its name without the prefix, what it says, the names of its labels."""

    name: str
    says: str
    labels: tuple[str, ...] = ()


BUILD = Gauge("build_info", "Always 1; the version is the label.", ("version",))
STATUS_AT = Gauge("status_timestamp_seconds", "When these figures were made; old figures are an alarm.")
OK = Gauge("ok", "1 where all is as policy wants it, else 0.")
LEDGER_ALARM = Gauge("ledger_alarm", "1 where a store contradicts the ledger of this home, or knows more of it.")
PACKAGES = Gauge("packages", "Packages kept.", ("policy",))
NOT_SAFE = Gauge("packages_not_safe", "Packages with fewer verified copies than policy wants by now.", ("policy",))
COMING = Gauge(
    "packages_on_the_way",
    "Packages of which all copies that policy wants by now are verified, and others are still to come.",
    ("policy",),
)
COPIES_COMING = Gauge(
    "copies_on_the_way", "Copies not verified yet, for which policy still allows time.", ("policy", "role")
)
COMING_DUE = Gauge(
    "copies_on_the_way_due_timestamp_seconds", "By when the first of these copies is due.", ("policy", "role")
)
PAYLOAD_FILES = Gauge("payload_files", "Files deposited.", ("policy",))
PAYLOAD_BYTES = Gauge("payload_bytes", "Bytes of the files deposited.", ("policy",))
COPIES = Gauge("copies", "Copies by state; only verified ones count as safe.", ("store", "role", "state"))
OVERDUE = Gauge("copies_overdue", "Copies not looked at for longer than policy allows.", ("store", "policy"))
POSTDATED = Gauge("copies_postdated", "Copies whose last look is dated on a day still to come.")
BY_AGE = Gauge(
    "copies_by_audit_age", "Copies by how much of the age that policy allows their last look has.", ("store", "band")
)
OLDEST = Gauge("audit_oldest_age_seconds", "Age of the look at a copy that is longest ago, in whole days.", ("store",))
LIMIT = Gauge("audit_age_limit_seconds", "The shortest age of a look that a policy allows there.", ("store",))
FINDINGS = Gauge("findings_open", "Open findings.", ("store", "condition"))
INCIDENTS = Gauge("incidents_open", "Open incidents.", ("kind",))
CONCERNS = Gauge("concerns", "What is to be seen to.", ("kind",))
UP = Gauge("store_up", "1 where a store answers, else 0.", ("store", "role"))
WANTING = Gauge("store_wanting", "1 where a store does not answer that should, else 0.", ("store", "role"))
UNPUBLISHED = Gauge("ledger_unpublished_entries", "Entries of the ledger that a store lacks.", ("store",))
ENTRIES = Gauge("ledger_entries", "Entries of the ledger.")
UNFINISHED = Gauge("accessions_unfinished", "Accessions begun and neither completed nor given up.")
FREE = Gauge("free_bytes", "What the disk takes still that holds the home (no store) or a store.", ("store",))
FLOOR = Gauge("free_floor_bytes", "What should be free there; less is an alarm.", ("store",))
DUE = Gauge("duties_due", "Work that is due.", ("kind",))
LATE = Gauge("duties_late", "Work that should have been done by now.", ("kind",))
LOCK = Gauge(
    "lock_runway_seconds", "Until the first object lock in a store ends; negative: since it has ended.", ("store",)
)
DRILLS = Gauge("drills", "Drills booked, of the newest, by how they ended.", ("store", "passed"))
ENDS_OF_DRILLS = {DrillVerdict.PASSED: "yes", DrillVerdict.IN_PART: "in part", DrillVerdict.FAILED: "no"}
DRILL_AT = Gauge("drill_last_passed_timestamp_seconds", "When the last drill that passed was begun.", ("store",))
DRILL_RTO = Gauge("drill_rto_seconds", "How long drills took until all was verified.", ("store", "percentile"))
DRILL_RPO = Gauge("drill_rpo_seconds", "What drills would have lost.", ("store", "percentile"))
NOTICED_AT = Gauge("notices_timestamp_seconds", "When somebody last looked whether there is anything to tell.")
NOTICES_FAILING = Gauge("notices_failing", "Addressees who cannot be told.")
WAITING = Gauge("migrations_waiting", "Migrations of formats that wait for a person.", ("for",))

GAUGES = (
    BUILD, STATUS_AT, OK, LEDGER_ALARM, PACKAGES, NOT_SAFE, COMING, COPIES_COMING, COMING_DUE, PAYLOAD_FILES,
    PAYLOAD_BYTES, COPIES, OVERDUE, POSTDATED, BY_AGE, OLDEST, LIMIT, FINDINGS, INCIDENTS, CONCERNS, UP, WANTING,
    UNPUBLISHED, ENTRIES, UNFINISHED, FREE, FLOOR, DUE, LATE, LOCK, DRILLS, DRILL_AT, DRILL_RTO, DRILL_RPO, NOTICED_AT,
    NOTICES_FAILING, WAITING,
)  # fmt: skip
"""Every metric there is, in the order in which they are told."""

Sample = tuple[Gauge, tuple[str, ...], float]


def samples(looked: Looked, surveyed: SurveyReport) -> Iterator[Sample]:
    """What there is to tell, metric by metric."""
    status = looked.status
    yield BUILD, (__version__,), 1
    yield STATUS_AT, (), looked.at.timestamp()
    yield OK, (), float(looked.is_as_wanted)
    yield LEDGER_ALARM, (), float(looked.status.alarm is not None)
    yield POSTDATED, (), status.postdated
    yield ENTRIES, (), status.ledger_entries
    yield UNFINISHED, (), status.unfinished_count
    yield from _of_holdings(looked)
    yield from _of_those_coming(looked)
    yield from _of_stores(looked)
    yield from _of_ages(looked, surveyed)
    for room in status.rooms:
        yield FREE, (room.store or "",), room.free_bytes
        yield FLOOR, (room.store or "",), room.floor_bytes
    yield from _of_kinds(looked)
    yield from _of_drills(surveyed)
    yield NOTICES_FAILING, (), looked.notices_failing
    if looked.noticed_at is not None:
        yield NOTICED_AT, (), looked.noticed_at.timestamp()


def _of_drills(surveyed: SurveyReport) -> Iterator[Sample]:
    for store in sorted({each.store for each in surveyed.drills}):
        mine = [each for each in surveyed.drills if each.store == store]
        for verdict, label in ENDS_OF_DRILLS.items():
            yield DRILLS, (store, label), sum(each.verdict is verdict for each in mine)
        passed = [each for each in mine if each.has_passed]
        if passed:
            yield DRILL_AT, (store,), moment_of(passed[-1].begun_at).timestamp()
        for gauge, values in ((DRILL_RTO, [each.rto_seconds for each in mine if each.rto_seconds is not None]),
                              (DRILL_RPO, [float(each.lost_seconds) for each in mine])):  # fmt: skip
            found = spread(values)
            if found is not None:
                yield gauge, (store, "50"), found.p50
                yield gauge, (store, "95"), found.p95


def _of_holdings(looked: Looked) -> Iterator[Sample]:
    for each in looked.status.holdings:
        yield PACKAGES, (each.policy,), each.packages
        yield NOT_SAFE, (each.policy,), each.short
        yield COMING, (each.policy,), each.on_the_way
        yield PAYLOAD_FILES, (each.policy,), each.payload_files
        yield PAYLOAD_BYTES, (each.policy,), each.payload_bytes
    for (policy, store), count in looked.status.overdue_in.items():
        yield OVERDUE, (store, policy), count


def _of_those_coming(looked: Looked) -> Iterator[Sample]:
    """By policy and role; roles for which a policy allows time are told where none is coming too, with no date."""
    for name, policy in looked.policies.items():
        for role in dict.fromkeys(rule.role for rule in policy.copies if rule.within_seconds):
            those = [each for each in looked.status.on_the_way if (each.policy, each.role) == (name, role)]
            yield COPIES_COMING, (name, role.value), sum(each.count for each in those)
            if those:
                yield COMING_DUE, (name, role.value), min(each.first_due_at for each in those).timestamp()


def _of_stores(looked: Looked) -> Iterator[Sample]:
    for store in looked.status.stores:
        role = store.role.value
        for state in CopyState:
            yield COPIES, (store.name, role, state.value), store.copies.get(state, 0)
        yield UP, (store.name, role), float(store.away_because is None)
        yield WANTING, (store.name, role), float(store.is_wanting)
        yield UNPUBLISHED, (store.name,), looked.status.ledger_entries - store.published
    findings: Counter[tuple[str, Condition]] = Counter()
    for finding in looked.findings:
        findings[finding.store, finding.condition] += finding.count
    for store in looked.status.stores:
        for condition in Condition:
            yield FINDINGS, (store.name, condition.value), findings[store.name, condition]


def _of_ages(looked: Looked, surveyed: SurveyReport) -> Iterator[Sample]:
    for each in surveyed.ages:
        for band, count in each.bands.items():
            yield BY_AGE, (each.store, band.value), count
        yield OLDEST, (each.store,), max((looked.at.date() - each.oldest).days, 0) * DAY_SECONDS
        if each.limit_days is not None:
            yield LIMIT, (each.store,), each.limit_days * DAY_SECONDS
    for store, ends_at in surveyed.lock_ends.items():
        yield LOCK, (store,), (moment_of(ends_at) - looked.at).total_seconds()


def _of_kinds(looked: Looked) -> Iterator[Sample]:
    """Kinds of which there are none are told too: an alert on a series that never was there never fires."""
    incidents = Counter(each.kind for each in looked.status.incidents)
    for incident in IncidentKind:
        yield INCIDENTS, (incident.value,), incidents[incident]
    concerns = Counter(each.kind for each in looked.alarms)
    for concern in ConcernKind:
        yield CONCERNS, (concern.value,), concerns[concern]
    waits = Counter(wait.what for each in looked.status.migrations for wait in each.waits)
    for wanted in WaitsFor:
        yield WAITING, (wanted.value,), waits[wanted]
    due = Counter(each.kind for each in looked.duties if each.is_due(looked.at))
    late = Counter(each.kind for each in looked.late)
    for kind in DutyKind:
        yield DUE, (kind.value,), due[kind]
        yield LATE, (kind.value,), late[kind]


def families(told: Iterable[Sample]) -> list[Metric]:
    """Samples as the library writes them."""
    from prometheus_client.core import GaugeMetricFamily

    made = {each.name: GaugeMetricFamily(f"preserve_{each.name}", each.says, labels=each.labels) for each in GAUGES}
    for gauge, labels, value in told:
        made[gauge.name].add_metric(labels, value)
    return [family for family in made.values() if family.samples]


class Board:
    """What is shown to who asks, until the next is put there: nobody who asks makes the service count."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._shown: Sequence[Metric] = ()

    def put(self, shown: Sequence[Metric]) -> None:
        """Show this from now on."""
        with self._lock:
            self._shown = shown

    def collect(self) -> Iterable[Metric]:
        """What is shown; the library calls this."""
        with self._lock:
            return self._shown

    def text(self) -> bytes:
        """In Prometheus's text format."""
        from prometheus_client import CollectorRegistry, generate_latest

        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry)


def exposition(looked: Looked, surveyed: SurveyReport) -> bytes:
    """The metrics of one moment as text, for a file that node_exporter's textfile collector reads."""
    board = Board()
    board.put(families(samples(looked, surveyed)))
    return board.text()


@contextmanager
def served(board: Board, host: str, port: int) -> Iterator[int]:
    """Serve what the board shows at http://host:port/metrics until left; gives the port (0 chooses one).

    Raises `Refused` where the address cannot be had.
    """
    from prometheus_client import CollectorRegistry, start_http_server

    registry = CollectorRegistry(auto_describe=False)
    registry.register(board)
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise Refused(
            "metrics cannot be served at {host}:{port}: {why}", host=host, port=port, why=error.strerror
        ) from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
