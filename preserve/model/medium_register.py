"""The register of removable media (载体台账): what each medium is, where it is, who has it, how it was last found.

A medium is one store: the bytes on it are told apart from all others by its `store.json`, and the register adds what no
byte can tell, such as the number on the box, the seal, and the shelf.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from preserve.model.incidents import DUE
from preserve.model.media import WRITTEN_ONCE, Medium
from preserve.model.policy import CopySet

LONGEST_NUMBER = 40
_NUMBER = re.compile(rf"[^\W_][\w.·-]{{0,{LONGEST_NUMBER - 1}}}")


def is_medium_number(text: str) -> bool:
    """Whether `text` can be a number of a medium (载体编号): letters, Chinese ones too, digits, `.`, `·`, `-`, `_`."""
    return _NUMBER.fullmatch(text) is not None


def overdue_subject(number: str) -> str:
    """What the incident is about that a medium is not back: another may be open about the medium itself."""
    return f"{number}{DUE}"


class Custody(StrEnum):
    """Who has a medium (保管状态)."""

    AT_HAND = "at hand"  # where it can be mounted, read and written
    OUT = "out"  # on its way, or with somebody
    SEALED = "sealed"  # at its place, under seal


class Purpose(StrEnum):
    """What a medium is checked out for."""

    DEPOSIT = "deposit"  # 送存: to the place where it is kept
    LEND = "lend"  # 借阅
    INSPECT = "inspect"  # 检查
    DRILL = "drill"  # 演练
    RESTORE = "restore"  # 恢复


class CarrierCondition(StrEnum):
    """The first result of an inspection, a person's word (条例 §41: 载体的完好程度)."""

    GOOD = "good"
    WORN = "worn"  # it still serves, and should be refreshed
    BROKEN = "broken"
    NOT_LOOKED_AT = "not looked at"


class Answer(StrEnum):
    """The other results of an inspection: data readability (条例 §41: 数据的可读性) and fixity."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


class Cause(StrEnum):
    """Why a medium is inspected."""

    ASKED = "asked for"
    ROTATION = "rotation"  # by the policy's interval and rate
    BATCH = "batch"  # another of its batch failed
    HANDOVER = "hand-over"


@dataclass(frozen=True, slots=True)
class Particulars:
    """What a person says of a medium when it is registered; all of it may be said anew.

    `capacity_bytes` 0: not known.  `in_service_since` is a day (2026-01-31), from which its life counts.  `place` is
    where it is kept, `keeper` the unit that keeps it (保管单位).
    """

    kind: Medium
    serial: str = ""
    batch: str = ""
    capacity_bytes: int = 0
    copy_set: CopySet | None = None
    place: str = ""
    keeper: str = ""
    in_service_since: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """The signed label that lies on a medium: which one, its digest (hex), and how many ledger entries it attests."""

    generation: int
    sha256: str
    entries: int


@dataclass(frozen=True, slots=True)
class MediumEntry:
    """A registered medium (载体) as the books know it.

    `held_by`, `purpose` and `due_back` (a day) are set while it is out, `seal` while it is out or sealed.  `label` is
    None until one was laid.  `inspected_well` is what the last inspection came to, None before the first and where that
    read nothing.  A medium that was refreshed into another is kept until the day `hold_until`.
    """

    number: str
    store: str
    particulars: Particulars
    registered_at: str
    custody: Custody = Custody.AT_HAND
    seal: str = ""
    held_by: str = ""
    purpose: Purpose | None = None
    moved_at: str | None = None
    due_back: str | None = None
    label: Label | None = None
    inspected_at: str | None = None
    inspected_well: bool | None = None
    refreshed_into: str | None = None
    hold_until: str | None = None

    @property
    def kind(self) -> Medium:
        return self.particulars.kind

    @property
    def is_burned(self) -> bool:
        """Whether it is of a kind that is written once, and has left the folder of which it was made."""
        return self.kind in WRITTEN_ONCE and self.moved_at is not None

    @property
    def may_be_written(self) -> bool:
        """Whether anything may be put on it: what is sealed, away, burned or superseded stays as it is."""
        return self.custody is Custody.AT_HAND and self.refreshed_into is None and not self.is_burned


@dataclass(frozen=True, slots=True)
class MediumUse:
    """What lies on a medium by the books: packages and bytes of bags, when the first and the last copy was written, and
    when any was last read."""

    packages: int = 0
    bytes: int = 0
    first_written: str | None = None
    last_written: str | None = None
    last_read: str | None = None


@dataclass(frozen=True, slots=True)
class CheckOut:
    """A medium leaves: to whom, under which seal, what for, and by which day it is to be back or received.

    `approved_by` names who allowed a lending of set A.
    """

    to: str
    seal: str
    purpose: Purpose
    due_back: str | None = None
    approved_by: str = ""


@dataclass(frozen=True, slots=True)
class CheckIn:
    """A medium is received: the seal as it was found (empty: none), whether it was whole, and where the medium is now.

    `custody` is `SEALED` where the seal stays closed: then nobody looked at what is on it, and `packages` is None; else
    it is the count of receipts found on it.
    """

    seal: str
    is_seal_whole: bool
    custody: Custody
    place: str
    condition: CarrierCondition = CarrierCondition.NOT_LOOKED_AT
    packages: int | None = None


@dataclass(frozen=True, slots=True)
class CustodyAct:
    """One line of a medium's custody record (保管链): number of its ledger entry, when, who booked it, and what."""

    entry: int
    at: str
    by: str
    out: CheckOut | None = None
    back: CheckIn | None = None


@dataclass(frozen=True, slots=True)
class Inspection:
    """What an inspection of a medium came to.

    `run` is the audit that read it, None where it could not be read.  `copies` were to be read, `not_sound` of them
    were not as they should be.
    """

    cause: Cause
    condition: CarrierCondition
    readability: Answer
    fixity: Answer
    run: str | None = None
    copies: int = 0
    not_sound: int = 0
    note: str = ""

    @property
    def is_passed(self) -> bool:
        """Whether data and carrier are as they should be; one that only looks worn has not passed."""
        return not self.has_failed and self.readability is self.fixity is Answer.PASSED

    @property
    def has_failed(self) -> bool:
        """Whether anything was seen that is not as it should be: one that read nothing neither passed nor failed."""
        is_carrier_good = self.condition in (CarrierCondition.GOOD, CarrierCondition.NOT_LOOKED_AT)
        return not is_carrier_good or Answer.FAILED in (self.readability, self.fixity)


@dataclass(frozen=True, slots=True)
class InspectionEntry:
    """An inspection in the books."""

    entry: int
    medium: str
    at: str
    by: str
    result: Inspection


class Trigger(StrEnum):
    """Why a medium is refreshed (更新), as the risk log names it."""

    LIFE_REACHED = "life reached"
    QUALITY = "quality"  # error rates near the limit
    READER_ENDS = "reader ends"  # no drive for it will be made any more
    BATCH_FAILED = "batch failed"
    DAMAGE = "damage"

    @property
    def is_active(self) -> bool:
        """主动, before harm was done; else 被动."""
        return self in (Trigger.LIFE_REACHED, Trigger.QUALITY, Trigger.READER_ENDS)


@dataclass(frozen=True, slots=True)
class RefreshPlan:
    """What is fixed before a refresh begins: from which medium to which, why, on what basis, and the three persons.

    `hold_days` is how long the old medium is kept afterwards.
    """

    old: str
    new: str
    trigger: Trigger
    basis: str
    approver: str
    executor: str
    auditor: str
    hold_days: int


@dataclass(frozen=True, slots=True)
class RefreshOutcome:
    """What a refresh came to: copies on both media, how many were read twice and found equal on each, bytes on them.

    `blocks_from` counts the bytes taken from each store: others than the old medium where that was not sound.
    """

    copies: int
    sound_on_old: int
    sound_on_new: int
    bytes: int
    blocks_from: Mapping[str, int] = field(default_factory=dict)
    runs: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        return self.sound_on_new == self.copies


@dataclass(frozen=True, slots=True)
class RefreshEntry:
    """A refresh in the books; `ended_at` and `outcome` None while it is under way."""

    entry: int
    plan: RefreshPlan
    begun_at: str
    ended_at: str | None = None
    outcome: RefreshOutcome | None = None


@dataclass(frozen=True, slots=True)
class ReaderEntry:
    """A drive that reads media (读取设备), and when somebody last saw that it does."""

    name: str
    kinds: tuple[Medium, ...]
    checked_at: str
    works: bool
    note: str = ""
