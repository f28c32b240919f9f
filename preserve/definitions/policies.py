"""Read a policy from its author's TOML, strictly: what is unknown, missing, malformed or contradictory is told.

Each mistake comes with its line, the reason and the remedy.
"""

from __future__ import annotations

import difflib
import hashlib
import tomllib
from typing import Any

from pydantic import ValidationError
from pydantic.json_schema import GenerateJsonSchema

from preserve.definitions.contradictions import contradictions
from preserve.definitions.policy_text import PolicyText
from preserve.definitions.policy_values import policy_from
from preserve.definitions.toml_lines import KeyPath, line_of, lines_of_keys
from preserve.errors import Misused
from preserve.model.complaints import ComplaintList
from preserve.model.phrases import phrase
from preserve.model.policy import Policy

SCHEMA_ID = "urn:preserve:policy-schema:1"

_SPAN = phrase('a span such as "15 minutes", "24 hours" or "90 days"')
_DAYS = phrase('a span of days, such as "90 days" or "3 years"')
_PERCENT = phrase("a whole number from 1 to 100")
_WANTED = {
    "name": phrase("lower-case letters, digits and hyphens"),
    "package_bytes": phrase('a size from "1 MiB" to "1 TiB", such as "8 GiB"'),
    "digests": phrase('["sha256"], with "sha512" or "sm3" beside it'),
    "symlinks": phrase('"keep" or "refuse"'),
    "required_metadata": phrase("a list of the glossary's identifiers, such as archival_code"),
    "profile": phrase('the file name of a BagIt profile, such as "government-records-profile.json"'),
    "copies": phrase('tables [[copies]] with role = "primary", "same_city" or "remote_offline" and count = 1 to 9'),
    "role": phrase('"primary", "same_city" or "remote_offline"'),
    "from": phrase('a list of "primary", "same_city" or "remote_offline"'),
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
    "medium_families": phrase('a list of "magnetic_disk", "magnetic_tape", "optical", "solid_state", "film"'),
    "vendors": phrase("a whole number from 1 to 9"),
    "everywhere": phrase('a list of attributes of stores, such as "site" or "credential_domain"'),
    "remote": phrase('a list of attributes of stores, such as "city" or "power_grid"'),
    "retention": phrase('a list such as ["永久"], ["30年", "10年"] or ["y15"]'),
    "importance": phrase('"ordinary" or "important"'),
    "at": phrase('a time of day such as "01:30"'),
    "on": phrase('a list of "mon", "tue", "wed", "thu", "fri", "sat", "sun"'),
    "timezone": phrase('a time zone such as "Asia/Shanghai"'),
    "window": phrase('two times of day, such as "22:00-06:00"'),
    "without_catalog": phrase("true or false"),
    "again_on_release": phrase("true or false"),
    "identify": phrase('"at ingest" or "after"'),
    "owner": phrase("one person or office, without commas: what two own, neither does"),
    "to": phrase("one person or office, without commas: what two own, neither does"),
    "escalation": phrase('tables [[notification.escalation]] with after = "1 day" and to = "somebody"'),
    "notification": phrase("a table with owner, and with [[notification.escalation]]"),
    "retention_lock_days": phrase("a whole number of days from 0 to 36500"),
    "classifications": phrase(
        '["public", "internal"] or one of them: state secrets never enter this system (保密法 §31(3))'
    ),
    "audit": phrase('a table with level and every, such as level = "full" and every = "90 days"'),
    "responsible": phrase("a table with leader, manager and executor (档案法实施条例 §18)"),
}
_WANTED |= dict.fromkeys(("after", "within", "rpo", "rto", "city_lost_rpo", "city_lost_rto"), _SPAN)
_WANTED |= dict.fromkeys(("full_every", "inspect_every", "life", "superseded_hold", "lock_renew_before"), _DAYS)
_ANY_TEXT = phrase("a text that is not empty")


def read_policy(text: str, file: str) -> Policy:
    """The policy that `text` (TOML) defines; `file` is its name, for messages.

    Raises `Misused` with all that is wrong, each with its line, and what is wanted instead.
    """
    try:
        plain = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misused("{file} is no sound TOML: {reason}", file=file, reason=error) from error
    lines = lines_of_keys(text)
    try:
        PolicyText.model_validate(plain)
    except ValidationError as error:
        raise _told(error, lines, file) from None
    complaints = ComplaintList()
    for contradiction in contradictions(plain):
        line = line_of(contradiction.path, lines)
        complaints.add(
            contradiction.code,
            ".".join(map(str, contradiction.path)),
            contradiction.template,
            file=file,
            line=line,
            **contradiction.values,
        )
    _raise_if_any(complaints, file)
    return policy_from(plain, hashlib.sha256(text.encode()).hexdigest())


def policy_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a policy, for editors that check TOML while it is typed.

    It knows forms and bounds; contradictions between keys only `preserve policy check` finds.
    """
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": SCHEMA_ID,
        **PolicyText.model_json_schema(by_alias=True),
        "title": "preserve policy",
    }


def _raise_if_any(complaints: ComplaintList, file: str) -> None:
    found = complaints.freeze()
    if found.count == 1:
        raise Misused(found.named[0].template, **found.named[0].values)
    if found.count:
        template = "{file} is not a policy, for {count} reasons:\n{complaints}"
        raise Misused(template, file=file, count=found.count, complaints=found)


def _told(error: ValidationError, lines: dict[KeyPath, int], file: str) -> Misused:
    complaints = ComplaintList()
    for problem in error.errors(include_url=False, include_context=False):
        _tell(problem["type"], tuple(problem["loc"]), problem.get("input"), lines, file, complaints)
    try:
        _raise_if_any(complaints, file)
    except Misused as misused:
        return misused
    raise AssertionError("a validation error that says nothing")


def _tell(
    kind: str, path: KeyPath, value: Any, lines: dict[KeyPath, int], file: str, complaints: ComplaintList
) -> None:
    names = [part for part in path if isinstance(part, str)]
    key, line = names[-1], line_of(path, lines)
    where = ".".join(names)
    wanted = _WANTED.get(".".join(names[-2:])) or _WANTED.get(key, _ANY_TEXT)
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(key, [*PolicyText.model_fields, *_WANTED], 1)
        template = "{file}, line {line}: {key} is not a setting of a policy; did you mean {near}?"
        if not near:
            template = "{file}, line {line}: {key} is not a setting of a policy; remove it"
        complaints.add("unknown-key", where, template, file=file, line=line, key=where, near="".join(near))
    elif kind == "missing":
        template = "{file}, line {line}: {key} is missing; give it {wanted}"
        complaints.add("missing", where, template, file=file, line=line, key=where, wanted=wanted)
    else:
        template = "{file}, line {line}: {key} cannot be {value}; it must be {wanted}"
        complaints.add("wrong", where, template, file=file, line=line, key=where, value=repr(value), wanted=wanted)
