"""What policy wants and stores do not give: copies without a store, stores that share what copies should differ in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from preserve.cli.messages import attribute_word, said, sentence_said
from preserve.cli.voices import Voice, person
from preserve.model.placing import Lack
from preserve.model.separation import Coincidence

if TYPE_CHECKING:
    from preserve.operations.status import StatusReport


def lack_documents(lacks: Iterable[Lack]) -> list[dict[str, object]]:
    """As `--json` gives them."""
    return [
        {"policy": lack.policy, "role": lack.role.value, "count": lack.count, "command": _command(lack)}
        for lack in lacks
    ]


def lack_lines(lacks: Iterable[Lack]) -> Iterator[str]:
    """As people read them."""
    for lack in lacks:
        yield said(
            "policy {policy} is not kept: no store is registered for {count} of its copies (role {role}); `{command}`"
            " adds one, and `preserve replicate` then makes the copies",
            policy=lack.policy,
            count=lack.count,
            role=lack.role,
            command=_command(lack),
        )


def shared_lines(shared: Iterable[Coincidence], voice: Voice | None = None) -> Iterator[str]:
    """What stores have in common, so that one event reaches both."""
    for each in shared:
        yield (voice or person()).said(
            "warning: {store} and {other} share their {attribute} ({value}): one event can take both copies",
            store=each.store,
            other=each.other,
            attribute=attribute_word(each.attribute, voice),
            value=each.value,
        )


def together_lines(report: StatusReport, voice: Voice | None = None) -> Iterator[str]:
    """Which stores stand together that should stand apart: by what was told of them, and by where they were seen."""
    speaker = voice or person()
    for broken in report.too_close:
        yield speaker.said(
            "policy {policy} is not kept: {what}", policy=broken.policy, what=sentence_said(broken.what, voice)
        )
    told = {broken.shared for broken in report.too_close}
    yield from shared_lines((each for each in report.shared if each not in told), voice)
    for store in report.beside_home:
        yield speaker.said(
            "warning: {store} is to be offline, and lies on the device that holds the home: what takes the home takes"
            " it too, and it counts as offline for nobody; put it on a medium of its own, and take that out when it is"
            " written",
            store=store,
        )
    for stores in report.one_device:
        yield speaker.said(
            "warning: stores {stores} lie on one device, or at one site of S3: one failure can take the copies in all"
            " of them",
            stores=", ".join(stores),
        )


def full_line(store: str) -> str:
    """What to do about a store without room, where no other of its role has any."""
    return said(
        "if store {store} is full: free space there, or add another of its role with `preserve store add`; `preserve"
        " store retire {store} --reason TEXT` takes it from use when it is worn out",
        store=store,
    )


def lost_line(store: str) -> str:
    """What to do about a store that is away, if it never comes back."""
    return said(
        "if store {store} is lost for good: `preserve store retire {store} --lost --reason TEXT`, and then `preserve"
        " replicate` makes its copies elsewhere",
        store=store,
    )


def _command(lack: Lack) -> str:
    return f"preserve store add NAME --role {lack.role.value} --url URL"
