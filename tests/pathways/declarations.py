"""Declarations of pathways for tests: those that come with the program, and a small one of their own."""

from __future__ import annotations

from preserve.definitions.pathways import read_pathway
from preserve.model.formats.pathways import Pathway
from preserve.settings.shipped import pathway_folders

SMALL = """\
[pathway]
name = "wav-to-mine"
version = 1
title_zh = "音频"
title_en = "Audio"
kind = "audio"
from = ["fmt/6"]
to = ["fmt/279"]

[trigger]
grounds = ["amount"]
why_zh = "存不下"
why_en = "there is no room"

[[basis]]
zh = "馆内规定"
en = "a rule of the house"
mark = "ours"

[tool]
program = "flac"
command = ["flac", "-o", "{output}/audio.flac", "{input}"]
most_seconds = 60
most_memory_mib = 256
most_growth_percent = 110

[[validator]]
program = "ffmpeg"
command = ["ffmpeg", "-i", "{input}", "-f", "null", "-"]
proves_zh = "能解码"
proves_en = "it can be decoded"

[[property]]
name = "samples"
severity = "high"

[[property]]
name = "metadata"
severity = "low"

[[loss]]
id = "tags"
type = "metadata lost"
severity = "low"
property = "metadata"
zh = "标签"
en = "tags"
"""


def small(*changes: tuple[str, str]) -> str:
    """`SMALL` with some of its text replaced; each must be there."""
    text = SMALL
    for there, instead in changes:
        assert there in text, there
        text = text.replace(there, instead, 1)
    return text


def read(*changes: tuple[str, str]) -> Pathway:
    """The small pathway, changed."""
    return read_pathway(small(*changes), "pathway.toml")


def shipped() -> dict[str, Pathway]:
    """The pathways that come with the program, by name."""
    folders = pathway_folders()
    return {each.name: read_pathway((each / "pathway.toml").read_text("utf-8"), each.name) for each in folders}
