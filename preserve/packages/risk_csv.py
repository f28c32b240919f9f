"""`risks.csv`: the risk log for who opens it in a spreadsheet; one line for each loss, and one for a file without any.

UTF-8 with a byte order mark, which Excel takes for Chinese.  A cell that a spreadsheet would take for a formula begins
with an apostrophe (OWASP, "CSV Injection"), and one that would end a cell where `;` separates them does not either;
characters that are not printable are shown as their numbers.  `risks.parquet` has all as it was.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from preserve.model.formats.file_results import FileResult
from preserve.model.formats.losses import Decision, Risk
from preserve.model.formats.risk_log import LoggedFile, loss_score
from preserve.model.printable import printable

COLUMNS = (
    ("migration", "迁移"), ("phase", "阶段"), ("package", "信息包"), ("file", "文件"), ("bytes", "字节"),
    ("sha256", "摘要"), ("source_format", "原格式"), ("target_format", "目标格式"), ("made", "所成文件"),
    ("made_sha256", "所成文件摘要"), ("pathway", "转换路径"), ("tool", "工具"), ("parameters", "参数"),
    ("validators", "检验"), ("fate", "结果"), ("why", "原因"), ("property", "重要属性"), ("risk", "风险类型"),
    ("severity", "严重程度"), ("comparison", "比对"), ("amount", "差异"), ("tolerance", "容差"), ("before", "转换前"),
    ("after", "转换后"), ("places", "差异位置"), ("declared_loss", "声明的损失"), ("score", "分值"),
    ("decision", "处理意见"), ("decided_by", "决定人"), ("reason", "理由"), ("planner", "计划人"),
    ("approver", "批准人"), ("executor", "执行人"), ("auditor", "审计人"), ("basis", "依据"),
    ("originals_kept_until", "原件保留至"), ("at", "时间"),
)  # fmt: skip
"""What each column is called; the identifier comes first and holds for programs."""
HEAD = [f"{name} {chinese}" for name, chinese in COLUMNS]
_FORMULA = re.compile(r"(^|;)(\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
_LOSS_CELLS = 11


class RiskCsvWriter:
    """Writes lines as files come."""

    def __init__(self, sink: IO[bytes]) -> None:
        self._sink = sink
        self._sink.write(codecs.BOM_UTF8)
        self._write([HEAD])

    def add(self, logged: LoggedFile) -> None:
        """One file more."""
        self._write(_lines(logged))

    def _write(self, lines: Iterable[Sequence[object]]) -> None:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")  # RFC 4180, 2.1
        writer.writerows([_cell(each) for each in line] for line in lines)
        self._sink.write(text.getvalue().encode())


def _cell(value: object) -> str:
    """Numbers of ours as they are; all else without characters that would be obeyed."""
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    return defused(str(value))


def defused(text: str) -> str:
    """A text that no spreadsheet computes."""
    return _FORMULA.sub(r"\1'\2", printable(text, is_line=True))


def _lines(logged: LoggedFile) -> Iterator[list[object]]:
    first, last = _of_file(logged), _of_circumstances(logged)
    if not logged.result.risks:
        yield [*first, *[None] * _LOSS_CELLS, *_of_decision(logged.decision), *last]
    for risk, decision in zip(logged.result.risks, logged.decisions, strict=True):
        yield [*first, *_of_risk(risk), *_of_decision(decision, risk), *last]


def _of_file(logged: LoggedFile) -> list[object]:
    result, about = logged.result, logged.circumstances
    original, run = result.original, result.run
    return [
        about.migration,
        about.phase.value,
        original.package,
        name_shown(original.path),
        original.bytes,
        original.sha256,
        original.puid,
        ", ".join(dict.fromkeys(each.puid for each in result.made)),
        ", ".join(name_shown(each.path) for each in result.made),
        ", ".join(each.sha256 for each in result.made),
        f"{result.pathway} {result.pathway_version}",
        None if run is None else f"{run.tool} {run.version}",
        None if run is None else " ".join(run.arguments),
        _validators(result),
        result.fate.value,
        ": ".join(filter(None, (result.why, result.complaint))),
    ]


def _validators(result: FileResult) -> str:
    return ", ".join(f"{each.program} {each.version}: {each.opinion.value}" for each in result.validated)


def _of_risk(risk: Risk) -> list[object]:
    places = "; ".join(f"{each.where} {each.before} → {each.after}".strip() for each in risk.places)
    return [
        risk.what.value,
        risk.type.value,
        risk.severity.value,
        risk.comparison.value,
        risk.amount,
        risk.tolerance,
        risk.before,
        risk.after,
        places or risk.why,
        None if risk.declared is None else risk.declared.id,
        loss_score(risk),
    ]


def _of_decision(decision: Decision | None, risk: Risk | None = None) -> list[object]:
    """A declared loss was accepted of all files at once, by who approved the pathway."""
    if decision is None:
        return [None] * 3
    said = "accepted" if decision.is_accepted else "rejected"
    with_pathway = risk is not None and not risk.comparison.stops
    return [f"{said} with the pathway" if with_pathway else said, decision.by, decision.reason]


def _of_circumstances(logged: LoggedFile) -> list[object]:
    about = logged.circumstances
    basis = "; ".join(f"{each.words.zh} ({each.mark.value})" for each in about.basis)
    persons = [about.planner, about.approver, about.executor, about.auditor]
    return [*persons, basis, about.originals_kept_until, logged.result.at]


def name_shown(path: bytes) -> str:
    """A name for people; bytes that are no UTF-8 as their numbers."""
    return path.decode(errors="backslashreplace")
