"""Migration: what `migrate run` takes beside the tool by itself, and what judging takes beside converting."""

from __future__ import annotations

import shutil
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from ops.bench.measuring import Case, Figure, Run, figures, measure, peak_memory_mib, report
from ops.bench.record_sizes import RECORDS
from ops.bench.service import PRESERVE, QUIET, Bench, folder_stores, home, preserve
from ops.campaigns.pathways import identified, run
from preserve.formats.siegfried import SiegfriedIdentifier
from preserve.model.formats.pathways import Pathway
from preserve.settings.shipped import own_signatures
from tests.mutants.trials import samples_of
from tests.pathways.declarations import shipped
from tests.workshop.bench import Bench as Workbench

OFFICE = "doc-to-pdfa2b"
PUID = "fmt/40"
DOCUMENTS = 80
"""Two calls of the tool, both full."""
COPIES = 10
"""Of each sample, so that loading a program counts for little."""
MOST_PER_CORE = 1.2
"""What the sandbox, its limits and the ways of files may cost beside the tool's own batches."""
MOST_MIB = 1024.0
"""Two LibreOffices, or what measures twenty pairs of documents, and the program."""
ALONE, SANDBOXED, WHOLE = "LibreOffice, two processes", "the same, sandboxed", "preserve migrate run"


def office(bench: Bench) -> None:
    """`migrate run` over Word documents, whole (fetch, convert, judge, package, book), against LibreOffice's own batch
    rate on the same files."""
    if shutil.which("soffice") is None:
        return
    documents, pathway = bench.work / "documents", shipped()[OFFICE]
    shutil.rmtree(documents, ignore_errors=True)
    lay(samples_of(OFFICE), documents, DOCUMENTS)
    alone = [sys.executable, "-m", "ops.bench.tool_alone", OFFICE, str(documents)]
    kept = bench.work / "migrated"
    cases = [
        Case(ALONE, lambda folder: [*alone, str(folder / "work")]),
        Case(SANDBOXED, lambda folder: [*alone, str(folder / "work"), "--sandboxed"]),
        Case(WHOLE, lambda folder: _approved(kept, documents, pathway), _names(kept)),
    ]
    print("Office documents …", file=sys.stderr)
    runs = measure(cases, bench.bounds, bench.work, [documents])
    bench.tell(report(f"{DOCUMENTS} Word documents to PDF/A-2b", runs, []))
    peak = peak_memory_mib(_approved(kept, documents, pathway), _names(kept))
    bench.tell(figures("Office documents, by processor time", [*_per_core(runs), Figure(
        "memory of a run, with its tools", round(peak), MOST_MIB, "MiB")]))  # fmt: skip
    for folder in (documents, kept):
        shutil.rmtree(folder)


def judging(bench: Bench) -> None:
    """What judging takes of the processors beside converting, for each pathway with samples whose programs are here."""
    found = []
    for name in sorted(name for name in shipped() if samples_of(name)):
        folder = bench.work / "judging"
        shutil.rmtree(folder, ignore_errors=True)
        for number in range(COPIES):
            shutil.copytree(samples_of(name)[0].parent, folder / "samples" / str(number))
        took = _converted_and_judged(name, folder)
        if took is not None:
            found.append(Figure(name, round(took[1] / took[0], 2), 1, "× converting"))
    bench.tell(figures("Judging, by processor time", found))


def records(bench: Bench) -> None:
    """The same of records as large as archives have them, one to a call: pathways in turn, the median of the rounds."""
    if not all(map(shutil.which, ("soffice", "ffmpeg"))):
        return
    made = bench.work / "records"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    for each in {each.name: each for each in RECORDS.values()}.values():
        each.make(made / each.name)
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in RECORDS}
    begun = time.monotonic()
    for number in range(bench.bounds.rounds):
        if number and time.monotonic() - begun > bench.bounds.most_seconds:
            break
        for name, record in RECORDS.items():
            folder = bench.work / "judging"
            shutil.rmtree(folder, ignore_errors=True)
            (folder / "samples").mkdir(parents=True)
            shutil.copy(made / record.name, folder / "samples")
            seconds = _converted_and_judged(name, folder)
            took[name] += [seconds] if seconds is not None else []
    shutil.rmtree(made)
    bench.tell(figures("Judging of larger records, by processor time", [
        Figure(f"{name}, {RECORDS[name].size} ({statistics.median(one for one, _ in those):.2f} s to convert)",
               round(statistics.median(two / one for one, two in those), 2), 1, "× converting")
        for name, those in took.items() if those]))  # fmt: skip


def _converted_and_judged(name: str, folder: Path) -> tuple[float, float] | None:
    """The seconds of processors that both took for what lies in `folder/samples`; None where nothing was converted.
    The folder is gone then."""
    (folder / "scratch").mkdir()
    with SiegfriedIdentifier(folder, own_signatures()) as identifier:  # what its processes take counts when they end
        workbench = Workbench(folder / "scratch", identifier)
        told = run(workbench, workbench.pathways[name], dict(identified(folder / "samples", identifier)))
    shutil.rmtree(folder)
    return (told.convert_seconds, told.judge_seconds) if told is not None and told.convert_seconds else None


def lay(samples: Sequence[Path], folder: Path, count: int) -> None:
    """So many documents: copies of samples, in turn."""
    folder.mkdir(parents=True)
    for number in range(count):
        sample = samples[number % len(samples)]
        shutil.copy(sample, folder / f"{number:04}{sample.suffix}")


def _per_core(runs: Mapping[str, Sequence[Run]]) -> list[Figure]:
    """How many times the processor time of the tool by itself the others take: ratios within a round, their median."""
    ratios = {
        name: [one.processor / own.processor for one, own in zip(runs[name], runs[ALONE], strict=True)]
        for name in (SANDBOXED, WHOLE)
    }
    most = {SANDBOXED: MOST_PER_CORE, WHOLE: MOST_PER_CORE + 1}  # judging may take as long as converting
    return [
        Figure(name, round(statistics.median(those), 2), most[name], f"× {ALONE}") for name, those in ratios.items()
    ]


def _names(folder: Path) -> dict[str, str]:
    """The environment in which a command finds the home there."""
    return {**QUIET, "PRESERVE_HOME": str(folder / "home"), "XDG_CONFIG_HOME": str(folder / "config")}


def _approved(folder: Path, documents: Path, pathway: Pathway) -> list[str]:
    """Furnish a home whose migration of the documents is approved; the command that runs it."""
    shutil.rmtree(folder, ignore_errors=True)
    ask = partial(preserve, home(folder, folder_stores(folder, 1)))
    ask("ingest", str(documents))
    ask("format", "identify")
    ask("migrate", "plan", "--format", PUID, "--pathway", pathway.name, "--ground", "amount", "--register",
        "--actor", "planner", "--reason", "a benchmark")  # fmt: skip
    ask("migrate", "pilot", "1", "--sample", "1", "--actor", "planner")
    accepted = [word for loss in pathway.losses for word in ("--accept", loss.id)]
    ask("migrate", "approve", "1", "--pathway", pathway.name, *accepted, "--actor", "approver", "--reason", "seen")
    return [PRESERVE, "migrate", "run", "1", "--actor", "executor", "--auditor", "auditor", "--reason", "a benchmark"]
