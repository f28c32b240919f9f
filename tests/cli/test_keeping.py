"""Do the commands end with 1 where the promise is not kept, and say which command keeps it?"""

from __future__ import annotations

import shlex
import shutil
import stat

import pytest

from tests.cli.conftest import Service


def test_a_promise_without_a_store_ends_with_1_until_the_store_is_there(service: Service) -> None:
    service.store("main")
    service.store("near", "same_city")
    source = service.submission()
    for arguments in (("ingest", source), ("ingest", source), ("replicate",), ("status",)):
        ended = service.run(*arguments, "--json")
        assert ended.code == 1, ended
        (lack,) = ended.document["lacking_stores"]
        assert (lack["role"], lack["count"]) == ("remote_offline", 1)
    told = service.run("replicate")
    assert (told.code, "still due: 1" in told.out, f"`{lack['command']}`" in told.out) == (1, True, True)
    place = service.folder / "far"
    added = lack["command"].replace("NAME", "far").replace("URL", place.as_uri())
    service.ask(*shlex.split(added)[1:])
    assert [copy["store"] for copy in service.ask("replicate")["made"]] == ["far"]
    assert service.ask("ingest", source)["complete"] and service.ask("status")["ok"]


def test_an_accession_whose_source_is_gone_is_named_and_given_up_for_a_reason(service: Service) -> None:
    service.promise("primary")
    store = service.store("main")
    source = service.submission()
    (store / "packages").write_bytes(b"in the way")
    assert service.run("ingest", source).code
    (store / "packages").unlink()
    shutil.rmtree(source)
    (unfinished,) = service.run("status", "--json").document["unfinished"]
    accession = unfinished["accession"]
    assert not unfinished["source_is_there"]
    assert f"preserve accession abandon {accession} --reason TEXT" in service.run("status").out
    assert service.run("accession", "abandon", accession).code == 2
    assert service.ask("accession", "abandon", accession, "--reason", "来源已删除")["state"] == "abandoned"
    assert service.ask("accession", "list", "--open") == {"accessions": []}
    assert service.ask("status")["ok"]
    assert "来源已删除" in service.run("ledger", "show").out


def test_a_store_that_is_lost_for_good_is_replaced_by_the_commands_that_are_named(furnished: Service) -> None:
    source = furnished.submission()
    furnished.ask("ingest", source)
    shutil.rmtree(furnished.folder / "near")
    furnished.store("near2", "same_city")
    assert furnished.run("replicate").code == 0
    told = furnished.run("audit")
    command = "preserve store retire near --lost --reason TEXT"
    assert (told.code, command in told.out) == (75, True)
    seen = furnished.run("status")
    assert (seen.code, command in seen.out, "near is away since 20" in seen.out) == (1, True, True)
    assert furnished.run("store", "retire", "near", "--lost").code == 2, "a reason is needed"
    gone = furnished.ask(*shlex.split(command)[1:-1], "机房失火")
    assert (gone["copies"], gone["short"], gone["without_verified_copy"]) == (1, 1, 0)
    assert [copy["store"] for copy in furnished.ask("replicate")["made"]] == ["near2"]
    for arguments in (("audit",), ("status",), ("ingest", source, "--again")):
        furnished.ask(*arguments)
    (retired,) = furnished.ask("store", "list")["retired"]
    assert (retired["store"], retired["reason"], retired["lost"], retired["copies"]) == ("near", "机房失火", True, 1)
    refused = furnished.run("store", "add", "near", "--role", "same_city", "--url", (furnished.folder / "new").as_uri())
    assert (refused.code, "choose another name" in refused.err) == (3, True)


def test_a_retired_store_comes_back_and_counts_when_it_was_read(furnished: Service) -> None:
    furnished.ask("ingest", furnished.submission())
    furnished.ask("store", "retire", "near", "--reason", "worn out")
    place = (furnished.folder / "near").as_uri()
    again = furnished.ask("store", "add", "near", "--role", "same_city", "--url", place)
    assert again["retired_before"]
    assert (again["attributes"]["site"], again["attributes"]["city"]) == ("B", "武汉"), "what was known of it stays"
    (near,) = [each for each in furnished.run("status", "--json").document["stores"] if each["store"] == "near"]
    assert (near["copies"]["suspect"], near["copies"]["verified"]) == (1, 0)
    furnished.ask("audit", "--store", "near")
    assert furnished.ask("status")["ok"]


def test_the_command_that_a_refusal_names_restores_that_version(service: Service) -> None:
    service.promise("primary")
    service.store("main")
    source, metadata = service.submission(files=1), service.folder / "m.csv"
    metadata.write_text("档号,题名,路径\n甲-1,题,纪要0.txt\n", encoding="utf-8")
    (source / "未著录.txt").write_text("no record is told of it")
    for text in ("one", "two"):
        (source / "纪要0.txt").write_text(text)
        notes = service.ask("ingest", source, "--metadata", metadata)["notes"]
    assert [note["code"] for note in notes] == ["known-record", "outside-records"]
    refused = service.run("restore", "甲-1", "--to", service.folder / "out")
    assert refused.code == 3
    newest = refused.err.splitlines()[1].partition("   (")[0].removeprefix("  - preserve ")
    service.ask(*shlex.split(newest))
    assert (service.folder / "out" / "纪要0.txt").read_text() == "two"


def test_what_looks_like_a_bag_is_asked_about(service: Service) -> None:
    service.promise("primary")
    service.store("main")
    source = service.submission()
    (source / "bagit.txt").write_text("how to pack a bag")
    refused = service.run("ingest", source)
    assert (refused.code, "--as folder" in refused.err) == (3, True)
    assert service.ask("ingest", source, "--as", "folder")["packages"][0]["files"] == 4
    assert service.run("ingest", source, "--as", "bag", "--again").code == 3


@pytest.mark.parametrize("name", ["../x", "a b", "-x", "two\nlines", "\x1b[31mred", "x" * 65])
def test_a_name_that_would_spoil_tables_and_commands_is_refused(bare: Service, name: str) -> None:
    bare.ask("init")
    place = bare.folder / "place"
    ended = bare.run("store", "add", "--role", "primary", "--url", place.as_uri(), "--", name)
    assert (ended.code, "is no name for a store" in ended.err) == (3, True), ended
    assert not place.exists()


def test_a_name_may_be_chinese(bare: Service) -> None:
    bare.ask("init")
    bare.store("同城-2", "same_city")


def test_without_any_store_in_reach_no_copy_is_made_and_that_is_for_later(furnished: Service) -> None:
    furnished.run("ingest", furnished.submission("one"))
    shutil.rmtree(furnished.folder / "far")
    furnished.store("far2", "remote_offline")
    furnished.ask("store", "retire", "far", "--lost", "--reason", "gone")
    for name in ("main", "near"):
        (furnished.folder / name).rename(furnished.folder / f"{name}.away")
    assert furnished.run("replicate").code == 75


def test_folders_on_the_way_to_what_was_asked_for_may_be_entered(furnished: Service) -> None:
    source = furnished.folder / "deep"
    (source / "a" / "b").mkdir(parents=True)
    (source / "a" / "b" / "x.pdf").write_text("x")
    (source / "y.txt").write_text("y")
    (package,) = furnished.ask("ingest", source)["packages"]
    out = furnished.folder / "out"
    furnished.ask("restore", package["id"], "--to", out, "--path", "**/*.pdf")
    assert (out / "a" / "b" / "x.pdf").read_text() == "x"
    plain = furnished.folder / "plain"
    plain.mkdir()
    modes = {stat.S_IMODE(folder.stat().st_mode) for folder in (out / "a", out / "a" / "b")}
    assert modes == {stat.S_IMODE(plain.stat().st_mode)}
