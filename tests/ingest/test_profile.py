"""Is the BagIt profile that a policy names honoured when records come in?"""

from __future__ import annotations

import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from preserve.bags.profiles import Profile, read_profile
from preserve.definitions.policies import read_policy
from preserve.errors import Refused
from preserve.operations.ingest import IngestRequest, ingest
from tests.packages.building import service

POLICIES = Path(__file__).parents[2] / "policies"
HEADINGS = "档号,题名,全宗,立档单位,门类,年度,保管期限,密级,责任者,日期,路径\n"
RECORD = "0001-WS·2024-永久-0001,请示,0001,市档案馆,WS,2024,永久,公开,市档案馆,2024-03-05,a.txt\n"


@pytest.fixture
def profile() -> Profile:
    name = "government-records-profile.json"
    return read_profile((POLICIES / name).read_text("utf-8"), name)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.txt").write_text("甲")
    return tmp_path / "source"


def test_a_package_that_keeps_the_profile_names_it(tmp_path: Path, source: Path, profile: Profile) -> None:
    policy = read_policy((POLICIES / "records-permanent-gm.toml").read_text("utf-8"), "records-permanent-gm.toml")
    (tmp_path / "records.csv").write_text(HEADINGS + RECORD)
    with service(tmp_path) as one:
        request = IngestRequest(source, replace(policy, retention_lock_days=0), tmp_path / "records.csv", profile)
        package = ingest(one.workplace, request).packages[0].id
        with tarfile.open(one.object("near", package, "bag.tar")) as tar:
            info = tar.extractfile(f"{package}/bag-info.txt")
            assert info is not None
            lines = info.read().decode().splitlines()
    assert f"BagIt-Profile-Identifier: {profile.identifier}" in lines
    assert "X-CN-Retention: permanent" in lines
    assert "External-Identifier: 0001-WS·2024-永久-0001" in lines


def test_a_breach_of_the_profile_is_refused_before_anything_is_written(
    tmp_path: Path, source: Path, profile: Profile
) -> None:
    with service(tmp_path) as one:
        with pytest.raises(Refused, match="Source-Organization"):
            ingest(one.workplace, IngestRequest(source, one.policy, profile=profile))
        assert list(one.workplace.stores["near"].list("packages")) == []
        assert one.books.open_accession(str(source)) is None
