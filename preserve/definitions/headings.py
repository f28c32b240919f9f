"""What the columns of a metadata table are called, in Chinese and English (glossary; DA/T 46-2009)."""

from __future__ import annotations

import re

_NAMES = {
    "archival_code": "档号 archivalcode 档案号",
    "title": "题名 文件题名 正题名 标题 title",
    "fonds": "全宗号 全宗 fonds fondscode fondsnumber 全宗代码",
    "fonds_name": "全宗名称 fondsname",
    "fonds_unit": "立档单位 立档单位名称 fondsunit fondsconstitutingunit fondsconstitutingunitname",
    "category": "门类 门类代码 类别号 category categorycode",
    "year": "年度 归档年度 形成年度 year",
    "retention": "保管期限 retention retentionperiod",
    "classification": "密级 密别 保密等级 保密级别 机密等级 securityclassification classification securitylevel",
    "secrecy_until": "保密期限 secrecyuntil secrecyperiod",
    "author": "责任者 第一责任者 作者 author creator",
    "date": "日期 文件日期 成文日期 形成日期 date",
    "record_code": "电子文件号 recordcode electronicrecordcode",
    "aggregation_level": "聚合层次 aggregationlevel",
    "document_number": "文件编号 文号 发文字号 documentnumber",
    "subject": "主题词 subject descriptor",
    "keywords": "关键词 keyword keywords",
    "abstract": "摘要 abstract",
    "unit_or_function": "机构或问题 机构问题 organisationorfunction organizationorfunction",
    "item_number": "件号 室编件号 馆编件号 itemnumber",
    "volume_number": "案卷号 室编案卷号 馆编案卷号 volumenumber",
    "catalogue_number": "目录号 cataloguenumber catalognumber",
    "page_number": "页号 pagenumber",
    "pages": "页数 pages",
    "language": "语种 文种 language",
    "encoding": "字符编码 文本编码 编码方式 字符集 encoding textencoding characterencoding charset characterset",
    "note": "附注 备注 note annotation remarks",
    "paths": "路径 文件路径 文件 文件名 计算机文件名 paths path files file filename computerfilename",
}
_BY_HEADING = {heading: element for element, headings in _NAMES.items() for heading in headings.split()}
_IGNORED = re.compile(r"[\s_\-（）()／/:：]+")


def element_of(heading: str) -> str | None:
    """The identifier of the element a heading means, or None where it is not known."""
    return _BY_HEADING.get(_IGNORED.sub("", heading).casefold())


ELEMENTS = frozenset(_NAMES)
"""Identifiers of all elements that are known."""
