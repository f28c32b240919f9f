"""Is every way in which a bag can be wrong found, is nothing else, and does a hostile one do no harm?"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from preserve.bags import entries as entries_module
from preserve.bags import tags
from preserve.bags.entries import Sorter, Spool
from preserve.bags.reading import Verdict, judge_folder
from tests.bags.samples import make_bag, manifest

PAYLOAD = {b"a": b"1", b"b/c": b"22", "公文.txt".encode(): b"333"}


def judged(bag: Path) -> Verdict:
    return judge_folder(bag, bag.parent)


def codes(bag: Path) -> set[str]:
    return {error.code for error in judged(bag).errors}


@pytest.mark.parametrize(
    "algorithms", [("md5",), ("sha1",), ("sha256",), ("sha512",), ("sm3",), ("sha256", "sha512", "sm3")]
)
def test_a_sound_bag_of_any_known_algorithm_is_valid(algorithms: tuple[str, ...], tmp_path: Path) -> None:
    verdict = judged(make_bag(tmp_path / "bag", PAYLOAD, algorithms=algorithms))
    assert verdict.valid and not verdict.errors and not verdict.warnings
    assert verdict.facts is not None
    assert verdict.facts.payload_manifests == tuple(sorted(algorithms))
    assert (verdict.facts.payload.octets, verdict.facts.payload.streams) == (6, 3)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("harm", "code", "where"),
    [
        (lambda bag: flip(bag / "data/a"), "damaged", "data/a"),
        (lambda bag: (bag / "data/a").unlink(), "missing", "data/a"),
        (lambda bag: (bag / "data/公文.txt").unlink(), "missing", "data/公文.txt"),
        (lambda bag: (bag / "data/new").write_bytes(b""), "unlisted", "data/new"),
        (lambda bag: (bag / "data/新").write_bytes(b""), "unlisted", "data/新"),
        (lambda bag: flip(bag / "bag-info.txt"), "damaged", "bag-info.txt"),
        (lambda bag: (bag / "bag-info.txt").unlink(), "missing", "bag-info.txt"),
        (lambda bag: (bag / "data/b/c").rename(bag / "data/b/d"), "missing", "data/b/c"),
        (lambda bag: os.truncate(bag / "data/公文.txt", 1), "damaged", "data/公文.txt"),
    ],
)
def test_a_harm_is_found_and_located(harm: Callable[[Path], object], code: str, where: str, tmp_path: Path) -> None:
    info = tags.write_elements([tags.Element("External-Identifier", "1")])
    bag = make_bag(tmp_path / "bag", PAYLOAD, algorithms=("sha256", "sm3"), tag_files={"bag-info.txt": info})
    assert judged(bag).valid
    harm(bag)
    verdict = judged(bag)
    assert not verdict.valid
    assert (code, where) in {(error.code, error.where) for error in verdict.errors}
    assert {error.where for error in verdict.errors} <= {where, "data/b/d"}


def test_one_bad_file_does_not_hide_the_others(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", {f"{number:03}".encode(): b"x" for number in range(300)})
    for number in range(0, 300, 2):
        flip(bag / f"data/{number:03}")
    verdict = judged(bag)
    assert verdict.error_count == 150
    assert len(verdict.errors) == 100


def test_bagit_1_wants_each_file_in_every_manifest_and_earlier_versions_do_not(tmp_path: Path) -> None:
    partial = {"manifest-md5.txt": manifest("md5", {b"a": b"1"})}
    old = judged(make_bag(tmp_path / "old", PAYLOAD, version="0.97", tag_files=partial))
    assert old.valid
    assert "not-in-every-manifest" in {warning.code for warning in old.warnings}
    assert codes(make_bag(tmp_path / "new", PAYLOAD, tag_files=partial)) == {"not-in-every-manifest"}


def test_earlier_versions_may_spread_the_payload_over_manifests(tmp_path: Path) -> None:
    spread = {"manifest-md5.txt": manifest("md5", {b"a": b"1"}), "manifest-sha1.txt": manifest("sha1", {b"b": b"2"})}
    bag = make_bag(tmp_path / "bag", {b"a": b"1", b"b": b"2"}, version="0.96", algorithms=(), tag_files=spread)
    assert judged(bag).valid
    flip(bag / "data/b")
    assert codes(bag) == {"damaged"}


def test_bag_info_was_package_info_before_0_96(tmp_path: Path) -> None:
    files = {"package-info.txt": b"Payload-Oxum: 9.9\n"}
    assert codes(make_bag(tmp_path / "old", PAYLOAD, version="0.95", tag_files=files)) == {"oxum"}
    assert codes(make_bag(tmp_path / "new", PAYLOAD, version="0.96", tag_files=files)) == set()


@pytest.mark.parametrize(
    ("value", "code"),
    [("6.3", None), ("7.3", "oxum"), ("6.4", "oxum"), ("six", "oxum-malformed"), ("6", "oxum-malformed")],
)
def test_payload_oxum_must_fit(value: str, code: str | None, tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", PAYLOAD, tag_files={"bag-info.txt": f"Payload-Oxum: {value}\n".encode()})
    assert codes(bag) == ({code} if code else set())


@pytest.mark.parametrize("version", ["0.92", "0.98", "1.1", "2.0"])
def test_a_version_that_was_never_written_is_told(version: str, tmp_path: Path) -> None:
    assert "bagit-txt-version" in codes(make_bag(tmp_path / "bag", PAYLOAD, version=version))


def test_a_bag_without_data_or_manifest_is_told(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", {}, algorithms=())
    (bag / "data").rmdir()
    assert codes(bag) == {"no-data", "no-manifest"}


def test_an_empty_payload_is_valid(tmp_path: Path) -> None:
    assert judged(make_bag(tmp_path / "bag", {})).valid


def test_an_unknown_algorithm_beside_a_known_one_is_told_and_not_called_checked(tmp_path: Path) -> None:
    files = {"manifest-blake9.txt": b"00  data/a\n"}
    verdict = judged(make_bag(tmp_path / "bag", PAYLOAD, tag_files=files))
    assert verdict.valid and verdict.unchecked == ("blake9",)
    alone = make_bag(tmp_path / "alone", PAYLOAD, algorithms=(), tag_files=files)
    assert "no-known-manifest" in codes(alone)


def test_a_bag_with_holes_is_incomplete_until_they_are_filled(tmp_path: Path) -> None:
    files = {
        "fetch.txt": b"https://example.org/b 2 data/b\n",
        "manifest-sha256.txt": manifest("sha256", {b"a": b"1", b"b": b"22"}),
    }
    bag = make_bag(tmp_path / "bag", {b"a": b"1"}, tag_files=files)
    assert codes(bag) == {"not-fetched"}
    (bag / "data/b").write_bytes(b"22")
    assert judged(bag).valid


@pytest.mark.parametrize(
    ("fetch", "code"),
    [
        ("https://example.org/x 1 data/x", "fetch-unlisted"),
        ("https://example.org/x one data/a", "fetch-line"),
        ("nonsense 1 data/a", "fetch-line"),
        ("https://example.org/x 1", "fetch-line"),
        ("https://example.org/x 1 bagit.txt", "path-not-payload"),
        ("https://example.org/x 1 data/../x", "path-parent"),
    ],
)
def test_a_wrong_line_of_fetch_txt_is_told(fetch: str, code: str, tmp_path: Path) -> None:
    assert code in codes(make_bag(tmp_path / "bag", {b"a": b"1"}, tag_files={"fetch.txt": f"{fetch}\n".encode()}))


def test_a_file_that_only_fetch_txt_names_is_unlisted(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", {b"a": b"1"}, tag_files={"fetch.txt": b"https://example.org/x 1 data/x\n"})
    (bag / "data/x").write_bytes(b"1")
    assert codes(bag) == {"unlisted"}


def test_a_percent_sign_is_read_as_the_version_means_it_or_as_it_is_found(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"1").hexdigest()
    plain = {"manifest-sha256.txt": f"{digest}  data/100%25\n".encode()}
    assert judged(make_bag(tmp_path / "1", {b"100%": b"1"}, tag_files=plain)).warnings == ()
    assert judged(make_bag(tmp_path / "2", {b"100%25": b"1"}, tag_files=plain, version="0.97")).warnings == ()
    for number, (name, version) in enumerate([(b"100%25", "1.0"), (b"100%", "0.97")]):
        verdict = judged(make_bag(tmp_path / f"odd{number}", {name: b"1"}, tag_files=plain, version=version))
        assert verdict.valid
        assert {warning.code for warning in verdict.warnings} == {"percent"}


def test_where_both_readings_are_in_the_bag_the_right_one_is_taken(tmp_path: Path) -> None:
    payload = {b"100%": b"1", b"100%25": b"2"}
    assert judged(make_bag(tmp_path / "new", payload)).valid
    old = {"manifest-sha256.txt": manifest("sha256", payload).replace(b"%25", b"%")}
    assert judged(make_bag(tmp_path / "old", payload, tag_files=old, version="0.97")).valid


def test_a_name_changed_only_in_normalisation_is_tolerated_and_told(tmp_path: Path) -> None:
    composed, decomposed = "é".encode(), "e\u0301".encode()
    listed = {"manifest-sha256.txt": manifest("sha256", {composed: b"1"})}
    bag = make_bag(tmp_path / "bag", {decomposed: b"1"}, tag_files=listed)
    verdict = judged(bag)
    assert verdict.valid and {warning.code for warning in verdict.warnings} == {"normalisation"}
    flip(bag / "data" / decomposed.decode())
    assert codes(bag) == {"damaged"}


def test_both_normalisations_side_by_side_are_two_files(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", {"é".encode(): b"1", "e\u0301".encode(): b"1"})
    assert judged(bag).valid
    (bag / "data/é").unlink()
    assert codes(bag) == {"missing"}


def test_file_names_in_the_declared_encoding_are_found(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"1").hexdigest()
    files = {
        "bagit.txt": tags.BAGIT_TXT.replace(b"UTF-8", b"GB18030").replace(b"1.0", b"0.97"),
        "manifest-sha256.txt": f"{digest}  data/关于.txt\n".encode("gb18030"),
    }
    bag = make_bag(tmp_path / "bag", {"关于.txt".encode("gb18030"): b"1"}, algorithms=(), tag_files=files)
    assert judged(bag).valid


@pytest.mark.parametrize("where", ["data/l", "l", "data/b/l"])
def test_a_symbolic_link_is_never_followed(where: str, tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", PAYLOAD)
    (bag / where).symlink_to("/etc/passwd")
    assert codes(bag) == {"link"}


def test_a_link_in_place_of_a_folder_is_not_entered(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", PAYLOAD)
    (bag / "data/b").rename(tmp_path / "elsewhere")
    (bag / "data/b").symlink_to(tmp_path / "elsewhere")
    assert codes(bag) == {"link", "missing"}


def test_a_pipe_in_a_bag_is_told_and_not_waited_for(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", PAYLOAD)
    os.mkfifo(bag / "data/pipe")
    assert codes(bag) == {"special-file"}


def test_a_file_replaced_by_a_pipe_after_listing_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bag = make_bag(tmp_path / "bag", {b"a": b"1"})
    opened = entries_module.open_source

    def swap(path: bytes) -> int:
        if path.endswith(b"/data/a"):
            os.unlink(path)
            os.mkfifo(path)
        return opened(path)

    monkeypatch.setattr(entries_module, "open_source", swap)
    assert codes(bag) & {"unreadable", "changed", "damaged"}


def test_a_bag_of_two_hundred_folders_deep_is_read(tmp_path: Path) -> None:
    assert judged(make_bag(tmp_path / "bag", {b"/".join([b"d"] * 200) + b"/f": b"1"})).valid


def test_a_large_bag_spills_to_disk_and_is_judged_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    payload = {f"{number % 7}/{number}".encode(): str(number).encode() for number in range(500)}
    bag = make_bag(tmp_path / "bag", payload, algorithms=("sha256", "md5"))
    monkeypatch.setattr(Sorter, "RUN_ITEMS", 16)
    monkeypatch.setattr(Sorter, "PIECE_ITEMS", 3)
    monkeypatch.setattr(Spool, "MOST_IN_MEMORY", 0)
    monkeypatch.setattr("preserve.bags.folders.BATCH_ENTRIES", 10)
    assert judged(bag).valid
    flip(bag / "data/3/3")
    (bag / "data/5/5").unlink()
    assert {(error.code, error.where) for error in judged(bag).errors} == {
        ("damaged", "data/3/3"),
        ("missing", "data/5/5"),
    }
