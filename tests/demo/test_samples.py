"""Are the sample records what the script makes, and as awkward as they are said to be?"""

from __future__ import annotations

import os
import unicodedata
import zipfile
from pathlib import Path

from ops.demo.make_samples import AWKWARD, AWKWARD_FOLDER, FORMED, LEGACY, METADATA, SAMPLES, lay_out, samples
from preserve.definitions.metadata import read_records

MOST_BYTES = 1_500_000


def shipped() -> dict[str, bytes]:
    return {str(path.relative_to(SAMPLES)): path.read_bytes() for path in SAMPLES.rglob("*") if path.is_file()}


def test_the_shipped_samples_are_what_the_script_makes() -> None:
    assert shipped() == samples()
    assert sum(map(len, samples().values())) < MOST_BYTES


def test_office_documents_are_whole_containers_with_their_mark_in_place() -> None:
    containers = [path for path in SAMPLES.rglob("*") if path.suffix in (".docx", ".xlsx", ".odt", ".ofd")]
    assert len(containers) == 4
    first = {".docx": "[Content_Types].xml", ".xlsx": "[Content_Types].xml", ".odt": "mimetype", ".ofd": "OFD.xml"}
    for path in containers:
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            assert archive.namelist()[0] == first[path.suffix]


def test_the_metadata_describes_every_record_that_is_laid_out(tmp_path: Path) -> None:
    lay_out(tmp_path / "submission")
    described = read_records(METADATA)
    assert described.notes == ()
    folders = sorted(path.name for path in (tmp_path / "submission").iterdir())
    assert sorted(path for record in described.records for path in record.paths) == folders


def test_names_that_a_checkout_cannot_carry_are_laid_out(tmp_path: Path) -> None:
    lay_out(tmp_path / "submission")
    folder = tmp_path / "submission" / LEGACY / AWKWARD_FOLDER
    names = set(os.listdir(os.fsencode(folder)))
    assert AWKWARD.keys() < names
    assert max(map(len, names)) == 255
    assert {unicodedata.normalize(form, "café.txt").encode() for form in ("NFC", "NFD")} < names
    assert (folder / "link to the request").read_bytes()[:2] == b"PK"
    assert list((folder / "empty folder 空文件夹").iterdir()) == []
    assert {int(path.lstat().st_mtime) for path in (tmp_path / "submission").rglob("*")} == {FORMED}
