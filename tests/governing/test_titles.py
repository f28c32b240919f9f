"""Is a migration called, and what it waits for told, in the language of whoever reads?"""

from __future__ import annotations

from preserve.cli.exits import Exit
from preserve.cli.migration_titles import formats_said, title_said
from preserve.cli.voices import chinese, english
from tests.governing.service import Service


def test_a_migration_without_a_title_is_called_by_its_formats(service: Service) -> None:
    service.planned()
    with service.books() as books:
        migration = books.migration(1)
    assert (migration.title, migration.called) == ("", "fmt/40")
    assert "文档" in title_said(migration, chinese())
    assert "文档" not in title_said(migration, english())
    assert service.ask("migrate", "list", code=Exit.FINDINGS)["migrations"][0]["title"] == "fmt/40"
    assert formats_said(["fmt/40", "fmt/40", "x-fmt/99999"], english()).endswith(", x-fmt/99999")


def test_a_title_that_a_person_gave_stays_as_it_is(service: Service) -> None:
    service.planned("--title", "旧公文")
    with service.books() as books:
        assert title_said(books.migration(1), english()) == "旧公文"


def test_the_page_says_for_what_a_migration_waits(service: Service) -> None:
    service.planned()
    page = service.program.folder / "status.html"
    service.program("status", "--html", page, "--language", "en", code=Exit.FINDINGS)
    assert "(fmt/40) waits for a pilot" in page.read_text("utf-8")
    service.program("status", "--html", page, "--language", "zh", code=Exit.FINDINGS)
    assert "等待试点" in page.read_text("utf-8")
