"""Merkle tree hashes, audit paths and consistency proofs of an append-only log (RFC 6962, 2.1).

The tree is never held as a whole: a log keeps the hashes of its perfect subtrees in the order in which they become
complete (`stored_position`), and grows by its frontier alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256().digest()
"""The root of a log without entries (RFC 6962, 2.1)."""

NodeHash = Callable[[int, int], bytes]
"""(level, index) -> hash of the perfect subtree over the leaves `index << level` .. `(index + 1) << level`."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash of one entry as a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: the roots of its maximal perfect subtrees, largest first."""

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        if len(hashes) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} perfect subtrees, not {len(hashes)}")
        self.size = size
        self.hashes = list(hashes)

    def add(self, leaf: bytes) -> list[bytes]:
        """Append one leaf hash; returns it and the parents it completes: what a log stores, in stored order."""
        completed = [leaf]
        carry = self.size
        while carry & 1:
            completed.append(node_hash(self.hashes.pop(), completed[-1]))
            carry >>= 1
        self.hashes.append(completed[-1])
        self.size += 1
        return completed

    def root(self) -> bytes:
        """The Merkle tree hash of all leaves added so far."""
        if not self.hashes:
            return EMPTY_ROOT
        root = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            root = node_hash(left, root)
        return root


def stored_position(level: int, index: int) -> int:
    """Where the hash of a perfect subtree stands when hashes are stored in the order in which they become complete."""
    last_leaf = ((index + 1) << level) - 1
    return stored_count(last_leaf) + level


def stored_count(size: int) -> int:
    """How many hashes a log of `size` entries stores: one for each leaf and each perfect inner subtree."""
    return 2 * size - size.bit_count()


def root_at(size: int, node: NodeHash) -> bytes:
    """The Merkle tree hash of the first `size` entries, from O(log size) stored hashes."""
    return _range_hash(0, size, node) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, node: NodeHash) -> list[bytes]:
    """The audit path of entry `index` in the tree of the first `size` entries (RFC 6962, 2.1.1)."""
    if not 0 <= index < size:
        raise ValueError(f"entry {index} is not among the first {size}")
    return list(_path(index, 0, size, node))


def consistency_proof(old_size: int, size: int, node: NodeHash) -> list[bytes]:
    """The proof that the first `old_size` entries are a prefix of the first `size` (RFC 6962, 2.1.2)."""
    if not 0 < old_size <= size:
        raise ValueError(f"no proof leads from {old_size} to {size} entries")
    return list(_subproof(old_size, 0, size, True, node))


def verify_inclusion(entry: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether `path` proves that `entry` is number `index` of the `size` entries under `root` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    number, last, found = index, size - 1, leaf_hash(entry)
    for sibling in path:
        if last == 0:
            return False
        if number & 1 or number == last:
            found = node_hash(sibling, found)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        number, last = number >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the tree under `root` continues the one under `old_root` (RFC 9162, 2.1.4.2)."""
    if not 0 < old_size <= size:
        return False
    if old_size == size:
        return not proof and old_root == root
    # Where the old tree is one perfect subtree, its root is the first node of the proof and left out of it.
    hashes = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if not hashes:
        return False
    number, last = old_size - 1, size - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    old_found = found = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            old_found, found = node_hash(sibling, old_found), node_hash(sibling, found)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        number, last = number >> 1, last >> 1
    return last == 0 and old_found == old_root and found == root


def _split(count: int) -> int:
    """The largest power of two smaller than `count` (RFC 6962, 2.1)."""
    return 1 << ((count - 1).bit_length() - 1)


def _range_hash(start: int, end: int, node: NodeHash) -> bytes:
    count = end - start
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return node(level, start >> level)
    middle = start + _split(count)
    return node_hash(_range_hash(start, middle, node), _range_hash(middle, end, node))


def _path(index: int, start: int, end: int, node: NodeHash) -> Iterator[bytes]:
    if end - start == 1:
        return
    middle = start + _split(end - start)
    if index < middle:
        yield from _path(index, start, middle, node)
        yield _range_hash(middle, end, node)
    else:
        yield from _path(index, middle, end, node)
        yield _range_hash(start, middle, node)


def _subproof(old_end: int, start: int, end: int, is_whole: bool, node: NodeHash) -> Iterator[bytes]:
    if old_end == end:
        if not is_whole:
            yield _range_hash(start, end, node)
        return
    middle = start + _split(end - start)
    if old_end <= middle:
        yield from _subproof(old_end, start, middle, is_whole, node)
        yield _range_hash(middle, end, node)
    else:
        yield from _subproof(old_end, middle, end, False, node)
        yield _range_hash(start, middle, node)
