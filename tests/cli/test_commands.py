"""Does every command do what it says, and say what it did, as text and as JSON?"""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
from pathlib import Path

from tests.cli.conftest import Service


def test_init_makes_a_home_that_nobody_else_may_read(bare: Service) -> None:
    made = bare.ask("init")
    assert made["home"] == str(bare.home)
    assert "default" in made["policies"]
    assert made["verifier_key"].startswith(f"preserve/{made['home_id']}+")
    assert stat.S_IMODE(bare.home.stat().st_mode) == 0o700
    assert bare.ask("status")["packages"] == 0


def test_init_says_what_to_do_next(bare: Service) -> None:
    ended = bare.run("init")
    assert ended.code == 0
    assert "preserve store add" in ended.out
    assert "passphrase" in ended.out


def test_a_second_init_is_refused_and_changes_nothing(service: Service) -> None:
    before = (service.home / "books.db").read_bytes()
    ended = service.run("init")
    assert ended.code == 3
    assert "is a home already" in ended.err
    assert (service.home / "books.db").read_bytes() == before


def test_init_refuses_an_occupied_folder(bare: Service) -> None:
    bare.home.mkdir()
    (bare.home / "letter.txt").write_text("mine")
    ended = bare.run("init")
    assert ended.code == 3
    assert "letter.txt" in ended.err
    assert [path.name for path in bare.home.iterdir()] == ["letter.txt"]


def test_an_init_that_was_killed_before_its_books_is_finished_by_the_next(bare: Service) -> None:
    bare.ask("init")
    (bare.home / "books.db").unlink()
    key = (bare.home / "keys" / "ledger.vkey").read_text()
    assert bare.ask("init")["verifier_key"] == key.strip()
    bare.store("main")
    assert bare.ask("ledger", "verify")["ok"]


def test_store_add_probes_founds_and_lays_the_kit(service: Service) -> None:
    place = service.folder / "main"
    added = service.ask("store", "add", "main", "--role", "primary", "--url", place.as_uri(), "--site", "A")
    assert added["ok"] and not added["adopted"]
    assert added["attributes"] == {"site": "A", "jurisdiction": "CN"}
    assert added["capabilities"]["create_only_race"] is True
    assert json.loads((place / "store.json").read_text())["store_id"] == added["store_id"]
    assert {path.name for path in place.iterdir()} >= {"README.txt", "README.zh.txt", "rescue.py"}
    assert not (place / "probe").exists()


def test_store_add_again_changes_settings_alone(service: Service) -> None:
    place = service.store("main")
    service.ask("store", "add", "main", "--role", "primary", "--url", place.as_uri(), "--city", "武汉")
    again = service.ask("store", "add", "main", "--role", "primary", "--url", place.as_uri(), "--site", "新馆")
    assert again["adopted"] and again["attributes"]["city"] == "武汉"
    assert len(service.ask("store", "list")["stores"]) == 1
    assert service.ask("store", "show", "main")["attributes"]["site"] == "新馆"
    assert [path.name for path in place.glob("README*")].count("README.txt.g2") == 0


def test_a_changed_kit_is_laid_beside_the_old_one(service: Service) -> None:
    place = service.store("main")
    (place / "rescue.py").write_text("an older version\n")
    service.ask("store", "add", "main", "--role", "primary", "--url", place.as_uri())
    assert (place / "rescue.py").read_text() == "an older version\n"
    assert "LIBRARY" in (place / "rescue.py.g2").read_text().upper()


def test_a_store_abroad_is_refused_with_the_law(service: Service) -> None:
    url = (service.folder / "x").as_uri()
    ended = service.run("store", "add", "x", "--role", "primary", "--url", url, "--jurisdiction", "SG")
    assert ended.code == 3
    assert "档案法 §25" in ended.err
    assert not (service.folder / "x").exists()


def test_one_place_cannot_be_two_stores(service: Service) -> None:
    place = service.store("main")
    ended = service.run("store", "add", "second", "--role", "same_city", "--url", place.as_uri())
    assert ended.code == 3
    assert "store main already" in ended.err


def test_a_new_disk_in_the_place_of_a_known_store_is_not_taken_for_it(service: Service) -> None:
    place = service.store("main")
    place.rename(service.folder / "set-aside")
    ended = service.run("store", "add", "main", "--role", "primary", "--url", place.as_uri())
    assert ended.code == 3
    assert not (place / "store.json").exists()


def test_stores_on_one_site_are_warned_of(service: Service) -> None:
    service.store("main", "primary", "--site", "馆", "--power-grid", "华中")
    url = (service.folder / "far").as_uri()
    arguments = ("--role", "remote_offline", "--url", url, "--site", "馆", "--power-grid", "华中")
    ended = service.run("store", "add", "far", *arguments)
    assert ended.code == 0
    assert "share their site (馆)" in ended.out
    assert "share their power grid (华中)" in ended.out


def test_store_check_reports_capabilities_and_complaints(furnished: Service) -> None:
    checked = furnished.ask("store", "check", "near")
    assert (checked["store"], checked["ok"]) == ("near", True)
    assert isinstance(checked["capabilities"], dict)
    assert isinstance(checked["complaints"], list)
    assert "keeps what it is given" in furnished.run("store", "check", "near").out


def test_a_whole_life(furnished: Service) -> None:
    source = furnished.submission()
    taken = furnished.ask("ingest", source, "--reason", "年度移交", "--actor", "王")
    (package,) = taken["packages"]
    assert (package["files"], len(package["copies"])) == (3, 3)
    assert {copy["state"] for copy in package["copies"]} == {"verified"}
    assert furnished.ask("ingest", source)["already"]
    replicated = furnished.ask("replicate")
    assert (replicated["made"], replicated["not_made"]) == ([], [])
    audited = furnished.ask("audit")
    assert audited["counts"] == {
        "sound": 3, "damaged": 0, "missing": 0, "unreadable": 0, "not_checked": 0, "overdue": 0,
    }  # fmt: skip
    assert audited["findings"] == []
    restored = furnished.ask("restore", package["id"], "--to", furnished.folder / "out")
    assert (restored["files"], restored["verified"]) == (3, True)
    assert subprocess.run(["diff", "-r", source, furnished.folder / "out"], check=False).returncode == 0
    assert Path(restored["certificate"]).exists()
    status = furnished.run("status", "--json")
    assert (status.code, status.document["ok"], status.document["safe"]) == (0, True, 1)


def test_damage_is_found_shown_and_mended(furnished: Service) -> None:
    (package,) = furnished.ask("ingest", furnished.submission())["packages"]
    bag = next((furnished.folder / "near").rglob("bag.tar"))
    content = bytearray(bag.read_bytes())
    content[1500] ^= 1
    bag.chmod(0o600)
    bag.write_bytes(content)
    audited = furnished.run("audit", "--json")
    assert audited.code == 1
    (finding,) = audited.document["findings"]
    assert set(finding) >= {"id", "package", "store", "condition", "where", "expected", "found"}
    assert (finding["package"], finding["store"], finding["condition"]) == (package["id"], "near", "damaged")
    assert furnished.run("finding", "list").code == 1
    assert furnished.ask("finding", "show", finding["id"])["closed_at"] is None
    status = furnished.run("status", "--json")
    assert (status.code, status.document["safe"], status.document["findings"]["damaged"]["count"]) == (1, 0, 1)
    assert "damaged" in furnished.run("status").out
    repaired = furnished.ask("repair")
    assert [each["store"] for each in repaired["repaired"]] == ["near"]
    assert repaired["not_repaired"] == [] and repaired["bytes_transferred"] > 0
    assert furnished.ask("finding", "list")["findings"] == []
    assert len(furnished.ask("finding", "list", "--all")["findings"]) == 1
    assert furnished.ask("status")["ok"]
    assert furnished.ask("ledger", "verify")["ok"]


def test_packages_are_listed_and_shown_with_their_members(furnished: Service) -> None:
    (package,) = furnished.ask("ingest", furnished.submission())["packages"]
    listed = furnished.ask("package", "list")["packages"]
    assert [each["id"] for each in listed] == [package["id"]]
    shown = furnished.ask("package", "show", package["id"][:12], "--members")
    assert {member["path"] for member in shown["members"]} == {"纪要0.txt", "纪要2.txt", "会议", "会议/纪要1.txt"}
    text = furnished.run("package", "show", package["id"], "--members")
    assert "会议/纪要1.txt" in text.out
    assert furnished.run("package", "show", "2000").code == 3


def test_actor_and_reason_stand_in_the_ledger(furnished: Service) -> None:
    furnished.ask("ingest", furnished.submission(), "--reason", "年度移交", "--actor", "王")
    entries = furnished.ask("ledger", "show", "--count", "3")["entries"]
    assert {(entry["actor"], entry["reason"]) for entry in entries} == {("王", "年度移交")}
    assert all({"number", "type", "at", "outcome", "detail", "tool"} <= entry.keys() for entry in entries)
    first = furnished.ask("ledger", "show", "--from", "0", "--count", "1")["entries"][0]
    assert first["reason"] == "preserve init --json"
    assert first["actor"]


def test_ledger_export_gives_every_entry_and_a_proof_that_others_can_check(furnished: Service) -> None:
    exported = furnished.run("ledger", "export")
    assert exported.code == 0
    assert len(exported.out.splitlines()) == furnished.ask("ledger", "verify")["size"]
    proof = furnished.folder / "proof.json"
    written = furnished.ask("ledger", "export", "--proof", "2", "--out", proof)
    assert written["bytes"] == proof.stat().st_size
    verifier = Path(__file__).parents[2] / "ops" / "verify_proof.py"
    checked = subprocess.run([sys.executable, verifier, proof], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert furnished.run("ledger", "export", "--out", proof).code == 3


def test_every_store_gets_the_ledger_and_a_signed_checkpoint(furnished: Service) -> None:
    furnished.ask("ingest", furnished.submission())
    size = furnished.ask("status")["ledger_entries"]
    for name in ("main", "near", "far"):
        notes = sorted((furnished.folder / name / "ledger").glob("checkpoint-*.txt"))
        assert notes[-1].read_text().splitlines()[1] == str(size)


def test_a_changed_ledger_is_told_and_ends_with_4(furnished: Service) -> None:
    import sqlite3

    with sqlite3.connect(furnished.home / "books.db") as database:
        database.execute("UPDATE entry SET content = replace(content, 'preserve', 'perverse') WHERE number = 1")
    ended = furnished.run("ledger", "verify", "--json")
    assert (ended.code, ended.document["ok"]) == (4, False)
    assert any("entry 1" in complaint["message"] for complaint in ended.document["complaints"])
    assert furnished.run("ledger", "verify").code == 4


def test_policies_are_checked_registered_listed_and_shown(service: Service) -> None:
    text = (Path(__file__).parents[2] / "policies" / "default.toml").read_text(encoding="utf-8")
    file = service.folder / "mine.toml"
    file.write_text(text.replace('name = "default"', 'name = "mine"'), encoding="utf-8")
    assert service.ask("policy", "check", file)["policy"] == "mine"
    assert service.ask("policy", "register", file, "--reason", "a test") | {"sha256": ""} == {
        "policy": "mine", "version": 1, "sha256": "", "news": True, "changes": [],
        "not_yet": [],
    }  # fmt: skip
    assert not service.ask("policy", "register", file, "--reason", "a test")["news"]
    assert ("mine", 1) in {(each["policy"], each["version"]) for each in service.ask("policy", "list")["policies"]}
    assert service.run("policy", "show", "mine", "--text").out == file.read_text(encoding="utf-8")
    file.write_text(text.replace("[audit]", "[audits]"), encoding="utf-8")
    wrong = service.run("policy", "check", file)
    assert wrong.code == 2
    assert re.search(r"line \d+", wrong.err)


def test_the_signing_key_is_renewed_and_the_ledger_says_so(furnished: Service) -> None:
    renewed = furnished.ask("key", "renew", "--reason", "passphrase lost")
    keys = furnished.ask("key", "show")["keys"]
    assert [key["verifier_key"] for key in keys] == [renewed["old"], renewed["new"]]
    assert furnished.ask("ledger", "verify")["ok"]


def test_a_lost_home_is_made_again_from_one_store(furnished: Service) -> None:
    source = furnished.submission()
    (package,) = furnished.ask("ingest", source)["packages"]
    key = furnished.ask("key", "show")["keys"][0]["verifier_key"]
    size = furnished.ask("status")["ledger_entries"]
    furnished.home.rename(furnished.folder / "lost")
    rebuilt = furnished.ask("rebuild", "--from", furnished.folder / "far", "--key", key)
    assert (rebuilt["entries"], rebuilt["packages"], rebuilt["trust"]) == (size, 1, "given key")
    assert furnished.ask("status")["ok"]
    restored = furnished.ask("restore", package["id"], "--to", furnished.folder / "out")
    assert restored["verified"]
    assert furnished.ask("ledger", "verify")["ok"]
    assert furnished.run("rebuild", "--from", furnished.folder / "far").code == 3
    nowhere = {"PRESERVE_HOME": str(furnished.folder / "other")}
    assert furnished.run("rebuild", "--from", furnished.folder / "user", more=nowhere).code == 3


def test_a_store_with_a_damaged_ledger_makes_no_home_unless_a_person_asks_for_part_of_it(furnished: Service) -> None:
    furnished.ask("ingest", furnished.submission())
    furnished.home.rename(furnished.folder / "lost")
    bundle = sorted((furnished.folder / "near" / "ledger").glob("*.jsonl"))[-1]
    bundle.chmod(0o600)
    bundle.write_bytes(b"x" + bundle.read_bytes()[1:])
    ended = furnished.run("rebuild", "--from", furnished.folder / "near")
    assert ended.code == 3, ended
    assert bundle.name in ended.err and "Rebuild from another store" in ended.err
    assert not (furnished.home / "books.db").exists()
    assert furnished.ask("rebuild", "--from", furnished.folder / "main")["packages"] == 1
    assert furnished.ask("ledger", "verify", "--store", "main", "--store", "far")["ok"]
    elsewhere = {"PRESERVE_HOME": str(furnished.folder / "other")}
    arguments = ("rebuild", "--from", furnished.folder / "near", "--partial")
    refused = furnished.run(*arguments, more=elsewhere)
    assert refused.code == 3 and "knows more of this ledger" in refused.err, refused
    for name in ("main", "far"):
        (furnished.folder / name).rename(furnished.folder / f"{name}.away")
    partial = furnished.run(*arguments, more=elsewhere)
    assert partial.code == 1 and "far, main" in partial.out, partial
    assert (furnished.folder / "other" / "books.db").exists()
