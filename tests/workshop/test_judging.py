"""Does the workshop tell truly what it looked at, and does a file that breaks it spoil none but itself?"""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pikepdf
import pytest
from PIL import Image

from preserve.formats import judging
from preserve.formats.measuring import letters, pages, worker
from preserve.formats.measuring.letters import Answer, Job, Judge, Said
from preserve.formats.measuring.picture_faces import picture_faces
from preserve.formats.measuring.side import Side
from preserve.formats.workshop import SandboxedWorkshop
from preserve.model.formats.file_results import Opinion, Picture
from preserve.model.formats.pathways import Check, PathwayValidator
from preserve.model.formats.properties import Measured, PageFace, Property
from preserve.processes import end_self_after, run_apart
from preserve.workshop import ToJudge
from tests.formats.converters import require
from tests.pathways.damages import FAITHFUL
from tests.workshop.bench import Bench

PAGE = b"BT /F1 14 Tf 40 %d Td (%s) Tj ET"


def a_pdf(path: Path, *texts: str) -> Path:
    """A PDF with a page for each text."""
    with pikepdf.new() as pdf:
        font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        for text in texts:
            page = pdf.add_blank_page(page_size=(400, 300))
            page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
            lines = [PAGE % (260 - 24 * number, line.encode()) for number, line in enumerate(text.split("\n"))]
            page.Contents = pdf.make_stream(b"\n".join(lines))
        pdf.save(path, compress_streams=False)
    return path


LINES = ["\n".join(f"{word} number {each} of the list" for each in range(9)) for word in ("Alpha", "Beta", "Gamma")]


def test_a_faithful_result_goes_through_and_pages_that_differ_are_shown(bench: Bench, tmp_path: Path) -> None:
    require("gs", "qpdf", "pdftotext")
    file = bench.file(a_pdf(tmp_path / "a.pdf", *LINES), ".pdf", "fmt/18")
    (outcome,) = bench.convert("pdf-to-pdfa2b", [file])
    swapped = file.into / "swapped.pdf"
    with pikepdf.open(file.into / "document.pdf") as pdf:
        pdf.pages.append(pdf.pages[0])
        del pdf.pages[0]
        pdf.save(swapped)
    sound, other = bench.judge("pdf-to-pdfa2b", [(file, outcome.files), (file, ["swapped.pdf"])])
    assert [(each.program, each.opinion) for each in sound.validated] == [
        ("qpdf", Opinion.SOUND), ("preserve", Opinion.SOUND)
    ]  # fmt: skip
    assert sound.before.values[Property.PAGES] == sound.after.values[Property.PAGES] == 3
    faces = sound.after.values[Property.PAGE_FACES]
    assert isinstance(faces, tuple) and all(isinstance(each, PageFace) and (each.likeness or 0) > 800 for each in faces)
    changed = other.after.values[Property.PAGE_FACES]
    assert isinstance(changed, tuple) and all(
        isinstance(each, PageFace) and (each.likeness or 0) < 700 for each in changed
    )
    assert len(other.pictures) == 3
    folder = file.into.with_name(f"{file.into.name}-pictures")
    assert all(
        (folder / name).read_bytes().startswith(b"\x89PNG")
        for each in other.pictures
        for name in (each.before, each.after)
    )


def test_what_is_no_pdf_is_neither_validated_nor_measured(bench: Bench, tmp_path: Path) -> None:
    require("qpdf")
    file = bench.file(a_pdf(tmp_path / "a.pdf", "one"), ".pdf", "fmt/18")
    (file.into / "document.pdf").write_bytes(b"%PDF-1.4 no more than that")
    (judged,) = bench.judge("pdf-to-pdfa2b", [(file, ["document.pdf"])])
    assert [each.opinion for each in judged.validated] == [Opinion.UNSOUND, Opinion.UNSOUND]
    assert judged.after.failed[Property.PAGES] == "QPDF does not open it"
    assert judged.after.failed[Property.PAGE_FACES] == pages.UNREADABLE
    assert Property.PAGES in judged.before.values


def test_a_validator_that_is_not_here_is_not_asked_and_an_optional_one_is_not_missed(
    bench: Bench, tmp_path: Path
) -> None:
    require("qpdf")
    pathway = bench.pathways["pdf-to-pdfa2b"]
    words = pathway.validators[0].proves
    nowhere = PathwayValidator("verapdf", ("verapdf-that-is-not-here", "{input}"), words)
    file = bench.file(a_pdf(tmp_path / "a.pdf", "one"), ".pdf", "fmt/18")
    a_pdf(file.into / "document.pdf", "one")
    named = replace(pathway, validators=(*pathway.validators, nowhere))
    (missed,) = bench.judge(named, [(file, ["document.pdf"])])
    assert [each.opinion for each in missed.validated] == [Opinion.SOUND, Opinion.UNSOUND, Opinion.NOT_ASKED]
    assert named.programs[-1] == "verapdf"
    welcome = replace(pathway, validators=(*pathway.validators, replace(nowhere, is_optional=True)))
    (judged,) = bench.judge(welcome, [(file, ["document.pdf"])])
    assert [each.program for each in judged.validated] == ["qpdf", "preserve"]
    assert (welcome.programs, welcome.welcome) == (pathway.programs, ("verapdf",))


@pytest.mark.parametrize(
    ("harm", "is_measured"),
    [("sleep 60", True), ("kill -9 $PPID", False)],
    ids=["a validator that hangs", "what measures is killed"],
)
def test_a_file_that_breaks_what_judges_it_spoils_no_other(
    bench: Bench, tmp_path: Path, harm: str, is_measured: bool
) -> None:
    require("pdftotext")
    pathway = bench.pathways["pdf-to-pdfa2b"]
    command = ("sh", "-c", f"if grep -q bad $0; then {harm}; fi", "{input}")
    harmed = PathwayValidator("qpdf", command, pathway.validators[0].proves)
    impatient = replace(pathway, tool=replace(pathway.tool, most_seconds=2), validators=(harmed,))
    files = []
    for number, text in enumerate(["one", "bad", "three"]):
        file = bench.file(a_pdf(tmp_path / f"{number}.pdf", "one"), ".pdf", "fmt/18")
        a_pdf(file.into / "document.pdf", text)
        files.append((file, ["document.pdf"]))
    first, second, third = bench.judge(impatient, files)
    assert [each.validated[0].opinion for each in (first, second, third)] == [
        Opinion.SOUND, Opinion.NOT_ASKED, Opinion.SOUND
    ]  # fmt: skip
    assert (Property.TEXT in second.before.values) is is_measured
    assert is_measured or second.before.failed[Property.TEXT].startswith(judging.BROKE_DOWN)
    assert Property.TEXT in third.after.values


def test_a_text_that_breaks_the_process_that_reads_many_spoils_no_other(bench: Bench, tmp_path: Path) -> None:
    require("iconv")
    pathway = bench.pathways["text-gb18030-to-utf8"]
    command = ("sh", "-c", "if grep -q bad $0; then kill -9 $PPID; fi", "{input}")
    harmed = replace(pathway, validators=(PathwayValidator("iconv", command, pathway.validators[0].proves),))
    files = []
    for number, text in enumerate(["one", "bad", "bad", "four"]):
        (tmp_path / f"{number}.txt").write_text(text)
        file = bench.file(tmp_path / f"{number}.txt", ".txt", "x-fmt/111")
        (file.into / "document.txt").write_text(text)
        files.append((file, ["document.txt"]))
    judged = bench.judge(harmed, files)
    assert [each.validated[0].opinion for each in judged] == [
        Opinion.SOUND, Opinion.NOT_ASKED, Opinion.NOT_ASKED, Opinion.SOUND
    ]  # fmt: skip
    assert [Property.TEXT in each.after.values for each in judged] == [True, False, False, True]


def test_answers_that_are_too_long_together_are_asked_for_one_by_one_and_one_that_is_by_itself_is_none(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require("iconv")
    monkeypatch.setattr(judging, "ANSWER_BYTES", 300_000)
    files = []
    for number, size in enumerate([100_000, 100_000, 200_000]):
        (tmp_path / f"{number}.txt").write_text(f"{number}" * size)
        file = bench.file(tmp_path / f"{number}.txt", ".txt", "x-fmt/111")
        (file.into / "document.txt").write_text(f"{number}" * size)
        files.append((file, ["document.txt"]))
    first, second, third = bench.judge("text-gb18030-to-utf8", files)
    assert [each.after.values[Property.TEXT] for each in (first, second)] == ["0" * 100_000, "1" * 100_000]
    assert third.after.failed[Property.TEXT] == judging.TOO_LONG
    assert not [path for path in bench.scratch.iterdir() if path.name.startswith("tmp")]


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning", "error::ResourceWarning")
def test_who_asks_no_more_leaves_no_answers_behind_for_chance_to_clear_up(bench: Bench, tmp_path: Path) -> None:
    require("iconv")
    one_by_one = SandboxedWorkshop(bench.scratch, {}, {}, batch=1)
    pathway, asked = bench.pathways["text-gb18030-to-utf8"], []
    for number in range(3):
        (tmp_path / f"{number}.txt").write_text("text")
        file = bench.file(tmp_path / f"{number}.txt", ".txt", "x-fmt/111")
        (file.into / "document.txt").write_text("text")
        asked.append(ToJudge(file, ("document.txt",), tmp_path))
    with closing(one_by_one.judge(pathway, asked)) as judged:
        next(judged)
    assert not [path for path in bench.scratch.iterdir() if path.name.startswith("tmp")]


@pytest.mark.parametrize("ending", [".txt", ".xyz"], ids=["in one process", "in a process for each"])
def test_each_file_of_an_order_is_answered_once(tmp_path: Path, ending: str) -> None:
    judge = Judge(None, ("sh", "-c", f"echo >> {tmp_path}/calls", "{input}"), ())
    sides = [Side((Path(f"{number}{ending}"),), ending, "") for number in range(5)]
    jobs = [Job(side, replace(side, origin=ending), (), (judge,), 0, 5.0) for side in sides]
    for side in sides:
        (tmp_path / side.files[0]).write_text("a")
    (tmp_path / "order.json").write_text(letters.order_text(jobs))
    out = tmp_path / "out"
    out.mkdir()
    worker.main(tmp_path / "order.json", out)
    assert sorted(path.name for path in out.iterdir()) == [f"{number}.json" for number in range(1, 6)]
    assert len((tmp_path / "calls").read_text()) == 5


@pytest.mark.parametrize(
    ("texts", "is_sound", "calls"),
    [(["one", "two", "three"], True, 1), (["one", "bad", "three"], False, 4), (["one", "talk", "three"], False, 4)],
)
def test_a_validator_that_takes_several_is_started_once_unless_it_has_anything_to_say(
    tmp_path: Path, texts: list[str], is_sound: bool, calls: int
) -> None:
    script = f'echo >> {tmp_path}/calls; grep -q talk "$@" && echo 1; ! grep -q bad "$@"'
    judge = Judge(None, ("sh", "-c", script, "sh", "{inputs}"), (".txt",))
    jobs = []
    for number, text in enumerate(texts):
        made = (tmp_path / f"{number}.txt", tmp_path / f"{number}.csv")
        made[0].write_text(text)
        side = Side(made, ".txt", "x-fmt/111")
        jobs.append((number, Job(side, replace(side, origin=".txt"), (), (judge,), 0, 5.0)))
    sound = worker.heard_together([job for _, job in jobs])
    assert (judge in sound) is is_sound
    for number, job in jobs:
        worker.write(tmp_path, number, job, sound)
    answers = [letters.read_answer(worker.answer_of(tmp_path, number).read_text()) for number, _ in jobs]
    assert [each.said[0].opinion is Opinion.SOUND for each in answers] == [text != "bad" for text in texts]
    assert len((tmp_path / "calls").read_text()) == calls


def test_a_process_that_reads_many_ends_when_one_takes_too_long() -> None:
    def read() -> None:
        end_self_after(60.0)
        end_self_after(0.05)
        signal.pause()

    assert not run_apart(read, 60.0)


def test_a_result_that_a_validator_does_not_look_at_is_not_sound_among_others(tmp_path: Path) -> None:
    judge = Judge(None, ("true", "{inputs}"), (".txt",))
    sides = [Side((tmp_path / name,), ".txt", "") for name in ("a.txt", "b.csv")]
    assert worker.heard_together([Job(side, side, (), (judge,), 0, 5.0) for side in sides]) == frozenset()


def test_an_answer_comes_back_as_it_was_sent() -> None:
    values = {name: value for name, value in FAITHFUL.items() if name is Property.TEXT or not name.measure.is_of_text}
    answer = Answer(
        Measured({**values, Property.TEXT: "档\ud800"}, {Property.NUMERALS: "why"}),
        Measured({Property.PAGE_FACES: (PageFace(1, None),)}, {}),
        (Said(Opinion.UNSOUND, "no"),),
        (Picture(3, "a.png", "", 1000), Picture(1, "b.png", "c.png")),
    )
    back = letters.read_answer(letters.answer_text(answer))
    assert back == replace(answer, before=Measured({**values, Property.TEXT: "档\ufffd"}, answer.before.failed))


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", "[" * 100_000,
        '{"before":{"values":{"pages":"3"},"failed":{}},"after":{"values":{},"failed":{}},"said":[],"pictures":[]}',
        '{"before":{"values":{"nonsense":3},"failed":{}},"after":{"values":{},"failed":{}},"said":[],"pictures":[]}',
        '{"before":{"values":{"fonts":[3]},"failed":{}},"after":{"values":{},"failed":{}},"said":[],"pictures":[]}',
        '{"before":{"values":{"times":{"a":"soon"}},"failed":{}},"after":{"values":{},"failed":{}},"said":[],"pictures":[]}',
        '{"before":{"values":{},"failed":{}},"after":{"values":{},"failed":{}},"said":["sound"],"pictures":[]}',
    ],
)  # fmt: skip
def test_what_is_no_answer_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"worker|JSON|Expecting|valid|many values"):
        letters.read_answer(text)


def test_an_order_comes_over_as_it_was_meant(tmp_path: Path) -> None:
    side = Side((Path("2.doc"),), ".doc", "fmt/40", Path("3.pdf"), ("gb18030",))
    job = Job(
        side, replace(side, rendition=None), (Property.TEXT,), (Judge(Check.UTF_8, ()), Judge(None, ("a",))), 3, 9.0,
        shows_alike=True,
    )  # fmt: skip
    (read,) = letters.read_order(letters.order_text([job]), tmp_path)
    assert read.before == replace(side, files=(tmp_path / "2.doc",), rendition=tmp_path / "3.pdf")
    assert (read.after.rendition, read.wanted, read.judges) == (None, job.wanted, job.judges)
    assert read.shows_alike


def test_a_file_that_nobody_measures_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_text("a")
    told = worker.measured(None, Side((tmp_path / "a.xyz",), ".xyz", ""), frozenset({Property.TEXT}))
    assert told == Measured({}, {Property.TEXT: worker.NOBODY})


def paper(value: int = 255) -> pages.Drawn:
    return np.full((200, 160, 3), value, np.uint8)


def written(rows: range) -> pages.Drawn:
    page = paper()
    for row in rows:
        page[row * 12 : row * 12 + 6, 10 : 150 - row % 5 * 9 : 2] = 0
    return page


def pictured(blue: int, green: int, red: int) -> pages.Drawn:
    """A page of text with a small picture, which is a hundredth of it."""
    page = written(range(1, 10))
    page[150:174, 20:44] = (blue, green, red)
    return page


@pytest.mark.parametrize(
    ("one", "two", "least", "most"),
    [
        (paper, paper, 1000, 1000),
        (lambda: written(range(1, 15)), lambda: written(range(1, 15)), 1000, 1000),
        (lambda: written(range(1, 15)), paper, 0, 50),
        (lambda: written(range(1, 4)), lambda: written(range(8, 11)), 0, 100),
        (lambda: written(range(1, 4)), lambda: written(range(1, 4))[:150], 990, 1000),
        (lambda: written(range(1, 15)), lambda: 255 - written(range(1, 15)), 0, 300),
    ],
)
def test_pages_are_as_like_as_what_is_written_on_them(
    one: Callable[[], pages.Drawn], two: Callable[[], pages.Drawn], least: int, most: int
) -> None:
    assert least <= pages.likeness(one(), two()) <= most


@pytest.mark.parametrize("other", [(40, 40, 200), (90, 90, 90), (255, 255, 255)])
def test_a_picture_is_held_against_its_like_by_itself(other: tuple[int, int, int]) -> None:
    """Green becomes red, grey of the same lightness, or nothing; the page as a whole looks much the same."""
    box = (20, 150, 44, 174)
    one = pictured(40, 110, 40)
    assert pages.likeness(one, pictured(*other)) > 850
    assert pages.likeness(one, pictured(*other), [box]) < 700
    assert pages.likeness(one, pictured(44, 112, 40), [box]) > 900


def test_ink_is_what_is_not_paper() -> None:
    dotted = paper()
    dotted[0, 0] = 0
    assert [pages.ink(each) for each in (paper(), paper(250), dotted, paper(0))] == [0, 0, 1, 1000]


def test_a_page_that_nobody_can_draw_is_like_none(tmp_path: Path) -> None:
    """PDFium says that there are two pages, and loads one."""
    files = [a_pdf(tmp_path / f"{number}.pdf", "one", "two") for number in range(2)]
    for file in files:
        file.write_bytes(file.read_bytes().replace(b"4 0 R ]", b"9 0 R ]"))
    found = pages.faces_of(files[0], files[1], tmp_path, "1-", 0)
    assert isinstance(found.after, tuple) and [each.likeness for each in found.after] == [1000, 0]


def test_of_pages_that_differ_and_of_others_the_first_and_the_last_are_drawn_up_to_as_many_as_are_wanted() -> None:
    unlike = [0, 30, 9, 700, 0]
    assert pages.pages_to_show(unlike, 4, shows_alike=False) == [3, 1]
    assert pages.pages_to_show(unlike, 4, shows_alike=True) == [3, 1, 0, 4]
    assert pages.pages_to_show(unlike, 1, shows_alike=True) == [3]
    assert pages.pages_to_show([0] * 3, 9, shows_alike=True) == [0, 2, 1]


def test_pages_that_are_alike_are_drawn_where_people_want_to_see_it(tmp_path: Path) -> None:
    files = [a_pdf(tmp_path / f"{number}.pdf", "one", "two", "three") for number in range(2)]
    assert pages.faces_of(files[0], files[1], tmp_path, "1-", 2).pictures == ()
    found = pages.faces_of(files[0], files[1], tmp_path, "1-", 2, shows_alike=True)
    assert [(each.page, each.unlike) for each in found.pictures] == [(1, 0), (3, 0)]
    with Image.open(tmp_path / found.pictures[0].before) as drawn:
        assert max(drawn.size) == pages.ALIKE_PIXELS


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "I;16", "P", "CMYK", "F"])
def test_scans_are_drawn_side_by_side_whatever_their_colours(tmp_path: Path, mode: str) -> None:
    """Pages of one TIFF against a file for each page; one that is missing has no picture."""
    grey = Image.linear_gradient("L").resize((900, 700)).convert("RGB")
    deep = Image.fromarray(np.arange(900 * 700, dtype=np.uint16).reshape(700, 900))
    scan = deep if mode == "I;16" else grey.convert(mode)
    file = tmp_path / "a.tif"
    scan.save(file, save_all=True, append_images=[scan])
    (tmp_path / "1.png").write_bytes(b"no picture")
    alone = tmp_path / "2.tif"
    scan.save(alone)
    before = Side((file,), ".tif", "fmt/353")
    found = picture_faces(before, Side((alone,), ".tif", "fmt/353", origin=".tif"), tmp_path, "1-", 3)
    assert [(each.page, bool(each.after), each.unlike) for each in found] == [(1, True, 0), (2, False, 1000)]
    broken = picture_faces(before, Side((tmp_path / "1.png",), ".png", "fmt/11", origin=".tif"), tmp_path, "2-", 1)
    assert [(each.before, each.after) for each in broken] == [("2-page-1-before.png", "")]
    with Image.open(tmp_path / "1-page-1-before.png") as drawn:
        assert drawn.size == (600, 467)
        assert len(drawn.getcolors() or []) > 1


@pytest.mark.parametrize("name", ["1-page-1-before.png", "2-page-1-before.png", "1-../a.png", f"1-{'a' * 300}.png"])
def test_only_a_picture_of_the_job_is_taken(tmp_path: Path, name: str) -> None:
    into = tmp_path / "into"
    into.mkdir()
    (tmp_path / "1-page-1-before.png").write_bytes(b"a")
    if name == "1-page-1-before.png":
        assert judging.taken(tmp_path, name, 1, into) == "page-1-before.png"
    else:
        with pytest.raises(ValueError, match="no picture"):
            judging.taken(tmp_path, name, 1, into)


def test_a_text_is_sound_only_if_every_byte_of_it_is(bench: Bench, tmp_path: Path) -> None:
    require("iconv")
    source = tmp_path / "a.txt"
    source.write_bytes("档案".encode("gb18030") * 300_000)
    file = bench.file(source, ".txt", "x-fmt/111")
    (outcome,) = bench.convert("text-gb18030-to-utf8", [file])
    cut = file.into / "cut.txt"
    cut.write_bytes((file.into / "document.txt").read_bytes()[:-1])
    whole, torn = bench.judge("text-gb18030-to-utf8", [(file, outcome.files), (file, ["cut.txt"])])
    assert [each.validated[0].opinion for each in (whole, torn)] == [Opinion.SOUND, Opinion.UNSOUND]
    assert "incomplete character" in torn.validated[0].text


def test_an_answer_that_is_none_is_told_as_that_and_not_as_a_file_that_broke_the_worker(
    bench: Bench, tmp_path: Path
) -> None:
    require("pdftotext")
    file = bench.file(a_pdf(tmp_path / "1.pdf", "one"), ".pdf", "fmt/18")
    out = tmp_path / "out"
    out.mkdir()
    asked = ToJudge(file, ("document.pdf",), tmp_path, 3)
    assert judging._answer(out, 1, asked, 1, "it broke") == "it broke"
    (out / "1.json").write_text("no JSON", encoding="utf-8")
    told = judging._answer(out, 1, asked, 1, "it broke")
    assert isinstance(told, str)
    assert told.startswith("what measures gave an answer that is none: ")
