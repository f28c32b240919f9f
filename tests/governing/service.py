"""A service whose formats and pilots are booked by the test: what is asked here is who decides, not what tools do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from preserve import compose
from preserve.model import identification_events, migration_events
from preserve.model.formats.file_results import FileFate
from preserve.model.formats.governance import Criterion
from preserve.model.formats.identification import FileIdentified, Identification, Release, Tally
from preserve.model.formats.losses import Comparison, FileVerdict, LossSeverity, RiskType
from preserve.model.formats.properties import Property
from preserve.model.formats.standing import FormatName, IdentifiedEntry
from preserve.model.formats.watching import basis_of, formats_of
from preserve.model.migrations import LossCount, PackageDone, Piloted, PilotEntry, Tallied
from preserve.model.nouns import Act, Event, ObjectDigest
from preserve.state.books import Books
from tests.cli.program import Program

AT = "2026-11-22T00:00:00.000000Z"
RELEASE = Release("siegfried", "V125", "0" * 64)
PLANNER, TRIER = "甲", "乙"
SEEN = Tallied(
    {FileFate.CONVERTED: 9, FileFate.STOPPED: 1},
    {FileVerdict.LOSSES: 9, FileVerdict.STOPPED: 1},
    (
        LossCount(
            Property.COMMENTS, RiskType.CONTENT_LOST, LossSeverity.MEDIUM, Comparison.DECLARED, "comments-dropped", 4
        ),
    ),
    1_000_000,
    1_500_000,
    milliseconds=20_000,
    judging_milliseconds=10_000,
)
LOSSES = (
    "fonts-substituted", "comments-dropped", "changes-hidden", "macros-gone", "objects-flattened", "signature-broken",
    "fields-fixed", "metadata-changed", "numbers-of-lists",
)  # fmt: skip
"""What the pathway from Word documents to PDF/A declares."""


class Service:
    """The program, and its books, to which a test adds what tools would have found."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.ask = program.ask

    @contextmanager
    def books(self) -> Iterator[Books]:
        with Books.open(self.program.folder / "home") as books:
            yield books

    def record(self, *events: Event) -> None:
        with self.books() as books:
            books.record(*events)

    def package(self, number: int) -> str:
        """The id of the `number`th package, from 0."""
        with self.books() as books:
            return sorted(each.id for each in books.packages())[number]

    def identified(self, number: int, files: Mapping[str, int], times: int = 1) -> None:
        """Book that a package holds so many files of 1,000 bytes in each format."""
        tally = Tally()
        for puid, count in files.items():
            for _ in range(count):
                tally.add(1000, FileIdentified(Identification(puid)))
        digest = ObjectDigest(1, "9" * 64)
        entry = IdentifiedEntry(self.package(number), RELEASE, times, digest, sum(files.values()), AT)
        names = [FormatName(puid, puid) for puid in files]
        with self.books() as books:
            books.record(identification_events.identified(Act("x", "y"), entry, tally, names))
            books.note_release(RELEASE)

    def identified_again(self, number: int, files: Mapping[str, int]) -> None:
        """Book that a package, looked at once more, holds other files."""
        self.identified(number, files, times=2)

    def planned(self, *options: str) -> Any:
        return self.ask(
            "migrate", "plan", "--format", "fmt/40", *options, "--register", "--reason", "nobody reads it in ten years",
            "--actor", PLANNER,
        )  # fmt: skip

    def piloted(self, number: int = 1, seen: Tallied = SEEN, *, by: str = TRIER, **tools: str) -> None:
        """Book what a pilot of both pathways from Word documents would have found, with the programs that are here.

        `tools` are versions that were others then.
        """
        register = compose.format_register()
        named = [each.pathway for each in compose.pathways(register)]
        tried = [each for each in named if each.name in ("doc-to-docx", "doc-to-pdfa2b")]
        alive = compose.programs_alive(register, {program for each in tried for program in each.programs})
        better = dict.fromkeys(Criterion, 90)
        outcomes = tuple(
            Piloted(each.name, each.version, each.sha256, {**{id_: alive[id_] for id_ in each.programs if id_ in alive},
                                                           **tools}, seen, {**better, Criterion.FIDELITY: mark})
            for each, mark in zip(tried, (60, 80), strict=True)
        )  # fmt: skip
        weights = compose.mark_rule().weights
        basis = basis_of(register, RELEASE.digest, formats_of(["fmt/40"], tried))
        pilot = PilotEntry(number, outcomes, weights, basis, "s33d", 10, 2, "e" * 64)
        self.record(migration_events.migration_piloted(Act(by, "a pilot"), AT, pilot))

    def approved(self, number: int = 1) -> Any:
        accepted = [option for loss in LOSSES for option in ("--accept", loss)]
        return self.ask(
            "migrate", "approve", str(number), "--pathway", "doc-to-pdfa2b", *accepted, "--actor", "丙", "--reason",
            "the originals are kept",
        )  # fmt: skip

    def ran(self, number: int = 1, undecided: int = 0) -> None:
        """Book that the first package was converted into the last, by an executor."""
        act = Act("丁", "a run")
        done = PackageDone(number, self.package(0), (self.package(2),), SEEN, undecided, "7" * 64)
        self.record(
            migration_events.migration_begun(act, AT, number, 1, "戊"), migration_events.migrated(act, AT, done)
        )
