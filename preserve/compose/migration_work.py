"""What a pilot and a run of a migration are asked for: pathways, figures and policies, brought together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from preserve.compose.formats import mark_rule
from preserve.compose.pathways import format_register, pathways, programs_alive
from preserve.compose.rules import policies, profile
from preserve.errors import Misused, Refused
from preserve.settings.home import Home
from preserve.workplace import Workplace

if TYPE_CHECKING:
    from preserve.compose.pathways import ShippedPathway
    from preserve.model.formats.governance import Criterion
    from preserve.model.formats.pathways import Pathway
    from preserve.model.migrations import Basis, Migration, Tallied
    from preserve.operations.pilot_migration import PilotRequest
    from preserve.operations.run_migration import RunRequest


def pilot_request(
    home: Home, workplace: Workplace, number: int, only: Sequence[str], seed: str, sample: int
) -> PilotRequest:
    """What a pilot of a migration is asked for; of its alternatives `only` these (none named: all).

    Raises `Misused` for a pathway that the plan does not consider, `Refused` where one is not with this program.
    """
    from preserve.model.formats.marks import marks
    from preserve.operations.pilot_migration import PilotRequest

    migration, rule, register = workplace.books.migration(number), mark_rule(), format_register()
    shipped = {each.pathway.name: each for each in pathways(register)}
    considered = [each.name for each in migration.alternatives]
    for name in only:
        if name not in considered:
            raise Misused(
                "migration {migration} considers {pathways}, and not {name}", migration=number,
                pathways=", ".join(considered), name=name,
            )  # fmt: skip
    tried = [_there(shipped, name).pathway for name in considered if not only or name in only]
    targets = [known for each in tried for puid in each.targets if (known := register.of(puid)) is not None]
    alive = programs_alive(register, {reader for each in targets for reader in each.readers})

    def marked(pathway: Pathway, seen: Tallied) -> Mapping[Criterion, int]:
        return marks(rule, pathway, register, alive, seen)

    basis = _basis(workplace, migration, tried)
    return PilotRequest(number, tried, seed, marked, rule.weights, basis, home.migrations, sample)


def run_request(
    home: Home,
    workplace: Workplace,
    number: int,
    executor: str,
    auditor: str,
    most: int | None = None,
    most_seconds: float | None = None,
) -> RunRequest:
    """What a run of a migration is asked for.

    Raises `Refused` where nobody approved it, or its pathway is gone, `Tampered` where the approval is not what was
    signed.
    """
    from preserve.model.formats.watching import Circumstances
    from preserve.operations.run_migration import RunRequest
    from preserve.packages.migrating.approvals import signed_approval
    from preserve.packages.migrating.finishing import Mandate

    books = workplace.books
    migration, approval = books.migration(number), books.approval(number)
    if approval is None:
        raise Refused(
            "migration {migration} is {state}, and nobody approved what its last pilot found; `preserve migrate approve"
            " {migration}` does",
            migration=number,
            state=migration.state,
        )
    signed_approval(books, approval)
    shipped = {each.pathway.name: each for each in pathways(format_register())}
    found = _there(shipped, approval.pathway)
    mandate = Mandate(
        migration, approval, found.pathway, found.declaration, executor, auditor, policies(books),
        lambda policy: profile(home, policy),
    )  # fmt: skip
    known = {name: each.pathway for name, each in shipped.items()}
    tried = [known[each.name] for each in migration.alternatives if each.name in known]
    now = Circumstances(known, None, _basis(workplace, migration, tried))
    return RunRequest(mandate, home.migrations, now, most, most_seconds)


def _basis(workplace: Workplace, migration: Migration, tried: Sequence[Pathway]) -> Basis:
    """What is known now of the formats on which the question rests."""
    from preserve.model.formats.watching import NOT_KNOWN, basis_of, formats_of

    release = workplace.books.noted_release()
    digest = NOT_KNOWN if release is None else release.digest
    return basis_of(format_register(), digest, formats_of(migration.scope.puids, tried))


def _there(known: Mapping[str, ShippedPathway], name: str) -> ShippedPathway:
    if name not in known:
        raise Refused("pathway {pathway} is not with this program any more; plan the migration anew", pathway=name)
    return known[name]
