"""Convert very many small files, kill the run again and again, and see that nothing that was done is done again.

    python -m ops.campaigns.migrating [--files N] [--a-package N] [--kills N] [--out FILE]

Texts are converted in the running process, so that what is measured is what carries a migration out and not its tools:
fetching, journal, new packages, books.  Beside it stands what converting and judging alone takes.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ops.bench.measuring import PeakMemory
from ops.campaigns.service import CHECKOUT, Service, new_service
from ops.campaigns.telling import parser, say, table, tell, workshop
from preserve import chance
from preserve.clock import SystemClock
from preserve.compose.rules import policies
from preserve.compose.workplaces import workplace
from preserve.model.formats.file_results import Original
from preserve.model.nouns import Act
from preserve.packages.migrating.bench import Bench, OnBench
from preserve.packages.migrating.candidates import Candidate
from preserve.packages.migrating.journal import Journal, journal_folder
from preserve.ports import NoProgress
from preserve.settings.home import Home
from tests.migrating import jobs
from tests.migrating.test_crash import TextIdentifier
from tests.migrating.texts import TextWorkshop, notice

ACT = Act("campaign", "a campaign")
LONGEST_LIFE_SECONDS = 40.0


def lay(folder: Path, first: int, count: int) -> None:
    """So many texts, each of which begins with its number."""
    folder.mkdir()
    for number in range(first, first + count):
        (folder / f"{number:06}.txt").write_bytes(notice(f"{number:06}"))


def furnish(service: Service, files: int, a_package: int) -> None:
    """Take the texts in, tell their formats, plan, try and approve."""
    service.store("near")
    service.promise("primary")
    for first in range(0, files, a_package):
        source = service.folder / f"source-{first:06}"
        lay(source, first, min(a_package, files - first))
        service.ask("ingest", source)
    service.ask("format", "identify")
    with workplace(Home(service.home), ACT, NoProgress()) as place:
        jobs.approved(place)


def work(folder: Path) -> None:
    """Run the migration: what is killed."""
    with workplace(Home(folder / "home"), ACT, NoProgress()) as place:
        report = jobs.run(place, policies(place.books), TextWorkshop(folder / "account"), TextIdentifier())
        assert report.is_finished, report.passed_over


def killed_or_ended(folder: Path, seconds: float | None) -> tuple[bool, float, float]:
    """Run in a process of its own that is killed after so long: whether it came to its end, how long it took, and its
    largest memory in MiB."""
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", __spec__.name, "--work", str(folder)], cwd=CHECKOUT)
    with PeakMemory(process.pid) as memory:
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return False, time.monotonic() - began, memory.mib
    assert code == 0, f"the run ended with {code}"
    return True, time.monotonic() - began, memory.mib


def done_in(service: Service) -> set[str]:
    """The files that are done, as far as the journal names them."""
    journal = Journal(journal_folder(Home(service.home).migrations, 1))
    results = (each for package in journal.packages() for each in journal.results(package))
    return {each.original.path.decode().removesuffix(".txt") for each in results}


def alone(folder: Path, files: int) -> float:
    """How long converting, judging and comparing so many texts takes by itself, in seconds."""
    texts = folder / "alone"
    lay(texts, 0, files)
    bench = Bench(jobs.PATHWAY, TextWorkshop(folder / "other"), TextIdentifier(), SystemClock())
    on_bench = [_laid_out(folder, number, path) for number, path in enumerate(sorted(texts.iterdir()))]
    began = time.monotonic()
    bench.put_through(on_bench, lambda group: None)
    return time.monotonic() - began


def _laid_out(folder: Path, number: int, path: Path) -> OnBench:
    into, seen = folder / "made" / str(number) / "raw", folder / "seen" / str(number)
    into.mkdir(parents=True)
    seen.mkdir(parents=True)
    original = Original("p", number, path.name.encode(), path.stat().st_size, "", "x-fmt/111")
    return OnBench(Candidate(original, ".txt", 0, None, frozenset()), path, into, seen, folder)


def campaign(service: Service, files: int, kills: int) -> Sequence[object]:
    """Kill the run so many times, let the last one live; what was found."""
    lots, seconds, peak, killed = chance.repeatable("migrating"), 0.0, 0.0, 0
    account = TextWorkshop(service.folder / "account")
    for _ in range(kills):
        done, before = done_in(service), len(account.conversions())
        ended, took, mib = killed_or_ended(service.folder, lots.uniform(LONGEST_LIFE_SECONDS / 5, LONGEST_LIFE_SECONDS))
        again = done & set(account.conversions()[before:])
        assert not again, f"{len(again)} files that were done were converted again"
        seconds, peak, killed = seconds + took, max(peak, mib), killed + (not ended)
        say(f"{len(account.conversions())} conversions, {'ended' if ended else 'killed'}")
        if ended:
            break
    else:
        done, before = done_in(service), len(account.conversions())
        ended, took, mib = killed_or_ended(service.folder, None)
        assert not done & set(account.conversions()[before:])
        seconds, peak = seconds + took, max(peak, mib)
    counts = Counter(account.conversions())
    assert len(counts) == files
    assert service.ask("ledger", "verify")["ok"]
    versions = sum(len(each["into"]) for each in _packages(service))
    return files, killed, versions, counts.total() - files, f"{seconds:.0f}", f"{peak:.0f}"


def _packages(service: Service) -> list[dict[str, list[str]]]:
    with workplace(Home(service.home), ACT, NoProgress(), to_read=True) as place:
        rows = place.books.migration_packages(1)
        return [{"into": list(row.done.into)} for row in rows if row.done is not None]


def main() -> None:
    """Run the campaign, or be the run that is killed."""
    arguments = parser(__doc__)
    arguments.add_argument("--files", type=int, default=10_000)
    arguments.add_argument("--a-package", type=int, default=100)
    arguments.add_argument("--kills", type=int, default=20)
    arguments.add_argument("--work", type=Path)
    given = arguments.parse_args()
    if given.work is not None:
        work(given.work)
        return
    with workshop(given.folder, 2 * 1024**3) as folder:
        service = new_service(folder)
        furnish(service, given.files, given.a_package)
        found = campaign(service, given.files, given.kills)
        head = ("files", "kills", "new packages", "conversions lost by kills", "seconds", "peak MiB", "alone [s]")
        tell(table(head, [[*found, f"{alone(folder, given.files):.0f}"]]), given.out)


if __name__ == "__main__":
    main()
