"""Findings (风险隐患) as the commands show them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from preserve.cli.answers import moment_shown
from preserve.cli.messages import _, counted, printable, resaid, said, word
from preserve.cli.tables import bounded, pairs, table
from preserve.model.nouns import HARMS, Condition, Finding, stores_with_records_spared

MOST_BLOCKS_SHOWN = 20
MOST_EXPLAINED = 10
MOST_FILES_SHOWN = 3
_LONG_DIGEST = re.compile(r"\b([0-9a-f]{16})[0-9a-f]{48}\b")


def finding_document(finding: Finding) -> dict[str, object]:
    """A finding as `--json` gives it."""
    return {
        "id": finding.id,
        "package": finding.package_id,
        "store": finding.store,
        "condition": finding.condition.value,
        "where": finding.where,
        "expected": finding.expected,
        "found": finding.found,
        "blocks": list(finding.blocks),
        "files": list(finding.files),
        "files_touched": finding.files_touched,
        "opened_at": finding.opened_at,
        "closed_at": finding.closed_at,
        "closed_with": finding.closed_with,
    }


def finding_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """A table of findings, and what to do about them."""
    if not findings:
        return
    yield ""
    rows = (
        (
            finding.id,
            word(finding.condition),
            finding.store,
            finding.where,
            counted("{count} file", "{count} files", finding.files_touched) if finding.files_touched else "",
        )
        for finding in findings
    )
    yield from table((_("finding"), _("condition"), _("store"), _("where"), _("touched")), rows)
    for finding in findings[:MOST_EXPLAINED]:
        yield from _explained(finding)
    yield from unharmed_lines(stores_with_records_spared(findings))
    if all(finding.id for finding in findings):
        if any(finding.condition in HARMS for finding in findings):
            yield _("`preserve finding show ID` tells more; `preserve repair` mends what a sound copy can mend")
        if any(finding.condition is Condition.UNEXPECTED for finding in findings):
            yield _(
                "what is unexpected: do what is said of it here or in `preserve finding show ID`; then the next audit"
                " closes the finding"
            )
    else:
        yield _(
            "what has no id is not booked yet: `preserve audit --level attested` books it, and then `preserve repair`"
            " makes it anew"
        )


def unharmed_lines(stores: Iterable[str]) -> Iterator[str]:
    """Of which stores no finding harms a record."""
    for store in stores:
        yield said(
            "store {store}: its findings are about what lies beside the packages, the rescue kit or the ledger; no"
            " record is harmed by them",
            store=store,
        )


def _explained(finding: Finding) -> Iterator[str]:
    """What was expected and found, and the first files, on short lines."""
    expected, found = (_LONG_DIGEST.sub(r"\1…", resaid(text)) for text in (finding.expected, finding.found))
    name = finding.id or finding.where
    yield said("{finding}: expected {expected}; found {found}", finding=name, expected=expected, found=found)
    for path in finding.files[:MOST_FILES_SHOWN]:
        yield f"  {printable(path, is_line=True)}"
    if finding.files and finding.files_touched > MOST_FILES_SHOWN:
        yield "  …"


def finding_details(finding: Finding) -> Iterator[str]:
    """All that is known of one finding."""
    blocks = ", ".join(map(str, finding.blocks[:MOST_BLOCKS_SHOWN]))
    if len(finding.blocks) > MOST_BLOCKS_SHOWN:
        blocks += " …"
    yield from pairs(
        [
            (_("finding"), finding.id),
            (_("condition"), word(finding.condition)),
            (_("package"), finding.package_id or "-"),
            (_("store"), finding.store),
            (_("where"), finding.where),
            (_("expected"), resaid(finding.expected)),
            (_("found"), resaid(finding.found)),
            (_("bad blocks"), blocks or "-"),
            (_("files touched"), finding.files_touched),
            (_("opened"), moment_shown(finding.opened_at)),
            (_("closed"), moment_shown(finding.closed_at)),
            (_("closed with"), resaid(finding.closed_with) if finding.closed_with else "-"),
        ]
    )
    yield from bounded(f"  {printable(path, is_line=True)}" for path in finding.files)
