"""Is nothing begun that no store can take, and does the next harvest end what one that was cut off had begun?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from preserve import compose
from preserve.errors import Unavailable
from preserve.model.entries import AccessionState
from preserve.model.sources import SourceEntry, SourceKind, source_behind
from preserve.operations.harvest import HarvestRequest, harvest
from preserve.operations.retire_source import retire_source
from preserve.operations.status import status
from preserve.packages.harvesting.places import FolderCatchment
from preserve.state.verification import verify_books
from tests.crash.points import was_killed_at
from tests.harvest.harvesting import Harvesting, harvesting
from tests.harvest.lives import workplace
from tests.harvest.test_killed import take
from tests.packages.building import Service


def unplug(made: Service, *names: str) -> None:
    for name in names:
        made.places[name].rename(made.places[name].with_name(f"{name} away"))


def plug_in(made: Service, *names: str) -> None:
    for name in names:
        made.places[name].with_name(f"{name} away").rename(made.places[name])


def test_nothing_is_begun_while_every_store_is_away(mail: Harvesting) -> None:
    made = mail.service
    unplug(made, "near", "city")
    size = made.books.size()
    with pytest.raises(Unavailable, match="nothing was begun") as caught:
        mail.harvest()
    assert "near: " in str(caught.value) and "city: " in str(caught.value)
    assert made.books.size() == size
    plug_in(made, "near")
    assert mail.harvest().is_complete is False, "one store that is there is enough to begin"


def test_a_store_that_was_away_when_the_command_began_is_asked_again(mail: Harvesting) -> None:
    request = HarvestRequest(mail.service.books.source("mail"), mail.service.policy, FolderCatchment(mail.folder))
    place = mail.service.workplace
    assert harvest(replace(place, away=frozenset(place.stores)), request).packages


def killed_between_begin_and_end(life: Path) -> None:
    """A harvest of one new file, killed at a point at which something of it is begun and not booked."""
    with harvesting(life) as made:
        made.harvest()
        (made.folder / "new.txt").write_text("new")
    nth, is_open = 2, False
    while not is_open:
        assert was_killed_at(nth, lambda: take(life)), "it came to its end before anything was seen to be open"
        with workplace(life) as place:
            is_open = any(place.books.accessions(AccessionState.OPEN))
        nth += 1


@pytest.mark.parametrize("what_follows", ["the same", "another", "nothing", "the source is retired"])
def test_what_a_killed_harvest_had_begun_is_ended_whatever_became_of_the_source(
    memory_path: Path, what_follows: str
) -> None:
    life = memory_path / "life"
    killed_between_begin_and_end(life)
    with workplace(life) as place:
        report = status(place, compose.policy_in_force(place.books), {})
        assert [each.harvested_from for each in report.unfinished] == ["mail"]
        if what_follows == "the source is retired":
            retire_source(place, "mail")
    match what_follows:
        case "another":
            (life / "mail" / "new.txt").write_text("another one")
        case "nothing":
            (life / "mail" / "new.txt").unlink()
    if what_follows != "the source is retired":
        take(life)
    with workplace(life) as place:
        assert list(place.books.accessions(AccessionState.OPEN)) == []
        assert verify_books(place.books).is_ok


def test_an_accession_is_known_for_that_of_a_source(tmp_path: Path) -> None:
    sources = [SourceEntry("incoming", SourceKind.DROP, "default", str(tmp_path / "incoming"))]
    assert source_behind(str(tmp_path / "incoming" / "first"), sources) == "incoming"
    assert source_behind(str(tmp_path / "incoming" / "deep" / "first"), sources) is None
    assert source_behind("source incoming", []) is None
