"""Do the texts in every store tell the truth?  Their commands are taken from them and run."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.stores import KIT, awkward_deposits, bag_paths, write_package, write_store

TEXTS = ("README.txt", "README.zh.txt")
FIRST, SECOND = "20240305-0123456789", "20240306-abcdefghjk"


def command_blocks(text: str) -> list[str]:
    """Blocks indented by four spaces."""
    blocks: list[list[str]] = []
    inside = False
    for line in text.splitlines():
        begins = line.startswith("    ") and line[4:5] not in ("", " ")
        if begins and not inside:
            blocks.append([])
        inside = begins or (inside and line.startswith("    "))
        if inside:
            blocks[-1].append(line[4:])
    return ["\n".join(lines) for lines in blocks]


def store_with_two_packages(folder: Path) -> Path:
    store = write_store(folder)
    write_package(store, FIRST, awkward_deposits(), algorithms=("sha256", "sm3"))
    write_package(store, SECOND, awkward_deposits()[:5], algorithms=("sha256", "sha512"))
    return store


def run_text(name: str, store: Path, out: Path) -> str:
    """Everything that the text says to do, in one shell, as a stranger would type it."""
    blocks = command_blocks((store / name).read_text(encoding="utf-8"))
    where = f"STORE='{store}'\nOUT='{out}'"
    script = "\n".join(where if block.startswith("STORE=") else block for block in blocks)
    script = script.replace("python3 ", f"'{sys.executable}' -I ")
    # The first block uses what the second one sets: a person reads the whole text, a shell does not.
    done = subprocess.run(
        ["bash", "-c", f"{where}\n{script}"],
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout


@pytest.mark.parametrize("name", TEXTS)
def test_the_commands_in_the_text_check_and_bring_back_every_file(name: str, tmp_path: Path) -> None:
    store, out = store_with_two_packages(tmp_path / "store"), tmp_path / "out"
    out.mkdir()
    told = run_text(name, store, out)
    assert told.count("SOUND packages/") == 2, told
    assert "DAMAGED" not in told
    assert "bad blocks" not in told
    assert re.findall(r"^WHOLE (.*)/$", told, re.MULTILINE) == [FIRST, SECOND], told
    if shutil.which("openssl"):
        assert f"SM3 {FIRST}/" in told
    paths = bag_paths(awkward_deposits())
    for deposit in awkward_deposits():
        if deposit.content is not None:
            by_hand = os.fsencode(out / "bags" / FIRST / "data") + b"/" + paths[deposit.path].encode()
            by_script = os.fsencode(out / "by-rescue" / FIRST) + b"/" + deposit.path
            for place in (by_hand, by_script):
                with open(place, "rb") as file:
                    assert file.read() == deposit.content


@pytest.mark.parametrize("name", TEXTS)
def test_the_commands_in_the_text_name_a_damaged_package_its_block_and_its_file(name: str, tmp_path: Path) -> None:
    store, out = store_with_two_packages(tmp_path / "store"), tmp_path / "out"
    out.mkdir()
    bag = store / "packages" / FIRST[-2:] / FIRST / "bag.tar"
    content = bytearray(bag.read_bytes())
    content[content.index(bytes(range(256))) + 7] ^= 1
    bag.write_bytes(content)
    told = run_text(name, store, out)
    assert f"DAMAGED packages/{FIRST[-2:]}/{FIRST}/bag.tar" in told
    assert f"SOUND packages/{SECOND[-2:]}/{SECOND}/bag.tar" in told
    assert re.search(r"bad blocks in .*\n< [0-9a-f]{64}\n", told)
    assert "data/large.bin: FAILED" in told
    assert f"WHOLE {FIRST}/" not in told
    assert f"WHOLE {SECOND}/" in told


def test_the_repaired_generation_is_the_one_the_commands_take(tmp_path: Path) -> None:
    store, out = store_with_two_packages(tmp_path / "store"), tmp_path / "out"
    out.mkdir()
    bag = store / "packages" / FIRST[-2:] / FIRST / "bag.tar"
    (bag.parent / "bag.tar.g10").write_bytes(bag.read_bytes())
    (bag.parent / "bag.tar.g2").write_bytes(b"damaged too")
    bag.write_bytes(b"damaged")
    told = run_text("README.txt", store, out)
    assert f"SOUND packages/{FIRST[-2:]}/{FIRST}/bag.tar.g10" in told
    assert f"WHOLE {FIRST}/" in told


def test_the_original_of_a_name_in_hexadecimal_is_shown_by_the_command_in_the_text() -> None:
    for name in TEXTS:
        found = re.search(r"`(printf .*?)`", (KIT / name).read_text(encoding="utf-8"))
        assert found
        command = found.group(1).replace("HEX", "关于.txt".encode("gbk").hex())
        assert subprocess.run(["bash", "-c", command], capture_output=True, check=True).stdout == "关于.txt".encode(
            "gbk"
        )


def test_the_two_texts_give_the_same_commands() -> None:
    english, chinese = (command_blocks((KIT / name).read_text(encoding="utf-8")) for name in TEXTS)
    assert english == chinese
    assert len(english) == 8


def test_the_line_that_mends_a_block_by_hand_mends_it(tmp_path: Path) -> None:
    other, copy = tmp_path / "other", tmp_path / "copy"
    content = hashlib.shake_256(b"blocks").digest(3 * 16777216 // 64) * 64
    other.write_bytes(content)
    copy.write_bytes(content[:20_000_000] + b"\0" + content[20_000_001:])
    for name in TEXTS:
        found = re.search(r"^ *(dd if=.*)$", (KIT / name).read_text(encoding="utf-8"), re.MULTILINE)
        assert found
        command = (
            found.group(1).replace("OTHER/bag.tar", str(other)).replace("COPY/bag.tar", str(copy)).replace("N", "2")
        )
        command = command.replace("2-1", "1")
        subprocess.run(command.split(), check=True, capture_output=True)
        assert copy.read_bytes() == content
