"""Run every pathway over a folder of real documents, and tell what became of them.

    python -m ops.campaigns.pathways FOLDER [--only NAME …] [--out FILE] [--why FILE]

Each file is identified; those of a pathway's formats are converted, identified, judged and compared as in a
migration.  What is
encrypted, empty or cut off is handed to no tool.  `--why` writes down what kept each file that did not pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ops.bench.measuring import adopt, processor_seconds
from ops.campaigns.telling import parser, say, table, tell, workshop
from preserve.formats.siegfried import SiegfriedIdentifier
from preserve.model.formats.file_results import FileFate
from preserve.model.formats.identification import FileIdentified, Oddity
from preserve.model.formats.losses import Comparison
from preserve.model.formats.pathways import Pathway
from preserve.packages.migrating.bench import to_identify
from preserve.packages.migrating.candidates import is_for
from preserve.ports import Identifier
from preserve.settings.shipped import own_signatures
from tests.workshop.bench import Bench, Passed

GIB = 1024**3
REFUSED = frozenset((Oddity.PASSWORD_PROTECTED, Oddity.ENCRYPTED, Oddity.EMPTY, Oddity.TRUNCATED, Oddity.NOT_EXAMINED))
HEAD = ("pathway", "files", "refused", "failed", "stopped", "converted", "declared losses", "stopped by",
        "convert CPU s/file", "judge CPU s/file")  # fmt: skip


@dataclass
class Found:
    """What became of the files of one pathway."""

    pathway: Pathway
    refused: int = 0
    fates: Counter[FileFate] = field(default_factory=Counter)
    losses: Counter[str] = field(default_factory=Counter)
    stopped_by: Counter[str] = field(default_factory=Counter)
    why: list[str] = field(default_factory=list)
    convert_seconds: float = 0.0
    judge_seconds: float = 0.0

    def row(self) -> tuple[object, ...]:
        """A line of the table."""
        given, judged = self.fates.total(), self.fates.total() - self.fates[FileFate.FAILED]
        return (
            self.pathway.name, given + self.refused, self.refused, self.fates[FileFate.FAILED],
            self.fates[FileFate.STOPPED], self.fates[FileFate.CONVERTED], _counted(self.losses),
            _counted(self.stopped_by), f"{self.convert_seconds / max(1, given):.2f}",
            f"{self.judge_seconds / max(1, judged):.2f}",
        )  # fmt: skip


def main() -> None:
    """See the head of this file."""
    arguments = parser(__doc__)
    arguments.add_argument("documents", type=Path, metavar="FOLDER", help="real documents, read alone")
    arguments.add_argument("--only", nargs="*", default=(), metavar="NAME", help="these pathways")
    arguments.add_argument("--why", type=Path, metavar="FILE", help="write there what kept files that did not pass")
    asked = arguments.parse_args()
    adopt()
    with workshop(asked.folder, 2 * GIB) as folder, SiegfriedIdentifier(folder, own_signatures()) as siegfried:
        files = dict(identified(asked.documents, siegfried))
        bench = Bench(folder, siegfried)
        named = [each for name, each in bench.pathways.items() if not asked.only or name in asked.only]
        found = [one for one in (run(bench, pathway, files) for pathway in named) if one is not None]
    tell(table(HEAD, [each.row() for each in found]), asked.out)
    if asked.why is not None:
        lines = [f"## {each.pathway.name}\n\n" + "\n".join(f"- {line}" for line in each.why) for each in found]
        asked.why.write_text("\n\n".join(lines) + "\n", encoding="utf-8")


def identified(documents: Path, identifier: Identifier) -> Iterator[tuple[Path, FileIdentified]]:
    """What each file of a folder is."""
    paths = sorted(path for path in documents.rglob("*") if path.is_file() and not path.is_symlink())
    named = (to_identify(path.name.encode(), path) for path in paths)
    yield from zip(paths, identifier.identify(named), strict=True)


def run(bench: Bench, pathway: Pathway, files: dict[Path, FileIdentified]) -> Found | None:
    """Send all files of a pathway's formats through it; None where there are none, or one of its programs is not
    here."""
    missing = set(pathway.programs) - set(bench.workshop.tools(pathway))
    if missing:
        say(f"{pathway.name}: not on this machine: {', '.join(sorted(missing))}")
        return None
    found = Found(pathway)
    wanted = []
    for path, what in files.items():
        if what.identification.puid not in pathway.sources or not is_for(pathway, path):
            continue
        if what.oddities & REFUSED:
            found.refused += 1
            found.why.append(f"{path.name}: refused, {', '.join(sorted(what.oddities & REFUSED))}")
        else:
            wanted.append(bench.file(path, path.suffix.lower(), what.identification.puid))
    if not wanted and not found.refused:
        return None
    say(f"{pathway.name}: {len(wanted)} files")
    begun = processor_seconds()
    outcomes = bench.convert(pathway, wanted)
    converted = processor_seconds()
    passed = bench.judged(pathway, list(zip(wanted, outcomes, strict=True)))
    found.convert_seconds, found.judge_seconds = converted - begun, processor_seconds() - converted
    for file, outcome in zip(wanted, outcomes, strict=True):
        if not outcome.files:
            found.fates[FileFate.FAILED] += 1
            found.why.append(f"{file.path.name}: {outcome.result}, {outcome.evidence.complaints[-300:]}")
    for each in passed:
        _book(found, each)
    return found


def _book(found: Found, passed: Passed) -> None:
    found.fates[passed.fate] += 1
    found.losses.update({each.type.value for each in passed.risks if each.comparison is Comparison.DECLARED})
    found.stopped_by.update(name.value for name in passed.stopping)
    found.stopped_by.update({each.program for each in passed.judged.validated if each.opinion != "sound"})
    found.stopped_by.update(("another format",) if passed.in_other_format else ())
    if passed.fate is not FileFate.CONVERTED:
        found.why.append(f"{passed.file.path.name}: {passed.why[:1500]}")


def _counted(counts: Iterable[str] | Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in Counter(counts).most_common())


if __name__ == "__main__":
    main()
