"""The key that signs checkpoints: kept in the home, encrypted with a passphrase that is kept elsewhere.

Whoever copies the home (a backup, a stolen disk) therefore cannot sign in its name.  `home/keys/ledger.pem` is PKCS#8,
encrypted; `home/keys/ledger.vkey` is the public verifier key, to be printed and kept by others.  The passphrase comes
from the file that PRESERVE_PASSPHRASE_FILE names, else from systemd's credentials (`preserve.passphrase`), else from
the user's own configuration, where it is made on first use.

Where the passphrase is lost, the signatures made so far still hold; another key takes over, and the ledger says from
which entry on it signs.  The next key is made whole in `keys/next/`, then the ledger names it, then it takes the old
one's place (`settle`): killed anywhere between, the home still has the key that its ledger names.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from preserve import chance
from preserve.durable import make_folders, move, write_file
from preserve.environment import variable
from preserve.errors import Refused, Tampered
from preserve.state.notes import VerifierKey, parse_verifier_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FOLDER = "keys"
PRIVATE = "ledger.pem"
PUBLIC = "ledger.vkey"
RETIRED = "retired"
NEXT = "next"
CREDENTIAL = "preserve.passphrase"
PASSPHRASE_CHARACTERS = 52
"""Of 5 random bits each: more than the key's own 256."""


class SigningKey:
    """The signing key of a home, or another in a `folder` of it; opened when it first signs."""

    def __init__(self, home: Path, folder: str = FOLDER) -> None:
        self._folder = home / folder
        self._private: Ed25519PrivateKey | None = None

    def verifier_key(self) -> VerifierKey:
        """The public half.  Raises `Refused` where there is none, `Tampered` where it is not what it was."""
        return read_verifier_key(self._folder / PUBLIC)

    def sign(self, text: str) -> bytes:
        """The signature of `text`.  Raises `Refused` where the key or its passphrase is missing or wrong."""
        return self._ready().sign(text.encode())

    def open(self) -> None:
        """Make sure that it can sign.  Raises as `sign` does."""
        self._ready()

    def _ready(self) -> Ed25519PrivateKey:
        if self._private is None:
            self._private = self._opened()
        return self._private

    def write_public_half(self, known: VerifierKey) -> None:
        """Write the public half anew where its file is gone or damaged, if it is `known`, which the ledger names.

        Raises `Refused` where the key or its passphrase is missing or wrong.
        """
        try:
            self.verifier_key()
        except (Refused, Tampered):
            if self._unlocked().public_key().public_bytes_raw() == known.public:
                write_file(self._folder / PUBLIC, f"{known}\n".encode())

    def _opened(self) -> Ed25519PrivateKey:
        private = self._unlocked()
        if private.public_key().public_bytes_raw() != self.verifier_key().public:
            raise Tampered("{path} is not the key whose public half stands beside it", path=self._folder / PRIVATE)
        return private

    def _unlocked(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        path = self._folder / PRIVATE
        where = passphrase_file()
        passphrase = _read_passphrase(where)
        try:
            private = serialization.load_pem_private_key(path.read_bytes(), passphrase)
        except FileNotFoundError as error:
            raise Refused(
                "the signing key {path} is not there; bring it from another machine of this home or from a copy of it;"
                " only where all of them lost it, begin with another by `preserve key renew --old-key-lost`",
                path=path,
            ) from error
        except OSError as error:
            raise Refused("the signing key {path} cannot be read: {why}", path=path, why=error.strerror) from error
        except (ValueError, TypeError) as error:
            raise Refused(
                "the signing key {path} does not open with the passphrase from {where}; put the right one there, or,"
                " where it is lost for good, begin with another key by `preserve key renew --old-key-lost`",
                path=path,
                where=where,
            ) from error
        if not isinstance(private, Ed25519PrivateKey):
            raise Refused("{path} is not an Ed25519 key", path=path)
        return private


def create(home: Path, name: str) -> SigningKey:
    """Make the home's signing key, which signs under `name` (the origin of its checkpoints).

    Makes the passphrase too where the user's own configuration has none yet.  Raises `Refused` where the home has a
    key already, or a passphrase file that was named is not there.
    """
    if (home / FOLDER / PUBLIC).exists():
        raise Refused("{path} is there already; nothing was changed", path=home / FOLDER / PUBLIC)
    return _made(home, FOLDER, name)


def prepare(home: Path, name: str) -> SigningKey:
    """Make the next key of the home; it signs from `settle` on.  One that was prepared before is forgotten.

    Raises `Refused` as `create` does.
    """
    for left in (PUBLIC, PRIVATE):
        (home / FOLDER / NEXT / left).unlink(missing_ok=True)
    return _made(home, f"{FOLDER}/{NEXT}", name)


def has_next(home: Path) -> bool:
    """Whether a renewal was begun that did not come to its end, or is under way."""
    return (home / FOLDER / NEXT / PUBLIC).exists()


def settle(home: Path, in_force: str) -> None:
    """Let the next key take its place, if it is the one that the ledger names; the old one is set aside.

    Killed anywhere, it is done by the next call.
    """
    coming = home / FOLDER / NEXT
    if not has_next(home) or str(read_verifier_key(coming / PUBLIC)) != in_force:
        return
    if (coming / PRIVATE).exists():
        _set_aside(home / FOLDER)
        move(coming / PRIVATE, home / FOLDER / PRIVATE)
    move(coming / PUBLIC, home / FOLDER / PUBLIC)
    with suppress(OSError):  # something else lies there, which is in nobody's way
        coming.rmdir()


def replace(home: Path, name: str) -> SigningKey:
    """Set the key aside, if there is one, and make another; the caller books the change in the ledger.

    The passphrase is not changed.  Raises `Refused` as `create` does.
    """
    if (home / FOLDER).is_dir():
        _set_aside(home / FOLDER)
    return create(home, name)


def _made(home: Path, folder: str, name: str) -> SigningKey:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    content = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(_passphrase_made_if_needed()),
    )
    key = VerifierKey(name, private.public_key().public_bytes_raw())
    place = home / folder
    try:
        make_folders(place)
        place.chmod(0o700)
        write_file(place / PRIVATE, content, mode=0o600)
        # The public half comes last: where it stands, the key is whole.
        write_file(place / PUBLIC, f"{key}\n".encode())
    except OSError as error:
        raise Refused("no signing key can be kept in {folder}: {why}", folder=place, why=error.strerror) from error
    return SigningKey(home, folder)


def _set_aside(folder: Path) -> None:
    """Move the key to `retired/`, named by its public half, which goes last."""
    public = folder / PUBLIC
    name = read_verifier_key(public).id.hex() if public.exists() else f"unknown-{chance.token(8)}"
    make_folders(folder / RETIRED)
    for present, kind in ((PRIVATE, "pem"), (PUBLIC, "vkey")):
        if (folder / present).exists():
            move(folder / present, folder / RETIRED / f"{name}.{kind}")


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


def require_passphrase() -> None:
    """Make sure that a key can be made and kept.  Raises `Refused` where a passphrase was named and is not there."""
    if passphrase_file() != _own_passphrase_file():
        _read_passphrase(passphrase_file())


def _read_passphrase(path: Path) -> bytes:
    try:
        passphrase = path.read_bytes().removesuffix(b"\n")
    except OSError as error:
        raise Refused(
            "the passphrase of the signing key cannot be read from {path} ({error}); put it there, or name another file"
            " in PRESERVE_PASSPHRASE_FILE, or, where it is lost for good, begin with another key by"
            " `preserve key renew --old-key-lost`",
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
