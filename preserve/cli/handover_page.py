"""The hand-over list of media as a page to be printed and signed: one file, in Chinese and English at once.

Who signs it need not have this program, nor share a language with who made it; so nothing in it is looked up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from preserve import __version__
from preserve.model.medium_labels import box_fields, kind_and_serial
from preserve.model.sizes import Size
from preserve.operations.hand_over import HandedMedium, HandOverReport

TITLE = "电子档案备份数据清单"
ENGLISH_TITLE = "Hand-over list of backup data of electronic records"

_STYLE = """
body { font-family: "Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", sans-serif; margin: 1.5cm }
h1 { font-size: 16pt; margin: 0 } h2 { font-size: 10pt; font-weight: normal; margin: 0 0 1em; color: #444 }
table { border-collapse: collapse; width: 100%; font-size: 8pt; margin-bottom: 1em }
th, td { border: 1px solid #444; padding: 3px 5px }
th { background: #eee; text-align: left } th small { display: block; font-weight: normal; color: #555 }
.digest { font-family: monospace; font-size: 7pt; word-break: break-all } p { font-size: 9pt }
.signatures td { height: 2.2cm; vertical-align: top; width: 25% } .bad { font-weight: bold }
@page { size: A4 landscape; margin: 1.2cm } @media print { body { margin: 0 } tr { break-inside: avoid } }
"""

_HEADS = (
    ("序号", "No."),
    ("载体编号", "Medium number"),
    ("载体类型、序列号", "Kind, serial number"),
    ("套别", "Copy set"),
    ("全宗号", "Fonds"),
    ("密级", "Classification"),
    ("保管期限", "Retention"),
    ("起止档号", "Archival codes"),
    ("信息包", "Packages"),
    ("数据量", "Size"),
    ("写入日期", "Written"),
    ("封条号", "Seal"),
    ("检查", "Inspection"),
    ("清单 SHA-256", "SHA-256 of the list on it"),
)

_SIGNATURES = (
    ("移交人", "Handed over by"),
    ("接收人", "Received by"),
    ("监交人", "Witnessed by"),
    ("移交日期", "Date"),
)

_STEPS = (
    ("清点件数", "Number of media counted"),
    ("核对封条", "Seals compared"),
    ("核对编号", "Numbers compared"),
    ("核对摘要", "Digests compared (sha256sum --check medium/list-*.sha256)"),
)


def page(report: HandOverReport) -> str:
    """The list as HTML that needs no other file."""
    return "\n".join(
        ("<!DOCTYPE html>", '<html lang="zh">', *_head(), "<body>", *_body(report), "</body>", "</html>", "")
    )


def _head() -> Iterator[str]:
    yield f'<head><meta charset="utf-8"><title>{TITLE} {ENGLISH_TITLE}</title><style>{_STYLE}</style></head>'


def _body(report: HandOverReport) -> Iterator[str]:
    yield f"<h1>{TITLE}</h1><h2>{ENGLISH_TITLE}</h2>"
    yield _row_table(_HEADS, (_cells(number, each) for number, each in enumerate(report.media, 1)))
    packages = sum(each.contents.packages for each in report.media)
    size = Size(sum(each.contents.use.bytes for each in report.media))
    yield f"<p>合计 Total: 载体 {len(report.media)} 件 media, 信息包 {packages} 个 packages, {escape(str(size))}</p>"
    verdict = "" if report.is_enough else ' <span class="bad">未达到 NOT ENOUGH</span>'
    yield (
        f"<p>写入后检查合格 Inspected since written, and passed: {report.inspected_well} / {len(report.media)}"
        f"（应检 wanted {report.wanted}）{verdict}</p>"
    )
    yield _row_table((("步骤", "Step"), ("结果", "Result"), ("经办", "By")), ((_both(step), "", "") for step in _STEPS))
    yield f'<table class="signatures"><tr>{"".join(f"<td>{_both(each)}</td>" for each in _SIGNATURES)}</tr></table>'
    yield (
        f"<p>台账 Ledger preserve/{escape(report.home_id)}: {report.ledger_size} 条 entries, 根 root"
        f" {report.ledger_root}<br>制表 Made {escape(report.at[:19])}Z, preserve {escape(__version__)}</p>"
    )


def _cells(number: int, handed: HandedMedium) -> Sequence[str]:
    medium, contents = handed.medium, handed.contents
    box = dict(box_fields(medium, contents))
    _, copy_set, fonds, _, classification, retention, codes, written, _, _ = box.values()
    return (
        str(number),
        *map(escape, (medium.number, kind_and_serial(medium), copy_set, fonds, classification, retention, codes)),
        str(contents.packages),
        *map(escape, (str(Size(contents.use.bytes)), written, medium.seal or "-")),
        _inspection(handed),
        f'<span class="digest">{contents.list_sha256}</span>',
    )


def _inspection(handed: HandedMedium) -> str:
    if handed.inspection is None:
        return '<span class="bad">写入后未检查 not since written</span>'
    day = escape(handed.inspection.at[:10])
    if handed.is_inspected_well:
        return f"{day} 合格 passed"
    verdict = "不合格 FAILED" if handed.inspection.result.has_failed else "未读到内容 nothing was read"
    return f'<span class="bad">{day} {verdict}</span>'


def _row_table(heads: Sequence[tuple[str, str]], rows: Iterator[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(chinese)}<small>{escape(english)}</small></th>" for chinese, english in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows)
    return f"<table><tr>{head}</tr>\n{body}</table>"


def _both(text: tuple[str, str]) -> str:
    return f"{escape(text[0])} <small>{escape(text[1])}</small>"
