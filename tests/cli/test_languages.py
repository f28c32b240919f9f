"""Is everything the program can say also said in Chinese, and does the person's environment choose?"""

from __future__ import annotations

import gettext
import io
import unicodedata

import click
import pytest

from ops import messages
from ops.messages import Found, Message
from preserve.cli import voices
from tests.cli.conftest import Service

CHINESE = messages.read()


def test_every_sentence_has_its_chinese(found: Found) -> None:
    missing = [message for message in found.places if not CHINESE.get(message)]
    assert not missing, "translate these in preserve.po, then run python -m ops.messages"


def test_every_sentence_was_found_where_it_is_used(found: Found) -> None:
    assert not found.unclear


def test_nothing_is_translated_that_is_no_longer_said(found: Found) -> None:
    assert set(CHINESE) == set(found.places), "run python -m ops.messages"


def test_translations_name_the_same_values(found: Found) -> None:
    for message in found.places:
        wanted, named = messages.fields(message.text), messages.fields(CHINESE.get(message, ""))
        assert named == wanted or (message.plural and named <= wanted | messages.fields(message.plural)), message


def test_translations_are_chinese_or_the_same() -> None:
    for message, text in CHINESE.items():
        is_chinese = any("CJK" in unicodedata.name(character, "") for character in text)
        assert is_chinese or text == message.text, message


OTHER_WORDS = {
    "账户归属": "凭据域",
    "厂商": "供应商",
    "值守程序": "运行程序",
    "工作目录": "主目录",
    "立案": "记为事件",
    "结案": "关闭",
}
"""What was said here for a thing that has a word already."""


def test_one_thing_has_one_chinese_word_in_messages_and_pages() -> None:
    root = messages.COMPILED.parents[5]
    pages = [*(root / "ops").rglob("*.zh.md"), *root.glob("*.zh.md"), *(root / "policies").glob("*.toml")]
    texts = {str(page): page.read_text("utf-8") for page in pages}
    texts |= {message.text: text for message, text in CHINESE.items()}
    mixed = [(place, word) for place, text in texts.items() for word in OTHER_WORDS if word in text]
    assert not mixed, OTHER_WORDS


def test_the_compiled_catalogue_is_up_to_date() -> None:
    assert messages.COMPILED.read_bytes() == messages.compiled(CHINESE), "run python -m ops.messages"


def test_python_reads_what_we_compile() -> None:
    read = gettext.GNUTranslations(io.BytesIO(messages.compiled(CHINESE)))
    for message, text in CHINESE.items():
        if message.plural:
            assert read.ngettext(message.text, message.plural, 2) == text
        elif message.context:
            assert read.pgettext(message.context, message.text) == text
        else:
            assert read.gettext(message.text) == text


def test_what_we_write_we_read() -> None:
    hostile = {Message('a "quoted" \\ line\nand {value}\t'): '一 "引" \\\n{value}\t', Message("x", "Role", "xs"): "甲"}
    found = messages.Found(dict.fromkeys(hostile, "here"))
    text = messages.written(found, hostile)
    assert messages.parsed(text) == hostile


def test_click_still_says_what_we_translate() -> None:
    import inspect

    source = "".join(
        inspect.getsource(module)
        for module in (click.core, click.decorators, click.exceptions, click.formatting, click.parser, click.types)
    )
    for message in messages.FROM_CLICK:
        assert repr(message.text)[1:-1] in source, message


CHINESE_PERSONS = [
    {"LC_ALL": "zh_CN.UTF-8"},
    {"LC_ALL": "", "LC_MESSAGES": "zh_CN.UTF-8"},
    {"LC_ALL": "", "LANG": "zh_CN.UTF-8"},
    {"LANGUAGE": "zh"},
    {"LANGUAGE": "zh_CN:en"},
]


@pytest.mark.parametrize("environment", CHINESE_PERSONS)
def test_the_environment_chooses_chinese(service: Service, environment: dict[str, str]) -> None:
    refused = service.run("restore", "x", "--to", "out", more=environment)
    assert (refused.code, refused.err) == (3, "preserve: 账册中没有信息包 x\n")


@pytest.mark.parametrize("environment", [{"LC_ALL": "C"}, {"LC_ALL": "en_GB.UTF-8"}, {"LANGUAGE": "de:en"}])
def test_everybody_else_reads_english(service: Service, environment: dict[str, str]) -> None:
    assert "there is no package x" in service.run("restore", "x", "--to", "out", more=environment).err


def test_a_whole_report_is_chinese(service: Service) -> None:
    assert "尚未保存任何档案" in service.run("status", more={"LC_ALL": "zh_CN.UTF-8"}).out


def test_help_and_wrong_usage_are_chinese_too(bare: Service) -> None:
    chinese = {"LC_ALL": "zh_CN.UTF-8"}
    shown = bare.run("audit", "--help", more=chinese).out
    assert "用法" in shown and "选项" in shown and "核对深度" in shown
    assert "没有 'bogus' 这一命令" in bare.run("bogus", more=chinese).err
    assert "没有 '--bogus' 这一选项" in bare.run("status", "--bogus", more=chinese).err
    assert "缺少选项 '--to'" in bare.run("restore", "x", more=chinese).err


@pytest.mark.parametrize(
    ("subject", "said"), [("duty harvest big", "采集 big"), ("canary city", "权限探试 city"), ("big", "big")]
)
def test_what_an_alarm_or_a_lock_is_about_is_said_in_chinese(subject: str, said: str) -> None:
    working = "another process is working on {subject} now; wait for it, or run the command again later"
    assert said in voices.chinese().said(working, subject=subject)
    assert voices.english().said(working, subject=subject) == working.format(subject=subject)


def test_no_table_has_two_columns_of_one_name() -> None:
    head = [voices.chinese().sentence(each) for each in ("incident", "kind", "about", "opened", "closed", "what")]
    assert len(set(head)) == len(head)


def test_json_keeps_its_identifiers_in_every_language(furnished: Service) -> None:
    chinese = {"LC_ALL": "zh_CN.UTF-8"}
    ended = furnished.run("ingest", furnished.submission(), "--json", more=chinese)
    assert {copy["state"] for copy in ended.document["packages"][0]["copies"]} == {"verified"}
    assert "已核实" in furnished.run("package", "list", more=chinese).out
    assert "主存储" in furnished.run("store", "list", more=chinese).out


def test_a_terminal_that_knows_no_chinese_does_not_stop_the_command(service: Service) -> None:
    ended = service.run("status", more={"LANGUAGE": "zh", "PYTHONIOENCODING": "ascii"})
    assert ended.code == 0
    assert "\\u" in ended.out
