"""Copies on their way, as people and programs are told of them: how many, due by when, brought by what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from preserve.cli import voices
from preserve.cli.answers import moment_shown
from preserve.cli.voices import Voice
from preserve.clock import stamp
from preserve.model.on_the_way import OnTheWay, WaitsFor


def on_the_way_documents(several: Iterable[OnTheWay]) -> list[dict[str, object]]:
    """As `--json` gives them."""
    return [
        {
            "policy": each.policy,
            "role": each.role.value,
            "copies": each.count,
            "first_due_at": stamp(each.first_due_at),
            "waits_for": each.waits_for.value,
            "stores": list(each.stores),
        }
        for each in several
    ]


def on_the_way_lines(several: Iterable[OnTheWay]) -> Iterator[str]:
    """As people read them."""
    voice = voices.person()
    for each in several:
        yield voice.counted(
            "on its way: {count} copy that policy {policy} wants on {role}, due by {moment}; {how}",
            "on their way: {count} copies that policy {policy} wants on {role}, the first due by {moment}; {how}",
            each.count,
            policy=each.policy,
            role=each.role,
            moment=moment_shown(stamp(each.first_due_at)),
            how=what_brings(each, voice),
        )


def in_short(several: Sequence[OnTheWay], voice: Voice) -> str:
    """How many in all, and by when the first is due."""
    return voice.counted(
        "{count} copy is on its way, due by {moment}",
        "{count} copies are on their way, the first due by {moment}",
        sum(each.count for each in several),
        moment=moment_shown(stamp(min(each.first_due_at for each in several))),
    )


def what_brings(each: OnTheWay, voice: Voice) -> str:
    """What has to happen, or be done, so that these copies come."""
    stores = ", ".join(each.stores)
    if each.waits_for is WaitsFor.COPYING:
        return voice.said("`preserve replicate` copies to {stores}", stores=stores)
    if each.waits_for is WaitsFor.READING:
        return voice.said("`preserve audit` reads back what was written to {stores}", stores=stores)
    if each.waits_for is WaitsFor.STORE:
        command = f"preserve store add NAME --role {each.role.value} --url URL"
        return voice.said("no store of this role is registered; `{command}` adds one", command=command)
    if len(each.stores) == 1:
        return voice.said("attach {stores}, and then run `preserve replicate`", stores=stores)
    return voice.said("attach one of these, and then run `preserve replicate`: {stores}", stores=stores)
