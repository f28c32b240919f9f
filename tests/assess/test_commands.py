"""Does the command line say how safe things are, by what was read, and with what nobody knows?"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from preserve.cli.exits import Exit
from preserve.cli.safety import amount_shown, chance_shown, percent_shown
from preserve.cli.voices import person
from preserve.settings import shipped
from preserve.state.books import FILE_NAME
from tests.cli.program import Program
from tests.moulds import Moulds
from tests.state.bookkeeping import BACK_TO_THE_FIRST_SCHEMA


class Furnished(Program):
    """A home of its own, with stores and submissions as a test wants them."""

    def store(self, name: str, role: str, *told: str) -> None:
        self.ask("store", "add", name, "--role", role, "--url", (self.folder / name).as_uri(), *told)

    def unmount(self, name: str) -> None:
        """Take a medium out: as long as it lies on the disk that holds the home, it is not offline."""
        (self.folder / name).rename(self.folder / f"{name}-on-the-shelf")

    def mount(self, name: str) -> None:
        (self.folder / f"{name}-on-the-shelf").rename(self.folder / name)

    def ingest(self, name: str = "one", *more: str) -> str:
        source = self.folder / name
        source.mkdir()
        (source / "纪要.txt").write_text(name, encoding="utf-8")
        found: str = self.ask("ingest", source, *more)["packages"][0]["id"]
        return found


@pytest.fixture
def program(moulds: Moulds, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Furnished:
    """No stores yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(moulds.live / "config"))
    monkeypatch.setenv("PRESERVE_HOME", str(moulds.live / "home"))
    made = Furnished(moulds.live, capsys)
    moulds.cast("assessed, bare", lambda: made.ask("init"))
    return made


@pytest.fixture
def furnished(program: Furnished, moulds: Moulds) -> Furnished:
    """The three stores that the default policy wants, and one package in each."""
    here = ("--site", "A", "--city", "武汉", "--medium", "hdd", "--credential-domain", "ops")
    near = ("--site", "B", "--city", "武汉", "--medium", "hdd", "--credential-domain", "ops")

    def furnish() -> None:
        program.ask("init")
        program.store("main", "primary", *here)
        program.store("near", "same_city", *near)
        program.store("far", "remote_offline", "--site", "C", "--city", "兰州", "--medium", "lto")
        program.ingest()

    moulds.cast("assessed", furnish)
    program.unmount("far")
    return program


@pytest.fixture
def chinese(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LANGUAGE", "zh_CN")
    person.cache_clear()
    yield
    person.cache_clear()


def digits(assessed: Any) -> dict[str, Any]:
    return {each["rule"]: each for each in assessed["digits"]}


def test_three_sound_copies_apart_meet_the_five_digits(furnished: Furnished) -> None:
    found = furnished.ask("policy", "assess", "default")
    assert {rule: each["reached"] for rule, each in digits(found).items()} == {
        "copies": 3, "media": 2, "offsite": 2, "offline": 1, "errors": 0,
    }  # fmt: skip
    assert all(each["met"] for each in found["digits"])
    assert (found["policy"], found["packages"], found["falls_short"]) == ("default", 1, [])


def test_loss_is_told_at_three_readings_with_what_brings_it(furnished: Furnished) -> None:
    loss = furnished.ask("policy", "assess", "default")["expected_loss"]
    assert [each["years"] for each in loss["within"]] == [10, 30, 50]
    for within in loss["within"]:
        chance = within["chance_of_one_package"]
        assert 0 < chance["low"] < chance["middle"] < chance["high"] < 1
    assert set(loss["not_known"]) == {
        "power_grid",
        "river_basin",
        "seismic_zone",
        "vendor",
        "software",
        "credential_domain",
    }
    assert loss["causes"][0]["share"] >= loss["causes"][1]["share"]
    assert {each["step"] for each in loss["improvements"]} == {"copy", "audit", "offline", "facts"}
    words = furnished("policy", "assess", "default")
    assert f"The dominant threat: {loss['causes'][0]['said']}" in words
    assert "beliefs that nobody checked" in words


def test_the_level_is_of_a_named_edition_not_verified_and_not_proved(furnished: Furnished) -> None:
    level = furnished.ask("policy", "assess", "default")["disaster_recovery"]
    assert (level["standard"], level["superseded_by"], level["verified"]) == (
        "GB/T 20988-2007",
        "GB/T 20988-2025",
        False,
    )
    assert (level["by_elements"], level["proved"]) == (0, 0)
    words = furnished("policy", "assess")
    assert "superseded by GB/T 20988-2025 on 2026-01-01" in words
    assert "not verified" in words
    assert "not proved: no drill has been made" in words


def test_damage_shows_in_the_digit_it_costs_with_what_mends_it(furnished: Furnished) -> None:
    bag = next((furnished.folder / "near").rglob("bag.tar"))
    content = bytearray(bag.read_bytes())
    content[1000] ^= 1
    bag.chmod(0o644)
    bag.write_bytes(content)
    furnished("audit", code=Exit.FINDINGS)
    found = furnished.ask("policy", "assess", "default", code=Exit.FINDINGS)
    assert {rule for rule, each in digits(found).items() if not each["met"]} == {"copies", "errors"}
    assert digits(found)["copies"]["reached"] == 2
    assert "preserve repair" in digits(found)["copies"]["mend"]
    assert found["falls_short"] == ["copies", "errors"]
    furnished("repair")
    mended = furnished.ask("policy", "assess", "default")
    assert mended["falls_short"] == []
    rates = mended["fault_rates"]["decay"]
    assert rates["magnetic_disk"]["counted"]["faults"] == 1
    assert rates["magnetic_disk"]["per_year"] > 1e-3  # one fault in no time at all
    assert rates["magnetic_tape"]["counted"]["faults"] == 0


def test_a_copy_that_policy_never_asked_for_is_told_and_is_no_finding(program: Furnished) -> None:
    text = (shipped.policy_files()[0].parent / "default.toml").read_text(encoding="utf-8")
    begin, end = text.index("# 同城异地备份"), text.index("# 核对")
    file = program.folder / "one.toml"
    file.write_text(text[:begin] + text[end:], encoding="utf-8")
    program.ask("policy", "register", file, "--reason", "a test")
    program.store("main", "primary", "--site", "A", "--medium", "hdd")
    program.ingest()
    found = program.ask("policy", "assess", "default")
    assert digits(found)["copies"]["met"] is False
    assert found["falls_short"] == []
    assert "the policy does not ask for it" in program("policy", "assess", "default")


def test_each_policy_is_judged_by_its_own_packages(furnished: Furnished) -> None:
    text = (shipped.policy_files()[0].parent / "default.toml").read_text(encoding="utf-8")
    file = furnished.folder / "daily.toml"
    file.write_text(text.replace('name = "default"', 'name = "other"'), encoding="utf-8")
    furnished.ask("policy", "register", file, "--reason", "a test")
    furnished.mount("far")
    furnished.ingest("two", "--policy", "other")
    furnished.ingest("three", "--policy", "other")
    furnished.unmount("far")
    assert furnished.ask("policy", "assess", "default")["packages"] == 1
    assert furnished.ask("policy", "assess", "other")["packages"] == 2
    whole = furnished.ask("policy", "assess")
    assert (whole["packages"], whole["policy"], whole["policy_reaches"]) == (3, None, None)


def test_stores_that_were_seen_on_one_device_are_not_told_as_apart_without_a_word(furnished: Furnished) -> None:
    assert "lie on one device, or at one site of S3" in furnished("policy", "assess")


def test_what_a_policy_reaches_is_told_before_anything_is_kept(program: Furnished) -> None:
    found = program.ask("policy", "assess", "records-permanent-gm")
    assert (found["packages"], found["falls_short"]) == (0, [])
    assert {each["rule"]: each["met"] for each in found["policy_reaches"]["digits"]}["copies"] is True
    assert "reaches when all goes as it asks" in program("policy", "assess", "records-permanent-gm")
    assert "Nothing is kept yet" in program("policy", "assess")


def test_an_unknown_policy_is_told_with_those_that_are_known(program: Furnished) -> None:
    assert "default" in program("policy", "assess", "nowhere", code=Exit.REFUSED)


def test_declarations_count_for_the_level_until_they_expire(furnished: Furnished) -> None:
    file = furnished.folder / "mine.toml"

    def declare(until: str) -> Any:
        file.write_text(
            'standard = "GB/T 20988-2007"\n[[declarations]]\nrequirement = "media_room"\n'
            f'document = "库房验收报告"\nby = "王"\nuntil = {until}\n',
            encoding="utf-8",
        )
        return furnished.ask("policy", "declare", file, "--reason", "年度申报")

    def missing() -> set[str]:
        level = furnished.ask("policy", "assess", "default")["disaster_recovery"]
        return {each["requirement"] for each in level["missing"]}

    assert "media_room" in missing()
    assert (declare("2999-01-01")["version"], declare("2999-01-01")["news"]) == (1, False)
    assert "media_room" not in missing()
    assert declare("2020-01-01")["version"] == 2
    assert "media_room" in missing()
    assert "expired on 2020-01-01" in furnished("policy", "assess", "default")
    assert '"declaration"' in furnished("ledger", "show", "--json")


def test_in_a_home_older_than_declarations_they_are_made_and_count(program: Furnished) -> None:
    with sqlite3.connect(program.folder / "home" / FILE_NAME) as books:
        for statement in (*BACK_TO_THE_FIRST_SCHEMA, "DROP TABLE declarations"):
            books.execute(statement)
        books.execute("UPDATE schema_version SET version = 1")
    books.close()

    def missing() -> set[str]:
        return {each["requirement"] for each in program.ask("policy", "assess")["disaster_recovery"]["missing"]}

    assert "media_room" in missing()
    file = program.folder / "declared.toml"
    file.write_text(
        'standard = "GB/T 20988-2007"\n[[declarations]]\nrequirement = "media_room"\n'
        'document = "机房管理办法"\nby = "张三"\nuntil = 2999-01-01\n',
        encoding="utf-8",
    )
    assert program.ask("policy", "declare", file)["version"] == 1
    assert program.ask("policy", "declare", file)["news"] is False
    assert "media_room" not in missing()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"standard = 'x'", "does not say which standard"),
        (b"\xff", "is not UTF-8"),
        (None, "cannot be read"),
        (b"#" * 2**20 + b"#", "too long"),
    ],
)
def test_a_file_that_holds_no_declarations_is_refused(program: Furnished, content: bytes | None, words: str) -> None:
    file = program.folder / "mine.toml"
    if content is not None:
        file.write_bytes(content)
    assert words in program("policy", "declare", file, code=Exit.MISUSED)


def test_a_copy_called_offline_that_lies_on_the_disk_of_the_home_is_not(furnished: Furnished) -> None:
    furnished.mount("far")
    assessed = furnished.ask("policy", "assess", code=Exit.FINDINGS)
    digit = digits(assessed)["offline"]
    assert not digit["met"] and "disk that holds the home: far" in digit["why"]
    aftermath = furnished.ask("policy", "assess", "--steal", "writer-key", code=Exit.FINDINGS)
    assert {each["store"]: each["reach"] for each in aftermath["stolen"]}["far"] == "erase"


def test_what_if_the_near_copies_are_lost_and_the_keys_stolen(furnished: Furnished) -> None:
    found = furnished.ask("policy", "assess", "--lose", "same-city", "--steal", "writer-key")
    assert (found["lost_stores"], found["whole_stores"]) == (["near"], ["far"])
    assert {each["store"]: each["reach"] for each in found["stolen"]} == {"main": "erase", "far": "nothing"}
    assert (found["safe"]["packages"], found["lost"]["packages"]) == (1, 0)
    words = furnished("policy", "assess", "--lose", "same-city", "--steal", "writer-key")
    assert "the newest package left is 0 days old" in words


def test_what_if_all_is_lost_names_what_is_lost(furnished: Furnished) -> None:
    package = furnished.ask("package", "list")["packages"][0]["id"]
    arguments = ("policy", "assess", "--lose", "city=武汉", "--lose", "far")
    found = furnished.ask(*arguments, code=Exit.FINDINGS)
    assert (found["lost"]["packages"], found["lost_packages"], found["safe"]["packages"]) == (1, [package], 0)
    assert package in furnished(*arguments, code=Exit.FINDINGS)
    assert "mars is no store" in furnished("policy", "assess", "--lose", "mars", code=Exit.MISUSED)
    assert "all packages" in furnished("policy", "assess", "default", "--lose", "far", code=Exit.MISUSED)


def test_status_tells_it_too(furnished: Furnished) -> None:
    found = furnished.ask("status", "--assess")
    assert (found["ok"], found["assessment"]["packages"]) == (True, 1)
    assert "assessment" not in furnished.ask("status")
    assert "3-2-1-1-0" in furnished("status", "--assess")


def test_status_does_not_call_all_well_and_show_a_digit_that_policy_asks_for_as_not_met(furnished: Furnished) -> None:
    furnished.mount("far")
    furnished.ask("store", "check", "far")
    assert furnished.ask("status")["ok"]
    found = furnished.ask("status", "--assess", code=Exit.FINDINGS)
    assert (found["ok"], found["assessment"]["falls_short"]) == (False, ["offline"])
    assert furnished("status", "--assess", code=Exit.FINDINGS).startswith("Not everything is as policy wants it.")


def test_it_is_said_in_chinese(furnished: Furnished, chinese: None) -> None:
    words = furnished("policy", "assess", "default")
    for phrase in ("副本数", "灾难恢复能力等级", "数据备份系统", "首要威胁", "预期损失", "有符合介质存放条件的场地"):
        assert phrase in words
    assert "保住" in furnished("policy", "assess", "--lose", "near", "--steal", "writer-key")


def test_figures_have_no_more_digits_than_are_known() -> None:
    assert [chance_shown(chance) for chance in (0.123456, 0.00161, 1.23e-7, 0)] == [
        "12 %", "1 in 620", "1 in 8,100,000", "next to nothing",
    ]  # fmt: skip
    assert [amount_shown(amount) for amount in (0, 1e-7, 0.0321, 1.4, 118.2, 123456)] == [
        "0", "< 0.001", "0.032", "1.4", "120", "120,000",
    ]  # fmt: skip
    assert percent_shown(0.999) == "100 %"
