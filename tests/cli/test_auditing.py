"""What does an audit say of what it could not look at, and how does it end?"""

from __future__ import annotations

from tests.cli.conftest import Service


def test_a_sample_claims_nothing_of_a_store_that_is_away(furnished: Service) -> None:
    furnished.ask("ingest", furnished.submission())
    (furnished.folder / "near").rename(furnished.folder / "unmounted")
    audited = furnished.run("audit", "--level", "sample", "--json")
    near = next(sample for sample in audited.document["samples"] if sample["store"] == "near")
    assert (near["looked_at"], near["not_sound"]) == (0, 0)
    assert near["drawn"] > 0
    assert near["at_most_bad"] is near["at_most_percent"] is None
    (line,) = [line for line in furnished.run("audit", "--level", "sample").out.splitlines() if "near: " in line][:1]
    assert "nothing was read" in line
    assert "confidence" not in line
