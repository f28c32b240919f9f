"""The certificate of a drill to print: one page of HTML that needs nothing else, whole in each language."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from preserve.model.certificates import Line, Voice
from preserve.model.complaints import Complaint
from preserve.model.drill_certificates import DrillAnswer, DrillCertificate, answers
from preserve.model.drill_thaws import DrillThaw, ThawBasis
from preserve.model.drills import DrillVerdict, Spread

MOST_NAMED = 40
"""Files that the page names; the certificate in JSON names more."""

Row = tuple[Line, Line]
"""What is told, and what there is to tell."""
Cells = Sequence[Line | None]
Said = Callable[[Line], str]
"""Says a line in one language, for HTML."""


@dataclass(frozen=True, slots=True)
class Signed:
    """The names of the files that show who signed: the certificate in JSON, its signature, and the public key."""

    certificate: str
    signature: str
    public_key: str


def page(certificate: DrillCertificate, json_sha256: str, signed: Signed, voices: Sequence[Voice]) -> str:
    """The page; `json_sha256` is the digest of the certificate in JSON, in hex."""
    sheets = "\n".join(_sheet(certificate, json_sha256, signed, voice) for voice in voices)
    return _PAGE.format(title=escape(voices[0].said("Certificate of a recovery drill")), sheets=sheets)


def _sheet(certificate: DrillCertificate, json_sha256: str, signed: Signed, voice: Voice) -> str:
    def said(line: Line) -> str:
        template, values = line
        return escape(voice.said(template, **values))

    verdict, style = _VERDICTS[certificate.drill.verdict]
    parts = [
        f"<section><h1>{said(('Certificate of a recovery drill', {}))}</h1>",
        f'<p class="{style}">{said(verdict)}</p>',
        *(f"<p>{said(line)}</p>" for line in _faults(certificate)),
        _table(_circumstances(certificate), said),
        f"<h2>{said(('What was asked', {}))}</h2>",
        _answered(certificate, said),
        f"<h2>{said(('What was measured', {}))}</h2>",
        _measures(certificate, said),
        f"<h2>{said(('What was looked at', {}))}</h2>",
        _table(_looks(certificate), said),
        _named(certificate, said),
        _acknowledged(certificate, said),
        f"<h2>{said(('Evidence', {}))}</h2>",
        _table(_evidence(certificate, json_sha256, signed), said),
        _signatures(said),
        "</section>",
    ]
    return "\n".join(part for part in parts if part)


_VERDICTS: Mapping[DrillVerdict, tuple[Line, str]] = {
    DrillVerdict.PASSED: (("PASSED", {}), "good"),
    DrillVerdict.IN_PART: (("PASSED IN PART: not everything could be judged", {}), "fair"),
    DrillVerdict.FAILED: (("NOT PASSED", {}), "bad"),
}
_STYLES = {DrillAnswer.YES: "yes", DrillAnswer.NO: "no"}


def _answered(certificate: DrillCertificate, said: Said) -> str:
    """Every question with its answer, and what was not judged with how much that is."""
    rows = []
    for question, answer in answers(certificate).items():
        style = _STYLES.get(answer, "open")
        asked, answered = said(("{question}", {"question": question})), said(("{answer}", {"answer": answer}))
        rows.append(f'<tr><td>{asked}</td><td class="{style}">{answered}</td></tr>')
    return f'<table class="grid">{"".join(rows)}</table>'


def _faults(certificate: DrillCertificate) -> Iterator[Line]:
    if certificate.failure is not None:
        yield "{why}", {"why": certificate.failure}


def _circumstances(certificate: DrillCertificate) -> Iterator[Row]:
    drill = certificate.drill
    yield ("Restored from", {}), ("store {store} ({role}) alone", {"store": drill.store, "role": certificate.role})
    if certificate.site:
        yield ("Site", {}), ("{site}", {"site": certificate.site})
    yield ("Extent", {}), _extent(certificate)
    if drill.without_catalog:
        yield (
            ("Catalog and home", {}),
            (
                "given up for lost, and made again from this store: {count} entries of the ledger",
                {"count": certificate.entries_replayed or 0},
            ),
        )
    else:
        yield ("Catalog and home", {}), ("in use", {})
    begun, ended = moment(drill.begun_at), moment(certificate.ended_at)
    yield ("Begun; ended", {}), ("{begun}; {ended}", {"begun": begun, "ended": ended})
    yield ("By", {}), ("{actor}", {"actor": certificate.actor})
    yield ("Because", {}), ("{purpose}", {"purpose": certificate.reason})


def _extent(certificate: DrillCertificate) -> Line:
    count = len(certificate.packages)
    if certificate.strata is None:
        return "everything that the store holds; packages: {count}", {"count": count}
    strata, reached = certificate.strata
    return (
        "a sample; packages: {count} of {held}, from {reached} of {strata} sorts, drawn by the seed {seed}",
        {
            "count": count,
            "held": certificate.drawn_from,
            "reached": reached,
            "strata": strata,
            "seed": certificate.drill.seed,
        },
    )


def moment(stamp: str) -> str:
    """A moment of the books to the second."""
    return f"{stamp[:19].replace('T', ' ')} UTC"


def _measures(certificate: DrillCertificate, said: Said) -> str:
    drill, limits, trend = certificate.drill, certificate.limits, certificate.trend
    rto = trend.rto_seconds if trend else None
    lost = trend.lost_seconds if trend else None
    rpo = trend.rpo_seconds if trend else None
    head: Cells = [None, ("measured", {}), ("policy allows", {}), ("half of such drills", {}), ("95 of 100", {})]
    body: list[Cells] = [
        [("Recovery time (RTO)", {}), span(drill.rto_seconds), span(limits.rto_seconds), *_spread(rto)],
        *_thawing(certificate),
        [("Work that would be lost (RPO)", {}), span(drill.lost_seconds), span(limits.rpo_seconds), *_spread(lost)],
        [("Age of the newest record restored", {}), span(drill.rpo_seconds), None, *_spread(rpo)],
    ]
    rows = [_cells("th", head, said), *(_cells("td", row, said) for row in body)]
    steps = certificate.steps
    spent: Line = (
        "making the catalog again {rebuilding} s, restoring {restoring} s, examining {examining} s",
        {
            "rebuilding": f"{steps.rebuilding / 1000:.1f}",
            "restoring": f"{steps.restoring / 1000:.1f}",
            "examining": f"{steps.examining / 1000:.1f}",
        },
    )
    lines = [spent] if drill.thaw is None else [thaw_line(drill.thaw), spent]
    told = "".join(f'<p class="small">{said(line)}</p>' for line in lines)
    return f'<table class="grid">{"".join(rows)}</table>{told}'


def _thawing(certificate: DrillCertificate) -> Iterator[Cells]:
    """The step of thawing, which is in the recovery time."""
    if certificate.drill.thaw is not None:
        thawing = certificate.steps.thawing
        took: Line | None = ("not known", {}) if thawing is None else span(thawing / 1000)
        yield [("of it, thawing", {}), took, None, None, None]


def thaw_line(thaw: DrillThaw) -> Line:
    """How it is known what thawing took."""
    asked, readable = moment(thaw.asked_at or ""), moment(thaw.readable_at)
    if thaw.basis is ThawBasis.MEASURED:
        return (
            "thawing, packages: {bags}; asked for at {asked}, readable by {readable}",
            {"bags": thaw.bags, "asked": asked, "readable": readable},
        )
    if thaw.basis is ThawBasis.ESTIMATED:
        return (
            "thawing, packages: {bags}; some or all were thawed already for another purpose (asked for at {asked},"
            " readable by {readable}), so the expected time of the tier {tiers} counts: an ESTIMATE, not measured",
            {"bags": thaw.bags, "asked": asked, "readable": readable, "tiers": ", ".join(thaw.tiers)},
        )
    return (
        "thawing, packages: {bags}; readable by {readable}, and nobody knows when all were asked for: how long thawing"
        " took is not known, and the recovery time is not judged",
        {"bags": thaw.bags, "readable": readable},
    )


def _cells(kind: str, cells: Cells, said: Said) -> str:
    inside = "".join(f"<{kind}>{said(cell) if cell else ''}</{kind}>" for cell in cells)
    return f"<tr>{inside}</tr>"


def _spread(spread: Spread | None) -> tuple[Line | None, Line | None]:
    return (None, None) if spread is None else (span(spread.p50), span(spread.p95))


def span(seconds: float | None) -> Line | None:
    """A span as people say it."""
    if seconds is None:
        return None
    if seconds < 120:
        return "{seconds} s", {"seconds": f"{seconds:.1f}" if seconds % 1 else f"{seconds:.0f}"}
    if seconds < 2 * 3600:
        return "{minutes} min", {"minutes": f"{seconds / 60:.0f}"}
    if seconds < 2 * 86_400:
        return "{hours} h", {"hours": f"{seconds / 3600:.1f}"}
    return "{days} days", {"days": f"{seconds / 86_400:.1f}"}


def _looks(certificate: DrillCertificate) -> Iterator[Row]:
    drill, bags = certificate.drill, len(certificate.packages)
    yield (
        ("Files back, each with the SHA-256 it was deposited with", {}),
        (
            "{count} of {expected}, {size} bytes",
            {"count": drill.files, "expected": certificate.expected_files, "size": drill.bytes},
        ),
    )
    yield (
        ("Bags that the Library of Congress's reader finds valid", {}),
        (
            "{count} of {expected}",
            {"count": certificate.accepted, "expected": bags - certificate.misread - drill.unread_bags},
        ),
    )
    if certificate.misread:
        by_us: Line = ("Bags that our own reader alone could judge, because of names of files in them", {})
        yield by_us, ("{count}", {"count": certificate.misread})
    if certificate.unread:
        broke: Line = ("Bags that the other reader did NOT judge, and ours did", {})
        yield broke, ("{count}", {"count": drill.unread_bags})
    yield ("Documents that open", {}), ("{count}", {"count": certificate.opened})
    yield ("Documents that do NOT open", {}), ("{count}", {"count": drill.unopened})
    for why, count in certificate.unjudged.items():
        yield (
            ("Documents NOT judged: nobody here could try to open them", {}),
            ("{count}: {reason}", {"count": count, "reason": why}),
        )
    if drill.acknowledged:
        yield ("Documents for which a person answers", {}), ("{count}", {"count": drill.acknowledged})
    if certificate.lacking:
        yield ("Packages that the store should hold and does not", {}), ("{count}", {"count": certificate.lacking})


def _named(certificate: DrillCertificate, said: Said) -> str:
    """What did not come back, was rejected, does not open, or was not judged, by name."""
    named = [(each.where, (each.template, each.values)) for each in complaints(certificate)]
    if not named:
        return ""
    lines = [f"<li>{escape(where)}: {said(why)}</li>" for where, why in named[:MOST_NAMED]]
    if len(named) > MOST_NAMED:
        more: Line = ("… and {count} more", {"count": len(named) - MOST_NAMED})
        lines.append(f"<li>{said(more)}</li>")
    return f"<ul>{''.join(lines)}</ul>"


def complaints(certificate: DrillCertificate) -> Iterator[Complaint]:
    """Everything that a certificate names as not as it should be, or not judged; what is worse comes first."""
    yield from certificate.lost
    yield from certificate.rejected
    for document in certificate.unopened:
        yield Complaint("unopened", document.where, "does not open: {reason}", {"reason": document.why})
    for bag in certificate.unread:
        yield Complaint("unread", bag.where, "not judged: {reason}", bag.values)
    for document in certificate.unjudged_named:
        yield Complaint("unjudged", document.where, "not judged: {reason}", {"reason": document.why})


def _acknowledged(certificate: DrillCertificate, said: Said) -> str:
    """The documents for which persons answer, with who, when and why; the page names as many as of the others."""
    if not certificate.acknowledged:
        return ""
    lines = []
    for each in certificate.acknowledged[:MOST_NAMED]:
        line: Line = (
            "{reason}; {actor} answers for it since {day}: {purpose} (SHA-256 {digest})",
            {
                "reason": each.document.why,
                "actor": each.by,
                "day": each.at[:10],
                "purpose": each.because,
                "digest": each.document.sha256,
            },
        )
        lines.append(f"<li>{escape(each.document.where)}: {said(line)}</li>")
    if certificate.drill.acknowledged > len(lines):
        more: Line = ("… and {count} more", {"count": certificate.drill.acknowledged - len(lines)})
        lines.append(f"<li>{said(more)}</li>")
    title: Line = ("Documents for which a person answers", {})
    return f"<h2>{said(title)}</h2><ul>{''.join(lines)}</ul>"


def _evidence(certificate: DrillCertificate, json_sha256: str, signed: Signed) -> Iterator[Row]:
    in_json: Line = ("SHA-256 of this certificate in JSON, which the ledger's entry of the drill names", {})
    yield in_json, ("{digest}", {"digest": json_sha256})
    check = (
        f"openssl pkeyutl -verify -pubin -inkey {signed.public_key} -rawin"
        f" -in {signed.certificate} -sigfile {signed.signature}"
    )
    yield ("Signed by the ledger's key; to check it with any machine's tools", {}), ("{command}", {"command": check})
    yield (
        ("Ledger when the drill ended", {}),
        ("{size} entries, root {root}", {"size": certificate.ledger_size, "root": certificate.ledger_root}),
    )
    for part in certificate.drill.policies:
        yield (
            ("Policy {policy}", {"policy": part.policy}),
            ("packages: {count}; SHA-256 {digest}", {"count": part.packages, "digest": part.policy_sha256}),
        )
    yield ("Written by", {}), ("{program}", {"program": certificate.written_by})


def _table(rows: Iterator[Row], said: Said) -> str:
    lines = "".join(f"<tr><th>{said(name)}</th><td>{said(value)}</td></tr>" for name, value in rows)
    return f"<table>{lines}</table>"


def _signatures(said: Said) -> str:
    places: list[Line] = [("Carried out by", {}), ("Checked by", {}), ("Date", {})]
    return f'<div class="sign">{"".join(f"<div>{said(place)}</div>" for place in places)}</div>'


_PAGE = """<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
@page {{ size: A4; margin: 14mm; }}
body {{ font: 13px/1.45 "Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", "WenQuanYi Zen Hei", sans-serif;
  color: #111; background: #fff; max-width: 186mm; margin: 8mm auto; padding: 0 4mm; }}
section + section {{ break-before: page; margin-top: 14mm; }}
h1 {{ font-size: 21px; margin: 0 0 8px; }}
h2 {{ font-size: 14px; margin: 16px 0 4px; border-bottom: 1px solid #888; }}
p {{ margin: 4px 0; }}
.good, .fair, .bad {{ display: inline-block; font-size: 17px; font-weight: 700; padding: 2px 12px; border: 2px solid; }}
.good {{ color: #0a5c2c; }}
.bad {{ color: #a30f0f; }}
.fair {{ color: #7a4b00; }}
td.yes {{ color: #0a5c2c; }}
td.no {{ color: #a30f0f; font-weight: 700; }}
td.open {{ color: #7a4b00; }}
h2, tr, li, .small {{ break-inside: avoid; }}
h2 {{ break-after: avoid; }}
.small {{ font-size: 12px; color: #444; }}
table {{ border-collapse: collapse; width: 100%; margin-top: 6px; }}
th, td {{ text-align: left; vertical-align: top; padding: 2px 10px 2px 0; overflow-wrap: anywhere; font-weight: 400; }}
th {{ color: #444; width: 38%; }}
.grid th, .grid td {{ border: 1px solid #999; padding: 3px 8px; width: auto; }}
ul {{ margin: 6px 0; padding-left: 20px; overflow-wrap: anywhere; }}
.sign {{ display: flex; gap: 10mm; margin-top: 16mm; break-inside: avoid; }}
.sign div {{ flex: 1; border-top: 1px solid #111; padding-top: 2px; font-size: 12px; color: #444; }}
</style>
</head>
<body>
{sheets}
</body>
</html>
"""
