"""What a restore says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from preserve.cli.findings import finding_document, finding_lines
from preserve.cli.messages import counted, error_said, printable, said
from preserve.cli.package_versions import version_lines, versions_document
from preserve.cli.tables import bounded, byte_count

if TYPE_CHECKING:
    from preserve.packages.restoring.orders import RestoreReport


def restored_document(report: RestoreReport) -> dict[str, object]:
    """What `--json` prints of a restore."""
    return {
        "packages": list(report.packages),
        "files": report.files,
        "bytes": report.bytes,
        "verified": report.is_verified,
        "from": sorted(report.sources),
        "bytes_from": dict(report.sources),
        "bytes_read": dict(report.bytes_read),
        "already_there": report.already_there,
        "left": report.left,
        "lost": report.lost,
        "lost_at_least": not report.is_lost_known,
        "losses": [
            {"path": loss.path.decode("utf-8", "surrogateescape"), "why": said(loss.template, **loss.values)}
            for loss in report.losses
        ],
        "relisted": list(report.relisted),
        "away": {name: error_said(why) for name, why in report.away.items()},
        "waits_for": error_said(report.waits_for) if report.waits_for else None,
        "copies_not_read": list(report.unread),
        "findings": [finding_document(finding) for finding in report.damage],
        "seconds": report.seconds,
        "certificate": str(report.certificate),
        "certificate_sha256": report.certificate_sha256,
        "map": None if report.map is None else str(report.map),
        "versions": {package: versions_document(each) for package, each in report.versions.items()},
    }


def _verdict(report: RestoreReport, to: Path) -> str:
    size = byte_count(report.bytes)
    if report.is_verified:
        return counted(
            "{count} file, {size}, is in {to}, verified",
            "{count} files, {size}, are in {to}, each verified",
            report.files,
            size=size,
            to=to,
        )
    return said(
        "NOT COMPLETE: {files} files, {size}, are in {to}, each verified; {lost} could not be had soundly, {left}"
        " were left as they stood there"
        if report.is_lost_known
        else "NOT COMPLETE: {files} files, {size}, are in {to}, each verified; at least {lost} could not be had"
        " soundly, {left} were left as they stood there",
        files=report.files,
        size=size,
        to=to,
        lost=report.lost,
        left=report.left,
    )


def restored_lines(report: RestoreReport, to: Path) -> Iterator[str]:
    """The same for people; `to` is the folder that was restored into."""
    yield _verdict(report, to)
    if report.already_there:
        yield said("{count} of them were there already, equal", count=report.already_there)
    for store, count in sorted(report.sources.items()):
        read = byte_count(report.bytes_read.get(store, count))
        yield said(
            "  {size} from store {store} ({read} were read there)", size=byte_count(count), store=store, read=read
        )
    for store, why in report.away.items():
        yield said("store {store} could not be read: {why}", store=store, why=why)
    yield from bounded(
        f"  {printable(loss.path.decode('utf-8', 'surrogateescape'), is_line=True)}:"
        f" {said(loss.template, **loss.values)}"
        for loss in report.losses
    )
    yield from bounded(
        said(
            "  {package}: no copy has the list of its files sound; it was read from the bag itself, which has times in"
            " whole seconds",
            package=package,
        )
        for package in report.relisted
    )
    if report.lost and report.unread:
        yield said(
            "nothing can be called lost yet: these stores were away, or have a copy that could not be read: {stores};"
            " bring them back or make it readable, and run the same command again, which completes the folder",
            stores=", ".join(report.unread),
        )
    if report.waits_for is not None:
        yield error_said(report.waits_for)
    yield from finding_lines(report.damage)
    yield from bounded(_version_lines(report))
    yield said(
        "certificate: {file} (for programs: {json_file})",
        file=report.certificate.with_suffix(".txt"),
        json_file=report.certificate.name,
    )


def _version_lines(report: RestoreReport) -> Iterator[str]:
    """What else of these packages there is, and which of it is in force."""
    if report.map is not None:
        yield said(
            "given back is what is in force; which files are conversions, of what and by which migration: {file}",
            file=report.map,
        )
        return
    for package, versions in report.versions.items():
        into = [each for each in versions.into if each.is_in_force]
        if into:
            yield said(
                "{package} was converted into {versions}, which is in force; this is what was deposited. `preserve"
                " restore {package} --current --to DIR` gives back what is in force",
                package=package,
                versions=", ".join(each.package for each in into),
            )
        yield from version_lines(replace(versions, into=()))
