"""What a name given on the command line means: a package, a whole accession, or a record."""

from __future__ import annotations

from dataclasses import dataclass

from preserve.errors import Refused
from preserve.model.entries import AccessionState
from preserve.model.nouns import PackageEntry
from preserve.state.books import Books


@dataclass(frozen=True, slots=True)
class Chosen:
    """The packages meant, and the archival code if only that record of them is."""

    packages: tuple[PackageEntry, ...]
    record: str | None = None


def chosen(books: Books, name: str) -> Chosen:
    """The package with this id; else all packages of the accession with this id; else those that hold the record with
    this archival code; else the only package whose id begins so.

    Raises `Refused` where nothing, or more than one package, fits, and where an accession never came to its end.
    """
    if books.has_package(name):
        return Chosen((books.package(name),))
    accession = next((entry for entry in books.accessions() if entry.id == name), None)
    if accession is not None:
        if accession.state is not AccessionState.COMMITTED:
            raise Refused(
                "accession {accession} was never completed; name one of its packages that are there: {packages}",
                accession=name,
                packages=", ".join(filter(books.has_package, accession.packages)) or "-",
            )
        return Chosen(tuple(books.package(package) for package in accession.packages))
    with_record = books.packages_with_record(name)
    if with_record:
        return Chosen(tuple(books.package(package) for package in with_record), name)
    return Chosen((books.package(name),))
