"""Years in the life of a service: the clock is set, copies rot at a rate, and the runner does what is due each week.

    python -m ops.campaigns.decade [--years N] [--packages N] [--rate FAULTS] [--seed N] [--out FILE]

Two folder stores; every copy is lost with a given rate (in faults a year, far higher than the priors of
`policies/standards/fault-rates.toml`, so that there is a loss to compare within ten years).  Told are the packages of
which both copies were gone before anybody looked, beside what the formula of DESIGN.md (How safe) expects; alarms
that were missed (harm known and not told, or older than policy allows and not known) and false ones.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ops.campaigns.telling import parser, say, table, tell, workshop
from preserve.daemon.looking import AUDIT, LISTING
from preserve.daemon.making import REPLICATION
from preserve.daemon.mending import REPAIR
from preserve.daemon.turn import turn
from preserve.daemon.watching import look
from preserve.daemon.works import Shift
from preserve.model.concerns import ConcernKind
from preserve.settings.home import Home
from tests.packages.building import Service, service
from tests.stores.clocks import SetClock

WORKS = (REPAIR, REPLICATION, AUDIT, LISTING)
WEEK_SECONDS = 7 * 86_400
YEAR_DAYS = 365.25
LISTED_DAYS = 90
"""How often the default policy has a store looked through: that is when a lost copy is noticed."""


@dataclass
class Life:
    """What happened: `lost` packages, faults drawn, and alarms that should have been, or should not."""

    packages: int
    years: float
    rate: float
    faults: int = 0
    lost: set[str] = field(default_factory=set)
    missed: list[str] = field(default_factory=list)
    false: list[str] = field(default_factory=list)
    turns: int = 0

    @property
    def expected(self) -> float:
        """Packages that should be lost: 2 λ u a year each, u = λ D / (1 + λ D), where D is half of the period."""
        delay = (LISTED_DAYS / 2 + 3.5) / YEAR_DAYS
        unavailable = self.rate * delay / (1 + self.rate * delay)
        return self.packages * (1 - math.exp(-2 * self.rate * unavailable * self.years))

    @property
    def is_within_band(self) -> bool:
        """Whether the loss is within three standard deviations of a Poisson number (at least two packages)."""
        return abs(len(self.lost) - self.expected) <= max(2.0, 3 * math.sqrt(self.expected))


def live(folder: Path, years: float, packages: int, rate: float, seed: int) -> Life:
    """Let so many years pass, a week at a time."""
    chance, life = random.Random(seed), Life(packages, years, rate)
    with service(folder) as made:
        clock = SetClock(datetime.now(UTC))
        made = replace(made, workplace=replace(made.workplace, clock=clock))
        for number in range(packages):
            (folder / f"records-{number}").mkdir()
            (folder / f"records-{number}" / "a.txt").write_text(f"record {number}")
            made.ingest(folder / f"records-{number}")
        harmed: dict[tuple[str, str], datetime] = {}
        for _ in range(round(years * YEAR_DAYS / 7)):
            _rot(made, chance, life, harmed, clock.moment)
            clock.sleep(WEEK_SECONDS)
            turn(Home(made.home), made.workplace, WORKS)
            life.turns += 1
            _judge(made, life, harmed, clock.moment)
    return life


def _rot(
    made: Service, chance: random.Random, life: Life, harmed: dict[tuple[str, str], datetime], now: datetime
) -> None:
    """Lose copies of packages that are not lost yet, each with the chance of a week."""
    for package in sorted(each.id for each in made.books.packages()):
        for store in made.places:
            if package in life.lost or (package, store) in harmed or chance.random() > life.rate * 7 / YEAR_DAYS:
                continue
            for part in sorted(made.places[store].glob(f"packages/*/{package}/bag.tar*")):
                part.unlink()
            harmed[package, store] = now
            life.faults += 1
        if all((package, store) in harmed for store in made.places):
            life.lost.add(package)


def _judge(made: Service, life: Life, harmed: dict[tuple[str, str], datetime], now: datetime) -> None:
    """Compare what is told with what is so."""
    for package, store in list(harmed):
        if package not in life.lost and any(made.places[store].glob(f"packages/*/{package}/bag.tar*")):
            del harmed[package, store]  # it was mended
    shift = Shift(Home(made.home), made.workplace, {made.policy.name: made.policy})
    told = look(shift, WORKS).concerns
    known = {(each.package_id, each.store) for each in made.books.findings()}
    life.missed += _missed(harmed, known, {each.kind for each in told}, now)
    if not harmed:
        life.false += [each.key for each in told]


def _missed(
    harmed: dict[tuple[str, str], datetime],
    known: set[tuple[str | None, str]],
    told: set[ConcernKind],
    now: datetime,
) -> Iterator[str]:
    for (package, store), since in harmed.items():
        if (package, store) in known and ConcernKind.FINDING not in told:
            yield f"{package} in {store} is known to be harmed, and nobody is told"
        if (package, store) not in known and now - since > timedelta(days=LISTED_DAYS + 7):
            yield f"{package} in {store} is harmed since {since}, and nobody knows"


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--years", type=float, default=10)
    arguments.add_argument("--packages", type=int, default=40)
    arguments.add_argument("--rate", type=float, default=0.3)
    arguments.add_argument("--seed", type=int, default=20261122)
    given = arguments.parse_args()
    with workshop(given.folder, given.packages * 1024 * 1024) as folder:
        life = live(folder, given.years, given.packages, given.rate, given.seed)
    for each in [*life.missed, *life.false]:
        say(each)
    row = (
        life.packages,
        life.years,
        life.rate,
        life.faults,
        len(life.lost),
        f"{life.expected:.1f}",
        len(life.missed),
        len(life.false),
    )
    head = (
        "packages",
        "years",
        "faults a copy and year",
        "faults",
        "lost",
        "expected",
        "missed alarms",
        "false alarms",
    )
    tell(table(head, [row]), given.out)
    return 0 if life.is_within_band and not life.missed and not life.false else 1


if __name__ == "__main__":
    raise SystemExit(main())
