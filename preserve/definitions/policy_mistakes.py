"""Mistakes in a policy's TOML, so that an administrator can mend them: the line, what is there, what is wanted."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import ValidationError

from preserve.definitions import key_mistakes
from preserve.definitions.policy_text import PolicyText, Table
from preserve.definitions.toml_lines import KeyPath
from preserve.model.complaints import Complaint, ComplaintList
from preserve.model.media import Medium
from preserve.model.phrases import phrase

_ANY_TEXT = phrase("a text that is not empty")
_SPAN = phrase('a span such as "15 minutes", "24 hours" or "90 days"')
_DAYS = phrase('a span of days, such as "90 days" or "3 years"')
_PERCENT = phrase("a whole number from 1 to 100")
_WANTED = {
    "": _ANY_TEXT,
    "name": phrase("lower-case letters, digits and hyphens"),
    "package_bytes": phrase('a size from "1 MiB" to "1 TiB", such as "8 GiB"'),
    "digests": phrase('["sha256"], with "sha512" or "sm3" beside it'),
    "symlinks": phrase('"keep" or "refuse"'),
    "required_metadata": phrase('a list of the glossary\'s identifiers, such as ["archival_code", "title"]'),
    "profile": phrase('the file name of a BagIt profile, such as "government-records-profile.json"'),
    "copies": phrase(
        'tables [[copies]], each with role = "primary", "same_city" or "remote_offline" and count = 1 to 9'
    ),
    "role": phrase('"primary", "same_city" or "remote_offline"'),
    "from": phrase('a list of roles, such as ["same_city", "remote_offline"]'),
    "count": phrase("a whole number from 1 to 9"),
    "set": phrase('"A", "B" or "C"'),
    "level": phrase('"sample" or "full"'),
    "every": _SPAN,
    "audit.every": phrase('a span up to "366 days", such as "90 days"'),
    "drills.every": phrase('a span up to "366 days", such as "90 days"'),
    "run_every": phrase('a span up to "366 days", such as "90 days"'),
    "reader_check_every": phrase('a span up to "366 days", such as "90 days"'),
    "sample_blocks": phrase("a whole number from 1 to 100000"),
    "rate_percent": _PERCENT,
    "handover_rate_percent": _PERCENT,
    "parity_percent": phrase("a whole number from 1 to 25"),
    "sample_packages": phrase("a whole number from 1 to 100000"),
    "at_least": phrase("a whole number from 1 to 100000"),
    "remote_distance_km": phrase("a whole number from 1 to 20000"),
    "separation.medium_families": phrase("a whole number from 1 to 5"),
    "medium_families": phrase(
        'a list of families such as ["optical"], of "magnetic_disk", "magnetic_tape", "optical", "solid_state", "film"'
    ),
    "vendors": phrase("a whole number from 1 to 9"),
    "everywhere": phrase('a list of attributes of stores, such as ["site", "credential_domain"]'),
    "remote": phrase('a list of attributes of stores, such as ["city", "power_grid"]'),
    "retention": phrase('a list such as ["永久"], ["30年", "10年"] or ["y15"]'),
    "importance": phrase('"ordinary" or "important"'),
    "at": phrase('a time of day such as "01:30"'),
    "on": phrase('a list of days such as ["mon", "fri"]: "mon", "tue", "wed", "thu", "fri", "sat", "sun"'),
    "timezone": phrase('a time zone such as "Asia/Shanghai"'),
    "window": phrase('two times of day, such as "22:00-06:00"'),
    "without_catalog": phrase("true or false"),
    "again_on_release": phrase("true or false"),
    "files_per_day": phrase("a whole number of files, such as 5000"),
    "identify": phrase('"at ingest" or "after"'),
    "within": phrase('a span up to "366 days", such as "15 minutes" or "30 days"'),
    "title": _ANY_TEXT,
    "description": phrase("a text"),
    "legal_basis": phrase('a list of texts, such as ["档案法实施条例 §18"]'),
    "fonds": phrase('a list of fonds codes in quotation marks, such as ["0001"]'),
    "category": phrase('a list of categories, such as ["WS", "KJ"]'),
    "records": phrase("a table [records] with fonds, category, retention or importance"),
    "separation": phrase('a table [separation], such as everywhere = ["site", "credential_domain"]'),
    "backup": phrase('a table [backup] with every, such as every = "1 day"'),
    "recovery": phrase("a table [recovery] with rpo, rto, city_lost_rpo or city_lost_rto"),
    "drills": phrase('a table [drills] with every and from, such as every = "90 days" and from = ["remote_offline"]'),
    "media": phrase('tables by kind of medium, such as [media.hdd] with inspect_every = "1 year"'),
    "owner": phrase("one person or office, without commas: what two own, neither does"),
    "to": phrase("one person or office, without commas: what two own, neither does"),
    "escalation": phrase('tables [[notification.escalation]], each with after = "1 day" and to = "somebody"'),
    "notification": phrase("a table [notification] with owner, and tables [[notification.escalation]] if need be"),
    "retention_lock_days": phrase("a whole number of days from 0 to 36500"),
    "classifications": phrase(
        '["public", "internal"] or one of them: state secrets never enter this system (保密法 §31(3))'
    ),
    "audit": phrase('a table [audit] with level and every, such as level = "full" and every = "90 days"'),
    "responsible": phrase("a table [responsible] with leader, manager and executor (档案法实施条例 §18)"),
}
_WANTED |= dict.fromkeys(
    (kind.value for kind in Medium),
    phrase("a table such as [media.hdd] with inspect_every, rate_percent, at_least or life"),
)
_WANTED |= dict.fromkeys(("after", "rpo", "rto", "city_lost_rpo", "city_lost_rto"), _SPAN)
_WANTED |= dict.fromkeys(("full_every", "inspect_every", "life", "superseded_hold", "lock_renew_before"), _DAYS)


def mistakes(error: ValidationError, lines: Mapping[KeyPath, int], file: str) -> ComplaintList:
    """What is wrong, in the order of the lines; each thing once."""
    return key_mistakes.mistakes(error, lines, file, _WANTED, _unknown)


def _unknown(names: tuple[str, ...], said: Mapping[str, object]) -> Complaint:
    """A key that does not belong where it stands: misspelt, in the wrong table, or unheard of."""
    where, key, table = ".".join(names), names[-1], names[:-1]
    here = _settings_of(table)
    near = difflib.get_close_matches(key.lower(), here, 1)
    elsewhere = [".".join((*place, key)) for place in _TABLES if key in _settings_of(place)]
    values = {**said, "name": key}
    if near:
        template = "{file}, line {line}: {key} is not a setting of a policy; did you mean {near}?"
        return Complaint("unknown-key", where, template, {**values, "near": near[0]})
    if key in elsewhere:
        template = (
            "{file}, line {line}: {key} cannot stand in this table; write {name} at the top of the file, before the"
            " first table"
        )
        return Complaint("unknown-key", where, template, values)
    if elsewhere:
        template = "{file}, line {line}: {key} cannot stand here; did you mean {near}?"
        return Complaint("unknown-key", where, template, {**values, "near": ", ".join(elsewhere)})
    template = "{file}, line {line}: {key} is not a setting of a policy; remove it, or write one of these: {known}"
    return Complaint("unknown-key", where, template, {**values, "known": ", ".join(here)})


def _settings_of(place: tuple[str, ...]) -> list[str]:
    table = _TABLES.get(place, PolicyText)
    return [info.alias or name for name, info in table.model_fields.items()]


def _tables(
    table: type[Table] | type[PolicyText], place: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every table of a policy by the names that lead to it."""
    yield place, table
    for name, info in table.model_fields.items():
        for inner in _tables_in(info.annotation):
            yield from _tables(inner, (*place, info.alias or name))


def _tables_in(annotation: Any) -> Iterator[type[Table]]:
    if isinstance(annotation, type) and issubclass(annotation, Table):
        yield annotation
    for part in get_args(annotation):
        yield from _tables_in(part)


_TABLES = dict(_tables(PolicyText))
