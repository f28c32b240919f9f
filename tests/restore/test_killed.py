"""Is nothing half-done visible after a kill at any moment, and does a second run converge?"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from preserve import durable
from preserve.clock import SystemClock
from preserve.operations.restore import RestoreRequest, restore
from preserve.ports import NoProgress
from preserve.state.books import Books
from preserve.stores.folder import FolderStore
from preserve.workplace import Workplace
from tests.packages.building import ACT, service
from tests.restore import samples
from tests.restore.trees import differences, tree


def run_until(home: Path, package: str, to: Path, kill_at: int, nameless: bool) -> int:
    """Restore in a process of its own, which is killed at its durability point number `kill_at`.

    Returns how the process ended, as `os.waitpid` says.
    """
    child = os.fork()
    if child == 0:
        try:
            _restore_and_die(home, package, to, kill_at, nameless)
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1]


def _restore_and_die(home: Path, package: str, to: Path, kill_at: int, nameless: bool) -> None:
    reached = 0

    def count(_point: str) -> None:
        nonlocal reached
        reached += 1
        if reached == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    with pytest.MonkeyPatch.context() as patch, Books.open(home) as books:
        if not nameless:
            patch.setattr("preserve.packages.restoring.target._has_nameless_files", lambda target, hidden: False)
        stores = {
            entry.name: FolderStore(entry.name, home.parent / entry.name, entry.store_id) for entry in books.stores()
        }
        place = Workplace(books, stores, SystemClock(), ACT, NoProgress(), home / "work" / "test")
        durable.listen(count)
        restore(place, RestoreRequest(package, to))


@pytest.mark.parametrize("nameless", [True, False])
def test_a_kill_at_any_point_leaves_only_whole_files_and_a_second_run_converges(
    memory_path: Path, nameless: bool
) -> None:
    source = memory_path / "submission"
    samples.write(source / "large", os.urandom(9_000_000))
    for number in range(4):
        samples.write(source / "folder" / f"{number}", os.urandom(5000))
    with service(memory_path, ("near",)) as made:
        package = made.ingest(source).packages[0].id
    whole = tree(source)
    killed = 0
    for point in range(1, 200):
        to = memory_path / f"out-{point}"
        status = run_until(memory_path / "home", package, to, point, nameless)
        if status == 0:
            break
        assert os.WTERMSIG(status) == signal.SIGKILL
        killed += 1
        seen = {path: facts for path, facts in tree(to).items() if facts[0] == "file"} if to.exists() else {}
        assert {
            path: facts for path, facts in seen.items() if not path.startswith(b".preserve-")
        }.items() <= whole.items()
        assert run_until(memory_path / "home", package, to, 0, nameless) == 0
        assert differences(source, to) == []
    assert killed > 15
