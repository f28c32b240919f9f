"""What may happen to the objects of a store behind our back, as functions on the folder it lies in.

Each harms one object of `Scene.package` in `Scene.store` (some harm others with it) and returns every object that is
not what it was, as (package id, object).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from preserve.model.nouns import Condition
from tests.damage.places import PLACES
from tests.packages.archives import FILES, Archive, Built

Harmed = set[tuple[str, str]]


@dataclass(frozen=True)
class Scene:
    """Two packages with sound copies in every store of an archive, and the object that harm comes to."""

    archive: Archive
    package: Built
    other: Built
    store: str
    part: str

    @property
    def file(self) -> Path:
        return self.archive.file(self.store, self.package, self.part)

    @property
    def itself(self) -> Harmed:
        return {(self.package.id, self.part)}


def flip(scene: Scene) -> Harmed:
    content = bytearray(scene.file.read_bytes())
    content[len(content) // 2] ^= 0x10
    scene.file.write_bytes(content)
    return scene.itself


def truncate(scene: Scene) -> Harmed:
    content = scene.file.read_bytes()
    scene.file.write_bytes(content[: len(content) * 2 // 3])
    return scene.itself


def empty(scene: Scene) -> Harmed:
    scene.file.write_bytes(b"")
    return scene.itself


def extend(scene: Scene) -> Harmed:
    with scene.file.open("ab") as file:
        file.write(b"\0")
    return scene.itself


def zero(scene: Scene) -> Harmed:
    scene.file.write_bytes(bytes(scene.file.stat().st_size))
    return scene.itself


def delete(scene: Scene) -> Harmed:
    scene.file.unlink()
    return scene.itself


def swap_two(scene: Scene) -> Harmed:
    """Exchange it with another object of the same package."""
    part = PLACES[(PLACES.index(scene.part) + 1) % len(PLACES)]
    _exchange(scene.file, scene.archive.file(scene.store, scene.package, part))
    return {(scene.package.id, scene.part), (scene.package.id, part)}


def swap_between_packages(scene: Scene) -> Harmed:
    _exchange(scene.file, scene.archive.file(scene.store, scene.other, scene.part))
    return {(scene.package.id, scene.part), (scene.other.id, scene.part)}


def roll_back(scene: Scene) -> Harmed:
    """Put an object in its place that was valid once: of the same package, when its content was another."""
    scene.file.write_bytes(_older(scene.package.id).objects[scene.part])
    return scene.itself


def replace_consistently(scene: Scene) -> Harmed:
    """Replace the whole copy, receipt and lists included, by another that fits itself in every respect."""
    for part, content in _older(scene.package.id).objects.items():
        scene.archive.file(scene.store, scene.package, part).write_bytes(content)
    return {(scene.package.id, part) for part in PLACES}


HARMS: Mapping[str, Callable[[Scene], Harmed]] = {
    harm.__name__: harm
    for harm in (
        flip,
        truncate,
        empty,
        extend,
        zero,
        delete,
        swap_two,
        swap_between_packages,
        roll_back,
        replace_consistently,
    )
}


def condition_after(harm: str) -> Condition:
    """What an audit must call it."""
    return Condition.MISSING if harm == delete.__name__ else Condition.DAMAGED


@cache
def _older(package_id: str) -> Built:
    return Built(package_id, {name: content[::-1] for name, content in FILES.items()}, 512)


def _exchange(one: Path, other: Path) -> None:
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
