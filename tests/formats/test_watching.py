"""Is the question of a migration re-opened by all that it was decided on, and by nothing else?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from preserve import compose
from preserve.model.formats.pathways import Pathway
from preserve.model.formats.registry import FormatRegister, Openness
from preserve.model.formats.watching import (
    Circumstances,
    Reopened,
    Reopening,
    basis_of,
    formats_of,
    reopened,
)
from preserve.model.migrations import ApprovalEntry, PilotEntry

TOOLS = {"libreoffice": "7.4.7.2", "qpdf": "11.3.0", "python": "3.11"}
RELEASE = "0123456789abcdef"


@pytest.fixture(scope="module")
def register() -> FormatRegister:
    return compose.format_register()


@pytest.fixture(scope="module")
def pathway(register: FormatRegister) -> Pathway:
    return next(each.pathway for each in compose.pathways(register) if each.pathway.name == "doc-to-pdfa2b")


@pytest.fixture
def pilot(register: FormatRegister, pathway: Pathway) -> PilotEntry:
    basis = basis_of(register, RELEASE, formats_of(["fmt/40"], [pathway]))
    return PilotEntry(1, (), {}, basis, "s", 1, 1, "d", number=1)


@pytest.fixture
def approval(pathway: Pathway) -> ApprovalEntry:
    return ApprovalEntry(1, 1, pathway.name, pathway.sha256, TOOLS, {}, "甲", "", "")


@pytest.fixture
def now(pathway: Pathway, pilot: PilotEntry) -> Circumstances:
    return Circumstances({pathway.name: pathway}, TOOLS, pilot.basis)


def test_where_nothing_changed_the_approval_holds(
    approval: ApprovalEntry, pilot: PilotEntry, now: Circumstances
) -> None:
    assert reopened(approval, pilot, now) == ()


def test_a_pathway_that_changed_or_is_gone_re_opens_it(
    approval: ApprovalEntry, pilot: PilotEntry, now: Circumstances, pathway: Pathway
) -> None:
    other = replace(pathway, sha256="0" * 64)
    changed = reopened(approval, pilot, replace(now, pathways={pathway.name: other}))
    assert changed == (Reopened(Reopening.PATHWAY_CHANGED, pathway.name, pathway.sha256, "0" * 64),)
    assert [each.cause for each in reopened(approval, pilot, replace(now, pathways={}))] == [Reopening.PATHWAY_GONE]


def test_a_tool_that_vanished_or_has_another_version_re_opens_it(
    approval: ApprovalEntry, pilot: PilotEntry, now: Circumstances
) -> None:
    tools = {"libreoffice": "24.2", "python": "3.11", "ffmpeg": "5.1"}
    assert reopened(approval, pilot, replace(now, tools=tools)) == (
        Reopened(Reopening.TOOL_CHANGED, "libreoffice", "7.4.7.2", "24.2"),
        Reopened(Reopening.TOOL_GONE, "qpdf", "11.3.0"),
    )
    assert reopened(approval, pilot, replace(now, tools=None)) == (), "nobody has asked for them"


def test_other_signatures_re_open_it_where_both_are_known(
    approval: ApprovalEntry, pilot: PilotEntry, now: Circumstances
) -> None:
    (found,) = reopened(approval, pilot, replace(now, basis=replace(now.basis, release="f" * 16)))
    assert found.cause is Reopening.SIGNATURES_CHANGED
    assert reopened(approval, pilot, replace(now, basis=replace(now.basis, release=""))) == ()


@pytest.mark.parametrize("puid", ["fmt/40", "fmt/477"])
def test_what_the_register_says_of_source_and_target_re_opens_it(
    approval: ApprovalEntry, pilot: PilotEntry, now: Circumstances, register: FormatRegister, puid: str
) -> None:
    changed = tuple(
        replace(each, openness=Openness.UNPUBLISHED, readers=()) if puid in each.puids else each
        for each in register.formats
    )
    other = basis_of(replace(register, formats=changed), RELEASE, pilot.basis.formats)
    assert reopened(approval, pilot, replace(now, basis=other)) == (Reopened(Reopening.REGISTER_CHANGED, puid),)


def test_a_format_that_the_register_comes_to_know_re_opens_it(register: FormatRegister) -> None:
    before = basis_of(replace(register, formats=()), RELEASE, ["fmt/40"])
    assert before.formats == {"fmt/40": ""}
    assert basis_of(register, RELEASE, ["fmt/40"]) != before
