"""3-2-1-1-0: three copies, two kinds of carrier, one off-site, one offline, no error; which digit fails, what mends it.

A copy counts when it was read back and found equal (`verified`), whoever else says that it is there.  What is not known
fails its digit: nothing is green that nobody has looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from preserve.model.nouns import Role
from preserve.model.placements import Placement
from preserve.model.sentences import Sentence, sentence


class Rule(StrEnum):
    """The digits, in their order."""

    COPIES = "copies"
    MEDIA = "media"
    OFFSITE = "offsite"
    OFFLINE = "offline"
    ERRORS = "errors"


WANTED = {Rule.COPIES: 3, Rule.MEDIA: 2, Rule.OFFSITE: 1, Rule.OFFLINE: 1, Rule.ERRORS: 0}


@dataclass(frozen=True, slots=True)
class KeptAlike:
    """So many packages whose verified copies are in the same stores.

    `unread`: copies of each that are written, or attested by their store, and were never read back; `harmed`: bad or
    suspect ones; `overdue`: verified ones that nobody has looked at for longer than policy allows.
    """

    packages: int
    copies: tuple[Placement, ...]
    unread: int = 0
    harmed: int = 0
    overdue: int = 0


@dataclass(frozen=True, slots=True)
class Digit:
    """One digit: what it reaches for the package that is worst off (errors: over all), how many packages fail it, why,
    and what would mend it.  `reached` None: it is not known."""

    rule: Rule
    wanted: int
    reached: int | None
    failing: int
    why: Sentence | None = None
    mend: Sentence | None = None

    @property
    def is_met(self) -> bool:
        return self.failing == 0 and self.why is None


def digits(groups: Sequence[KeptAlike], open_findings: int = 0) -> tuple[Digit, ...]:
    """The five digits over packages that are kept in various ways; no packages: nothing fails, and nothing is met.

    `open_findings` counts what is wrong with other things than their copies too, with the ledger in a store say.
    """
    if not any(group.packages for group in groups):
        why = sentence("nothing is kept yet, so nothing can be said")
        return tuple(Digit(rule, WANTED[rule], None, 0, why) for rule in Rule)
    found = [_least(groups, Rule.COPIES, lambda copies: len(copies), _copies_wanting)]
    found.append(_least(groups, Rule.MEDIA, _families, _media_wanting))
    found.append(_least(groups, Rule.OFFSITE, _elsewhere, _sites_wanting))
    found.append(_least(groups, Rule.OFFLINE, _offline, _offline_wanting))
    return (*found, _errors(groups, open_findings))


def digits_of_plan(copies: tuple[Placement, ...]) -> tuple[Digit, ...]:
    """The five digits that a policy reaches when everything is as it asks; one package stands for all."""
    return tuple(_of_plan(each, len(copies)) for each in digits([KeptAlike(1, copies)]))


def _of_plan(digit: Digit, copies: int) -> Digit:
    """The digit with what the policy lacks for it, where a holding would lack copies."""
    if digit.is_met:
        return digit
    lacking = {
        Rule.COPIES: sentence("the policy asks for {count} copies", count=copies),
        Rule.MEDIA: sentence("the policy lets all copies be on one kind of carrier: one weakness can take them all"),
        Rule.OFFSITE: sentence("the policy lets all copies be at one site: one fire can take them all"),
        Rule.OFFLINE: sentence("the policy asks for no copy offline: who steals the keys reaches every copy"),
    }
    return replace(digit, why=lacking.get(digit.rule, digit.why))


Measure = Callable[[tuple[Placement, ...]], "int | None"]
Wanting = Callable[[KeptAlike, int], tuple[Sentence, Sentence]]


def _least(groups: Sequence[KeptAlike], rule: Rule, measure: Measure, wanting: Wanting) -> Digit:
    """The digit of the packages that are worst off; what is not known is worse than any number."""
    held = [group for group in groups if group.packages]
    measured = [(measure(group.copies), group) for group in held]
    failing = sum(group.packages for reached, group in measured if reached is None or reached < WANTED[rule])
    reached, worst = min(measured, key=lambda pair: -1 if pair[0] is None else pair[0])
    if not failing:
        return Digit(rule, WANTED[rule], reached, 0)
    why, mend = wanting(worst, WANTED[rule])
    return Digit(rule, WANTED[rule], reached, failing, why, mend)


def _families(copies: tuple[Placement, ...]) -> int | None:
    return _known_different([copy.family for copy in copies], WANTED[Rule.MEDIA])


def _elsewhere(copies: tuple[Placement, ...]) -> int | None:
    """Copies at another site than the first one known; the copy that is at home counts for none."""
    different = _known_different([copy.attribute("site") for copy in copies], WANTED[Rule.OFFSITE] + 1)
    return None if different is None else max(different - 1, 0)


def _offline(copies: tuple[Placement, ...]) -> int:
    return sum(copy.is_offline for copy in copies)


def _known_different(values: Sequence[object | None], enough: int) -> int | None:
    """How many different values are known; None where that is not enough and those not known might make up for it."""
    different = len({value for value in values if value is not None})
    return None if different < enough and None in values else different


def _unknown(copies: Iterable[Placement], attribute: str) -> str:
    return ", ".join(copy.store for copy in copies if copy.attribute(attribute) is None)


def _copies_wanting(group: KeptAlike, wanted: int) -> tuple[Sentence, Sentence]:
    has = len(group.copies)
    why = sentence("some packages have {has} copies that were read back and found equal", has=has)
    if group.harmed:
        return why, sentence("mend the copies that were found bad with `preserve repair`")
    if group.unread:
        return why, sentence("read the copies that nobody has read yet with `preserve audit --level full`")
    return why, sentence(
        "let the policy ask for {wanted} copies, register a store for each, and run `preserve replicate`", wanted=wanted
    )


def _media_wanting(group: KeptAlike, wanted: int) -> tuple[Sentence, Sentence]:
    unknown = ", ".join(copy.store for copy in group.copies if copy.family is None)
    if unknown and _families(group.copies) is None:
        return (
            sentence("it is not known what kind of carrier these stores are: {stores}", stores=unknown),
            sentence("say it of each of them: `preserve store set NAME --medium hdd|lto|bd_r|…`"),
        )
    return (
        sentence("all copies of some packages are on one kind of carrier: one weakness can take them all"),
        sentence("keep one copy on another kind of carrier: tape, disc or film beside disks (异质备份)"),
    )


def _sites_wanting(group: KeptAlike, wanted: int) -> tuple[Sentence, Sentence]:
    unknown = _unknown(group.copies, "site")
    if unknown and _elsewhere(group.copies) is None:
        return (
            sentence("it is not known where these stores stand: {stores}", stores=unknown),
            sentence("say it of each of them: `preserve store set NAME --site SITE`"),
        )
    return (
        sentence("all verified copies of some packages are at one site: one fire can take them all"),
        sentence("keep a copy at another site: a store with the role same_city or remote_offline"),
    )


def _offline_wanting(group: KeptAlike, wanted: int) -> tuple[Sentence, Sentence]:
    why = sentence("some packages have no verified copy offline: who steals the keys reaches every copy they have")
    beside = ", ".join(copy.store for copy in group.copies if copy.is_beside_home)
    if beside:
        return (
            sentence(
                "these stores are called offline, and lie on the disk that holds the home: {stores}", stores=beside
            ),
            sentence("keep them on a medium of their own, and take it away when it is written"),
        )
    networked = ", ".join(copy.store for copy in group.copies if copy.role is Role.REMOTE_OFFLINE)
    if networked:
        return (
            sentence("these stores are called offline, and are reached over a network: {stores}", stores=networked),
            sentence("keep a copy on a medium that is taken out and put away: a store with a file: URL"),
        )
    if group.unread:
        return why, sentence("mount the offline store, and read its copies with `preserve audit --level full`")
    return why, sentence("keep a copy on a store with the role remote_offline, and bring it there")


def _errors(groups: Sequence[KeptAlike], open_findings: int) -> Digit:
    """No error: nothing found that is not mended, every copy that policy wants looked at, and in time."""
    harmed = max(open_findings, sum(group.packages * group.harmed for group in groups))
    overdue = sum(group.packages * group.overdue for group in groups)
    unread = sum(group.packages * group.unread for group in groups)
    failing = sum(group.packages for group in groups if group.harmed or group.overdue or group.unread)
    if harmed:
        why = sentence("{count} copies or objects were found bad, or could not be read", count=harmed)
        return Digit(
            Rule.ERRORS, 0, harmed + overdue, failing, why, sentence("run `preserve repair`, then audit again")
        )
    if overdue:
        why = sentence("{count} copies were not looked at for longer than policy allows", count=overdue)
        return Digit(Rule.ERRORS, 0, overdue, failing, why, sentence("run `preserve audit`"))
    if unread:
        why = sentence("{count} copies were never read back: nobody knows whether they are sound", count=unread)
        mend = sentence("read the copies that nobody has read yet with `preserve audit --level full`")
        return Digit(Rule.ERRORS, 0, None, failing, why, mend)
    return Digit(Rule.ERRORS, 0, 0, 0)
