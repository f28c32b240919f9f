"""Is a store given its identity back when, and only when, all else shows that it is that store?"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ops.sites import seaweed
from preserve import compose
from preserve.clock import SystemClock
from preserve.errors import Refused, Unidentified
from preserve.model import events
from preserve.model.keys import RECEIPT, Key
from preserve.model.nouns import Role, StoreEntry
from preserve.operations.audit import AuditRequest, audit
from preserve.operations.mend_store import Mended, mend_store
from preserve.packages.identity import Identity, found, newest
from preserve.stores.folder import FolderStore
from preserve.stores.s3 import S3Store
from preserve.stores.s3_place import S3Place
from tests.packages.archives import ACT, NOW, Archive, archive, built
from tests.stores.memory import MemoryStore


def mended(held: Archive, *, place: Path | None = None, is_certain: bool = False) -> Mended:
    """Mend store near, wherever it lies."""
    url = (place or held.root / "near").as_uri()
    entry = replace(held.books.store("near"), url=url)
    return mend_store(held.place, "near", compose.founding(entry, SystemClock()), is_certain=is_certain)


def refusal(held: Archive, *, place: Path | None = None, is_certain: bool = False) -> str:
    before = sorted((place or held.root / "near").rglob("*"))
    with pytest.raises(Refused) as refused:
        mended(held, place=place, is_certain=is_certain)
    assert sorted((place or held.root / "near").rglob("*")) == before, "nothing was changed"
    return str(refused.value)


def tear(identity: Path) -> None:
    identity.write_bytes(identity.read_bytes()[:-20])


def flip_the_id(identity: Path) -> None:
    fields = json.loads(identity.read_bytes())
    identity.write_text(json.dumps({**fields, "store_id": fields["store_id"][:-1] + "~"}))


def rename(identity: Path) -> None:
    identity.write_text(identity.read_text().replace('"near"', '"neat"'))


def make_folder(identity: Path) -> None:
    identity.unlink()
    identity.mkdir()


def make_pipe(identity: Path) -> None:
    identity.unlink()
    os.mkfifo(identity)


def make_link(identity: Path) -> None:
    identity.rename(identity.with_name("moved.json"))
    identity.symlink_to("moved.json")


@pytest.mark.parametrize("harm", [tear, flip_the_id, Path.unlink, make_folder, make_pipe, make_link])
def test_a_store_that_lost_its_identity_is_told_what_to_do_and_gets_it_back(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    held = archive(tmp_path, [built(0), built(1)])
    harm(tmp_path / "near" / "store.json")
    with pytest.raises(Unidentified, match="preserve store mend near"):
        held.stores["near"].free_bytes()
    report = mended(held)
    assert report.evidence is not None
    assert (report.evidence.fitting, report.evidence.not_fitting) == (2, ())
    assert report.key == ("store.json" if harm is Path.unlink else "store.json.g2")
    assert newest(FolderStore("near", tmp_path / "near", None)) is not None
    looked = audit(held.place, AuditRequest())
    assert (looked.away, looked.counts.sound) == ({}, 4)
    assert mended(held).key is None, "a second time there is nothing to do"


def test_a_changed_name_is_put_right_though_the_store_can_be_used(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    rename(tmp_path / "near" / "store.json")
    assert mended(held).key == "store.json.g2"
    present = newest(FolderStore("near", tmp_path / "near", None))
    assert present is not None
    assert present.name == "near"


def test_a_store_damaged_again_is_mended_again(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    for generation in ("store.json", "store.json.g2", "store.json.g3"):
        tear(tmp_path / "near" / generation)
        with pytest.raises(Unidentified):
            held.stores["near"].free_bytes()
        mended(held)
        held.stores["near"].free_bytes()


def test_a_store_that_lost_some_packages_too_is_still_known(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(number) for number in range(5)])
    (tmp_path / "near" / "store.json").unlink()
    for number in range(2):
        held.file("near", built(number), RECEIPT).unlink()
    assert mended(held).key == "store.json"


def test_what_does_not_fit_is_named_and_nothing_changed(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(number) for number in range(5)])
    assert "its store.json names store far" in refusal(held, place=tmp_path / "far")
    (tmp_path / "near" / "store.json").unlink()
    for number in range(3):
        held.file("near", built(number), RECEIPT).write_bytes(b"{}")
    assert "of 5 packages that the books know to be in it, 3 were not found there" in refusal(held)
    (tmp_path / "empty").mkdir()
    assert "nothing in it is of this home" in refusal(held, place=tmp_path / "empty", is_certain=True)


def test_another_store_that_could_lie_there_must_not_be_away(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    (tmp_path / "near" / "store.json").unlink()
    (tmp_path / "far").rename(tmp_path / "unmounted")
    assert "it could as well be far, which is away" in refusal(held)
    (tmp_path / "unmounted").rename(tmp_path / "far")
    assert mended(held).key == "store.json"


def test_who_knows_the_label_need_not_attach_the_others(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    (tmp_path / "near" / "store.json").unlink()
    (tmp_path / "far").rename(tmp_path / "unmounted")
    assert mended(held, is_certain=True).key == "store.json"


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_retired_store_is_not_turned_into_another(tmp_path: Path, is_lost: bool) -> None:
    held = archive(tmp_path, [built(0)])
    held.books.record(events.store_retired(ACT, NOW, "far", is_lost, "store far was retired"))
    assert "its store.json names store far" in refusal(held, place=tmp_path / "far", is_certain=True)
    (tmp_path / "near" / "store.json").unlink()
    if is_lost:
        assert mended(held).key == "store.json"
    else:
        assert "it could as well be far" in refusal(held)


def test_the_act_stands_in_the_ledger(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    (tmp_path / "near" / "store.json").unlink()
    mended(held)
    last = json.loads(held.books.entry(held.books.size() - 1).content)
    assert (last["type"], last["detail"]["store"], last["detail"]["object"]) == ("recovery", "near", "store.json")


def test_a_store_never_founded_under_a_second_name_is_not_taken_for_damage() -> None:
    store = MemoryStore("near")
    assert newest(store) is None
    found(store, Identity("id-near", "near", Role.PRIMARY, NOW))
    store.objects[Key("store.json.g2")] = b"not an identity"
    present = newest(store)
    assert present is not None
    assert present.store_id == "id-near"


@pytest.mark.site
def test_a_store_on_a_site_gets_its_identity_back(tmp_path: Path, weed: seaweed.Site) -> None:
    held = archive(tmp_path, [built(0)], ["near"])
    place = S3Place("records", f"mend-{tmp_path.name.lower().replace('_', '-')}", weed.endpoint)
    found(S3Store("near", place, None, profile="weed-writer"), Identity("id-near", "near", Role.PRIMARY, NOW))
    held.write(built(0), S3Store("near", place, "id-near", profile="weed-writer"))
    admin = S3Store("near", place, None, profile="weed-admin")
    admin.writer().put_object(Bucket=place.bucket, Key=place.name_of("store.json"), Body=b"{rotten")
    with pytest.raises(Unidentified, match="preserve store mend near"):
        S3Store("near", place, "id-near", profile="weed-writer").free_bytes()
    url = f"s3://{place.bucket}/{place.prefix}?endpoint={place.endpoint}"
    entry = StoreEntry("near", "id-near", Role.PRIMARY, url, profile="weed-writer")
    report = mend_store(held.place, "near", compose.founding(entry, SystemClock()))
    assert report.key == "store.json.g2"
    S3Store("near", place, "id-near", profile="weed-writer").free_bytes()
