"""What the worker is asked and answers, as JSON: the way between this program and its own module in the sandbox.

The worker has looked at files that nobody trusts, so its answer is read as strictly as any stranger's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from preserve.formats.measuring.side import Side
from preserve.model.formats.file_results import Opinion, Picture
from preserve.model.formats.pathways import Check
from preserve.model.formats.properties import Measure, Measured, PageFace, Property, Value

LONGEST_TEXT = 2000
"""So many characters of what a validator says are kept."""
_MOMENT = re.compile("-?[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class Judge:
    """A validator as the worker runs it: a check of our own, or a command with {input}."""

    check: Check | None
    command: tuple[str, ...]
    endings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """One file to be measured on both sides and validated; paths are as the worker sees them, relative to its order.

    Each side, and each validator, may take `most_seconds`.
    """

    before: Side
    after: Side
    wanted: tuple[Property, ...]
    judges: tuple[Judge, ...]
    most_pictures: int
    most_seconds: float
    shows_alike: bool = False

    @property
    def all_seconds(self) -> float:
        """How long it may take altogether."""
        return self.most_seconds * (2 + len(self.judges))


@dataclass(frozen=True, slots=True)
class Said:
    """What one validator said."""

    opinion: Opinion
    text: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the worker found out of one job; pictures are named as it left them."""

    before: Measured
    after: Measured
    said: tuple[Said, ...]
    pictures: tuple[Picture, ...]


class _OfWorker(json.JSONEncoder):
    def default(self, o: object) -> object:
        return str(o) if isinstance(o, Path) else super().default(o)


def order_text(jobs: list[Job]) -> str:
    """Jobs, as the worker is given them."""
    return json.dumps([asdict(job) for job in jobs], cls=_OfWorker)


def read_order(text: str, folder: Path) -> list[Job]:
    """The jobs of an order, whose files lie in `folder`."""
    return [
        Job(
            _side(each["before"], folder),
            _side(each["after"], folder),
            tuple(map(Property, each["wanted"])),
            tuple(
                Judge(Check(one["check"]) if one["check"] else None, tuple(one["command"]), tuple(one["endings"]))
                for one in each["judges"]
            ),
            each["most_pictures"],
            each["most_seconds"],
            each["shows_alike"],
        )
        for each in json.loads(text)
    ]


def _side(plain: Mapping[str, Any], folder: Path) -> Side:
    drawn = plain["rendition"]
    return Side(
        tuple(folder / name for name in plain["files"]),
        plain["ending"],
        plain["puid"],
        folder / drawn if drawn is not None else None,
        tuple(plain["encodings"]),
        plain["origin"],
        plain["origin_puid"],
    )


def answer_text(answer: Answer) -> str:
    """An answer, as the worker writes it.  Half a surrogate pair is no character, and becomes U+FFFD."""
    plain = {
        "before": _plain(answer.before),
        "after": _plain(answer.after),
        "said": [[each.opinion.value, each.text[:LONGEST_TEXT]] for each in answer.said],
        "pictures": [[each.page, each.before, each.after, each.unlike] for each in answer.pictures],
    }
    return json.dumps(plain, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def read_answer(text: str) -> Answer:
    """What a worker answered.  Raises `ValueError` where it is no answer."""
    try:
        plain = json.loads(text)
        return Answer(
            _measured(plain["before"]),
            _measured(plain["after"]),
            tuple(Said(Opinion(opinion), _text(said)) for opinion, said in plain["said"]),
            tuple(
                Picture(_number(page), _text(before), _text(after), None if unlike is None else _number(unlike))
                for page, before, after, unlike in plain["pictures"]
            ),
        )
    except (LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("no answer of the worker") from error


def _plain(measured: Measured) -> dict[str, object]:
    values = {name.value: _as_plain(value) for name, value in measured.values.items()}
    return {"values": values, "failed": {name.value: why for name, why in measured.failed.items()}}


def _as_plain(value: Value) -> object:
    if isinstance(value, tuple):
        return [[each.ink, each.likeness] if isinstance(each, PageFace) else each for each in value]
    return dict(value) if isinstance(value, Mapping) else value


def _measured(plain: Mapping[str, Any]) -> Measured:
    values = {Property(name): _value(Property(name).measure, value) for name, value in plain["values"].items()}
    return Measured(values, {Property(name): _text(why) for name, why in plain["failed"].items()})


def _value(measure: Measure, plain: object) -> Value:
    match measure, plain:
        case Measure.COUNT | Measure.AT_LEAST, int():
            return _number(plain)
        case Measure.LIST | Measure.BAG, list():
            return tuple(map(_text, plain))
        case Measure.FACES, list():
            return tuple(
                PageFace(_number(ink), None if likeness is None else _number(likeness)) for ink, likeness in plain
            )
        case Measure.TABLE, dict():
            return {_text(key): _text(value) for key, value in plain.items()}
        case Measure.TIMES, dict():
            return {_text(key): _moment(value) for key, value in plain.items()}
        case _, str() if measure is Measure.DIGEST or measure.is_of_text:
            return plain
    raise TypeError(f"no value that {measure} compares")


def _text(plain: object) -> str:
    if not isinstance(plain, str):
        raise TypeError("no text")
    return plain


def _moment(plain: object) -> str:
    """Milliseconds, in digits."""
    text = _text(plain)
    if _MOMENT.fullmatch(text) is None:
        raise ValueError("no answer of the worker: what should be a moment is none")
    return text


def _number(plain: object) -> int:
    if not isinstance(plain, int) or isinstance(plain, bool):
        raise TypeError("no number")
    return plain
