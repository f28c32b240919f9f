"""What would be left after events, as it is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from preserve.cli.answers import moment_shown
from preserve.cli.messages import _, attribute_word, said, sentence_said
from preserve.cli.tables import MOST_LINES, byte_count, table
from preserve.model.what_if import Standing, Survivors

Fields = dict[str, Any]


def survivors_document(found: Survivors) -> Fields:
    """What would be left, as `--json` gives it."""
    after = found.aftermath
    return {
        "lost_stores": list(after.lost),
        "untold": [{"store": store, "attribute": attribute} for store, attribute in after.untold],
        "stolen": [
            {
                "store": each.store,
                "reach": each.reach.value,
                "why": sentence_said(each.why),
                "probed_at": found.probed[each.store],
            }
            for each in after.stolen
        ],
        "whole_stores": list(after.whole),
        "locked_stores": list(after.locked),
        "safe": _standing_document(found.safe),
        "unread": _standing_document(found.unread),
        "lost": _standing_document(found.lost),
        "records_lost": found.records_lost,
        "last_read": found.last_read,
        "lost_packages": list(found.lost_named),
    }


def _standing_document(standing: Standing | None) -> Fields:
    if standing is None:
        return {"packages": 0, "payload_bytes": 0, "oldest": None, "newest": None}
    return {
        "packages": standing.packages,
        "payload_bytes": standing.payload_bytes,
        "oldest": standing.oldest,
        "newest": standing.newest,
    }


def survivors_lines(found: Survivors, now: datetime) -> Iterator[str]:
    """What would be left, for people."""
    after = found.aftermath
    yield said("Stores lost: {stores}", stores=", ".join(after.lost) or "-")
    for store, attribute in after.untold:
        yield said(
            "Store {store} was not said to have any {attribute}, and is taken to be hit too: `preserve store set"
            " {store}` registers it",
            store=store,
            attribute=attribute_word(attribute),
        )
    for each in after.stolen:
        yield said(
            "Key stolen, store {store}: {reach}; {why} (probed {moment})",
            store=each.store,
            reach=each.reach,
            why=sentence_said(each.why),
            moment=moment_shown(found.probed[each.store]),
        )
    left = [*after.whole, *(f"{name} ({_('only what is locked')})" for name in after.locked)]
    yield said("Stores left: {stores}", stores=", ".join(left) or "-")
    yield ""
    standings = {
        _("left, in a verified copy"): found.safe,
        _("perhaps left: nobody ever read the copy"): found.unread,
        _("LOST"): found.lost,
    }
    rows = [_row(name, standing) for name, standing in standings.items() if standing is not None]
    yield from table(("", _("packages"), _("payload"), _("made from"), _("to")), rows)
    yield from _ages(found, now)
    if found.lost is not None:
        yield said("{count} records with an archival code would be lost; packages: {packages}",
                   count=found.records_lost, packages=", ".join(found.lost_named[:MOST_LINES]))  # fmt: skip


def _row(name: str, standing: Standing) -> tuple[object, ...]:
    oldest, newest = moment_shown(standing.oldest), moment_shown(standing.newest)
    return name, standing.packages, byte_count(standing.payload_bytes), oldest, newest


def _ages(found: Survivors, now: datetime) -> Iterator[str]:
    if found.safe is not None:
        yield said("the newest package left is {days} days old", days=_days(found.safe.newest, now))
    if found.lost is not None and found.safe is not None:
        yield said("whatever was made since {moment} may be among the lost", moment=moment_shown(found.lost.oldest))
    if found.last_read is not None:
        yield said("the copies left were last looked at {days} days ago, or later", days=_days(found.last_read, now))


def _days(moment: str, now: datetime) -> int:
    return max((now - datetime.fromisoformat(moment)) // timedelta(days=1), 0)
