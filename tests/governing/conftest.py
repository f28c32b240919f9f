"""A service that holds files in ageing formats, as far as its books go."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from preserve import compose
from preserve.cli.exits import Exit
from preserve.formats import readers
from preserve.formats.readers import readers_alive
from tests.cli.program import Program
from tests.formats.matrices import BEST, WORST, matrix, plans, row
from tests.governing.service import Service
from tests.moulds import Moulds


@pytest.fixture(scope="session")
def alive(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The programs on this machine, by their ids, as they answer."""
    known = compose.format_register().readers
    return readers_alive(known.values(), tmp_path_factory.mktemp("programs"))


@pytest.fixture
def service(
    moulds: Moulds,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    alive: Mapping[str, str],
) -> Service:
    """Two packages under the default policy: Word documents (rated worst), and PDF/A-2b (best)."""
    # LibreOffice takes its time to say its version: all tests share what it said once.
    monkeypatch.setattr(
        readers, "readers_alive", lambda asked, work: {each.id: alive[each.id] for each in asked if each.id in alive}
    )
    monkeypatch.setenv("XDG_CONFIG_HOME", str(moulds.live / "config"))
    monkeypatch.setenv("PRESERVE_HOME", str(moulds.live / "home"))
    program = Program(moulds.live, capsys)

    def furnish() -> None:
        program.ask("init")
        program.ask("store", "add", "main", "--role", "primary", "--url", (program.folder / "main").as_uri())
        for name in ("one", "two", "three"):
            source = program.folder / name
            source.mkdir()
            (source / "a.txt").write_text(name, encoding="utf-8")
            program.ask("ingest", source, code=Exit.FINDINGS)
        rated = matrix(tmp_path, row("N1", "Good", BEST), row("N2", "Old Word", WORST))
        program.ask("format", "import-nara", rated, plans(tmp_path, N1="fmt/477", N2="fmt/40"))
        made = Service(program)
        made.identified(0, {"fmt/40": 3, "fmt/477": 10})
        made.identified(1, {"fmt/40": 1, "fmt/609": 2, "x-fmt/8": 1})
        made.identified(2, {"fmt/477": 1})

    moulds.cast("migrations, planned for", furnish)
    return Service(program)
