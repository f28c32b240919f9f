"""Does the quick reader of registered policies read what the strict one reads?"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preserve.definitions.policies import read_policy
from preserve.definitions.registered import registered_policy
from preserve.errors import Tampered
from preserve.model.entries import PolicyEntry
from preserve.settings import shipped

SHORTEST = """
name = "short"
title = " Short "
notify = "x"
copies = [{ role = "primary" }]
audit = { level = "full", every = "1 week" }
responsible = { leader = "a", manager = " b ", executor = "c" }
"""


def entry(text: str) -> PolicyEntry:
    return PolicyEntry("x", 1, hashlib.sha256(text.encode()).hexdigest(), text, "2026-01-01T00:00:00.000000Z")


@pytest.mark.parametrize("text", [file.content.decode() for file in shipped.policies()] + [SHORTEST])
def test_both_readers_agree(text: str) -> None:
    assert registered_policy(entry(text)) == read_policy(text, "x.toml")


@given(
    size=st.tuples(st.integers(2, 1000), st.sampled_from(["MiB", "GiB", "MB", "gb", " GB"])),
    span=st.tuples(st.integers(1, 12), st.sampled_from([" day", " days", "week", " weeks", " month"])),
    digests=st.sampled_from([["sha256"], ["sm3", "sha256"], ["sha256", "sha512", "sm3"]]),
    links=st.sampled_from(["keep", "refuse"]),
    count=st.integers(1, 9),
    blocks=st.integers(1, 1000),
    lock=st.integers(0, 1000),
    classes=st.sampled_from([["public"], ["internal", "public"]]),
)
def test_both_readers_agree_on_every_setting(
    size: tuple[int, str],
    span: tuple[int, str],
    digests: list[str],
    links: str,
    count: int,
    blocks: int,
    lock: int,
    classes: list[str],
) -> None:
    text = f"""
name = "generated"
title = "标题"
description = " some text "
legal_basis = [" one ", "two"]
package_bytes = "{size[0]}{size[1]}"
digests = {digests}
symlinks = "{links}"
required_metadata = ["archival_code"]
profile = "x.json"
classifications = {classes}
retention_lock_days = {lock}
notify = " somebody "
copies = [{{ role = "same_city", count = {count} }}, {{ role = "primary" }}]
audit = {{ level = "sample", every = "{span[0]}{span[1]}", sample_blocks = {blocks} }}
responsible = {{ leader = "a", manager = "b", executor = "c" }}
"""
    strict = read_policy(text, "x.toml")
    assert replace(registered_policy(entry(text)), sha256=strict.sha256) == strict


@pytest.mark.parametrize("harm", [("full", "fool"), ("copies", "copie"), ('"1 week"', "7"), ("name", "nome")])
def test_a_text_that_is_not_what_was_registered_is_tampering(harm: tuple[str, str]) -> None:
    assert re.search(harm[0], SHORTEST)
    changed = SHORTEST.replace(*harm)
    with pytest.raises(Tampered):
        registered_policy(replace(entry(SHORTEST), text=changed))
    with pytest.raises(Tampered):
        registered_policy(entry(changed))
