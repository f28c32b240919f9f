"""Do names survive the way into a bag and its manifests, and are hostile ones told from odd ones?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preserve.bags.entries import order
from preserve.bags.names import (
    LONGEST_NAME_BYTES,
    BagNames,
    decode,
    decode_line_ends,
    encode,
    escape,
    path_problem,
    readings,
    shown,
    tidy,
)

names = st.binary(min_size=1, max_size=60).filter(lambda name: b"/" not in name and b"\0" not in name)
tricky = st.lists(
    st.sampled_from([b"a", b"=B0", b"\xb0", b"=", b"~2", b"~3", b"\xb9\xab", "公".encode()]), min_size=1, max_size=5
).map(b"".join)


@given(st.text())
def test_encoding_a_path_for_a_manifest_and_decoding_it_gives_the_path(path: str) -> None:
    assert decode(encode(path)) == path


@given(st.text())
def test_an_encoded_path_has_no_line_end(path: str) -> None:
    assert "\n" not in encode(path) and "\r" not in encode(path)


def test_only_percent_and_line_ends_are_encoded() -> None:
    assert encode("data/100%\n\r ~#*\\公.txt ") == "data/100%25%0A%0D ~#*\\公.txt "


def test_hexadecimal_is_read_in_either_case_and_other_percents_stand_for_themselves() -> None:
    assert decode("%0a%0A%0d%0D%25%7E%2525") == "\n\n\r\r%%7E%25"


def test_before_bagit_1_the_percent_sign_was_not_encoded() -> None:
    assert decode_line_ends("100%25%0a") == "100%25\n"
    assert readings("100%25", percent_is_encoded=False) == ("100%25", "100%")
    assert readings("100%25", percent_is_encoded=True) == ("100%", "100%25")
    assert readings("plain", percent_is_encoded=True) == ("plain",)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("", "empty"),
        ("data/", "empty"),
        ("data/a\0b", "nul"),
        ("/etc/passwd", "absolute"),
        ("\\\\?\\UNC\\server\\x", "absolute"),
        ("~/x", "home"),
        ("~root/x", "home"),
        ("C:\\Windows\\x", "drive"),
        ("../x", "parent"),
        ("data/../../x", "parent"),
        ("data/..", "parent"),
        ("data/~x", None),
        ("data/a..b", None),
        ("data/C:\\x", None),
        ("data/a\\..\\b", None),
        ("./data/a", None),
    ],
)
def test_paths_that_lead_out_of_the_bag_are_told_from_odd_names(path: str, problem: str | None) -> None:
    assert path_problem(path) == problem


def test_dot_segments_and_doubled_slashes_are_tidied() -> None:
    assert tidy("./data//a/./b") == "data/a/b"
    assert tidy("data/.hidden/a.") == "data/.hidden/a."


def test_bytes_that_are_no_utf8_are_written_in_hexadecimal() -> None:
    assert escape("关于印发.txt".encode("gbk")).endswith(".txt")
    assert escape(b"a\xb0\xff") == "a=B0=FF"


def test_an_escaped_name_still_fits_a_file_system() -> None:
    long = "关于印发通知的请示".encode("gbk") * 14
    assert len(long) <= LONGEST_NAME_BYTES
    assert len(escape(long).encode()) <= LONGEST_NAME_BYTES
    assert escape(long) != escape(long[:-2] + "件".encode("gbk"))


def test_a_plain_name_keeps_itself_and_the_escaped_one_gives_way() -> None:
    keeper = BagNames()
    assert [keeper.bag_path(path) for path in sorted([b"a=B0", b"a\xb0", b"a=B0~2"])] == ["a=B0", "a=B0~2", "a=B0~3"]


def test_what_lies_below_a_renamed_folder_follows_it() -> None:
    keeper = BagNames()
    paths = sorted([b"x", b"x\xb0", b"x\xb0/f", b"x\xb0/g", b"x\xb0/g/\xff", b"y"], key=order)
    assert [keeper.bag_path(path) for path in paths] == ["x", "x=B0", "x=B0/f", "x=B0/g", "x=B0/g/=FF", "y"]


def test_a_plain_name_that_looks_like_a_cut_one_gives_way_with_all_below_it() -> None:
    cut = b" " * 200 + "关于印发".encode("gbk") * 6
    twin = escape(cut).encode()
    keeper = BagNames()
    paths = sorted([cut, twin, twin + b"/f"], key=order)
    given_names = {path: keeper.bag_path(path) for path in paths}
    assert len(set(given_names.values())) == 3
    assert given_names[twin + b"/f"] == given_names[twin] + "/f"


@given(st.sets(st.lists(st.one_of(tricky, names), min_size=1, max_size=3).map(tuple), max_size=12))
def test_no_two_paths_get_the_same_name_and_utf8_paths_keep_theirs(leaves: set[tuple[bytes, ...]]) -> None:
    paths = {b"/".join(leaf[: depth + 1]) for leaf in leaves for depth in range(len(leaf))}
    keeper = BagNames()
    given_names = {path: keeper.bag_path(path) for path in sorted(paths, key=order)}
    assert len(set(given_names.values())) == len(paths)
    for path, name in given_names.items():
        parent, _, own = path.rpartition(b"/")
        if parent:
            assert name.rpartition("/")[0] == given_names[parent]
        try:
            assert name == path.decode()
        except UnicodeDecodeError:
            assert name.isascii() or "=" in name
        assert own


def test_a_name_is_shown_without_what_a_terminal_would_obey() -> None:
    assert shown(b"a\x1b[2Jb\xff\n") == "a\\x1b[2Jb\\xff\\n"
    assert shown("公文.txt") == "公文.txt"
