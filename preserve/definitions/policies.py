"""Read a policy from its author's TOML, strictly: what is unknown, missing or malformed is told with its line."""

from __future__ import annotations

import difflib
import hashlib
import re
import tomllib
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from preserve.definitions.headings import ELEMENTS
from preserve.definitions.toml_lines import KeyPath, line_of, lines_of_keys
from preserve.errors import Misused
from preserve.model.complaints import ComplaintList
from preserve.model.digests import WRITTEN, Algorithm
from preserve.model.nouns import Level, Role
from preserve.model.phrases import phrase
from preserve.model.policy import AuditRule, CopyRule, LinkRule, Policy, Responsible
from preserve.model.records import Classification

_UNITS = {
    "B": 1,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TIB": 2**40,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
}
_SIZE = re.compile(r"([0-9]+)\s*([A-Za-z]+)")
_DAYS = re.compile(r"([0-9]+)\s*(day|week|month|year)s?")
_DAYS_OF = {"day": 1, "week": 7, "month": 30, "year": 365}

SMALLEST_PACKAGE_BYTES = 2**20
LARGEST_PACKAGE_BYTES = 2**40
"""One package is one object in a store: S3 takes 5 TiB, and a terabyte already takes hours to read back."""
LONGEST_AUDIT_DAYS = 366
"""Our own limit, no law's: a copy that nobody looks at for over a year is a hope, not a copy."""
MOST_COPIES = 9


class _Amount(ValueError):  # noqa: N818 - pydantic turns it into a message; nobody else sees it
    """A size or a span of time that is written wrongly."""


def _size(value: object) -> int:
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None or match[2].upper() not in _UNITS:
        raise _Amount
    return int(match[1]) * _UNITS[match[2].upper()]


def _days(value: object) -> int:
    match = _DAYS.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _Amount
    return int(match[1]) * _DAYS_OF[match[2]]


def _sha256_first(names: tuple[Algorithm, ...]) -> tuple[Algorithm, ...]:
    if Algorithm.SHA256 not in names or len(set(names)) != len(names) or not set(names) <= set(WRITTEN):
        raise _Amount
    return tuple(name for name in WRITTEN if name in names)


def _known_element(name: str) -> str:
    if name not in ELEMENTS:
        raise _Amount
    return name


def _no_state_secrets(names: tuple[Classification, ...]) -> tuple[Classification, ...]:
    if any(name.is_state_secret for name in names) or not names:
        raise _Amount
    return names


_Text = Annotated[str, StringConstraints(min_length=1, max_length=10_000, strip_whitespace=True)]
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
_FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,198}\.json$")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class _Copies(_Table):
    role: Role
    count: Annotated[int, Field(ge=1, le=MOST_COPIES, strict=True)] = 1


class _Audit(_Table):
    level: Literal["sample", "full"]
    every: Annotated[int, BeforeValidator(_days), Field(ge=1, le=LONGEST_AUDIT_DAYS)]
    sample_blocks: Annotated[int, Field(ge=1, le=100_000, strict=True)] = 8


class _Responsible(_Table):
    leader: _Text
    manager: _Text
    executor: _Text


class PolicyText(_Table):
    """A policy as TOML; its JSON Schema is what editors can use."""

    name: _Name
    title: _Text
    description: str = ""
    legal_basis: tuple[_Text, ...] = ()
    package_bytes: Annotated[
        int, BeforeValidator(_size), Field(ge=SMALLEST_PACKAGE_BYTES, le=LARGEST_PACKAGE_BYTES)
    ] = 8 * 2**30
    digests: Annotated[tuple[Algorithm, ...], AfterValidator(_sha256_first)] = (Algorithm.SHA256,)
    symlinks: LinkRule = LinkRule.KEEP
    required_metadata: tuple[Annotated[str, AfterValidator(_known_element)], ...] = ()
    profile: _FileName | None = None
    copies: Annotated[tuple[_Copies, ...], Field(min_length=1)]
    audit: _Audit
    retention_lock_days: Annotated[int, Field(ge=0, le=36_500, strict=True)] = 0
    classifications: Annotated[tuple[Classification, ...], AfterValidator(_no_state_secrets)] = (
        Classification.PUBLIC,
        Classification.INTERNAL,
    )
    responsible: _Responsible
    notify: _Text


_WANTED = {
    "name": phrase("lower-case letters, digits and hyphens"),
    "package_bytes": phrase('a size from "1 MiB" to "1 TiB", such as "8 GiB"'),
    "digests": phrase('["sha256"], with "sha512" or "sm3" beside it'),
    "symlinks": phrase('"keep" or "refuse"'),
    "required_metadata": phrase("a list of the glossary's identifiers, such as archival_code"),
    "profile": phrase('the file name of a BagIt profile, such as "government-records-profile.json"'),
    "copies": phrase('tables [[copies]] with role = "primary", "same_city" or "remote_offline" and count = 1 to 9'),
    "role": phrase('"primary", "same_city" or "remote_offline"'),
    "count": phrase("a whole number from 1 to 9"),
    "level": phrase('"sample" or "full"'),
    "every": phrase('a span up to "366 days", such as "90 days"'),
    "sample_blocks": phrase("a whole number from 1 to 100000"),
    "retention_lock_days": phrase("a whole number of days from 0 to 36500"),
    "classifications": phrase(
        '["public", "internal"] or one of them: state secrets never enter this system (保密法 §31(3))'
    ),
    "responsible": phrase("a table with leader, manager and executor (档案法实施条例 §18)"),
}
_ANY_TEXT = phrase("a text that is not empty")


def read_policy(text: str, file: str) -> Policy:
    """The policy that `text` (TOML) defines; `file` is its name, for messages.

    Raises `Misused` with all that is wrong, each with its line, and what is wanted instead.
    """
    try:
        plain = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misused("{file} is no sound TOML: {reason}", file=file, reason=error) from error
    try:
        read = PolicyText.model_validate(plain)
    except ValidationError as error:
        raise _told(error, lines_of_keys(text), file) from None
    _check_roles(read, lines_of_keys(text), file)
    return _policy(read, text)


def _policy(read: PolicyText, text: str) -> Policy:
    return Policy(
        name=read.name,
        title=read.title,
        description=read.description.strip(),
        legal_basis=read.legal_basis,
        package_bytes=read.package_bytes,
        digests=read.digests,
        symlinks=read.symlinks,
        required_metadata=read.required_metadata,
        profile=read.profile,
        copies=tuple(CopyRule(rule.role, rule.count) for rule in read.copies),
        audit=AuditRule(Level(read.audit.level), read.audit.every, read.audit.sample_blocks),
        retention_lock_days=read.retention_lock_days,
        classifications=read.classifications,
        responsible=Responsible(read.responsible.leader, read.responsible.manager, read.responsible.executor),
        notify=read.notify,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def _check_roles(read: PolicyText, lines: dict[KeyPath, int], file: str) -> None:
    roles = [rule.role for rule in read.copies]
    for number, role in enumerate(roles):
        if role in roles[:number]:
            line = line_of(("copies", number), lines)
            raise Misused(
                "{file}, line {line}: copies on {role} are asked for twice; add up their counts",
                file=file,
                line=line,
                role=role,
            )


def _told(error: ValidationError, lines: dict[KeyPath, int], file: str) -> Misused:
    complaints = ComplaintList()
    for problem in error.errors(include_url=False, include_context=False):
        _tell(problem["type"], tuple(problem["loc"]), problem.get("input"), lines, file, complaints)
    found = complaints.freeze()
    if found.count == 1:
        return Misused(found.named[0].template, **found.named[0].values)
    template = "{file} is not a policy, for {count} reasons:\n{complaints}"
    return Misused(template, file=file, count=found.count, complaints=found)


def _tell(
    kind: str, path: KeyPath, value: Any, lines: dict[KeyPath, int], file: str, complaints: ComplaintList
) -> None:
    names = [part for part in path if isinstance(part, str)]
    key, line = names[-1], line_of(path, lines)
    where = ".".join(names)
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(key, [*PolicyText.model_fields, *_WANTED], 1)
        template = "{file}, line {line}: {key} is not a setting of a policy; did you mean {near}?"
        if not near:
            template = "{file}, line {line}: {key} is not a setting of a policy; remove it"
        complaints.add("unknown-key", where, template, file=file, line=line, key=where, near="".join(near))
    elif kind == "missing":
        template = "{file}: {key} is missing; give it {wanted}"
        complaints.add("missing", where, template, file=file, key=where, wanted=_WANTED.get(key, _ANY_TEXT))
    else:
        template = "{file}, line {line}: {key} cannot be {value}; it must be {wanted}"
        wanted = _WANTED.get(key, _ANY_TEXT)
        complaints.add("wrong", where, template, file=file, line=line, key=where, value=repr(value), wanted=wanted)
