"""Does `ledger verify` say what the books were compared with, and accuse nobody but the one that is wrong?"""

from __future__ import annotations

from tests.cli.conftest import Service


def move_away(service: Service, *names: str) -> None:
    for name in names:
        (service.folder / name).rename(service.folder / f"{name}-away")


def test_books_that_no_store_could_attest_are_not_called_verified(furnished: Service) -> None:
    move_away(furnished, "main", "near", "far")
    ended = furnished.run("ledger", "verify")
    assert ended.code == 75, ended
    assert "compared with nothing outside" in ended.out
    asked = furnished.run("ledger", "verify", "--json")
    assert (asked.code, asked.document["ok"], asked.document["attested"]) == (75, False, {})
    assert set(asked.document["away"]) == {"main", "near", "far"}


def test_a_store_that_was_not_asked_is_named_beside_those_that_were(furnished: Service) -> None:
    move_away(furnished, "near")
    ended = furnished.run("ledger", "verify")
    assert ended.code == 0, ended
    assert "store near could not be asked" in ended.out
    assert "store main attests" in ended.out and "nothing outside" not in ended.out
    assert furnished.run("ledger", "verify", "--store", "near").code == 75


def test_without_any_store_it_is_said_that_nothing_outside_attests_the_books(service: Service) -> None:
    ended = service.run("ledger", "verify")
    assert ended.code == 0, ended
    assert "nothing outside this home attests the books" in ended.out
