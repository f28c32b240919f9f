"""`preserve store thaw`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from preserve.cli.answers import moment_shown
from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.messages import _, counted, said
from preserve.cli.options import acts
from preserve.cli.tables import bounded, byte_count, pairs
from preserve.clock import stamp
from preserve.model.thawing import DEFAULT_DAYS, Tier

if TYPE_CHECKING:
    from preserve.model.thawing import Bags
    from preserve.operations.thaw_store import ThawPlan, ThawRequest
    from preserve.packages.thawing import Thawing

_MICROS = 1_000_000
_CENT = 10_000


@click.command(
    help=_(
        "Have records that a bucket keeps in cold storage brought back for some days; with --plan, say only what lies"
        " frozen, how long that takes and what it is expected to cost.\n\n"
        "Asking again costs nothing while they are on their way or there.  Exit code 75 until all of them can be read;"
        " the same command tells when.  Prices are estimates: put your own into the home, or name them with --prices."
    )
)
@click.argument("name", metavar="NAME")
@click.option("--package", "packages", multiple=True, metavar="ID", help=_("only this package; may be given again"))
@click.option("--all", "wants_all", is_flag=True, help=_("everything that the store holds"))
@click.option(
    "--days",
    metavar="N",
    type=int,
    default=DEFAULT_DAYS,
    show_default=True,
    help=_("for how many days it shall stay readable"),
)
@click.option(
    "--tier",
    type=click.Choice([tier.value for tier in Tier]),
    default=Tier.BULK.value,
    show_default=True,
    help=_("how quickly, and how dearly; not every site has every one for every storage class"),
)
@click.option("--plan", "only_plan", is_flag=True, help=_("ask for nothing, and say what it would be"))
@click.option(
    "--prices", metavar="FILE", type=click.Path(path_type=Path), help=_("reckon with the prices in this file")
)
@click.option("--beyond-budget", is_flag=True, help=_("ask also for what this month's budget does not allow"))
@acts
def thaw(
    call: Call,
    name: str,
    packages: tuple[str, ...],
    wants_all: bool,
    days: int,
    tier: str,
    only_plan: bool,
    prices: Path | None,
    beyond_budget: bool,
) -> Exit:
    from preserve import compose
    from preserve.operations.thaw_store import ThawRequest, plan_thaw, thaw_store

    if wants_all == bool(packages):
        raise click.UsageError(_("say what is to be thawed: --package, or --all"))
    request = ThawRequest(name, packages, Tier(tier), days, beyond_budget)
    with call.workplace() as workplace:
        if prices is not None:
            workplace = replace(workplace, thaw_prices=partial(compose.thaw_prices, call.home(), prices))
        if only_plan:
            plan = plan_thaw(workplace, request)
            return call.answer(_plan_document(request, plan), _plan_lines(request, plan))
        thawing = thaw_store(workplace, request)
        currency = workplace.thaw_prices().currency
        return call.answer(_document(request, thawing, currency), _lines(thawing, currency), _code(thawing))


def _code(thawing: Thawing) -> Exit:
    if thawing.missing:
        return Exit.FINDINGS
    return Exit.UNAVAILABLE if thawing.is_waiting else Exit.WELL


def _bag_documents(bags: Bags) -> list[dict[str, object]]:
    return [
        {"package": bag.package_id, "object": bag.key, "bytes": bag.bytes, "storage_class": bag.storage_class}
        for bag in bags.named
    ]


def _amount(micros: int | None) -> str | None:
    return None if micros is None else f"{micros / _MICROS:.6f}"


def _plan_document(request: ThawRequest, plan: ThawPlan) -> dict[str, object]:
    return {
        "store": request.store,
        "tier": request.tier.value,
        "days": request.days,
        "frozen": _bag_documents(plan.frozen),
        "bytes": plan.frozen.bytes,
        "asked_before": _bag_documents(plan.way),
        "counts": {"frozen": len(plan.frozen), "asked_before": len(plan.way)},
        "readable": plan.readable,
        "missing": plan.missing,
        "expected_hours": plan.hours,
        "expected_cost": _amount(plan.micros),
        "currency": plan.prices.currency,
        "sources": [{"source": source, "verified": is_verified} for source, is_verified in plan.sources],
        "spent_this_month": {"bytes": plan.spent.bytes, "cost": _amount(plan.spent.micros)},
        "budget_per_month": {"bytes": plan.budget.bytes, "cost": _amount(plan.budget.micros)},
    }


def _plan_lines(request: ThawRequest, plan: ThawPlan) -> Iterator[str]:
    yield from pairs(
        [
            (_("lie frozen"), counted("{count} bag", "{count} bags", len(plan.frozen))),
            (_("bytes"), byte_count(plan.frozen.bytes)),
            (_("asked for before"), len(plan.way)),
            (_("can be read now"), plan.readable),
            (_("not there"), plan.missing),
            (_("should be there within"), counted("{count} hour", "{count} hours", plan.hours)),
            (_("expected cost"), _cost_said(plan.micros, plan.prices.currency)),
            (_("asked for this month"), byte_count(plan.spent.bytes)),
        ]
    )
    for source, is_verified in plan.sources if plan.frozen else ():
        yield f"  {source}" if is_verified else said("  {source} [unverified]", source=source)
    yield from bounded(f"  {bag.package_id}  {byte_count(bag.bytes)}  {bag.storage_class}" for bag in plan.frozen.named)


def _cost_said(micros: int | None, currency: str) -> str:
    if micros is None:
        return _("no price is known")
    amount = f"{-(-micros // _CENT) / 100:.2f}"  # upwards: never nothing for what costs something
    return said("about {amount} {currency} (an estimate, no bill)", amount=amount, currency=currency)


def _document(request: ThawRequest, thawing: Thawing, currency: str) -> dict[str, object]:
    return {
        "store": request.store,
        "tier": request.tier.value,
        "days": request.days,
        "asked": _bag_documents(thawing.asked),
        "asked_before": _bag_documents(thawing.way),
        "beyond_budget": _bag_documents(thawing.beyond),
        "refused": _bag_documents(thawing.refused),
        "counts": {
            "asked": len(thawing.asked),
            "asked_before": len(thawing.way),
            "beyond_budget": len(thawing.beyond),
            "refused": len(thawing.refused),
        },
        "readable": thawing.readable,
        "missing": thawing.missing,
        "expected_at": stamp(thawing.expected_at) if thawing.expected_at else None,
        "expected_cost": _amount(thawing.micros),
        "currency": currency,
    }


def _lines(thawing: Thawing, currency: str) -> Iterator[str]:
    yield counted("{count} bag can be read now", "{count} bags can be read now", thawing.readable)
    if thawing.asked:
        yield counted(
            "{count} bag was asked for now, {cost}",
            "{count} bags were asked for now, {cost}",
            len(thawing.asked),
            cost=_cost_said(thawing.micros, currency),
        )
    if thawing.way:
        yield counted(
            "{count} bag was asked for before, and is on its way",
            "{count} bags were asked for before, and are on their way",
            len(thawing.way),
        )
    if thawing.expected_at is not None:
        yield said("expected by {moment}; the same command tells", moment=moment_shown(stamp(thawing.expected_at)))
    if thawing.beyond:
        yield counted(
            "NOT asked for: {count} bag, beyond the budget of this month; --beyond-budget asks for it all the same",
            "NOT asked for: {count} bags, beyond the budget of this month; --beyond-budget asks for them all the same",
            len(thawing.beyond),
        )
    if thawing.refused:
        yield counted(
            "NOT asked for: {count} bag that lies frozen by the site's own word, and that the site does not thaw;"
            " ask those who run the site",
            "NOT asked for: {count} bags that lie frozen by the site's own word, and that the site does not thaw;"
            " ask those who run the site",
            len(thawing.refused),
        )
    if thawing.missing:
        yield counted(
            "NOT there: {count} bag; `preserve audit --store {store}` finds out which",
            "NOT there: {count} bags; `preserve audit --store {store}` finds out which",
            thawing.missing,
            store=thawing.store,
        )
