"""Is it told what a new version of a policy changes, and whether the registered stores are fit for it?"""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest

from preserve.cli.policy_words import in_plain_words, setting, span
from preserve.definitions.policies import policy_schema
from preserve.model.nouns import Role, StoreEntry
from preserve.model.placing import Lack, copies_lacking, stores_wanted
from preserve.model.policy import Policy, RecordClass
from preserve.model.policy_changes import Change, changes
from preserve.model.policy_promises import not_yet
from preserve.model.policy_stores import concerns
from preserve.model.separation import coincidences
from preserve.settings.shipped import policy_files
from tests.policies.texts import PERMANENT, POLICIES, SMALLEST, read, replaced

FULL = read(PERMANENT)


def changed(*pairs: tuple[str, str]) -> list[Change]:
    return list(changes(FULL, read(replaced(*pairs))))


def test_the_same_said_otherwise_is_no_change() -> None:
    assert changed(('every = "90 days"', 'every = "90  day" # quarterly'), ('"永久"', '"permanent"')) == []


def test_each_setting_that_differs_is_named_with_both_values() -> None:
    assert changed(("vendors = 2", "vendors = 1")) == [Change("separation.vendors", 2, 1)]
    assert changed(('within = "30 days"', 'within = "20 days"')) == [
        Change("copies.remote_offline.within_seconds", 30 * 86_400, 20 * 86_400)
    ]
    assert changed(('to = "分管副馆长"', 'to = "馆长"')) == [Change("escalation.2.to", "分管副馆长", "馆长")]
    assert changed(('["sha256", "sm3"]', '["sha256"]')) == [Change("digests", "sha256, sm3", "sha256")]
    assert changed(("[media.lto]", "[media.microfilm]"))[:2] == [
        Change("media.kinds.lto.inspect_every_days", 730, None),
        Change("media.kinds.lto.rate_percent", 20, None),
    ]


def test_a_table_that_came_or_went_is_told_setting_by_setting() -> None:
    found = {each.key: each for each in changes(read(SMALLEST), replace(read(SMALLEST), backup=FULL.backup))}
    assert found["backup.every_seconds"] == Change("backup.every_seconds", None, 86_400)


# Stores


def store(name: str, role: Role, **attributes: str) -> StoreEntry:
    return StoreEntry(name, f"id-{name}", role, f"file:///{name}", attributes)


NEAR = store("near", Role.PRIMARY, site="A", city="武汉", medium="hdd", vendor="甲", credential_domain="one")
CITY = store("city", Role.SAME_CITY, site="B", city="武汉", medium="hdd", vendor="乙", credential_domain="two")
FAR = store(
    "far", Role.REMOTE_OFFLINE, site="C", city="兰州", medium="LTO-8", vendor="甲", credential_domain="three",
    power_grid="西北", river_basin="黄河", seismic_zone="祁连",
)  # fmt: skip
ELSEWHERE = {"power_grid": "华中", "river_basin": "长江", "seismic_zone": "无"}
KNOWN = [replace(each, attributes={**each.attributes, **ELSEWHERE}) for each in (NEAR, CITY)]


def said(policy: Policy, *stores: StoreEntry) -> list[str]:
    return [str(each) for each in concerns(policy, stores)]


def test_stores_that_are_all_a_policy_asks_for_give_no_concern() -> None:
    assert said(FULL, *KNOWN, FAR) == []


def test_stores_that_lack_share_or_hide_something_are_named() -> None:
    assert said(FULL, NEAR, CITY)[0] == f"copies on {Role.REMOTE_OFFLINE} that no registered store is fit for: 1"
    same = replace(CITY, attributes={**CITY.attributes, "site": "a"})
    assert "city and near share their site, and the policy forbids it" in said(FULL, NEAR, same, FAR)
    assert "near was not said to have any power_grid, so that nobody can tell" in said(FULL, NEAR, CITY, FAR)
    alike = replace(FAR, attributes={**FAR.attributes, "vendor": "乙"})
    lonely = replace(KNOWN[0], attributes={**KNOWN[0].attributes, "vendor": "乙"})
    assert said(FULL, lonely, KNOWN[1], alike) == ["vendors known of the stores: 1; asked for: 2"]


def test_a_store_on_another_kind_of_medium_takes_no_copy() -> None:
    disk = replace(FAR, attributes={**FAR.attributes, "medium": "hdd"})
    assert stores_wanted(FULL, [NEAR, CITY, disk]) == ["near", "city"]
    assert copies_lacking(FULL, [NEAR, CITY, disk]) == (Lack(FULL.name, Role.REMOTE_OFFLINE, 1),)
    unknown = replace(FAR, attributes={})
    assert stores_wanted(FULL, [NEAR, CITY, unknown]) == ["near", "city", "far"]


def test_what_policies_in_use_ask_stores_to_differ_in_is_compared_too() -> None:
    far = replace(FAR, attributes={"vendor": "甲"})
    near = replace(NEAR, attributes={"vendor": "甲"})
    assert not list(coincidences(far, [near]))
    assert [each.attribute for each in coincidences(far, [near], everywhere=["vendor"])] == ["vendor"]
    assert [each.attribute for each in coincidences(far, [near], remote=["vendor"])] == ["vendor"]


# Words


@pytest.mark.parametrize("path", policy_files(), ids=lambda path: str(path.stem))
def test_every_promise_is_told_as_one_in_plain_words(path: object) -> None:
    policy = read((POLICIES / str(path)).read_text("utf-8"))
    waiting = {each.waits_for for each in in_plain_words(policy)} - {None}
    assert waiting == {each.command or "" for each in not_yet(policy)}


def test_a_class_without_any_limit_is_any_kind() -> None:
    told = [each.text for each in in_plain_words(replace(FULL, records=RecordClass()))]
    assert told[0] == "It is for records of any kind."


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(60, "1 minute"), (5400, "90 minutes"), (7200, "2 hours"), (86_400, "1 day"), (365 * 86_400, "1 year")],
)
def test_spans_are_told_in_the_largest_unit_that_leaves_no_rest(seconds: int, words: str) -> None:
    assert span(seconds) == words


# The schema


def test_the_published_schema_is_the_one_the_program_prints() -> None:
    printed = json.dumps(policy_schema(), ensure_ascii=False, indent=2) + "\n"
    assert (POLICIES / "policy.schema.json").read_text("utf-8") == printed, "run `preserve policy schema` into it"


def test_the_schema_lets_in_what_the_program_reads_and_keeps_out_what_is_malformed() -> None:
    import tomllib

    schema = policy_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for path in policy_files():
        assert validator.is_valid(tomllib.loads(path.read_text("utf-8"))), path
    assert validator.is_valid(tomllib.loads(SMALLEST))
    for old, new in (
        ('name = "small"', 'name = "Small One"'),
        ('role = "primary"', 'role = "main"'),
        ('every = "1 week"', 'every = "7"'),
        ('level = "full"', 'level = "exists"'),
        ('notify = "somebody"', ""),
        ('notify = "somebody"', 'notify = "somebody"\ncolour = "red"'),
        ('notify = "somebody"', 'notify = "somebody"\ndigests = ["md5"]'),
        ('notify = "somebody"', 'notify = "somebody"\npackage_bytes = 8'),
    ):
        assert not validator.is_valid(tomllib.loads(replaced((old, new), text=SMALLEST))), new


def test_settings_are_told_by_the_names_and_in_the_units_that_authors_write() -> None:
    assert setting("copies.primary.within_seconds", 900) == ("copies.primary.within", "15 minutes")
    assert setting("audit.full_every_days", None) == ("audit.full_every", "-")
    assert setting("retention_lock_days", 3650) == ("retention_lock_days", "3650")
    assert setting("package_bytes", 8 << 30) == ("package_bytes", "8.0 GiB")
    assert setting("title", "a\x1b[2J") == ("title", "a\\x1b[2J")


def test_what_was_not_said_of_a_store_is_told_once_however_many_others_it_is_compared_with() -> None:
    found = said(FULL, replace(NEAR, attributes={}), *KNOWN[1:], FAR)
    assert len(found) == len(set(found)) and any("near was not said to have any power_grid" in each for each in found)
