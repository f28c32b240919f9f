"""Do damage to faithful results, and see whether it is stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from preserve.model.formats.comparison import compare, verdict
from preserve.model.formats.file_results import FileFate
from preserve.model.formats.losses import FileVerdict
from preserve.model.formats.pathways import Pathway
from preserve.model.formats.properties import Damage
from preserve.settings.shipped import pathway_folders
from tests.mutants.mutant import Mutant, Mutants
from tests.pathways.declarations import shipped
from tests.workshop.bench import Bench, Passed


@dataclass(frozen=True)
class Trial:
    """One mutant of one file: whether the comparison stopped it, whatever validators said."""

    pathway: str
    sample: str
    mutant: Mutant
    is_stopped: bool


@dataclass(frozen=True)
class Tried:
    """What came of the samples of a pathway: those that were not converted or were stopped although nothing was done to
    them, and the trials on the others."""

    pathway: str
    false_alarms: dict[str, str]
    trials: tuple[Trial, ...]
    claimed: frozenset[Damage] = frozenset()

    def lived(self, damages: Iterable[Damage] = Damage) -> list[str]:
        """Mutants of these damages that passed."""
        wanted = frozenset(damages)
        return [
            f"{each.sample}: {each.mutant.damage}, {each.mutant.name}"
            for each in self.trials
            if not each.is_stopped and each.mutant.damage in wanted
        ]

    @property
    def undone(self) -> list[Damage]:
        """Damage that the pathway says it catches, and that was done to none of its samples."""
        return sorted(self.claimed - self.by_damage.keys())

    @property
    def by_damage(self) -> Counter[Damage]:
        """How many trials there were of each damage."""
        return Counter(each.mutant.damage for each in self.trials)


def samples_of(pathway: str) -> list[Path]:
    """The samples that lie with a pathway, without what only belongs to one of them."""
    (folder,) = (each for each in pathway_folders() if each.name == pathway)
    belonging = shipped()[pathway].beside
    return sorted(path for path in (folder / "samples").glob("*") if path.is_file() and path.suffix not in belonging)


def claimed(pathway: Pathway) -> frozenset[Damage]:
    """The damage that a pathway says it catches: what its files are liable to, and what its comparison adds to that."""
    return pathway.liable | (frozenset(Damage) - pathway.uncaught_of(frozenset(Damage)))


def tried(bench: Bench, pathway: Pathway, samples: Sequence[Path], mutants: Mutants, rounds: int, seed: int) -> Tried:
    """Convert samples; do each damage to what came of them, so many times at other places, and judge all of it."""
    files = [bench.file(path, path.suffix, pathway.sources[0]) for path in samples]
    names = {file: path.name for file, path in zip(files, samples, strict=True)}
    passed = bench.through(pathway, files)
    made = {each.file for each in passed}
    alarms = {name: "nothing was made of it" for file, name in names.items() if file not in made}
    alarms |= {names[each.file]: each.why for each in passed if each.fate is not FileFate.CONVERTED}
    sound = [each for each in passed if names[each.file] not in alarms]
    chance = Random(seed)
    asked = [
        (one, mutant, made)
        for one in sound
        for mutant in mutants.get(_main(one).suffix, ())
        if mutant.damage in claimed(pathway)
        for made in _harmed(one, mutant, rounds, chance)
    ]
    compared = replace(pathway, validators=())  # what validators would say is not asked: comparing has to stop it
    judged = bench.judge_again(compared, [(one.file, made) for one, _, made in asked])
    trials = tuple(
        Trial(
            pathway.name,
            names[one.file],
            mutant,
            verdict(compare(pathway, found.before, found.after)) is FileVerdict.STOPPED,
        )
        for (one, mutant, _), found in zip(asked, judged, strict=True)
    )
    return Tried(pathway.name, alarms, trials, claimed(pathway))


def _main(one: Passed) -> Path:
    """What was made of a file, and not the lists beside it."""
    return next((each for each in one.made if each.stem == "document"), one.made[0])


def _harmed(one: Passed, mutant: Mutant, rounds: int, chance: Random) -> Iterable[tuple[Path, ...]]:
    """The damaged results, each in a folder of its own."""
    for number in range(rounds):
        into = one.file.into.with_name(
            f"{one.file.into.name}-{mutant.damage.name}-{mutant.name}-{number}".replace(" ", "-")
        )
        into.mkdir()
        names = mutant.harm(one.made, into, chance)
        if names is None:
            return
        yield tuple(into / name for name in names)
