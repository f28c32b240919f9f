"""Does the program say in words what a store can?"""

from __future__ import annotations

import re
from pathlib import Path

import preserve.stores
from preserve.cli.capabilities import capability_phrases
from tests.cli.conftest import Service

STORES = Path(preserve.stores.__file__).parent


def test_there_are_words_for_all_that_the_probe_tells() -> None:
    told = {
        name for file in STORES.glob("*.py") for name in re.findall(r'honours\(\s*"(\w+)"', file.read_text("utf-8"))
    }
    assert len(told) > 15
    assert set(capability_phrases()) == told


def test_people_read_words_and_programs_names(service: Service) -> None:
    service.store("main")
    words = service.run("store", "check", "main").out
    assert "it can:\n    let one alone win of several who write the same key at once" in words
    assert "it cannot:\n    attest the SHA-256 of what it keeps" in words
    chinese = service.run("store", "check", "main", more={"LC_ALL": "zh_CN.UTF-8"}).out
    assert "能：\n    多方同时写入同一对象名时，只让一方成功" in chinese
    for name in capability_phrases():
        assert "_" not in name or name not in words + chinese
    assert service.ask("store", "check", "main")["capabilities"]["create_only_race"] is True
