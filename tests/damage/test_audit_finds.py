"""Does an audit find what is wrong, where it is, and nothing else?"""

from __future__ import annotations

from pathlib import Path

import pytest

from preserve.model.audit import AuditCounts
from preserve.model.keys import BAG
from preserve.model.nouns import Condition, CopyState, Level
from preserve.operations.audit import AuditRequest, audit
from tests.packages.archives import archive, built


def test_a_sound_archive_is_sound_and_verified(tmp_path: Path) -> None:
    report = audit(archive(tmp_path, [built(0), built(1)]).place, AuditRequest())
    assert report.counts == AuditCounts(sound=4)
    assert report.findings == ()
    assert report.bytes_read == 2 * sum(len(content) for n in (0, 1) for content in built(n).objects.values())


def test_a_flipped_byte_names_block_and_file(tmp_path: Path) -> None:
    package = built(0)
    held = archive(tmp_path, [package])
    file = held.file("far", package, BAG)
    content = bytearray(file.read_bytes())
    at = package.offset_of("一/附件.bin") + 100
    content[at] ^= 1
    file.write_bytes(content)
    report = audit(held.place, AuditRequest())
    assert report.counts == AuditCounts(sound=1, damaged=1)
    (finding,) = report.findings
    assert (finding.store, finding.condition) == ("far", Condition.DAMAGED)
    assert finding.where.endswith("/bag.tar")
    assert finding.blocks == (at // 512,)
    assert finding.files == ("一/附件.bin",)
    assert package.blocks.bag.digest(at // 512).hex() in finding.expected
    assert held.copy("far", package).state is CopyState.BAD


@pytest.mark.parametrize("level", [Level.EXISTS, Level.ATTESTED, Level.SAMPLE])
def test_lesser_levels_pass_over_a_sound_archive(tmp_path: Path, level: Level) -> None:
    report = audit(archive(tmp_path, [built(0)]).place, AuditRequest(level))
    expected = AuditCounts(not_checked=2) if level is Level.ATTESTED else AuditCounts(sound=2)
    assert (report.counts, report.findings) == (expected, ())
