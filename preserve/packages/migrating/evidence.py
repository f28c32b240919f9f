"""The evidence of a conversion, which goes into the new version as tag files below `migration/` (FORMAT.md 17)."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from preserve.model.formats.file_results import FileResult
from preserve.model.formats.losses import Decision
from preserve.model.formats.risk_log import Circumstances, LoggedFile, logged
from preserve.model.migrations import ApprovalEntry, FileDecision
from preserve.packages.migrating.premis import write_premis
from preserve.packages.risk_csv import RiskCsvWriter, defused, name_shown
from preserve.packages.risk_logs import WrittenLog, write_risk_log

MAP, PREMIS, CSV, PATHWAY = "map.csv", "premis.xml", "risks.csv", "pathway.toml"
APPROVAL, NOTE = "approval.json", "approval.note"
_MAP_HEAD = ("original", "sha256", "format", "fate", "made", "made_sha256", "made_format")

Results = Callable[[], Iterator[FileResult]]


@dataclass(frozen=True, slots=True)
class Grounding:
    """What a conversion rests on: its circumstances, the approval, the declaration of the pathway as it stands in its
    file, and what people decided about files that were stopped, by path."""

    circumstances: Circumstances
    approval: ApprovalEntry
    declaration: bytes
    decisions: dict[bytes, FileDecision]

    def logged(self, results: Iterable[FileResult]) -> Iterator[LoggedFile]:
        """Results as the risk log has them: each under who ran the migration when it was converted."""
        by = self.approval.by
        accepted = {loss: Decision(loss, True, by, why) for loss, why in self.approval.accepted.items()}
        for each in results:
            decided = self.decisions.get(each.original.path)
            word = None
            if decided is not None:
                word = Decision(name_shown(each.original.path), decided.is_accepted, decided.by, decided.reason)
            about = replace(self.circumstances, executor=each.executor or self.circumstances.executor)
            yield logged(about, each, accepted, word)


def write_evidence(folder: Path, grounding: Grounding, results: Results) -> WrittenLog:
    """Write all of it into `folder`, which is there and empty.  `results` are asked for several times.

    Raises `NoSpace`.
    """
    written = write_risk_log(folder, grounding.logged(results()))
    with (folder / CSV).open("wb") as file:
        lines = RiskCsvWriter(file)
        for each in grounding.logged(results()):
            lines.add(each)
    _write_map(folder / MAP, results())
    with (folder / PREMIS).open("wb") as file:
        write_premis(file, grounding.circumstances, results())
    (folder / PATHWAY).write_bytes(grounding.declaration)
    note = grounding.approval.note
    (folder / NOTE).write_text(note, "utf-8")
    (folder / APPROVAL).write_text(note.partition("\n")[0] + "\n", "utf-8")
    return written


def _write_map(path: Path, results: Iterable[FileResult]) -> None:
    """Which file was made of which, for people and for spreadsheets."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")  # RFC 4180, 2.1
        writer.writerow(_MAP_HEAD)
        for each in results:
            original = each.original
            about = [defused(name_shown(original.path)), original.sha256, original.puid, each.fate.value]
            made = [(defused(name_shown(one.path)), one.sha256, one.puid) for one in each.made]
            writer.writerows([*about, *one] for one in made or [("", "", "")])
