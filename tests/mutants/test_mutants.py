"""Is damage stopped that was done on purpose to results of each pathway's samples, and is nothing else stopped?"""

from __future__ import annotations

from pathlib import Path

import pytest

from preserve.settings.shipped import pathway_folders
from tests.mutants.mutant import LEAST_PERCENT, SURE
from tests.mutants.table import MUTANTS
from tests.mutants.trials import samples_of, tried
from tests.workshop.bench import Bench, require_all

NAMES = [folder.name for folder in pathway_folders() if samples_of(folder.name)]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
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
