"""Make the fittings of a store anew: its rescue kit from the program, identity, ledger and policies from the books.

What the books do not keep (a checkpoint that a home before this one signed, a policy that only stores know) is signed
anew where the key for it is at hand, or taken from another store that has it soundly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from preserve.errors import PreserveError, Refused, Unavailable, Unreadable
from preserve.model import medium_labels
from preserve.model.digests import sha256
from preserve.model.keys import Key, split_generation
from preserve.model.nouns import Finding
from preserve.packages import canary, identity, kit
from preserve.packages.identity import Identity
from preserve.packages.kit import Kit
from preserve.packages.repairing.remaking import How, NotRepaired, Repaired
from preserve.ports import Store
from preserve.state import checkpoints, publishing, stored_ledger
from preserve.state.books import Books
from preserve.state.notes import Signer


class Refitting:
    """The fittings of `store`; `others` are the stores that may have what the books do not."""

    def __init__(self, books: Books, store: Store, others: Sequence[Store], wanted: Kit, signer: Signer | None) -> None:
        self._books = books
        self._store = store
        self._others = others
        self._kit = canary.fitted(books, store.name, wanted)
        self._signer = signer

    def make(self, harms: Iterable[Finding]) -> Iterator[tuple[Finding, Repaired | NotRepaired]]:
        """Make each object anew, as a further generation, and read it back.

        Raises `Unavailable`, `NoSpace`, and `Tampered` where the store does not keep what it takes.
        """
        of_the_books = []
        for harm in harms:
            name = split_generation(harm.where)[0]
            if name == identity.IDENTITY:
                yield harm, self._identify()
            elif name in self._kit:
                yield harm, self._lay(name)
            elif name.startswith(f"{medium_labels.FOLDER}/"):
                yield harm, self._label(name)
            else:
                of_the_books.append(harm)
        for harm, key in publishing.heal(self._books, self._store, of_the_books, self._elsewhere):
            yield harm, self._not_known(harm) if key is None else self._made(key)

    def _identify(self) -> Repaired | NotRepaired:
        entry = self._books.store(self._store.name)
        present = identity.newest(self._store)
        since = present.created_at if present else ""
        try:
            return self._made(identity.lay_anew(self._store, Identity(entry.store_id, entry.name, entry.role, since)))
        except Refused as error:
            return NotRepaired(None, self._store.name, identity.IDENTITY, error)

    def _lay(self, name: str) -> Repaired | NotRepaired:
        try:
            written = kit.lay(self._store, {name: self._kit[name]})
        except Refused as error:
            return NotRepaired(None, self._store.name, name, error)
        return self._made(written[0] if written else Key(name))

    def _label(self, name: str) -> NotRepaired:
        medium = self._books.medium_of_store(self._store.name)
        number = medium.number if medium else self._store.name
        why = PreserveError(
            "a label is not made anew: `preserve medium label {medium}` lays a further one, of what is on it now",
            medium=number,
        )
        return NotRepaired(None, self._store.name, name, why)

    def _made(self, key: Key) -> Repaired:
        name, generation = split_generation(key)
        return Repaired(None, self._store.name, name, generation, (), {}, 0, self._store.stat(key).size, How.REMADE)

    def _not_known(self, harm: Finding) -> NotRepaired:
        why = PreserveError(
            "neither the books nor another store in reach know what {key} should hold; the other objects of the ledger"
            " prove the same entries without it",
            key=harm.where,
        )
        if harm.where == stored_ledger.FOLDER:  # it may not be listed, and so nobody knows what is harmed below it
            why = PreserveError("store {store}: {why}", store=harm.store, why=harm.found)
        return NotRepaired(None, self._store.name, split_generation(harm.where)[0], why)

    def _elsewhere(self, key: Key) -> bytes | None:
        size = stored_ledger.checkpoint_size(key)
        if size is not None:
            return self._signed_anew(size) or self._from_others(key, lambda note: self._is_checkpoint(note, size))
        if key.startswith(stored_ledger.POLICIES):
            return self._from_others(key, lambda content: stored_ledger.policy_key(sha256(content).hex()) == key)
        return None

    def _signed_anew(self, size: int) -> bytes | None:
        if self._signer is None:
            return None
        try:
            return checkpoints.make(self._books, self._signer, size)
        except Refused:  # another key signed so far back, or this one cannot be opened now
            return None

    def _is_checkpoint(self, note: bytes, size: int) -> bool:
        try:
            checkpoint = checkpoints.read(note, self._books.verifier_keys())
        except ValueError:
            return False
        return (checkpoint.size, checkpoint.root) == (size, self._books.root(size))

    def _from_others(self, key: Key, is_sound: Callable[[bytes], bool]) -> bytes | None:
        for store in self._others:
            try:
                for facts in stored_ledger.generations(store, key):
                    content = stored_ledger.fetch(store, facts.key, facts.size)
                    if not isinstance(content, Finding) and is_sound(content):
                        return content
            except (Unavailable, Unreadable):
                continue
        return None
