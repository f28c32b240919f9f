"""Can anybody see what a source held at a moment, and what has vanished from it since?"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime

import pytest

from preserve.errors import Refused
from preserve.operations.list_source import ListRequest, list_source
from tests.harvest.harvesting import Harvesting
from tests.stores.clocks import SetClock


def listed(
    mail: Harvesting, as_of: str | None = None, path: str | None = None, *, only_vanished: bool = False
) -> list[str]:
    with ExitStack() as resources:
        request = ListRequest("mail", as_of, path, only_vanished)
        found = list_source(mail.service.workplace, request, resources)
        return [file.path.decode() for file in found.files]


def moment(mail: Harvesting) -> str:
    entry = mail.harvest().entry
    assert entry is not None
    return entry.seen_at


@pytest.mark.parametrize("home", ["whole", "without the last state"])
def test_what_vanished_is_found_by_its_name_however_many_harvests_later(mail: Harvesting, home: str) -> None:
    begun = moment(mail)
    (mail.folder / "3" / "letter 30.txt").unlink()
    (mail.folder / "0" / "letter 1.txt").write_text("changed")
    moment(mail)
    (mail.folder / "new.txt").write_text("new")
    moment(mail)
    if home != "whole":
        mail.forget_last_state()
    assert listed(mail, begun, only_vanished=True) == ["3/letter 30.txt"]
    assert len(listed(mail)) == 50
    assert len(listed(mail, begun)) == 50
    assert listed(mail, begun, "3/*30*") == ["3/letter 30.txt"]
    assert listed(mail, path="new*") == ["new.txt"]


class StopsAfterAPart(SetClock):
    """Somebody presses Ctrl-C between two parts of a harvest."""

    def __init__(self, mail: Harvesting) -> None:
        super().__init__(mail.service.workplace.clock.now())
        self._books = mail.service.books

    def now(self) -> datetime:
        last = self._books.last_harvest("mail")
        if last is not None and last.is_partial:
            raise KeyboardInterrupt
        return super().now()


def test_two_moments_are_read_from_the_stores_at_once(mail: Harvesting) -> None:
    """While a harvest in parts is under way, the newest whole one is not what the home keeps."""
    begun = moment(mail)
    (mail.folder / "3" / "letter 30.txt").unlink()
    moment(mail)
    for name in ("one", "two"):
        (mail.folder / name).write_text(name * 40)
    with pytest.raises(KeyboardInterrupt):
        mail.by(StopsAfterAPart(mail)).harvest(part_bytes=100)
    last = mail.service.books.last_harvest("mail")
    assert last is not None and last.is_partial
    assert listed(mail, begun, only_vanished=True) == ["3/letter 30.txt"]


def test_a_moment_before_the_first_harvest_has_no_files(mail: Harvesting) -> None:
    moment(mail)
    with pytest.raises(Refused, match="not harvested until then") as refused:
        listed(mail, "2000-01-01T00:00:00.000000Z")
    assert isinstance(refused.value.values["first"], datetime), "told by the person's clock, as all else"
