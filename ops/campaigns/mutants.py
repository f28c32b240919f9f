"""Do damage on purpose to what pathways make of their samples, and tell how much of it judging stops.

    python -m ops.campaigns.mutants [--rounds N] [--seed N] [--only NAME …] [--out FILE]

Each damage is done at so many places that chance picks.  Ends with 1 where damage passed that never may, or more than
5 of 100 of all, or where a sample was stopped to which nothing was done.
"""

from __future__ import annotations

import sys

from ops.campaigns.telling import parser, say, table, tell, workshop
from preserve.formats.siegfried import SiegfriedIdentifier
from preserve.settings.shipped import own_signatures
from tests.mutants.mutant import LEAST_PERCENT, SURE
from tests.mutants.table import MUTANTS
from tests.mutants.trials import Tried, samples_of, tried
from tests.workshop.bench import Bench

GIB = 1024**3


def main() -> int:
    """See the head of this file."""
    arguments = parser(__doc__)
    arguments.add_argument("--rounds", type=int, default=5, metavar="N", help="places for each damage (default: 5)")
    arguments.add_argument("--seed", type=int, default=20261122, metavar="N")
    arguments.add_argument("--only", nargs="*", default=(), metavar="NAME", help="these pathways")
    asked = arguments.parse_args()
    found = []
    for name in asked.only or sorted(name for name in _named() if samples_of(name)):
        with workshop(asked.folder, GIB) as folder, SiegfriedIdentifier(folder, own_signatures()) as siegfried:
            bench = Bench(folder, siegfried)
            pathway = bench.pathways[name]
            missing = set(pathway.programs) - set(bench.workshop.tools(pathway))
            if missing:
                say(f"{name}: not on this machine: {', '.join(sorted(missing))}")
                continue
            say(f"{name}: {len(samples_of(name))} samples")
            found.append(tried(bench, pathway, samples_of(name), MUTANTS, asked.rounds, asked.seed))
    tell(table(("pathway", "samples stopped", "damage", "done", "stopped", "%"), list(_rows(found))), asked.out)
    for each in found:
        undone = [f"no sample has what {damage} harms" for damage in each.undone]
        for line in [*undone, *each.lived(), *(f"{name}: {why}" for name, why in each.false_alarms.items())]:
            say(f"{each.pathway}: {line}")
    return 0 if found and all(map(is_well, found)) else 1


def _named() -> list[str]:
    from preserve.settings.shipped import pathway_folders

    return [folder.name for folder in pathway_folders()]


def _rows(found: list[Tried]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for each in found:
        for damage, done in sorted(each.by_damage.items()):
            stopped = done - len(each.lived([damage]))
            rows.append((each.pathway, len(each.false_alarms), damage, done, stopped, round(100 * stopped / done)))
    return rows


def is_well(found: Tried) -> bool:
    """Whether damage was done, and stopped, and nothing else was."""
    lived = len(found.lived())
    return (
        bool(found.trials)
        and not found.false_alarms
        and not found.lived(SURE)
        and 100 * lived <= (100 - LEAST_PERCENT) * len(found.trials)
    )


if __name__ == "__main__":
    sys.exit(main())
