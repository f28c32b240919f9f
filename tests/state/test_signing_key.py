"""The signing key is of no use without a passphrase that is kept elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from preserve.errors import Refused, Tampered
from preserve.model import events
from preserve.state import checkpoints, notes, signing_key
from preserve.state.books import Books
from preserve.state.signing_key import SigningKey
from preserve.state.verification import verify_books
from tests.state.bookkeeping import ACT, NOW, initialised, signing_home

NAME = "preserve/h0m3h0m3h0"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    signing_key.create(tmp_path, NAME)
    return tmp_path


def test_a_key_signs_what_its_public_half_bears_out(home: Path) -> None:
    note = notes.parse(notes.sign("a text\n", SigningKey(home)))
    assert note.is_signed_by(signing_key.read_verifier_key(home / "keys" / "ledger.vkey"))
    assert SigningKey(home).verifier_key().name == NAME


def test_the_passphrase_is_made_outside_the_home_for_its_owner_alone(home: Path, configuration: Path) -> None:
    passphrase = configuration / "preserve" / "passphrase"
    assert passphrase.stat().st_mode & 0o777 == 0o600
    secret = passphrase.read_bytes().strip()
    assert len(secret) == signing_key.PASSPHRASE_CHARACTERS
    assert not any(secret in file.read_bytes() for file in home.rglob("*") if file.is_file())
    assert (home / "keys" / "ledger.pem").stat().st_mode & 0o777 == 0o600
    assert b"ENCRYPTED" in (home / "keys" / "ledger.pem").read_bytes()


def test_a_second_home_shares_the_passphrase_and_not_the_key(
    home: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = signing_key.create(tmp_path_factory.mktemp("other"), NAME)
    assert other.verifier_key() != SigningKey(home).verifier_key()
    assert other.sign("x\n")


def test_without_the_passphrase_there_is_no_signature(home: Path, configuration: Path) -> None:
    (configuration / "preserve" / "passphrase").unlink()
    with pytest.raises(Refused, match="PRESERVE_PASSPHRASE_FILE"):
        SigningKey(home).sign("x\n")


def test_a_wrong_passphrase_is_refused_naming_where_it_came_from(home: Path, configuration: Path) -> None:
    (configuration / "preserve" / "passphrase").write_text("another\n")
    with pytest.raises(Refused, match=r"does not open with the passphrase from .*/preserve/passphrase"):
        SigningKey(home).sign("x\n")


def test_an_empty_passphrase_is_refused(home: Path, configuration: Path) -> None:
    (configuration / "preserve" / "passphrase").write_text("\n")
    with pytest.raises(Refused, match="is empty"):
        SigningKey(home).sign("x\n")


def test_a_named_passphrase_file_comes_first_and_is_never_made(
    tmp_path: Path, configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = tmp_path / "secret"
    monkeypatch.setenv("PRESERVE_PASSPHRASE_FILE", str(named))
    with pytest.raises(Refused, match=r"cannot be read from .*secret"):
        signing_key.create(tmp_path, NAME)
    named.write_text("correct horse battery staple")
    assert signing_key.create(tmp_path, NAME).sign("x\n")
    assert list(configuration.iterdir()) == []


def test_systemds_credential_comes_before_the_users_own(
    home: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = tmp_path_factory.mktemp("credentials")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert SigningKey(home).sign("x\n"), "systemd gave no passphrase, so the user's own is taken"
    (credentials / "preserve.passphrase").write_text("another")
    with pytest.raises(Refused, match=r"preserve\.passphrase"):
        SigningKey(home).sign("x\n")


def test_where_no_key_can_be_kept_it_says_so(tmp_path: Path, configuration: Path) -> None:
    (tmp_path / "keys").write_text("a file in the folder's place")
    with pytest.raises(Refused, match="no signing key can be kept in"):
        signing_key.create(tmp_path, NAME)
    with pytest.raises(Refused, match="cannot be read"):
        signing_key.read_verifier_key(tmp_path / "keys" / "ledger.vkey")
    (configuration / "preserve" / "passphrase").unlink()
    (configuration / "preserve").rmdir()
    (configuration / "preserve").write_text("a file in the folder's place")
    with pytest.raises(Refused, match="no passphrase can be kept in"):
        signing_key.create(tmp_path / "another", NAME)


def test_a_key_is_never_overwritten(home: Path) -> None:
    with pytest.raises(Refused, match="there already"):
        signing_key.create(home, NAME)


def test_a_public_half_that_was_exchanged_is_an_alarm(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = signing_key.create(tmp_path_factory.mktemp("other"), NAME)
    (home / "keys" / "ledger.vkey").write_text(f"{other.verifier_key()}\n")
    with pytest.raises(Tampered, match="not the key whose public half"):
        SigningKey(home).sign("x\n")


@pytest.mark.parametrize("content", ["", "nonsense", "a+b+c", "\udcff"])
def test_a_public_half_that_is_none_is_an_alarm(home: Path, content: str) -> None:
    (home / "keys" / "ledger.vkey").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(Tampered, match="holds no verifier key"):
        SigningKey(home).verifier_key()


def test_a_lost_key_is_refused_with_the_way_out(home: Path) -> None:
    (home / "keys" / "ledger.pem").unlink()
    with pytest.raises(Refused, match=r"from another machine of this home .* only where all .* key renew"):
        SigningKey(home).sign("x\n")
    (home / "keys" / "ledger.vkey").unlink()
    with pytest.raises(Refused, match="is not there"):
        SigningKey(home).verifier_key()


def test_after_a_lost_passphrase_the_old_signatures_hold_and_a_new_key_goes_on(
    tmp_path: Path, configuration: Path
) -> None:
    books, key = signing_home(tmp_path)
    before = checkpoints.make(books, key)
    (configuration / "preserve" / "passphrase").unlink()
    old, renewed = key.verifier_key(), signing_key.replace(tmp_path, NAME)
    with pytest.raises(Refused, match="the ledger names"):
        checkpoints.make(books, renewed)
    books.record(events.key_changed(ACT, NOW, str(old), str(renewed.verifier_key())))
    after = checkpoints.make(books, renewed)
    keys = books.verifier_keys()
    assert checkpoints.read(before, keys).size == 2
    assert checkpoints.read(after, keys).size == 3
    assert verify_books(books).is_ok
    retired = tmp_path / "keys" / "retired"
    assert sorted(file.suffix for file in retired.iterdir()) == [".pem", ".vkey"]


def test_the_old_key_signs_nothing_after_it_was_replaced(tmp_path: Path) -> None:
    books, old_key = signing_home(tmp_path)
    old_key.sign("opened before it is set aside\n")
    old, renewed = old_key.verifier_key(), signing_key.replace(tmp_path, NAME)
    books.record(events.key_changed(ACT, NOW, str(old), str(renewed.verifier_key())))
    checkpoint = notes.Checkpoint(NAME, books.size(), books.root())
    signature = old_key.sign(checkpoint.text())

    class Stolen:
        def verifier_key(self) -> notes.VerifierKey:
            return old

        def sign(self, text: str) -> bytes:
            return signature

    with pytest.raises(ValueError, match="not signed by the ledger's key"):
        checkpoints.read(notes.sign(checkpoint.text(), Stolen()), books.verifier_keys())


def test_a_ledger_that_names_no_true_key_is_an_alarm(tmp_path: Path) -> None:
    key = signing_key.create(tmp_path, NAME)
    with Books.create(tmp_path, initialised("test+00000000+AQ==")) as books, pytest.raises(Tampered, match="is none"):
        checkpoints.make(books, key)
