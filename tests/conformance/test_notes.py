"""Signed notes and checkpoints are those of C2SP: the Go project's reference key and note, then what is refused."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from preserve.state import notes
from preserve.state.notes import Checkpoint, VerifierKey

# Of golang.org/x/mod/sumdb/note, example_test.go and note_test.go.
VERIFIER_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
LINE = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
NOTE = f"{TEXT}\n{LINE}".encode()

# Of the text of c2sp.org/tlog-checkpoint.
CHECKPOINT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"


class Neumann:
    """The reference key as a signer."""

    def __init__(self) -> None:
        self.private = Ed25519PrivateKey.from_private_bytes(SEED)

    def verifier_key(self) -> VerifierKey:
        return VerifierKey("PeterNeumann", self.private.public_key().public_bytes_raw())

    def sign(self, text: str) -> bytes:
        return self.private.sign(text.encode())


def test_the_reference_key_has_the_published_form_and_hash() -> None:
    assert str(Neumann().verifier_key()) == VERIFIER_KEY
    assert notes.parse_verifier_key(VERIFIER_KEY) == Neumann().verifier_key()


def test_the_reference_note_is_written_byte_for_byte() -> None:
    assert notes.sign(TEXT, Neumann()) == NOTE


def test_the_reference_note_reads_and_holds() -> None:
    note = notes.parse(NOTE)
    assert note.text == TEXT
    assert note.is_signed_by(notes.parse_verifier_key(VERIFIER_KEY))


def test_a_changed_text_is_not_signed() -> None:
    note = notes.parse(NOTE.replace(b"cryptography", b"cryptographY"))
    assert not note.is_signed_by(notes.parse_verifier_key(VERIFIER_KEY))


def test_a_second_line_of_the_same_key_that_is_void_voids_the_note() -> None:
    void = f"— PeterNeumann {base64.b64encode(bytes.fromhex('c74f20a3') + bytes(64)).decode()}\n"
    note = notes.parse(NOTE + void.encode())
    assert not note.is_signed_by(notes.parse_verifier_key(VERIFIER_KEY))


def test_lines_of_other_keys_are_passed_over() -> None:
    other = f"— somebody.else {base64.b64encode(b'1234' + bytes(64)).decode()}\n"
    note = notes.parse(NOTE + other.encode())
    assert note.is_signed_by(notes.parse_verifier_key(VERIFIER_KEY))


def test_every_mangled_verifier_key_is_refused() -> None:
    for start in range(len(VERIFIER_KEY)):
        for end in range(start, len(VERIFIER_KEY) + 1):
            if (start, end) != (0, len(VERIFIER_KEY)):
                with pytest.raises(ValueError):
                    notes.parse_verifier_key(VERIFIER_KEY[start:end])
    for place, letter in enumerate(VERIFIER_KEY):
        with pytest.raises(ValueError):
            notes.parse_verifier_key(VERIFIER_KEY[:place] + chr(ord(letter) + 1) + VERIFIER_KEY[place + 1 :])


@pytest.mark.parametrize(
    "key",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",  # wrong length, hash adjusted
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",  # unknown algorithm, hash adjusted
        "",
    ],
)
def test_keys_of_wrong_length_or_algorithm_are_refused(key: str) -> None:
    with pytest.raises(ValueError):
        notes.parse_verifier_key(key)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        TEXT.encode(),
        f"{TEXT}{LINE}".encode(),  # no blank line
        NOTE[:-1],  # no newline at the end
        NOTE + b"\n",
        NOTE.replace(b"\n", b"\r\n"),
        NOTE.replace(b"crypto", b"cryp\x00o"),
        NOTE.replace(b"crypto", b"cryp\xff\xfeo"),
        NOTE.replace("— ".encode(), b"- "),
        NOTE.replace(b"PeterNeumann", b"Peter+Neumann"),
        NOTE.replace(b"PeterNeumann ", "Peter\N{NO-BREAK SPACE}Neumann ".encode()),
        NOTE.replace(b"PeterNeumann ", b" "),
        NOTE.replace(b"AM=\n", b"AM\n"),  # base 64 without its padding
        NOTE.replace(b"AM=\n", b"AN=\n"),  # base 64 with bits that do not count
        f"{TEXT}\n— PeterNeumann {base64.b64encode(b'1234').decode()}\n".encode(),  # no signature
        f"{TEXT}\n{LINE * 101}".encode(),
        b"x" * 70_000 + NOTE,
    ],
)
def test_malformed_notes_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError):
        notes.parse(content)


def test_a_text_that_no_note_can_hold_is_not_signed() -> None:
    with pytest.raises(ValueError):
        notes.sign("no newline at the end", Neumann())
    with pytest.raises(ValueError):
        notes.sign("a tab\t\n", Neumann())


def test_a_note_may_have_empty_lines_in_its_text() -> None:
    text = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n"
    assert notes.parse(notes.sign(text, Neumann())).text == text


def test_the_published_checkpoint_reads_and_is_written_the_same() -> None:
    checkpoint = notes.parse_checkpoint(CHECKPOINT)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.text() == CHECKPOINT
    assert Checkpoint("example.com/behind-the-sofa", 20852163, checkpoint.root) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        CHECKPOINT[:-1],
        CHECKPOINT + "an extension line\n",
        CHECKPOINT.replace("20852163", "020852163"),
        CHECKPOINT.replace("20852163", "+20852163"),
        CHECKPOINT.replace("20852163", "-1"),
        CHECKPOINT.replace("20852163", "２０８"),
        CHECKPOINT.replace("20852163", "9223372036854775808"),
        CHECKPOINT.replace("CsUY", "CsU"),
        CHECKPOINT.replace("q2I=", "q2J="),
        CHECKPOINT.replace("example.com/behind-the-sofa", ""),
        "\n\n\n",
    ],
)
def test_malformed_checkpoints_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        notes.parse_checkpoint(text)
