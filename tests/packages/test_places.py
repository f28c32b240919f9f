"""Is one place known as one however it is spelled, and is what lies within another told from what lies beside it?"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from preserve.errors import Misused, Refused
from preserve.model.nouns import Role, StoreEntry
from preserve.packages import places

S3 = "s3://records/a?endpoint=https://s3.example:443"


def store(name: str, url: str) -> StoreEntry:
    return StoreEntry(name, f"id-of-{name}", Role.PRIMARY, url)


@pytest.mark.parametrize(
    ("url", "lies_in"),
    [
        ("s3://records/a/?endpoint=https://s3.example", True),
        ("s3://records/a/b?endpoint=https://S3.Example/", True),
        ("s3://records//a/b/c?region=x&endpoint=https://s3.example:443", True),
        ("s3://records/ab?endpoint=https://s3.example", False),
        ("s3://records?endpoint=https://s3.example", False),
        ("s3://records-2/a?endpoint=https://s3.example", False),
        ("s3://records/a?endpoint=https://s3.example:8333", False),
        ("s3://records/a", False),
        ("file:///records/a", False),
    ],
)
def test_prefixes_of_a_bucket(url: str, lies_in: bool) -> None:
    assert places.spot_of(url).lies_in(places.spot_of(S3)) is lies_in


def test_a_bucket_holds_its_prefixes() -> None:
    with pytest.raises(Refused, match=r"store one .* lies in s3://records"):
        places.require_a_place_of_its_own(
            store("two", "s3://records?endpoint=https://s3.example"), [store("one", S3)], Path("/nowhere/home")
        )


def test_folders_are_followed_through_links_and_mounts(tmp_path: Path) -> None:
    real, link, mount = tmp_path / "real", tmp_path / "link", tmp_path / "mount"
    real.mkdir()
    mount.mkdir()
    link.symlink_to(real)
    spot = places.spot_of_folder(real)
    for inner in (link, link / "not there yet", real / "x" / ".." / "y", tmp_path / "mount" / ".." / "real"):
        assert places.spot_of(f"file://{inner}").lies_in(spot)
    for beside in (tmp_path, tmp_path / "real2", mount):
        assert not places.spot_of_folder(beside).lies_in(spot)
    if subprocess.run(["mount", "--bind", str(real), str(mount)], capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount")
    try:
        assert places.spot_of_folder(mount / "inner").lies_in(spot)
    finally:
        subprocess.run(["umount", str(mount)], check=True)


def test_a_store_may_move_and_stay_where_it_is(tmp_path: Path) -> None:
    one = store("one", (tmp_path / "one").as_uri())
    places.require_a_place_of_its_own(one, [one], tmp_path / "home")
    places.require_a_place_of_its_own(store("two", (tmp_path / "two").as_uri()), [one], tmp_path / "home")


def test_the_stores_and_homes_of_others_are_known_by_what_lies_in_them(tmp_path: Path) -> None:
    (tmp_path / "disk" / "store").mkdir(parents=True)
    assert places.enclosing(tmp_path / "disk" / "store" / "x") is None
    (tmp_path / "disk" / "store.json").write_text('{"format": "another program"}')
    assert places.enclosing(tmp_path / "disk" / "store") is None
    (tmp_path / "disk" / "store.json").write_text('{"format": "preserve-store/1"}')
    assert places.enclosing(tmp_path / "disk" / "store") == tmp_path / "disk"
    assert places.enclosing(tmp_path / "disk") is None, "it is one, and lies in none"
    with pytest.raises(Refused, match="what takes one would take both"):
        places.require_home_apart(tmp_path / "disk" / "home")


def test_stores_on_one_device_or_at_one_site_are_told(tmp_path: Path) -> None:
    one, two = store("one", (tmp_path / "one").as_uri()), store("two", (tmp_path / "two").as_uri())
    far = store("far", "file:///proc/far")
    assert [other.name for other in places.on_one_device(one, [one, two, far])] == ["two"]
    bucket, other = store("a", S3), store("b", "s3://other?endpoint=https://s3.example")
    assert [found.name for found in places.on_one_device(bucket, [other, one])] == ["b"]
    assert places.is_on_device_of(one, tmp_path) and not places.is_on_device_of(bucket, tmp_path)


def test_a_folder_of_another_machine_is_none() -> None:
    with pytest.raises(Misused, match="names no folder of this machine"):
        places.spot_of("file://elsewhere/records")


def test_a_port_that_is_none_is_misuse() -> None:
    with pytest.raises(Misused, match="endpoint is http://host:port"):
        places.spot_of("s3://records/a?endpoint=http://s3.example:99999")
