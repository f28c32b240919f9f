"""What events about the formats of files do to the tables, and what is checked of them first.

Kept apart from `preserve.state.projection` and `preserve.state.admission`, which know these tables by name alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from preserve.errors import Refused
from preserve.model.formats.identification import Release
from preserve.model.nouns import Event, EventType
from preserve.state.applying import Apply, Detail, Tables, text
from preserve.state.identifiers import settlement_id

CATALOG: Mapping[str, tuple[str, ...]] = {
    "identified": ("package",),
    "format_list": ("package", "store", "number"),
    "list_lacking": ("package", "store"),
    "package_format": ("package", "puid"),
    "package_oddity": ("package", "oddity"),
    "policy_format": ("policy", "puid"),
    "policy_oddity": ("policy", "oddity"),
    "policy_release": ("policy", "release"),
    "settlement": ("entry",),
    "format_name": ("puid",),
}


def _admitted(tables: Tables, number: int, event: Event) -> Event:
    package = event.detail["package"]
    if not tables.execute("SELECT 1 FROM package WHERE id = ?", (package,)).fetchone():
        raise Refused("there is no package {package} in the books", package=package)
    known = tables.execute("SELECT number FROM identified WHERE package = ?", (package,)).fetchone()
    if event.detail["number"] != (known[0] + 1 if known else 1):
        raise _told_meanwhile(package)
    return event


def _told_meanwhile(package: object) -> Refused:
    return Refused("the formats of package {package} were told by somebody else meanwhile", package=package)


def _settled_of_the_last(tables: Tables, number: int, event: Event) -> Event:
    """A person answers for what was told last, and for nothing that came meanwhile."""
    package = event.detail["package"]
    known = tables.execute("SELECT number FROM identified WHERE package = ?", (package,)).fetchone()
    if known is None or known[0] != event.detail["number"]:
        raise _told_meanwhile(package)
    identifier = event.detail["id"] or settlement_id(number)
    return replace(event, detail={**event.detail, "id": identifier})


def _known_settlement(tables: Tables, number: int, event: Event) -> Event:
    identifier, package = event.detail["id"], event.detail["package"]
    if not tables.execute("SELECT 1 FROM settlement WHERE id = ? AND package = ?", (identifier, package)).fetchone():
        raise Refused(
            "settlement {settlement} says nothing of package {package}, or was withdrawn",
            settlement=identifier,
            package=package,
        )
    return event


def _identified(tables: Tables, number: int, at: str, detail: Detail) -> str:
    package: str = detail["package"]
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
        "INSERT INTO policy_release (policy, release, packages, told_at) VALUES (?, ?, 1, ?) ON CONFLICT (policy,"
        " release) DO UPDATE SET packages = policy_release.packages + 1, told_at = excluded.told_at",
        (policy, release.digest, at),
    )
    counted = detail.get("counted", detail["formats"])
    odd = detail["oddities"]
    _count(tables, package, policy, counted, detail.get("by_hand", {}), odd, detail.get("settled", {}))
    tables.executemany(
        "INSERT INTO format_name (puid, name, version, mime) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(puid, *named) for puid, named in detail["names"].items()],
    )
    return package


def _count(
    tables: Tables,
    package: str,
    policy: str,
    formats: Mapping[str, list[int]],
    by_hand: Mapping[str, int],
    oddities: Mapping[str, int],
    settled: Mapping[str, int],
) -> None:
    """What the files of a package come to, in itself and under its policy."""
    formats_held = [(puid, files, size, by_hand.get(puid, 0)) for puid, (files, size) in formats.items()]
    tables.executemany(
        "INSERT INTO package_format (package, puid, files, bytes, by_hand) VALUES (?, ?, ?, ?, ?)",
        [(package, *each) for each in formats_held],
    )
    tables.executemany(
        "INSERT INTO policy_format (policy, puid, packages, files, bytes, by_hand) VALUES (?, ?, 1, ?, ?, ?)"
        " ON CONFLICT (policy, puid) DO UPDATE SET packages = policy_format.packages + 1,"
        " files = policy_format.files + excluded.files, bytes = policy_format.bytes + excluded.bytes,"
        " by_hand = policy_format.by_hand + excluded.by_hand",
        [(policy, *each) for each in formats_held],
    )
    odd = [(oddity, files, settled.get(oddity, 0)) for oddity, files in oddities.items()]
    tables.executemany(
        "INSERT INTO package_oddity (package, oddity, files, settled) VALUES (?, ?, ?, ?)",
        [(package, *each) for each in odd],
    )
    tables.executemany(
        "INSERT INTO policy_oddity (policy, oddity, packages, waiting, files, settled) VALUES (?, ?, 1, ?, ?, ?)"
        " ON CONFLICT (policy, oddity) DO UPDATE SET packages = policy_oddity.packages + 1,"
        " waiting = policy_oddity.waiting + excluded.waiting, files = policy_oddity.files + excluded.files,"
        " settled = policy_oddity.settled + excluded.settled",
        [(policy, oddity, int(files > done), files, done) for oddity, files, done in odd],
    )


def _forget(tables: Tables, package: str, policy: str) -> None:
    """Take back what an earlier identification of a package counted; who keeps its list stays known."""
    known = tables.execute("SELECT release FROM identified WHERE package = ?", (package,)).fetchone()
    if known is None:
        return
    place = (policy, known[0])
    tables.execute("UPDATE policy_release SET packages = packages - 1 WHERE policy = ? AND release = ?", place)
    tables.execute("DELETE FROM policy_release WHERE policy = ? AND release = ? AND packages = 0", place)
    _uncount(tables, package, policy)
    tables.execute("DELETE FROM identified WHERE package = ?", (package,))


def _uncount(tables: Tables, package: str, policy: str) -> None:
    """Take back what `_count` counted."""
    for table, of, key, sums in (
        ("policy_format", "package_format", "puid", ("files", "bytes", "by_hand")),
        ("policy_oddity", "package_oddity", "oddity", ("files", "settled")),
    ):
        its = f"FROM {of} WHERE package = ? AND {key} = {table}.{key}"
        less = [f"{each} = {each} - (SELECT {each} {its})" for each in sums]
        if table == "policy_oddity":
            less.append(f"waiting = waiting - (SELECT CASE WHEN files > settled THEN 1 ELSE 0 END {its})")
        tables.execute(
            f"UPDATE {table} SET packages = packages - 1, {', '.join(less)} WHERE policy = ?"  # noqa: S608 - names of ours
            f" AND {key} IN (SELECT {key} FROM {of} WHERE package = ?)",
            (*(package for _ in less), policy, package),
        )
        tables.execute(f"DELETE FROM {table} WHERE policy = ? AND packages = 0", (policy,))  # noqa: S608
        tables.execute(f"DELETE FROM {of} WHERE package = ?", (package,))  # noqa: S608


def _recount(tables: Tables, detail: Detail) -> None:
    """The same files, and persons said something else of them."""
    package = detail["package"]
    (policy,) = tables.execute("SELECT policy FROM identified WHERE package = ?", (package,)).fetchone()
    odd = dict(tables.execute("SELECT oddity, files FROM package_oddity WHERE package = ?", (package,)).fetchall())
    _uncount(tables, package, policy)
    _count(tables, package, policy, detail["counted"], detail["by_hand"], odd, detail["settled"])


def _settled(tables: Tables, number: int, at: str, detail: Detail) -> None:
    terms = {name: detail[name] for name in ("paths", "ending", "told", "settles", "format", "encoding")}
    tables.execute(
        "INSERT INTO settlement (entry, id, package, number, what, files, terms, at, booked_by, because)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number,
            *(detail[name] for name in ("id", "package", "number", "what")),
            sum(files for *_, files in detail["told"]),
            text(terms),
            at,
            detail["by"],
            detail["because"],
        ),
    )
    if detail["format"] is not None and detail["format"][1]:
        tables.execute(
            "INSERT INTO format_name (puid, name, version, mime) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            tuple(detail["format"]),
        )
    _recount(tables, detail)


def _settlement_withdrawn(tables: Tables, number: int, at: str, detail: Detail) -> None:
    tables.execute("DELETE FROM settlement WHERE id = ? AND package = ?", (detail["id"], detail["package"]))
    _recount(tables, detail)


def _formats_kept(tables: Tables, number: int, at: str, detail: Detail) -> str:
    package: str = detail["package"]
    tables.execute(
        "INSERT INTO format_list (package, store, number, generation) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (package, store, number) DO UPDATE SET generation = excluded.generation",
        (package, *(detail[name] for name in ("store", "number", "generation"))),
    )
    return package


CHECK: Mapping[EventType, Callable[[Tables, int, Event], Event | None]] = {
    EventType.IDENTIFIED: _admitted,
    EventType.FORMATS_SETTLED: _settled_of_the_last,
    EventType.SETTLEMENT_WITHDRAWN: _known_settlement,
}
APPLY: Mapping[str, Apply] = {
    EventType.IDENTIFIED.value: _identified,
    EventType.FORMATS_KEPT.value: _formats_kept,
    EventType.FORMATS_SETTLED.value: _settled,
    EventType.SETTLEMENT_WITHDRAWN.value: _settlement_withdrawn,
}
