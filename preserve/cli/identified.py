"""What is told of the formats of files: what was identified, what is held, and what is odd."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from preserve.cli.exits import Exit
from preserve.cli.messages import _, error_said, said, word
from preserve.cli.tables import bounded, byte_count, pairs, table
from preserve.model.formats.identification import Oddity, Release
from preserve.model.formats.standing import FormatHeld, IdentificationStanding, OddityHeld
from preserve.model.policy import IdentifyWhen, Policy
from preserve.workplace import Workplace

if TYPE_CHECKING:
    from preserve.operations.identify_formats import IdentifyReport, PackageIdentified

Fields = dict[str, Any]


def told_for(workplace: Workplace, policy: Policy, packages: Collection[str]) -> IdentifyReport | None:
    """The formats of packages that were just taken in; None where policy does not ask for it at ingest."""
    if policy.formats is None or policy.formats.identify is not IdentifyWhen.AT_INGEST or not packages:
        return None
    from preserve import compose
    from preserve.operations.identify_formats import IdentifyRequest, identify_formats

    with compose.identifier(workplace) as identifier:
        among = tuple(sorted(packages))
        return identify_formats(workplace, IdentifyRequest((policy.name,), among=among), identifier)


def told_of(workplace: Workplace, packages: Iterable[str]) -> list[IdentifyReport]:
    """The same for packages under several policies, each by its own."""
    from preserve import compose

    by_policy: dict[str, list[str]] = {}
    for package in packages:
        by_policy.setdefault(workplace.books.package(package).receipt.policy, []).append(package)
    policies = compose.policies(workplace.books)
    told = [told_for(workplace, policies[name], each) for name, each in sorted(by_policy.items()) if name in policies]
    return [report for report in told if report is not None]


def worse_of(code: Exit, report: IdentifyReport | None) -> Exit:
    """How a command ends that also told formats."""
    return report_code(report) if report is not None and code is Exit.WELL else code


def release_document(release: Release) -> Fields:
    """With what was identified, as `--json` gives it."""
    return {"tool": release.tool, "pronom": release.pronom, "own_sha256": release.own_sha256}


def format_document(held: FormatHeld) -> Fields:
    """How much is held in one format."""
    return {
        "puid": held.format.puid,
        "name": held.format.name,
        "version": held.format.version,
        "mime": held.format.mime,
        "packages": held.packages,
        "files": held.files,
        "bytes": held.bytes,
        "by_hand": held.by_hand,
    }


def oddity_named(what: str) -> str:
    """An oddity by its name, in whichever language; anything else as it is."""
    return next((each.value for each in Oddity if what in (each.value, word(each))), what)


def oddity_document(held: OddityHeld) -> Fields:
    """How many files are odd in one way."""
    return {
        "oddity": held.oddity,
        "packages": held.packages,
        "files": held.files,
        "settled": held.settled,
        "open": held.open,
        "waiting_packages": held.waiting,
    }


def standing_document(standing: IdentificationStanding) -> Fields:
    """How far packages under a policy are identified."""
    return {
        "policy": standing.policy,
        "packages": standing.packages,
        "current": standing.current,
        "earlier": standing.earlier,
        "never": standing.never,
        "odd": standing.odd,
        "open": standing.open,
    }


def identification_lines(standing: IdentificationStanding) -> Iterator[str]:
    """How far packages under a policy are identified, and whether odd files wait for a person."""
    yield said(
        "formats under policy {policy}: told of {current} of {packages} packages, with earlier signatures {earlier}",
        policy=standing.policy,
        current=standing.current,
        packages=standing.packages,
        earlier=standing.earlier,
    )
    if standing.odd:
        yield said(
            "odd files under policy {policy}: {odd}, {open} wait for a person: `preserve format list --waiting`",
            policy=standing.policy,
            odd=standing.odd,
            open=standing.open,
        )


def report_document(report: IdentifyReport) -> Fields:
    """What was identified and what was not, as `--json` gives it."""
    return {
        "release": release_document(report.release),
        "identified": [_package_document(each) for each in report.identified],
        "kept": [{"package": each.package, "store": each.store} for each in report.kept],
        "not_identified": [{"package": each.package, "why": error_said(each.why)} for each in report.not_identified],
        "seconds": report.seconds,
    }


def _package_document(told: PackageIdentified) -> Fields:
    entry = told.entry
    return {
        "package": entry.package_id,
        "object": entry.part,
        "sha256": entry.digest.sha256,
        "stores": sorted(entry.stores),
        "files": entry.files,
        "bytes": told.bytes,
        "formats": {puid: {"files": files, "bytes": size} for puid, (files, size) in told.tally.formats.items()},
        "oddities": dict(told.tally.oddities),
        "seconds": told.seconds,
    }


def report_lines(report: IdentifyReport) -> Iterator[str]:
    """The same, for people."""
    yield said(
        "packages identified: {count}, files {files}, with {tool} and {pronom}",
        count=len(report.identified),
        files=sum(each.entry.files for each in report.identified),
        tool=report.release.tool,
        pronom=report.release.pronom,
    )
    if report.identified:
        yield from _identified_table(report)
    if report.kept:
        yield said("lists of formats laid beside further copies: {count}", count=len(report.kept))
    yield from bounded(
        said("the formats of {package} are still to be told: {why}", package=each.package, why=each.why)
        for each in report.not_identified
    )


def _identified_table(report: IdentifyReport) -> Iterator[str]:
    return table(
        (_("package"), _("files"), _("formats"), _("unknown"), _("odd files")),
        (
            (
                each.entry.package_id,
                each.entry.files,
                len(each.tally.formats),
                each.tally.oddities.get(Oddity.UNKNOWN.value, 0),
                each.tally.oddities.total(),
            )
            for each in report.identified
        ),
    )


def report_code(report: IdentifyReport) -> Exit:
    """How a command ends that identified: what is odd about files is no failure of it."""
    if not report.not_identified:
        return Exit.WELL
    return Exit.UNAVAILABLE if report.is_only_away else Exit.FINDINGS


def held_lines(
    formats: Sequence[FormatHeld], oddities: Sequence[OddityHeld], standings: Iterable[IdentificationStanding]
) -> Iterator[str]:
    """What is held in which formats, what is odd, and how far that was looked at."""
    yield from table(
        (_("format"), _("name"), _("packages"), _("files"), _("by hand"), _("size")),
        (
            (
                held.format.puid,
                f"{held.format.name} {held.format.version}".strip(),
                held.packages,
                held.files,
                held.by_hand,
                byte_count(held.bytes),
            )
            for held in formats
        ),
        none=_("no format of any file is known yet; `preserve format identify` tells them"),
    )
    yield from oddity_lines(oddities)
    for standing in standings:
        if standing.never or standing.earlier:
            yield said(
                "policy {policy}: {packages} packages, not identified yet {never}, with earlier signatures {earlier}",
                policy=standing.policy,
                never=standing.never,
                earlier=standing.earlier,
                packages=standing.packages,
            )


def oddity_lines(oddities: Sequence[OddityHeld]) -> Iterator[str]:
    """How many files are odd in which way, and how many of these wait for a person; nothing where none is."""
    if oddities:
        yield from chain(
            [""],
            table(
                (_("odd files"), _("packages"), _("files"), _("settled"), _("wait for a person")),
                ((word(Oddity(held.oddity)), held.packages, held.files, held.settled, held.open) for held in oddities),
            ),
        )


def waiting_lines(oddities: Sequence[OddityHeld]) -> Iterator[str]:
    """What is odd and waits for a person."""
    yield from table(
        (_("odd files"), _("packages"), _("wait for a person")),
        ((word(Oddity(held.oddity)), held.waiting, held.open) for held in oddities),
        none=_("No odd file waits for a person."),
    )
    if oddities:
        yield _(
            "`preserve format show` with such a name says where they are, `preserve format settle` answers for them"
        )


def package_lines(release: Release, at: str, formats: Sequence[FormatHeld]) -> Iterator[str]:
    """What one package was found to hold, and with what that was told."""
    yield from pairs(
        (
            (_("identified at"), at),
            (_("tool"), release.tool),
            (_("signatures"), release.pronom),
            (_("own signatures"), release.own_sha256[:16]),
        )
    )
    yield ""
    yield from table(
        (_("format"), _("name"), _("files"), _("by hand"), _("size")),
        (
            (
                held.format.puid,
                f"{held.format.name} {held.format.version}".strip(),
                held.files,
                held.by_hand,
                byte_count(held.bytes),
            )
            for held in formats
        ),
    )
