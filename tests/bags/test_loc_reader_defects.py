"""Where the Library of Congress's own reader (bagit-python 1.9.0) and RFC 8493 part, we follow the RFC.

Drills let that reader judge restored bags, so we must know when its verdict says nothing.  Each test lays a bag down
with our own writers and shows both verdicts.  A newer bagit-python that mends a defect makes its test fail: then take
it out of the list.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import bagit
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from preserve.bags import tags
from preserve.bags.names import is_misread_by_loc
from preserve.bags.reading import judge_folder
from tests.bags.samples import make_bag, manifest

ONE = hashlib.sha256(b"1").hexdigest()


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def loc_accepts(bag: Path) -> bool:
    try:
        bagit.Bag(str(bag)).validate()
    except (bagit.BagError, bagit.BagValidationError):
        return False
    return True


def we_accept(bag: Path) -> bool:
    return judge_folder(bag, bag.parent).valid


def test_this_is_the_version_whose_defects_are_listed_here() -> None:
    assert importlib.metadata.version("bagit") == "1.9.0"


def test_both_accept_a_plain_bag(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", {b"a": b"1", "公文/通知.txt".encode(): b"2"}, algorithms=("sha256", "sha512"))
    assert we_accept(bag) and loc_accepts(bag)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(b"100%", id="it does not decode %25"),
        pytest.param(b"a%25b", id="so a name that looks encoded fails too"),
        pytest.param(b"a%0Ab", id="or one with %0A in it"),
        pytest.param(b"a\n\n\nb", id="it decodes only the first two LF, for it passes a flag as a count"),
        pytest.param(b"a\r\r\rb", id="and only the first two CR"),
        pytest.param(b"a ", id="it strips a blank at the end of a path"),
        pytest.param(b"a\t", id="and a tab"),
        pytest.param("a\u3000".encode(), id="and an ideographic blank"),
        *(
            pytest.param(f"a{end}b".encode(), id=f"it takes {ord(end):#x} for a line end")
            for end in "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
        ),
    ],
)
def test_it_rejects_a_sound_bag_for_a_legal_name(name: bytes, tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", {name: b"1"})
    assert we_accept(bag)
    assert not loc_accepts(bag)
    assert is_misread_by_loc(name.decode())


@pytest.mark.parametrize(
    "name",
    [b"a.", b" a", b"a  b", b"*a", b"#a", b"~a", b"..a", b"$HOME", b"a\\b", b"a\n\nb", b"a\rb", "e\u0301".encode()],
)
def test_both_accept_other_odd_names(name: bytes, tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", {name: b"1"})
    assert we_accept(bag) and loc_accepts(bag)
    assert not is_misread_by_loc(name.decode())


odd = st.text(
    st.sampled_from("a. %25\n\r\t\x0b\x0c\x1c\x1f\x85\xa0\u2028\u3000*#~\\$公é\u0301"), min_size=1, max_size=8
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=odd.filter(lambda name: name not in (".", "..")))
def test_we_foretell_exactly_which_names_it_misreads(name: str, tmp_path: Path) -> None:
    bag = make_bag(Path(tempfile.mkdtemp(dir=tmp_path)) / "bag", {name.encode(): b"1"})
    assert we_accept(bag)
    assert loc_accepts(bag) is not is_misread_by_loc(name)


def test_it_breaks_bag_info_at_a_line_separator_inside_a_value(tmp_path: Path) -> None:
    info = tags.write_elements([tags.Element("External-Description", "题名\u2028副题名")])
    bag = make_bag(tmp_path / "bag", {b"a": b"1"}, tag_files={"bag-info.txt": info})
    assert we_accept(bag)
    assert not loc_accepts(bag)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        pytest.param(f"{ONE}  data/a\nnonsense\n", "manifest-line", id="a line that is no entry is passed over"),
        pytest.param(f"# note\n{ONE}  data/a\n", "manifest-line", id="comments are allowed"),
        pytest.param(f"{ONE}  data/../data/a\n", "path-parent", id="`..` is followed while it stays inside"),
        pytest.param(f"\ufeff{ONE}  data/a\n", "text-bom", id="a byte-order mark in UTF-8 is allowed"),
    ],
)
def test_it_accepts_manifests_that_the_rfc_forbids(lines: str, code: str, tmp_path: Path) -> None:
    files = {"manifest-sha256.txt": lines.encode()}
    bag = make_bag(tmp_path / "bag", {b"a": b"1"}, tag_files=files)
    assert loc_accepts(bag)
    assert code in {error.code for error in judge_folder(bag, tmp_path).errors}


@pytest.mark.parametrize(
    ("files", "code"),
    [
        pytest.param({"manifest-sm3.txt": b"00" * 32 + b"  data/a\n"}, "damaged", id="it does not check SM3"),
        pytest.param(
            {"manifest-sha1.txt": manifest("sha1", {b"a": b"1"})},
            "not-in-every-manifest",
            id="a manifest may lack files",
        ),
        pytest.param({"bag-info.txt": b"Payload-Oxum: 2.2\nPayload-Oxum: 9.9\n"}, "oxum-twice", id="Oxum may repeat"),
        pytest.param(
            {"bagit.txt": tags.BAGIT_TXT + b"More: 1\n"}, "bagit-txt-more-lines", id="bagit.txt may be longer"
        ),
        pytest.param({"fetch.txt": b"http://x/y - bagit.txt\n"}, "path-not-payload", id="tag files may be fetched"),
    ],
)
def test_it_accepts_tag_files_that_the_rfc_forbids(files: dict[str, bytes], code: str, tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", {b"a": b"1", b"b": b"1"}, tag_files=files)
    assert loc_accepts(bag)
    assert code in {error.code for error in judge_folder(bag, tmp_path).errors}


def test_it_reads_a_file_of_a_neighbour_whose_name_begins_like_the_bags(tmp_path: Path) -> None:
    (tmp_path / "bag-of-another").mkdir()
    (tmp_path / "bag-of-another" / "x").write_bytes(b"1")
    lines = f"{ONE}  data/a\n{ONE}  ../bag-of-another/x\n"
    bag = make_bag(tmp_path / "bag", {b"a": b"1"}, tag_files={"manifest-sha256.txt": lines.encode()})
    assert loc_accepts(bag)
    assert "path-parent" in {error.code for error in judge_folder(bag, tmp_path).errors}


def test_it_passes_a_tag_manifest_that_forgets_the_payload_manifest(tmp_path: Path) -> None:
    listed = manifest("sha256", {b"bagit.txt": tags.BAGIT_TXT}, "")
    bag = make_bag(tmp_path / "bag", {b"a": b"1"}, tag_files={"tagmanifest-sha256.txt": listed})
    assert loc_accepts(bag)
    assert "manifest-not-tagged" in {error.code for error in judge_folder(bag, tmp_path).errors}


def test_it_follows_links_inside_the_bag_where_we_want_files(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", {b"a": b"1"}, tag_manifest=False)
    os.symlink("a", bag / "data" / "b")
    with (bag / "manifest-sha256.txt").open("a") as file:
        file.write(f"{ONE}  data/b\n")
    assert loc_accepts(bag)
    assert "link" in {error.code for error in judge_folder(bag, tmp_path).errors}
