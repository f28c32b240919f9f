"""Hold a policy against requirements: which it meets, which it misses, and which no policy can be judged by.

A rule sees nothing but the policy and the requirement's figures.  What the policy asks for and this version of the
program does not carry out is `promised`, never `met`; what takes facts a policy does not hold is `not judged`, never
passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from preserve.model.judging.copies import COPIES
from preserve.model.judging.intake import INTAKE
from preserve.model.judging.looking import LOOKING
from preserve.model.judging.media import MEDIA
from preserve.model.judging.opinions import Figures, Rule
from preserve.model.policy import Policy
from preserve.model.requirements import Judgement, Requirement, Verdict

RULES: Mapping[str, Rule] = {**INTAKE, **COPIES, **LOOKING, **MEDIA}
"""How requirements are judged, by the names that the data give."""


def judge(policy: Policy, requirements: Iterable[Requirement]) -> Iterator[Judgement]:
    """An opinion about each requirement, in their order."""
    for requirement in requirements:
        if requirement.rule is None:
            yield Judgement(requirement, Verdict.NOT_JUDGED)
        else:
            opinion = RULES[requirement.rule](policy, Figures(requirement.figures))
            yield Judgement(requirement, opinion.verdict, opinion.why, opinion.path)
