"""Requirements a policy was held against, told by verdict: where each comes from, how far that was verified, why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from preserve.cli.messages import counted, is_chinese, printable, said, sentence_said, word
from preserve.definitions.toml_lines import KeyPath, line_of
from preserve.model.requirements import Judgement, Mark, Requirement, Verdict, Words

Lines = dict[KeyPath, int]


def words(both: Words) -> str:
    """What data say in two languages, in the person's."""
    return both.zh if is_chinese() else both.en


def line_number(path: KeyPath, lines: Lines) -> int | None:
    """The line of the key at `path`, or of the table that holds it; None where the policy says nothing of it."""
    return line_of(path, lines) if path and path[:1] in lines else None


def requirement_documents(judgements: Sequence[Judgement], lines: Lines) -> list[dict[str, object]]:
    """Judgements as `--json` gives them; texts are in the person's language, identifiers are not."""
    return [
        {
            "id": each.requirement.id,
            "verdict": each.verdict.value,
            "source": words(each.requirement.source.name),
            "edition": each.requirement.source.edition,
            "clause": each.requirement.clause,
            "mark": each.requirement.mark.value,
            "verified": each.requirement.mark.is_verified,
            "text": words(each.requirement.text),
            "asked_of": words(each.requirement.of_whom) if each.requirement.of_whom else None,
            "why": _why(each),
            "line": line_number(each.path, lines),
        }
        for each in judgements
    ]


def requirement_lines(judgements: Sequence[Judgement], lines: Lines, with_all: bool) -> Iterator[str]:
    """Missed, promised and met requirements; those that are not judged are counted, `with_all` names them too."""
    counts = Counter(each.verdict for each in judgements)
    shown = list(Verdict) if with_all else [Verdict.MISSED, Verdict.PROMISED, Verdict.MET]
    for verdict in shown:
        if counts[verdict]:
            count = counts[verdict]
            yield counted("{verdict}: {count} requirement", "{verdict}: {count} requirements", count, verdict=verdict)
        for each in judgements:
            if each.verdict is verdict:
                yield from _told(each, lines)
    for verdict in Verdict:
        if verdict not in shown and counts[verdict]:
            yield said("{verdict}: {count} (--all names them)", verdict=verdict, count=counts[verdict])


def _told(judgement: Judgement, lines: Lines) -> Iterator[str]:
    requirement = judgement.requirement
    line = line_number(judgement.path, lines)
    place = said("line {line}", line=line) + "  " if line else ""
    yield printable(f"  {place}{requirement.id}  {_cited(requirement)}")
    yield printable(f"      {words(requirement.text)}")
    why = _why(judgement)
    if why:
        yield f"      → {why}"


def _cited(requirement: Requirement) -> str:
    """Where it comes from; what was not verified says so, so that nobody takes it for law."""
    source = requirement.source
    parts = [words(source.name), f"({source.edition})" if source.edition else "", requirement.clause]
    if requirement.mark is not Mark.SEEN:
        parts.append(f"[{word(requirement.mark)}]")
    if requirement.of_whom:
        parts.append(f"[{words(requirement.of_whom)}]")
    return " ".join(part for part in parts if part)


def _why(judgement: Judgement) -> str:
    if judgement.why is not None:
        return sentence_said(judgement.why)
    return words(judgement.requirement.needs) if judgement.requirement.needs else ""
