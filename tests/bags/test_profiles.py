"""Is a bag held to every rule of its profile, and is the profile for government records what we say it is?"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from preserve.bags.parts import BagFacts
from preserve.bags.profiles import Breaches, judge, read_profile
from preserve.bags.tags import Element, Oxum
from preserve.errors import Misused

IDENTIFIER = "https://example.org/profile.json"
INFO = {
    "BagIt-Profile-Identifier": IDENTIFIER,
    "Source-Organization": "x",
    "External-Description": "x",
    "Version": "1",
    "BagIt-Profile-Version": "1.4.0",
}
BAG = BagFacts(
    (1, 0),
    "utf-8",
    (Element("BagIt-Profile-Identifier", IDENTIFIER), Element("Title", "a"), Element("title", "b")),
    ("sha256", "sm3"),
    ("sha256",),
    (
        "bag-info.txt",
        "bagit.txt",
        "manifest-sha256.txt",
        "manifest-sm3.txt",
        "metadata/records.json",
        "tagmanifest-sha256.txt",
    ),
    Oxum(10, 2),
    False,
)
GOVERNMENT = Path(__file__).parents[2] / "policies" / "government-records-profile.json"


def judged(
    rules: dict[str, Any], bag: BagFacts = BAG, serialized_as: str | None = None, paths: tuple[str, ...] = ()
) -> Breaches:
    plain = {"BagIt-Profile-Info": INFO, "Accept-BagIt-Version": ["1.0"], **rules}
    return judge(read_profile(json.dumps(plain), "p.json"), bag, serialized_as=serialized_as, payload_paths=paths)


def codes(
    rules: dict[str, Any], bag: BagFacts = BAG, serialized_as: str | None = None, paths: tuple[str, ...] = ()
) -> list[str]:
    return [breach.code for breach in judged(rules, bag, serialized_as, paths).breaches]


def test_a_profile_without_rules_is_kept() -> None:
    assert judged({}) == Breaches((), ())


@pytest.mark.parametrize(
    ("rules", "broken"),
    [
        ({"Accept-BagIt-Version": ["0.97"]}, ["version"]),
        ({"Bag-Info": {"Title": {"required": True}}}, []),
        ({"Bag-Info": {"TITLE": {"required": True}}}, []),
        ({"Bag-Info": {"Author": {"required": True}}}, ["element-missing"]),
        ({"Bag-Info": {"Title": {"repeatable": False}}}, ["element-repeated"]),
        ({"Bag-Info": {"Title": {"values": ["a"]}}}, ["element-value"]),
        ({"Bag-Info": {"Title": {"values": ["a", "b"]}}}, []),
        ({"Manifests-Required": ["sha256"]}, []),
        ({"Manifests-Required": ["sha512"]}, ["manifest-missing"]),
        ({"Manifests-Allowed": ["sha256"]}, ["manifest-not-allowed"]),
        ({"Tag-Manifests-Required": ["sm3"]}, ["manifest-missing"]),
        ({"Tag-Manifests-Allowed": []}, ["manifest-not-allowed"]),
        ({"Fetch.txt-Required": True}, ["fetch"]),
        ({"Data-Empty": True}, ["data"]),
        ({"Serialization": "required", "Accept-Serialization": ["application/tar"]}, ["serialization"]),
        ({"Tag-Files-Required": ["metadata/records.json"]}, []),
        ({"Tag-Files-Required": ["mets.xml"]}, ["tag-file-missing"]),
        ({"Tag-Files-Allowed": ["*"]}, []),
        ({"Tag-Files-Allowed": ["metadata/*"]}, []),
        ({"Tag-Files-Allowed": ["meta?/*"]}, ["tag-file-not-allowed"]),
        ({"Tag-Files-Allowed": []}, ["tag-file-not-allowed"]),
        ({"Payload-Files-Required": ["data/a"]}, []),
        ({"Payload-Files-Required": ["data/z"]}, ["payload-file-missing"]),
        ({"Payload-Files-Allowed": ["data/*.pdf", "data/a"]}, ["payload-file-not-allowed"]),
    ],
)
def test_each_rule_is_held(rules: dict[str, Any], broken: list[str]) -> None:
    assert codes(rules, paths=("data/a", "data/b.pdf", "data/c")) == broken


def test_a_recommended_element_is_advice() -> None:
    found = judged({"Bag-Info": {"Author": {"recommended": True}}})
    assert found.breaches == () and [advice.code for advice in found.advice] == ["element-recommended"]


def test_the_bag_must_name_its_profile() -> None:
    assert codes({}, dataclasses.replace(BAG, elements=())) == ["identifier"]


@pytest.mark.parametrize(
    ("serialization", "as_what", "broken"),
    [
        ("forbidden", None, []),
        ("forbidden", "application/tar", ["serialization"]),
        ("optional", "application/tar", []),
        ("optional", "application/zip", ["serialization"]),
        ("required", "application/tar", []),
    ],
)
def test_serialization_is_held(serialization: str, as_what: str | None, broken: list[str]) -> None:
    rules = {"Serialization": serialization, "Accept-Serialization": ["application/tar"]}
    assert codes(rules, serialized_as=as_what) == broken


def test_fetch_txt_is_held() -> None:
    bag = dataclasses.replace(BAG, has_fetch=True)
    assert codes({"Allow-Fetch.txt": False}, bag) == ["fetch"]
    assert codes({"Allow-Fetch.txt": True, "Fetch.txt-Required": True}, bag) == []


@pytest.mark.parametrize(
    "rules",
    [
        {"BagIt-Profile-Info": {}},
        {"BagIt-Profile-Info": {**INFO, "BagIt-Profile-Version": "9.0"}},
        {"Accept-BagIt-Version": []},
        {"Manifests-Required": "md5"},
        {"Manifests-Required": ["md5"], "Manifests-Allowed": ["sha1"]},
        {"Serialization": "maybe"},
        {"Allow-Fetch.txt": 1},
        {"Bag-Info": {"Title": {"required": "yes"}}},
        {"Bag-Info": {"Title": {"values": "a"}}},
    ],
)
def test_a_profile_that_breaks_the_specification_is_refused(rules: dict[str, Any]) -> None:
    with pytest.raises(Misused, match="is no BagIt profile"):
        judged(rules)


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(Misused, match="no sound JSON"):
        read_profile("{", "p.json")


def government_bag(**elements: str) -> BagFacts:
    said = {
        "BagIt-Profile-Identifier": "urn:preserve:bagit-profile:government-records:1",
        "Source-Organization": "某市档案馆",
        "External-Identifier": "0001-WS·2024-永久-0007",
        "Bagging-Date": "2026-11-21",
        "Payload-Oxum": "10.2",
        "X-CN-Fonds": "0001",
        "X-CN-Category": "WS",
        "X-CN-Year": "2024",
        "X-CN-Retention": "permanent",
        "X-CN-Formed": "2024-05-31",
        "X-CN-Responsible": "某市人民政府",
        "External-Description": "通知",
    } | {label.replace("_", "-"): value for label, value in elements.items()}
    return dataclasses.replace(BAG, elements=tuple(Element(label, value) for label, value in said.items() if value))


def government(bag: BagFacts) -> list[str]:
    profile = read_profile(GOVERNMENT.read_text("utf-8"), GOVERNMENT.name)
    found = judge(profile, bag, serialized_as="application/x-tar")
    assert bag.elements == government_bag().elements or found.breaches
    return [f"{breach.code} {breach.where}" for breach in found.breaches]


def test_a_package_of_government_records_keeps_its_profile() -> None:
    assert government(government_bag()) == []


@pytest.mark.parametrize(
    "label", ["Source-Organization", "External-Identifier", "X-CN-Fonds", "Bagging-Date", "Payload-Oxum"]
)
def test_government_records_must_say_whose_they_are(label: str) -> None:
    assert government(government_bag(**{label: ""})) == [f"element-missing {label}"]


@pytest.mark.parametrize("grade", ["秘密", "机密", "绝密", "机密★20年", "secret"])
def test_government_records_may_not_be_state_secrets(grade: str) -> None:
    assert government(government_bag(**{"X-CN-Classification": grade})) == ["element-value X-CN-Classification"]


@pytest.mark.parametrize("grade", ["公开", "内部"])
def test_government_records_may_be_public_or_internal(grade: str) -> None:
    profile = read_profile(GOVERNMENT.read_text("utf-8"), GOVERNMENT.name)
    bag = government_bag(**{"X-CN-Classification": grade})
    assert judge(profile, bag, serialized_as="application/tar").breaches == ()
