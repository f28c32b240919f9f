"""Is damage stopped that was done on purpose to results of each pathway's samples, and is nothing else stopped?"""

from __future__ import annotations

from pathlib import Path

import pytest

from preserve import compose
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


@pytest.mark.slow
@pytest.mark.parametrize("name", one_of_each())
def test_samples_pass_and_each_damage_to_them_is_stopped(name: str, tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    pathway = bench.pathways[name]
    require_all(bench, pathway)
    found = tried(bench, pathway, samples_of(name), MUTANTS, rounds=1, seed=20261122)
    assert found.false_alarms == {}
    assert found.lived(SURE) == []
    lived = found.lived()
    assert len(found.trials) >= 3
    assert 100 * len(lived) <= (100 - LEAST_PERCENT) * len(found.trials), lived
