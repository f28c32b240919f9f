"""Does every bag of the Library of Congress's conformance suite get its verdict, in a folder and in a tar?"""

from __future__ import annotations

import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from preserve.bags.entries import Below
from preserve.bags.reading import Verdict, judge, judge_folder
from preserve.bags.tars import TarTree
from preserve.model.complaints import ComplaintList
from tests.bags.samples import CORPORA, corpus

SUITE = "bagit-conformance-suite.tar.gz"

DISPUTED = {
    # The suite calls these three bags "warning": valid, with something to tell.  Each lists a file that is not there,
    # and a reader that passes them would pass a bag that lost a record.
    "v0.97/warning/duplicate-file-with-different-case": "HELLO.txt is hello.txt only where names ignore case",
    "v0.97/warning/same-filename-listed-twice-with-different-normalization": "one name only where disks normalise",
    "v0.97/warning/special-system-files": "data/.DS_Store is listed, counted in Payload-Oxum, and not in the suite",
}

WARNED = {
    "v0.97/warning/made-with-md5sum-tools": "md5sum",
    "v0.97/warning/relative-path": "path-untidy",
    "v0.97/warning/same-filename-listed-twice-with-the-same-hash": "listed-twice",
}

REASONS = {
    "v0.97/invalid/baginfo-missing-encoding": "bagit-txt-encoding",
    "v0.97/invalid/bom-in-bagit.txt": "bagit-txt-bom",
    "v0.97/invalid/corrupt-data-file": "damaged",
    "v0.97/invalid/corrupt-tag-file": "damaged",
    "v0.97/invalid/extra-file-in-bag": "unlisted",
    "v0.97/invalid/invalid-version-number": "bagit-txt-version",
    "v0.97/invalid/missing-baginfo": "missing",
    "v0.97/invalid/missing-bagit.txt": "no-bagit-txt",
    "v0.97/invalid/out-of-scope-file-paths-using-dot-notation": "path-parent",
    "v0.97/invalid/out-of-scope-file-paths-using-dot-notation-for-fetch": "path-parent",
    "v0.97/invalid/same-filename-listed-twice-with-different-hashes": "two-digests",
    "v0.97/linux-only/out-of-scope-file-paths-using-absolute-path": "path-absolute",
    "v0.97/linux-only/out-of-scope-file-paths-using-absolute-path-for-fetch": "path-absolute",
    "v0.97/linux-only/out-of-scope-file-paths-using-shortcut": "path-home",
    "v0.97/linux-only/out-of-scope-file-paths-using-shortcut-for-fetch": "path-home",
    "v0.97/linux-only/out-of-scope-file-paths-using-shortcut-username": "path-home",
    "v0.97/linux-only/out-of-scope-file-paths-using-shortcut-username-for-fetch": "path-home",
    "v0.97/windows-only/out-of-scope-file-paths-using-absolute-path": "path-drive",
    "v0.97/windows-only/out-of-scope-file-paths-using-absolute-path-for-fetch": "path-drive",
    "v0.97/windows-only/out-of-scope-file-paths-using-shortcut": "path-not-payload",
    "v0.97/windows-only/out-of-scope-file-paths-using-shortcut-for-fetch": "path-not-payload",
    "v0.97/windows-only/out-of-scope-file-paths-using-unc": "path-absolute",
    "v0.97/windows-only/out-of-scope-file-paths-using-unc-for-fetch": "path-absolute",
    "v1.0/invalid/bagit-with-invalid-whitespace": "bagit-txt-spacing",
    "v1.0/invalid/notAllManifestsListAllFiles": "unlisted",
    "v1.0/invalid/same-filename-listed-twice-with-different-hashes": "two-digests",
    "v1.0/invalid/same-filename-listed-twice-with-the-same-hash": "listed-twice",
}


def names() -> list[str]:
    """`v1.0/valid/basicBag` and so on; one placeholder where the suite is absent."""
    if not (CORPORA / SUITE).exists():
        return ["absent"]
    with tarfile.open(CORPORA / SUITE) as tar:
        found = {"/".join(name.removeprefix("./").split("/")[:3]) for name in tar.getnames() if name.count("/") >= 3}
    return sorted(name for name in found if name.startswith("v"))


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("suite")
    with tarfile.open(corpus(SUITE)) as tar:
        tar.extractall(top, filter="data")
    return top


def expected_valid(name: str) -> bool:
    return name.split("/")[1] in ("valid", "warning") and name not in DISPUTED


def check(name: str, verdict: Verdict) -> None:
    assert verdict.valid is expected_valid(name), [str(error) for error in verdict.errors]
    if name in REASONS:
        assert REASONS[name] in {error.code for error in verdict.errors}
    if name in WARNED:
        assert WARNED[name] in {warning.code for warning in verdict.warnings}
    if name in DISPUTED:
        assert {"missing"} <= {error.code for error in verdict.errors} <= {"missing", "oxum"}


@pytest.mark.parametrize("name", names())
def test_a_bag_of_the_suite_lying_in_a_folder_gets_its_verdict(name: str, suite: Path, tmp_path: Path) -> None:
    check(name, judge_folder(suite / name, tmp_path))


@pytest.mark.parametrize("name", names())
def test_a_bag_of_the_suite_in_a_tar_gets_the_same_verdict(name: str, suite: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "bag.tar", "w") as tar:
        tar.add(suite / name, arcname="bag")
    complaints = ComplaintList()
    tree = TarTree(tmp_path / "bag.tar", tmp_path, complaints)
    check(name, judge(Below(tree, b"bag"), tmp_path, complaints))


def test_the_suite_is_the_one_these_expectations_were_written_for() -> None:
    corpus(SUITE)
    bags = names()
    assert len(bags) == 60
    assert set(DISPUTED) | set(WARNED) | set(REASONS) <= set(bags)
    unexplained = [name for name in bags if not expected_valid(name) and name not in REASONS and name not in DISPUTED]
    assert unexplained == []


def test_no_bag_of_the_suite_makes_the_reader_open_anything_outside(suite: Path, tmp_path: Path) -> None:
    opened = [path for path in files_opened(suite, tmp_path) if not path.startswith(str(suite))]
    assert opened == []


def files_opened(suite: Path, work: Path) -> Iterator[str]:
    """Paths that judging all bags of the suite opens, as Python's audit hook tells."""
    found: list[str] = []
    listening = [True]

    def hear(event: str, values: tuple[object, ...]) -> None:
        if listening and event == "open" and isinstance(values[0], str | bytes):
            path = values[0].decode("utf-8", "replace") if isinstance(values[0], bytes) else values[0]
            found.append(path)

    bags = names()
    sys.addaudithook(hear)
    for name in bags:
        judge_folder(suite / name, work)
    listening.clear()
    assert found
    yield from found
