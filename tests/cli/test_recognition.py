"""Is what the ledger keeps as English text said in Chinese, and is nothing taken for ours that is not?"""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from ops import messages
from ops.messages import Found
from preserve.cli import voices
from preserve.cli.recognition import Recogniser
from preserve.errors import Refused, Unavailable
from preserve.stores.s3_errors import ACTS

CHINESE = voices.chinese()
STORES = Path(__file__).parents[2] / "preserve" / "stores"


def test_every_sentence_of_ours_is_recognised_however_it_is_filled(found: Found) -> None:
    templates = [message.text for message in found.places if not message.context and not message.plural]
    recogniser = Recogniser(templates)
    for template in templates:
        if "{{" in template or re.search(r"[!:][^}]*}", template):
            continue
        text = template.format(**{name: f"<{name}>" for name in messages.fields(template)})
        recognised = recogniser.recognise(text)
        if recognised is None:  # too little of it is ours to tell
            assert sum(character.isalpha() for character in re.sub(r"{.*?}", "", template)) < 4, template
        else:
            assert recognised.sentence.format(**recognised.values) == text, template


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ("nothing", "不存在"),
        ("4096 bytes", "4096 字节"),
        ("block 0: nothing; 1 of 1 blocks", "第 0 块：不存在；共 1 块，其中 1 块有问题"),
        (
            "block 3: 17 of 4096 bytes; bad blocks: 1 of 9",
            "第 3 块：只有 17 字节，应为 4096 字节；共 9 块，其中 1 块有问题",
        ),
        (
            "5 bytes; no object of a package has such a name; move it out of the store",
            "5 字节；信息包的对象没有这样的名称；请将其移出该存储",
        ),
        ("No such file or directory", "没有此文件或文件夹"),
        ("a named pipe", "命名管道"),
    ],
)
def test_what_is_kept_in_english_is_said_in_chinese(kept: str, shown: str) -> None:
    assert CHINESE.resaid(kept) == shown
    assert voices.english().resaid(kept) == kept


def test_an_error_in_an_error_in_a_finding_is_said_in_chinese() -> None:
    inner = Unavailable("store {store}: {key} does not come whole ({why})", store="far", key="a/b", why="Broken pipe")
    kept = str(Unavailable("store {store} answers, and does not give {key}: {why}", store="far", key="a/b", why=inner))
    assert CHINESE.resaid(kept) == "存储 far 有应答，但给不出 a/b：存储 far：a/b 未能完整读出（管道已断开）"


@pytest.mark.parametrize("foreign", ["", "45cf2418", "Zertifikat abgelaufen", "packages/aa/x/bag.tar", "x" * 5000])
def test_what_is_not_ours_stays_as_it_is(foreign: str) -> None:
    assert CHINESE.resaid(foreign) == foreign


def test_names_are_never_translated() -> None:
    refused = Refused("there is no store {store} in the books", store="nothing")
    assert CHINESE.error_said(refused) == "账册中没有存储 nothing"


def test_reasons_of_the_system_are_told_by_number() -> None:
    error = PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/x")
    assert CHINESE.shown(error) == "权限不足"
    assert CHINESE.resaid(os.strerror(errno.ENOTUNIQ)) == os.strerror(errno.ENOTUNIQ)


def test_every_act_on_a_site_has_its_chinese() -> None:
    acts = {
        act for path in STORES.glob("s3*.py") for act in re.findall(r'translated\([^"()]*"([^"]+)"', path.read_text())
    }
    assert acts and acts <= ACTS


def test_one_thing_is_not_several() -> None:
    english = voices.english()
    assert english.counted("{count} file", "{count} files", 1) == "1 file"
    assert english.counted("{count} file", "{count} files", 0) == "0 files"
    assert CHINESE.counted("{count} file", "{count} files", 1) == "1 个文件"
