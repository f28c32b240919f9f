"""Is heavy work done by many processes as by one: all of it, booked once, also where a worker dies over it?"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ops.sites import postgres
from ops.sites.ports import free_block
from ops.sites.site import wait_for
from preserve import compose
from preserve.cli.exits import Exit
from preserve.daemon import crew
from preserve.daemon.cluster import crew_of
from preserve.daemon.crew import MOST_PACKAGES, ORDERS_EACH, Spread, _audited, _Ordered, shares
from preserve.errors import Misused, NoSpace, Refused, Unavailable
from preserve.model import events
from preserve.model.audit import AuditCounts
from preserve.model.links import SPEED_LIMIT
from preserve.model.nouns import CopyState, EventType, Level
from preserve.operations.audit import AuditReport, AuditRequest
from preserve.operations.join_home import join_home
from preserve.operations.replicate import ReplicateRequest
from preserve.ports import NoProgress
from preserve.settings.home import DATABASE_VARIABLE, VARIABLE, Home
from preserve.state import books_place
from preserve.state.books import Books
from preserve.workplace import Workplace
from tests.cli.program import Program
from tests.packages.building import ACT, Service, flip, service

PACKAGES = 4
READY_SECONDS = 60


@dataclass
class Worker:
    """A process of a Dask cluster on a machine with a part of the home of its own."""

    home: Path
    process: subprocess.Popen[bytes]


class Cluster:
    """A scheduler and two workers, of one thread each, on loopback."""

    def __init__(self, folder: Path) -> None:
        self.address = f"tcp://127.0.0.1:{free_block()}"
        self._folder = folder
        port = self.address.rpartition(":")[2]
        self._scheduler = self._begin("scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")
        self.workers = [self._worker(folder / name) for name in ("b", "c")]
        wait_for(lambda: self._count() == len(self.workers), READY_SECONDS)

    def _worker(self, home: Path) -> Worker:
        home.mkdir(exist_ok=True)
        return Worker(
            home,
            self._begin(
                "worker", self.address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard",
                "--local-directory", str(home) + "-scratch", home=home,
            ),
        )  # fmt: skip

    def replace_dead(self) -> None:
        """Start another for each worker that was killed."""
        self.workers = [each if each.process.poll() is None else self._worker(each.home) for each in self.workers]
        wait_for(lambda: self._count() == len(self.workers), READY_SECONDS)

    def end(self) -> None:
        for each in [*(worker.process for worker in self.workers), self._scheduler]:
            each.terminate()
            each.wait()

    def _count(self) -> int:
        try:
            with crew_of(Home(self._folder), self.address) as crew:
                return crew.workers
        except Unavailable:
            return 0

    def _begin(self, *arguments: str, home: Path | None = None) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments],
                env={**os.environ, **({VARIABLE: str(home)} if home else {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )


@pytest.fixture(scope="module")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        yield cluster
    finally:
        cluster.end()


@pytest.fixture
def cluster(shared_cluster: Cluster) -> Cluster:
    shared_cluster.replace_dead()
    return shared_cluster


def taken_in(made: Service, folder: Path, bytes_each: int = 1000) -> list[str]:
    """A few packages; returns their ids."""
    for number in range(PACKAGES):
        (folder / f"in-{number}").mkdir()
        (folder / f"in-{number}" / "a.bin").write_bytes(os.urandom(bytes_each))
        made.ingest(folder / f"in-{number}")
    return [package.id for package in made.workplace.books.packages()]


@contextmanager
def on_two_machines(home: Path, url: str, cluster: Cluster) -> Iterator[Workplace]:
    """Move a home's books to a server and let the workers' machines join; the means of who gives orders."""
    books_place.move(home, url)
    for worker in cluster.workers:
        (worker.home / books_place.SERVER_FILE_NAME).unlink(missing_ok=True)
        join_home(worker.home, url)
    with compose.workplace(Home(home), ACT, NoProgress()) as workplace:
        yield workplace


def looks(books: Books) -> Counter[str]:
    """How often each copy's looking at was booked, by package, in the ledger."""
    found: Counter[str] = Counter()
    for entry in books.entries():
        event = events.decode(entry.content)
        if event.type is EventType.AUDITED:
            found[str(event.detail["package"])] += 1
    return found


def count(books: Books, kind: EventType) -> int:
    return sum(events.decode(entry.content).type is kind for entry in books.entries())


@pytest.mark.parametrize(("packages", "workers"), [(1, 2), (4, 2), (200, 2), (200, 50), (7, 3)])
def test_shares_are_all_packages_once_and_enough_for_everybody(packages: int, workers: int) -> None:
    names = [str(number) for number in range(packages)]
    given = shares(names, workers)
    assert [name for share in given for name in share] == names
    assert max(map(len, given)) <= MOST_PACKAGES
    assert len(given) >= min(packages, workers)
    assert len(given) <= max(workers * ORDERS_EACH, -(-packages // MOST_PACKAGES))


def test_an_error_is_the_same_after_it_has_travelled() -> None:
    error = NoSpace("no space left where {path} lies", path=Path("/x"))
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (type(again), str(again), again.template, again.values) == (
        NoSpace, str(error), error.template, error.values,
    )  # fmt: skip


def test_a_local_pool_audits_a_home_with_books_in_a_file(tmp_path: Path) -> None:
    with service(tmp_path) as made:
        packages = taken_in(made, tmp_path)
        flip(next((tmp_path / "near").glob(f"packages/*/{packages[0]}/bag.tar")), 100)
        # Processes begun anew: this one's have threads and connections that must not be inherited.
        with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
            request = AuditRequest(Level.FULL, ("near",), among=tuple(packages))
            report = Spread(Home(made.home), pool, 2).audit(made.workplace, request)
        assert (report.counts.sound, report.counts.damaged, report.counts.not_checked) == (PACKAGES - 1, 1, 0)
        assert [finding.package_id for finding in report.findings] == [packages[0]]
        assert looks(made.workplace.books) == dict.fromkeys(packages, 1)


@dataclass
class Told(NoProgress):
    """Counts the signs of life of whoever waits for a crew."""

    signs: int = 0

    def advance(self, done_bytes: int) -> None:
        self.signs += 1


@pytest.mark.parametrize("moves_bytes", [True, False])
def test_who_waits_for_a_crew_lives_as_long_as_a_worker_does_and_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves_bytes: bool
) -> None:
    monkeypatch.setattr(crew, "PULSE_SECONDS", 0.01)
    with service(tmp_path) as made, ThreadPoolExecutor(1) as pool:
        watched, waited = Told(), threading.Event()
        home = Home(made.home)
        order = crew.AuditOrder(_Ordered(home.path, ACT, frozenset()), AuditRequest(Level.FULL, among=("a",)))

        def work(order: crew.AuditOrder) -> AuditReport:
            for number in range(5):
                if moves_bytes:
                    made.books.set_progress(crew._sign_of(order), str(number))
                waited.wait(0.05)
            raise Unavailable("nobody asks what became of it")

        crew._wait(replace(made.workplace, progress=watched), [crew._sign_of(order)], [pool.submit(work, order)])
        assert (watched.signs > 2) == moves_bytes and watched.signs >= 1
        assert made.books.progress(crew._sign_of(order)) is None


def test_a_worker_notes_that_it_lives_while_it_moves_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("preserve.daemon.pulse.PULSE_SECONDS", -1.0)
    with service(tmp_path) as made:
        packages = taken_in(made, tmp_path)
        order = crew.AuditOrder(
            _Ordered(made.home, ACT, frozenset()), AuditRequest(Level.FULL, ("near",), among=tuple(packages))
        )
        crew.carried_out(order)
        assert made.books.progress(crew._sign_of(order)) is not None


def test_what_fails_one_order_is_raised_and_the_others_are_booked(tmp_path: Path) -> None:
    with service(tmp_path) as made:
        (tmp_path / "city").rename(tmp_path / "city-is-away")
        packages = taken_in(made, tmp_path)
        (tmp_path / "city-is-away").rename(tmp_path / "city")
        books = made.workplace.books
        wanted = ReplicateRequest(compose.policy_in_force(books), among=("nobody", *packages))
        with (
            ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool,
            pytest.raises(Refused, match="no package nobody"),
        ):
            Spread(Home(made.home), pool, PACKAGES).replicate(made.workplace, wanted)
        assert [copy.package_id for copy in books.copies(store="city", states=[CopyState.VERIFIED])] == packages


def test_what_any_share_found_frozen_is_left_to_who_ordered_them() -> None:
    nothing = AuditReport("A-1", Level.FULL, False, AuditCounts(), (), {}, (), 0, 0, 0.0, "2026-01-01T00:00:00.000000Z")
    shares = [nothing, *(replace(nothing, frozen={"far": (each,), "deep": (each,)}) for each in ("a", "b"))]
    assert _audited(shares).frozen == {"far": ("a", "b"), "deep": ("a", "b")}


def test_two_machines_of_a_cluster_make_the_copies_that_are_due(
    tmp_path: Path, cluster: Cluster, postgres_server: postgres.Server
) -> None:
    with service(tmp_path) as made:
        (tmp_path / "city").rename(tmp_path / "city-is-away")
        packages = taken_in(made, tmp_path)
        (tmp_path / "city-is-away").rename(tmp_path / "city")
    with (
        on_two_machines(made.home, postgres_server.new_database(), cluster) as workplace,
        crew_of(Home(made.home), cluster.address) as crew,
    ):
        request = ReplicateRequest(compose.policy_in_force(workplace.books), among=tuple(packages))
        report = crew.replicate(workplace, request)
        assert sorted(copy.package for copy in report.made) == sorted(packages)
        assert report.is_complete
        copies = list(workplace.books.copies(store="city", states=[CopyState.VERIFIED]))
        assert [copy.package_id for copy in copies] == packages
        assert crew.replicate(workplace, request).made == ()
    assert all((worker.home / "work").is_dir() for worker in cluster.workers), "both machines worked"


def test_a_worker_that_is_killed_over_an_audit_loses_nothing_and_doubles_nothing(
    tmp_path: Path, cluster: Cluster, postgres_server: postgres.Server
) -> None:
    with service(tmp_path) as made:
        packages = taken_in(made, tmp_path, bytes_each=400_000)
        slow = made.workplace.books.store("near")
        attributes = {**slow.attributes, SPEED_LIMIT: "150000"}
        made.workplace.record(events.store_added(ACT, made.workplace.now(), replace(slow, attributes=attributes)))
    with (
        on_two_machines(made.home, postgres_server.new_database(), cluster) as workplace,
        crew_of(Home(made.home), cluster.address) as crew,
        ProcessWatch(workplace.books, cluster) as watch,
    ):
        report = crew.audit(workplace, AuditRequest(Level.FULL, ("near",), among=tuple(packages)))
        assert watch.has_killed
        assert report.counts.sound == PACKAGES
        assert looks(workplace.books) == dict.fromkeys(packages, 1)
        begun, ended = (count(workplace.books, kind) for kind in (EventType.AUDIT_BEGUN, EventType.AUDIT_ENDED))
        assert begun == ended == PACKAGES, "the order of the dead was gone on with, not begun again"


class ProcessWatch:
    """Kills the first worker as soon as two audits are under way, from a thread of its own."""

    def __init__(self, books: Books, cluster: Cluster) -> None:
        from threading import Thread

        self._size = books.size()
        self._place = books
        self._cluster = cluster
        self.has_killed = False
        self._thread = Thread(target=self._watch)

    def __enter__(self) -> ProcessWatch:
        self._thread.start()
        return self

    def __exit__(self, *left: object) -> None:
        self._thread.join()

    def _watch(self) -> None:
        wait_for(lambda: self._place.size() >= self._size + 2, READY_SECONDS)
        self._cluster.workers[0].process.kill()
        self._cluster.workers[0].process.wait()
        self.has_killed = True


# The command


@pytest.fixture
def program(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Program:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv(VARIABLE, str(tmp_path / "home"))
    return Program(tmp_path, capsys)


def test_the_runner_sends_its_work_to_the_cluster(
    program: Program, tmp_path: Path, cluster: Cluster, postgres_server: postgres.Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    url = postgres_server.new_database()
    monkeypatch.setenv(DATABASE_VARIABLE, url)
    program("init")
    monkeypatch.delenv(DATABASE_VARIABLE)
    program("store", "add", "main", "--role", "primary", "--url", (tmp_path / "main").as_uri())
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("a record")
    program("ingest", tmp_path / "in", code=Exit.FINDINGS)
    program("store", "add", "near", "--role", "same_city", "--url", (tmp_path / "near").as_uri())
    for worker in cluster.workers:
        (worker.home / books_place.SERVER_FILE_NAME).unlink(missing_ok=True)
        join_home(worker.home, url)
        shutil.rmtree(worker.home / "work", ignore_errors=True)
    report = program.ask("run", "--once", "--cluster", cluster.address)
    made = [each for each in report["worked"] if each["kind"] == "replication"]
    assert [each["ending"] for each in made] == ["done"]
    assert any((worker.home / "work").is_dir() for worker in cluster.workers), "a worker's machine did it"
    assert list((tmp_path / "near").glob("packages/*/*/bag.tar"))
    assert program.ask("ledger", "verify")["ok"]


def test_a_cluster_that_is_away_or_none_is_told(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("preserve.daemon.cluster.ANSWER_SECONDS", 1)
    program("init")
    assert "does not answer" in program(
        "run", "--once", "--cluster", f"tcp://127.0.0.1:{free_block()}", code=Exit.UNAVAILABLE
    )
    assert "no address of a cluster" in program("run", "--once", "--cluster", "nonsense://x", code=Exit.MISUSED)


def test_what_is_no_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misused, match="tcp://host:port"), crew_of(Home(tmp_path), "gopher://x:1"):
        pass


@pytest.mark.parametrize("address", ["foo", "tcp://foo", "tcp://foo:port"])
def test_what_has_no_port_is_not_even_tried(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dask tried for a minute, and left a traceback behind."""
    monkeypatch.setattr("distributed.Client", None)
    with pytest.raises(Misused, match="tcp://host:port"), crew_of(Home(tmp_path), address):
        pass
