"""Events and books for tests: a small service's life, made of the real constructors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from preserve.model import (
    events,
    identification_events,
    medium_events,
    migration_events,
    rating_events,
    source_events,
)
from preserve.model.brake import Alarm, Upheaval
from preserve.model.canary import Attempt, CanaryTrial, Effect
from preserve.model.credentials import Holder
from preserve.model.drill_thaws import DrillThaw, ThawBasis
from preserve.model.drills import Document, DrillEntry, DrillFault, Rehearsed
from preserve.model.entries import AccessionEntry, Audited, AuditResult, AuditRun
from preserve.model.formats.file_results import FileFate
from preserve.model.formats.governance import Criterion
from preserve.model.formats.holdings import FormatAdvice, HoldingRisk, Keeping, ReaderState, Trend
from preserve.model.formats.identification import (
    FileIdentified,
    Identification,
    Oddity,
    Release,
    Tally,
)
from preserve.model.formats.losses import Comparison, FileVerdict, LossSeverity, RiskType
from preserve.model.formats.pathways import Ground
from preserve.model.formats.properties import Property
from preserve.model.formats.published_ratings import Recount
from preserve.model.formats.rating import Rating, RatingGround
from preserve.model.formats.risk_rule import RiskLevel
from preserve.model.formats.settlements import Kind, Selection, SettledTally, Settlement, Word, said_by_hand
from preserve.model.formats.standing import FormatName, IdentifiedEntry
from preserve.model.incidents import Incident, IncidentKind
from preserve.model.keys import Key
from preserve.model.media import Medium
from preserve.model.medium_register import (
    Answer,
    CarrierCondition,
    Cause,
    CheckIn,
    CheckOut,
    Custody,
    Inspection,
    Label,
    Particulars,
    Purpose,
    RefreshOutcome,
    RefreshPlan,
    Trigger,
)
from preserve.model.migration_states import StopCause
from preserve.model.migrations import (
    ApprovalEntry,
    Basis,
    FileDecision,
    FilesViewed,
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
from preserve.model.nouns import (
    Act,
    Condition,
    CopyState,
    Event,
    Finding,
    Level,
    ObjectDigest,
    Receipt,
    Role,
    StoreEntry,
)
from preserve.model.parity import Code, Layout, ParityEntry
from preserve.model.policy import CopySet
from preserve.model.sources import Counts, HarvestEntry, SourceEntry, SourceKind
from preserve.model.thawing import FrozenBag, ThawPurpose, terms_for
from preserve.state import books_place, signing_key
from preserve.state.books import Books
from preserve.state.checkpoints import origin
from preserve.state.projection import CATALOG
from tests.state.servers import PLACES

HOME_ID = "h0m3h0m3h0"
ACT = Act("archivist", "a test")
BRAKED = Incident(IncidentKind.BRAKE, "mail", "9000 of 9001 files vanished")


BAG_IN_ICE = FrozenBag("20260101-0000000000", "vault", Key("packages/00/20260101-0000000000/bag.tar"), 10240, "GLACIER")
TRIAL = CanaryTrial("vault", "2026-01-01T00:00:28.000000Z", "w", None, {Holder.WRITER: {Attempt.ERASE: Effect.REFUSED}})
BACK_TO_THE_FIRST_SCHEMA = (
    "DROP TABLE retired_store",
    "DROP TABLE retired_copy",
    "DROP TABLE absence",
    "DROP TABLE clock_reading",
    "DROP TABLE sign_of_life",
    "DROP TABLE incident",
    "DROP TABLE drill",
    "DROP TABLE acknowledged",
    "DROP TABLE store_credentials",
    "DROP TABLE job",
    "DROP TABLE canary",
    "DROP TABLE thaw",
    "DROP TABLE thaw_month",
    "DROP TABLE kept",
    "DROP TABLE standing",
    "DROP TABLE look",
    "DROP TABLE look_day",
    "DROP TABLE growth",
    "DROP TABLE medium",
    "DROP TABLE medium_custody",
    "DROP TABLE medium_inspection",
    "DROP TABLE medium_refresh",
    "DROP TABLE reader",
    "DROP TABLE source",
    "DROP TABLE harvest",
    "DROP INDEX audit_still_open",
    "DROP INDEX audit_of_all",
    "DROP INDEX audit_by_scope",
    "DROP TABLE told",
    "DROP TABLE parity",
    "DROP TABLE format_ratings",
    "DROP TABLE identified",
    "DROP TABLE migration",
    "DROP TABLE migration_format",
    "DROP TABLE migration_pilot",
    "DROP TABLE migration_approval",
    "DROP TABLE migration_package",
    "DROP TABLE migration_version",
    "DROP TABLE migration_loss",
    "DROP TABLE file_decision",
    "DROP TABLE file_viewed",
    "DROP TABLE format_list",
    "DROP TABLE list_lacking",
    "DROP TABLE package_format",
    "DROP TABLE package_oddity",
    "DROP TABLE policy_format",
    "DROP TABLE policy_release",
    "DROP TABLE policy_oddity",
    "DROP TABLE settlement",
    "DROP TABLE format_name",
    "DROP TABLE format_risk",
    "DROP TABLE delivery",
    "DROP INDEX finding_still_open",
    "DROP INDEX accession_still_open",
    "DROP INDEX copy_by_lock",
)
"""Takes from a database what the first schema had not; one line for each, so that several people may add theirs."""


def at(second: int) -> str:
    return f"2026-01-01T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.000000Z"


NOW = at(0)


def initialised(verifier_key: str = "test+00000000+AQ==") -> Event:
    return events.initialised(ACT, NOW, HOME_ID, verifier_key)


def store(name: str = "vault", store_id: str | None = None) -> StoreEntry:
    return StoreEntry(
        name, store_id or f"id-of-{name}", Role.PRIMARY, f"file:///{name}", {"city": "武汉"}, {"ranges": True}
    )


def package_id(number: int) -> str:
    return f"20260101-{number:010d}"


def receipt(number: int) -> Receipt:
    return Receipt(
        package_id=package_id(number),
        created_at=NOW,
        payload_files=3,
        payload_bytes=1000 + number,
        records=1,
        policy="default",
        policy_sha256="0" * 64,
        algorithms=(),
        bag_bytes=10240,
        blocks_root="1" * 64,
        blocks=ObjectDigest(100, "2" * 64),
        members=ObjectDigest(200, "3" * 64),
        metadata={"External-Identifier": f"0001-WS·2024-永久-{number:04d}"},
        written_by="preserve test",
    )


def packaged(number: int, accession: str | None = None) -> Event:
    return events.packaged(
        ACT, at(number), accession, receipt(number), f"{number:064x}", 900, [f"0001-WS·2024-永久-{number:04d}"]
    )


def copied(number: int, store_name: str = "vault", state: CopyState = CopyState.VERIFIED) -> Event:
    return events.copied(ACT, at(number), package_id(number), store_name, state, 10240)


def damage(number: int = 0, store_name: str = "vault", condition: Condition = Condition.DAMAGED) -> Finding:
    return Finding(
        package_id=package_id(number),
        store=store_name,
        condition=condition,
        where=f"packages/{package_id(number)[-2:]}/{package_id(number)}/bag.tar",
        expected="aa",
        found="bb",
        blocks=(3,),
        files=("第一卷/会议纪要.ofd",),
        files_touched=1,
    )


def accession(identifier: str = "a-1", packages: tuple[str, ...] = (package_id(0), package_id(1))) -> AccessionEntry:
    return AccessionEntry(identifier, "/submissions/2024", "l" * 64, None, "p" * 64, packages, NOW)


def source(name: str = "mail") -> SourceEntry:
    return SourceEntry(name, SourceKind.FOLDER, "default", f"/srv/{name}")


def harvest(second: int, state_package: str | None = None, *, is_base: bool = False) -> HarvestEntry:
    counts = Counts(files=9001, bytes=10240, new=2, changed=1)
    return HarvestEntry("mail", at(second - 1), at(second), counts, ("a-1",), state_package, is_base)


def look(number: int, result: AuditResult, level: Level = Level.FULL, store_name: str = "vault") -> Audited:
    return Audited(package_id(number), store_name, level, result, 1, 1, 10240)


def parity() -> ParityEntry:
    """That of the first package in the store `vault`."""
    layout = Layout((1000, 100, 200, 300), Code(4, 5, 1), Code(1, 3, 1))
    return ParityEntry(package_id(0), "vault", layout, 2, "d" * 64, at(28))


def drill(**differs: Any) -> DrillEntry:
    """A drill of the store `vault` that passed, but for what differs."""
    passed = DrillEntry(
        store="vault",
        begun_at=at(27),
        sample=5,
        seed="s33d",
        without_catalog=True,
        faults=(),
        packages=2,
        files=6,
        bytes=2001,
        unopened=0,
        unjudged=1,
        acknowledged=1,
        unread_bags=0,
        rpo_seconds=20,
        lost_seconds=0,
        rto_milliseconds=1500,
        policies=(Rehearsed("default", "0" * 64, 2, True),),
        certificate="drill-vault-20260101T000027Z.json",
        certificate_sha256="c" * 64,
        thaw=DrillThaw(1, ThawBasis.MEASURED, 1000, 0, at(24), at(25)),
    )
    return replace(passed, **differs)


def a_life() -> Iterator[Event]:
    """Every type of event at least once, as operations would book them."""
    yield events.store_added(ACT, at(1), store())
    yield events.store_added(ACT, at(1), store("cave"))
    yield events.store_probed(ACT, at(2), "vault", True, {"ranges": True, "locks": False}, ["no object lock"])
    yield events.policy_registered(ACT, at(3), "default", "name = 'default'\n")
    yield events.policy_registered(ACT, at(4), "default", "name = 'default' # second\n")
    yield events.ingest_begun(ACT, at(5), accession())
    for number in range(2):
        yield packaged(number, "a-1")
        yield copied(number)
        yield copied(number, "cave", CopyState.WRITTEN)
    yield events.ingest_begun(ACT, at(6), accession("a-2", (package_id(7),)))
    yield events.ingest_abandoned(ACT, at(7), "a-2", "the source is gone")
    yield events.audit_begun(ACT, AuditRun("r-1", Level.FULL, ("vault",), None, at(8)))
    yield events.audited(ACT, at(9), "r-1", look(0, AuditResult.SOUND))
    yield events.audited(ACT, at(10), "r-1", look(1, AuditResult.DAMAGED))
    yield events.found(ACT, at(10), damage(1))
    yield events.audit_ended(ACT, at(11), "r-1", {"sound": 1, "damaged": 1})
    yield events.repaired(ACT, at(12), package_id(1), "vault", "bag.tar", 2, [3], {"cave": 1}, 16777216)
    yield events.copy_moved(ACT, at(12), package_id(1), "vault", CopyState.VERIFIED, "repaired", {"bag.tar": 2})
    yield events.closed(ACT, at(13), "F-000018", "audited again: sound")
    yield events.found(ACT, at(14), damage(0, "cave", Condition.MISSING))
    yield events.audit_begun(ACT, AuditRun("r-2", Level.SAMPLE, ("cave", "vault"), (package_id(0),), at(15)))
    yield events.audited(ACT, at(16), "r-2", look(0, AuditResult.UNREADABLE, Level.SAMPLE, "cave"))
    yield events.restored(ACT, at(17), [package_id(0)], "/restored", ["vault"], 3, 1000, None)
    yield events.rebuilt(ACT, at(18), "vault", 20, [])
    yield events.key_changed(ACT, at(19), "test+00000000+AQ==", "test+11111111+AQ==")
    yield events.declared(ACT, at(20), "GB/T 20988-2007", "declarations = []\n")
    yield events.declared(ACT, at(21), "GB/T 20988-2007", "declarations = [] # second\n")
    yield events.store_added(ACT, at(22), store("attic"))
    yield copied(0, "attic")
    yield events.found(ACT, at(23), damage(0, "attic"))
    yield events.store_retired(ACT, at(24), "attic", True, "store attic was retired")
    yield events.incident_opened(ACT, at(25), BRAKED)
    yield events.incident_opened(ACT, at(26), replace(BRAKED, kind=IncidentKind.MISSED_RUN))
    yield events.incident_closed(ACT, at(27), "I-000035", "a person looked into it")
    yield events.canary_tried(ACT, TRIAL, "canary/canary.txt")
    for micros in (1200, None):
        yield events.thaw_asked(ACT, at(29), terms_for(ThawPurpose.AUDIT), [(BAG_IN_ICE, at(40))], "USD", micros)
    yield events.lock_extended(ACT, at(28), package_id(0), "vault", "2031-01-01T00:00:00.000000Z", 4)
    yield events.parity_made(ACT, at(28), parity(), 1)
    yield events.books_moved(ACT, at(28), "postgresql://db.example/archive (preserve_x)")
    yield events.machine_joined(ACT, at(29), "second", True)
    yield source_events.source_registered(ACT, at(40), source())
    yield source_events.harvested(ACT, harvest(41, package_id(0), is_base=True))
    yield source_events.harvest_held(ACT, at(42), "mail", Upheaval(files=9001, vanished=9000), [Alarm.VANISHED])
    yield source_events.source_released(ACT, at(43), "mail")
    yield source_events.harvested(ACT, harvest(44, package_id(1)))
    yield source_events.source_registered(ACT, at(45), source("maps"))
    yield source_events.source_retired(ACT, at(46), "maps")
    yield events.store_added(
        ACT, at(28), replace(store("cave"), profile="w", auditor_profile="a", disposer_profile="d")
    )
    yield from _life_of_media()
    yield events.drilled(ACT, at(37), drill())
    yield medium_events.medium_imaged(ACT, at(37), "0001", 1, 10240, "f" * 64)
    for digest in ("d" * 64, "e" * 64):
        yield events.acknowledged(ACT, at(37), Document("p-1/data/a.pdf", digest, "it has no page"), "D-000037")
    yield events.acknowledgement_withdrawn(ACT, at(37), "e" * 64)
    yield events.drilled(ACT, at(38), drill(sample=None, faults=(DrillFault.BYTES, DrillFault.RTO), rpo_seconds=None))
    for text in ("[]", "[] second"):
        counted = Recount(2, 1, 0, ())
        yield rating_events.ratings_imported(ACT, at(59), "NARA", "2026-03-20", text, {"m.csv": "a" * 64}, counted)
    yield from _life_of_formats()
    yield from _life_of_migrations()
    yield events.notification_set(ACT, at(60), "档案室值班员", ["mail"])


def identified(package: int, number: int, release: str = "V125", *puids: str, second: int = 59) -> Event:
    """An identification of a package with a file of each format; what is unknown is odd."""
    tally = Tally()
    for puid in puids:
        odd = frozenset({Oddity.UNKNOWN} if puid == "UNKNOWN" else ())
        tally.add(100, FileIdentified(Identification(puid), oddities=odd))
    made = IdentifiedEntry(
        package_id(package),
        Release("siegfried", release, "0" * 64),
        number,
        ObjectDigest(10, "9" * 64),
        len(puids),
        at(second),
    )
    return identification_events.identified(ACT, made, tally, [FormatName(puid, f"a {puid}") for puid in puids])


def settlement(identifier: str, puid: str) -> Settlement:
    """What a person said of the file of the first package that no signature fits."""
    kind = Kind("UNKNOWN", (Oddity.UNKNOWN,))
    word = Word(frozenset({Oddity.UNKNOWN}), said_by_hand(puid, "a format") if puid else None, "gb18030")
    return Settlement(identifier, package_id(0), "unknown", 2, Selection(frozenset({"a"}), "dat"), {kind: 1}, word)


def said_of(*puids: str) -> SettledTally:
    """What the files of a package come to, of the last of which a person spoke."""
    is_said = puids[-1] != "UNKNOWN"
    by_hand = Counter({puids[-1]: 1} if is_said else {})
    return SettledTally({puid: [1, 100] for puid in puids}, by_hand, Counter(unknown=int(is_said)))


def formats_kept(package: int, number: int, store_name: str) -> Event:
    kept = IdentifiedEntry(
        package_id(package), Release("siegfried", "", ""), number, ObjectDigest(10, "9" * 64), 1, at(59)
    )
    return identification_events.formats_kept(ACT, at(59), kept, store_name, 1)


def _life_of_formats() -> Iterator[Event]:
    """Two packages are identified, one of them once more with other signatures."""
    yield identified(0, 1, "V125", "fmt/40", "fmt/40", "UNKNOWN")
    yield identified(1, 1, "V125", "fmt/40", "preserve/ofd-1")
    yield formats_kept(0, 1, "vault")
    yield identified(0, 2, "V126", "fmt/40", "UNKNOWN")
    yield formats_kept(0, 2, "vault")
    for puid in ("fmt/189", "fmt/41"):
        yield identification_events.formats_settled(ACT, at(59), settlement("", puid), said_of("fmt/40", puid))
    yield identification_events.formats_settled(ACT, at(59), settlement("S-9", ""), said_of("fmt/40", "fmt/41"))
    yield identification_events.settlement_withdrawn(ACT, at(59), "S-9", package_id(0), said_of("fmt/40", "UNKNOWN"))
    yield rating_events.risk_recorded(ACT, at(59), [risk("fmt/40", 13), risk("fmt/9999", None)], 1, {"Python": "3.11"})


PLAN = Migration(
    number=0,
    title="Word 97",
    scope=Scope(("fmt/40",), ("default",)),
    grounds=(Ground.OBSOLESCENCE,),
    alternatives=(PlannedPathway("doc-to-docx", "d" * 64), PlannedPathway("doc-to-pdfa2b", "a" * 64)),
    planned=ScopeCount(0, 0, 0),
    planned_by="",
    planned_at="",
    reason="",
)
LOST = LossCount(Property.MACROS, RiskType.MACRO_OR_FORMULA_LOST, LossSeverity.MEDIUM, Comparison.DECLARED, "macros", 1)


def tallied(converted: int = 1, stopped: int = 0, losses: tuple[LossCount, ...] = (LOST,)) -> Tallied:
    fates = {FileFate.CONVERTED: converted, FileFate.STOPPED: stopped}
    return Tallied(fates, {FileVerdict.LOSSES: converted}, losses, 1000, 1200, 2500, 800)


def pilot(migration: int = 1, *pathways: str) -> PilotEntry:
    """A pilot of these pathways, or of both that the plan names."""
    marks = dict.fromkeys(Criterion, 80)
    outcomes = tuple(
        Piloted(name, 1, each, {"libreoffice": "7.4"}, tallied(), marks)
        for name, each in (("doc-to-docx", "d" * 64), ("doc-to-pdfa2b", "a" * 64))
        if not pathways or name in pathways
    )
    basis = Basis("0123456789abcdef", {"fmt/40": "f" * 64})
    return PilotEntry(migration, outcomes, dict.fromkeys(Criterion, 25), basis, "s33d", 1, 1, "e" * 64)


def approval(migration: int = 1, pilot_number: int = 1, pathway: str = "doc-to-pdfa2b") -> ApprovalEntry:
    accepted = {"macros": "nobody runs them"}
    tools = {"libreoffice": "7.4"}
    return ApprovalEntry(migration, pilot_number, pathway, "a" * 64, tools, accepted, "", "", "", "a signed note\n")


def package_done(package: int, into: tuple[str, ...], came_to: Tallied, undecided: int = 0) -> Event:
    done = PackageDone(1, package_id(package), into, came_to, undecided, "7" * 64)
    return migration_events.migrated(ACT, at(61), done)


def decided(path: bytes, is_accepted: bool, package: int = 1) -> Event:
    return migration_events.file_decided(ACT, at(62), FileDecision(1, package_id(package), path, is_accepted))


def _life_of_migrations() -> Iterator[Event]:
    """One is planned, tried twice, approved, run, stopped, decided about, ended, rolled back and reinstated; another is
    withdrawn.  What is made of each of the two packages is, for want of more, the other."""
    yield migration_events.migration_planned(ACT, at(60), PLAN)
    yield migration_events.migration_piloted(ACT, at(60), pilot(1, "doc-to-docx"))
    yield migration_events.migration_piloted(ACT, at(60), pilot())
    yield migration_events.migration_approved(ACT, at(60), approval(pilot_number=2))
    yield migration_events.migration_begun(ACT, at(60), 1, 1, "an auditor")
    yield package_done(0, (package_id(1),), tallied())
    yield migration_events.migration_stopped(ACT, at(61), 1, StopCause.TOO_MANY_STOPPED, "1 of 1 did not pass")
    yield migration_events.migration_begun(ACT, at(61), 1, 1, "an auditor")
    yield package_done(1, (), tallied(0, 2, ()), 2)
    yield decided("卷/一%.doc".encode() + b"\xff", True)
    yield decided(b"b.doc", False)
    yield package_done(1, (package_id(0),), tallied(1, 1))
    yield migration_events.files_viewed(ACT, at(62), FilesViewed(1, package_id(0), (b"a.doc", b"b.doc"), 2))
    yield migration_events.files_viewed(ACT, at(62), FilesViewed(1, package_id(1), ("卷/一%.doc".encode(),)))
    yield migration_events.migration_ended(ACT, at(62), 1)
    yield migration_events.migration_rolled_back(ACT, at(63), 1, package_id(1))
    yield migration_events.migration_rolled_back(ACT, at(63), 1, None)
    yield migration_events.migration_reinstated(ACT, at(63), 1, None)
    again = replace(PLAN, scope=replace(PLAN.scope, puids=("UNKNOWN", "fmt/40"), is_again=True))
    yield migration_events.migration_planned(ACT, at(63), again)
    yield migration_events.migration_withdrawn(ACT, at(63), 2)


def risk(puid: str, total: int | None) -> HoldingRisk:
    rating = Rating(total, RiskLevel.MODERATE, RatingGround.PUBLISHED, "", ()) if total is not None else None
    return HoldingRisk(
        puid, None, 3, 3000, ("default",), rating, ReaderState.NOT_SAID, {}, (), 500, Keeping.PERMANENT, False,
        Trend.NOT_KNOWN, None, None, 50, 100, 100, 100, 50, FormatAdvice.PLAN,
    )  # fmt: skip


def _life_of_media() -> Iterator[Event]:
    said = Particulars(Medium.HDD, "WD-1", "2026-1", 4 * 10**12, CopySet.OFFSITE, "兰州", "省档案馆", "2026-01-01")
    plan = RefreshPlan("0001", "0002", Trigger.LIFE_REACHED, "DA/T 75-2019", "甲", "乙", "丙", 1095)
    yield medium_events.medium_registered(ACT, at(28), "0001", "vault", said)
    yield medium_events.medium_registered(ACT, at(29), "0001", "vault", replace(said, place="武汉"))
    yield medium_events.medium_registered(ACT, at(29), "0002", "cave", Particulars(Medium.LTO))
    yield medium_events.medium_labelled(ACT, at(30), "0001", Label(1, "a" * 64, 30), 2)
    yield medium_events.medium_checked_out(ACT, at(31), "0001", CheckOut("丁", "S-1", Purpose.DEPOSIT, "2026-02-01"))
    back = CheckIn("S-1", True, Custody.AT_HAND, "武汉", CarrierCondition.GOOD, 2)
    yield medium_events.medium_checked_in(ACT, at(32), "0001", back)
    found = Inspection(Cause.ASKED, CarrierCondition.GOOD, Answer.PASSED, Answer.PASSED, "A-1", 2, 0, "clean")
    yield medium_events.medium_inspected(ACT, at(33), "0001", found)
    yield medium_events.refresh_begun(ACT, at(34), plan)
    yield medium_events.refresh_ended(ACT, at(35), plan, RefreshOutcome(2, 2, 2, 20480, {"vault": 20480}), "2029-01-01")
    yield medium_events.reader_checked(ACT, at(36), "LTO-8 drive", [Medium.LTO], True, "")


def create(home: Path, *first: Event) -> Books:
    """New books, in a file or on a server as the test that runs wants them."""
    return Books.create(home, *first, server=PLACES.next())


def rebuild(home: Path, entries: Iterable[bytes]) -> Books:
    """Books replayed from entries, likewise."""
    return Books.rebuild(home, entries, server=PLACES.next())


def tables(home: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of the catalog."""
    database = books_place.opened(home)
    try:
        order = {table: ", ".join(key) for table, key in CATALOG.items()}
        return {
            table: database.rows(f"SELECT * FROM {table} ORDER BY {keys}")  # noqa: S608
            for table, keys in order.items()
        }
    finally:
        database.close()


def edit(home: Path, statement: str, *parameters: object) -> None:
    """Edit the database as a person with a tool would."""
    database = books_place.opened(home)
    try:
        with database.transaction() as statements:
            done = statements.execute(f"{statement} RETURNING 1", parameters).fetchone()
    finally:
        database.close()
    assert done, f"{statement} must change something"


def books_with_a_life(home: Path) -> Books:
    home.mkdir(parents=True, exist_ok=True)
    return create(home, initialised(), *a_life())


def signing_home(home: Path) -> tuple[Books, signing_key.SigningKey]:
    """A home with a key of its own and books that name it; the passphrase's place is the caller's to set."""
    home.mkdir(parents=True, exist_ok=True)
    key = signing_key.create(home, origin(HOME_ID))
    books = create(home, initialised(str(key.verifier_key())), events.store_added(ACT, at(1), store()))
    return books, key
