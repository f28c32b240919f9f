"""One converted file as a person looks at it: what differs, where, how its pages looked, and who says what of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from xml.etree.ElementTree import Element

from rapidfuzz.distance import Postfix, Prefix

from preserve.cli.migration_report import loss_decision_said, tool_said
from preserve.cli.page.elements import Child, Children, element
from preserve.cli.page.pictures import Album
from preserve.cli.page.sections import table
from preserve.cli.tables import byte_count
from preserve.cli.voices import Voice
from preserve.model.formats.file_results import SEEN_FROM, FileFate, FileResult, Picture
from preserve.model.formats.losses import Comparison, Decision, LossSeverity, Place, Risk
from preserve.model.formats.properties import Measure
from preserve.packages.risk_csv import name_shown
from preserve.packages.risk_queries import FoundFile

FATE_SHADES = {
    FileFate.CONVERTED: "good",
    FileFate.STOPPED: "bad",
    FileFate.FAILED: "warn",
    FileFate.REFUSED: "warn",
}


def compared(found: FoundFile, album: Album, voice: Voice) -> Element:
    """The whole of what is known of one file."""
    result = found.logged.result
    return element(
        "article",
        _heading(result, voice),
        element("p", voice.resaid(result.why)) if result.why else None,
        element("p", words) if (words := tool_said(result, voice)) else None,
        _differences(found, voice),
        passages(result, voice),
        pages(found, album, voice),
        _facts(found, voice),
        class_="subject",
    )


def _heading(result: FileResult, voice: Voice) -> Element:
    fate = element("span", voice.word(result.fate), class_=f"pill {FATE_SHADES[result.fate]}")
    return element("h3", name_shown(result.original.path), " ", fate)


def _differences(found: FoundFile, voice: Voice) -> Element | None:
    """A line for each property that differs, with what a person decided."""
    logged = found.logged
    if not logged.result.risks:
        if logged.result.verdict is None:
            return None
        return element("p", voice.sentence("Nothing that was compared differs."), class_="none")
    head = [
        voice.sentence("property"),
        voice.sentence("before"),
        voice.sentence("after"),
        voice.sentence("compared"),
        voice.sentence("severity"),
        voice.sentence("decision"),
    ]
    pairs = list(zip(logged.result.risks, logged.decisions, strict=True))
    rows = [_difference(risk, decision, voice) for risk, decision in pairs if risk.amount is not None]
    rows += [_not_measured(why, decision, risks, voice) for (why, decision), risks in together(pairs).items()]
    return table(head, rows, voice.sentence("What differs, and what was decided about it"))


def together(pairs: Iterable[tuple[Risk, Decision | None]]) -> dict[tuple[str, Decision | None], list[Risk]]:
    """What was not measured, by why: one tool that is missing leaves a dozen properties unmeasured."""
    found: dict[tuple[str, Decision | None], list[Risk]] = {}
    for risk, decision in pairs:
        if risk.amount is None:
            found.setdefault((risk.why, decision), []).append(risk)
    return found


def _not_measured(why: str, decision: Decision | None, risks: Sequence[Risk], voice: Voice) -> list[Children]:
    worst = max((each.severity for each in risks), key=list(LossSeverity).index)
    mark = element("span", voice.word(Comparison.NOT_MEASURED), class_="pill bad")
    return [
        ", ".join(voice.word(each.what) for each in risks),
        "–",
        "–",
        [mark, element("div", voice.resaid(why))],
        voice.word(worst),
        _decided(risks[0], decision, voice),
    ]


def _difference(risk: Risk, decision: Decision | None, voice: Voice) -> list[Children]:
    shade = {Comparison.UNDECLARED: "bad", Comparison.DECLARED: "warn"}
    compared_as = element("span", voice.word(risk.comparison), class_=f"pill {shade.get(risk.comparison, 'good')}")
    amount = voice.said("differs by {amount}, {tolerance} allowed", amount=risk.amount, tolerance=risk.tolerance)
    return [
        voice.word(risk.what),
        risk.before or "–",
        risk.after or "–",
        [compared_as, element("div", amount)],
        voice.word(risk.severity),
        _decided(risk, decision, voice),
    ]


def _decided(risk: Risk, decision: Decision | None, voice: Voice) -> str:
    if decision is not None:
        return loss_decision_said(risk, decision, voice)
    return voice.sentence("nobody decided yet") if risk.needs_person else "–"


def passages(result: FileResult, voice: Voice) -> Iterator[Element]:
    """The first places that differ: what stood there struck through, what stands there now marked."""
    for risk in result.risks:
        if risk.places:
            said = voice.said("{property}: the first places that differ", property=risk.what)
            yield element("p", said, class_="none")
        for place in risk.places:
            where = element("span", place.where, class_="where") if place.where else None
            yield element("p", where, highlighted(place), class_="passage")


def highlighted(place: Place) -> list[Child]:
    """Before and after, with what they have in common at both ends said once."""
    before, after = place.before, place.after
    start = Prefix.similarity(before, after)
    end = Postfix.similarity(before[start:], after[start:])
    lost, new = before[start : len(before) - end], after[start : len(after) - end]
    return [
        before[:start],
        element("del", lost) if lost else None,
        element("ins", new) if new else None,
        before[len(before) - end :] if end else "",
    ]


def pages(found: FoundFile, album: Album, voice: Voice) -> Iterator[Element]:
    """The pages of which there are pictures, before and after, side by side; those that differ most come first."""
    for picture in found.logged.result.pictures:
        yield element(
            "div",
            _how_alike(picture, voice),
            album.figure(found.pictures, picture.before, voice.said("page {page}, before", page=picture.page)),
            album.figure(found.pictures, picture.after, voice.said("page {page}, after", page=picture.page)),
            class_="pair",
        )


def _how_alike(picture: Picture, voice: Voice) -> Element | None:
    if picture.unlike is None:
        return None
    if picture.unlike < SEEN_FROM:
        return element("p", element("span", voice.sentence("looks the same"), class_="pill good"))
    return element("p", element("span", voice.said("differs by {amount} ‰", amount=picture.unlike), class_="pill warn"))


def equal_said(result: FileResult, voice: Voice) -> str:
    """What is equal on both sides, and how much of it there is; a digest says nothing to people."""
    differing = {risk.what for risk in result.risks}
    same = (each for each in result.measured if each.what not in differing)
    return ", ".join(
        voice.word(each.what) if each.what.measure is Measure.DIGEST else f"{voice.word(each.what)} {each.before}"
        for each in same
    )


def _facts(found: FoundFile, voice: Voice) -> Element:
    """What an auditor asks for: which bytes, by what, judged by whom, protected how."""
    facts: list[tuple[str, Children]] = [*_bytes(found.logged.result, voice), *_judged(found.logged.result, voice)]
    parts = (part for name, said in facts for part in (element("dt", name), element("dd", said)))
    return element("dl", parts, class_="facts")


def _bytes(result: FileResult, voice: Voice) -> Iterator[tuple[str, Children]]:
    original = result.original
    yield voice.sentence("package"), original.package
    about = f"{original.puid}, {byte_count(original.bytes)}, SHA-256 "
    yield voice.sentence("original"), [about, element("code", original.sha256)]
    for made in result.made:
        about = f"{name_shown(made.path)}, {made.puid}, {byte_count(made.bytes)}, SHA-256 "
        yield voice.sentence("made"), [about, element("code", made.sha256)]


def _judged(result: FileResult, voice: Voice) -> Iterator[tuple[str, Children]]:
    yield voice.sentence("pathway"), f"{result.pathway} {result.pathway_version}"
    run = result.run
    if run is not None:
        yield voice.sentence("converted by"), f"{run.tool} {run.version}, {run.seconds} s"
        yield voice.sentence("parameters"), element("code", " ".join(run.arguments))
        lacking = ", ".join(sorted(map(voice.word, run.lacking))) or voice.sentence("none")
        yield voice.sentence("protections lacking"), lacking
    for each in result.validated:
        said = f"{each.program} {each.version}: {voice.word(each.opinion)}"
        yield voice.sentence("validator"), f"{said}. {each.text}" if each.text else said
    if same := equal_said(result, voice):
        yield voice.sentence("equal on both sides"), same
