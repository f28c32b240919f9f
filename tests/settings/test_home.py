"""Is the home found where it was named, and are only the scratch folders of the dead removed?"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from preserve import claims
from preserve.errors import Misused, Refused, Unavailable
from preserve.settings import shipped
from preserve.settings.home import Home, existing, locate, scratch
from preserve.state.books import Books


def test_the_command_line_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESERVE_HOME", "/from/the/environment")
    assert locate("/given").path == Path("/given")
    assert locate(None).path == Path("/from/the/environment")
    monkeypatch.setenv("PRESERVE_HOME", "")
    with pytest.raises(Misused):
        locate(None)


def test_a_folder_without_books_is_no_home(tmp_path: Path) -> None:
    with pytest.raises(Refused):
        existing(str(tmp_path))
    Books.create(tmp_path).close()
    assert existing(str(tmp_path)).path == tmp_path


def test_a_scratch_folder_is_gone_afterwards(tmp_path: Path) -> None:
    with scratch(Home(tmp_path)) as folder:
        (folder / "deep" / "er").mkdir(parents=True)
        assert folder.stat().st_mode & 0o077 == 0
    assert not folder.exists()
    assert (tmp_path / "work").is_dir()


def test_the_living_keep_their_scratch_folders_and_the_dead_do_not(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with scratch(home) as first:
        dead = home.work / "command-dead"
        dead.mkdir()
        (dead / "left").write_text("over")
        left = home.work / "claim-of-the-dead"
        left.touch()
        with claims.held(home.work, "the signing key"), scratch(home) as second:
            assert first != second
            assert first.is_dir()
            assert not dead.exists() and not left.exists()
            (living,) = home.work.glob("claim-*")
        assert not living.exists(), "a claim leaves nothing behind"


def test_a_claim_is_one_process_s_and_then_the_next_one_s(tmp_path: Path) -> None:
    with claims.held(tmp_path, "a subject"):
        with pytest.raises(Unavailable, match="a subject"), claims.held(tmp_path, "a subject"):
            pass
        with claims.held(tmp_path, "another"):
            pass
        claims.clear_stale(tmp_path)
        assert len(list(tmp_path.iterdir())) == 1
    with claims.held(tmp_path, "a subject"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_claim_on_a_file_that_its_holder_removed_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between opening and locking, the holder may end and remove the file: two would hold claims on different files."""
    lock = fcntl.flock
    taken: list[int] = []

    def lock_after_the_removal(descriptor: int, how: int) -> None:
        if not taken:
            for path in tmp_path.iterdir():
                path.unlink()
        taken.append(descriptor)
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", lock_after_the_removal)
    with claims.held(tmp_path, "a subject"):
        assert len(taken) == 2
        assert len(list(tmp_path.iterdir())) == 1


def test_a_work_folder_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("in the way")
    with pytest.raises(Refused), scratch(Home(tmp_path)):
        pass


def test_a_home_s_own_profile_comes_before_the_shipped_one(tmp_path: Path) -> None:
    home = Home(tmp_path)
    name = "government-records-profile.json"
    assert "BagIt-Profile-Info" in (shipped.profile_text(home, name) or "")
    home.profiles.mkdir()
    (home.profiles / name).write_text("mine")
    assert shipped.profile_text(home, name) == "mine"
    assert shipped.profile_text(home, "unknown.json") is None


def test_policies_and_the_kit_come_with_the_program() -> None:
    assert "default.toml" in {policy.name for policy in shipped.policies()}
    kit = shipped.kit()
    assert set(kit) == {"README.txt", "README.zh.txt", "rescue.py"}
    for file in kit.values():
        # A store keeps what was laid there: before a changed file is released, its line is added to kit/versions.txt.
        assert (len(file.content), file.sha256) in file.earlier


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_home_that_may_not_be_entered_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    os.chmod(tmp_path, 0o700)
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        try:
            existing(str(tmp_path / "home"))
        except Refused as error:
            os._exit(0 if "may not be entered" in str(error) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
