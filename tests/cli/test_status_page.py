"""Is the status told to people and programs alike, and the page written only where it was asked for?"""

from __future__ import annotations

import base64
import hashlib
import re

from tests.cli.conftest import Service


def test_the_page_lets_nothing_in_but_its_own_style(furnished: Service) -> None:
    file = furnished.folder / "status.html"
    assert furnished.run("status", "--html", file).code == 0
    page = file.read_text(encoding="utf-8")
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in page
    assert " style=" not in page
    assert not re.search(r"https?://", page)


def test_the_page_can_be_had_on_standard_output_in_either_language(furnished: Service) -> None:
    chinese = furnished.run("status", "--html", "-", "--language", "zh")
    assert chinese.code == 0
    assert chinese.out.startswith("<!doctype html>") and chinese.out.endswith("</html>\n")
    assert 'lang="zh-CN"' in chinese.out
    assert "馆藏保管状况" in chinese.out
    english = furnished.run("status", "--html", "-")
    assert 'lang="en"' in english.out
    assert "Nothing is kept yet." in english.out


def test_what_cannot_be_written_is_refused_and_what_contradicts_itself_too(furnished: Service) -> None:
    assert furnished.run("status", "--html", "-", "--json").code == 2
    assert furnished.run("status", "--language", "zh").code == 2
    refused = furnished.run("status", "--html", furnished.folder / "nowhere" / "status.html")
    assert refused.code == 3
    assert "status.html" in refused.err


def test_status_says_who_owns_what_is_open_and_what_is_due(furnished: Service) -> None:
    furnished.ask("ingest", furnished.submission())
    (furnished.folder / "near").rename(furnished.folder / "unplugged")
    ended = furnished.run("status")
    assert ended.code == 1
    assert "to be seen to by" in ended.out
    assert "never read" in ended.out
    document = furnished.run("status", "--json").document
    (away,) = document["concerns"]
    assert (away["kind"], away["subject"]) == ("store away", "near")
    assert away["owners"]
    assert not {"audit_ages", "growth", "drills", "audits"} & set(document), "no copy is counted for a plain status"
    surveyed = furnished.run("status", "--json", "--html", furnished.folder / "status.html").document
    assert [each["store"] for each in surveyed["audit_ages"]] == ["far", "main", "near"]
    assert surveyed["concerns"] == document["concerns"]
    assert document["holdings"] == [
        {"policy": "default", "packages": 1, "safe": 1, "on_the_way": 0, "not_safe": 0, "payload_files": 3,
         "payload_bytes": document["payload_bytes"]}
    ]  # fmt: skip


def test_what_is_told_apart_has_colours_that_can_be_told_apart(furnished: Service) -> None:
    submission = furnished.submission()
    (submission / "export.dat").write_bytes(b"no reader for this")
    furnished.ask("ingest", submission)
    furnished.ask("audit")
    assert furnished.ask("drill", "--from", "main", "--all")["verdict"] == "passed in part"
    document = furnished.run("status", "--json", "--html", furnished.folder / "status.html").document
    assert [(each["passed"], each["verdict"]) for each in document["drills"]] == [(False, "passed in part")]
    page = (furnished.folder / "status.html").read_text("utf-8")
    fills = dict(re.findall(r"\.([\w-]+) \{ fill: (#\w+);", page))
    for legend in re.findall(r'<ul class="legend">(.*?)</ul>', page):
        keys = [fills.get(key) or key for key in re.findall(r'<rect[^>]*class="([\w-]+)"', legend)]
        assert len(set(keys)) == len(keys) > 0, legend
    assert len(re.findall(r'class="dot state-suspect"', page)) == 1, (
        "a drill that passed in part is not shown as passed"
    )
