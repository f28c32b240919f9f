"""Is the register of formats what it says, and is an entry refused that contradicts itself?"""

from __future__ import annotations

import os
import re
import select
import shutil
from pathlib import Path

import pytest

from preserve.definitions.format_register import LOCAL_FORMATS, REGISTER, read_format_register, read_local_formats
from preserve.errors import Misused
from preserve.formats.readers import readers_alive
from preserve.model.formats.rating import RatingGround, Ratings
from preserve.model.formats.registry import FormatRegister, Reader
from preserve.model.formats.risk_rule import RiskLevel
from preserve.settings.shipped import format_data
from tests.docs.pages import ROOT
from tests.formats.conftest import Identified
from tests.formats.matrices import BEST, WORST, matrix, plans, row, rule


def register() -> FormatRegister:
    return read_format_register(format_data(REGISTER), REGISTER)


def ratings(folder: Path, **puids: str) -> Ratings:
    """Ratings of the best (N1, N3) and the worst (N2) formats, under these identifiers."""
    from preserve.definitions.nara_matrix import published_ratings, read_nara_table

    files = (
        matrix(folder, row("N1", "Best", BEST), row("N2", "Worst", WORST), row("N3", "Best too", BEST)),
        plans(folder, **puids),
    )
    tables = [read_nara_table(file.read_bytes(), file.name) for file in files]
    own = read_local_formats(format_data(LOCAL_FORMATS), LOCAL_FORMATS, register(), rule())
    return Ratings(rule(), register(), own, published_ratings(*tables))


@pytest.mark.parametrize(
    ("puid", "id_"),
    [
        ("fmt/40", "word-97-2003"), ("fmt/412", "docx"), ("fmt/61", "xls-97"), ("fmt/126", "ppt-97"),
        ("fmt/477", "pdfa-2"), ("preserve/ofd-1", "ofd"), ("preserve/wps-1", "wps"), ("fmt/353", "tiff"),
        ("fmt/950", "eml"), ("fmt/569", "mkv"), ("x-fmt/111", "text"), ("fmt/729", "sqlite"),
    ],
)  # fmt: skip
def test_identifiers_lead_to_their_formats(puid: str, id_: str) -> None:
    found = register().of(puid)
    assert found is not None
    assert found.id == id_


def test_every_entry_says_where_it_comes_from_and_what_nobody_verified() -> None:
    for each in register().formats:
        assert each.source and each.words.zh != ""
    wps, ceb = register().named("wps"), register().named("ceb")
    assert wps and ceb
    assert [each.standard for each in wps.accepted] == ["GB/T 18894-2016"]
    assert not any(each.mark.is_verified for each in wps.accepted), "nobody read the standard's own text"
    assert not ceb.accepted
    assert not ceb.readers


@pytest.mark.parametrize(
    ("there", "instead", "why"),
    [
        ('"fmt/477"', '"fmt/353"', "fmt/353 twice"),
        ('id = "ceb"', 'id = "ofd"', "ofd twice"),
        ('"fmt/40"', '"word/40"', "no identifier"),
        ('readers = ["ofdkit"]', 'readers = ["nobody"]', "nobody"),
        ('formats = ["step"]', 'formats = ["stepp"]', "stepp"),
        ('openness = "standard"', 'openness = "open"', "open"),
        ('distribution = "ofdkit"', "", "one way"),
        (r"'^flac ([\d.]+)'", "'^flac'", "one group"),
    ],
)
def test_an_entry_that_contradicts_itself_is_refused(there: str, instead: str, why: str) -> None:
    text = format_data(REGISTER)
    assert there in text
    with pytest.raises(Misused, match=why):
        read_format_register(text.replace(there, instead, 1), REGISTER)


def test_our_own_answers_are_scored_by_the_same_rule_and_say_how_many_are_unverified(tmp_path: Path) -> None:
    found = ratings(tmp_path, N1="fmt/1", N2="fmt/2").of("preserve/ofd-1")
    assert found is not None
    assert (found.ground, found.level, found.total) == (RatingGround.OWN_ANSWERS, RiskLevel.MODERATE, 15)
    assert 0 < found.unverified < 27


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        ('"1.1" = ["no", "gbt33190"', '"1.1" = ["na", "gbt33190"'),
        ('"1.1" = ["no", "gbt33190"', '"1.1" = ["no", "hearsay"'),
        ('"1.1" = ["no", "gbt33190"', '"9.1" = ["no", "gbt33190"'),
        ('formats = ["ofd"]', 'formats = ["odf"]'),
        ('formats = ["ofd"]', 'formats = ["wps"]'),
    ],
)
def test_answers_that_lack_a_question_a_source_or_a_format_are_refused(there: str, instead: str) -> None:
    text = format_data(LOCAL_FORMATS)
    assert there in text
    with pytest.raises(Misused, match=LOCAL_FORMATS):
        read_local_formats(text.replace(there, instead, 1), LOCAL_FORMATS, register(), rule())


def test_of_several_published_ratings_the_riskiest_counts_and_a_version_that_lacks_one_is_rated_as_its_family(
    tmp_path: Path,
) -> None:
    found = ratings(tmp_path, N1="fmt/476", N2="fmt/476", N3="fmt/40")
    both, sibling, other = found.of("fmt/476"), found.of("fmt/477"), found.of("fmt/9999")
    assert both and sibling
    assert (both.level, both.rated_as, both.ground) == (RiskLevel.HIGH, "Worst", RatingGround.PUBLISHED)
    assert (sibling.level, sibling.ground) == (RiskLevel.HIGH, RatingGround.FAMILY)
    assert other is None, "nobody rated it, and that is no good rating"


def test_readers_are_alive_only_when_they_answer_as_the_register_says(tmp_path: Path) -> None:
    asked = [
        Reader("python", "Python", is_builtin=True),
        Reader("arrow", "Arrow", distribution="pyarrow"),
        Reader("nowhere", "Nowhere", distribution="no-such-library-anywhere"),
        Reader("shell", "Shell", ("sh", "-c", "echo shell 1.2"), r"^shell ([\d.]+)"),
        Reader("stand-in", "Stand-in", ("sh", "-c", "echo something else"), r"^shell ([\d.]+)"),
        Reader("absent", "Absent", ("no-such-program-anywhere",), "(.*)"),
    ]
    alive = readers_alive(asked, tmp_path)
    assert alive.keys() == {"python", "arrow", "shell"}
    assert alive["shell"] == "1.2"


def test_a_program_that_hangs_when_asked_for_its_version_is_ended_with_what_it_started(tmp_path: Path) -> None:
    """The end of a pipe that both hold shows it: it is closed when the last of them is gone."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with open(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), "rb") as held:
        hanging = Reader("hanging", "Hanging", ("sh", "-c", "exec 3>pipe; echo begun >&3; sleep 600 & wait"), "(.*)")
        assert readers_alive([hanging], tmp_path, most_seconds=1) == {}
        os.set_blocking(held.fileno(), False)
        assert held.read() == b"begun\n"
        assert select.select([held], [], [], 5.0)[0], "something still holds the pipe open"
        assert held.read() == b""


def test_who_is_asked_for_its_version_is_who_converts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "env"
    other.write_text("#!/bin/sh\necho 'env (GNU coreutils) 99.9'\n", "utf-8")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert shutil.which("env") == str(other)
    alive = readers_alive([Reader("env", "env", ("env", "--version"), r"coreutils\) ([\d.]+)")], tmp_path)
    assert alive["env"] != "99.9", "sandboxes do not run that one, and evidence would name a version that did nothing"


def test_the_register_calls_formats_as_siegfried_does(identified: Identified) -> None:
    samples = sorted(path for path in (ROOT / "ops" / "demo" / "samples").rglob("*") if path.is_file())
    told = {(found := identified(path.name, path.read_bytes()).identification).puid: found for path in samples}
    known = {puid: entry.puids[puid] for puid in told if (entry := register().of(puid)) is not None}
    assert len(known) >= 10
    assert known == {puid: f"{told[puid].name} {told[puid].version}".strip() for puid in known}


def test_every_format_of_our_own_signatures_is_in_the_register_under_the_same_name() -> None:
    ours = dict(re.findall(r'Name="([^"]+)" PUID="(preserve/[^"]+)"', format_data("signatures.xml")))
    assert len(ours) >= 10
    for name, puid in ours.items():
        entry = register().of(puid)
        assert entry is not None, puid
        assert entry.puids[puid].startswith(name)
