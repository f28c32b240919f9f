"""A small real workshop for tests of what carries migrations out: texts in GB 18030 become UTF-8, in this process.

What it is given says what befalls it: a text with `hang`, `crash` or `fail` at its beginning, one that loses its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from preserve.definitions.pathways import read_pathway
from preserve.errors import Refused
from preserve.model.formats.file_results import Opinion, Validated
from preserve.model.formats.pathways import Pathway
from preserve.model.formats.properties import Measured, Property
from preserve.model.formats.tool_runs import Evidence, Limits, Outcome, Result
from preserve.workshop import Judged, ToConvert, ToJudge

TOOLS = {"iconv": "2.36", "python": "3.11"}
DECLARATION = """\
[pathway]
name = "text-of-tests"
version = 1
title_zh = "文本"
title_en = "Texts"
kind = "text"
from = ["x-fmt/111"]
to = ["x-fmt/111"]
encodings = ["gb18030", "gbk"]

[trigger]
grounds = ["risk"]
why_zh = "乱码"
why_en = "shown garbled elsewhere"

[[basis]]
zh = "馆内规定"
en = "a rule of the house"
mark = "ours"

[tool]
program = "iconv"
command = ["iconv", "-f", "GB18030", "-t", "UTF-8", "-o", "{output}/1.txt", "{input}"]
most_seconds = 60
most_memory_mib = 256
most_growth_percent = 300

[[validator]]
program = "python"
command = ["python3", "{input}"]
proves_zh = "是 UTF-8"
proves_en = "it is UTF-8"

[[property]]
name = "bytes when converted back"
severity = "high"

[[property]]
name = "encoding"
severity = "high"

[[property]]
name = "text"
severity = "high"

[[property]]
name = "longest passage"
severity = "high"

[[property]]
name = "numerals"
severity = "high"
"""
_MAKES = {"fail": Result.FAILED, "crash": Result.CRASHED, "hang": Result.TIMED_OUT}


@dataclass
class TextWorkshop:
    """Counts what it converts, in a file that outlives it; `before` is asked before each file."""

    account: Path
    tools_here: Mapping[str, str] = field(default_factory=lambda: dict(TOOLS))
    before: Callable[[ToConvert], None] = lambda file: None
    encoding: str = "gb18030"

    def tools(self, pathway: Pathway) -> Mapping[str, str]:
        return {name: version for name, version in self.tools_here.items() if name in pathway.programs}

    def convert(self, pathway: Pathway, files: Iterable[ToConvert]) -> Iterator[Outcome]:
        for file in files:
            if pathway.tool.program not in self.tools_here:
                raise Refused("{program} is not on this machine", program=pathway.tool.program)
            self.before(file)
            yield self._converted(file)

    def judge(self, pathway: Pathway, files: Iterable[ToJudge]) -> Iterator[Judged]:
        for each in files:
            old = each.file.path.read_bytes().decode(self.encoding)
            new = (each.file.into / each.made[0]).read_text("utf-8")
            sound = Validated("python", "3.11", Opinion.SOUND)
            yield Judged((sound,), _measured(old), _measured(new), (), 0.001)

    def conversions(self) -> list[str]:
        """The contents that were converted, in order, by any process."""
        return self.account.read_text("utf-8").splitlines() if self.account.exists() else []

    def _converted(self, file: ToConvert) -> Outcome:
        text = file.path.read_bytes().decode(self.encoding)
        with self.account.open("a", encoding="utf-8") as account:
            account.write(text.splitlines()[0] + "\n")
        result = next((made for word, made in _MAKES.items() if text.startswith(word)), Result.CONVERTED)
        if result is Result.CONVERTED:
            (file.into / "1.txt").write_text(text[:-10] if "truncate" in text else text, "utf-8")
        files = ("1.txt",) if result is Result.CONVERTED else ()
        return Outcome(result, _evidence(file, self.tools_here.get("iconv", TOOLS["iconv"])), files)


def _evidence(file: ToConvert, version: str) -> Evidence:
    size = file.path.stat().st_size
    return Evidence("iconv", version, ("iconv",), "", Limits(), frozenset(), 0.001, size, size, 0, 0, "", "")


def _measured(text: str) -> Measured:
    return Measured({Property.TEXT: text, Property.BYTES_BACK: text, Property.ENCODING: "utf-8"}, {})


def pathway() -> Pathway:
    """The pathway of this workshop."""
    return read_pathway(DECLARATION, "pathway.toml", ("iconv", "python"))


def notice(name: str) -> bytes:
    """A text in GB 18030 whose first line is `name`."""
    return f"{name}\n关于印发档案工作规定的通知，各单位：现将规定印发给你们。\n".encode("gb18030")
