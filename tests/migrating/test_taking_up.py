"""What a run left that was killed, or that could not go on, is taken up by the next as it stands now: by the ledger, by
the digests of what was judged, by what people decided since."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from preserve.errors import PreserveError, Refused, Unavailable
from preserve.model import migration_events
from preserve.model.formats.file_results import FileFate
from preserve.model.formats.pathways import StopRule
from preserve.model.migrations import PackageDone
from preserve.packages.migrating import finishing
from preserve.packages.migrating.journal import Journal
from preserve.packages.risk_log_finding import is_as_pinned
from preserve.packages.risk_logs import run_log
from preserve.state.verification import verify_books
from tests.migrating.jobs import PATHWAY, again, approved, decide
from tests.migrating.test_run import FILES, PATIENT, Job, Taken, as_utf8, job, take
from tests.migrating.texts import TOOLS, notice
from tests.packages.building import Service

__all__ = ["job", "take"]


class _Killed(BaseException):
    """Nothing of ours catches it."""


def killed_at(monkeypatch: pytest.MonkeyPatch, job: Job, where: object, name: str) -> None:
    """Run, and die when `where` is asked for `name`."""

    def die(*_: object, **__: object) -> None:
        raise _Killed

    with monkeypatch.context() as patched:
        patched.setattr(where, name, die)
        with pytest.raises(_Killed):
            job.run()


def put_off(monkeypatch: pytest.MonkeyPatch, job: Job) -> None:
    """Run while no store takes a version."""

    def away(*_: object) -> None:
        raise Unavailable("no store took a sound copy of {source}: {reasons}", source="it", reasons="-")

    with monkeypatch.context() as patched:
        patched.setattr(finishing, "take_version_in", away)
        assert job.run().is_only_away


def done_of(kept: Service, package: str) -> PackageDone:
    done = kept.books.migration_package(1, package).done
    assert done is not None
    return done


def made_of(kept: Service, package: str) -> list[Path]:
    return sorted((kept.home / "migrations" / "1" / "work" / package / "made").glob("*/0"))


def rot(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"!")


def test_a_file_accepted_after_a_run_was_killed_right_after_booking_comes_into_a_version(
    job: Job, take: Taken, kept: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = take(FILES)
    approved(kept.workplace, PATIENT)
    killed_at(monkeypatch, job, Journal, "settle")
    decide(kept.workplace, old, b"a/2.txt", is_accepted=True)
    assert job.run().is_finished
    first, second = done_of(kept, old).into
    assert done_of(kept, old).tallied.fates == {FileFate.CONVERTED: 3, FileFate.FAILED: 1}
    assert set(job.tree(first, tmp_path / "1")) == {b"a/1.txt.txt", b"b/\xcd\xa8\xd6\xaa.txt.txt"}
    assert set(job.tree(second, tmp_path / "2")) == {b"a/2.txt.txt"}
    assert verify_books(kept.books).is_ok


def test_what_a_killed_run_had_booked_is_not_counted_twice_against_it(
    job: Job, take: Taken, kept: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = replace(PATHWAY, stop=StopRule(1, 4))
    for _ in range(3):
        take({b"0.txt": notice("fail"), b"1.txt": notice("text")})
    approved(kept.workplace, strict)

    def die(*_: object) -> None:
        raise _Killed

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "settle", die)
        with pytest.raises(_Killed):
            job.run(of=strict)
    assert job.run(of=strict).is_finished, "3 did not pass, and not 4"


def test_a_line_of_the_journal_that_rotted_has_its_file_done_again(
    job: Job, take: Taken, kept: Service, tmp_path: Path
) -> None:
    old = take({f"{number}.txt".encode(): notice(f"text {number}") for number in range(4)})
    approved(kept.workplace)
    job.run(of=PATHWAY, most=3)
    lines = kept.home / "migrations" / "1" / "work" / old / "results.jsonl"
    first, second, third = lines.read_bytes().splitlines(keepends=True)
    lines.write_bytes(first + second.replace(b'"number":1', b'"number":7') + third)
    assert job.run(of=PATHWAY).is_finished
    assert len(job.workshop.conversions()) == 3 + 2
    (new,) = job.versions(old)
    assert len(job.tree(new, tmp_path / "new")) == 4


def test_a_rotten_order_of_a_version_that_was_not_made_is_written_anew(
    job: Job, take: Taken, kept: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = take({b"1.txt": notice("one")})
    approved(kept.workplace, PATIENT)
    put_off(monkeypatch, job)
    rot(kept.home / "migrations" / "1" / "work" / old / "sealed" / "order.json")
    assert job.run().is_finished
    assert len(job.versions(old)) == 1


def test_a_rotten_order_of_a_version_that_was_made_is_told_and_keeps_no_other_package(
    job: Job, take: Taken, kept: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = {take({b"1.txt": notice("one")}), take({b"1.txt": notice("two")})}
    approved(kept.workplace, PATIENT)
    killed_at(monkeypatch, job, finishing.Finisher, "_lay_log")
    (order,) = (kept.home / "migrations" / "1" / "work").glob("*/sealed/order.json")
    rot(order)
    broken = order.parents[1].name
    (over,) = job.run().passed_over
    assert (over.package, "order.json is not as it was written" in str(over.why)) == (broken, True)
    (sound,) = both - {broken}
    assert len(job.versions(sound)) == 1


@pytest.mark.parametrize(("was", "rotten"), [(b"stopped", b"stobbed"), (b"\n", b"\x0b")])
def test_rot_in_what_waits_for_review_is_told_and_keeps_no_other_package(
    job: Job, take: Taken, kept: Service, was: bytes, rotten: bytes
) -> None:
    old, other = take(FILES), take({b"1.txt": notice("one truncate")})
    approved(kept.workplace, PATIENT)
    job.run()
    lines = kept.home / "migrations" / "1" / "work" / old / "settled.jsonl"
    before, after = lines.read_bytes().rsplit(was, 1)
    lines.write_bytes(before + rotten + after)
    decide(kept.workplace, old, b"a/2.txt", is_accepted=True)
    decide(kept.workplace, other, b"1.txt", is_accepted=True)
    (over,) = job.run().passed_over
    assert (over.package, "settled.jsonl is not as it was written" in str(over.why)) == (old, True)
    assert len(job.versions(other)) == 1


def test_what_was_sealed_and_rotted_before_it_was_taken_in_is_made_anew(
    job: Job, take: Taken, kept: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = take({b"1.txt": notice("one"), b"2.txt": notice("two")})
    approved(kept.workplace, PATIENT)
    put_off(monkeypatch, job)
    rot(made_of(kept, old)[0])
    while not (report := job.run()).is_finished:
        assert [each.package for each in report.passed_over] == [old]
    (new,) = job.versions(old)
    assert job.tree(new, tmp_path / "new") == {f"{n}.txt.txt".encode(): as_utf8(notice(w)) for n, w in
                                               ((1, "one"), (2, "two"))}  # fmt: skip
    assert len(job.workshop.conversions()) == 3


def test_evidence_that_rotted_after_it_was_sealed_is_written_anew(
    job: Job, take: Taken, kept: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = take({b"1.txt": notice("one")})
    approved(kept.workplace, PATIENT)
    put_off(monkeypatch, job)
    rot(kept.home / "migrations" / "1" / "work" / old / "sealed" / "evidence" / "risks.parquet")
    assert job.run().is_finished
    log = run_log(kept.home / "migrations", 1, old)
    assert is_as_pinned(log, done_of(kept, old).log_sha256)
    assert (log / "risks.parquet").read_bytes().endswith(b"PAR1")


def test_bytes_that_change_while_they_are_packed_come_into_no_version(
    job: Job, take: Taken, kept: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = take({b"1.txt": notice("one"), "二=2.txt".encode(): notice("two")})
    approved(kept.workplace, PATIENT)
    seal = Journal.seal

    def then_rot(journal: Journal, *given: object) -> object:
        rot(made_of(kept, old)[0])
        return seal(journal, *given)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "seal", then_rot)
        (over,) = job.run().passed_over
    assert isinstance(over.why, Refused)
    assert "sha256" in str(over.why)
    assert kept.books.package_count() == 1


def test_a_version_that_was_taken_in_is_booked_though_the_policy_is_another_now(
    job: Job, take: Taken, kept: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = take({b"1.txt": notice("one")})
    approved(kept.workplace, PATIENT)
    killed_at(monkeypatch, job, finishing.Finisher, "_lay_log")
    assert kept.books.package_count() == 2
    job.kept = replace(kept, policy=replace(kept.policy, sha256="e" * 64))
    assert job.run().is_finished
    assert kept.books.package_count() == 2
    assert len(job.versions(old)) == 1


def test_who_rejects_a_file_before_its_version_was_made_is_heard(
    job: Job, take: Taken, kept: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = take({**FILES, b"a/4.txt": notice("four truncate")})
    approved(kept.workplace, PATIENT)
    job.run()
    decide(kept.workplace, old, b"a/2.txt", is_accepted=True)
    put_off(monkeypatch, job)
    decide(kept.workplace, old, b"a/2.txt", is_accepted=False)
    decide(kept.workplace, old, b"a/4.txt", is_accepted=True)
    assert job.run().is_finished
    _, second = done_of(kept, old).into
    assert set(job.tree(second, tmp_path / "2")) == {b"a/4.txt.txt"}
    assert done_of(kept, old).tallied.of(FileFate.CONVERTED) == 3


def test_of_a_package_that_was_rolled_back_nothing_further_is_made(job: Job, take: Taken, kept: Service) -> None:
    old, other = take(FILES), take({b"1.txt": notice("one")})
    approved(kept.workplace, PATIENT)
    bags = [kept.object(store, other, "bag.tar") for store in ("near", "city")]
    for bag in bags:
        bag.rename(bag.with_suffix(".away"))
    assert not job.run().is_finished
    for bag in bags:
        bag.with_suffix(".away").rename(bag)
    decide(kept.workplace, old, b"a/2.txt", is_accepted=True)
    place = kept.workplace
    place.record(migration_events.migration_rolled_back(place.act, place.now(), 1, old))
    assert job.run().is_finished
    assert len(done_of(kept, old).into) == 1
    assert len(job.versions(other)) == 1


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_run_that_was_killed_while_it_cleared_up_is_gone_on_with(
    job: Job, take: Taken, kept: Service, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    old, other = take({b"1.txt": notice("one")}), take({b"1.txt": notice("two")})
    approved(kept.workplace, PATIENT)
    settle, remove, left = Journal.settle, shutil.rmtree, [nth]

    def die_half_way(folder: Path, *_: object, **__: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            next(each for each in sorted(folder.rglob("*"), reverse=True) if each.is_file()).unlink()
            raise _Killed
        remove(folder)

    def dying(journal: Journal, *given: object) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(shutil, "rmtree", die_half_way)
            settle(journal, *given)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "settle", dying)
        with pytest.raises((_Killed, StopIteration)):
            job.run()
    assert job.run().is_finished
    assert [len(job.versions(each)) for each in (old, other)] == [1, 1]
    assert not list((kept.home / "migrations" / "1" / "work").glob("*/sealed*"))


def test_two_results_of_one_name_make_no_version(job: Job, take: Taken, kept: Service) -> None:
    old = take({b"a.txt": notice("one"), b"a.txt.txt/b.txt": notice("two")})
    approved(kept.workplace, PATIENT)
    (over,) = job.run().passed_over
    assert isinstance(over.why, PreserveError)
    assert str(over.why).startswith("two of the results would both be called a.txt.txt, so no version is made")
    assert job.versions(old) == []
    assert kept.books.package_count() == 1


def test_what_other_versions_of_programs_made_is_made_anew_under_the_approval_of_these(
    job: Job, take: Taken, kept: Service
) -> None:
    take({f"{number}.txt".encode(): notice(f"text {number}") for number in range(5)})
    approved(kept.workplace)
    job.run(of=PATHWAY, most=3)
    job.workshop.tools_here = {**TOOLS, "iconv": "2.37"}
    again(kept.workplace, PATHWAY, tools=job.workshop.tools_here)
    assert job.run(of=PATHWAY).is_finished
    assert len(job.workshop.conversions()) == 3 + 5


def test_an_approval_that_another_took_the_place_of_carries_no_run(
    job: Job, take: Taken, kept: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    take({f"{number}.txt".encode(): notice(f"text {number}") for number in range(5)})
    approved(kept.workplace)
    claim: Callable[..., object] = type(kept.workplace).claim

    def meanwhile(place: object, subject: str) -> object:
        with monkeypatch.context() as patched:
            patched.setattr(type(kept.workplace), "claim", claim)
            again(kept.workplace, PATHWAY)
            job.run(of=PATHWAY, most=1)
        return claim(place, subject)

    with monkeypatch.context() as patched:
        patched.setattr(type(kept.workplace), "claim", meanwhile)
        with pytest.raises(Refused, match="was approved anew meanwhile"):
            job.run(of=PATHWAY)
    assert len(job.workshop.conversions()) == 1
