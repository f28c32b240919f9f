"""Do texts, mail and tables come over whole, is every harm to a result noticed, and does hostile input only fail?"""

from __future__ import annotations

import shutil
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from preserve.formats.converters.ofd import content_parts
from preserve.model.formats.file_results import FileFate, Opinion
from preserve.model.formats.losses import FileVerdict
from preserve.model.formats.properties import Property
from preserve.model.formats.tool_runs import Result
from preserve.settings.shipped import pathway_folders
from preserve.workshop import ToConvert
from tests.formats.converters import require
from tests.mutants.trials import samples_of
from tests.workshop.bench import Bench, Passed

FOLDERS = {each.name: each / "samples" for each in pathway_folders()}
PUIDS = {
    ".dbf": "x-fmt/271", ".eml": "fmt/278", ".mbox": "fmt/720", ".msg": "x-fmt/430", ".ofd": "preserve/ofd-1",
    ".txt": "x-fmt/111",
}  # fmt: skip
TEXT_PATHWAYS = ("text-gb18030-to-utf8", "text-big5-to-utf8", "text-big5hkscs-to-utf8")
PATHWAYS = (*TEXT_PATHWAYS, "eml-kept", "mbox-to-eml", "msg-to-eml", "dbase-to-csv", "dbase-big5-to-csv", "ofd-to-text")
TOOLS = ("iconv", "mlr", "perl")


def brought(bench: Bench, path: Path) -> ToConvert:
    return bench.file(path, path.suffix, PUIDS[path.suffix])


def through(bench: Bench, pathway: str, paths: Sequence[Path]) -> list[Passed]:
    return bench.through(pathway, [brought(bench, path) for path in paths])


@pytest.mark.parametrize("pathway", PATHWAYS)
def test_each_sample_comes_over_whole(bench: Bench, pathway: str) -> None:
    require(*TOOLS)
    paths = samples_of(pathway)
    passed = through(bench, pathway, paths)
    assert [each.file.path for each in passed] == paths
    assert [(each.fate, each.stopping) for each in passed] == [(FileFate.CONVERTED, {})] * len(paths)
    assert {each.verdict for each in passed} == {FileVerdict.EQUAL}
    judges = {(each.program, each.opinion) for one in passed for each in one.judged.validated}
    assert len(judges) == 1 and judges < {(name, Opinion.SOUND) for name in ("iconv", "email-mime", "miller")}


def test_a_text_in_another_encoding_than_was_confirmed_is_stopped_and_the_right_one_named(
    bench: Bench, tmp_path: Path
) -> None:
    """Both conversions back give the very bytes of the original: nothing but the encoding tells."""
    require("iconv")
    traditional = (FOLDERS["text-big5-to-utf8"] / "notice.txt").read_bytes().decode("cp950")
    simplified = (FOLDERS["text-gb18030-to-utf8"] / "notice.txt").read_bytes().decode("gb18030")
    told = {}
    for pathway, text, encoding in (
        ("text-gb18030-to-utf8", traditional, "cp950"),
        ("text-gb18030-to-utf8", simplified, "utf-8"),
        ("text-gb18030-to-utf8", "これは日本語の文書です。報告書を提出しなければならない。", "shift_jis"),
        ("text-big5-to-utf8", simplified, "gb18030"),
    ):
        path = tmp_path / f"{pathway}-{encoding}.txt"
        path.write_bytes(text.encode(encoding))
        (passed,) = through(bench, pathway, [path])
        assert passed.fate is FileFate.STOPPED
        told[pathway, encoding] = passed.judged.before.values[Property.ENCODING]
    assert list(told.values()) == ["big5", "utf-8", "shift_jis", "gb18030"]


def test_bytes_that_mean_nothing_are_listed_one_by_one_and_stop_the_text(bench: Bench, tmp_path: Path) -> None:
    require("iconv")
    path = tmp_path / "bad.txt"
    path.write_bytes("关于报送年报的通知，各单位须按时报送。\n".encode("gbk") * 3 + b"\xff\x80\n")
    (passed,) = through(bench, "text-gb18030-to-utf8", [path])
    assert passed.fate is FileFate.STOPPED
    (risk,) = (each for each in passed.risks if each.what is Property.UNMAPPED)
    assert [(each.where, each.before, each.after) for each in risk.places] == [
        ("byte 117, line 4", "FF", "\ufffd U+FFFD (none)"),
        ("byte 118, line 4", "80", "\ufffd U+FFFD (none)"),
    ]
    assert "117,4,FF,\ufffd,U+FFFD,none\r\n" in (passed.file.into / "document.txt-unmapped.csv").read_bytes().decode()


def test_messages_keep_their_bytes_and_attachments_are_named_with_their_formats(bench: Bench) -> None:
    require(*TOOLS)
    (passed,) = through(bench, "mbox-to-eml", samples_of("mbox-to-eml"))
    listed = (passed.file.into / "document-attachments.csv").read_text("utf-8").splitlines()
    assert [line.split(",")[2:4] + line.split(",")[6:7] for line in listed[1:]] == [
        ["报表1.txt", "application/octet-stream", "x-fmt/111"],
        ["table3.txt", "application/octet-stream", "x-fmt/111"],
        ["signature.asc", "application/pgp-signature", "UNKNOWN"],
    ]
    original = samples_of("mbox-to-eml")[0].read_bytes()
    signed = (passed.file.into / "document-000004.eml").read_bytes()
    assert signed in original and signed.startswith(b"From: Ann")
    assert passed.judged.before.values[Property.SIGNATURES] == ("4 application/pgp-signature",)


def test_what_is_called_like_structure_and_is_none_is_taken_out_of_an_ofd_document(tmp_path: Path) -> None:
    path = tmp_path / "annotated.ofd"
    path.write_bytes(_sample("ofd-to-text", "notice.ofd"))
    within = b'<ofd:PageAnnot xmlns:ofd="http://www.ofdspec.org/2016"><ofd:Annot ID="9"/></ofd:PageAnnot>'
    names = ["Doc_0/Annots/Annot.xml", "Doc_0/Attachs/Content.xml", "Doc_0/Attachs/Page.xml"]
    with zipfile.ZipFile(path, "a") as package:
        for name, content in zip(names, (within, b"<budget>1280</budget>", b"no XML"), strict=True):
            package.writestr(name, content)
        assert [each.filename for each in content_parts(package)][-3:] == names


def test_values_that_are_not_what_their_column_says_come_over_as_they_stand(bench: Bench, tmp_path: Path) -> None:
    require("mlr")
    rows = (b"   1280.50", b"20030214"), (b"       n/a", b"20031399"), (b"          ", b"20030231")
    fields = b"".join(
        struct.pack("<11sc4xBB14x", name, type_, width, decimals)
        for name, type_, width, decimals in ((b"PAY", b"N", 10, 2), (b"DAY", b"D", 8, 0))
    )
    head = struct.pack("<B3xIHH17xB2x", 3, len(rows), 32 + len(fields) + 1, 19, 0x4D)
    table = tmp_path / "1.dbf"
    table.write_bytes(head + fields + b"\r" + b"".join(b" " + pay + day for pay, day in rows) + b"\x1a")
    (passed,) = through(bench, "dbase-to-csv", [table])
    assert (passed.fate, passed.stopping) == (FileFate.CONVERTED, {})
    (made,) = (each for each in passed.made if each.suffix == ".csv")
    assert made.read_text("utf-8").splitlines()[1:] == ["1280.50,2003-02-14", "n/a,20031399", ",20030231"]


HOSTILE: Mapping[str, tuple[str, Callable[[Path], object]]] = {
    "a table cut off": (".dbf", lambda path: path.write_bytes(_sample("dbase-to-csv", "staff.dbf")[:300])),
    "a head that promises a billion rows": (".dbf", lambda path: path.write_bytes(_promising(10**9))),
    "a table without its memo": (".dbf", lambda path: path.write_bytes(_sample("dbase-to-csv", "staff.dbf"))),
    "noise": (".dbf", lambda path: path.write_bytes(bytes(range(256)) * 40)),
}


def _sample(pathway: str, name: str) -> bytes:
    return (FOLDERS[pathway] / name).read_bytes()


def _promising(rows: int) -> bytes:
    data = bytearray(_sample("dbase-to-csv", "staff.dbf"))
    data[4:8] = struct.pack("<I", rows)
    return bytes(data)


def test_hostile_tables_fail_with_a_reason_and_the_others_go_on(bench: Bench, tmp_path: Path) -> None:
    require("mlr")
    paths = [FOLDERS["dbase-to-csv"] / "staff.dbf"]
    for number, (ending, make) in enumerate(HOSTILE.values()):
        paths.append(tmp_path / f"{number}{ending}")
        make(paths[-1])
    outcomes = bench.convert("dbase-to-csv", [brought(bench, path) for path in paths])
    assert [each.result for each in outcomes] == [Result.CONVERTED, *[Result.FAILED] * len(HOSTILE)]
    assert [each.evidence.complaints.strip().rpartition("\n")[2] for each in outcomes[1:]] == [
        "the table is cut off: its head says 4 rows, and it holds 1",
        "the table is cut off: its head says 1000000000 rows, and it holds 4",
        "the table has memo columns, and no memo file (.dbt, .fpt) lies beside it under the same name",
        "it is no dBase table, or one of a version that is not read here",
    ]


def test_hostile_mail_fails_with_a_reason_or_is_kept_byte_by_byte_and_the_others_go_on(
    bench: Bench, tmp_path: Path
) -> None:
    require("perl")
    head = b"From a@b.c Fri Feb 14 09:30:00 2003\nFrom: a@b.c\nDate: Fri, 14 Feb 2003 09:30:00 +0000\nSubject: x\n"
    parts = b'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n\n' + b"--b\n\nx\n" * 20_000 + b"--b--\n"
    nested = b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (depth, depth) for depth in range(3000)
    )
    climbing = (
        b'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\nhello\n--b\n'
        b'Content-Disposition: attachment; filename="../../../etc/passwd"\n\nroot\n--b--\n'
    )
    paths = []
    for number, body in enumerate((parts, nested, climbing)):
        paths.append(tmp_path / f"{number}.mbox")
        paths[-1].write_bytes(head + body)
    paths.append(tmp_path / "none.mbox")
    paths[-1].write_bytes(b"no mailbox\n")
    files = [brought(bench, path) for path in paths]
    outcomes = bench.convert("mbox-to-eml", files)
    failed, converted = Result.FAILED, Result.CONVERTED
    assert [each.result for each in outcomes] == [failed, failed, converted, failed]
    assert "more parts than any honest one" in outcomes[0].evidence.complaints
    assert b"passwd" in (files[2].into / "document-attachments.csv").read_bytes()
    assert not (files[2].into / "passwd").exists()


def test_a_package_that_grows_beyond_bounds_is_refused_and_its_names_lead_nowhere(bench: Bench, tmp_path: Path) -> None:
    require("iconv")
    sample = samples_of("ofd-to-text")[0]
    paths = [tmp_path / name for name in ("bomb.ofd", "climbing.ofd", "cut.ofd")]
    for path in paths[:2]:
        shutil.copyfile(sample, path)
    with zipfile.ZipFile(paths[0], "a", zipfile.ZIP_DEFLATED) as package:
        package.writestr("Doc_0/Res/zeros.bin", bytes(2**20))
        package.filelist[-1].file_size = 2**31
    with zipfile.ZipFile(paths[1], "a") as package:
        package.writestr("../../../tmp/climbed.txt", "outside")
    paths[2].write_bytes(sample.read_bytes()[:700])
    files = [brought(bench, path) for path in paths]
    outcomes = bench.convert("ofd-to-text", files)
    assert [each.result for each in outcomes] == [Result.FAILED, Result.CONVERTED, Result.FAILED]
    assert "more files, or larger ones" in outcomes[0].evidence.complaints
    assert b"outside" in (files[1].into / "document.txt-part-0003.txt").read_bytes()


@pytest.mark.parametrize("name", ["Inbox", "one.eml", "1234.host:2,S"])
@pytest.mark.parametrize("pathway", ["mbox-to-eml", "eml-kept"])
def test_mail_is_read_as_what_it_is_whatever_it_is_called(
    bench: Bench, tmp_path: Path, pathway: str, name: str
) -> None:
    """The ending alone was asked: a mailbox without any was held against its first message, and stopped."""
    require("perl")
    sample = samples_of(pathway)[0]
    path = tmp_path / name
    shutil.copyfile(sample, path)
    (passed,) = bench.through(pathway, [bench.file(path, path.suffix.lower(), PUIDS[sample.suffix])])
    assert passed.fate is FileFate.CONVERTED, passed.why


def test_a_text_without_an_ending_comes_over_whole(bench: Bench, tmp_path: Path) -> None:
    require("iconv")
    path = tmp_path / "README"
    shutil.copyfile(samples_of("text-gb18030-to-utf8")[0], path)
    (passed,) = bench.through("text-gb18030-to-utf8", [bench.file(path, "", PUIDS[".txt"])])
    assert passed.fate is FileFate.CONVERTED, passed.why


def test_a_kept_message_is_its_copy_with_a_list_beside_and_a_line_end_changed_stops_it(bench: Bench) -> None:
    require("perl")
    (letter,) = (each for each in samples_of("eml-kept") if each.name == "transfer.eml")
    (passed,) = through(bench, "eml-kept", [letter])
    assert (passed.fate, passed.verdict) == (FileFate.CONVERTED, FileVerdict.EQUAL)
    copy = passed.file.into / "document.eml"
    assert copy.read_bytes() == letter.read_bytes()
    listed = (passed.file.into / "document-attachments.csv").read_text(encoding="utf-8")
    assert "fmt/40" in listed and "规定.doc" in listed
    copy.write_bytes(copy.read_bytes().replace(b"\n", b"\r\n", 1))
    (judged,) = bench.judged(bench.pathways["eml-kept"], [(passed.file, passed.outcome)])
    assert set(judged.stopping) == {Property.BYTES_BACK}
