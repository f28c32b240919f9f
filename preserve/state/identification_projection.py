"""What events about the formats of files do to the tables, and what is checked of them first.

Kept apart from `preserve.state.projection` and `preserve.state.admission`, which know these tables by name alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from preserve.errors import Refused
from preserve.model.formats.identification import Release
from preserve.model.nouns import Event, EventType
from preserve.state.applying import Apply, Detail, Tables

CATALOG: Mapping[str, tuple[str, ...]] = {
    "identified": ("package",),
    "format_list": ("package", "store", "number"),
    "package_format": ("package", "puid"),
    "package_oddity": ("package", "oddity"),
    "policy_format": ("policy", "puid"),
    "policy_release": ("policy", "release"),
    "format_name": ("puid",),
}


def _admitted(tables: Tables, number: int, event: Event) -> Event:
    package = event.detail["package"]
    if not tables.execute("SELECT 1 FROM package WHERE id = ?", (package,)).fetchone():
        raise Refused("there is no package {package} in the books", package=package)
    known = tables.execute("SELECT number FROM identified WHERE package = ?", (package,)).fetchone()
    if event.detail["number"] != (known[0] + 1 if known else 1):
        raise Refused("the formats of package {package} were told by somebody else meanwhile", package=package)
    return event


def _identified(tables: Tables, number: int, at: str, detail: Detail) -> None:
    package = detail["package"]
    (policy,) = tables.execute("SELECT policy FROM kept WHERE package = ?", (package,)).fetchone()
    _forget(tables, package, policy)
    release = Release(detail["tool"], detail["pronom"], detail["own_sha256"])
    about = (release.digest, release.tool, release.pronom, release.own_sha256)
    made = tuple(detail[name] for name in ("number", "bytes", "sha256", "files"))
    tables.execute(
        "INSERT INTO identified (package, policy, release, tool, pronom, own_sha256, number, bytes, sha256, files, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (package, policy, *about, *made, at),
    )
    tables.execute(
        "INSERT INTO policy_release (policy, release, packages) VALUES (?, ?, 1) ON CONFLICT (policy, release)"
        " DO UPDATE SET packages = policy_release.packages + 1",
        (policy, release.digest),
    )
    formats = [(puid, files, size) for puid, (files, size) in detail["formats"].items()]
    tables.executemany(
        "INSERT INTO package_format (package, puid, files, bytes) VALUES (?, ?, ?, ?)",
        [(package, *each) for each in formats],
    )
    tables.executemany(
        "INSERT INTO policy_format (policy, puid, packages, files, bytes) VALUES (?, ?, 1, ?, ?)"
        " ON CONFLICT (policy, puid) DO UPDATE SET packages = policy_format.packages + 1,"
        " files = policy_format.files + excluded.files, bytes = policy_format.bytes + excluded.bytes",
        [(policy, *each) for each in formats],
    )
    tables.executemany(
        "INSERT INTO package_oddity (package, oddity, files) VALUES (?, ?, ?)",
        [(package, oddity, files) for oddity, files in detail["oddities"].items()],
    )
    tables.executemany(
        "INSERT INTO format_name (puid, name, version, mime) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(puid, *named) for puid, named in detail["names"].items()],
    )


def _forget(tables: Tables, package: str, policy: str) -> None:
    """Take back what an earlier identification of a package counted; who keeps its list stays known."""
    known = tables.execute("SELECT release FROM identified WHERE package = ?", (package,)).fetchone()
    if known is None:
        return
    place = (policy, known[0])
    tables.execute("UPDATE policy_release SET packages = packages - 1 WHERE policy = ? AND release = ?", place)
    tables.execute("DELETE FROM policy_release WHERE policy = ? AND release = ? AND packages = 0", place)
    tables.execute(
        "UPDATE policy_format SET packages = packages - 1,"
        " files = files - (SELECT files FROM package_format WHERE package = ? AND puid = policy_format.puid),"
        " bytes = bytes - (SELECT bytes FROM package_format WHERE package = ? AND puid = policy_format.puid)"
        " WHERE policy = ? AND puid IN (SELECT puid FROM package_format WHERE package = ?)",
        (package, package, policy, package),
    )
    tables.execute("DELETE FROM policy_format WHERE policy = ? AND packages = 0", (policy,))
    for table in ("package_format", "package_oddity", "identified"):
        tables.execute(f"DELETE FROM {table} WHERE package = ?", (package,))  # noqa: S608 - names of ours


def _formats_kept(tables: Tables, number: int, at: str, detail: Detail) -> None:
    tables.execute(
        "INSERT INTO format_list (package, store, number, generation) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (package, store, number) DO UPDATE SET generation = excluded.generation",
        tuple(detail[name] for name in ("package", "store", "number", "generation")),
    )


CHECK: Mapping[EventType, Callable[[Tables, int, Event], Event | None]] = {EventType.IDENTIFIED: _admitted}
APPLY: Mapping[str, Apply] = {
    EventType.IDENTIFIED.value: _identified,
    EventType.FORMATS_KEPT.value: _formats_kept,
}
