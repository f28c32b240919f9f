"""Is there a byte of a package whose change goes unnoticed, or cannot be mended while another copy is sound?"""

from __future__ import annotations

from pathlib import Path

import pytest

from preserve.model.entries import AuditResult
from preserve.model.keys import object_key
from preserve.operations.audit import AuditRequest, audit
from preserve.operations.repair import RepairRequest, repair
from preserve.packages.held import HeldCopy
from preserve.packages.judging import inspection
from preserve.packages.parity.making import Means
from preserve.packages.repairing.remaking import Remaking, Repaired
from preserve.packages.repairing.wards import Ward
from preserve.ports import NoProgress
from tests.damage.places import PLACES
from tests.packages.archives import Archive, Built, archive_in_memory
from tests.stores.memory import MemoryStore

TINY = Built("20260101-000000t1ny", {"a": b"record"}, 1024)


def memory(held: Archive, store: str) -> MemoryStore:
    found = held.stores[store]
    assert isinstance(found, MemoryStore)
    return found


@pytest.mark.parametrize("part", PLACES)
def test_every_flipped_byte_is_found_and_mended(tmp_path: Path, part: str) -> None:
    held = archive_in_memory(tmp_path, [TINY])
    store, key, sound = memory(held, "far"), object_key(TINY.id, part), TINY.objects[part]
    copies = [HeldCopy(held.stores[name], TINY.entry, held.copy(name, TINY)) for name in ("near", "far")]
    for at in range(len(sound)):
        store.objects[key] = sound[:at] + bytes([sound[at] ^ (1 << at % 8)]) + sound[at + 1 :]
        survey = inspection.read(copies[1], lambda: copies[:1])
        assert survey.result is AuditResult.DAMAGED
        assert [finding.where for finding in survey.findings] == [key]
        ward = Ward(TINY.entry, copies)
        made = Remaking(ward, "far", survey, None, Means(tmp_path, NoProgress())).make(part)
        assert isinstance(made, Repaired)
        assert store.objects.pop(object_key(TINY.id, part, made.generation)) == sound


@pytest.mark.parametrize("part", PLACES)
def test_flipped_bytes_all_over_are_found_and_mended_by_the_commands(tmp_path: Path, part: str) -> None:
    held = archive_in_memory(tmp_path, [TINY])
    store, sound = memory(held, "far"), TINY.objects[part]
    for at in range(0, len(sound), max(1, len(sound) // 10)):
        key = object_key(TINY.id, part, held.copy("far", TINY).generation(part))
        store.objects[key] = sound[:at] + bytes([sound[at] ^ 0xFF]) + sound[at + 1 :]
        assert [finding.where for finding in audit(held.place, AuditRequest()).findings] == [key]
        assert len(repair(held.place, RepairRequest()).repaired) == 1
        assert audit(held.place, AuditRequest()).findings == ()
