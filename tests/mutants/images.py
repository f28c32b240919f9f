"""Damage to pictures, a file for each page: pages, pixels, profile, resolution."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

from PIL import Image, ImageChops

from preserve.model.formats.properties import Damage
from tests.mutants.mutant import Harm, Mutant

Change = Callable[[Image.Image, Random], Image.Image | None]


def _on_pages(change: Callable[[list[Path], Random], list[Path] | None]) -> Harm:
    """Lay pages down in another order, or fewer of them, under the names of as many of the first."""

    def harm(made: tuple[Path, ...], into: Path, chance: Random) -> tuple[str, ...] | None:
        pages = change(list(made), chance)
        if pages is None:
            return None
        names = [each.name for each in made][: len(pages)]
        for page, name in zip(pages, names, strict=True):
            shutil.copyfile(page, into / name)
        return tuple(names)

    return harm


def _drop(pages: list[Path], chance: Random) -> list[Path] | None:
    if len(pages) < 2:
        return None
    del pages[chance.randrange(len(pages))]
    return pages


def _swap(pages: list[Path], chance: Random) -> list[Path] | None:
    if len(pages) < 2:
        return None
    at = chance.randrange(len(pages) - 1)
    pages[at], pages[at + 1] = pages[at + 1], pages[at]
    return pages


def _on_picture(change: Change) -> Harm:
    """Draw one page anew, with all that stood beside its pixels, as far as Pillow writes it."""

    def harm(made: tuple[Path, ...], into: Path, chance: Random) -> tuple[str, ...] | None:
        at = chance.randrange(len(made))
        for page in made:
            shutil.copyfile(page, into / page.name)
        with Image.open(made[at]) as picture:
            picture.load()
            changed = change(picture, chance)
            if changed is None:
                return None
            beside = {name: picture.info[name] for name in ("dpi", "icc_profile", "exif") if name in changed.info}
            changed.save(into / made[at].name, **({} if made[at].suffix == ".jp2" else beside))
        return tuple(page.name for page in made)

    return harm


def _blank(picture: Image.Image, chance: Random) -> Image.Image | None:
    return _with_info(Image.new(picture.mode, picture.size, "white"), picture)


def _halve(picture: Image.Image, chance: Random, *, at_once: bool) -> Image.Image | None:
    half = picture.resize((picture.width // 2, picture.height // 2))
    return _with_info(half if at_once else half.resize(picture.size), picture)


def _invert(picture: Image.Image, chance: Random) -> Image.Image | None:
    return _with_info(ImageChops.invert(picture), picture) if picture.mode in ("L", "RGB") else None


def _brighten(picture: Image.Image, chance: Random) -> Image.Image | None:
    """One step of 255: nobody sees it."""
    if picture.mode not in ("L", "RGB"):
        return None
    return _with_info(picture.point([min(255, step % 256 + 1) for step in range(256 * len(picture.mode))]), picture)


def _exchange(picture: Image.Image, chance: Random) -> Image.Image | None:
    if picture.mode != "RGB":
        return None
    red, green, blue = picture.split()
    return _with_info(Image.merge("RGB", (blue, green, red)), picture)


def _speck(picture: Image.Image, chance: Random) -> Image.Image | None:
    """One pixel of all."""
    if picture.mode not in ("L", "RGB"):
        return None
    place = chance.randrange(picture.width), chance.randrange(picture.height)
    value = picture.getpixel(place)
    other = tuple(each ^ 255 for each in value) if isinstance(value, tuple) else int(value or 0) ^ 255
    picture.putpixel(place, other)
    return picture


def _without_profile(picture: Image.Image, chance: Random) -> Image.Image | None:
    if "icc_profile" not in picture.info:
        return None
    del picture.info["icc_profile"]
    return picture


def _with_info(changed: Image.Image, old: Image.Image) -> Image.Image:
    changed.info = dict(old.info)
    return changed


MUTANTS = (
    Mutant(Damage.PAGE_DROPPED, "one page", _on_pages(_drop)),
    Mutant(Damage.PAGES_SWAPPED, "neighbours", _on_pages(_swap)),
    *(
        Mutant(damage, name, _on_picture(change))
        for damage, name, change in (
            (Damage.PAGE_BLANKED, "one page", _blank),
            (Damage.IMAGE_DOWNSAMPLED, "to half", partial(_halve, at_once=True)),
            (Damage.IMAGE_DOWNSAMPLED, "to half and back", partial(_halve, at_once=False)),
            (Damage.IMAGE_RECOLOURED, "negative", _invert),
            (Damage.IMAGE_RECOLOURED, "one step brighter", _brighten),
            (Damage.IMAGE_RECOLOURED, "red for blue", _exchange),
            (Damage.IMAGE_RECOLOURED, "one pixel", _speck),
        )
    ),
)
PROFILE = Mutant(Damage.IMAGE_RECOLOURED, "without its profile", _on_picture(_without_profile))
"""Of PNG alone: Pillow writes no profile into a JP2 in any case."""
