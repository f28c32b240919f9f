"""`preserve store canary`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.messages import _, error_said, said, word
from preserve.cli.options import acts, reaches_stores
from preserve.cli.tables import table
from preserve.model.credentials import Holder
from preserve.model.links import is_away_as_expected
from preserve.model.locks import is_all_locked, lock_rules

if TYPE_CHECKING:
    from preserve.operations.try_canaries import CanaryReport, CanaryTried


@click.command(
    help=_(
        "Try whether the keys of stores can do what they must not: overwrite or erase what is kept.\n\n"
        "It is tried on one small object of ours, the canary, which nobody may ever change; it is laid where there is"
        " none yet.  Exit code 1, and an incident, where a key can do harm or somebody changed the canary; 75 where it"
        " could not be tried.  A folder has no keys: there it is only looked whether the canary is as it was."
    )
)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@acts
@reaches_stores
def canary(call: Call, names: tuple[str, ...]) -> Exit:
    from preserve import compose
    from preserve.operations.try_canaries import CanaryRequest, try_canaries

    with call.workplace() as workplace:
        policies = compose.policies(workplace.books)
        in_use = (each.policy for each in workplace.books.standings())
        are_locked = is_all_locked(lock_rules(policies), in_use, policies)
        report = try_canaries(workplace, CanaryRequest(compose.key_trial, are_locked, names))
        document = {
            "stores": [_document(each) for each in report.tried],
            "untried": [{"store": entry.name, "why": error_said(why)} for entry, why in report.untried],
        }
        return call.answer(document, _lines(report), _code(report))


def _code(report: CanaryReport) -> Exit:
    if report.is_alarming:
        return Exit.FINDINGS
    is_any_missed = any(not is_away_as_expected(entry, why) for entry, why in report.untried)
    is_nothing_tried = bool(report.untried) and not report.tried
    return Exit.UNAVAILABLE if is_any_missed or is_nothing_tried else Exit.WELL


def _document(tried: CanaryTried) -> dict[str, object]:
    trial = tried.trial
    effects = trial.effects if trial else {}
    return {
        "store": tried.store,
        "laid": tried.is_new,
        "changed_by_others": tried.harm.condition.value if tried.harm else None,
        "effects": {
            holder.value: {attempt.value: effect.value for attempt, effect in each.items()}
            for holder, each in effects.items()
        },
        "locked_until": trial.lock_until if trial else None,
        "harmful": [[holder.value, attempt.value] for holder, attempt in trial.harmful] if trial else [],
        "ok": not tried.is_alarming,
    }


def _lines(report: CanaryReport) -> Iterator[str]:
    rows = [row for each in report.tried for row in _rows(each)]
    if rows:
        yield from table((_("store"), _("key"), _("attempt"), _("effect")), rows)
    for each in report.tried:
        yield from _verdict_lines(each)
    for entry, why in report.untried:
        yield said("store {store} was not tried: {why}", store=entry.name, why=why)


def _rows(tried: CanaryTried) -> Iterator[tuple[str, str, str, str]]:
    for holder, effects in (tried.trial.effects if tried.trial else {}).items():
        for attempt, effect in effects.items():
            yield tried.store, word(holder), word(attempt), word(effect)


def _verdict_lines(tried: CanaryTried) -> Iterator[str]:
    if tried.harm is not None:
        yield said(
            "ALARM: the canary in store {store} is {condition}: somebody changed what nobody may change; take the"
            " store's keys out of use, `preserve audit --store {store}`, and then `preserve repair`",
            store=tried.store,
            condition=tried.harm.condition,
        )
        return
    trial = tried.trial
    if trial is None or not trial.effects:
        yield said(
            "store {store} is a folder and has no keys: whoever can write there can delete there; the canary is as it"
            " was",
            store=tried.store,
        )
    elif trial.harmful:
        yield said(
            "ALARM: whoever steals the {holder}'s key of store {store} can destroy what is kept there; take that right"
            " from it (ops/policies-s3 has an example), keep versions, or lock the objects",
            store=tried.store,
            holder=trial.harmful[0][0],
        )
    elif trial.is_held_by_lock:
        yield said(
            "store {store}: the keys could do no harm to a locked object; what is not locked may fare otherwise",
            store=tried.store,
        )
    else:
        yield said("store {store}: the keys could do no harm", store=tried.store)
    if trial is not None and trial.effects and Holder.AUDITOR not in trial.effects:
        yield said(
            "  the writer's key reads there too; name a key of its own for that: `preserve store set {store}"
            " --auditor-profile NAME`",
            store=tried.store,
        )
