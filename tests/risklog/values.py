"""Results of files for tests: any that the types allow, and plain ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from hypothesis import strategies as st

from preserve.model.formats.file_results import (
    BothSides,
    FileFate,
    FileResult,
    Made,
    Opinion,
    Original,
    Picture,
    Validated,
)
from preserve.model.formats.losses import (
    Comparison,
    Decision,
    DeclaredLoss,
    FileVerdict,
    LossSeverity,
    Place,
    Risk,
    RiskType,
)
from preserve.model.formats.pathways import Basis, Ground
from preserve.model.formats.properties import Property
from preserve.model.formats.risk_log import Circumstances, Initiative, JobType, LoggedFile, Phase
from preserve.model.formats.tool_runs import Evidence, Limits, Protection
from preserve.model.requirements import Mark, Words

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
"""Whatever has a form in UTF-8."""
_COUNT = st.integers(0, 2**63 - 1)
_SMALL = st.integers(0, 2**31 - 1)
_SECONDS = st.floats(0, allow_nan=False, allow_infinity=False)
_NAME = st.binary(min_size=1, max_size=12) | TEXT.map(str.encode)
_WORDS = st.builds(Words, TEXT, TEXT)
T = TypeVar("T")


def _few(each: st.SearchStrategy[T]) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(each, max_size=3).map(tuple)


_LOSS = st.builds(
    DeclaredLoss, TEXT, st.sampled_from(RiskType), _WORDS, st.sampled_from(LossSeverity),
    st.none() | st.sampled_from(Property), st.none() | _COUNT,
)  # fmt: skip
_RISK = st.builds(
    Risk, st.sampled_from(Property), st.sampled_from(RiskType), st.sampled_from(LossSeverity),
    st.sampled_from(Comparison), st.none() | _COUNT, _COUNT, TEXT, TEXT,
    _few(st.builds(Place, TEXT, TEXT, TEXT)), st.none() | _LOSS, TEXT,
)  # fmt: skip
_LIMITS = st.builds(Limits, _SECONDS, *[_COUNT] * 7)
_RUN = st.builds(
    Evidence, TEXT, TEXT, _few(TEXT), TEXT, _LIMITS, st.frozensets(st.sampled_from(Protection)), _SECONDS,
    _COUNT, _COUNT, _COUNT, st.none() | st.integers(-64, 255), TEXT, TEXT,
)  # fmt: skip
RESULTS = st.builds(
    FileResult,
    original=st.builds(Original, TEXT, _COUNT, _NAME, _COUNT, TEXT, TEXT),
    pathway=TEXT,
    pathway_version=_SMALL,
    pathway_sha256=TEXT,
    fate=st.sampled_from(FileFate),
    why=TEXT,
    verdict=st.none() | st.sampled_from(FileVerdict),
    made=_few(st.builds(Made, _NAME, _COUNT, TEXT, TEXT)),
    run=st.none() | _RUN,
    validated=_few(st.builds(Validated, TEXT, TEXT, st.sampled_from(Opinion), TEXT)),
    measured=_few(st.builds(BothSides, st.sampled_from(Property), st.none() | TEXT, st.none() | TEXT)),
    risks=_few(_RISK),
    pictures=_few(st.builds(Picture, _COUNT, TEXT, TEXT)),
    judging_seconds=_SECONDS,
    at=TEXT,
)
_PERSON = st.none() | TEXT
CIRCUMSTANCES = st.builds(
    Circumstances, _SMALL, TEXT, st.sampled_from(Phase), st.sampled_from(JobType), TEXT,
    _few(st.sampled_from(Ground)), _few(st.builds(Basis, _WORDS, st.sampled_from(Mark))), _PERSON, _PERSON,
    st.none() | st.sampled_from(Initiative), *[_PERSON] * 10, st.none() | st.booleans(), st.none() | _SMALL,
    st.none() | _SMALL,
)  # fmt: skip
_DECISION = st.none() | st.builds(Decision, TEXT, st.booleans(), TEXT, TEXT)


@st.composite
def logged_files(draw: st.DrawFn) -> LoggedFile:
    result = draw(RESULTS)
    decisions = tuple(draw(_DECISION) for _ in result.risks)
    return LoggedFile(draw(CIRCUMSTANCES), result, draw(_DECISION), decisions)


LOSS = DeclaredLoss("macros", RiskType.MACRO_OR_FORMULA_LOST, Words("宏", "macros"), LossSeverity.LOW, Property.MACROS)
LOST = Risk(
    Property.MACROS, LOSS.type, LOSS.severity, Comparison.DECLARED, 2, 0, "2", "0",
    (Place("", "AutoOpen", ""),), LOSS,
)  # fmt: skip
CHANGED = Risk(
    Property.NUMERALS, RiskType.CONTENT_LOST, LossSeverity.HIGH, Comparison.UNDECLARED, 1, 0, "12", "12",
    (Place("7", "八千元", "八十元"),),
)  # fmt: skip
ABOUT = Circumstances(
    1, "旧 Word 文档", Phase.RUN, JobType.CONVERT, "格式过时", (Ground.OBSOLESCENCE,),
    (Basis(Words("馆内规定", "a rule of the house"), Mark.OURS),), "default", "WS", Initiative.ACTIVE,
    approver="王", executor="李",
)  # fmt: skip
RUN = Evidence(
    "soffice", "LibreOffice 7.4", ("soffice", "/in/1.doc"), "f" * 64, Limits(), frozenset({Protection.OWN_USER}), 1.5,
    100, 200, 300, 0, "convert /in/1.doc", "",
)  # fmt: skip


def result(number: int = 0, *risks: Risk, fate: FileFate = FileFate.CONVERTED, package: str = "p-1") -> FileResult:
    """A plain result: one document made one PDF."""
    return FileResult(
        Original(package, number, f"发文/{number}.doc".encode(), 100, "a" * 64, "fmt/40"),
        "doc-to-pdfa2b", 1, "b" * 64, fate, "", FileVerdict.EQUAL,
        (Made(f"发文/{number}.doc.pdf".encode(), 200, "c" * 64, "fmt/477"),), RUN,
        (Validated("qpdf", "11.3", Opinion.SOUND, ""),), (BothSides(Property.PAGES, "3", "3"),), risks, (), 0.5,
        "2026-11-22T11:00:00.000000Z",
    )  # fmt: skip


def named(one: FileResult, path: bytes) -> FileResult:
    """The same of a file with another name."""
    return replace(one, original=replace(one.original, path=path))
