"""May the ledger that a store gave back be the beginning of a home?

A home whose ledger lacks entries that a checkpoint attests signs another history, and every store that holds the rest
contradicts it from then on.  So a person has to ask for that.
"""

from __future__ import annotations

from preserve.errors import Refused, Tampered
from preserve.model import events
from preserve.model.nouns import Condition, Finding, StoreEntry
from preserve.ports import Store
from preserve.state import stored_ledger
from preserve.state.books import Books
from preserve.state.stored_ledger import Bundle
from preserve.state.stored_reading import StoredLedger, begins_with

MOST_NAMED = 10
"""How many damaged objects a refusal names."""


def raise_if_contradicted(store: Store, ledger: StoredLedger, entries: int) -> None:
    """Raises `Refused` where a bundle holds whole entries that its checkpoint does not bear out.

    A letter that rotted within a word looks just like a word that somebody changed: without the key nobody can make
    the checkpoint fit either, so it is damage like any other, and is told with both that may have done it.
    """
    if ledger.is_whole:
        return
    for finding in ledger.findings:
        if finding.condition is Condition.DAMAGED and _is_made_of_entries(store, finding):
            raise Refused(
                "store {store}: {key} holds whole entries, and the signed checkpoints say that there were others: a"
                " letter rotted within a word, or somebody rewrote them. Rebuild from another store if there is one;"
                " --partial takes the {count} entries before it and adopts the packages",
                store=finding.store,
                key=finding.where,
                count=entries,
            )


def raise_unless_whole(store: Store, ledger: StoredLedger, entries: int) -> None:
    """Raises `Refused` where a store lacks entries that its own checkpoints attest, or has no ledger at all."""
    if ledger.is_whole:
        return
    if not ledger.attested:
        raise Refused(
            "store {store} holds no ledger that a checkpoint attests; rebuild from another store that does, or begin a"
            " new history from the packages alone with --partial: stores that hold the ledger will contradict it",
            store=store.name,
        )
    raise Refused(
        "the ledger in store {store} is damaged: only {count} of its {attested} entries can be proven; these"
        " objects do not fit: {objects}."
        " Rebuild from another store that holds it whole, or begin a new history from what can be proven with"
        " --partial: stores that hold more will contradict it",
        store=store.name,
        count=entries,
        attested=ledger.attested,
        objects=_named(store, ledger, entries),
    )


def raise_unless_expected(store: Store, ledger: StoredLedger, expected_key: str) -> None:
    """Raises `Tampered` where the key that a person has on paper never signed this ledger."""
    if expected_key not in [key.verifier_key for key in ledger.keys]:
        raise Tampered(
            "the ledger in store {store} is signed by {found}, never by the key you gave; it is another archive's"
            " ledger, or a forged one",
            store=store.name,
            found=ledger.keys[-1].verifier_key,
        )


def raise_if_surpassed(books: Books, entry: StoreEntry, store: Store, entries: int) -> None:
    """Raises `Refused` where another store proves more of the ledger than the `entries` that the books begin with."""
    if not any(head.size > entries for head in stored_ledger.heads_after(store, entries)):
        return
    ledger = StoredLedger([store])
    reading = ledger.entries()
    if not begins_with(reading, entries, books.root(entries)):
        return
    more = sum(1 for _ in reading)
    if more:
        raise Refused(
            "store {store} knows more of this ledger: {there} entries, and only {here} can be proven here; a home"
            " without them would be contradicted by it from then on. Rebuild with --from {place} (or, where that store"
            " went another way and shall not count, add --despite-contradiction)",
            store=entry.name,
            there=entries + more,
            here=entries,
            place=entry.url,
        )


def _is_made_of_entries(store: Store, finding: Finding) -> bool:
    listed = [bundle for bundle in stored_ledger.survey(store).bundles if bundle.key == finding.where]
    return bool(listed) and _holds_entries(store, listed[0])


def _holds_entries(store: Store, bundle: Bundle) -> bool:
    content = stored_ledger.fetch(store, bundle.key, bundle.size_bytes)
    if isinstance(content, Finding):
        return False
    return all(_is_entry(line) for line in content.removesuffix(b"\n").split(b"\n"))


def _is_entry(line: bytes) -> bool:
    """Whether a line is, byte for byte, an entry as this program writes them."""
    try:
        return events.encode(events.decode(line)) == line
    except ValueError:
        return False


def _named(store: Store, ledger: StoredLedger, entries: int) -> str:
    """The objects that do not fit.  Where a harmed bundle hides the key, the reading finds fault with the checkpoints
    alone; so the bundle at which it ended is looked at too."""
    ended_at = [bundle for bundle in stored_ledger.survey(store).bundles if bundle.first <= entries <= bundle.last]
    harmed = [bundle.key for bundle in ended_at if not ledger.keys or not _holds_entries(store, bundle)]
    named = list(dict.fromkeys([*harmed, *(finding.where for finding in ledger.findings)]))
    return ", ".join(named[:MOST_NAMED]) + (f", … (+{len(named) - MOST_NAMED})" if len(named) > MOST_NAMED else "")
