"""A service to rehearse with: real packages in real stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from preserve import compose
from preserve.clock import Clock
from preserve.model.nouns import Receipt, StoreEntry
from preserve.model.policy import Policy, RecoveryRule
from preserve.operations.drill import DrillReport, DrillRequest, Rebuilt, drill
from preserve.settings.home import Home
from preserve.workplace import Workplace
from tests.packages.building import Service, service
from tests.restore import samples

Hold = Callable[..., DrillReport]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Two stores, and three packages in each: text, an image and a name that only we can read, and an old one."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    with service(tmp_path) as made:
        for name, files in {
            "first": {"甲/一.txt": "纪要".encode(), "page.html": b"<p>x</p>"},
            "second": {"100%.txt": b"percent", "b.csv": b"a,b\n"},
            "third": {"notes.txt": b"three" * 1000},
        }.items():
            for path, content in files.items():
                samples.write(tmp_path / name / path, content)
            made.ingest(tmp_path / name)
        for store in made.workplace.stores.values():
            compose_publish(made, store.name)
        yield made


def compose_publish(made: Service, store: str) -> None:
    """Put the ledger into a store, as the end of every command does."""
    from preserve.settings.home import Home
    from preserve.state import publishing

    publishing.publish(made.books, made.workplace.stores[store], compose.signer(Home(made.home)))


@pytest.fixture
def hold(kept: Service, tmp_path: Path) -> Hold:
    """Hold a drill of the service; what differs from a drill of everything in `city` is given by name."""

    def held(
        *,
        workplace: Workplace | None = None,
        recovery: RecoveryRule | None = None,
        clock: Clock | None = None,
        **differs: object,
    ) -> DrillReport:
        place = workplace or kept.workplace
        place = place if clock is None else replace(place, clock=clock)

        def policy_of(receipt: Receipt) -> Policy:
            return replace(kept.policy, recovery=recovery)

        def rebuild(entry: StoreEntry, folder: Path) -> AbstractContextManager[Rebuilt]:
            return compose.rebuilt_alone(place, entry, folder)

        asked = DrillRequest("city", tmp_path / "certificates", compose.signer(Home(kept.home)), sample=None)
        return drill(place, replace(asked, **differs), policy_of, rebuild)  # type: ignore[arg-type]

    return held
