"""What does an audit say of what it could not look at, and how does it end?"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Service


def test_a_sample_claims_nothing_of_a_store_that_is_away(furnished: Service) -> None:
    furnished.ask("ingest", furnished.submission())
    (furnished.folder / "near").rename(furnished.folder / "unmounted")
    audited = furnished.run("audit", "--level", "sample", "--json")
    near = next(sample for sample in audited.document["samples"] if sample["store"] == "near")
    assert (near["looked_at"], near["not_sound"]) == (0, 0)
    assert near["drawn"] > 0
    assert near["at_most_bad"] is near["at_most_percent"] is None
    (line,) = [line for line in furnished.run("audit", "--level", "sample").out.splitlines() if "near: " in line][:1]
    assert "nothing was read" in line
    assert "confidence" not in line


def tear(identity: Path) -> None:
    identity.write_bytes(identity.read_bytes().replace(b"{", b"z", 1))


def rename(identity: Path) -> None:
    fields = json.loads(identity.read_bytes())
    identity.write_text(json.dumps({**fields, "store_id": fields["store_id"][:-1] + "~"}))


@pytest.mark.parametrize("harm", [tear, rename, Path.unlink])
def test_an_offline_store_that_is_there_without_its_identity_is_not_passed_over(
    furnished: Service, harm: Callable[[Path], None]
) -> None:
    furnished.ask("ingest", furnished.submission())
    identity = furnished.folder / "far" / "store.json"
    identity.chmod(0o600)
    harm(identity)
    audited = furnished.run("audit", "--json")
    assert audited.code == 75
    assert audited.document["unidentified"] == list(audited.document["away"]) == ["far"]
    assert "store.json" in audited.document["away"]["far"] or "another store" in audited.document["away"]["far"]
    assert furnished.run("status").code == 1


def test_an_offline_store_that_is_not_mounted_is_passed_over(furnished: Service) -> None:
    furnished.ask("ingest", furnished.submission())
    far = furnished.folder / "far"
    far.rename(furnished.folder / "unmounted")
    far.mkdir()
    audited = furnished.ask("audit")
    assert audited["unidentified"] == []
    (absent,) = audited["not_looked_at"]
    assert (absent["store"], absent["expected"], absent["copies"], absent["overdue"]) == ("far", True, 1, 0)
    assert absent["last_looked_at"]
    said = furnished.run("audit").out
    assert "offline store far is not attached: NOT LOOKED AT" in said
    assert "  1 copy in it was last looked at on" in said
    assert furnished.run("audit", "--store", "far").code == 75
    assert furnished.run("status").code == 0


def test_an_audit_of_what_no_store_attests_says_why_it_checked_nothing(furnished: Service) -> None:
    furnished.ask("ingest", furnished.submission())
    audited = furnished.run("audit", "--level", "attested", "--json")
    assert audited.code == 1
    assert audited.document["not_attested"] == {"far": 1, "main": 1, "near": 1}
    assert audited.document["counts"]["not_checked"] == 3
    told = furnished.run("audit", "--level", "attested")
    assert told.code == 1
    assert "store main attests no digests of 1 copy" in told.out
    assert "--level full" in told.out


def test_a_listing_says_that_it_read_nothing_and_does_not_call_sound_what_is_known_to_be_bad(
    furnished: Service,
) -> None:
    furnished.ask("ingest", furnished.submission())
    listed = furnished.run("audit", "--level", "exists")
    assert "sound (listed with its size, no byte read)" in listed.out
    bag = next((furnished.folder / "near").rglob("bag.tar"))
    bag.chmod(0o600)
    content = bytearray(bag.read_bytes())
    content[2000] ^= 1
    bag.write_bytes(content)
    assert furnished.run("audit").code == 1
    audited = furnished.run("audit", "--level", "exists", "--json")
    assert audited.code == 1
    assert (audited.document["level"], audited.document["bytes_read"]) == ("exists", 0)
    assert audited.document["counts"]["sound"] == 2
    assert audited.document["counts"]["damaged"] == 1


def change_in_all(service: Service, part: bytes) -> None:
    """Change one byte of the bags of all copies alike: nobody has it then."""
    for store in ("main", "near", "far"):
        bag = next((service.folder / store).rglob("bag.tar"))
        bag.chmod(0o600)
        content = bytearray(bag.read_bytes())
        content[content.index(part)] ^= 1
        bag.write_bytes(content)


def test_a_frame_that_no_copy_has_is_told_once_with_what_to_do(furnished: Service) -> None:
    (package,) = furnished.ask("ingest", furnished.submission())["packages"]
    change_in_all(furnished, b"Bagging-Date")
    assert furnished.run("audit").code == 1
    told = furnished.run("repair")
    assert told.code == 1
    assert "0 files" not in told.out
    assert told.out.count(", not mended: no copy") == told.out.count("  no file is lost with it: all ") == 1
    (line,) = [line for line in told.out.splitlines() if ", not mended: no copy" in line]
    assert all(store in line for store in ("main", "near", "far"))
    assert f"`preserve restore {package['id']} --to FOLDER`" in told.out
    given = furnished.run("restore", package["id"], "--to", str(furnished.folder / "out"), "--json")
    assert (given.code, given.document["files"]) == (0, package["files"])


def test_a_file_that_no_copy_has_is_named_once(furnished: Service) -> None:
    source = furnished.submission()
    lost = next(path for path in sorted(source.rglob("*")) if path.is_file() and path.stat().st_size > 3)
    furnished.ask("ingest", source)
    change_in_all(furnished, lost.read_bytes())
    assert furnished.run("audit").code == 1
    told = furnished.run("repair").out
    assert told.count("  1 file is lost with it:") == told.count(f"    {lost.relative_to(source)}") == 1
