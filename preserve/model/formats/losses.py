"""What a conversion lost or may have lost: of what type, how bad, measured how, declared or not, and who decides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from preserve.model.formats.properties import Property
from preserve.model.requirements import Words


class RiskType(StrEnum):
    """The standing types of the risk log (glossary: from DA/T 58 and practice), for conversion and refreshing alike."""

    CONTENT_LOST = "content lost"  # 内容丢失
    LAYOUT_CHANGED = "layout changed"  # 版面变化
    SIGNATURE_BROKEN = "signature broken"  # 签名失效
    METADATA_LOST = "metadata lost"  # 元数据丢失
    LINK_BROKEN = "link broken"  # 关联断裂
    GARBLED = "characters garbled"  # 字符乱码
    MACRO_OR_FORMULA_LOST = "macro or formula lost"  # 宏/公式丢失
    COLOUR_OR_RESOLUTION = "colour or resolution lowered"  # 颜色/分辨率降低
    ORDER_CHANGED = "order changed"  # 顺序错乱
    WRITING_FAILED = "carrier written wrongly"  # 载体写入错误
    READER_OBSOLETE = "reading device obsolete"  # 读取设备淘汰
    HUMAN_ERROR = "human error"  # 人为误操作
    SUPPLIER_GONE = "supplier gone"  # 供应商退出
    KEY_LOST = "key lost"  # 密钥丢失
    ORIGIN_UNKNOWN = "origin unknown"  # 来源不明


class LossSeverity(StrEnum):
    """How bad a loss is; in the order of badness."""

    LOW = "low"  # nobody relies on it
    MEDIUM = "medium"  # it may matter to somebody
    HIGH = "high"  # what the record says, or proves, is touched


class Comparison(StrEnum):
    """What came of holding one property of the result against the original."""

    WITHIN = "within tolerance"  # differs, and no more than the pathway allows
    DECLARED = "declared"  # a loss that the pathway names, within its bound
    UNDECLARED = "undeclared"  # differs by more than is allowed, or otherwise than declared
    NOT_MEASURED = "not measured"  # on one side or both: nobody can say that it was kept

    @property
    def stops(self) -> bool:
        """Whether the file is kept for review, and nothing comes into force."""
        return self in (Comparison.UNDECLARED, Comparison.NOT_MEASURED)


@dataclass(frozen=True, slots=True)
class DeclaredLoss:
    """A loss that the pathway names beforehand.

    `what` is how it shows when measured, None where nothing measures it.  At most `at_most` may be lost (in the
    unit of the property); None: all of it.  `id` is how it is accepted, one by one.
    """

    id: str
    type: RiskType
    words: Words
    severity: LossSeverity
    what: Property | None = None
    at_most: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where something differs: page, line, cell or position, and what stands there before and after."""

    where: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Risk:
    """One difference between an original and its conversion, as the risk log keeps it.

    `amount` is the difference in the unit of the property, None where it could not be measured; `tolerance` is what the
    pathway allows.  `why` tells why nothing was measured.  `places` are the first of the differences.
    """

    what: Property
    type: RiskType
    severity: LossSeverity
    comparison: Comparison
    amount: int | None
    tolerance: int
    before: str = ""
    after: str = ""
    places: tuple[Place, ...] = ()
    declared: DeclaredLoss | None = None
    why: str = ""

    @property
    def needs_person(self) -> bool:
        """Whether somebody has to decide, by name and with a reason, before anything comes of the result."""
        return self.comparison is not Comparison.WITHIN


class FileVerdict(StrEnum):
    """What becomes of one converted file; from the best to the worst."""

    EQUAL = "equal"  # in all that was compared
    WITHIN = "within tolerance"
    LOSSES = "declared losses"  # they have to be accepted by name before the job runs
    STOPPED = "stopped"  # kept for review; nothing of it comes into force


@dataclass(frozen=True, slots=True)
class Decision:
    """A person accepts a loss, or does not; `reason` stands in the ledger beside the name."""

    risk: str
    is_accepted: bool
    by: str
    reason: str
