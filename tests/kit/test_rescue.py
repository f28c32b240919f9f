"""Does the rescue script bring records back, whole, under their names, from whatever is left of a store?"""

from __future__ import annotations

import ast
import io
import json
import os
import resource
import shutil
import string
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.kit.rescuing import SCRIPT, Told, expected, rescue, run, tree
from tests.kit.stores import BagWriter, Deposit, awkward_deposits, bag_of, bag_paths, write_package, write_store

ID = "20240305-0123456789"
SMALL_BLOCKS = 4096
PYTHONS = ["python3.6", "python3.8", "python3.13"]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return write_store(tmp_path / "store")


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0x40
    path.write_bytes(content)


def other_python(name: str) -> str:
    """The interpreter of that name, where it works; versions kept by pyenv need not be on the path."""
    root = os.environ.get("PYENV_ROOT", "")
    for place in (shutil.which(name), *map(str, Path(root).glob(f"versions/{name[6:]}.*/bin/python"))):
        if place and subprocess.run([place, "-c", ""], capture_output=True, check=False).returncode == 0:
            return place
    pytest.skip(f"{name} is not on this machine")


@pytest.mark.parametrize("python", [sys.executable, *PYTHONS])
def test_everything_comes_back_under_its_own_name_from_another_folder(python: str, store: Path, tmp_path: Path) -> None:
    python = other_python(python) if python in PYTHONS else python
    write_package(store, ID, awkward_deposits(), algorithms=("sha256", "sm3"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    told = run(store / "rescue.py", "restore", store, "out", python=python, cwd=elsewhere)
    assert told.code == 0, told.text
    assert tree(elsewhere / "out" / ID) == expected(awkward_deposits())
    about = tree(elsewhere / "out" / f"{ID}.about")
    assert {b"bag-info.txt", b"metadata/records.json", b"manifest-sm3.txt"} <= about.keys()


def test_the_script_keeps_to_the_grammar_of_python_3_6_and_to_the_standard_library() -> None:
    source = ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 6))
    imported = {alias.name for node in ast.walk(source) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(source) if isinstance(node, ast.ImportFrom)}
    assert imported <= sys.stdlib_module_names


def test_every_sentence_has_its_chinese_and_the_same_values() -> None:
    source = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    assigned = next(
        ast.literal_eval(node.value)
        for node in source.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "SENTENCES"
    )
    lines = assigned.splitlines()
    chinese = dict(zip(lines[::2], lines[1::2], strict=True))
    for english, translated in chinese.items():
        assert fields(english) == fields(translated), english
    spoken = {
        node.args[0].value
        for node in ast.walk(source)
        if isinstance(node, ast.Call)
        and (getattr(node.func, "attr", "") in ("tell", "problem") or getattr(node.func, "id", "") == "said")
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert spoken <= chinese.keys()


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_it_speaks_chinese_where_the_locale_is_chinese(store: Path, tmp_path: Path) -> None:
    write_package(store, ID, awkward_deposits())
    assert "信息包均无问题" in run(SCRIPT, "check", store, language="zh_CN.UTF-8", cwd=tmp_path).text
    assert "packages are well" in run(SCRIPT, "check", store, language="de_DE.UTF-8", cwd=tmp_path).text


def test_a_store_that_may_only_be_read_is_left_exactly_as_it_was(store: Path, tmp_path: Path) -> None:
    write_package(store, ID, awkward_deposits())
    before = tree(store)
    assert run(store / "rescue.py", "check", store, cwd=store).code == 0
    assert run(store / "rescue.py", "restore", store, tmp_path / "out", cwd=store).code == 0
    assert tree(store) == before
    inside = run(store / "rescue.py", "restore", store, store / "out", cwd=store)
    assert inside.code == 2
    assert "inside the store" in inside.text
    assert tree(store) == before


def test_list_names_packages_and_their_titles(store: Path) -> None:
    write_package(store, ID, awkward_deposits())
    told = rescue("list", store)
    assert told.code == 0
    assert ID in told.text
    assert "灾备样本" in told.text


@pytest.mark.parametrize("arguments", [["check"], ["nonsense"], ["restore", "/"]])
def test_wrong_usage_ends_with_2(arguments: list[str], tmp_path: Path) -> None:
    assert run(SCRIPT, *arguments, cwd=tmp_path).code == 2


def test_a_folder_without_packages_ends_with_2_and_a_package_not_there_with_1(store: Path, tmp_path: Path) -> None:
    assert rescue("check", store).code == 2
    assert rescue("check", tmp_path / "nowhere").code == 2
    write_package(store, ID, awkward_deposits())
    told = rescue("check", store, "20240305-zzzzzzzzzz")
    assert told.code == 1
    assert "20240305-zzzzzzzzzz: not in this store" in told.text


def names_said(told: Told, word: str) -> set[str]:
    marker = f"{ID}: {word} "
    return {line[len(marker) :] for line in told.text.splitlines() if line.startswith(marker)}


def damage_at(at: int, original: Path, scratch: Path) -> Told:
    """Flip one byte of a copy of the store, restore, and check that nothing altered came out."""
    store, out = scratch / f"store-{at}", scratch / f"out-{at}"
    shutil.copytree(original, store)
    flip(store / "packages" / ID[-2:] / ID / "bag.tar", at)
    told = rescue("restore", store, out)
    found, wanted = tree(out / ID), expected(awkward_deposits())
    in_bag = {original: path.encode() for original, path in bag_paths(awkward_deposits()).items()}
    original_of = dict(zip(in_bag.values(), in_bag, strict=True)) if "structure.jsonl" in told.text else {}
    for path, (kind, content, _, _) in found.items():
        if kind != "folder":  # a folder that lost its name is made for the files below it
            assert content == wanted[original_of.get(path, path)][1], (at, path)
    files = {path for path, facts in wanted.items() if facts[0] == "file"}
    missing = {path for path in files if path not in found and not (original_of and in_bag[path] in found)}
    assert told.code == 1, (at, told.text)
    if "manifest" not in told.text:
        lost = names_said(told, "LOST")
        assert {shown(path) for path in missing} in (
            lost,
            {shown(original_of.get(n.encode(), n.encode())) for n in lost},
        )
    elif "tar cannot be understood" not in told.text:  # else a name may stand nowhere any more
        assert all(shown(path) in told.text or in_bag[path].decode() in told.text for path in missing), (at, told.text)
    assert not [path for path in tree(out) if path.endswith(b".partial")]
    return told


def shown(path: bytes) -> str:
    text = path.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def test_a_flipped_byte_anywhere_costs_at_most_what_lies_there_and_nothing_altered_comes_out(
    store: Path, tmp_path: Path
) -> None:
    folder = write_package(store, ID, awkward_deposits(), block_bytes=SMALL_BLOCKS)
    size = (folder / "bag.tar").stat().st_size
    losses = []
    for at in range(100, size, 1301):
        told = damage_at(at, store, tmp_path)
        losses.append(len(names_said(told, "LOST")))
        shutil.rmtree(tmp_path / f"out-{at}")
        shutil.rmtree(tmp_path / f"store-{at}")
    assert max(losses) > 0
    assert max(losses) <= 5, losses


def test_a_damaged_file_is_named_and_kept_only_when_asked_for(store: Path, tmp_path: Path) -> None:
    folder = write_package(store, ID, awkward_deposits(), block_bytes=SMALL_BLOCKS)
    flip(folder / "bag.tar", (folder / "bag.tar").read_bytes().index(bytes(range(256)) * 3) + 20_000)
    told = rescue("restore", store, tmp_path / "out")
    assert names_said(told, "LOST") == {"large.bin"}
    assert "block" in told.text
    assert not (tmp_path / "out" / ID / "large.bin").exists()
    assert not (tmp_path / "out" / ID / "large.bin.DAMAGED").exists()
    rescue("restore", store, tmp_path / "kept", "--keep-damaged")
    assert (tmp_path / "kept" / ID / "large.bin.DAMAGED").stat().st_size == 51_200
    assert not (tmp_path / "kept" / ID / "large.bin").exists()


def test_names_are_believed_from_a_damaged_structure_only_where_they_fit_the_bag(store: Path, tmp_path: Path) -> None:
    deposits = [
        Deposit("档案".encode("gbk"), b"short"),
        Deposit("长名".encode("gbk") * 50, b"too long once it is escaped"),
        Deposit("旧名".encode("gbk"), b"its line will be damaged"),
        Deposit(b"link", link_to=b"somewhere"),
    ]
    folder = write_package(store, ID, deposits, block_bytes=512)
    bag = (folder / "bag.tar").read_bytes()
    flip(folder / "bag.tar", bag.index("旧名".encode("gbk").hex().encode() + b'"') + 1)
    told = rescue("restore", store, tmp_path / "out")
    assert told.code == 1
    found = tree(tmp_path / "out" / ID)
    assert {deposit.path for deposit in deposits[:2]} < found.keys()
    assert deposits[2].path not in found
    assert found[bag_paths(deposits)[deposits[2].path].encode()][1] == deposits[2].content
    assert "structure.jsonl cannot be understood" in told.text


def test_check_names_what_is_lost_without_writing_anything(store: Path, tmp_path: Path) -> None:
    folder = write_package(store, ID, awkward_deposits(), block_bytes=SMALL_BLOCKS)
    flip(folder / "bag.tar", (folder / "bag.tar").read_bytes().index(b"a name in GBK"))
    told = rescue("check", store, "--verbose")
    assert told.code == 1
    assert shown("关于灾备.txt".encode("gbk")) in names_said(told, "LOST")
    assert "large.bin" in names_said(told, "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store"]


def test_a_block_that_is_damaged_here_is_taken_from_another_copy(store: Path, tmp_path: Path) -> None:
    folder = write_package(store, ID, awkward_deposits(), block_bytes=SMALL_BLOCKS)
    shutil.copytree(store, tmp_path / "other")
    other = tmp_path / "other" / folder.relative_to(store)
    flip(folder / "bag.tar", 5000)
    flip(other / "bag.tar", 20_000)
    told = rescue("restore", store, tmp_path / "out", "--also", tmp_path / "other")
    assert told.code == 1
    assert "was taken from" in told.text
    assert "none is lost" in told.text
    assert tree(tmp_path / "out" / ID) == expected(awkward_deposits())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(harms=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 200_000), st.booleans()), min_size=1, max_size=12))
def test_any_damage_that_leaves_each_block_sound_somewhere_loses_nothing(
    harms: list[tuple[int, int, bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    top = tmp_path_factory.mktemp("copies")
    stores = [write_store(top / name) for name in ("a", "b", "c")]
    folders = [write_package(store, ID, awkward_deposits(), block_bytes=SMALL_BLOCKS) for store in stores]
    size = (folders[0] / "bag.tar").stat().st_size
    harmed: dict[int, set[int]] = {}
    for which, where, cut in harms:
        block = where % size // SMALL_BLOCKS
        blocks = range(block, size // SMALL_BLOCKS + 1) if cut else range(block, block + 1)
        if any(len(harmed.get(number, set()) | {which}) == 3 for number in blocks):
            continue
        for number in blocks:
            harmed.setdefault(number, set()).add(which)
        bag = folders[which] / "bag.tar"
        if cut:
            os.truncate(bag, min(bag.stat().st_size, block * SMALL_BLOCKS))
        elif where % size < bag.stat().st_size:
            flip(bag, where % size)
    told = rescue("restore", stores[0], top / "out", "--also", stores[1], "--also", stores[2])
    assert tree(top / "out" / ID) == expected(awkward_deposits()), told.text
    assert "LOST" not in told.text
    shutil.rmtree(top)


def test_the_highest_generation_that_fits_is_taken(store: Path, tmp_path: Path) -> None:
    folder = write_package(store, ID, awkward_deposits())
    good = (folder / "bag.tar").read_bytes()
    (folder / "bag.tar").write_bytes(b"rotten")
    (folder / "bag.tar.g2").write_bytes(good)
    assert rescue("check", store).code == 0
    (folder / "bag.tar.g3").write_bytes(good[:-1] + b"x")
    told = rescue("restore", store, tmp_path / "out")
    assert told.code == 1
    assert "bag.tar.g3: block 0 (from byte 0) is damaged" in told.text
    assert tree(tmp_path / "out" / ID) == expected(awkward_deposits())


@pytest.mark.parametrize("name", ["receipt.json", "blocks.sha256", "members.parquet"])
@pytest.mark.parametrize("harm", ["missing", "flipped", "empty"])
def test_records_come_back_although_a_small_object_is_harmed(name: str, harm: str, store: Path, tmp_path: Path) -> None:
    folder = write_package(store, ID, awkward_deposits())
    if harm == "missing":
        (folder / name).unlink()
    elif harm == "empty":
        (folder / name).write_bytes(b"")
    else:
        flip(folder / name, 30)
    told = rescue("restore", store, tmp_path / "out")
    assert told.code == 1, told.text
    assert name in told.text
    assert tree(tmp_path / "out" / ID) == expected(awkward_deposits())


def test_a_bag_that_is_gone_is_reported_and_the_next_package_comes_back(store: Path, tmp_path: Path) -> None:
    folder = write_package(store, ID, awkward_deposits())
    write_package(store, "20240306-abcdefghjk", awkward_deposits())
    (folder / "bag.tar").unlink()
    told = rescue("restore", store, tmp_path / "out")
    assert told.code == 1
    assert f"{ID}: bag.tar is missing" in told.text
    assert tree(tmp_path / "out" / "20240306-abcdefghjk") == expected(awkward_deposits())


def test_what_is_there_already_is_never_overwritten_unless_asked(store: Path, tmp_path: Path) -> None:
    write_package(store, ID, awkward_deposits())
    out = tmp_path / "out"
    assert rescue("restore", store, out).code == 0
    assert rescue("restore", store, out).code == 0, "a second run finds everything in place"
    (out / ID / "100%.txt").write_bytes(b"somebody's own")
    told = rescue("restore", store, out)
    assert told.code == 1
    assert "exists already and differs" in told.text
    assert (out / ID / "100%.txt").read_bytes() == b"somebody's own"
    assert rescue("restore", store, out, "--overwrite").code == 0
    assert tree(out / ID) == expected(awkward_deposits())


def test_path_restores_matching_files_only_by_their_original_names(store: Path, tmp_path: Path) -> None:
    write_package(store, ID, awkward_deposits())
    assert rescue("restore", store, tmp_path / "out", ID, "--path", "公文/*").code == 0
    assert [path for path, facts in tree(tmp_path / "out" / ID).items() if facts[0] == "file"] == [
        deposit.path for deposit in awkward_deposits() if deposit.path.startswith("公文/".encode())
    ]
    told = rescue("restore", store, tmp_path / "none", "--path", "no such thing")
    assert told.code == 1
    assert "nothing in it matches" in told.text


def hostile_bag(members: list[tuple[str, bytes, str]]) -> bytes:
    """A right bag with hostile members put in before its end: (path, tar type, link target)."""
    bag = bag_of(ID, [Deposit(b"innocent.txt", b"innocent")])
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, kind, target in members:
            member = tarfile.TarInfo(path)
            member.type, member.linkname, content = kind, target, b"evil" if kind == tarfile.REGTYPE else b""
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        end = tar.offset
    return bag[:-1024] + buffer.getvalue()[:end] + bytes(1024)


def test_a_hostile_tar_writes_nothing_outside_its_folder(store: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    bag = hostile_bag(
        [
            (f"{ID}/data/../../../evil-1", tarfile.REGTYPE, ""),
            ("../evil-2", tarfile.REGTYPE, ""),
            (str(outside / "evil-3"), tarfile.REGTYPE, ""),
            (f"{ID}/data//{outside}/evil-4", tarfile.REGTYPE, ""),
            (f"{ID}/data/out", tarfile.SYMTYPE, str(outside)),
            (f"{ID}/data/out/evil-5", tarfile.REGTYPE, ""),
            (f"{ID}/data/hard", tarfile.LNKTYPE, "/etc/passwd"),
            (f"{ID}/data/device", tarfile.CHRTYPE, ""),
            (f"{ID}/../../evil-6", tarfile.REGTYPE, ""),
        ]
    )
    write_package(store, ID, [Deposit(b"innocent.txt", b"innocent")], bag=bag)
    told = rescue("restore", store, tmp_path / "out")
    assert told.code == 1
    assert list(outside.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "outside", "store"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [ID, f"{ID}.about"]
    found = tree(tmp_path / "out" / ID)
    assert {path for path, facts in found.items() if facts[0] != "folder"} == {b"innocent.txt", b"out/evil-5"}
    assert told.text.count("would lie outside the target folder") == 5, told.text
    assert told.text.count("of a kind that no bag holds") == 3, told.text


@pytest.mark.parametrize("name", [b"../../evil", b"/evil", b"..", b"", b"a//b", b"a/./b", b"nul\0"])
def test_a_name_told_by_a_hostile_structure_leads_nowhere_outside(name: bytes, store: Path, tmp_path: Path) -> None:
    writer = BagWriter(ID, ["sha256"])
    told_names = [{"path": "a", "name_bytes": name.hex()}, {"path": name.decode(), "link_to": b"/etc".hex()}]
    writer.file("metadata/structure.jsonl", "".join(json.dumps(entry) + "\n" for entry in told_names).encode())
    writer.file("data/a", b"evil")
    writer.file("data/b", b"innocent")
    write_package(store, ID, [Deposit(b"a", b"evil"), Deposit(b"b", b"innocent")], bag=writer.finish())
    told = rescue("restore", store, tmp_path / "out")
    assert told.code == 1
    assert told.text.count("would lie outside the target folder") == 2, told.text
    assert tree(tmp_path / "out" / ID).keys() <= {b"b", b"a"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "store"]


def test_a_link_in_the_target_is_not_followed(store: Path, tmp_path: Path) -> None:
    write_package(store, ID, awkward_deposits())
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "out" / ID).mkdir(parents=True)
    (tmp_path / "out" / ID / "公文").symlink_to(outside)
    told = rescue("restore", store, tmp_path / "out")
    assert told.code == 1
    assert list(outside.iterdir()) == []
    assert (tmp_path / "out" / ID / "large.bin").exists()


def test_a_full_disk_is_said_and_leaves_nothing_half_written(store: Path, tmp_path: Path) -> None:
    write_package(store, ID, [Deposit(b"a.txt", b"small"), Deposit(b"b.bin", os.urandom(300_000))])
    out = tmp_path / "out"
    script = (
        "import resource, signal, sys, runpy\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        f"sys.argv = ['rescue.py', 'restore', {str(store)!r}, {str(out)!r}]\n"
        f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "b.bin cannot be written" in done.stdout
    assert [path.name for path in (out / ID).iterdir()] == ["a.txt"]


def test_memory_stays_bounded_whatever_the_size(store: Path, tmp_path: Path) -> None:
    large = Deposit(b"large.bin", bytes(200 * 1024 * 1024))
    small = [Deposit(b"small/%05d.txt" % number, b"x") for number in range(3000)]
    write_package(store, ID, [Deposit(b"small"), *small, large])
    limit = 160 * 1024 * 1024

    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    done = subprocess.run(
        [sys.executable, "-I", str(SCRIPT), "check", str(store)],
        preexec_fn=bound,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_split_parts_and_metadata_of_a_package_are_written_beside_it(store: Path, tmp_path: Path) -> None:
    write_package(store, ID, awkward_deposits())
    assert rescue("restore", store, tmp_path / "out").code == 0
    records = json.loads((tmp_path / "out" / f"{ID}.about" / "metadata" / "records.json").read_text(encoding="utf-8"))
    assert records["format"] == "preserve-records/1"
    assert len(bag_paths(awkward_deposits())) == len(awkward_deposits())


OTHER = "20240305-9876543210"


def two_packages(store: Path) -> tuple[Path, Path, list[Deposit]]:
    """The folders of two packages with other deposits each, and those of the second."""
    others = [Deposit(b"other.txt", b"of the other package")]
    return write_package(store, ID, awkward_deposits()), write_package(store, OTHER, others), others


def swap(one: Path, other: Path) -> None:
    aside = one.with_name("aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


@pytest.mark.parametrize("what", ["", "bag.tar", "receipt.json"], ids=["folders", "bags", "receipts"])
@pytest.mark.parametrize("language", ["C.UTF-8", "zh_CN.UTF-8"])
def test_packages_that_were_swapped_come_back_under_their_true_names(
    what: str, language: str, store: Path, tmp_path: Path
) -> None:
    one, other, deposits = two_packages(store)
    swap(one / what, other / what)
    told = run(store / "rescue.py", "restore", store, "out", language=language, cwd=tmp_path)
    assert told.code == 1
    assert tree(tmp_path / "out" / ID) == expected(awkward_deposits())
    assert tree(tmp_path / "out" / OTHER) == expected(deposits)
    assert "ValueError" not in told.text and "LOST" not in told.text
    wrong = "放错了位置" if "zh" in language else "lies in the wrong place"
    assert told.text.count(wrong) == 2
    checked = run(store / "rescue.py", "check", store, language=language, cwd=tmp_path)
    assert checked.code == 1 and checked.text.count(wrong) == 2
    listed = run(store / "rescue.py", "list", store, language=language, cwd=tmp_path)
    assert listed.code == 1 and listed.text.count(wrong) == 2


def test_a_package_in_a_folder_of_another_name_comes_back_under_its_own(store: Path, tmp_path: Path) -> None:
    folder = write_package(store, ID, awkward_deposits())
    folder.rename(folder.with_name(OTHER))
    told = run(store / "rescue.py", "restore", store, "out", cwd=tmp_path)
    assert told.code == 1
    assert tree(tmp_path / "out" / ID) == expected(awkward_deposits())
    assert f"{OTHER}: nothing of it is here" in told.text
