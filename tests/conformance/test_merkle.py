"""The Merkle tree is that of RFC 6962: reference trees and proofs of Certificate Transparency, then any tree."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preserve.model import merkle

# The eight leaves and the roots that the Certificate Transparency implementations are tested with.
LEAVES = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")] + [
    bytes.fromhex("606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY: dict[tuple[int, int], list[str]] = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
    (6, 7): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}


class Stored:
    """A log that keeps its hashes in stored order, as the books do."""

    def __init__(self, entries: Sequence[bytes]) -> None:
        self.edge = merkle.Frontier()
        self.hashes: list[bytes] = []
        for entry in entries:
            self.hashes.extend(self.edge.add(merkle.leaf_hash(entry)))

    def node(self, level: int, index: int) -> bytes:
        return self.hashes[merkle.stored_position(level, index)]


def by_definition(entries: Sequence[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if len(entries) <= 1:
        return merkle.leaf_hash(entries[0]) if entries else merkle.EMPTY_ROOT
    middle = 1
    while middle * 2 < len(entries):
        middle *= 2
    return merkle.node_hash(by_definition(entries[:middle]), by_definition(entries[middle:]))


@pytest.mark.parametrize("size", range(9))
def test_the_reference_tree_has_the_published_roots(size: int) -> None:
    assert Stored(LEAVES[:size]).edge.root().hex() == ROOTS[size]
    assert merkle.root_at(size, Stored(LEAVES).node).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_audit_paths_are_the_published_ones(index: int, size: int) -> None:
    path = merkle.inclusion_proof(index, size, Stored(LEAVES).node)
    assert [value.hex() for value in path] == INCLUSION[index, size]
    assert merkle.verify_inclusion(LEAVES[index], index, size, path, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_consistency_proofs_are_the_published_ones(old: int, new: int) -> None:
    proof = merkle.consistency_proof(old, new, Stored(LEAVES).node)
    assert [value.hex() for value in proof] == CONSISTENCY[old, new]
    roots = bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new])
    assert merkle.verify_consistency(old, roots[0], new, roots[1], proof)


entries = st.lists(st.binary(max_size=4), min_size=1, max_size=40)


@given(entries, st.data())
def test_any_tree_has_the_root_of_the_definition_at_every_size(leaves: list[bytes], data: st.DataObject) -> None:
    size = data.draw(st.integers(0, len(leaves)))
    log = Stored(leaves)
    assert log.edge.root() == by_definition(leaves)
    assert merkle.root_at(size, log.node) == by_definition(leaves[:size])
    assert len(log.hashes) == merkle.stored_count(len(leaves))


@given(entries, st.data())
def test_an_audit_path_proves_its_own_entry_and_no_other(leaves: list[bytes], data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(leaves)))
    index = data.draw(st.integers(0, size - 1))
    path = merkle.inclusion_proof(index, size, Stored(leaves).node)
    root = by_definition(leaves[:size])
    assert merkle.verify_inclusion(leaves[index], index, size, path, root)
    assert not merkle.verify_inclusion(leaves[index] + b"!", index, size, path, root)
    assert not merkle.verify_inclusion(leaves[index], index, size, [*path, b"\0" * 32], root)
    assert not merkle.verify_inclusion(leaves[index], size, size, path, root)
    for other in range(size):
        if leaves[other] != leaves[index]:
            assert not merkle.verify_inclusion(leaves[index], other, size, path, root)


@given(entries, st.data())
def test_a_consistency_proof_holds_for_a_prefix_and_for_nothing_else(leaves: list[bytes], data: st.DataObject) -> None:
    old = data.draw(st.integers(1, len(leaves)))
    proof = merkle.consistency_proof(old, len(leaves), Stored(leaves).node)
    root, old_root = by_definition(leaves), by_definition(leaves[:old])
    assert merkle.verify_consistency(old, old_root, len(leaves), root, proof)
    changed = by_definition([leaves[0] + b"!", *leaves[1:old]])
    assert not merkle.verify_consistency(old, changed, len(leaves), root, proof)
    assert not merkle.verify_consistency(old, old_root, len(leaves), changed, proof)
    assert not merkle.verify_consistency(old, old_root, len(leaves), root, [*proof, b"\0" * 32])


def test_a_frontier_that_does_not_fit_its_size_is_refused() -> None:
    with pytest.raises(ValueError, match="3 leaves has 2 perfect subtrees"):
        merkle.Frontier(3, [b"\0" * 32])


@pytest.mark.parametrize(("index", "size"), [(-1, 4), (4, 4), (0, 0)])
def test_no_path_leads_to_an_entry_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="not among"):
        merkle.inclusion_proof(index, size, Stored(LEAVES).node)
