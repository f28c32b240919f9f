"""What the tests of harvests share: a small service with a source, and trees to compare."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from preserve.clock import Clock
from preserve.model import source_events
from preserve.model.brake import BrakeLimits
from preserve.model.sources import Counts, SourceEntry, SourceKind
from preserve.operations.harvest import HarvestReport, HarvestRequest, harvest
from preserve.operations.restore_source import SourceRestored, SourceRestoreRequest, restore_source
from preserve.packages.harvesting.cargo import PART_BYTES
from preserve.packages.harvesting.places import Catchment, FolderCatchment
from tests.packages.building import Service, service

Tree = dict[str, tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Harvesting:
    """A service with the source `mail` in `folder`."""

    service: Service
    folder: Path

    def harvest(self, part_bytes: int = PART_BYTES, catchment: Catchment | None = None) -> HarvestReport:
        """Harvest the source now."""
        made = self.service
        place = catchment or FolderCatchment(self.folder)
        request = HarvestRequest(made.books.source("mail"), made.policy, place, part_bytes=part_bytes)
        return harvest(made.workplace, request)

    def counts(self) -> Counts:
        """What a harvest now finds."""
        entry = self.harvest().entry
        assert entry is not None
        return entry.counts

    def restored(self, to: Path, as_of: str | None = None, path: str | None = None, store: str | None = None) -> Tree:
        """The source as of a moment, restored and looked at."""
        self.restore(to, as_of, path, store)
        return tree(to)

    def restore(
        self, to: Path, as_of: str | None = None, path: str | None = None, store: str | None = None
    ) -> SourceRestored:
        """Restore the source."""
        return restore_source(self.service.workplace, SourceRestoreRequest("mail", to, as_of, path, store))

    def set(self, settle_seconds: int = 0, reread_percent: int = 0, limits: BrakeLimits | None = None) -> None:
        """Register the source with these settings."""
        entry = SourceEntry("mail", SourceKind.FOLDER, "default", str(self.folder), settle_seconds, reread_percent)
        place = self.service.workplace
        entry = replace(entry, limits=limits or BrakeLimits())
        place.record(source_events.source_registered(place.act, place.now(), entry))

    def by(self, clock: Clock) -> Harvesting:
        """The same, by another clock."""
        place = replace(self.service.workplace, clock=clock)
        return Harvesting(replace(self.service, workplace=place), self.folder)

    def forget_last_state(self) -> None:
        """Lose what the home keeps of the last harvest."""
        for file in (self.service.home / "work" / "states").iterdir():
            file.unlink()


@contextmanager
def harvesting(folder: Path) -> Iterator[Harvesting]:
    """A service below `folder`, with fifty files to harvest."""
    with service(folder) as made:
        source = folder / "mail"
        for number in range(50):
            file = source / f"{number // 10}" / f"letter {number}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"letter {number}: " + "words " * number)
        made_source = Harvesting(made, source)
        made_source.set()
        yield made_source


def tree(folder: Path) -> Tree:
    """Everything below a folder: names, content, modes and times."""
    found: Tree = {}
    top = os.fsencode(folder)
    for path, folders, files in os.walk(top):
        for name in (*folders, *files):
            whole = os.path.join(path, name)
            facts = os.lstat(whole)
            content = b""
            if stat.S_ISLNK(facts.st_mode):
                content = os.readlink(whole)
            elif stat.S_ISREG(facts.st_mode):
                content = Path(os.fsdecode(whole)).read_bytes()
            key = os.fsdecode(os.path.relpath(whole, top))
            found[key] = (stat.S_IFMT(facts.st_mode), stat.S_IMODE(facts.st_mode), facts.st_mtime_ns, content)
    return found
