"""Does the guide list every metric there is, and none besides?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from preserve.daemon.metrics import GAUGES

GUIDES = Path(__file__).parents[2] / "ops" / "guides"


@pytest.mark.parametrize("name", ["watching.md", "watching.zh.md"])
def test_the_guide_lists_every_metric_with_its_labels(name: str) -> None:
    rows = re.findall(r"^\| `preserve_(\w+)` \| (.*?) \| (.*?) \|$", (GUIDES / name).read_text("utf-8"), re.MULTILINE)
    told = [(gauge.name, ", ".join(f"`{label}`" for label in gauge.labels) or "–", gauge.says) for gauge in GAUGES]
    assert rows == told
