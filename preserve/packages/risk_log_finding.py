"""Find the risk log of a package that was migrated: in the home, or among the tag files of what was made of it.

A log counts only as the ledger pins it; a home that was lost has it again from the new packages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from preserve.errors import PreserveError, Refused, Unavailable
from preserve.model.formats.risk_log import FILES, MIGRATION_FOLDER, PICTURES, RISKS, is_picture_name
from preserve.model.migrations import PackageDone
from preserve.packages.reaching import sources_of, unlistable
from preserve.packages.risk_logs import both_sha256, run_log
from preserve.packages.tag_files import tag_files
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class PackageLog:
    """The log of one original package: its folder.  `source` is the new package that it was fetched from, None where it
    lay in the home; `changed` is the folder in the home where another lies than the ledger pins, None where none does.
    """

    done: PackageDone
    folder: Path
    source: str | None = None
    changed: Path | None = None


def find_log(workplace: Workplace, migrations: Path, done: PackageDone) -> PackageLog | PreserveError:
    """The log of a package that is done, or why it is not here as the ledger pins it: `Unavailable` where a store that
    may have it is away, `Refused` where nobody has it."""
    kept = run_log(migrations, done.migration, done.package)
    if is_as_pinned(kept, done.log_sha256):
        return PackageLog(done, kept)
    folder = workplace.work / "risk-logs" / str(done.migration) / done.package
    away: Unavailable | None = None
    for package in reversed(done.into):  # the newest has what people decided since
        try:
            _fetch(workplace, package, folder, (FILES, RISKS))
        except Unavailable as error:
            away = error
        if is_as_pinned(folder, done.log_sha256):
            return PackageLog(done, folder, package, kept if _holds_any(kept) else None)
    return away or _nobody_has(done, kept)


def _nobody_has(done: PackageDone, kept: Path) -> Refused:
    if _holds_any(kept):
        return Refused(
            "the risk log of package {package} in {folder} is not as the ledger knows it, and no new package has it"
            " sound",
            package=done.package,
            folder=kept,
        )
    return Refused(
        "the risk log of package {package} is neither in the home nor in a new package", package=done.package
    )


def _holds_any(folder: Path) -> bool:
    return any((folder / name).exists() for name in (FILES, RISKS))


def is_as_pinned(folder: Path, sha256: str) -> bool:
    """Whether the log in a folder has the digest that the ledger gives it; False where there is none."""
    try:
        return both_sha256(*(_sha256(folder / name) for name in (FILES, RISKS))) == sha256
    except FileNotFoundError:
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch_pictures(workplace: Workplace, log: PackageLog, names: Collection[str]) -> None:
    """Bring pictures beside a log that was fetched; those that its package does not have, or a store that is away by
    now, are not there then."""
    wanted = [f"{PICTURES}/{name}" for name in names if is_picture_name(name)]
    if log.source is not None and wanted:
        with suppress(Unavailable):
            _fetch(workplace, log.source, log.folder, wanted)


def _fetch(workplace: Workplace, package: str, folder: Path, names: Collection[str]) -> None:
    """Bring those tag files below `migration/` that a package has into a folder.

    Raises `Unavailable` where none comes and a store is away that may have them.
    """
    try:
        sources = sources_of(workplace, workplace.books.package(package))
        bag = sources.bag()
        if bag is None:
            raise unlistable(sources)
        with bag:
            found = tag_files(bag, package, [f"{MIGRATION_FOLDER}/{name}" for name in names])
    except (OSError, ValueError, Refused):
        return  # the copies are as they are; audits tell of them
    for path, content in found.items():
        into = folder / path.removeprefix(f"{MIGRATION_FOLDER}/")
        into.parent.mkdir(parents=True, exist_ok=True)
        into.write_bytes(content)
