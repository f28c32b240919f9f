"""Does a planned copy stand as far apart as its policy demands, and no further?"""

from __future__ import annotations

from pathlib import Path

from preserve.definitions.policies import read_policy
from preserve.model.media import Family
from preserve.model.placements import NOT_DEMANDED, Placement, planned

DEFAULT = (Path(__file__).parents[2] / "policies" / "default.toml").read_text(encoding="utf-8")
TWO_IN_THE_CITY = ('role = "same_city"\ncount = 1', 'role = "same_city"\ncount = 2')

DEMANDED = """
[separation]
everywhere = ["site", "credential_domain"]
remote = ["power_grid"]
medium_families = 2
vendors = 2
"""


def copies(*changes: tuple[str, str], more: str = "") -> list[Placement]:
    text = DEFAULT
    for there, instead in changes:
        assert there in text
        text = text.replace(there, instead)
    return list(planned(read_policy(text + more, "mine.toml")))


def values(found: list[Placement], attribute: str) -> list[str]:
    return [each.attributes[attribute] for each in found]


def test_roles_stand_apart_and_the_remote_one_in_another_city() -> None:
    found = copies(TWO_IN_THE_CITY)
    assert [each.store for each in found] == ["primary", "same_city 1", "same_city 2", "remote_offline"]
    assert values(found, "site") == ["primary", "same_city", "same_city", "remote_offline"]
    assert values(found, "city") == [NOT_DEMANDED, NOT_DEMANDED, NOT_DEMANDED, "remote_offline"]


def test_what_nobody_demands_is_the_same_for_all() -> None:
    found = copies()
    for attribute in ("vendor", "software", "credential_domain", "power_grid"):
        assert set(values(found, attribute)) == {NOT_DEMANDED}
    assert {each.family for each in found} == {Family.MAGNETIC_DISK}


def test_what_the_policy_demands_differs() -> None:
    found = copies(TWO_IN_THE_CITY, more=DEMANDED)
    assert len(set(values(found, "site"))) == 4
    assert len(set(values(found, "credential_domain"))) == 4
    assert values(found, "power_grid") == [NOT_DEMANDED] * 3 + ["remote_offline"]
    assert len({each.family for each in found}) == 2
    assert len(set(values(found, "vendor"))) == 2
    assert set(values(found, "software")) == {NOT_DEMANDED}


def test_audits_are_those_of_the_copy() -> None:
    found = copies()
    (look,) = found[0].looks
    assert (look.every_days, look.reads) == (90, 8 / 512)  # eight blocks of 16 MiB of a package of 8 GiB
    assert not any(each.is_locked for each in found)
    assert all(each.is_locked for each in copies(("retention_lock_days = 0", "retention_lock_days = 30")))
