"""How to reach a site: who we are there, and how long we wait for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from preserve.environment import variable
from preserve.errors import Barred
from preserve.stores.s3_place import S3Place

CONNECTIONS = 32
"""How many requests one store may have under way at once without opening connections anew."""


@dataclass(frozen=True, slots=True)
class Login:
    """Credentials; never shown in a message or a log."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds.

    `read_seconds` bounds the silence before and between the bytes of an answer.  SeaweedFS thinks about a rotten chunk
    for 27 s before it says 500: waiting less and asking again later is no loss, and a site that hangs shows sooner.
    `write_seconds` is longer: a site may assemble a large object before it answers.
    """

    connect_seconds: float = 5.0
    read_seconds: float = 20.0
    write_seconds: float = 120.0


@dataclass(frozen=True, slots=True)
class Connection:
    """Everything a client needs to be made; holds no secret.  `profile` None: the AWS standard chain."""

    store: str
    place: S3Place
    profile: str | None = None
    patience: Patience = Patience()

    def session(self) -> Any:  # botocore is untyped
        """The botocore session whose credentials both clients use; one for each profile, so that they refresh once."""
        return _session(self.profile)

    def credentials(self) -> Login:
        """The credentials in force now, refreshed where they expire.  Raises `Barred`."""
        from botocore.exceptions import BotoCoreError

        try:
            found = self.session().get_credentials()
            if found is not None:
                now = found.get_frozen_credentials()
                return Login(now.access_key, now.secret_key, now.token)
        except BotoCoreError as error:
            raise Barred(
                "store {store}: the credentials cannot be had ({why})", store=self.store, why=type(error).__name__
            ) from error
        raise Barred(
            "store {store}: there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile",
            store=self.store,
        )

    def trusted(self) -> str | None:
        """A file of certificates to trust, or None for the client's own choice."""
        return self.place.ca or variable("AWS_CA_BUNDLE")


@cache
def _session(profile: str | None) -> Any:
    from botocore.session import Session

    return Session(profile=profile)
