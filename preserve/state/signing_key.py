"""The key that signs checkpoints: kept in the home, encrypted with a passphrase that is kept elsewhere.

Whoever copies the home (a backup, a stolen disk) therefore cannot sign in its name.  `home/keys/ledger.pem` is PKCS#8,
encrypted; `home/keys/ledger.vkey` is the public verifier key, to be printed and kept by others.  The passphrase comes
from the file that PRESERVE_PASSPHRASE_FILE names, else from systemd's credentials (`preserve.passphrase`), else from
the user's own configuration, where it is made on first use.

Where the passphrase is lost, the signatures made so far still hold; `renew` sets the old key aside and makes another,
and the ledger says from which entry on it signs.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from preserve import chance
from preserve.durable import make_folders, put_in_place_new, write_file
from preserve.environment import variable
from preserve.errors import Refused, Tampered
from preserve.state.notes import VerifierKey, parse_verifier_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FOLDER = "keys"
PRIVATE = "ledger.pem"
PUBLIC = "ledger.vkey"
RETIRED = "retired"
CREDENTIAL = "preserve.passphrase"
PASSPHRASE_CHARACTERS = 52
"""Of 5 random bits each: more than the key's own 256."""


class SigningKey:
    """The signing key of a home; opened when it first signs, because most commands never do."""

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER
        self._private: Ed25519PrivateKey | None = None

    def verifier_key(self) -> VerifierKey:
        """The public half.  Raises `Refused` where there is none, `Tampered` where it is not what it was."""
        return read_verifier_key(self._folder / PUBLIC)

    def sign(self, text: str) -> bytes:
        """The signature of `text`.  Raises `Refused` where the key or its passphrase is missing or wrong."""
        if self._private is None:
            self._private = self._opened()
        return self._private.sign(text.encode())

    def _opened(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        path = self._folder / PRIVATE
        where = passphrase_file()
        passphrase = _read_passphrase(where)
        try:
            private = serialization.load_pem_private_key(path.read_bytes(), passphrase)
        except FileNotFoundError as error:
            raise Refused(
                "the signing key {path} is gone; make another with `preserve key renew`", path=path
            ) from error
        except OSError as error:
            raise Refused("the signing key {path} cannot be read: {why}", path=path, why=error.strerror) from error
        except (ValueError, TypeError) as error:
            raise Refused(
                "the signing key {path} does not open with the passphrase from {where}", path=path, where=where
            ) from error
        if not isinstance(private, Ed25519PrivateKey):
            raise Refused("{path} is not an Ed25519 key", path=path)
        if private.public_key().public_bytes_raw() != self.verifier_key().public:
            raise Tampered("{path} is not the key whose public half stands beside it", path=path)
        return private


def create(home: Path, name: str) -> SigningKey:
    """Make the home's signing key, which signs under `name` (the origin of its checkpoints).

    Makes the passphrase too where the user's own configuration has none yet.  Raises `Refused` where the home has a
    key already, or a passphrase file that was named is not there.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    folder = home / FOLDER
    if (folder / PUBLIC).exists():
        raise Refused("{path} is there already; nothing was changed", path=folder / PUBLIC)
    private = Ed25519PrivateKey.generate()
    content = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(_passphrase_made_if_needed()),
    )
    key = VerifierKey(name, private.public_key().public_bytes_raw())
    try:
        make_folders(folder)
        folder.chmod(0o700)
        write_file(folder / PRIVATE, content, mode=0o600)
        # The public half comes last: where it stands, the key is whole.
        write_file(folder / PUBLIC, f"{key}\n".encode())
    except OSError as error:
        raise Refused("no signing key can be kept in {folder}: {why}", folder=folder, why=error.strerror) from error
    return SigningKey(home)


def renew(home: Path, name: str) -> tuple[VerifierKey | None, SigningKey]:
    """Set the key aside (`keys/retired/<id>.*`) and make another; the caller books the change in the ledger.

    Returns the old public half (None where there was none) and the new key.  The passphrase is not changed.
    """
    folder = home / FOLDER
    old = read_verifier_key(folder / PUBLIC) if (folder / PUBLIC).exists() else None
    if old is not None:
        make_folders(folder / RETIRED)
        for name_now, kind in ((PUBLIC, "vkey"), (PRIVATE, "pem")):
            if (folder / name_now).exists():
                put_in_place_new(folder / name_now, folder / RETIRED / f"{old.id.hex()}.{kind}")
    return old, create(home, name)


def read_verifier_key(path: Path) -> VerifierKey:
    """A public key from a file.  Raises `Refused` where there is no file, `Tampered` where it holds no key."""
    try:
        return parse_verifier_key(path.read_text(encoding="utf-8").removesuffix("\n"))
    except FileNotFoundError as error:
        raise Refused("the verifier key {path} is not there", path=path) from error
    except OSError as error:
        raise Refused("the verifier key {path} cannot be read: {why}", path=path, why=error.strerror) from error
    except ValueError as error:
        raise Tampered("{path} holds no verifier key: {error}", path=path, error=str(error)) from error


def passphrase_file() -> Path:
    """Where the passphrase is looked for: the first of the three places that is named."""
    named = variable("PRESERVE_PASSPHRASE_FILE")
    if named:
        return Path(named)
    credentials = variable("CREDENTIALS_DIRECTORY")
    if credentials and (Path(credentials) / CREDENTIAL).exists():
        return Path(credentials) / CREDENTIAL
    return _own_passphrase_file()


def _own_passphrase_file() -> Path:
    configured = variable("XDG_CONFIG_HOME")
    return (Path(configured) if configured else Path.home() / ".config") / "preserve" / "passphrase"


def _read_passphrase(path: Path) -> bytes:
    try:
        passphrase = path.read_bytes().removesuffix(b"\n")
    except OSError as error:
        raise Refused(
            "the passphrase of the signing key cannot be read from {path} ({error}); put it there, or name another file"
            " in PRESERVE_PASSPHRASE_FILE",
            path=path,
            error=error.strerror,
        ) from error
    if not passphrase:
        raise Refused("the passphrase file {path} is empty", path=path)
    return passphrase


def _passphrase_made_if_needed() -> bytes:
    path = passphrase_file()
    if path == _own_passphrase_file() and not path.exists():
        try:
            make_folders(path.parent)
            write_file(path, f"{chance.token(PASSPHRASE_CHARACTERS)}\n".encode(), mode=0o600)
        except OSError as error:
            raise Refused("no passphrase can be kept in {path}: {why}", path=path, why=error.strerror) from error
    return _read_passphrase(path)
