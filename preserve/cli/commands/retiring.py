"""`preserve store retire`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.messages import _, counted
from preserve.cli.options import acts
from preserve.cli.shortfalls import lack_documents, lack_lines
from preserve.cli.tables import bounded
from preserve.errors import Misused

if TYPE_CHECKING:
    from preserve.operations.retire_store import RetireReport


@click.command(
    help=_(
        "Use a store no more, because it is lost for good or worn out: its copies count for nothing from then on.\n\n"
        "Nothing in it is erased.  `preserve replicate` then makes its copies on another store of its role.  A store in"
        " which a package has its last verified copy is refused (exit code 3).  The same place is brought back by"
        " `preserve store add`; its copies count again when they have been read.  Needs --reason.  Exit code 1 where a"
        " package has no verified copy left."
    )
)
@click.argument("name", metavar="NAME")
@click.option("--lost", is_flag=True, help=_("it is gone for good; refused while it answers"))
@click.option(
    "--despite-last-copies", is_flag=True, help=_("also where no other store holds a verified copy of a package")
)
@acts
def retire(call: Call, name: str, lost: bool, despite_last_copies: bool) -> Exit:
    from preserve import compose
    from preserve.operations.retire_store import RetireRequest, retire_store

    if not call.is_reason_given:
        raise Misused("a store is retired for a reason, which the ledger keeps: add --reason TEXT")
    with call.workplace(patient=False) as workplace:
        policy_of = compose.policy_in_force(workplace.books)
        report = retire_store(workplace, RetireRequest(name, policy_of, lost, despite_last_copies))
        document = {
            "store": name,
            "lost": report.is_lost,
            "copies": report.copies,
            "findings_closed": report.findings_closed,
            "short": report.short_count,
            "short_packages": list(report.short),
            "without_verified_copy": report.last_count,
            "without_verified_copy_packages": list(report.last),
            "lacking_stores": lack_documents(report.lacking),
        }
        return call.answer(document, _retired_lines(report), Exit.FINDINGS if report.last_count else Exit.WELL)


def _retired_lines(report: RetireReport) -> Iterator[str]:
    yield counted(
        "store {store} is retired: it is not used any more, and {count} copy in it counts for nothing",
        "store {store} is retired: it is not used any more, and {count} copies in it count for nothing",
        report.copies,
        store=report.store.name,
    )
    if report.findings_closed:
        yield counted(
            "{count} finding about it is closed", "{count} findings about it are closed", report.findings_closed
        )
    if report.short_count:
        yield counted(
            "{count} package has fewer verified copies now than its policy wants; `preserve replicate` makes what"
            " is missing",
            "{count} packages have fewer verified copies now than their policy wants; `preserve replicate` makes what"
            " is missing",
            report.short_count,
        )
    if report.last_count:
        yield counted(
            "ALARM: {count} package has no verified copy any more; `preserve audit` reads what others there are",
            "ALARM: {count} packages have no verified copy any more; `preserve audit` reads what others there are",
            report.last_count,
        )
        yield from bounded(f"  {package}" for package in report.last)
    yield from lack_lines(report.lacking)
