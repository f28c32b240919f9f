"""A home in which a migration was planned, tried, approved and run, as far as books and logs know of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from preserve import compose
from preserve.cli.exits import Exit
from preserve.cli.main import run
from preserve.model import events, migration_events
from preserve.model.formats.file_results import FileFate, FileResult, Picture
from preserve.model.formats.governance import Criterion
from preserve.model.formats.losses import Decision, Risk
from preserve.model.formats.pathways import Ground
from preserve.model.formats.risk_log import LoggedFile, Phase, logged
from preserve.model.keys import object_key
from preserve.model.migrations import (
    ApprovalEntry,
    Basis,
    FileDecision,
    LossCount,
    Migration,
    PackageDone,
    Piloted,
    PilotEntry,
    PlannedPathway,
    Scope,
    ScopeCount,
    Tallied,
)
from preserve.model.nouns import Act, CopyState
from preserve.packages.putting import put
from preserve.packages.risk_logs import pilot_log, run_log, write_risk_log
from preserve.ports import NoProgress
from preserve.settings.home import Home
from preserve.workplace import Workplace
from tests.packages.archives import BLOCK, Built, package_id
from tests.risklog import values
from tests.state import bookkeeping

ACCEPTED = {"macros": "宏无凭证价值，不再运行"}
PLANNER, APPROVER, EXECUTOR, AUDITOR = (Act(name, why) for name, why in (
    ("张", "格式过时，三年内无软件可读"), ("王", "试点 3 份逐页看过"), ("李", "按批准执行"), ("赵", "事后抽查")
))  # fmt: skip
SEEN = "发文/1.doc"


@dataclass(frozen=True)
class Migrated:
    """The home, the original package, and the new one that was made of it."""

    folder: Path
    original: str
    version: str

    @property
    def home(self) -> Home:
        return Home(self.folder / "home")

    @property
    def log(self) -> Path:
        return run_log(self.home.migrations, 1, self.original)


def results(package: str, name: bytes = SEEN.encode()) -> list[FileResult]:
    """One that converted with a declared loss, one that was stopped, one that converted without any, one refused."""
    seen = (Picture(1, "0/1-a.png", "0/1-b.png", 35),)
    first = replace(values.result(0, values.LOST, package=package), pictures=seen)
    stopped = replace(
        values.named(values.result(1, values.CHANGED, fate=FileFate.STOPPED, package=package), name),
        why="1 differences were not declared",
        pictures=(Picture(2, "1/2-a.png", "1/2-b.png", 120), Picture(3, "1/3-a.png", "", 1000)),
    )
    refused = replace(
        values.result(3, fate=FileFate.REFUSED, package=package), made=(), run=None, verdict=None, validated=(),
        measured=(), why="it is encrypted",
    )  # fmt: skip
    return [first, stopped, values.result(2, package=package), refused]


def logged_files(package: str, name: bytes) -> list[LoggedFile]:
    accepted = {loss: Decision(loss, True, APPROVER.actor, why) for loss, why in ACCEPTED.items()}
    about = replace(values.ABOUT, planner=PLANNER.actor, approver=APPROVER.actor, auditor=AUDITOR.actor)
    return [logged(about, each, accepted, None) for each in results(package, name)]


def pilot_files(package: str, name: bytes) -> list[LoggedFile]:
    """Three files along both alternatives: the other one keeps the macros, and the amount, and its pages look alike."""
    about = replace(values.ABOUT, phase=Phase.PILOT, approver=None)
    first, stopped, equal, _ = results(package, name)
    kept = (
        replace(each, risks=(), fate=FileFate.CONVERTED, why="", pictures=(Picture(1, "0/1-a.png", "0/1-a.png", 0),))
        for each in (first, stopped, equal)
    )
    other = [replace(each, pathway="doc-to-docx", pathway_sha256="d" * 64) for each in kept]
    return [logged(about, each, {}, None) for each in (first, stopped, equal, *other)]


def tallied(came_of: Sequence[FileResult]) -> Tallied:
    fates = {fate: sum(each.fate is fate for each in came_of) for fate in FileFate}
    losses = [_count(risk) for each in came_of for risk in each.risks]
    return Tallied(fates, {}, tuple(losses), 300, 600, 4500, 1500)


def _count(risk: Risk) -> LossCount:
    declared = "" if risk.declared is None else risk.declared.id
    return LossCount(risk.what, risk.type, risk.severity, risk.comparison, declared, 1)


def make(folder: Path, pictures: Mapping[str, bytes] = MappingProxyType({}), name: bytes = SEEN.encode()) -> Migrated:
    """Build it in `folder`; the new package holds its log as the evidence of a conversion does."""
    home = ("--home", str(folder / "home"))
    assert run([*home, "init"]) is Exit.WELL
    assert run([*home, "store", "add", "near", "--role", "primary", "--url", (folder / "near").as_uri()]) is Exit.WELL
    original = Built(package_id(0), {"发文/0.doc": b"one", SEEN: b"two"}, BLOCK)
    migrations = Home(folder / "home").migrations
    tried = pilot_log(migrations, 1, 1)
    tried.mkdir(parents=True)
    sample = write_risk_log(tried, pilot_files(original.id, name))
    _lay(tried, pictures)
    with _workplace(folder) as place:
        _add(place, original)
        place.record(bookkeeping.identified(0, 1, "V125", "fmt/40", "fmt/40", second=0))
        _plan(place, original.id, sample.sha256)
    log = run_log(migrations, 1, original.id)
    log.mkdir(parents=True)
    files = logged_files(original.id, name)
    written = write_risk_log(log, files)
    _lay(log, pictures)
    tag_files = (path for path in log.rglob("*") if path.is_file())
    evidence = {f"migration/{path.relative_to(log)}": path.read_bytes() for path in tag_files}
    version = Built(package_id(1), {"发文/0.doc.pdf": b"three"}, BLOCK, tag_files=evidence)
    done = PackageDone(1, original.id, (version.id,), tallied([each.result for each in files]), 1, written.sha256)
    with _workplace(folder) as place:
        _add(place, version)
        _run(place, done, name)
    return Migrated(folder, original.id, version.id)


def _lay(log: Path, pictures: Mapping[str, bytes]) -> None:
    for picture, content in pictures.items():
        file = log / "pictures" / picture
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def _add(place: Workplace, package: Built) -> None:
    place.record(package.packaged())
    for part, content in package.objects.items():
        put(place.stores["near"], object_key(package.id, part), content)
    place.record(events.copied(EXECUTOR, place.now(), package.id, "near", CopyState.VERIFIED, 1))


def _plan(place: Workplace, original: str, data_sha256: str) -> None:
    alternatives = (PlannedPathway("doc-to-pdfa2b", "b" * 64), PlannedPathway("doc-to-docx", "d" * 64))
    plan = Migration(
        0, "旧 Word 文档", Scope(("fmt/40",), packages=(original,)), (Ground.OBSOLESCENCE,), alternatives,
        ScopeCount(0, 0, 0), "", "", "",
    )  # fmt: skip
    place.record(
        migration_events.migration_planned(PLANNER, place.now(), plan),
        migration_events.migration_piloted(PLANNER, place.now(), replace(pilot(), data_sha256=data_sha256)),
    )


def _run(place: Workplace, done: PackageDone, name: bytes) -> None:
    approval = ApprovalEntry(
        1, 1, "doc-to-pdfa2b", "b" * 64, {"libreoffice": "7.4"}, ACCEPTED, "", "", "", "a signed note\n"
    )
    decision = FileDecision(1, done.package, name, False)
    place.record(
        migration_events.migration_approved(APPROVER, place.now(), approval),
        migration_events.migration_begun(EXECUTOR, place.now(), 1, 1, AUDITOR.actor),
        migration_events.migrated(EXECUTOR, place.now(), done),
        migration_events.file_decided(Act("王", "金额变了"), place.now(), decision),
        migration_events.migration_ended(EXECUTOR, place.now(), 1),
    )


def pilot() -> PilotEntry:
    """Both alternatives on three files."""
    better, worse = dict.fromkeys(Criterion, 80), dict.fromkeys(Criterion, 60) | {Criterion.COST: 95}
    came_to = tallied(results("")[:3])
    outcomes = (
        Piloted("doc-to-pdfa2b", 1, "b" * 64, {"libreoffice": "7.4"}, came_to, better),
        Piloted("doc-to-docx", 1, "d" * 64, {"libreoffice": "7.4"}, replace(came_to, losses=()), worse),
    )
    basis = Basis("0123456789abcdef", {"fmt/40": "f" * 64})
    return PilotEntry(1, outcomes, dict.fromkeys(Criterion, 25), basis, "s33d", 3, 1, "e" * 64)


def _workplace(folder: Path) -> AbstractContextManager[Workplace]:
    return compose.workplace(Home(folder / "home"), EXECUTOR, NoProgress())
