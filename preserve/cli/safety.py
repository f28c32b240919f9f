"""How safe things are, as it is told: lines for people, documents for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from preserve.cli.messages import _, attribute_word, counted, is_chinese, said, sentence_said, word
from preserve.cli.tables import table
from preserve.model.assessment import Estimate, ExpectedLoss, Improvement, Involved, Remedy
from preserve.model.disaster_levels import DisasterLevel, Met, Standard, Wording
from preserve.model.fault_rates import Rate, Threat
from preserve.model.placements import NOT_DEMANDED
from preserve.model.sentences import Sentence
from preserve.model.threats import FaultModel
from preserve.model.three_two_one import Digit

if TYPE_CHECKING:
    from preserve.operations.assess import Assessment, Planned

MOST_CAUSES = 5
SMALLEST_SHOWN = 0.001
"""Nobody counts smaller parts of a package."""
NO_LESS = 1.05
"""A loss that is smaller by less than this factor is called no smaller: nobody knows it so well."""
Fields = dict[str, Any]


def assessment_document(found: Assessment, standard: Standard) -> Fields:
    """An assessment as `--json` gives it."""
    return {
        "policy": found.policy,
        "packages": found.packages,
        "digits": [_digit_document(each) for each in found.digits],
        "disaster_recovery": _level_document(found.level, standard),
        "expected_loss": _loss_document(found.loss),
        "fault_rates": _rates_document(found.faults),
        "policy_reaches": planned_document(found.planned) if found.planned else None,
        "falls_short": [each.rule.value for each in found.falls_short] if found.packages else [],
    }


def planned_document(planned: Planned) -> Fields:
    """What a policy reaches, as `--json` gives it."""
    return {
        "policy": planned.policy,
        "digits": [_digit_document(each) for each in planned.assessment.digits],
        "level_at_best": planned.level.by_elements,
        "missing": [_met_document(each) for each in planned.level.missing],
        "expected_loss": _loss_document(planned.assessment.loss),
    }


def assessment_lines(found: Assessment, standard: Standard) -> Iterator[str]:
    """An assessment for people."""
    if not found.packages:
        yield from _nothing_kept(found, standard)
        return
    if found.policy is None:
        yield counted("How safe the {count} package is:", "How safe all {count} packages are:", found.packages)
    else:
        yield counted(
            "How safe the {count} package under policy {policy} is:",
            "How safe the {count} packages under policy {policy} are:",
            found.packages,
            policy=found.policy,
        )
    yield ""
    yield from digit_lines(found.digits, found.planned.assessment.digits if found.planned else ())
    yield ""
    yield from level_lines(found.level, standard)
    if found.planned is not None:
        yield said(
            "With everything declared and drilled, policy {policy} can reach level {level}.",
            policy=found.planned.policy,
            level=found.planned.level.by_elements,
        )
        yield from _missing_lines(found.planned.level)
    if found.loss.packages:
        yield ""
        yield from loss_lines(found.loss)
        yield from _rate_lines(found.faults)
    if found.loss.without_copy:
        yield said("{count} packages have no copy that was ever read back: nothing can be said of them",
                   count=found.loss.without_copy)  # fmt: skip


def _nothing_kept(found: Assessment, standard: Standard) -> Iterator[str]:
    yield _("Nothing is kept yet, so nothing can be said of it.")
    if found.planned is not None:
        yield from planned_lines(found.planned, standard)
    else:
        yield _("For what a policy can reach: `preserve policy assess NAME`")


def _missing_lines(level: DisasterLevel) -> Iterator[str]:
    """What a level more would take."""
    if level.missing:
        yield said("  for level {level} there lacks:", level=level.by_elements + 1)
    for met in level.missing:
        yield f"  - {_wording(met.requirement.wording)} ({sentence_said(met.fact.evidence)})"


def planned_lines(planned: Planned, standard: Standard) -> Iterator[str]:
    """What a policy reaches when all goes as it asks, for people."""
    yield said("What policy {policy} reaches when all goes as it asks:", policy=planned.policy)
    yield from digit_lines(planned.assessment.digits)
    yield said(
        "Level of disaster recovery ({standard}, not verified): {level} at best, with everything declared and drilled",
        standard=standard.name,
        level=planned.level.by_elements,
    )
    yield from _missing_lines(planned.level)
    yield from loss_lines(planned.assessment.loss)


def digit_lines(digits: Iterable[Digit], asked: Iterable[Digit] = ()) -> Iterator[str]:
    """3-2-1-1-0, digit by digit; `asked` are those that the policy reaches."""
    unasked = {each.rule for each in asked if not each.is_met}
    kept = list(digits)
    rows = [(word(each.rule), each.wanted, _reached(each), each.failing, _verdict(each, unasked)) for each in kept]
    yield from table(("3-2-1-1-0", _("wanted"), _("reached"), _("packages failing"), ""), rows)
    for each in kept:
        if each.why is not None:
            yield f"  {word(each.rule)}: {sentence_said(each.why)}"
        if each.mend is not None:
            yield f"    → {sentence_said(each.mend)}"


def _reached(digit: Digit) -> str:
    return "?" if digit.reached is None else f"{digit.reached:,}"


def _verdict(digit: Digit, unasked: set[Any]) -> str:
    if digit.is_met:
        return _("met")
    if digit.rule in unasked:
        return _("NOT MET, and the policy does not ask for it")
    return _("NOT MET") if digit.reached is not None else _("NOT KNOWN")


def level_lines(level: DisasterLevel, standard: Standard) -> Iterator[str]:
    """The level of disaster recovery, by elements and as proved."""
    yield said(
        "Level of disaster recovery by {standard} (its text was not at hand: not verified)", standard=standard.name
    )
    if standard.superseded_by is not None and standard.superseded_from is not None:
        yield said(
            "  superseded by {newer} on {day}, whose rules are not known here",
            newer=standard.superseded_by,
            day=standard.superseded_from.isoformat(),
        )
    yield said(
        "  by elements: level {level}{name}", level=level.by_elements, name=_level_name(level.by_elements, standard)
    )
    yield said("  proved by drill: level {level}; {why}", level=level.proved, why=sentence_said(level.proved_why))
    rows = ((f"  {_wording(standard.elements[each.element])}", each.level) for each in level.elements)
    yield from table((_("  element"), _("level reached")), rows)
    yield from _missing_lines(level)


def _level_name(level: int, standard: Standard) -> str:
    names = [_wording(rule.wording) for rule in standard.levels if rule.level == level]
    return f" ({names[0]})" if names else ""


def loss_lines(loss: ExpectedLoss) -> Iterator[str]:
    """Expected loss, what it comes from, and what would better it."""
    yield _("Expected loss (an estimate from fault rates that nobody knows well: low, middle, high)")
    rows = [
        (f"  {each.years}", *_three(each.chance, chance_shown), *_three(each.packages, amount_shown))
        for each in loss.within
    ]
    low, middle, high = _("low"), _("middle"), _("high")
    lost = _("packages lost")
    yield from table((_("  years"), f"{_('one package')}: {low}", middle, high, f"{lost}: {low}", middle, high), rows)
    last = loss.within[-1]
    if loss.packages > 1:
        yield said(
            "  That any package is lost within {years} years: between {least} and {most}, at the middle rates",
            years=last.years,
            least=chance_shown(last.any_at_least),
            most=chance_shown(last.any_at_most),
        )
    if loss.dominant is not None:
        yield said("  The dominant threat: {threat}", threat=sentence_said(_threat(loss.dominant)))
    for each in loss.involved[:MOST_CAUSES]:
        yield f"    {percent_shown(each.share):>5}  {sentence_said(_threat(each))}"
    yield _("    (by so much the expected loss would fall if that never came; most losses need several of them)")
    yield _("  What would make it smaller:")
    yield from (f"    {_times(each):>8}  {_step(each)}" for each in loss.improvements)
    if loss.not_known:
        yield said("  Not told of every store, and so taken to be shared: {attributes}",
                   attributes=", ".join(map(attribute_word, loss.not_known)))  # fmt: skip


def _rate_lines(faults: FaultModel) -> Iterator[str]:
    rates = [*faults.decay.values(), *faults.device.values(), *faults.shared.values()]
    counted = [rate.counted for rate in faults.decay.values() if rate.counted is not None]
    yield said(
        "  {unverified} of {all} fault rates are beliefs that nobody checked against their source"
        " (policies/standards/fault-rates.toml);",
        unverified=sum(not rate.is_verified for rate in rates),
        all=len(rates),
    )
    yield said(
        "  counted here: {faults} faults of single copies in {years} audited copy-years",
        faults=round(sum(each.faults for each in counted)),
        years=amount_shown(sum(each.years for each in counted)),
    )


def _threat(involved: Involved) -> Sentence:
    """What takes which copies, in words."""
    cause = involved.cause
    return Sentence(
        {
            Threat.DECAY: "bytes of the copy in {stores} rot unseen",
            Threat.DEVICE: "the carrier or device behind {stores} dies with all it holds",
            Threat.SITE: "a fire or flood at the site {what} takes {stores}",
            Threat.CITY: "a disaster of the city {what} takes {stores}",
            Threat.POWER_GRID: "a surge on the power grid {what} takes {stores}",
            Threat.RIVER_BASIN: "a flood of the river basin {what} takes {stores}",
            Threat.SEISMIC_ZONE: "an earthquake in the zone {what} takes {stores}",
            Threat.VENDOR: "the vendor {what} ends or fails, and with it {stores}",
            Threat.SOFTWARE: "a fault of the software {what} spoils {stores}",
            Threat.CREDENTIALS: "stolen keys of {what} open {stores}",
            Threat.OPERATOR: "one mistaken act, or a faulty release of this program, reaches {stores}",
        }[cause.threat],
        {"what": _what(cause.what), "stores": ", ".join(sorted(cause.strikes))},
    )


def _what(shared: str) -> str:
    if shared == NOT_DEMANDED:
        return _("(the same, if nobody asks otherwise)")
    return shared or _("(not told)")


def _step(improvement: Improvement) -> str:
    if improvement.attribute is not None:
        return said("copies that differ in their {attribute}", attribute=attribute_word(improvement.attribute))
    return {
        Remedy.COPY: _("one more copy online, at a site, with a vendor and on a power grid of its own"),
        Remedy.AUDIT: _("every byte of every copy read once more a year"),
        Remedy.OFFLINE: _("one copy offline and far away, with everything of its own, read once a year"),
        Remedy.FACTS: _("telling of each store what is not known of it, if they are as far apart as can be"),
    }[improvement.step]


def _times(improvement: Improvement) -> str:
    if improvement.times_better < NO_LESS:
        return _("no less")
    return said("÷ {times}", times=amount_shown(improvement.times_better))


def _three(estimate: Estimate, shown: Any) -> tuple[str, str, str]:
    return shown(estimate.low), shown(estimate.middle), shown(estimate.high)


def chance_shown(chance: float) -> str:
    """A chance as people read it: per cent where there are some, else one in so many; never more digits than known."""
    if chance >= 0.01:
        return percent_shown(chance)
    if chance < 1e-12:
        return _("next to nothing")
    return said("1 in {count}", count=f"{float(f'{1 / chance:.2g}'):,.0f}")


def percent_shown(share: float) -> str:
    """A share as per cent, with two digits that mean something."""
    return f"{float(f'{share * 100:.2g}'):g} %"


def amount_shown(amount: float) -> str:
    """A number with two digits that mean something."""
    if 0 < amount < SMALLEST_SHOWN:
        return f"< {SMALLEST_SHOWN}"
    rounded = float(f"{amount:.2g}")
    return f"{rounded:,.0f}" if rounded >= 100 else f"{rounded:g}"


def _wording(wording: Wording) -> str:
    return wording.zh if is_chinese() else wording.en


def _digit_document(digit: Digit) -> Fields:
    return {
        "rule": digit.rule.value,
        "wanted": digit.wanted,
        "reached": digit.reached,
        "met": digit.is_met,
        "packages_failing": digit.failing,
        "why": sentence_said(digit.why) if digit.why else None,
        "mend": sentence_said(digit.mend) if digit.mend else None,
    }


def _level_document(level: DisasterLevel, standard: Standard) -> Fields:
    return {
        "standard": standard.name,
        "superseded_by": standard.superseded_by,
        "verified": all(each.is_verified for each in standard.requirements),
        "source": standard.source,
        "by_elements": level.by_elements,
        "elements": {each.element: each.level for each in level.elements},
        "proved": level.proved,
        "proved_why": sentence_said(level.proved_why),
        "missing": [_met_document(each) for each in level.missing],
    }


def _met_document(met: Met) -> Fields:
    return {
        "requirement": met.requirement.name,
        "element": met.requirement.element,
        "wording": met.requirement.wording.zh,
        "shown_by": met.requirement.shown_by.value,
        "verified": met.requirement.is_verified,
        "source": met.requirement.source,
        "evidence": sentence_said(met.fact.evidence),
    }


def _loss_document(loss: ExpectedLoss) -> Fields:
    return {
        "packages": loss.packages,
        "without_copy": loss.without_copy,
        "per_package_year": _estimate_document(loss.per_year),
        "within": [
            {
                "years": each.years,
                "chance_of_one_package": _estimate_document(each.chance),
                "packages_lost": _estimate_document(each.packages),
                "any_lost": {"at_least": each.any_at_least, "at_most": each.any_at_most},
            }
            for each in loss.within
        ],
        "causes": [
            {
                "threat": each.cause.threat.value,
                "what": each.cause.what,
                "takes": sorted(each.cause.strikes),
                "per_year": each.cause.per_year,
                "open_days": each.cause.open_days,
                "share": each.share,
                "said": sentence_said(_threat(each)),
            }
            for each in loss.involved
        ],
        "improvements": [
            {
                "step": each.step.value,
                "attribute": each.attribute,
                "per_package_year": each.per_year,
                "times_better": each.times_better,
            }
            for each in loss.improvements
        ],
        "not_known": list(loss.not_known),
    }


def _estimate_document(estimate: Estimate) -> Fields:
    return {"low": estimate.low, "middle": estimate.middle, "high": estimate.high}


def _rates_document(faults: FaultModel) -> Fields:
    return {
        "decay": {family.value if family else "unknown": _rate_document(rate) for family, rate in faults.decay.items()},
        "device": {
            family.value if family else "unknown": _rate_document(rate) for family, rate in faults.device.items()
        },
        "shared": {threat.value: _rate_document(rate) for threat, rate in faults.shared.items()},
    }


def _rate_document(rate: Rate) -> Fields:
    counted = {"faults": rate.counted.faults, "years": rate.counted.years} if rate.counted else None
    return {
        "per_year": rate.mean,
        "low": rate.low,
        "high": rate.high,
        "source": rate.source,
        "verified": rate.is_verified,
        "counted": counted,
    }
