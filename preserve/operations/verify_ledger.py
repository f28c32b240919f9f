"""Verify the ledger: against itself, and against what the stores attest of it.

Where the books do not fit themselves, or contradict what a store's checkpoints prove, the books are wrong: stores are
then judged by their own checkpoints alone, and those that hold the ledger whole are named to make a home from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from preserve.errors import Behind, PreserveError, Tampered, Unavailable, Unreadable
from preserve.model.complaints import ComplaintList, Complaints
from preserve.model.nouns import Finding
from preserve.packages.discerning import Discerning
from preserve.state import key_changes, publishing
from preserve.state.key_changes import KeyChange
from preserve.state.self_evidence import SelfEvidence, examine
from preserve.state.verification import LedgerVerdict, verify_books
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """What came out.

    `complaints` say what does not fit, in the books or between them and a store.  `attested` counts, for each store
    that could be read, the entries that stand there too; `findings` are damaged objects of the ledger there, with the
    id under which an audit booked them, if one did; `away` says why a store could not be asked.

    Where `are_books_wrong`, nothing is attested and `findings` are by the stores' own checkpoints; `witnesses` counts,
    for each store that holds this ledger whole by those, the entries that a home can be made of again.

    Where `are_books_behind`, the only complaint is that stores attest more than the books have: catching up mends it,
    and finds out whether what the stores hold goes on from what the books have.

    `key_changes` are for who knew an earlier key: each link says whether the old key handed over to the new one.
    """

    verdict: LedgerVerdict
    complaints: Complaints
    attested: Mapping[str, int]
    findings: tuple[Finding, ...]
    away: Mapping[str, PreserveError]
    are_books_wrong: bool = False
    are_books_behind: bool = False
    witnesses: Mapping[str, int] = field(default_factory=dict)
    key_changes: tuple[KeyChange, ...] = ()

    @property
    def is_ok(self) -> bool:
        """Whether nothing was changed, cut off or reordered, as far as could be seen."""
        return self.complaints.count == 0

    @property
    def is_unasked(self) -> bool:
        """Whether stores should have been asked, and none could be: the books were compared with nothing."""
        return bool(self.away) and not self.attested and self.is_ok


def verify(workplace: Workplace, stores: Sequence[str] = ()) -> LedgerReport:
    """Check the books against themselves and against `stores` (empty: all).  Raises `Refused` for an unknown store."""
    books = workplace.books
    names = [books.store(name).name for name in stores] or list(workplace.stores)
    verdict = verify_books(books)
    complaints = ComplaintList()
    complaints.take_all(verdict.complaints.named)
    complaints.count = verdict.complaints.count
    attested: dict[str, int] = {}
    findings: list[Finding] = []
    away: dict[str, PreserveError] = {}
    contradicting: set[str] = set()
    ahead: set[str] = set()
    for name in names:
        try:
            seen = publishing.checked(books, Discerning(workplace.stores[name]))
            findings += (books.open_finding(harm) or harm for harm in seen.harms)
            attested[name] = seen.attested
        except Unavailable as error:
            away[name] = error
        except Behind as error:
            ahead.add(name)
            complaints.add("store-ahead", name, error.template, **error.values)
        except Tampered as error:
            contradicting.add(name)
            complaints.add("store-contradicts", name, error.template, **error.values)
    are_behind = bool(ahead) and not contradicting and verdict.is_ok
    if complaints.count and not are_behind:
        evidence = _by_themselves(workplace, names, away)
        witnesses = _witnesses(workplace, evidence)
        if not verdict.is_ok or not contradicting.isdisjoint(witnesses):
            findings = [finding for found in evidence.values() for finding in found.findings]
            return LedgerReport(
                verdict, complaints.freeze(), {}, tuple(findings), away, are_books_wrong=True, witnesses=witnesses
            )
    changed = tuple(key_changes.changes(books)) if verdict.is_ok else ()
    return LedgerReport(
        verdict,
        complaints.freeze(),
        attested,
        tuple(findings),
        away,
        are_books_behind=are_behind,
        key_changes=changed,
    )


def _by_themselves(
    workplace: Workplace, names: Sequence[str], away: dict[str, PreserveError]
) -> Mapping[str, SelfEvidence]:
    """What each store that can be asked says by itself; those that cannot go to `away`."""
    evidence = {}
    for name in names:
        if name not in away:
            try:
                evidence[name] = examine(workplace.stores[name])
            except (Unavailable, Unreadable) as error:
                away[name] = error
    return evidence


def _witnesses(workplace: Workplace, evidence: Mapping[str, SelfEvidence]) -> dict[str, int]:
    """Of the stores that hold a ledger whole, those whose ledger has a key in common with the books."""
    ours = {key.verifier_key for key in workplace.books.verifier_keys()}
    return {name: found.proven for name, found in evidence.items() if found.is_whole and ours & set(found.keys)}
