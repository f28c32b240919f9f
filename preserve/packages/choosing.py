"""What a name given on the command line means: a package, a whole accession, or a record."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from preserve.errors import Misused, Refused
from preserve.model.complaints import Complaint, Complaints
from preserve.model.entries import AccessionState
from preserve.model.nouns import PackageEntry
from preserve.state.books import Books

MOST_VERSIONS_NAMED = 20


@dataclass(frozen=True, slots=True)
class Chosen:
    """The packages meant, and the archival code if only that record of them is."""

    packages: tuple[PackageEntry, ...]
    record: str | None = None


def chosen(books: Books, name: str, accession: str | None, to: Path) -> Chosen:
    """The package with this id; else all packages of the accession with this id; else those that hold the record with
    this archival code; else the only package whose id begins so.

    A record that was taken in more than once is kept in as many versions, which are never mixed: `accession` says
    which one is meant, and without it the refusal names them, each with the command that restores it into `to`.

    Raises `Refused` where nothing, or more than one thing, fits, and where an accession never came to its end;
    `Misused` for an `accession` where no record is meant.
    """
    found = _whole(books, name)
    versions = {} if found else _versions(books, name)
    if accession is not None and not versions:
        raise Misused("--accession chooses between versions of one record, and {name} is no archival code", name=name)
    if found is not None:
        return found
    if not versions:
        return Chosen((books.package(name),))
    if accession is None and len(versions) > 1:
        raise _several(name, versions, to)
    picked = versions.get(accession) if accession is not None else next(iter(versions.values()))
    if picked is None:
        raise Refused(
            "record {name} did not come with accession {accession}; it came with: {known}",
            name=name,
            accession=accession,
            known=", ".join(versions),
        )
    return Chosen(tuple(picked), name)


def _whole(books: Books, name: str) -> Chosen | None:
    """A package or an accession, by its id."""
    if books.has_package(name):
        return Chosen((books.package(name),))
    accession = next((entry for entry in books.accessions() if entry.id == name), None)
    if accession is None:
        return None
    if accession.state is not AccessionState.COMMITTED:
        raise Refused(
            "accession {accession} was never completed; name one of its packages that are there: {packages}",
            accession=name,
            packages=", ".join(filter(books.has_package, accession.packages)) or "-",
        )
    return Chosen(tuple(books.package(package) for package in accession.packages))


def _versions(books: Books, code: str) -> dict[str, list[PackageEntry]]:
    """The packages that hold a record, by the accession they came with, the newest first.

    A large record lies in several packages of one accession.  A package that a rebuild adopted knows its accession only
    if it is part of one; else its own id stands for it.  What a migration made of a record is no record that anybody
    deposited: the code means the original, and `package show` names its conversions.
    """
    versions: dict[str, list[PackageEntry]] = {}
    for holding in books.holdings_of([code]):
        if books.migrated(holding.package_id).of:
            continue
        package = books.package(holding.package_id)
        part_of = package.receipt.part_of
        versions.setdefault(holding.accession or (part_of[0] if part_of else package.id), []).append(package)
    return dict(sorted(versions.items(), key=lambda item: _begun_at(item[1]), reverse=True))


def _begun_at(packages: Sequence[PackageEntry]) -> str:
    return max(package.receipt.created_at for package in packages)


def _several(code: str, versions: Mapping[str, Sequence[PackageEntry]], to: Path) -> Refused:
    named = [
        Complaint(
            "version",
            accession,
            "{command}   (taken in {moment}: {packages})",
            {
                "command": shlex.join(["preserve", "restore", code, "--accession", accession, "--to", str(to)]),
                "moment": f"{_begun_at(packages)[:19]}Z",
                "packages": ", ".join(package.id for package in packages),
            },
        )
        for accession, packages in list(versions.items())[:MOST_VERSIONS_NAMED]
    ]
    return Refused(
        "record {name} was taken in {count} times and may differ; say which one you want, the newest is the first:\n"
        "{versions}",
        name=code,
        count=len(versions),
        versions=Complaints(tuple(named), len(versions)),
    )
