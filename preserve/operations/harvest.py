"""Harvest: how a source is now becomes a state that can be restored, and what is new of it becomes packages.

What looks as it did is not read again, but for a share; what is known under another name is not taken again.  Before
anything is taken the brake is asked.  A large harvest is done in parts, each of which is booked; one that is killed is
simply done again.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from preserve import chance
from preserve.bags.profiles import Profile
from preserve.bags.submission import Submission
from preserve.bags.tags import Element
from preserve.clock import stamp
from preserve.durable import free_bytes
from preserve.errors import Refused, Restless, Unpackable
from preserve.model import brake, slow_upheaval, source_events
from preserve.model.brake import Alarm, Upheaval
from preserve.model.complaints import Complaint, ComplaintList
from preserve.model.on_the_way import OnTheWay, put_together
from preserve.model.placing import Lack
from preserve.model.policy import Policy
from preserve.model.sources import Counts, HarvestEntry, Registered, SourceKind, require_described
from preserve.packages import places
from preserve.packages.harvesting import fetching, last_state, standing, states_kept, telling
from preserve.packages.harvesting.cargo import PART_BYTES, Loader, Step, steps
from preserve.packages.harvesting.comparing import Census, Comparison, Plan, share_of
from preserve.packages.harvesting.describing import described_of
from preserve.packages.harvesting.last_state import LastState, WornError
from preserve.packages.harvesting.places import Catchment, without_links
from preserve.packages.harvesting.resolving import Resolution, Tally
from preserve.packages.harvesting.rows import Row, Seen
from preserve.packages.harvesting.state_files import NAME, StateWriter
from preserve.packages.making.taking_in import UNDESCRIBED, IngestReport, Intake, take_in
from preserve.workplace import Workplace

MOST_ATTEMPTS = 3
"""How often a harvest looks again where a file changed while it was read."""


@dataclass(frozen=True, slots=True)
class HarvestRequest:
    """Which source, the policy that is in force for it, and its place.

    `profile` is the BagIt profile that the policy names.  Of more than `part_bytes` parts are made.
    """

    source: Registered
    policy: Policy
    catchment: Catchment
    profile: Profile | None = None
    part_bytes: int = PART_BYTES


@dataclass(frozen=True, slots=True)
class HarvestReport:
    """What a harvest did.  `entry` is None where the brake was set, for `alarms`; then nothing was taken.

    `packages` hold what was new and the state; `is_kept`: each has every copy that policy wants by now, verified, and
    for those `on_the_way` it allows time.
    `doubtful` names the first files that hold other bytes than were taken, though nobody changed them; `restless` those
    that are being changed at every harvest, so that what they hold now is in none; `passed_over` says of the first that
    could not be taken why; `vanished` and `changed`, where the brake was set, the first that did.
    """

    source: str
    entry: HarvestEntry | None
    packages: tuple[str, ...] = ()
    is_kept: bool = True
    alarms: tuple[Alarm, ...] = ()
    upheaval: Upheaval | None = None
    doubtful: tuple[bytes, ...] = ()
    restless: tuple[bytes, ...] = ()
    passed_over: tuple[Complaint, ...] = ()
    vanished: tuple[bytes, ...] = ()
    changed: tuple[bytes, ...] = ()
    notes: tuple[Complaint, ...] = ()
    lacking: tuple[Lack, ...] = ()
    on_the_way: tuple[OnTheWay, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether every copy that policy wants of what was taken is verified, and none is on its way."""
        return self.is_kept and not self.on_the_way


def harvest(workplace: Workplace, request: HarvestRequest) -> HarvestReport:
    """Harvest a source.

    What cannot be taken stops nothing else: it is passed over, and an incident says so.

    Raises `Refused` where it is retired, or holds what is marked as a state secret, or changes again and again while it
    is read; `Unavailable` where it, or every store, is away; `NoSpace`.
    """
    source = request.source.entry
    if request.source.is_retired:
        raise Refused("source {source} was retired and is not harvested", source=source.name)
    require_described(source, request.policy)
    if source.kind is SourceKind.FOLDER:  # a store may have been laid into it since it was registered
        places.require_source_outside(workplace.books, workplace.home, Path(source.place))
    with workplace.claim(source.accession_source):
        looks = _Looks(workplace, request)
        reports = [looks.part()]
        while (entry := reports[-1].entry) is not None and entry.is_partial:
            reports.append(looks.part())
        return _together(reports)


class _Looks:
    """Looks at a source again where the one before came to nothing.

    `is_careful`, from when on a file could not be read while it was packed: each is then read before, too.
    """

    def __init__(self, workplace: Workplace, request: HarvestRequest) -> None:
        self._workplace = workplace
        self._request = request
        self._is_careful = False

    def part(self) -> HarvestReport:
        """The next part of the harvest."""
        begun = self._workplace.clock.now()
        for _ in range(MOST_ATTEMPTS - 1):
            try:
                return self._look(begun)
            except Restless:
                continue  # by its new times the file is left for the next harvest
            except Unpackable:
                self._is_careful = True
            except WornError:
                standing.forget(self._workplace, self._request.source.entry.name)
        return self._look(begun)

    def _look(self, begun: datetime) -> HarvestReport:
        workplace, request = self._workplace, self._request
        with ExitStack() as resources:
            work = workplace.work / f"harvest-{chance.token(8)}"
            work.mkdir()
            resources.callback(shutil.rmtree, work, ignore_errors=True)
            last = resources.enter_context(standing.opened(workplace, request.source.entry.name))
            return _Part(workplace, request, work, last, resources, begun, is_careful=self._is_careful).run()


def _together(reports: list[HarvestReport]) -> HarvestReport:
    """The parts of one harvest as one report: the last one's, with the packages and the counts of all."""
    last = reports[-1]
    entry = last.entry
    if entry is not None:
        counts = [report.entry.counts for report in reports if report.entry is not None]
        total = replace(
            entry.counts,
            new=sum(each.new for each in counts),
            changed=sum(each.changed for each in counts),
            moved=sum(each.moved for each in counts),
            vanished=sum(each.vanished for each in counts),
        )
        entry = replace(entry, counts=total)
    return replace(
        last,
        entry=entry,
        packages=tuple(package for report in reports for package in report.packages),
        is_kept=all(report.is_kept for report in reports),
        on_the_way=put_together(each for report in reports for each in report.on_the_way),
        notes=tuple(note for report in reports for note in report.notes),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """What a look at a source found."""

    counts: Counts
    tally: Tally
    census: Census


class _Part:
    """One look at a source, and what is taken of it at one go.

    What changed since `begun`, when the first look of this harvest began, is left for the next one, and so is what
    changed within the settle time.  With `is_careful` what is new is read before it is packed.
    """

    def __init__(
        self,
        workplace: Workplace,
        request: HarvestRequest,
        work: Path,
        last: LastState,
        resources: ExitStack,
        begun: datetime,
        *,
        is_careful: bool,
    ) -> None:
        self._begun = begun
        self._is_careful = is_careful
        self._seen_at = workplace.now()
        self._workplace = workplace
        self._books = workplace.books
        self._request = request
        self._source = request.source.entry
        self._work = work
        self._last = last
        self._resources = resources
        self._before = self._books.last_harvest(self._source.name)
        self._notes, self._passed_over = ComplaintList(), ComplaintList()
        self._was_released = False
        self._lost = self._books.packages_lost()

    def run(self) -> HarvestReport:
        resolution, census = self._looked_through()
        tally = resolution.tally
        upheaval = self._with_past(resolution.upheaval(census.before), census.files + census.links)
        report = self._held(upheaval, tally)
        if report is not None:
            return report
        counts = Counts(
            files=census.files,
            bytes=census.bytes,
            new=tally.new,
            changed=tally.changed,
            moved=tally.moved,
            vanished=tally.vanished,
            unsettled=census.unsettled,
            reread=tally.reread,
            doubtful=tally.doubtful,
            rows=tally.rows,
            left_out=self._request.catchment.left_out,
            renamed=tally.renamed,
            sampled=upheaval.sampled,
            scrambled=upheaval.scrambled,
            links=census.links,
        )
        found = _Found(counts, tally, census)
        if not tally.rows and not self._is_state_lost:
            return self._booked(found, [], is_partial=False)
        return self._taken(found)

    # Looking

    def _looked_through(self) -> tuple[Resolution, Census]:
        self._workplace.progress.begin("looking through source {source}", None, source=self._source.name)
        now = rested = self._workplace.clock.now()
        if self._request.catchment.keeps_times:
            rested = min(now - timedelta(seconds=self._source.settle_seconds), self._begun)
        number = self._before.number + 1 if self._before else 1
        plan, self._resolved = self._plan(), self._plan()
        comparison = Comparison(
            plan,
            self._last,
            (_nanoseconds(rested), _nanoseconds(now)),
            share_of(number, self._source.reread_percent),
            bool(self._before and self._before.counts.doubtful),
            self._lost,
        )
        comparison.run(self._listing())
        kept_head = fetching.Heads(self._workplace)
        catchment, passed_over = self._request.catchment, self._passed_over
        resolution = Resolution(catchment, plan, self._resolved, passed_over, kept_head, self._lost)
        resolution.run()
        self._note_ahead(comparison.census.latest_ns)
        return resolution, comparison.census

    def _listing(self) -> Iterator[list[Seen]]:
        batches = self._request.catchment.batches(self._passed_over, self._notes)
        return batches if self._request.policy.keeps_links else without_links(batches, self._passed_over)

    def _note_ahead(self, latest_ns: int) -> None:
        if self._request.catchment.keeps_times and latest_ns > _nanoseconds(self._workplace.clock.now()):
            template = (
                "files of source {source} are dated in the future: the clock of the machine that holds them, or of this"
                " one, is wrong; whether they are at rest cannot be told from their dates"
            )
            self._notes.add("ahead", self._source.name, template, source=self._source.name)

    def _plan(self) -> Plan:
        plan = Plan(self._work)
        self._resources.callback(plan.close)
        return plan

    # The brake

    def _with_past(self, upheaval: Upheaval, files_now: int) -> Upheaval:
        """With what the harvests of the window come to, for what comes slowly."""
        since = stamp(self._workplace.clock.now() - timedelta(days=self._source.limits.window_days))
        past = self._books.harvests_since(self._source.name, since, slow_upheaval.MOST_HARVESTS)
        return slow_upheaval.with_past(upheaval, files_now, past)

    def _held(self, upheaval: Upheaval, tally: Tally) -> HarvestReport | None:
        """The report of a harvest that the brake holds; None where it may go on."""
        limits = self._source.limits
        alarms = brake.alarms(upheaval, limits)
        released = self._request.source.let_pass(self._workplace.clock.now())
        if not alarms or brake.is_covered(upheaval, released, limits):
            self._was_released = bool(alarms) or self._goes_on_released
            return None
        act, now, name = self._workplace.act, self._workplace.now(), self._source.name
        held = source_events.harvest_held(act, now, name, upheaval, alarms)
        self._workplace.record(held, telling.brake_set(self._workplace, name, upheaval, alarms))
        gone, changed = tuple(tally.vanished_paths), tuple(tally.changed_paths)
        return HarvestReport(
            name,
            None,
            alarms=alarms,
            upheaval=upheaval,
            passed_over=self._passed_over.named,
            vanished=gone,
            changed=changed,
        )

    @property
    def _goes_on_released(self) -> bool:
        return self._before is not None and self._before.is_partial and self._before.was_released

    # Taking

    def _taken(self, found: _Found) -> HarvestReport:
        counts = found.counts
        loaded, made = self._plan(), list[IngestReport]()
        loader = self._loader(loaded)
        with loader.submission(self._resolved, Path(self._source.place), self._elements()) as submission:
            if loader.taken:
                made.append(self._content_taken(submission))
        counts = replace(
            counts,
            new=counts.new - loader.left_new - loader.unread_new,
            changed=counts.changed - loader.left_changed - loader.unread_changed - loader.known,
            rows=counts.rows - loader.unread,
        )
        if not counts.rows and not self._is_state_lost:
            return self._booked(replace(found, counts=counts), [], is_partial=False)
        self._note_again(found.tally.again - loader.left_again - loader.unread_again)
        packages = tuple(package.id for report in made for package in report.packages)
        is_base = self._is_base(counts.rows, counts.files)
        beside, written = self._work / "state", self._work / NAME
        writer = StateWriter(written)
        rows = self._rows(steps(self._last, loaded, fetching.arrivals(self._workplace, packages)), writer, is_base)
        last_state.write(beside, rows)
        writer.close()
        made.append(self._state_taken(written))
        is_partial = loader.left > 0
        report = self._booked(replace(found, counts=counts), made, is_partial=is_partial, is_base=is_base)
        self._keep(beside, report)
        return report

    def _loader(self, loaded: Plan) -> Loader:
        catchment = self._request.catchment
        return Loader(
            catchment,
            loaded,
            self._work,
            self._request.part_bytes if catchment.is_local else self._room(),
            self._passed_over,
            keep_links=self._request.policy.keeps_links,
            is_careful=self._is_careful,
            lost=self._lost,
        )

    def _note_again(self, count: int) -> None:
        if count:
            template = "taken again, because no sound copy of what was taken before is left in any store: {count}"
            self._notes.add("again", self._source.name, template, count=count)

    def _content_taken(self, submission: Submission) -> IngestReport:
        policy = self._request.policy
        described, metadata = described_of(self._source, policy, submission) or (UNDESCRIBED, None)
        intake = Intake(
            self._source.accession_source,
            policy,
            described,
            metadata,
            self._request.profile,
            seen_at=self._seen_at,
        )
        return take_in(self._workplace, intake, submission, self._folder())

    def _rows(self, all_steps: Iterator[Step], writer: StateWriter, is_base: bool) -> Iterator[Row]:
        """The rows of the new state; those that belong into its file are written on the way."""
        for step in all_steps:
            if step.is_new if not is_base else step.row is not None:
                writer.add(step)
            if step.row is not None:
                yield step.row

    def _is_base(self, rows: int, files: int) -> bool:
        return self._is_state_lost or states_kept.is_due_whole(self._states(), rows, files)

    def _states(self) -> list[HarvestEntry]:
        return self._books.states(self._source.name, self._before.number) if self._before else []

    @property
    def _is_state_lost(self) -> bool:
        """Whether the last state cannot be put together any more from what stores hold."""
        return bool(self._lost) and any(each.state_package in self._lost for each in self._states())

    def _state_taken(self, written: Path) -> IngestReport:
        """The state becomes a package like any other: copied, audited, repaired and rebuilt from as records are."""
        with states_kept.submission_of(written, self._elements()) as submission:
            intake = Intake(self._source.state_source, self._request.policy, seen_at=self._seen_at)
            return take_in(self._workplace, intake, submission, self._folder())

    def _elements(self) -> tuple[Element, ...]:
        """What bag-info.txt says, for who has nothing but a store."""
        number = self._before.number + 1 if self._before else 1
        return (
            Element("External-Description", f"Harvest {number} of source {self._source.name}"),
            Element("X-Preserve-Source", self._source.name),
            Element("X-Preserve-Harvest", str(number)),
        )

    def _folder(self) -> Path:
        folder = self._work / chance.token(8)
        folder.mkdir()
        return folder

    def _room(self) -> int:
        """How much is fetched at one go: the home's disk holds it until the stores do, and shall not be filled."""
        return min(self._request.part_bytes, free_bytes(self._work) // 2)

    # Booking

    def _booked(
        self,
        found: _Found,
        made: list[IngestReport],
        *,
        is_partial: bool,
        is_base: bool = False,
    ) -> HarvestReport:
        state = made[-1].packages[0].id if made else None
        accessions = tuple(report.accession for report in made[:-1])
        now, name = self._workplace.now(), self._source.name
        counts = replace(found.counts, passed_over=self._passed_over.count)
        harvested = HarvestEntry(
            name,
            self._seen_at,
            now,
            counts,
            accessions,
            state,
            is_base=is_base,
            is_partial=is_partial,
            was_released=self._was_released,
        )
        happened = [*telling.silent_changes(self._workplace, name, found.tally)]
        stuck = () if is_partial else telling.never_at_rest(self._workplace, self._source, found.census)
        if not is_partial:
            happened += telling.restless(self._workplace, name, stuck)
            happened += telling.passed_over(self._workplace, name, self._passed_over)
            happened += telling.left_unfinished(self._workplace, self._source)
        self._workplace.record(source_events.harvested(self._workplace.act, harvested), *happened)
        return HarvestReport(
            source=name,
            entry=self._books.last_harvest(name),
            packages=tuple(package.id for report in made for package in report.packages),
            is_kept=all(report.is_kept for report in made),
            on_the_way=put_together(each for report in made for each in report.on_the_way),
            doubtful=tuple(found.tally.doubtful_paths),
            restless=tuple(each.path for each in stuck),
            passed_over=self._passed_over.named,
            notes=(*self._notes.named, *(note for report in made for note in report.notes)),
            lacking=made[-1].lacking if made else (),
        )

    def _keep(self, state: Path, report: HarvestReport) -> None:
        if report.entry is None or report.entry.state_package is None:
            return
        final = standing.path_of(self._workplace, self._source.name, report.entry.state_package)
        final.parent.mkdir(mode=0o700, exist_ok=True)
        state.replace(final)
        standing.forget(self._workplace, self._source.name, but=final)


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
