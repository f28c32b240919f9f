"""Is every setting of a policy read as it is written, and every contradiction told with line, reason and remedy?"""

from __future__ import annotations

import re

import pytest

from preserve.definitions.policies import policy_schema
from preserve.definitions.toml_lines import lines_of_keys
from preserve.errors import Misused
from preserve.model.media import Family, Medium, family_of
from preserve.model.nouns import Level, Role
from preserve.model.policy import (
    AuditRule,
    BackupRule,
    CopyRule,
    CopySet,
    DrillRule,
    Escalation,
    FormatRule,
    IdentifyWhen,
    Importance,
    MediumRule,
    RecordClass,
    RecoveryRule,
    SeparationRule,
    Weekday,
)
from preserve.model.records import Record
from tests.policies.texts import PERMANENT, SMALLEST, read, replaced, shipped

DAY = 86_400


def mistake(text: str) -> str:
    with pytest.raises(Misused) as caught:
        read(text)
    return str(caught.value)


def test_the_fullest_policy_is_read_as_it_is_written() -> None:
    policy = shipped("records-permanent")
    assert policy.records == RecordClass(retentions=("permanent",), importance=Importance.IMPORTANT)
    remote = AuditRule(Level.FULL, 365, 8)
    assert policy.copies == (
        CopyRule(Role.PRIMARY, 1, CopySet.REFERENCE, (Family.MAGNETIC_DISK,), 15 * 60),
        CopyRule(Role.SAME_CITY, 1, CopySet.SEALED, (Family.MAGNETIC_DISK,), 15 * 60),
        CopyRule(Role.REMOTE_OFFLINE, 1, CopySet.OFFSITE, (Family.MAGNETIC_TAPE, Family.OPTICAL), 30 * DAY, remote),
    )
    assert policy.separation == SeparationRule(
        ("site", "credential_domain"), ("city", "power_grid", "river_basin", "seismic_zone"), 2, 2, 300
    )
    assert policy.audit == AuditRule(Level.FULL, 90, 8, None, 1, 2)
    assert (policy.audit_on(Role.SAME_CITY), policy.audit_on(Role.REMOTE_OFFLINE)) == (policy.audit, remote)
    assert policy.backup == BackupRule(DAY, "01:30", (), "Asia/Shanghai", "22:00-06:00")
    assert policy.recovery == RecoveryRule(25 * 3600, 2 * DAY, 31 * DAY, 14 * DAY)
    assert policy.drills == DrillRule(180, (Role.SAME_CITY, Role.REMOTE_OFFLINE), 60, 730, True)
    assert policy.media is not None
    assert policy.media.kinds[Medium.LTO] == MediumRule(730, 20, 2, 3650)
    assert (policy.media.superseded_hold_days, policy.media.handover_rate_percent) == (1095, 100)
    assert policy.formats == FormatRule(IdentifyWhen.AFTER, True)
    assert (policy.retention_lock_days, policy.lock_renew_before_days) == (3650, 365)
    assert policy.notify == "档案保管利用科值班员"
    assert policy.escalation == (Escalation(DAY, "档案保管利用科科长"), Escalation(3 * DAY, "分管副馆长"))
    assert policy.slowest_seconds(frozenset({Role.SAME_CITY})) == DAY + 15 * 60


def test_a_weekly_schedule_names_its_days() -> None:
    assert shipped("county-shoestring").backup == BackupRule(7 * DAY, "20:00", (Weekday.FRIDAY,), "Asia/Shanghai")


def test_retention_is_written_in_any_of_its_spellings() -> None:
    policy = read(replaced(('retention = ["永久"]', 'retention = ["Y", "30年", "y15", "定期10年"]')))
    assert policy.records is not None
    assert policy.records.retentions == ("permanent", "y30", "y15", "y10")


WRONG = [
    ('retention = ["永久"]', 'retention = ["永远"]', "records.retention cannot hold '永远'; it must be a list such as"),
    ('importance = "important"', 'importance = "high"', '"ordinary" or "important"'),
    ('set = "B"', 'set = "D"', '"A", "B" or "C"'),
    ('medium_families = ["magnetic_disk"]', 'medium_families = ["disk"]', '"magnetic_disk", "magnetic_tape"'),
    ('within = "15 minutes"', 'within = "15 min"', 'a span up to "366 days", such as "15 minutes"'),
    ('within = "15 minutes"', 'within = "0 minutes"', "copies.within cannot be '0 minutes'"),
    ('every = "1 year"', 'every = "2 years"', "copies.audit.every cannot be '2 years'; it must be a span up to"),
    ('["site", "credential_domain"]', '["sight"]', "separation.everywhere cannot hold 'sight'"),
    ("medium_families = 2", "medium_families = 6", "a whole number from 1 to 5"),
    ("vendors = 2", 'vendors = "2"', "a whole number from 1 to 9"),
    ('at = "01:30"', 'at = "24:30"', 'a time of day such as "01:30"'),
    ('timezone = "Asia/Shanghai"', 'timezone = "Asia/Wuhan"', 'a time zone such as "Asia/Shanghai"'),
    ('window = "22:00-06:00"', 'window = "22-6"', "two times of day"),
    ("rate_percent = 2\n", "rate_percent = 200\n", "a whole number from 1 to 100"),
    ("sample_packages = 60", "sample_packages = 0", "drills.sample_packages cannot be 0"),
    ("without_catalog = true", 'without_catalog = "yes"', "true or false"),
    ("[media.lto]", "[media.tape]", "media.tape is not a setting of a policy"),
    ('owner = "档案保管利用科值班员"', 'owner = "甲、乙"', "one person or office, without commas"),
    ('owner = "档案保管利用科值班员"', 'owner = ["甲", "乙"]', "one person or office, without commas"),
    ('to = "分管副馆长"', 'to = ""', "notification.escalation.to cannot be ''"),
    ("rpo = ", "rop = ", "recovery.rop is not a setting of a policy; did you mean"),
    ('from = ["same_city", "remote_offline"]\n', "", "drills.from is missing; it must be a list of"),
]


@pytest.mark.parametrize(("old", "new", "words"), WRONG)
def test_what_is_malformed_is_told_with_its_line(old: str, new: str, words: str) -> None:
    text = replaced((old, new))
    message = mistake(text)
    line = text[: text.index(new)].count("\n") + 1
    if new:
        assert f"p.toml, line {line}: " in message
    assert words in message


CONTRADICTIONS = {
    "two-owners": (("package_bytes", 'notify = "x"\npackage_bytes'), 'notify = "x"', "keep the table's owner only"),
    "told-twice": (
        ('to = "分管副馆长"', 'to = "档案保管利用科科长"'),
        'to = "档案保管利用科科长"\n\n#',
        "somebody else",
    ),
    "steps": (('after = "3 days"', 'after = "1 day"'), 'after = "1 day"\nto = "分管', "write steps in their order"),
    "at": (('every = "1 day"\nat', 'every = "6 hours"\nat'), 'at = "01:30"', "at needs an interval of whole days"),
    "on": (('at = "01:30"', 'on = ["mon"]'), 'on = ["mon"]', 'write "1 week"'),
    "timezone": (('timezone = "Asia/Shanghai"\n', ""), "[backup]", "times of day need a time zone"),
    "window": (('at = "01:30"', 'at = "12:00"'), 'at = "12:00"', "lies outside the window 22:00-06:00"),
    "rpo": (
        ('rpo = "25 hours"', 'rpo = "24 hours"'),
        'rpo = "24 hours"',
        "comes to 24.2 hours; shorten [backup] every",
    ),
    "city": (('rpo = "31 days"', 'rpo = "30 days"'), 'city_lost_rpo = "30 days"', "city_lost_rpo allows 720.0 hours"),
    "full-twice": (('run_every = "1 day"', 'full_every = "1 year"'), "full_every", "leave it out and keep every"),
    "rate": (("rate_percent = 2\n", ""), "[audit]", "give both or neither"),
    "round": (("rate_percent = 2\n", "rate_percent = 1\n"), "rate_percent = 1\n", "take 100 days to come round"),
    "same-city": (('["site", ', '["city", '), 'everywhere = ["city"', "ask it of the remote copy only"),
    "too-many": (
        ("vendors = 2", "vendors = 4"),
        "vendors = 4",
        "3 copies cannot differ in so many ways; lower vendors",
    ),
    "drill-full": (('every = "2 years"\nwithout', 'every = "30 days"\nwithout'), "full_every", "lower every"),
    "lock-renewal": (("lock_days = 3650", "lock_days = 300"), "lock_renew_before", "raise retention_lock_days"),
    "lock-too-long": (('["永久"]', '["5年"]'), "retention_lock_days", "outlasts the 5 years"),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_contradiction_is_told_with_line_reason_and_remedy(name: str) -> None:
    change, where, words = CONTRADICTIONS[name]
    text = replaced(change)
    line = text[: text.index(where)].count("\n") + 1
    message = mistake(text)
    assert f"p.toml, line {line}: " in message and words in message


def without(*parts: str) -> str:
    """The fullest policy without its copies on a role, and without some lines."""
    text = PERMANENT
    for part in parts:
        assert part in text
        text = text.replace(part, "", 1)
    return text


REMOTE_COPY = PERMANENT[PERMANENT.index('[[copies]]\nrole = "remote_offline"') : PERMANENT.index("# 副本之间")]


def test_a_policy_without_a_remote_copy_may_not_ask_anything_of_it() -> None:
    message = mistake(without(REMOTE_COPY, "medium_families = 2\n"))
    assert "4 reasons" in message
    for words in (
        "city_lost_rpo cannot be kept without a copy elsewhere",
        'no copy is remote; add [[copies]] with role = "remote_offline" or remove remote\n',
        "or remove remote_distance_km",
        "no copy is on remote_offline, so none can be restored from it",
    ):
        assert words in message


def test_copies_cannot_be_on_more_families_than_they_are_allowed() -> None:
    text = replaced(('medium_families = ["magnetic_tape", "optical"]', 'medium_families = ["magnetic_disk"]'))
    assert "the copies may be on magnetic_disk only; lower medium_families or allow them more" in mistake(text)


def test_copies_cannot_be_on_more_families_at_once_than_there_are_copies_for() -> None:
    """Three families are allowed, and two copies may be on one of them only."""
    text = replaced(("medium_families = 2", "medium_families = 3"))
    assert "they reach 2 families at once; lower medium_families or allow them more" in mistake(text)


def test_a_sample_is_read_more_often_than_every_byte() -> None:
    text = SMALLEST.replace('"full", every = "1 week"', '"sample", every = "90 days", full_every = "30 days"')
    assert 'write level = "full" and every = 30 days' in mistake(text)


def test_somebody_must_be_told() -> None:
    message = mistake(SMALLEST.replace('notify = "somebody"', ""))
    assert message == "p.toml: nobody is told when something is wrong; give it a table [notification] with an owner"


def test_keys_inside_tables_of_tables_have_their_lines() -> None:
    text = "[[copies]]\nrole = 1\n[copies.audit]\nlevel = 2\n[[copies]]\n[copies.audit]\nlevel = 3\n"
    lines = lines_of_keys(text)
    assert (lines["copies", 0, "audit", "level"], lines["copies", 1, "audit", "level"]) == (4, 7)
    escalations = (
        "[notification]\nowner = 1\n[[notification.escalation]]\nto = 2\n[[notification.escalation]]\nto = 3\n"
    )
    assert lines_of_keys(escalations)["notification", "escalation", 1, "to"] == 6


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("LTO-8", Family.MAGNETIC_TAPE),
        ("hdd", Family.MAGNETIC_DISK),
        ("BD-R", Family.OPTICAL),
        ("硬盘", Family.MAGNETIC_DISK),
        ("film", Family.FILM),
        ("U盘", Family.SOLID_STATE),
        ("cloud", None),
        ("", None),
    ],
)
def test_the_family_of_a_medium_is_known_by_many_names(text: str, family: Family | None) -> None:
    assert family_of(text) is family


def test_a_record_belongs_to_the_class_unless_an_element_says_otherwise() -> None:
    wanted = RecordClass(fonds=("0001",), categories=("WS",), retentions=("permanent",))
    assert wanted.outside(Record("a", fonds="0001", category="WS", retention="permanent")) is None
    assert wanted.outside(Record("a")) is None
    assert wanted.outside(Record("a", fonds="0002")) == "fonds"
    assert wanted.outside(Record("a", category="KJ")) == "category"
    assert wanted.outside(Record("a", retention="y30")) == "retention"


SMALL = """name = "test"
title = "Test"
notify = "somebody"
[[copies]]
role = "primary"
[audit]
level = "full"
every = "90 days"
[responsible]
leader = "a"
manager = "b"
executor = "c"
"""
AS_PEOPLE_WRITE = [
    ('title = "Test"', 'title = "Test"\nbackup = "daily"', ["backup cannot be 'daily'; it must be a table [backup]"]),
    ('title = "Test"', "title = 'Test'\ndrills = true", ["drills cannot be true; it must be a table [drills]"]),
    (
        'title = "Test"',
        "title = 'Test'\nlegal_basis = '§18'",
        ["legal_basis cannot be '§18'; it must be a list of texts"],
    ),
    ('title = "Test"', "title = 'Test'\nclassifications = ['secret']", ["classifications cannot hold 'secret'"]),
    (
        '[[copies]]\nrole = "primary"',
        '[copies]\nrole = "primary"',
        ["copies is one table here; it must be tables"],
    ),
    ('role = "primary"', 'role = "Primary"', ["copies.role cannot be 'Primary'"]),
    ("[[copies]]", "within = '1 day'\n[[copies]]", ["within cannot stand here; did you mean copies.within?"]),
    ('leader = "a"', 'leader = "a"\nname = "x"', ["write name at the top of the file, before the first table"]),
    ('role = "primary"', 'role = "primary"\nwithin = "2 years"', ["copies.within", 'up to "366 days"']),
    ('role = "primary"', 'role = "primary"\nwithin = "8785 hours"', ["copies.within", 'up to "366 days"']),
    ("[audit]", "[media.floppy]\nlife = '1 year'\n[audit]", ["media.floppy is not a setting", "hdd, lto, bd_r"]),
    ("[audit]", "[audi]", ["audit is missing; it must be a table [audit]", "did you mean audit?"]),
]


@pytest.mark.parametrize(("old", "new", "words"), AS_PEOPLE_WRITE)
def test_each_mistake_is_told_once_and_as_what_it_is(old: str, new: str, words: list[str]) -> None:
    assert old in SMALL
    said = mistake(SMALL.replace(old, new, 1))
    assert all(word in said for word in words), said
    assert len(said.splitlines()) == (3 if "audi]" in new else 1), said


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"Test"', "“Test”", '“ is not what TOML writes; write " instead'),
        ('title = "Test"', "title ＝ 'Test'", "＝ is not what TOML writes; write = instead"),
        ('title = "Test"', 'title = "Test', "a quotation mark is never closed"),
        ('title = "Test"', 'title = "Test"\nname = "again"', "this is given a second time"),
        ('title = "Test"', "title = Test", "a value is missing or cannot be read"),
        ('title = "Test"', "the title", "a setting is written as name = value"),
        ("[audit]", "[audit", "a bracket of this table's name is missing"),
        ("[audit]", "[responsible]\n[audit]", "this table stands a second time"),
    ],
)
def test_what_is_no_toml_is_told_with_its_line_and_what_to_do(old: str, new: str, words: str) -> None:
    said = mistake(SMALL.replace(old, new, 1))
    assert said.startswith("p.toml, line ") and words in said


def test_the_schema_for_editors_knows_the_bound_of_within() -> None:
    (pattern,) = (
        each["pattern"]
        for each in policy_schema()["$defs"]["Copies"]["properties"]["within"]["anyOf"]
        if "pattern" in each
    )
    for text in ("1 minute", "366 days", "0012 months", "8784 hours", "1 year"):
        assert re.search(pattern, text), text
    for text in (
        "0 days",
        "367 days",
        "2 years",
        "8785 hours",
        "527041 minutes",
        "53 weeks",
        "13 months",
        "1 fortnight",
    ):
        assert not re.search(pattern, text), text
