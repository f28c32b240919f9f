"""Does `preserve policy` say what a policy will do, meets, misses, changes, and does not do yet?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from preserve.cli.exits import Exit
from tests.cli.program import Program
from tests.policies.texts import PERMANENT, POLICIES, replaced


class Furnished(Program):
    """Policies of its own, and a home where a test wants one."""

    def file(self, text: str, name: str = "mine.toml") -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def furnish(self) -> None:
        """A home with a primary store, and one in the same building."""
        self.ask("init")
        for name, role in (("near", "primary"), ("city", "same_city")):
            url = (self.folder / name).as_uri()
            self.ask("store", "add", name, "--role", role, "--url", url, "--site", "A", "--medium", "hdd")


@pytest.fixture
def program(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Furnished]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PRESERVE_HOME", str(tmp_path / "home"))
    yield Furnished(tmp_path, capsys)


PERMANENT_FILE = POLICIES / "records-permanent.toml"


def test_check_needs_no_home_and_tells_all_it_knows(program: Furnished) -> None:
    said = program("policy", "check", PERMANENT_FILE)
    assert "is a sound policy" in said
    assert "  - No two copies may share their: site, credential domain." in said
    assert "  - The source is backed up" in said
    assert "missed: 1 requirement\n  line 116  sample.zhoushan  A rule of Zhoushan (2017) [second_hand]" in said
    assert "not_judged: 108 (--all names them)" in said
    assert "registered here" not in said


def test_check_names_everything_when_asked(program: Furnished) -> None:
    said = program("policy", "check", PERMANENT_FILE, "--all")
    assert "R-11  Archives Law (2020) 第二十五条" in said
    assert "→ needs the attributes of the registered stores" in said


def test_check_gives_programs_identifiers_lines_and_marks(program: Furnished) -> None:
    document = program.ask("policy", "check", POLICIES / "county-shoestring.toml")
    found = {each["id"]: each for each in document["requirements"]}
    assert document["ok"] and document["here"] is None
    assert found["R-60"]["verdict"] == "missed" and found["R-60"]["verified"] is False
    assert found["R-60"]["mark"] == "second_hand" and found["R-60"]["line"] == 34
    assert found["R-13"]["verified"] is True
    waiting = {each["key"] for each in document["not_yet"]}
    assert not waiting & {"drills", "recovery", "notify", "notification"}


def test_a_mistake_is_misuse_and_nothing_is_judged(program: Furnished) -> None:
    file = program.file(replaced(("vendors = 2", "vendors = 4")))
    assert "mine.toml, line 65: 3 copies cannot differ" in program("policy", "check", file, code=Exit.MISUSED)


def test_in_a_home_check_holds_stores_and_the_version_in_force_against_it(program: Furnished) -> None:
    program.furnish()
    assert "No policy records-permanent is registered here." in program("policy", "check", PERMANENT_FILE)
    program.ask("policy", "register", PERMANENT_FILE, "--reason", "a test")
    file = program.file(replaced(('rpo = "25 hours"', 'rpo = "26 hours"')))
    said = program("policy", "check", file)
    assert "Against version 1, which is in force:\n  recovery.rpo: 25 hours → 26 hours" in said
    assert "  - copies on remote_offline that no registered store is fit for: 1" in said
    assert "  - near and city share their site, and the policy forbids it" in said or (
        "  - city and near share their site, and the policy forbids it" in said
    )
    here = program.ask("policy", "check", PERMANENT_FILE)["here"]
    assert (here["version_in_force"], here["changes"]) == (1, [])
    assert "It says what version 1 says" in program("policy", "check", PERMANENT_FILE)


def test_a_home_that_was_named_had_better_be_there(program: Furnished) -> None:
    program("policy", "check", PERMANENT_FILE, "--home", program.folder / "elsewhere", code=Exit.REFUSED)


def test_a_new_version_says_what_it_changed_then_and_later(program: Furnished) -> None:
    program.furnish()
    first = program("policy", "register", PERMANENT_FILE, "--reason", "a test")
    assert "policy records-permanent is in force, version 1" in first
    assert "no command of this version looks at it: separation.remote_distance_km\n" in first
    file = program.file(replaced(("vendors = 2", "vendors = 1"), ('at = "01:30"', 'at = "02:30"')))
    registered = program.ask("policy", "register", file, "--actor", "馆长", "--reason", "换了厂商")
    wanted = [
        {"key": "separation.vendors", "before": 2, "after": 1},
        {"key": "backup.at", "before": "01:30", "after": "02:30"},
    ]
    assert (registered["version"], registered["changes"]) == (2, wanted)
    shown = program.ask("policy", "show", "records-permanent", "--changes")
    assert shown["changes"] == wanted and shown["version"] == 2
    assert "backup.at: 01:30 → 02:30" in program("policy", "show", "records-permanent", "--changes")
    assert "changes" not in program.ask("policy", "show", "records-permanent", "--changes", "--version", "1")


def test_a_home_begins_with_the_general_policies_and_shows_where_the_others_are(program: Furnished) -> None:
    assert program.ask("init")["policies"] == ["default", "records-permanent-gm"]
    found = {each["policy"]: Path(each["file"]) for each in program.ask("policy", "list", "--shipped")["shipped"]}
    assert set(found) == {path.stem for path in POLICIES.glob("*.toml")} >= {
        "audiovisual-masters", "county-shoestring", "database-dump", "default", "office-records-10y",
        "office-records-30y", "records-permanent", "records-permanent-gm",
    }  # fmt: skip
    assert found["county-shoestring"].is_file()
    assert "县级档案馆" in program("policy", "list", "--shipped")


def test_the_schema_is_printed_for_editors(program: Furnished) -> None:
    assert json.loads(program("policy", "schema")) == program.ask("policy", "schema")


def test_records_that_the_policy_is_not_for_are_refused(program: Furnished) -> None:
    program.furnish()
    required = PERMANENT[PERMANENT.index("required_metadata") : PERMANENT.index("classifications")]
    text = replaced((required, ""), ("[records]\n", '[records]\nfonds = ["0001"]\n'))
    program.ask("policy", "register", program.file(text), "--reason", "a test")
    source = program.folder / "submission"
    source.mkdir()
    (source / "a.txt").write_text("a")
    table = program.file("档号,全宗号,保管期限,路径\nX-1,0002,永久,a.txt\n", "records.csv")
    take = ("ingest", source, "--policy", "records-permanent", "--metadata", table)
    assert "records.csv, line 2: fonds 0002 is none that the policy is for" in program(*take, code=Exit.REFUSED)
    table.write_text("档号,全宗号,保管期限,路径\nX-1,0001,30年,a.txt\n", encoding="utf-8")
    assert "line 2: retention y30 is none that the policy is for" in program(*take, code=Exit.REFUSED)
    table.write_text("档号,全宗号,保管期限,路径\nX-1,0001,永久,a.txt\n", encoding="utf-8")
    far = (program.folder / "far").as_uri()
    program.ask("store", "add", "far", "--role", "remote_offline", "--url", far, "--medium", "lto")
    assert program(*take).count("verified") == 3


def test_a_policy_whose_profile_is_not_there_is_not_registered(program: Furnished) -> None:
    """It was in force, and every ingest under it was refused."""
    program.ask("init")
    file = program.file(replaced(('profile = "government-records-profile.json"', 'profile = "ours.json"')))
    told = program("policy", "register", file, code=Exit.REFUSED)
    assert "names the BagIt profile ours.json; put that file into" in told
    assert "records-permanent " not in program("policy", "list")


def test_the_mark_that_windows_puts_before_a_text_is_no_part_of_a_policy(program: Furnished) -> None:
    text = PERMANENT_FILE.read_text(encoding="utf-8")
    marked = program.file("\ufeff" + text)
    assert program.ask("policy", "check", marked)["sha256"] == program.ask("policy", "check", PERMANENT_FILE)["sha256"]


def test_a_policy_is_changed_by_nobody_without_a_reason(program: Furnished) -> None:
    program.furnish()
    program.ask("policy", "register", PERMANENT_FILE)
    file = program.file(replaced(("vendors = 2", "vendors = 1")))
    program("policy", "register", file, code=Exit.MISUSED)
    assert program.ask("policy", "show", "records-permanent")["version"] == 1
    assert program.ask("policy", "register", PERMANENT_FILE)["news"] is False, "the same again is no change"
    assert program.ask("policy", "register", file, "--reason", "one vendor left")["version"] == 2


def test_a_check_tells_of_a_profile_that_is_not_there_as_register_does(program: Furnished) -> None:
    """The check called the requirement met, with a home and without."""
    file = program.file(replaced(('profile = "government-records-profile.json"', 'profile = "ours.json"')))
    line = file.read_text(encoding="utf-8").splitlines().index('profile = "ours.json"') + 1
    told = program("policy", "check", file, code=Exit.REFUSED)
    assert f"line {line}: the BagIt profile ours.json does not come with this program" in told
    program.ask("init")
    told = program("policy", "check", file, code=Exit.REFUSED)
    assert f"line {line}: policy records-permanent names the BagIt profile ours.json; put that file into" in told
    (program.folder / "home" / "profiles").mkdir(exist_ok=True)
    (program.folder / "home" / "profiles" / "ours.json").write_text("{}", encoding="utf-8")
    assert "ours.json" in program("policy", "check", file, code=Exit.MISUSED), "a file that is no profile is told too"


def test_a_window_that_begins_when_it_ends_is_refused(program: Furnished) -> None:
    """It meant all day, and said so nowhere."""
    file = program.file(replaced(('at = "01:30"', ""), ('window = "22:00-06:00"', 'window = "22:00-22:00"')))
    told = program("policy", "check", file, code=Exit.MISUSED)
    assert "window 22:00-22:00 begins when it ends; leave it out where work may go on all day" in told
