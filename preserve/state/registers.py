"""What the books know of stores, policies and the home itself."""

from __future__ import annotations

import json
from dataclasses import dataclass

from preserve.errors import Refused, Tampered
from preserve.model.entries import DeclarationsEntry, PolicyEntry
from preserve.model.nouns import RetiredStore, Role, StoreEntry
from preserve.state.database import Database, Row

_STORE = "name, store_id, role, url, attributes, capabilities, profile, auditor_profile, disposer_profile"
_POLICY = "name, version, sha256, text, registered_at"
_SELECT_STORE = f"SELECT {_STORE} FROM store LEFT JOIN store_credentials ON store_credentials.store = name"  # noqa: S608
_SELECT_RETIRED = (
    f"SELECT {_STORE}, retired_at, retired_because, is_lost,"  # noqa: S608
    " (SELECT count(*) FROM retired_copy WHERE retired_copy.store = retired_store.name) FROM retired_store"
    " LEFT JOIN store_credentials ON store_credentials.store = name"
)
_SELECT_POLICY = f"SELECT {_POLICY} FROM policy"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Probe:
    """The last conformance probe of a store."""

    probed_at: str
    is_ok: bool
    complaints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SignedFrom:
    """A verifier key, and the number of the ledger entry that brought it."""

    since: int
    verifier_key: str


class RegisterReading:
    """Questions about what was registered."""

    _database: Database

    def home_id(self) -> str:
        """The identity of this home.  Raises `Tampered` where the ledger never gave one."""
        row = self._database.row("SELECT home_id FROM home")
        if row is None:
            raise Tampered("the ledger does not begin with the making of a home")
        return str(row[0])

    def verifier_keys(self) -> list[SignedFrom]:
        """The keys that sign this home's checkpoints, oldest first; each holds until the next."""
        rows = self._database.rows("SELECT since, text FROM verifier_key ORDER BY since")
        return [SignedFrom(since, text) for since, text in rows]

    def stores(self) -> list[StoreEntry]:
        """All stores in use, by name."""
        return [_store(row) for row in self._database.rows(_SELECT_STORE + " ORDER BY name")]

    def retired_stores(self) -> list[RetiredStore]:
        """The stores that are out of use, by name."""
        return [_retired(row) for row in self._database.rows(_SELECT_RETIRED + " ORDER BY name")]

    def retired_store(self, name: str) -> RetiredStore | None:
        """One of them."""
        row = self._database.row(_SELECT_RETIRED + " WHERE name = ?", (name,))
        return _retired(row) if row else None

    def store(self, name: str) -> StoreEntry:
        """A store in use.  Raises `Refused` for an unknown name, listing those known, and for a retired store."""
        row = self._database.row(_SELECT_STORE + " WHERE name = ?", (name,))
        if row is None:
            retired = self.retired_store(name)
            if retired is not None:
                raise Refused(
                    "store {store} was retired on {day} ({why}) and is not used; `preserve store add {store} --role"
                    " {role} --url {url}` brings it back",
                    store=name,
                    day=retired.day,
                    why=retired.why,
                    role=retired.entry.role.value,
                    url=retired.entry.url,
                )
            known = ", ".join(store.name for store in self.stores()) or "-"
            raise Refused("there is no store {store}; registered are: {known}", store=name, known=known)
        return _store(row)

    def probe(self, store: str) -> Probe | None:
        """The last conformance probe of a store, or None if it was never probed since it was registered."""
        row = self._database.row("SELECT probed_at, probe_ok, complaints FROM store WHERE name = ?", (store,))
        if row is None or row[0] is None:
            return None
        return Probe(row[0], bool(row[1]), tuple(json.loads(row[2])))

    def policies(self) -> list[PolicyEntry]:
        """Every version of every policy, by name and version."""
        rows = self._database.rows(_SELECT_POLICY + " ORDER BY name, version")
        return [PolicyEntry(*row) for row in rows]

    def policy(self, name: str | None = None, version: int | None = None) -> PolicyEntry:
        """The newest version of a policy, or the one asked for; without a name, the only policy there is.

        Raises `Refused` where there is no such policy, or several and none was named.
        """
        found = [entry for entry in self.policies() if name is None or entry.name == name]
        names = sorted({entry.name for entry in found})
        if len(names) > 1:
            raise Refused("several policies are registered; name one of: {known}", known=", ".join(names))
        wanted = [entry for entry in found if version is None or entry.version == version]
        if wanted:
            return wanted[-1]
        if name is None:
            raise Refused("no policy is registered; register one with `preserve policy register FILE`")
        known = ", ".join(sorted({entry.name for entry in self.policies()})) or "-"
        raise Refused("there is no such policy as {policy}; registered are: {known}", policy=name, known=known)

    def declarations(self, standard: str) -> DeclarationsEntry | None:
        """What was last declared about a standard, if anything was."""
        row = self._database.row(
            "SELECT standard, version, sha256, text, declared_at FROM declarations WHERE standard = ?"
            " ORDER BY version DESC LIMIT 1",
            (standard,),
        )
        return DeclarationsEntry(*row) if row else None

    def policy_by_sha256(self, sha256: str) -> PolicyEntry:
        """The policy whose text has this digest.  Raises `Refused` where none has."""
        row = self._database.row(_SELECT_POLICY + " WHERE sha256 = ?", (sha256,))
        if row is None:
            raise Refused("no registered policy has the digest {sha256}", sha256=sha256)
        return PolicyEntry(*row)


def _store(row: Row) -> StoreEntry:
    name, store_id, role, url, attributes, capabilities, *profiles = row
    return StoreEntry(name, store_id, Role(role), url, json.loads(attributes), json.loads(capabilities), *profiles)


def _retired(row: Row) -> RetiredStore:
    *entry, retired_at, why, is_lost, copies = row
    return RetiredStore(_store(tuple(entry)), retired_at, why, bool(is_lost), copies)
