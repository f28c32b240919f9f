"""Proofs are checked by a program that knows nothing of ours: Python, its library, `cryptography`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cryptography
import pytest

from preserve.errors import Refused
from preserve.model import events
from preserve.model.nouns import KeyChangeCause
from preserve.state import checkpoints, key_changes, proofs, signing_key
from preserve.state.books import Books
from preserve.state.signing_key import SigningKey
from tests.state import bookkeeping as made

PROGRAM = Path(__file__).parents[2] / "ops" / "verify_proof.py"
# Without `site`, what is installed for development is not importable; the libraries are, once their folder is named.
LIBRARIES = Path(cryptography.__file__).parents[1]
ALONE = [sys.executable, "-I", "-S", "-c"]
PRELUDE = f"import sys, runpy; sys.path.append({str(LIBRARIES)!r}); "
Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def home(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> tuple[Books, SigningKey]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
    books, key = made.signing_home(tmp_path / "home")
    books.record(*(made.packaged(number) for number in range(9)))
    return books, key


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = f"{PRELUDE}sys.argv = {[str(PROGRAM), *arguments]!r}; runpy.run_path(sys.argv[0], run_name='__main__')"
    return subprocess.run([*ALONE, program], capture_output=True, text=True, cwd=folder)


def check(folder: Path, document: bytes, *options: str) -> tuple[int, str]:
    """Exit status and output of the program, run where preserve cannot be imported."""
    proof = folder / "proof.json"
    proof.write_bytes(document)
    done = run(folder, str(proof), *options)
    assert done.stderr == ""
    return done.returncode, done.stdout


def changed(document: bytes, change: Change) -> bytes:
    value = json.loads(document)
    change(value)
    return json.dumps(value).encode()


def test_preserve_cannot_be_imported_where_the_program_runs(tmp_path: Path) -> None:
    done = subprocess.run([*ALONE, PRELUDE + "import preserve"], capture_output=True, text=True, cwd=tmp_path)
    assert "No module named 'preserve'" in done.stderr


@pytest.mark.parametrize("number", [0, 5, 10])
def test_an_entry_is_proven(home: tuple[Books, SigningKey], tmp_path: Path, number: int) -> None:
    document = proofs.inclusion(*home, number)
    status, said = check(tmp_path, document, "--key", str(home[1].verifier_key()))
    assert status == 0
    assert said.startswith(f"PROVEN: entry {number} of 11 (")


def test_growth_is_proven(home: tuple[Books, SigningKey], tmp_path: Path) -> None:
    books, key = home
    for size in range(1, books.size() + 1):
        note = checkpoints.make(books, key, size)
        status, said = check(tmp_path, proofs.consistency(books, key, note))
        assert (status, "PROVEN" in said) == (0, True)
        assert "compare it with one you trust" in said


def flip_hash(name: str) -> Change:
    def change(value: dict[str, Any]) -> None:
        value[name][0] = ("0" if value[name][0][0] != "0" else "1") + value[name][0][1:]

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.update(entry=value["entry"].replace("archivist", "archivisT")),
        lambda value: value.update(number=6),
        lambda value: value.update(number=True),
        lambda value: value.update(tree_size=10),
        lambda value: value.update(format="preserve-inclusion-proof/2"),
        lambda value: value["audit_path"].pop(),
        lambda value: value["audit_path"].append("00" * 32),
        flip_hash("audit_path"),
        lambda value: value.update(checkpoint=value["checkpoint"].replace("\n11\n", "\n12\n")),
        lambda value: value.update(checkpoint=value["checkpoint"].split("\n\n")[0]),
        lambda value: value.update(verifier_key=value["verifier_key"][:-2] + "=="),
        lambda value: value.pop("entry"),
    ],
)
def test_a_changed_proof_of_an_entry_proves_nothing(
    home: tuple[Books, SigningKey], tmp_path: Path, change: Change
) -> None:
    status, said = check(tmp_path, changed(proofs.inclusion(*home, 5), change))
    assert status == 4
    assert said.startswith("NOT PROVEN: ")


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value["proof"].pop(),
        lambda value: value["proof"].append("00" * 32),
        flip_hash("proof"),
        lambda value: value.update(old_tree_size=7),
        lambda value: value.update(old_checkpoint=value["checkpoint"], old_tree_size=11),
        lambda value: value.update(proof=[]),
    ],
)
def test_a_changed_proof_of_growth_proves_nothing(
    home: tuple[Books, SigningKey], tmp_path: Path, change: Change
) -> None:
    books, key = home
    document = proofs.consistency(books, key, checkpoints.make(books, key, 6))
    assert check(tmp_path, document)[0] == 0
    status, said = check(tmp_path, changed(document, change))
    assert status == 4
    assert said.startswith("NOT PROVEN: ")


def test_who_knows_an_earlier_key_follows_the_chain_as_far_as_it_holds(
    home: tuple[Books, SigningKey], tmp_path: Path
) -> None:
    books, first = home
    place = tmp_path / "home"
    known = [first.verifier_key()]
    for handed_over in (True, True, False, True):
        new = signing_key.prepare(place, known[0].name)
        statement = key_changes.statement(known[-1], new, SigningKey(place) if handed_over else None)
        cause = KeyChangeCause.RENEWED if handed_over else KeyChangeCause.OLD_KEY_LOST
        change = events.key_changed(made.ACT, made.NOW, str(known[-1]), str(new.verifier_key()), cause, statement)
        books.record(change)
        known.append(new.verifier_key())
        signing_key.settle(place, str(known[-1]))
        document = proofs.inclusion(books, SigningKey(place), 5)
        for number, key in enumerate(known):
            status, said = check(tmp_path, document, "--key", str(key))
            is_behind_the_break = len(known) > 3 and number < 3
            assert status == (4 if is_behind_the_break else 0), said
            if is_behind_the_break:
                assert "was replaced at entry 13 by" in said and "ask people for the new key" in said
    assert said.count("handed over by the old key") == 3
    assert said.count("NOT SIGNED BY THE OLD KEY") == 1
    forged = changed(document, lambda value: value["key_changes"][2].update(value["key_changes"][1]))
    assert check(tmp_path, forged, "--key", str(known[0]))[0] == 4
    stranger = str(signing_key.create(tmp_path / "stranger", "stranger").verifier_key())
    status, said = check(tmp_path, document, "--key", stranger)
    assert (status, "nor one it was handed over to" in said) == (4, True)


def test_proofs_of_the_first_programs_tell_of_no_key_changes_and_hold(
    home: tuple[Books, SigningKey], tmp_path: Path
) -> None:
    document = changed(proofs.inclusion(*home, 5), lambda value: value.pop("key_changes"))
    assert check(tmp_path, document, "--key", str(home[1].verifier_key()))[0] == 0


def test_a_ledger_rewritten_with_the_stolen_key_cannot_prove_that_it_grew(
    home: tuple[Books, SigningKey], tmp_path: Path
) -> None:
    books, key = home
    old = checkpoints.make(books, key, 6)
    (tmp_path / "forged").mkdir()
    forged = Books.rebuild(
        tmp_path / "forged",
        (entry.content.replace(b'"payload_bytes":1001', b'"payload_bytes":1') for entry in books.entries()),
    )
    status, said = check(tmp_path, proofs.consistency(forged, key, old))
    assert (status, "history was rewritten" in said) == (4, True)


def test_another_key_than_the_trusted_one_proves_nothing(home: tuple[Books, SigningKey], tmp_path: Path) -> None:
    other = signing_key.create(tmp_path / "other", home[1].verifier_key().name)
    status, said = check(tmp_path, proofs.inclusion(*home, 5), "--key", str(other.verifier_key()))
    assert (status, "not with the key you trust" in said) == (4, True)
    vkey = tmp_path / "home" / "keys" / "ledger.vkey"
    assert check(tmp_path, proofs.inclusion(*home, 5), "--key", str(vkey))[0] == 0


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b"null"])
def test_what_is_no_proof_proves_nothing(tmp_path: Path, content: bytes) -> None:
    assert check(tmp_path, content)[0] == 4


def test_a_missing_file_is_wrong_usage(tmp_path: Path) -> None:
    done = run(tmp_path, str(tmp_path / "none"))
    assert (done.returncode, "cannot read" in done.stderr) == (2, True)


def test_no_proof_is_made_of_what_is_not_there(home: tuple[Books, SigningKey]) -> None:
    books, key = home
    with pytest.raises(Refused, match="no entry 11"):
        proofs.inclusion(books, key, 11)
    with pytest.raises(Refused, match="no checkpoint of this ledger"):
        proofs.consistency(books, key, b"nonsense")
