"""Initialise: make the home of a service, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from preserve import chance
from preserve.clock import Clock, stamp
from preserve.durable import make_folders, raise_if_full
from preserve.errors import Refused
from preserve.model import events
from preserve.model.nouns import Act
from preserve.model.policy import Policy
from preserve.packages import places
from preserve.state import books_place, checkpoints, signing_key
from preserve.state.books import Books

FOLDER_MODE = 0o700
HOME_ID_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class NewPolicy:
    """A policy to register: the value, and the text it was read from."""

    policy: Policy
    text: str


@dataclass(frozen=True, slots=True)
class Initialised:
    """A home that was made; `verifier_key` is what others check its ledger with."""

    home: Path
    home_id: str
    verifier_key: str
    policies: tuple[str, ...]


def initialise(
    home: Path, act: Act, clock: Clock, policies: Sequence[NewPolicy], server: str | None = None
) -> Initialised:
    """Make folder, signing key and books; the books come last and make it a home.  They lie on `server`, if one is
    named.

    An initialisation that was killed midway is finished by the next.  Raises `Refused` where the folder holds anything
    else, `NoSpace`, `Unavailable`.
    """
    places.require_home_apart(home)
    _make_folder(home)
    home_id, verifier_key = _key(home)
    at = stamp(clock.now())
    first = [events.initialised(act, at, home_id, verifier_key)]
    first += [events.policy_registered(act, at, new.policy.name, new.text) for new in policies]
    Books.create(home, *first, server=server).close()
    return Initialised(home, home_id, verifier_key, tuple(new.policy.name for new in policies))


def _make_folder(home: Path) -> None:
    try:
        make_folders(home)
        surplus = sorted(name for name in _names(home) if not _is_ours(name))
        if books_place.is_made(home):
            raise Refused("{home} is a home already; nothing was changed", home=home)
        if surplus:
            raise Refused(
                "{home} is not empty (there is {name}); choose a new or an empty folder", home=home, name=surplus[0]
            )
        home.chmod(FOLDER_MODE)
    except OSError as error:
        raise_if_full(error, home)
        raise Refused("the home {home} cannot be made: {why}", home=home, why=error.strerror) from error


def _names(home: Path) -> Iterable[str]:
    return (path.name for path in home.iterdir())


def _is_ours(name: str) -> bool:
    """Whether a killed initialisation may have left this."""
    return name in (signing_key.FOLDER, "lost+found") or books_place.is_ours(name)


def _key(home: Path) -> tuple[str, str]:
    """Identity of the home and verifier key: those of a killed initialisation, or new ones."""
    public = home / signing_key.FOLDER / signing_key.PUBLIC
    if public.exists():
        known = signing_key.read_verifier_key(public)
        return known.name.removeprefix(checkpoints.origin("")), str(known)
    home_id = chance.token(HOME_ID_CHARACTERS)
    key = signing_key.create(home, checkpoints.origin(home_id))
    return home_id, str(key.verifier_key())
