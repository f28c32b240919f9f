"""Is the history of drills told by the same rules by which the drills were judged?"""

from __future__ import annotations

from preserve.settings.shipped import policy_files
from tests.cli.conftest import Service


def test_a_policy_under_which_nothing_is_kept_allows_and_forbids_no_drill_anything(service: Service) -> None:
    service.store("near", "primary")
    service.promise("primary")
    service.ask("ingest", service.submission(), "--policy", "default")
    shipped = next(path for path in policy_files() if path.stem == "county-shoestring")
    service.ask("policy", "register", shipped)
    held = service.ask("drill", "--from", "near", "--all")
    (trend,) = service.ask("drill", "list")["trends"]
    allowed = ("allowed_rto_seconds", "allowed_rpo_seconds")
    assert [trend[each] for each in allowed] == [held[each] for each in allowed] == [None, None]
