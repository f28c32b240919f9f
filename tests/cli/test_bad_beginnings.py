"""Is a bad circumstance noticed before anything is written, and is the way out named?"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from tests.cli.conftest import Service

STORES = ("main", "near", "far")


def written(service: Service) -> dict[str, str]:
    """Every file of the home and of the stores, by digest; what SQLite keeps for its readers is no content."""
    files = [
        file
        for name in ("home", *STORES)
        for file in (service.folder / name).rglob("*")
        if file.is_file() and not file.name.endswith(("-shm", "-wal"))
    ]
    return {str(file): sha256(file.read_bytes()).hexdigest() for file in files}


def passphrase(service: Service) -> Path:
    return service.folder / "user" / ".config" / "preserve" / "passphrase"


def commands(service: Service) -> list[tuple[str | Path, ...]]:
    return [
        ("ingest", service.submission("another")),
        ("audit",),
        ("store", "check", "main"),
        ("key", "renew"),
        ("ledger", "publish"),
    ]


def test_without_the_passphrase_nothing_is_begun(furnished: Service) -> None:
    passphrase(furnished).write_text("another\n")
    before = written(furnished)
    for command in commands(furnished):
        ended = furnished.run(*command)
        assert (ended.code, "does not open with the passphrase from" in ended.err) == (3, True), ended
        assert "preserve key renew --old-key-lost" in ended.err
    passphrase(furnished).unlink()
    assert "PRESERVE_PASSPHRASE_FILE" in furnished.run("audit").err
    assert furnished.run("ledger", "verify").code == 0, "who asks needs no key"
    assert written(furnished) == before


def test_records_are_given_back_without_the_passphrase_and_the_books_signed_later(furnished: Service) -> None:
    (package,) = furnished.ask("ingest", furnished.submission("one"))["packages"]
    hidden = passphrase(furnished).rename(furnished.folder / "hidden")
    ended = furnished.run("restore", package["id"], "--to", furnished.folder / "out")
    assert (ended.code, "is not signed yet" in ended.err) == (0, True), ended
    assert any((furnished.folder / "out").iterdir())
    assert "preserve key renew --old-key-lost" in furnished.run("audit").err
    hidden.rename(passphrase(furnished))
    assert furnished.ask("ledger", "publish")
    assert furnished.ask("ledger", "verify")["ok"]


@pytest.mark.parametrize("harm", ["flipped", "gone"])
def test_a_harmed_public_key_is_written_anew_from_the_private_one(furnished: Service, harm: str) -> None:
    public = furnished.home / "keys" / "ledger.vkey"
    sound = public.read_bytes()
    public.unlink()
    if harm == "flipped":
        public.write_bytes(sound[:-4] + bytes([sound[-4] ^ 1]) + sound[-3:])
    assert furnished.run("audit").code == 0
    assert public.read_bytes() == sound


def test_a_home_without_its_books_is_told_the_way_out(furnished: Service) -> None:
    furnished.ask("ingest", furnished.submission("one"))
    for file in furnished.home.glob("books.db*"):
        file.unlink()
    ended = furnished.run("status")
    assert (ended.code, "preserve rebuild --from STORE --home NEW" in ended.err) == (3, True), ended


def test_a_key_change_is_signed_by_both_keys_and_one_without_the_old_key_is_shown_as_such(furnished: Service) -> None:
    refused = furnished.run("key", "renew", "--old-key-lost")
    assert (refused.code, "is not lost" in refused.err) == (3, True)
    furnished.ask("key", "renew")
    passphrase(furnished).unlink()
    lost = furnished.ask("key", "renew", "--old-key-lost")
    assert lost["cause"] == "old key lost"
    verified = furnished.ask("ledger", "verify")
    assert [change["handover"] for change in verified["key_changes"]] == [
        "signed by both keys",
        "not signed by the old key",
    ]
    assert "WITHOUT a signature of the old one (given cause: old key lost)" in furnished.run("ledger", "verify").out


def test_a_home_from_an_old_backup_books_nothing_before_it_caught_up(furnished: Service) -> None:
    shutil.copytree(furnished.home, furnished.folder / "backup")
    (package,) = furnished.ask("ingest", furnished.submission())["packages"]
    size = furnished.ask("status")["ledger_entries"]
    shutil.rmtree(furnished.home)
    (furnished.folder / "backup").rename(furnished.home)
    before = written(furnished)
    for command in commands(furnished):
        ended = furnished.run(*command)
        assert (ended.code, "preserve home catch-up" in ended.err) == (4, True), ended
    alarmed = furnished.run("status")
    assert (alarmed.code, "ALARM" in alarmed.out) == (4, True), alarmed
    verified = furnished.run("ledger", "verify")
    assert (verified.code, verified.out.count("LACK ENTRIES")) == (4, 1), verified
    assert "catch-up" in verified.out and "BOOKS OF THIS HOME ARE WRONG" not in verified.out
    assert "preserve rebuild" not in verified.out
    assert written(furnished) == before
    caught = furnished.ask("home", "catch-up")
    assert (caught["entries"], caught["before"] < size, caught["adopted"]) == (size, True, [])
    assert furnished.ask("ledger", "verify")["ok"]
    assert furnished.ask("restore", package["id"], "--to", furnished.folder / "out")["verified"]
    again = furnished.ask("home", "catch-up")
    assert again["from"] is None and again["before"] == again["entries"]


def test_a_rehearsed_rebuild_leaves_the_living_home_alone_until_it_books(furnished: Service) -> None:
    (package,) = furnished.ask("ingest", furnished.submission("one"))["packages"]
    rehearsal = {"PRESERVE_HOME": str(furnished.folder / "rehearsal")}
    made = furnished.run("rebuild", "--from", furnished.folder / "main", more=rehearsal)
    assert (made.code, "shuts out every other home" in made.out) == (0, True), made
    assert furnished.run("status", more=rehearsal).code == 0
    assert furnished.run("audit").code == 0
    shutil.rmtree(furnished.folder / "rehearsal")
    furnished.run("rebuild", "--from", furnished.folder / "main", more=rehearsal)
    assert furnished.run("audit", more=rehearsal).code == 0
    assert furnished.run("audit").code == 4, "the stores know the new key"
    out = furnished.folder / "out"
    had = furnished.run("restore", package["id"], "--from", "main", "--to", out)
    assert (had.code, any(out.iterdir())) == (4, True), had


def test_the_last_store_gives_a_home_even_without_its_store_json(furnished: Service) -> None:
    (package,) = furnished.ask("ingest", furnished.submission("one"))["packages"]
    far = furnished.folder / "far"
    (far / "store.json").unlink()
    shutil.rmtree(furnished.home)
    nameless = furnished.run("rebuild", "--from", far)
    assert (nameless.code, "--label" in nameless.err) == (3, True), nameless
    unknown = furnished.run("rebuild", "--from", far, "--label", "moon")
    assert (unknown.code, "it knows: far, main, near" in unknown.err) == (3, True), unknown
    other = furnished.run("rebuild", "--from", far, "--label", "main")
    assert (other.code, "store main is in its own place" in other.err) == (3, True), other
    assert not furnished.home.exists()
    for name in ("main", "near"):
        shutil.rmtree(furnished.folder / name)

    made = furnished.run("rebuild", "--from", far, "--label", "far")
    assert (made.code, "preserve store mend far" in made.err) == (0, True), made
    assert furnished.run("restore", package["id"], "--to", furnished.folder / "early").code == 75
    assert furnished.run("store", "mend", "far", "--certain").code == 0
    assert furnished.ask("restore", package["id"], "--to", furnished.folder / "out")["verified"]


def test_a_label_that_its_store_json_contradicts_is_refused(furnished: Service) -> None:
    far = furnished.folder / "far"
    shutil.rmtree(furnished.home)
    ended = furnished.run("rebuild", "--from", far, "--label", "near")
    assert (ended.code, "is far, by its store.json" in ended.err) == (3, True), ended


def test_a_key_that_was_lost_meanwhile_is_believed_only_from_paper(furnished: Service) -> None:
    """Whoever can write to a store could append entries under a key of his own."""
    shutil.copytree(furnished.home, furnished.folder / "backup")
    (furnished.home / "keys" / "ledger.pem").unlink()
    renewed = furnished.ask("key", "renew", "--old-key-lost")
    furnished.home.rename(furnished.folder / "newer")
    (furnished.folder / "backup").rename(furnished.home)
    before = written(furnished)
    refused = furnished.run("home", "catch-up")
    assert (refused.code, renewed["new"] in refused.err) == (3, True), refused
    assert written(furnished) == before
    ended = furnished.run("home", "catch-up", "--key", renewed["new"])
    assert ended.code == 3 and "bring that one back" in ended.err, "the backup has the old key alone"
    assert furnished.ask("key", "show")["keys"][-1]["verifier_key"] == renewed["new"]
    shutil.rmtree(furnished.home / "keys")
    shutil.copytree(furnished.folder / "newer" / "keys", furnished.home / "keys")
    assert furnished.run("audit").code == 0
    assert furnished.ask("ledger", "verify")["ok"]


def test_a_home_that_went_on_after_the_backup_is_evidence_and_not_mended(furnished: Service) -> None:
    shutil.copytree(furnished.home, furnished.folder / "backup")
    furnished.ask("ingest", furnished.submission("first"))
    shutil.rmtree(furnished.home)
    (furnished.folder / "backup").rename(furnished.home)
    away = [furnished.folder / name for name in STORES]
    for place in away:
        place.rename(place.with_suffix(".away"))
    asked_nobody = furnished.run("policy", "register", furnished.folder.parent / "nowhere.toml")
    assert asked_nobody.code == 2
    ended = furnished.run("audit")
    assert "not compared with what these stores know" in ended.err
    assert all(name in ended.err for name in STORES)
    for place in away:
        place.with_suffix(".away").rename(place)
    before = written(furnished)
    refused = furnished.run("home", "catch-up")
    assert (refused.code, "two histories were written" in refused.err) == (4, True), refused
    assert f"preserve rebuild --from {(furnished.folder / 'far').as_uri()}" in refused.err
    assert written(furnished) == before


def test_what_a_home_of_part_of_a_ledger_took_in_is_not_lost(furnished: Service) -> None:
    """The way out of `rebuild --partial`: a home of the whole ledger, and the strayed store's ledger set aside."""
    home, main, far = furnished.home, furnished.folder / "main", furnished.folder / "far"
    (first,) = furnished.ask("ingest", furnished.submission("first"))["packages"]
    bundle = sorted((main / "ledger").glob("*.jsonl"))[-1]
    bundle.unlink()
    for place in (furnished.folder / "near", far):
        place.rename(place.with_suffix(".away"))
    home.rename(furnished.folder / "lost")
    partial = furnished.run("rebuild", "--from", main, "--partial")
    assert (partial.code, "THIS HOME BEGINS A NEW HISTORY" in partial.out) == (1, True), partial
    assert furnished.run("audit").code == 4, "its own source attests more"
    (main / "ledger").rename(furnished.folder / "ledger-that-was-damaged")
    assert furnished.run("home", "catch-up").code == 0
    (second,) = furnished.run("ingest", furnished.submission("second"), "--json").document["packages"]
    for place in (furnished.folder / "near", far):
        place.with_suffix(".away").rename(place)
    contradicted = furnished.run("audit")
    assert contradicted.code == 4, contradicted
    given, blocked = (furnished.folder / name for name in ("given", "blocked"))
    assert furnished.run("restore", second["id"], "--to", blocked).code == 4
    assert not blocked.exists()
    had = furnished.run("restore", second["id"], "--from", "main", "--to", given)
    assert (had.code, "verified" in had.out, any(given.iterdir())) == (4, True, True), "had, and the alarm given"
    home.rename(furnished.folder / "partial")
    for one, other in ((main, "far"), (far, "main")):
        refused = furnished.run("rebuild", "--from", one)
        assert (refused.code, f"store {other} attests" in refused.err) == (4, True), refused
        assert not (home / "books.db").exists()
    (main / "ledger").rename(furnished.folder / "ledger-of-the-part")
    assert furnished.run("rebuild", "--from", far).code == 0
    assert furnished.ask("home", "catch-up")["adopted"] == [second["id"]]
    assert furnished.ask("ledger", "verify")["ok"]
    audited = furnished.run("audit", "--json").document
    assert not audited["findings"]
    known = {each["id"] for each in furnished.ask("package", "list")["packages"]}
    assert known == {first["id"], second["id"]}


@pytest.mark.parametrize(
    "place",
    ["main/", "link", "user/../main", "main/within", "link/within", "home", "home/store", "."],
)
def test_no_store_is_in_a_store_or_in_the_home_or_around_them(furnished: Service, place: str) -> None:
    (furnished.folder / "link").symlink_to(furnished.folder / "main")
    before = written(furnished)
    ended = furnished.run("store", "add", "two", "--role", "primary", "--url", f"file://{furnished.folder}/{place}")
    assert ended.code == 3, ended
    assert written(furnished) == before
    assert [each["store"] for each in furnished.ask("store", "list")["stores"]] == sorted(STORES)


def test_a_store_of_another_home_is_refused_before_it_is_registered(furnished: Service) -> None:
    other = {"PRESERVE_HOME": str(furnished.folder / "other")}
    assert furnished.run("init", more=other).code == 0
    before = written(furnished)
    url = (furnished.folder / "main").as_uri()
    for name, where in (("main", url), ("mine", url), ("deep", f"{url}/deep")):
        ended = furnished.run("store", "add", name, "--role", "primary", "--url", where, more=other)
        assert ended.code == 3, ended
    assert furnished.run("store", "list", "--json", more=other).document["stores"] == []
    assert written(furnished) == before
    within = furnished.run("init", more={"PRESERVE_HOME": str(furnished.folder / "main" / "home")})
    assert within.code == 3 and not (furnished.folder / "main" / "home").exists()


def test_stores_on_one_device_are_told(furnished: Service) -> None:
    added = furnished.ask("store", "add", "more", "--role", "primary", "--url", (furnished.folder / "more").as_uri())
    assert added["same_device"] == sorted(STORES) and not added["beside_home"]
    far = (furnished.folder / "far2").as_uri()
    ended = furnished.run("store", "add", "far2", "--role", "remote_offline", "--url", far)
    assert ended.code == 0 and "is its medium mounted?" in ended.out


def test_nothing_is_taken_in_from_or_restored_into_what_the_service_keeps(furnished: Service) -> None:
    (package,) = furnished.ask("ingest", furnished.submission())["packages"]
    (furnished.folder / "link").symlink_to(furnished.folder / "main")
    before = written(furnished)
    for source in ("home", "main", "link/packages", "."):
        ended = furnished.run("ingest", furnished.folder / source)
        assert (ended.code, "which this service keeps itself" in ended.err) == (3, True), ended
    for target in ("home", "main/out", "link"):
        ended = furnished.run("restore", package["id"], "--to", furnished.folder / target)
        assert (ended.code, "which this service keeps itself" in ended.err) == (3, True), ended
    assert written(furnished) == before


def test_no_command_makes_the_folder_of_a_store_that_is_away(furnished: Service) -> None:
    """An unplugged disk's mount point would silently take the records on the system's disk."""
    (package,) = furnished.ask("ingest", furnished.submission())["packages"]
    far = furnished.folder / "far"
    far.rename(furnished.folder / "unplugged")
    for command in (
        ("store", "check", "far"),
        ("store", "show", "far"),
        ("store", "list"),
        ("store", "add", "far", "--role", "remote_offline", "--url", far.as_uri()),
        ("ingest", furnished.submission("another")),
        ("replicate",),
        ("audit", "--store", "far"),
        ("repair",),
        ("restore", package["id"], "--from", "far", "--to", furnished.folder / "out"),
        ("ledger", "publish"),
        ("ledger", "verify", "--store", "far"),
        ("home", "catch-up"),
        ("status",),
        ("rebuild", "--from", far),
    ):
        ended = furnished.run(*command)
        assert ended.code in (0, 1, 3, 75), ended
        assert not far.exists(), command
    assert furnished.run("store", "check", "far").code == 75


def test_a_home_that_another_user_may_not_enter_is_refused(furnished: Service) -> None:
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can become another user")
    for folder in (furnished.folder, *furnished.folder.parents[:-2]):
        folder.chmod(folder.stat().st_mode | 0o055)
    furnished.home.chmod(0o000)
    try:
        for command in (("status",), ("audit",), ("init",), ("rebuild", "--from", furnished.folder / "main")):
            ended = subprocess.run(
                ["setpriv", "--reuid=65534", "--clear-groups", sys.executable, "-m", "preserve", *map(str, command)],
                env=furnished.environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert (ended.returncode, str(furnished.home) in ended.stderr) == (3, True), ended
    finally:
        furnished.home.chmod(0o700)
