"""`preserve store add|check|set|mend|retire|canary|locks|extend-locks|thaw|list|show`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from preserve.cli.answers import moment_shown
from preserve.cli.calls import Call
from preserve.cli.capabilities import capability_lines
from preserve.cli.commands.canaries import canary
from preserve.cli.commands.locking import extend_locks, locks
from preserve.cli.commands.retiring import retire
from preserve.cli.commands.setting import profile_document, set_
from preserve.cli.commands.thawing import thaw
from preserve.cli.exits import Exit
from preserve.cli.help import Group
from preserve.cli.messages import (
    _,
    attribute_word,
    complaint_documents,
    complaint_lines,
    counted,
    error_said,
    resaid,
    said,
    word,
)
from preserve.cli.options import acts, asks, reaches_stores
from preserve.cli.shortfalls import shared_lines
from preserve.cli.store_facts import medium_lines, told_facts
from preserve.cli.tables import byte_count, pairs, table
from preserve.errors import Expected, Unavailable
from preserve.model.credentials import profiles
from preserve.model.links import LINK_FACTS, is_away_as_expected
from preserve.model.nouns import CopyState, RetiredStore, Role, StoreEntry
from preserve.model.separation import ATTRIBUTES
from preserve.model.store_changes import STORAGE_CLASS, THAW_BYTES, THAW_COST, StoreChanges

if TYPE_CHECKING:
    from preserve.operations.add_store import Added, Verdict
    from preserve.operations.mend_store import Mended
    from preserve.state.registers import Probe
    from preserve.workplace import Workplace


@click.group(
    cls=Group,
    help=_(
        "Places that keep copies: add, check, list and show them, change what is registered of them, mend their"
        " identity, retire what is lost or worn out."
    ),
)
def store() -> None:
    pass


@store.command(
    help=_(
        "Try out a place, set it up as a store, register it, and put the rescue kit into it.\n\n"
        "The attributes say what copies must differ in, so that one fire, flood or power cut cannot take them all.\n\n"
        "For a store that is registered already, what is given is changed and the rest stays; `preserve store set` also"
        " takes away."
    )
)
@click.argument("name", metavar="NAME")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    required=True,
    help=_(
        "what it is for: primary holds the copies at hand, same_city those in another building of the city,"
        " remote_offline those far away and offline"
    ),
)
@click.option(
    "--url",
    metavar="URL",
    required=True,
    help=_("file:///absolute/folder, or s3://bucket/prefix?endpoint=https://host:port"),
)
@told_facts
@click.option(
    "--jurisdiction", metavar="CC", default="CN", show_default=True, help=_("the country it lies in; only CN is lawful")
)
@acts
@reaches_stores
def add(call: Call, name: str, role: str, url: str, jurisdiction: str, facts: StoreChanges) -> Exit:
    from preserve import compose
    from preserve.operations.add_store import add_store
    from preserve.packages import places

    with call.workplace() as workplace:
        retired = workplace.books.retired_store(name)
        ever = [*workplace.books.stores(), *([retired.entry] if retired else [])]
        known = next((entry for entry in ever if entry.name == name), None)
        plain = StoreEntry(name, "", Role(role), url)
        before = plain if known is None else replace(known, store_id="", role=plain.role, url=url)
        attributes = {"jurisdiction": jurisdiction, **facts.attributes}
        wanted = replace(facts, attributes=attributes).applied(before)
        if facts.is_mounted_only:
            wanted = places.mounted(wanted, workplace.home)
        if known is not None:
            compose.require_open(workplace, wanted)
        place = compose.place(wanted, workplace.clock, workplace.progress.alert)
        added = add_store(workplace, wanted, place, compose.kit())
        document = {
            **_entry_document(added.entry),
            "adopted": added.adopted,
            "ok": added.verdict.is_ok,
            "complaints": _complaint_documents(added.verdict),
            "shared": [
                {"with": shared.other, "attribute": shared.attribute, "value": shared.value} for shared in added.shared
            ],
            "same_device": list(added.same_device),
            "beside_home": added.is_beside_home,
            "retired_before": added.returned is not None,
        }
        return call.answer(document, _added_lines(added))


@store.command(help=_("Try out a registered store: what it can do, what it cannot, and what follows from that."))
@click.argument("name", metavar="NAME")
@acts
@reaches_stores
def check(call: Call, name: str) -> Exit:
    from preserve import compose
    from preserve.operations.add_store import check_store

    with call.workplace() as workplace:
        entry = workplace.books.store(name)
        compose.require_open(workplace, entry)
        verdict = check_store(workplace, entry, compose.place(entry, workplace.clock, workplace.progress.alert))
        document = {
            "store": name,
            "ok": verdict.is_ok,
            "capabilities": dict(verdict.capabilities),
            "complaints": _complaint_documents(verdict),
        }
        return call.answer(document, _checked_lines(entry, verdict), Exit.WELL if verdict.is_ok else Exit.FINDINGS)


@store.command(
    help=_(
        "Lay the store.json of a registered store anew when it was damaged or lost.\n\n"
        "Its ledger and its packages must show that it is that store, and no other that could as well lie there may be"
        " away; what does not fit is named (exit code 3), and nothing is changed then."
    )
)
@click.argument("name", metavar="NAME")
@click.option("--certain", is_flag=True, help=_("the medium's own label says which store it is"))
@acts
@reaches_stores
def mend(call: Call, name: str, certain: bool) -> Exit:
    from preserve import compose
    from preserve.operations.mend_store import mend_store

    with call.workplace() as workplace:
        entry = workplace.books.store(name)
        compose.require_open(workplace, entry)
        mended = mend_store(workplace, name, compose.founding(entry, workplace.clock), is_certain=certain)
        evidence = mended.evidence
        document = {
            "store": name,
            "laid": mended.key,
            "ledger_entries": evidence.entries if evidence else None,
            "packages_tried": evidence.fitting + len(evidence.not_fitting) if evidence else None,
            "packages_fitting": evidence.fitting if evidence else None,
        }
        return call.answer(document, _mended_lines(mended))


def _mended_lines(mended: Mended) -> Iterator[str]:
    if mended.evidence is None:
        yield said("store.json of store {store} is right; nothing was changed", store=mended.store)
        return
    yield said("store {store} has its identity again, in {key}", store=mended.store, key=mended.key)
    yield said(
        "it attests {entries} entries of this ledger, and {fitting} of {tried} packages that were tried are in it",
        entries=mended.evidence.entries,
        fitting=mended.evidence.fitting,
        tried=mended.evidence.fitting + len(mended.evidence.not_fitting),
    )


@store.command("list", help=_("List the registered stores, whether they can be reached, and those that were retired."))
@asks
def list_(call: Call) -> Exit:
    with call.workplace(patient=False) as workplace:
        stands = [_stand(workplace, entry) for entry in workplace.books.stores()]
        retired = workplace.books.retired_stores()
        document = {
            "stores": [_stand_document(each) for each in stands],
            "retired": [_retired_document(each) for each in retired],
        }
        return call.answer(document, _list_lines(stands, retired))


def _list_lines(stands: Sequence[_Stand], retired: Sequence[RetiredStore]) -> Iterator[str]:
    rows = ((each.entry.name, word(each.entry.role), _state_said(each), each.entry.url) for each in stands)
    head = (_("store"), _("role"), _("state"), _("place"))
    yield from table(head, rows, none=_("No store is registered; add one with `preserve store add`."))
    if retired:
        yield ""
        gone = (
            (each.entry.name, word(each.entry.role), each.day, _("yes") if each.is_lost else _("no"), each.why)
            for each in retired
        )
        yield from table((_("retired store"), _("role"), _("retired on"), _("lost"), _("reason")), gone)


def _retired_document(retired: RetiredStore) -> dict[str, object]:
    return {
        **_entry_document(retired.entry),
        "retired_at": retired.retired_at,
        "reason": retired.why,
        "lost": retired.is_lost,
        "copies": retired.copies,
    }


@store.command(help=_("Show one store: its attributes, what it can do, what it holds."))
@click.argument("name", metavar="NAME")
@asks
def show(call: Call, name: str) -> Exit:
    with call.workplace(patient=False) as workplace:
        stand = _stand(workplace, workplace.books.store(name))
        probe = workplace.books.probe(name)
        counts = Counter(copy.state for copy in workplace.books.copies(store=name))
        document = {
            **_stand_document(stand),
            "probed_at": probe.probed_at if probe else None,
            "ok": probe.is_ok if probe else None,
            "complaints": list(probe.complaints) if probe else [],
            "copies": {state.value: count for state, count in counts.items()},
            "ledger_entries": workplace.books.pushed(name),
        }
        return call.answer(document, _store_lines(stand, probe, counts, workplace.books.pushed(name)))


@dataclass(frozen=True, slots=True)
class _Stand:
    """A registered store, and how it answered just now."""

    entry: StoreEntry
    free_bytes: int | None
    away_because: Unavailable | None


def _stand(workplace: Workplace, entry: StoreEntry) -> _Stand:
    try:
        return _Stand(entry, workplace.stores[entry.name].free_bytes(), None)
    except Unavailable as error:
        return _Stand(entry, None, error)


def _stand_document(stand: _Stand) -> dict[str, object]:
    reason = error_said(stand.away_because) if stand.away_because else None
    return {
        **_entry_document(stand.entry),
        "reachable": stand.away_because is None,
        "away_because": reason,
        "away_as_expected": stand.away_because is not None and is_away_as_expected(stand.entry, stand.away_because),
        "free_bytes": stand.free_bytes,
    }


def _entry_document(entry: StoreEntry) -> dict[str, object]:
    return {
        "store": entry.name,
        "store_id": entry.store_id,
        "role": entry.role.value,
        "url": entry.url,
        **profile_document(entry),
        "attributes": dict(entry.attributes),
        "capabilities": dict(entry.capabilities),
    }


def _complaint_documents(verdict: Verdict) -> list[dict[str, str]]:
    from preserve.stores.probing import ProbeComplaint

    documents = complaint_documents(verdict.complaints.named)
    for document, complaint in zip(documents, verdict.complaints.named, strict=True):
        if isinstance(complaint, ProbeComplaint):
            document["severity"] = complaint.severity.value
    return documents


def _state_said(stand: _Stand) -> str:
    if isinstance(stand.away_because, Expected):
        return _("away, as expected")
    if stand.away_because:
        return _("away")
    return said("{free} free", free=byte_count(stand.free_bytes)) if stand.free_bytes is not None else _("there")


def _added_lines(added: Added) -> Iterator[str]:
    if added.returned is not None:
        yield counted(
            "store {store}, retired on {day}, is in use again; {count} copy in it is suspect until `preserve audit"
            " --store {store}` has read it",
            "store {store}, retired on {day}, is in use again; {count} copies in it are suspect until `preserve audit"
            " --store {store}` has read them",
            added.returned.copies,
            store=added.entry.name,
            day=added.returned.day,
        )
    elif added.adopted:
        yield said("store {store} was there already and is registered", store=added.entry.name)
    else:
        yield said("store {store} was set up and registered", store=added.entry.name)
    yield from _verdict_lines(added.verdict)
    yield from medium_lines(added.entry)
    yield from shared_lines(added.shared)
    for other in added.same_device:
        yield said(
            "warning: {store} and {other} lie on one device, or at one site of S3: one failure can take both copies",
            store=added.entry.name,
            other=other,
        )
    if added.is_beside_home:
        yield said(
            "warning: {store} is to be offline, and lies on the device that holds the home: is its medium mounted?",
            store=added.entry.name,
        )


def _checked_lines(entry: StoreEntry, verdict: Verdict) -> Iterator[str]:
    if verdict.is_ok:
        yield said("store {store} keeps what it is given", store=entry.name)
    else:
        yield said("store {store} must not be relied on", store=entry.name)
    yield from _verdict_lines(verdict)
    if not entry.is_networked:
        yield _("it is a folder and has no keys: whoever can write there can erase there")
    elif entry.disposer_profile is None:
        yield said("what its keys could do to what is kept, `preserve store canary {store}` tries", store=entry.name)
    else:
        yield said(
            "what may be erased is said of the disposer's key; what the other keys could do to what is kept,"
            " `preserve store canary {store}` tries",
            store=entry.name,
        )


def _verdict_lines(verdict: Verdict) -> Iterator[str]:
    yield from capability_lines(verdict.capabilities)
    yield from complaint_lines(verdict.complaints)


def _store_lines(stand: _Stand, probe: Probe | None, counts: Mapping[CopyState, int], published: int) -> Iterator[str]:
    entry = stand.entry
    rows: list[tuple[str, object]] = [
        (_("store"), entry.name),
        (_("id"), entry.store_id),
        (_("role"), word(entry.role)),
        (_("place"), entry.url),
        (_("state"), _state_said(stand)),
    ]
    rows += [
        (attribute_word(name), entry.attributes[name])
        for name in (*ATTRIBUTES, *LINK_FACTS)
        if name in entry.attributes
    ]
    rows += _cold_rows(entry)
    rows += [(said("key of the {holder}", holder=holder), profile) for holder, profile in profiles(entry)]
    rows.append((_("probed"), moment_shown(probe.probed_at if probe else None)))
    rows += [(word(state), counted("{count} copy", "{count} copies", count)) for state, count in counts.items()]
    rows.append((_("ledger"), counted("{count} entry", "{count} entries", published)))
    yield from pairs(rows)
    if stand.away_because:
        yield error_said(stand.away_because)
    for complaint in probe.complaints if probe else ():
        yield f"  - {resaid(complaint)}"


def _cold_rows(entry: StoreEntry) -> Iterator[tuple[str, object]]:
    """What is registered of its cold storage."""
    told = entry.attributes
    if STORAGE_CLASS in told:
        yield _("storage class"), told[STORAGE_CLASS]
    if THAW_BYTES in told:
        yield _("thawed a month, at most"), byte_count(int(told[THAW_BYTES]))
    if THAW_COST in told:
        yield _("spent on it a month, at most"), f"{int(told[THAW_COST]) / 1_000_000:.2f}"


# After those declared here, so that help names a group's commands in the order in which one comes to need them.
store.add_command(set_)
store.add_command(retire)
store.add_command(canary)
store.add_command(locks)
store.add_command(extend_locks)
store.add_command(thaw)
