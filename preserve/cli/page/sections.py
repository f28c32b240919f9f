"""The parts of the page, each from values, in the voice of its reader."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from xml.etree.ElementTree import Element

from preserve.cli.on_the_way import in_short
from preserve.cli.page import charts
from preserve.cli.page.charts import Bar, Line, Part
from preserve.cli.page.elements import Child, Children, element
from preserve.cli.shortfalls import together_lines
from preserve.cli.voices import Voice
from preserve.clock import moment_of
from preserve.daemon.watching import Looked
from preserve.model.audit_ages import AgeBand, StoreAges
from preserve.model.concerns import Concern, owners
from preserve.model.growth import Coverage, coverage
from preserve.model.nouns import CopyState, Role, StoreEntry
from preserve.model.policy import Policy
from preserve.model.sizes import Size
from preserve.operations.status import StatusReport, StoreStatus
from preserve.operations.survey import SurveyReport
from preserve.state.surveys import AuditEnded

MOST_CONCERNS = 100
MOST_COLUMNS = 60
_STATE_ORDER = (
    CopyState.VERIFIED,
    CopyState.ATTESTED,
    CopyState.WRITTEN,
    CopyState.AWAY,
    CopyState.DUE,
    CopyState.SUSPECT,
    CopyState.BAD,
)


def section(title: str, name: str, *body: Children) -> Element:
    """A part of the page, under its heading."""
    return element("section", element("h2", title, id=name), *body, aria_labelledby=name)


def table(head: Sequence[str], rows: Iterable[Sequence[Children]], caption: str) -> Element:
    """A table that a narrow screen shows row by row, each cell below the name of its column."""
    lines = [
        element("tr", (element("td", cell, data_label=name) for name, cell in zip(head, row, strict=True)))
        for row in rows
    ]
    return element(
        "table",
        element("caption", caption),
        element("thead", element("tr", (element("th", name, scope="col") for name in head))),
        element("tbody", lines),
    )


def figures(voice: Voice, head: Sequence[str], rows: Iterable[Sequence[Children]], caption: str) -> Element:
    """The figures of a chart, for who cannot see it or wants to know exactly."""
    return element(
        "details",
        element("summary", voice.sentence("The same in figures")),
        element("div", table(head, rows, caption), class_="scroll"),
    )


def headline(looked: Looked, voice: Voice) -> Element:
    """What is safe, what is not, and what nobody has checked, in words."""
    status = looked.status
    held = voice.said(
        "Packages: {packages}; files: {files}, {size}; entries in the ledger: {entries}.",
        packages=f"{status.packages:,}",
        files=f"{status.payload_files:,}",
        size=Size(status.payload_bytes),
        entries=f"{status.ledger_entries:,}",
    )
    made = voice.said(
        "As it was at {moment}; this page does not change by itself.",
        moment=looked.at.astimezone().isoformat(" ", "minutes"),
    )
    return element(
        "header",
        element("p", voice.sentence("Status of the holdings"), class_="kind"),
        element("h1", _verdict(looked, voice), class_="well" if looked.is_as_wanted else "unwell"),
        element("ul", _cards(looked.status, voice), class_="cards"),
        element("p", held),
        element("p", made, class_="made"),
    )


def _verdict(looked: Looked, voice: Voice) -> str:
    if looked.status.alarm is not None:
        return voice.sentence("A store contradicts the ledger of this home.")
    if not looked.is_as_wanted:
        return voice.sentence("Not everything is as policy wants it.")
    if not looked.status.packages:
        return voice.sentence("Nothing is kept yet.")
    if looked.status.on_the_way:
        coming = in_short(looked.status.on_the_way, voice)
        return voice.said("All copies that policy wants by now are verified; {coming}.", coming=coming)
    return voice.sentence("All is as policy wants it.")


def _cards(status: StatusReport, voice: Voice) -> Iterator[Element]:
    unchecked = status.overdue + status.never_read
    unchecked_means = voice.said(
        "copies that nobody looked at for longer than policy allows ({overdue}), or never read ({never})",
        overdue=status.overdue,
        never=status.never_read,
    )
    for name, count, means, shade in (
        (
            voice.sentence("safe"),
            status.safe,
            voice.sentence("packages of which each copy that policy wants was read back and found equal"),
            "good" if status.safe else "calm",
        ),
        *_coming_card(status, voice),
        (
            voice.sentence("not safe"),
            status.short_count,
            voice.sentence("packages that have fewer such copies than policy wants by now"),
            "bad" if status.short_count else "calm",
        ),
        (
            voice.sentence("not checked"),
            unchecked,
            unchecked_means,
            "warn" if unchecked or status.clock_doubt else "calm",
        ),
    ):
        yield element("li", element("b", f"{count:,}"), element("strong", name), element("span", means), class_=shade)


def _coming_card(status: StatusReport, voice: Voice) -> Iterator[tuple[str, int, str, str]]:
    if status.coming:
        means = voice.sentence("packages that have all such copies that policy wants by now; others are still to come")
        yield voice.sentence("on their way"), status.coming, means, "calm"


def concerns(looked: Looked, voice: Voice) -> Element:
    """What is to be seen to, whose it is, and what to do."""
    title = voice.sentence("To be seen to")
    if not looked.concerns:
        return section(title, "concerns", element("p", voice.sentence("Nothing is open."), class_="none"))
    head = [voice.sentence("matter"), voice.sentence("since"), voice.sentence("owner"), voice.sentence("what to do")]
    rows = [_concern_row(each, looked, voice) for each in looked.concerns[:MOST_CONCERNS]]
    more = len(looked.concerns) - MOST_CONCERNS
    rest = element("p", voice.said("… and {count} more", count=more)) if more > 0 else None
    caption = voice.sentence("Open findings, incidents and whatever else is not as it should be")
    return section(title, "concerns", table(head, rows, caption), rest)


def _concern_row(concern: Concern, looked: Looked, voice: Voice) -> list[Children]:
    kind = element("em", voice.word(concern.kind), class_="kind")
    return [
        element("span", kind, " ", voice.said(concern.what.template, **concern.what.values), class_="cell"),
        element("span", moment(moment_of(concern.since)) if concern.since else "–", class_="moment"),
        _listed(voice, owners(concern, looked.answering)) or voice.sentence("nobody"),
        with_commands(voice.said(concern.remedy.template, **concern.remedy.values)),
    ]


def stores(looked: Looked, surveyed: SurveyReport, voice: Voice) -> Element:
    """The stores: where they stand, whether they answer, and in which state their copies are."""
    title = voice.sentence("Copies by store")
    statuses = looked.status.stores
    if not statuses:
        return section(title, "stores", element("p", voice.sentence("No store is registered."), class_="none"))
    entries = {entry.name: entry for entry in surveyed.stores}
    used = [state for state in _STATE_ORDER if any(each.copies.get(state) for each in statuses)]
    rows = [_store_bar(each, entries.get(each.name), used, voice) for each in statuses]
    head = [voice.sentence("store"), *map(voice.word, used), voice.sentence("overdue")]
    figured = (
        [each.name, *(f"{each.copies.get(state, 0):,}" for state in used), f"{each.overdue:,}"] for each in statuses
    )
    return section(
        title,
        "stores",
        charts.legend((f"state-{state.value}", voice.word(state)) for state in used),
        charts.bars(rows),
        [element("p", line, class_="remark") for line in together_lines(looked.status, voice)],
        figures(voice, head, figured, title),
    )


def _store_bar(status: StoreStatus, entry: StoreEntry | None, used: Sequence[CopyState], voice: Voice) -> Bar:
    attributes = entry.attributes if entry else {}
    place = [attributes[name] for name in ("city", "site", "medium") if attributes.get(name)]
    is_away = status.away_because is not None
    state = element(
        "span",
        _answer_said(status, voice),
        class_="pill " + ("bad" if status.is_wanting else "calm" if is_away else "good"),
    )
    total = sum(status.copies.values())
    return Bar(
        name=status.name,
        parts=[Part(status.copies.get(each, 0), f"state-{each.value}", voice.word(each)) for each in used],
        notes=[role_said(status.role, voice), _listed(voice, place) or voice.sentence("place not told"), state],
        right=voice.counted("{count} copy", "{count} copies", total),
    )


def _answer_said(status: StoreStatus, voice: Voice) -> str:
    if status.shut is not None:
        return voice.said("until {time} out of its window", time=status.shut.until)
    return voice.sentence("does not answer") if status.away_because is not None else voice.sentence("answers")


def ages(looked: Looked, surveyed: SurveyReport, voice: Voice) -> Element:
    """How old the last readings are, against what policy allows."""
    title = voice.sentence("Age of the last reading")
    found = [each for each in surveyed.ages if each.copies]
    if not found:
        return section(title, "ages", element("p", voice.sentence("There is no copy yet."), class_="none"))
    never = {each.name: each.never_read for each in looked.status.stores}
    used = [band for band in AgeBand if any(each.bands[band] for each in found)]
    rows = [
        Bar(
            name=each.store,
            parts=[Part(each.bands[band], f"age-{number}", voice.word(band)) for number, band in enumerate(AgeBand)],
            notes=[_age_note(each, looked.at, voice)],
            right=voice.said("{count} never read", count=f"{never[each.store]:,}") if never.get(each.store) else "",
        )
        for each in found
    ]
    head = [voice.sentence("store"), *map(voice.word, used), voice.sentence("never read"), voice.sentence("oldest")]
    figured = (
        [each.store, *(f"{each.bands[band]:,}" for band in used), f"{never.get(each.store, 0):,}", str(each.oldest)]
        for each in found
    )
    shades = [(f"age-{number}", voice.word(band)) for number, band in enumerate(AgeBand) if band in used]
    return section(
        title,
        "ages",
        element("p", voice.sentence("How much of the time between two readings that policy allows is used up.")),
        charts.legend(shades),
        charts.bars(rows),
        figures(voice, head, figured, title),
    )


def _age_note(each: StoreAges, at: datetime, voice: Voice) -> str:
    days = (at.date() - each.oldest).days
    if each.limit_days is None:
        return voice.said("oldest {days} days, no limit", days=days)
    return voice.said("oldest {days} days, limit {limit} days", days=days, limit=each.limit_days)


def over_time(looked: Looked, surveyed: SurveyReport, voice: Voice) -> Element:
    """How much of the holdings each role's copies covered, over time."""
    title = voice.sentence("Coverage over time")
    survey = surveyed
    roles = {entry.name: entry.role for entry in survey.stores}
    found = coverage(survey.grown, roles, looked.at.date(), by_day=survey.by_day)
    used = [role for role in Role if role in roles.values()]
    if not found or not used:
        return section(title, "coverage", element("p", voice.sentence("There is no copy yet."), class_="none"))
    lines = [Line(role_said(role, voice), f"role-{role.value}", [each.share(role) for each in found]) for role in used]
    head = [voice.sentence("until"), voice.sentence("packages"), *(role_said(role, voice) for role in used)]
    figured = ([each.period, f"{each.packages:,}", *(_percent(each.share(role)) for role in used)] for each in found)
    latest = found[-1]
    said = _listed(voice, (f"{role_said(role, voice)} {_percent(latest.share(role))}" for role in used))
    return section(
        title,
        "coverage",
        element("p", voice.sentence("The share of the packages that had a copy of each role that stands verified.")),
        charts.legend((f"role-{role.value}", role_said(role, voice)) for role in used),
        charts.framed(charts.lines(lines, f"{title}: {said}"), ["100 %", "50 %", "0 %"], _ends(found)),
        figures(voice, head, figured, title),
    )


def _ends(found: Sequence[Coverage]) -> list[str]:
    periods = [each.period for each in found]
    return [periods[0]] if len(periods) == 1 else [periods[0], periods[-1]]


def audits(looked: Looked, surveyed: SurveyReport, voice: Voice) -> Element:
    """What audits found, over time."""
    title = voice.sentence("Audits over time")
    kinds: tuple[tuple[str, str, Callable[[AuditEnded], int]], ...] = (
        ("state-verified", voice.sentence("found sound"), lambda each: each.counts.get("sound", 0)),
        ("state-away", voice.sentence("not looked at"), lambda each: each.counts.get("not_checked", 0)),
        (
            "state-bad",
            voice.sentence("damaged, missing or unreadable"),
            lambda each: sum(each.counts.get(name, 0) for name in ("damaged", "missing", "unreadable")),
        ),
    )
    length = 10 if surveyed.by_day else 7
    periods: dict[str, list[int]] = {}
    for ended in surveyed.audits:
        tally = periods.setdefault(ended.ended_at[:length], [0] * len(kinds))
        for number, (_, _, count) in enumerate(kinds):
            tally[number] += count(ended)
    shown = dict(sorted(periods.items())[-MOST_COLUMNS:])
    if not shown:
        return section(
            title, "audits", element("p", voice.sentence("No audit has come to its end yet."), class_="none")
        )
    drawn = [
        [Part(amount, shade, label) for amount, (shade, label, _) in zip(tally, kinds, strict=True)]
        for tally in shown.values()
    ]
    highest = max(sum(tally) for tally in shown.values())
    ends = list(shown)
    return section(
        title,
        "audits",
        element("p", voice.sentence("Copies that audits looked at, by what they found.")),
        charts.legend((shade, label) for shade, label, _ in kinds),
        charts.framed(
            charts.columns(drawn, title),
            [f"{highest:,}", "" if highest % 2 else f"{highest // 2:,}", "0"],
            [ends[0], *ends[1:][-1:]],
        ),
        figures(
            voice,
            [voice.sentence("when"), *(label for _, label, _ in kinds)],
            ([period, *(f"{amount:,}" for amount in tally)] for period, tally in shown.items()),
            title,
        ),
    )


def holdings(looked: Looked, voice: Voice) -> Element:
    """What is kept, by the policy that its class of records is kept under."""
    title = voice.sentence("Holdings by class")
    if not looked.status.holdings:
        return section(title, "holdings", element("p", voice.sentence("Nothing is kept yet."), class_="none"))
    parts = (
        ("state-verified", voice.sentence("safe")),
        ("state-due", voice.sentence("on their way")),
        ("state-suspect", voice.sentence("not safe")),
    )
    rows = []
    for each in looked.status.holdings:
        policy = looked.policies.get(each.policy)
        rows.append(
            Bar(
                name=policy.title if policy else each.policy,
                parts=[
                    Part(amount, shade, label)
                    for amount, (shade, label) in zip((each.safe, each.on_the_way, each.short), parts, strict=True)
                ],
                notes=_class_notes(each.policy, policy, voice),
                right=voice.counted("{count} package", "{count} packages", each.packages),
            )
        )
    head = [
        voice.sentence("policy"),
        voice.sentence("packages"),
        voice.sentence("safe"),
        voice.sentence("on their way"),
        voice.sentence("not safe"),
        voice.sentence("payload"),
    ]
    figured = (
        [
            each.policy,
            f"{each.packages:,}",
            f"{each.safe:,}",
            f"{each.on_the_way:,}",
            f"{each.short:,}",
            str(Size(each.payload_bytes)),
        ]
        for each in looked.status.holdings
    )
    return section(title, "holdings", charts.legend(parts), charts.bars(rows), figures(voice, head, figured, title))


def _class_notes(name: str, policy: Policy | None, voice: Voice) -> list[Child]:
    if policy is None:
        return [voice.said("policy {policy}, which is not registered here", policy=name)]
    return [
        voice.said("policy {policy}", policy=name),
        voice.said("owner: {owner}", owner=policy.notify),
    ]


def role_said(role: Role, voice: Voice) -> str:
    """English people read words, programs identifiers."""
    return voice.word(role).replace("_", " ")


def with_commands(sentence: str) -> Element:
    """A sentence, with the commands in it (between backticks) set apart."""
    parts = sentence.split("`")
    whole = len(parts) % 2  # a backtick alone marks nothing
    pieces = (
        element("code", part) if number % 2 else part for number, part in enumerate(parts if whole else [sentence])
    )
    return element("span", pieces, class_="cell")


def _listed(voice: Voice, words: Iterable[str]) -> str:
    return (", " if voice.is_english else "、").join(words)


def moment(at: datetime) -> str:
    return at.astimezone().isoformat(" ", "minutes")[: len("2026-01-01 00:00")]


def _percent(share: float | None) -> str:
    """Never rounded up: 100 % are all."""
    return "–" if share is None else f"{int(share * 1000) / 10:g} %"
