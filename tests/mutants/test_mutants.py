"""Is damage stopped that was done on purpose to results of each pathway's samples, and is nothing else stopped?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from preserve import compose
from preserve.ports import Identifier
from preserve.settings.shipped import pathway_folders
from tests.mutants.mutant import LEAST_PERCENT, SURE
from tests.mutants.table import MUTANTS
from tests.mutants.trials import samples_of, tried
from tests.workshop.bench import Bench, require_all

READ_OTHERWISE = ("msg-to-eml", "xlsx-to-csv")
"""Their originals have a reader of their own, which hides damage that no other hides: HTML beside plain text, messages
within messages, the wording of formulas."""


def one_of_each() -> list[str]:
    """One pathway for each sort of content and each program, one that keeps what it is given, and `READ_OTHERWISE`;
    `ops.campaigns.mutants` does damage to all of them, at more places."""
    chosen: dict[tuple[object, ...], str] = {}
    for each in compose.pathways(compose.format_register()):
        pathway = each.pathway
        if samples_of(pathway.name):
            chosen.setdefault(
                (pathway.kind, pathway.is_fixed_layout, pathway.tool.program, pathway.keeps), pathway.name
            )
    return sorted({*chosen.values(), *READ_OTHERWISE})


def the_others() -> list[str]:
    """Pathways with samples to which no damage is done here."""
    named = {folder.name for folder in pathway_folders()}
    return sorted(name for name in named - {*one_of_each()} if samples_of(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", one_of_each())
def test_samples_pass_and_each_damage_to_them_is_stopped(name: str, tmp_path: Path, identifier: Identifier) -> None:
    bench = Bench(tmp_path, identifier)
    pathway = bench.pathways[name]
    require_all(bench, pathway)
    found = tried(bench, pathway, samples_of(name), MUTANTS, rounds=1, seed=20261122)
    assert found.false_alarms == {}
    assert found.lived(SURE) == []
    lived = found.lived()
    assert len(found.trials) >= 3
    assert 100 * len(lived) <= (100 - LEAST_PERCENT) * len(found.trials), lived


@pytest.mark.parametrize("name", the_others())
def test_what_is_made_of_samples_is_told_as_the_format_that_was_to_be_made(
    name: str, tmp_path: Path, identifier: Identifier
) -> None:
    """A migration passes nothing else, whatever validators say."""
    bench = Bench(tmp_path, identifier)
    pathway = bench.pathways[name]
    require_all(bench, pathway)
    files = [bench.file(path, path.suffix, pathway.sources[0]) for path in samples_of(name)]
    outcomes = bench.convert(pathway, files)
    told = [bench.in_other_format(pathway, file, made) for file, made in zip(files, outcomes, strict=True)]
    assert told == [""] * len(files)
    assert bench.in_other_format(replace(pathway, targets=("fmt/0",)), files[0], outcomes[0])
