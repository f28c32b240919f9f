"""What is told of parity: what was made, and how much damage a copy survives by it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from preserve.cli.exits import Exit
from preserve.cli.messages import _, error_said, said
from preserve.cli.tables import bounded, byte_count, table
from preserve.model.nouns import Role
from preserve.model.parity import ParityEntry, ParityStanding
from preserve.workplace import Workplace

if TYPE_CHECKING:
    from preserve.operations.make_parity import ParityReport

Fields = dict[str, Any]


def made_for(workplace: Workplace, packages: Collection[str]) -> ParityReport | None:
    """The parity of packages that were just copied; None where no policy asks for any."""
    return _made(workplace, (), tuple(sorted(packages))) if packages else None


def made_in(workplace: Workplace, store: str) -> ParityReport | None:
    """The parity of all that lies in a store; None where no policy asks for any."""
    return _made(workplace, (store,), None)


def _made(workplace: Workplace, stores: tuple[str, ...], among: tuple[str, ...] | None) -> ParityReport | None:
    from preserve import compose

    policies = compose.policies(workplace.books)
    if not any(policy.parity_on(role) for policy in policies.values() for role in Role):
        return None
    from preserve.operations.make_parity import ParityRequest, make_parity

    return make_parity(workplace, ParityRequest(policies, stores, among=among))


def parity_document(entry: ParityEntry) -> Fields:
    """The parity of one copy, as `--json` gives it."""
    layout = entry.layout
    return {
        "percent": entry.percent,
        "bytes": layout.bytes,
        "sha256": entry.sha256,
        "made_at": entry.made_at,
        "stripes": layout.code.stripes,
        "sectors_in_stripe": layout.code.rows,
        "sectors_mended_in_stripe": layout.code.parity,
        "longest_run_bytes": layout.longest_run_bytes,
    }


def parity_said(entry: ParityEntry) -> str:
    """How much damage a copy survives by its parity."""
    layout = entry.layout
    return said(
        "store {store}: parity of {size}; any {parity} of {rows} sectors of a stripe may be bad: {percent} % of all"
        " sectors, scattered (but once in a million packages), or {run} in one run",
        store=entry.store,
        size=byte_count(layout.bytes),
        parity=layout.code.parity,
        rows=layout.code.rows,
        percent=entry.percent,
        run=byte_count(layout.longest_run_bytes),
    )


def parity_line(standing: ParityStanding) -> str:
    """How the parity in one store stands."""
    said_there = said(
        "parity in store {store}: copies {copies}, {size}",
        store=standing.store,
        copies=standing.copies,
        size=byte_count(standing.bytes),
    )
    if not standing.lacking:
        return said_there
    lacking = said("copies that lack it: {count} (`preserve parity` makes it)", count=standing.lacking)
    return f"{said_there}; {lacking}"


def report_document(report: ParityReport | None) -> Fields:
    """What was made and what was not, as `--json` gives it."""
    if report is None:
        return {"made": [], "not_made": [], "counts": {"made": 0, "not_made": 0}, "seconds": 0}
    return {
        "made": [
            {"package": each.entry.package_id, "store": each.entry.store, **parity_document(each.entry)}
            for each in report.made
        ],
        "not_made": [
            {"package": each.package, "store": each.store, "why": error_said(each.why)} for each in report.not_made
        ],
        "counts": {"made": report.made_count, "not_made": report.not_made_count},
        "seconds": report.seconds,
    }


def report_lines(report: ParityReport | None) -> Iterator[str]:
    """The same, for people; nothing where nothing was due."""
    if report is None:
        return
    if report.made:
        yield from table(
            (_("package"), _("store"), _("parity"), _("bad sectors it survives")),
            (
                (each.entry.package_id, each.entry.store, byte_count(each.entry.bytes), f"{each.entry.percent} %")
                for each in report.made
            ),
        )
    yield from bounded(
        said("{package} has no parity in {store} yet: {why}", package=each.package, store=each.store, why=each.why)
        for each in report.not_made
    )


def worse_of(code: Exit, report: ParityReport | None) -> Exit:
    """How a command ends that also made parity."""
    if report is None or not report.not_made or code is not Exit.WELL:
        return code
    return Exit.UNAVAILABLE if report.is_only_away else Exit.FINDINGS
