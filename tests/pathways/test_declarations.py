"""Is a declaration refused that contradicts itself or would let damage pass, and are those that are shipped sound?"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib

import jsonschema
import pytest

from preserve.compose import format_register
from preserve.compose.pathways import pathways
from preserve.definitions.pathways import pathway_schema, read_pathway
from preserve.errors import Misused
from preserve.model.formats.pathways import filled_in, places_named
from preserve.model.formats.properties import KNOWN, LIABLE, ContentKind, Damage
from preserve.settings.shipped import pathway_folders
from tests.docs.pages import ROOT
from tests.pathways.declarations import SMALL, read, shipped, small

FIRST = [
    "bmp-to-jp2", "bmp-to-png", "doc-to-docx", "doc-to-pdfa2b", "jpeg-to-jp2", "jpeg-to-png", "pdf-to-pdfa2b",
    "text-gb18030-to-utf8", "tiff-to-jp2", "tiff-to-png", "video-to-ffv1", "wav-to-flac", "xls-to-ods",
]  # fmt: skip


@pytest.mark.parametrize(
    ("there", "instead", "line", "why"),
    [
        ('kind = "audio"', 'kind = "noise"', 6, "one of: document, spreadsheet"),
        ('from = ["fmt/6"]', 'from = ["wav"]', 7, "a list of PUIDs"),
        ('grounds = ["amount"]', 'grounds = ["novelty"]', 11, "obsolescence, risk, not accepted, amount"),
        ('mark = "ours"', 'mark = "sure"', 18, "seen, second_hand"),
        ("most_seconds = 60", "most_seconds = 0", 23, "a whole number"),
        ("most_seconds = 60", "most_second = 60", 23, "did you mean most_seconds"),
        ('name = "samples"', 'name = "sound"', 34, "one of the properties"),
        ('severity = "high"', 'severity = "dire"', 35, '"low", "medium" or "high"'),
        ('type = "metadata lost"', 'type = "bad luck"', 43, "one of: content lost"),
        ('to = ["fmt/279"]', 'to = ["fmt/6"]', 8, "from fmt/6 to the same"),
        ('to = ["fmt/279"]', 'to = ["fmt/6"]\nkeeps = true', 9, "compares bytes when converted back"),
        ('program = "ffmpeg"', 'program = "flac"', 28, "flac made the result"),
        (', "{input}"]', "]", 22, "must name input or inputs, output"),
        (', "{input}"]', ', "{input}", "{profile}"]', 22, "profile is no place"),
        ('"{input}"]', '"--in={inputs}"]', 22, "let it be one by itself"),
        ('"{input}"]', '"{pathway}/a.ps", "{input}"]', 22, "name the files with their SHA-256 under tool.files"),
        ("most_seconds = 60", 'most_seconds = 60\nfiles = ["a"]', 24, "names of files with their SHA-256"),
        ('"-i", "{input}", ', "", 29, "must name input"),
        ('proves_zh = "能解码"', 'proves_zh = "能解码"\ncheck = "utf-8"', 27, "how does ffmpeg look"),
        ('program = "ffmpeg"', 'program = "preserve"', 28, "is run by {python}"),
        ('proves_zh = "能解码"', 'proves_zh = "能解码"\ncheck = "looks"', 31, "one of: pdfa-2b"),
        ('proves_zh = "能解码"', 'proves_zh = "能解码"\noptional = "yes"', 31, "true or false"),
        ('name = "samples"', 'name = "duration"', 33, "audio clipped; compare samples"),
        ('name = "metadata"', 'name = "samples"', 38, "compared twice"),
        ('property = "metadata"', 'property = "macros"', 45, "macros is declared lost and not compared"),
        ('property = "metadata"', 'property = "samples"', 41, "bound the loss with at_most"),
        ('property = "metadata"', 'property = "metadata"\nat_most = 0', 46, "within the tolerance"),
        ('name = "samples"', 'name = "samples"\nmay_change = ["*"]', 35, "no loss is declared of samples"),
        ('name = "metadata"', 'name = "metadata"\nmay_change = "*"', 39, "a list of entries"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_the_remedy(there: str, instead: str, line: int, why: str) -> None:
    with pytest.raises(Misused, match=why) as refused:
        read((there, instead))
    assert f"line {line}:" in str(refused.value)


def test_the_declaration_that_goes_with_versions_is_the_one_that_was_read() -> None:
    found = pathways(format_register())
    assert [hashlib.sha256(each.declaration).hexdigest() for each in found] == [each.pathway.sha256 for each in found]


def test_all_mistakes_are_told_at_once() -> None:
    text = small(('kind = "audio"', 'kind = "noise"'), ('mark = "ours"', ""))
    with pytest.raises(Misused, match="for 2 reasons"):
        read_pathway(text, "mine.toml")
    with pytest.raises(Misused, match=r"mine\.toml, line 1: a bracket"):
        read_pathway("[pathway", "mine.toml")


def test_a_program_that_the_register_does_not_know_is_refused() -> None:
    assert read_pathway(SMALL, "mine.toml", ["flac", "ffmpeg"]).programs == ("flac", "ffmpeg")
    with pytest.raises(Misused, match="no program ffmpeg"):
        read_pathway(SMALL, "mine.toml", ["flac"])


def test_a_bounded_loss_of_content_that_hides_damage_is_refused() -> None:
    declared = ('property = "metadata"', 'property = "samples"\nat_most = 1')
    with pytest.raises(Misused, match="nothing would catch this damage: channel lost"):
        read(declared)


def test_a_command_is_filled_in_once_and_keeps_braces_of_its_own() -> None:
    command = shipped()["doc-to-pdfa2b"].tool.command
    assert places_named(command) == {"home", "output", "inputs"}
    found = filled_in(command, {"home": "/h", "output": "/o", "inputs": ["/i/{home}.doc", "/i/2.doc"]})
    assert found[-2:] == ("/i/{home}.doc", "/i/2.doc") and "-env:UserInstallation=file:///h/profile" in found
    assert any(each.startswith('pdf:writer_pdf_Export:{"SelectPdfVersion":{"type":"long",') for each in found)
    assert filled_in(["{unknown}", "a{home}b"], {"home": "/h"}) == ("{unknown}", "a/hb")


def test_a_declaration_is_known_by_its_digest() -> None:
    assert read().sha256 != read(("most_seconds = 60", "most_seconds = 61")).sha256


def test_every_damage_can_be_caught_and_every_kind_is_liable_to_some() -> None:
    caught = {damage for known in KNOWN.values() for damage in known.catches}
    assert caught == set(Damage) == {damage for damages in LIABLE.values() for damage in damages} | {
        Damage.PAGE_BLANKED, Damage.PAGES_SWAPPED
    }  # fmt: skip
    assert set(LIABLE) == set(ContentKind)


def test_the_first_pathways_are_shipped_and_sound_with_programs_and_formats_of_the_register() -> None:
    register = format_register()
    assert set(FIRST) <= set(shipped())
    for folder in pathway_folders():
        read_ = read_pathway((folder / "pathway.toml").read_text("utf-8"), folder.name, register.readers)
        assert read_.name == folder.name
        assert [puid for puid in (*read_.sources, *read_.targets) if register.of(puid) is None] == []
        assert all(each.pathway in ("", *shipped()) for each in read_.alternatives)


@pytest.mark.parametrize("name", sorted(shipped()))
def test_each_pathway_writes_its_risks_in_both_languages(name: str) -> None:
    folder = ROOT / "migrations" / name
    zh, en = ((folder / file).read_text("utf-8") for file in ("risks.zh.md", "risks.md"))
    assert zh.count("\n**") == en.count("\n**") >= 4, "the same risks in both"
    assert re.search(r"[一-鿿]", zh) and zh.startswith("# ") and en.startswith("# ")


def test_the_published_schema_is_the_one_the_program_prints_and_the_shipped_ones_keep_it() -> None:
    printed = json.dumps(pathway_schema(), ensure_ascii=False, indent=2) + "\n"
    assert (ROOT / "migrations" / "pathway.schema.json").read_text("utf-8") == printed, (
        "run `preserve migrate schema` into it"
    )
    for folder in pathway_folders():
        jsonschema.validate(tomllib.loads((folder / "pathway.toml").read_text("utf-8")), pathway_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(small(('kind = "audio"', 'kind = "noise"'))), pathway_schema())
