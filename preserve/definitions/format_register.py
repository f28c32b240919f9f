"""Read the register of formats and our own answers about them (policies/formats): data for archivists to review."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from preserve.errors import Misused
from preserve.model.formats.registry import Acceptance, Format, FormatCategory, FormatRegister, Openness, Reader
from preserve.model.formats.risk_rule import GivenAnswer, RiskAnswer, RiskRule
from preserve.model.requirements import Mark, Words

REGISTER = "registry.toml"
LOCAL_FORMATS = "local-formats.toml"

Plain = Mapping[str, Any]

_PUID = re.compile(r"(x-)?fmt/\d+|preserve/[a-z0-9-]+")


def is_identifier(puid: str) -> bool:
    """Whether a text is an identifier of a format: PRONOM's, or one of ours."""
    return _PUID.fullmatch(puid) is not None


def read_format_register(text: str, file: str) -> FormatRegister:
    """The register that `text` (TOML) holds; `file` is its name, for messages.

    Raises `Misused` for an entry that lacks something, contradicts another or names what there is not.
    """
    plain = _plain(text, file)
    readers = {each.id: each for each in _each(plain, "reader", _reader, file)}
    accepted = list(_each(plain, "acceptance", _acceptance, file))
    formats = tuple(_each(plain, "format", _format, file))
    _check(formats, readers, accepted, file)
    by_format = {each.id: tuple(acceptance for acceptance, ids in accepted if each.id in ids) for each in formats}
    try:
        pronom, checked_with = str(plain["pronom"]), str(plain["checked_with"])
    except KeyError as error:
        raise Misused("{file} lacks {key}", file=file, key=error) from error
    complete = tuple(replace(each, accepted=by_format[each.id]) for each in formats)
    return FormatRegister(complete, readers, pronom, checked_with)


def read_local_formats(
    text: str, file: str, register: FormatRegister, rule: RiskRule
) -> dict[str, dict[str, GivenAnswer]]:
    """Our own answers to all questions of `rule`, by the register's id of the format.

    Raises `Misused` for an answer that lacks, that the question does not know, or that says no source.
    """
    plain = _plain(text, file)
    sources = plain.get("sources", {})
    found: dict[str, dict[str, GivenAnswer]] = {}
    for rated in plain.get("rated", []):
        ids, given = rated.get("formats", []), rated.get("answers", {})
        answers = {question: _answer(question, value, sources, file, ids) for question, value in given.items()}
        _require_all(answers, rule, file, ids)
        for id_ in ids:
            if register.named(id_) is None or id_ in found:
                raise Misused("{file}: format {id} is not in the register, or is answered twice", file=file, id=id_)
            found[id_] = answers
    return found


def _plain(text: str, file: str) -> Plain:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misused("{file} is no sound TOML: {reason}", file=file, reason=error) from error


def _each(plain: Plain, kind: str, read: Any, file: str) -> Iterator[Any]:
    for number, entry in enumerate(plain.get(kind, []), 1):
        try:
            yield read(entry)
        except (KeyError, TypeError, ValueError) as error:
            raise Misused(
                "{file}: entry {number} of [[{kind}]] ({id}) is not as it should be: {reason}",
                file=file, number=number, kind=kind, id=entry.get("id", "-"), reason=repr(error),
            ) from error  # fmt: skip


def _reader(plain: Plain) -> Reader:
    reader = Reader(
        plain["id"],
        plain["name"],
        tuple(plain.get("command", ())),
        plain.get("version", ""),
        plain.get("distribution", ""),
        plain.get("builtin", False),
    )
    if sum(map(bool, (reader.command, reader.distribution, reader.is_builtin))) != 1:
        raise ValueError("it is asked for its version in one way: command, distribution or builtin")
    if reader.command and re.compile(reader.version).groups != 1:
        raise ValueError("version is a regular expression with one group")
    return reader


def _acceptance(plain: Plain) -> tuple[Acceptance, frozenset[str]]:
    words = Words(plain["zh"], plain["en"])
    accepted = Acceptance(plain["standard"], words, Mark(plain["mark"]), _said(plain["source"]))
    return accepted, frozenset(plain["formats"])


def _format(plain: Plain) -> Format:
    puids = dict(plain["puids"])
    odd = [puid for puid in puids if not _PUID.fullmatch(puid)]
    if odd:
        raise ValueError(f"{odd[0]} is no identifier")
    return Format(
        id=_said(plain["id"]),
        words=Words(_said(plain["zh"]), _said(plain["en"])),
        category=FormatCategory(plain["category"]),
        openness=Openness(plain["openness"]),
        puids=puids,
        readers=tuple(plain["readers"]),
        source=_said(plain["source"]),
        mark=Mark(plain["mark"]),
        nara=tuple(plain.get("nara", ())),
        note=Words(plain["note_zh"], plain["note_en"]) if "note_en" in plain else None,
    )


def _said(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text is empty")
    return value


def _check(
    formats: tuple[Format, ...],
    readers: Mapping[str, Reader],
    accepted: list[tuple[Acceptance, frozenset[str]]],
    file: str,
) -> None:
    ids = [each.id for each in formats]
    puids = [puid for each in formats for puid in each.puids]
    for names in (ids, puids):
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise Misused(
                "{file} has {name} twice; each format and each identifier stands there once", file=file, name=twice
            )
    named = {name for each in formats for name in each.readers} - readers.keys()
    named |= {id_ for _, accepted_ids in accepted for id_ in accepted_ids} - set(ids)
    if named:
        raise Misused("{file} names what it does not describe: {names}", file=file, names=", ".join(sorted(named)))


def _answer(question: str, value: Any, sources: Plain, file: str, ids: list[str]) -> GivenAnswer:
    try:
        answer, source, mark = value
        return GivenAnswer(RiskAnswer(answer), _said(sources[source]), Mark(mark))
    except (KeyError, TypeError, ValueError) as error:
        raise Misused(
            "{file}: the answer of {formats} to {question} is not as it should be (answer, source, mark): {reason}",
            file=file, formats=", ".join(ids), question=question, reason=repr(error),
        ) from error  # fmt: skip


def _require_all(answers: Mapping[str, GivenAnswer], rule: RiskRule, file: str, ids: list[str]) -> None:
    known = {each.id: each.answers for each in rule.questions}
    wrong = sorted(known.keys() ^ answers.keys()) or [
        id_ for id_, given in answers.items() if given.answer not in known[id_]
    ]
    if wrong:
        raise Misused(
            "{file}: {formats} must answer each question of the rule once, with an answer it knows; see {question}",
            file=file, formats=", ".join(ids), question=wrong[0],
        )  # fmt: skip
