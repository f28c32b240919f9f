"""What a repair did, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from preserve.cli.messages import _, counted, error_said, printable, resaid, said, word
from preserve.cli.tables import MOST_LINES, bounded, byte_count, table

if TYPE_CHECKING:
    from preserve.model.nouns import Finding
    from preserve.operations.repair import NotRepaired, RepairReport


def repair_lines(report: RepairReport) -> Iterator[str]:
    """What was mended, what was not and why, and what a person has to do."""
    yield said(
        "objects mended: {repaired}, not mended: {left}; {read} read from sound copies, {written} written anew",
        repaired=len(report.repaired),
        left=len(report.not_repaired),
        read=byte_count(report.bytes_read),
        written=byte_count(report.bytes_written),
    )
    if report.repaired:
        rows = (
            (
                each.package or "-",
                each.store,
                each.object,
                each.generation,
                len(each.blocks),
                ", ".join(each.sources),
                word(each.how),
            )
            for each in report.repaired
        )
        head = (_("package"), _("store"), _("object"), _("generation"), _("bad blocks"), _("taken from"), _("how"))
        yield from table(head, rows)
    yield from _right_again_lines(report)
    yield from _not_repaired_lines(report.not_repaired)
    yield from _left_alone_lines(report.left_alone)


def _not_repaired_lines(left: Sequence[NotRepaired]) -> Iterator[str]:
    """What was not mended and why; what several stores have in common is said once, with all their names."""
    alike: dict[tuple[object, ...], list[NotRepaired]] = {}
    for each in left:
        alike.setdefault(
            (each.package, each.object, error_said(each.why), each.without, each.away, each.unread), []
        ).append(each)
    for group in list(alike.values())[:MOST_LINES]:
        first, stores = group[0], ", ".join(each.store for each in group)
        if first.package is None:
            yield said(
                "{object} in {store}, not mended: {why}", object=first.object or "-", store=stores, why=first.why
            )
        else:
            yield said("{package} in {store}, not mended: {why}", package=first.package, store=stores, why=first.why)
        yield from _files_lines(first)
    if len(alike) > MOST_LINES:
        yield said("… and {count} more (--json gives all)", count=len(alike) - MOST_LINES)


def _files_lines(left: NotRepaired) -> Iterator[str]:
    """The files that cannot be had without what is missing; lost only where every copy was read."""
    if left.away:
        yield said(
            "  nothing can be called lost yet: bring these stores back ({stores}), and run `preserve repair` again",
            stores=", ".join(left.away),
        )
    if left.unread:
        yield said(
            "  nothing can be called lost yet: make the copy readable again in these stores (permissions, cables,"
            " drives: {stores}), and run `preserve repair` again",
            stores=", ".join(left.unread),
        )
    if not left.without:
        return
    if left.without.count and left.is_loss_proved:
        yield counted("  {count} file is lost with it:", "  {count} files are lost with it:", left.without.count)
    elif left.without.count:
        yield counted(
            "  {count} file is not to be had from the copies in reach:",
            "  {count} files are not to be had from the copies in reach:",
            left.without.count,
        )
    yield from bounded(f"    {printable(path, is_line=True)}" for path in left.without.names)
    yield from _whole_files_lines(left)


def _whole_files_lines(left: NotRepaired) -> Iterator[str]:
    """How to get at the files that are whole all the same, and to sound copies of them."""
    if left.without and not left.without.count:
        yield said(
            "  no file is lost with it: all {count} are whole, and what is harmed is the frame around them",
            count=left.files_whole,
        )
    elif left.files_whole:
        yield counted("  {count} file is whole", "  {count} files are whole", left.files_whole)
    if left.files_whole:
        yield said(
            "  `preserve restore {package} --to FOLDER` gives the whole files back; ingest them again, so that there"
            " are sound copies of them",
            package=left.package,
        )


def _right_again_lines(report: RepairReport) -> Iterator[str]:
    """What needed no mending any more, with the findings that were closed for it."""
    yield from bounded(
        said(
            "was right again when looked at: {key} in store {store} ({finding}, closed)",
            key=finding.where,
            store=finding.store,
            finding=finding.id,
        )
        for finding in report.right_again
    )
    told = {(finding.package_id, finding.store) for finding in report.right_again}
    yield from bounded(
        said("was right again when looked at: {package} in store {store}", package=package, store=store)
        for package, store in report.sound_again
        if package is not None and (package, store) not in told
    )


def _left_alone_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """What lies in stores and nobody expects: what a person has to do about each."""
    if findings:
        yield counted(
            "{count} finding is about what nobody expects in a store; repair leaves it alone, and a person must act:",
            "{count} findings are about what nobody expects in a store; repair leaves it alone, and a person must act:",
            len(findings),
        )
    yield from bounded(
        said("  {finding}, {key} in store {store}: {found}", finding=finding.id, key=finding.where,
             store=finding.store, found=resaid(finding.found))
        for finding in findings
    )  # fmt: skip
