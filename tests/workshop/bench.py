"""A workshop for tests, and one way through it: convert, judge, compare."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from preserve.compose.pathways import format_register
from preserve.formats.workshop import SandboxedWorkshop
from preserve.model.formats.comparison import compare, verdict
from preserve.model.formats.file_results import FileFate, Original, fate_of
from preserve.model.formats.losses import Comparison, FileVerdict, Risk
from preserve.model.formats.pathways import Pathway
from preserve.model.formats.properties import Property
from preserve.model.formats.tool_runs import Outcome
from preserve.model.formats.web_pages import PACKED
from preserve.packages.migrating.bench import other_format, to_identify
from preserve.packages.migrating.candidates import Candidate
from preserve.packages.migrating.linked import pack_for
from preserve.ports import Identifier
from preserve.settings.shipped import pathway_folders
from preserve.workshop import Judged, ToConvert, ToJudge
from tests.pathways.declarations import shipped


@dataclass(frozen=True)
class Passed:
    """A file that went through the workshop."""

    file: ToConvert
    outcome: Outcome
    judged: Judged
    risks: tuple[Risk, ...]
    pictures: Path
    in_other_format: str
    """Why it is not what was to be made, by the formats that its results were told to be in; "" where it is."""

    @property
    def verdict(self) -> FileVerdict:
        return verdict(self.risks)

    @property
    def fate(self) -> FileFate:
        return FileFate.STOPPED if self.in_other_format else fate_of(self.verdict, self.judged.validated)

    @property
    def stopping(self) -> dict[Property, str]:
        """What keeps it from coming into force, with how it differs or why it was not measured."""
        return {
            each.what: f"{each.comparison}: {each.why or each.amount} {each.places[:2]}"
            for each in self.risks
            if each.comparison in (Comparison.UNDECLARED, Comparison.NOT_MEASURED)
        }

    @property
    def why(self) -> str:
        """All that keeps it from coming into force, in words."""
        unsound = [f"{each.program}: {each.opinion} {each.text}" for each in self.judged.validated]
        told = [*map(str, self.stopping.items()), *(each for each in unsound if ": sound" not in each)]
        return "; ".join([self.in_other_format, *told] if self.in_other_format else told)

    @property
    def made(self) -> tuple[Path, ...]:
        return tuple(self.file.into / name for name in self.outcome.files)


class Bench:
    """A workshop over a folder of one test; `identifier` tells in which format a result is."""

    def __init__(self, folder: Path, identifier: Identifier) -> None:
        self._folder = folder
        self._identifier = identifier
        self._count = 0
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        folders = {each.name: each for each in pathway_folders()}
        self.pathways = shipped()
        self.workshop = SandboxedWorkshop(self.scratch, folders, format_register().readers)

    def file(self, path: Path, ending: str, puid: str) -> ToConvert:
        """A file to be converted, with what belongs to it, into a folder of its own."""
        self._count += 1
        into = self._folder / f"into-{self._count}"
        into.mkdir()
        endings = sorted(
            {each for pathway in self.pathways.values() if not pathway.is_linked for each in pathway.beside}
        )
        belonging = [(path.with_suffix(each), each) for each in endings if path.with_suffix(each).exists()]
        if puid in self.pathways["html-to-pdfa2b"].sources:
            belonging += self._named_by(path)
        return ToConvert(path, ending, puid, into, tuple(belonging))

    def _named_by(self, page: Path) -> list[tuple[Path, str]]:
        """What a page names, packed as a migration packs it."""
        pack = self._folder / f"{self._count}{PACKED}"
        found = {each.resolve(): each for each in page.parent.rglob("*") if each.is_file()}
        named = {
            os.fsencode(real).lower(): Candidate(Original("", at, os.fsencode(real), real.stat().st_size, "", ""),
                                                 real.suffix.lower(), at, None, frozenset())
            for at, real in enumerate(found)
        }  # fmt: skip

        def bring(wanted: Sequence[tuple[Candidate, Path]]) -> None:
            for one, into in wanted:
                into.write_bytes(Path(os.fsdecode(one.original.path)).read_bytes())

        at = Candidate(Original("", 0, os.fsencode(page.resolve()), 0, "", ""), page.suffix, 0, None, frozenset())
        return [(pack, PACKED)] if pack_for(at, page, named, bring, pack) else []

    def convert(self, pathway: Pathway | str, files: Sequence[ToConvert]) -> list[Outcome]:
        return list(self.workshop.convert(self._named(pathway), files))

    def judge(self, pathway: Pathway | str, files: Sequence[tuple[ToConvert, Sequence[str]]]) -> list[Judged]:
        """Judge what was made of files: these names in their folders."""
        return list(self.workshop.judge(self._named(pathway), [self._to_judge(file, made) for file, made in files]))

    def through(self, pathway: Pathway | str, files: Sequence[ToConvert]) -> list[Passed]:
        """Convert, judge and compare files that the tool makes something of."""
        named = self._named(pathway)
        return self.judged(named, list(zip(files, self.convert(named, files), strict=True)))

    def judged(self, pathway: Pathway, converted: Sequence[tuple[ToConvert, Outcome]]) -> list[Passed]:
        """Judge and compare what was made of files, where anything was."""
        made = [(self._to_judge(file, outcome.files), outcome) for file, outcome in converted if outcome.files]
        found = self.workshop.judge(pathway, [one for one, _ in made])
        return [
            Passed(
                one.file,
                outcome,
                each,
                compare(pathway, each.before, each.after),
                one.pictures,
                self.in_other_format(pathway, one.file, outcome),
            )
            for (one, outcome), each in zip(made, found, strict=True)
        ]

    def in_other_format(self, pathway: Pathway, file: ToConvert, outcome: Outcome) -> str:
        """Why what was made of a file is not what the pathway makes, as a migration tells it; "" where it is."""
        results = [to_identify(name.encode(), file.into / name) for name in outcome.files]
        return other_format(pathway, [each.identification.puid for each in self._identifier.identify(results)])

    def judge_again(self, pathway: Pathway | str, files: Sequence[tuple[ToConvert, Sequence[Path]]]) -> list[Judged]:
        """Judge other results of files than what the tool made: these, each in a folder of its own."""
        others = [(replace(file, into=made[0].parent), [path.name for path in made]) for file, made in files]
        return self.judge(pathway, others)

    def _to_judge(self, file: ToConvert, made: Sequence[str]) -> ToJudge:
        pictures = file.into.with_name(f"{file.into.name}-pictures")
        pictures.mkdir(exist_ok=True)
        return ToJudge(file, tuple(made), pictures)

    def _named(self, pathway: Pathway | str) -> Pathway:
        return self.pathways[pathway] if isinstance(pathway, str) else pathway


def require_all(bench: Bench, pathway: Pathway) -> None:
    """Leave the test out where a program of a pathway is not on this machine; in CI that is a failure."""
    missing = sorted(set(pathway.programs) - set(bench.workshop.tools(pathway)))
    if missing:
        told = f"not on this machine: {', '.join(missing)}; ops/install.sh converters installs it"
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)
