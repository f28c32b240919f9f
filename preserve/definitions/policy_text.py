"""What a policy's TOML may hold: every key, its form and its bounds.  Its JSON Schema is for editors.

Descriptions are English here; the shipped policies explain each key in Chinese and English where it stands.
"""

from __future__ import annotations

import zoneinfo
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema

from preserve.definitions import amounts
from preserve.definitions.headings import ELEMENTS
from preserve.model.digests import Algorithm
from preserve.model.media import Family
from preserve.model.nouns import Role
from preserve.model.parity import LEAST_PERCENT, MOST_PERCENT
from preserve.model.policy import CopySet, IdentifyWhen, Importance, LinkRule, Weekday
from preserve.model.records import retention_of
from preserve.model.separation import ATTRIBUTES

SMALLEST_PACKAGE_BYTES = 2**20
LARGEST_PACKAGE_BYTES = 2**40
"""One package is one object in a store: S3 takes 5 TiB, and a terabyte already takes hours to read back."""
LONGEST_AUDIT_DAYS = 366
"""Our own limit, no law's: a copy that nobody looks at for over a year is a hope, not a copy."""
LONGEST_DAYS = 36_500
"""A hundred years: longer spans are written `permanent`, or by mistake."""
LONGEST_WITHIN_DAYS = 366
"""Our own limit, no law's: a disk that comes once a year is the slowest copy that is still one."""
MOST_COPIES = 9

TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]"
WINDOW = rf"^{TIME}-{TIME}$"


def _refused_unless(is_fit: bool) -> None:
    if not is_fit:
        raise ValueError


def _size(text: str) -> str:
    _refused_unless(SMALLEST_PACKAGE_BYTES <= amounts.size_bytes(text) <= LARGEST_PACKAGE_BYTES)
    return text


def _span(text: str) -> str:
    _refused_unless(0 < amounts.span_seconds(text) <= LONGEST_DAYS * 86_400)
    return text


def _days(text: str) -> str:
    _refused_unless(0 < amounts.span_days(text) <= LONGEST_DAYS)
    return text


def _with_sha256(names: tuple[str, ...]) -> tuple[str, ...]:
    _refused_unless(Algorithm.SHA256 in names and len(set(names)) == len(names))
    return names


def _known_element(name: str) -> str:
    _refused_unless(name in ELEMENTS)
    return name


def _retention(text: str) -> str:
    _refused_unless(retention_of(text) is not None)
    return text


def _attribute(name: str) -> str:
    _refused_unless(name in ATTRIBUTES)
    return name


def _time_zone(name: str) -> str:
    """Known to this machine, where it knows any: a bare one may come without the data base of time zones."""
    known = zoneinfo.available_timezones()
    _refused_unless(name in known or not known)
    return name


def _one_person(name: str) -> str:
    """Who shall be told is one: what two people own, neither does."""
    _refused_unless(not set(name) & set(",;/|，；、／｜\n"))
    return name


_Text = Annotated[str, StringConstraints(min_length=1, max_length=10_000, strip_whitespace=True, pattern=r"\S")]
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
_FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,198}\.json$")]
_Size = Annotated[str, StringConstraints(pattern=amounts.SIZE), AfterValidator(_size)]
_Span = Annotated[str, StringConstraints(pattern=amounts.SPAN), AfterValidator(_span)]
_Days = Annotated[str, StringConstraints(pattern=amounts.DAYS), AfterValidator(_days)]
_AuditDays = Annotated[
    str, StringConstraints(pattern=amounts.spans_up_to(LONGEST_AUDIT_DAYS, "day", "week", "month", "year"))
]
_Within = Annotated[
    str,
    StringConstraints(
        pattern=amounts.spans_up_to(LONGEST_WITHIN_DAYS, "minute", "hour", "day", "week", "month", "year")
    ),
]
_Person = Annotated[_Text, AfterValidator(_one_person)]
_Window = Annotated[str, StringConstraints(pattern=WINDOW)]
_IanaName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+/-]{2,64}$"), AfterValidator(_time_zone)]
_Percent = Annotated[int, Field(ge=1, le=100, strict=True)]
_Whole = Annotated[int, Field(ge=1, le=100_000, strict=True)]
_Element = Annotated[str, AfterValidator(_known_element), WithJsonSchema({"type": "string", "enum": sorted(ELEMENTS)})]
_Attribute = Annotated[str, AfterValidator(_attribute), WithJsonSchema({"type": "string", "enum": list(ATTRIBUTES)})]
_Written = Literal["sha256", "sha512", "sm3"]
_LetIn = Literal["public", "internal"]
_Attributes = Annotated[tuple[_Attribute, ...], Field(min_length=1)]


class Table(BaseModel):
    """A table of a policy: what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Audit(Table):
    """How deeply and how often copies are read again."""

    level: Literal["sample", "full"] = Field(description="sample reads some blocks of each package, full every byte")
    every: _AuditDays = Field(description="greatest age of a look at this level")
    sample_blocks: _Whole = Field(8, description="blocks read of each package in a sample")
    full_every: _Days | None = Field(None, description="greatest age of a reading of every byte, beside samples")
    run_every: _AuditDays | None = Field(None, description="how often an audit runs")
    rate_percent: _Percent | None = Field(None, description="share of the copies that each run looks at, in rotation")


class Copies(Table):
    """Copies on stores of one role."""

    role: Role = Field(description="which stores they are on")
    count: Annotated[int, Field(ge=1, le=MOST_COPIES, strict=True)] = Field(1, description="how many")
    set: CopySet | None = Field(None, description="套别: A sealed, B for reference, C off-site")
    medium_families: Annotated[tuple[Family, ...], Field(min_length=1)] | None = Field(
        None, description="the families of media they may be on"
    )
    within: _Within | None = Field(None, description="how long after the accession they must be there, a year at most")
    audit: Audit | None = Field(None, description="how these copies are audited, where it differs")
    parity_percent: Annotated[int, Field(ge=LEAST_PERCENT, le=MOST_PERCENT, strict=True)] | None = Field(
        None, description="share of its sectors that may be bad, and each copy is mended by its own parity"
    )


class Records(Table):
    """Which records the policy is for."""

    fonds: tuple[_Text, ...] = Field((), description="全宗号; empty: any")
    category: tuple[_Text, ...] = Field((), description="门类, such as WS or KJ; empty: any")
    retention: Annotated[tuple[Annotated[str, AfterValidator(_retention)], ...], Field(min_length=1)] | None = Field(
        None, description="保管期限: 永久, 30年, 10年, or any other number of years"
    )
    importance: Importance | None = Field(None, description="important records are asked more for")


class Separation(Table):
    """What the stores of the copies must differ in."""

    everywhere: _Attributes | None = Field(None, description="attributes that no two copies may share")
    remote: _Attributes | None = Field(None, description="attributes that the remote copy may share with no other")
    medium_families: Annotated[int, Field(ge=1, le=5, strict=True)] = Field(1, description="异质: how many families")
    vendors: Annotated[int, Field(ge=1, le=MOST_COPIES, strict=True)] = Field(1, description="how many vendors")
    remote_distance_km: Annotated[int, Field(ge=1, le=20_000, strict=True)] | None = Field(
        None, description="how far from every other copy the remote one is"
    )


class Backup(Table):
    """When the source is backed up."""

    every: _Span = Field(description="how often")
    at: Annotated[str, StringConstraints(pattern=rf"^{TIME}$")] | None = Field(None, description="time of day, HH:MM")
    on: Annotated[tuple[Weekday, ...], Field(min_length=1)] | None = Field(None, description="days of the week")
    timezone: _IanaName | None = Field(None, description="IANA name, such as Asia/Shanghai")
    window: _Window | None = Field(None, description="when work may go on, such as 22:00-06:00")


class Recovery(Table):
    """What may be lost, and how long a recovery may take."""

    rpo: _Span | None = Field(None, description="RPO when the primary store is lost")
    rto: _Span | None = Field(None, description="RTO when the primary store is lost")
    city_lost_rpo: _Span | None = Field(None, description="RPO when the whole city is lost")
    city_lost_rto: _Span | None = Field(None, description="RTO when the whole city is lost")


class Drills(Table):
    """Rehearsals of a recovery."""

    every: _AuditDays = Field(description="how often a sample is restored")
    from_: Annotated[tuple[Role, ...], Field(min_length=1)] = Field(alias="from", description="from which copies alone")
    sample_packages: _Whole | None = Field(None, description="how many packages a sample restores")
    full_every: _Days | None = Field(None, description="how often everything is restored")
    without_catalog: bool = Field(False, strict=True, description="with catalog and home given up for lost")


class Formats(Table):
    """When the formats of files are told."""

    identify: IdentifyWhen = Field(
        IdentifyWhen.AFTER, description="at ingest: right after the copies were made; after: by the runner, when idle"
    )
    again_on_release: bool = Field(True, strict=True, description="once more when the signatures of formats changed")


class Migration(Table):
    """How the runner goes on with migrations of formats that a person began; without this table it does not."""

    window: _Window | None = Field(None, description="when files are converted, such as 20:00-06:00")
    timezone: _IanaName | None = Field(None, description="IANA name, such as Asia/Shanghai")
    files_per_day: Annotated[int, Field(ge=1, le=10_000_000, strict=True)] | None = Field(
        None, description="at most so many files a day"
    )


class MediumOfAKind(Table):
    """Rules for media of one kind."""

    inspect_every: _Days | None = Field(None, description="how often a sample is read by machine")
    rate_percent: _Percent | None = Field(None, description="抽样率")
    at_least: _Whole | None = Field(None, description="how many media at the least")
    life: _Days | None = Field(None, description="how old a medium may grow before it is refreshed")


class Media(Table):
    """Rules for removable media."""

    superseded_hold: _Days | None = Field(None, description="how long the old medium is kept after refreshing")
    reader_check_every: _AuditDays | None = Field(None, description="how often the drives are checked")
    handover_rate_percent: _Percent | None = Field(None, description="share of the media read at each hand-over")
    hdd: MediumOfAKind | None = None
    lto: MediumOfAKind | None = None
    bd_r: MediumOfAKind | None = None
    dvd_r: MediumOfAKind | None = None
    cd_r: MediumOfAKind | None = None
    microfilm: MediumOfAKind | None = None
    ssd: MediumOfAKind | None = None
    usb_flash: MediumOfAKind | None = None


class Escalation(Table):
    """Who is told when nobody has acted."""

    after: _Span = Field(description="after how long")
    to: _Person = Field(description="who")


class Notification(Table):
    """Who is told, and who is told next."""

    owner: _Person = Field(description="the one person or office that is told")
    escalation: Annotated[tuple[Escalation, ...], Field(min_length=1)] | None = None


class Responsible(Table):
    """档案法实施条例 §18: the three responsibilities."""

    leader: _Text = Field(description="领导责任")
    manager: _Text = Field(description="管理责任")
    executor: _Text = Field(description="执行责任")


class PolicyText(Table):
    """A policy of `preserve`: what is kept in how many copies where, how often it is looked at, who answers for it."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"oneOf": [{"required": ["notify"]}, {"required": ["notification"]}]},
    )

    name: _Name
    title: _Text
    description: str = ""
    legal_basis: tuple[_Text, ...] = Field((), description="依据")
    package_bytes: _Size = Field("8 GiB", description="how much payload one package may hold")
    digests: Annotated[tuple[_Written, ...], AfterValidator(_with_sha256)] = Field(
        ("sha256",), description="sha256 always; sha512 and sm3 may be added"
    )
    symlinks: LinkRule = LinkRule.KEEP
    required_metadata: tuple[_Element, ...] = ()
    profile: _FileName | None = Field(None, description="file name of a BagIt profile")
    records: Records | None = None
    copies: Annotated[tuple[Copies, ...], Field(min_length=1)]
    separation: Separation | None = None
    audit: Audit
    backup: Backup | None = None
    recovery: Recovery | None = None
    drills: Drills | None = None
    media: Media | None = None
    formats: Formats | None = None
    migration: Migration | None = None
    retention_lock_days: Annotated[int, Field(ge=0, le=LONGEST_DAYS, strict=True)] = Field(
        0, description="days of object lock asked of stores that have one"
    )
    lock_renew_before: _Days | None = Field(None, description="how long before its end a lock is renewed")
    classifications: Annotated[tuple[_LetIn, ...], Field(min_length=1)] = Field(
        ("public", "internal"), description="state secrets are never let in"
    )
    responsible: Responsible
    notify: _Text | None = Field(None, description="who is told; the table [notification] says it more strictly")
    notification: Notification | None = None
