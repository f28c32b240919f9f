"""Is everything that is wrong somebody's, said once, the gravest first?"""

from __future__ import annotations

from dataclasses import replace

from preserve.definitions.policies import read_policy
from preserve.model.concerns import ConcernKind, FindingsSeen, LateSeen, Seen, concerns, owners
from preserve.model.incidents import Incident, IncidentKind
from preserve.model.migration_waits import standing_of
from preserve.model.nouns import Condition, Role
from preserve.model.placing import Lack
from preserve.model.policy_stores import TooClose
from preserve.model.room import Room
from preserve.model.sentences import sentence
from preserve.model.signs_of_life import Silence
from tests.packages.building import policy_text
from tests.state.bookkeeping import PLAN

DEFAULT = read_policy(policy_text(["near"]), "default.toml")
POLICIES = {DEFAULT.name: DEFAULT}
AT = "2026-01-01T00:00:00.000000Z"


def test_every_kind_is_told_with_a_remedy_the_gravest_first() -> None:
    seen = Seen(
        alarm="store cave contradicts the ledger",
        machine="a",
        clock_doubt=sentence("the clock is wrong"),
        silences=[Silence("a", sentence("the runner is silent"))],
        findings=[FindingsSeen("default", "cave", Condition.DAMAGED, 3, AT, 17)],
        incidents=[Incident(IncidentKind.BRAKE, "mail", "9000 files vanished", "I-000001", AT)],
        short={"default": 2, "other": 0},
        overdue={("default", "cave"): 4, ("default", "vault"): 0},
        lacking=[Lack("default", Role.SAME_CITY, 1)],
        too_close=[TooClose("default", sentence("near and far share a grid"))],
        away={"vault": None},
        unfinished=1,
        rooms=[Room(None, "/home", 10, 1000), Room("cave", "/cave", 60, 1000)],
        late=[LateSeen("audit cave", sentence("an audit"), AT)],
        migrations=[standing_of(replace(PLAN, number=1), ())],
    )
    found = concerns(seen)
    assert [each.kind for each in found] == [kind for kind in ConcernKind if kind is not ConcernKind.UNATTENDED]
    assert len({each.key for each in found}) == len(found)
    assert all(str(each.what) and str(each.remedy) for each in found)


def test_of_many_alike_one_speaks_and_grows_with_the_newest() -> None:
    few = FindingsSeen("default", "cave", Condition.DAMAGED, 3, AT, 17)
    many = FindingsSeen("default", "cave", Condition.DAMAGED, 300, AT, 900)
    (before,), (after,) = concerns(Seen(findings=[few])), concerns(Seen(findings=[many]))
    assert before.key == after.key
    assert (before.mark, after.mark) == (17, 900)


def test_a_concern_of_no_policy_is_everybodys_and_of_one_its_owners() -> None:
    (of_one,) = concerns(Seen(short={"default": 1}))
    assert owners(of_one, POLICIES) == [DEFAULT.notify]
    (of_all,) = concerns(Seen(away={"vault": AT}))
    assert owners(of_all, POLICIES) == [DEFAULT.notify]
    (of_another,) = concerns(Seen(short={"unregistered": 1}))
    assert owners(of_another, POLICIES) == [DEFAULT.notify]


def test_where_all_is_well_there_is_none() -> None:
    assert concerns(Seen(short={"default": 0}, overdue={("default", "cave"): 0})) == []
