"""Records of the size that archives have, made anew each time: what judging costs is told by them, not by samples."""

from __future__ import annotations

import struct
import subprocess
import wave
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

SEED = 7
SOUND_SECONDS, SOUND_RATE = 600, 44_100
VIDEO_SECONDS = 10
"""A minute takes six times as long on both sides: FFV1 has no other start."""
SCAN_PIXELS = (5000, 8000)
SCAN_DOTS = 400
PAGES, LINES_A_PAGE = 30, 40
SHEET_ROWS, TABLE_ROWS, SLIDES = 5000, 50_000, 30
TEXT_BYTES = 2_000_000
_WORDS = (
    "关于", "加强", "档案", "管理", "工作", "通知", "各", "单位", "应当", "按照", "规定", "于", "每年", "移交", "电子",
    "文件", "保管", "期限", "永久", "三十年", "附件", "目录", "审核", "责任", "人员", "数据", "备份",
    "介质", "检测", "报告",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Record:
    """A file as an archive may have it: its name, how large it is, and what makes it."""

    name: str
    size: str
    make: Callable[[Path], None]


def _sentences(random: Random) -> Iterator[str]:
    while True:
        words = "".join(random.choices(_WORDS, k=random.randint(8, 16)))
        yield f"{words}{random.randint(1, 9999)}件，{random.randint(1990, 2024)}年{random.randint(1, 12)}月。"


def wav(into: Path) -> None:
    """Ten minutes in stereo: tones that wander, with noise as a room has it."""
    noise = np.random.default_rng(SEED)
    with wave.open(str(into), "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(SOUND_RATE)
        for second in range(SOUND_SECONDS):
            at = np.arange(SOUND_RATE) / SOUND_RATE
            tones = sum(3000 / n * np.sin(2 * np.pi * n * (110 + second % 50) * at) for n in range(1, 6))
            both = np.stack([tones, 0.7 * tones], axis=1) + noise.normal(0, 60, (SOUND_RATE, 2))
            sound.writeframes(both.astype("<i2").tobytes())


def avi(into: Path) -> None:
    """1080p as Motion JPEG, with sound."""
    sources = (f"testsrc2=size=1920x1080:rate=25:duration={VIDEO_SECONDS}", f"sine=duration={VIDEO_SECONDS}")
    inputs = [word for source in sources for word in ("-f", "lavfi", "-i", source)]
    grain = ("-vf", f"noise=alls=8:allf=t:all_seed={SEED}")
    _ran("ffmpeg", "-v", "error", *inputs, *grain, "-c:v", "mjpeg", "-q:v", "4", "-c:a", "pcm_s16le", str(into))


def tiff(into: Path) -> None:
    """A scanned page of 40 megapixels in colour: paper that is not quite white, and lines of print."""
    noise = np.random.default_rng(SEED)
    width, height = SCAN_PIXELS
    page = noise.normal(238, 3, (height, width, 3)).clip(0, 255).astype(np.uint8)
    for top in range(400, height - 400, 110):
        glyphs = noise.random((6, (width - 800) // 12)) < 0.5
        ink = np.kron(glyphs, np.ones((10, 12))).astype(bool)
        page[top : top + 60, 400 : 400 + ink.shape[1]][ink] //= 6
    Image.fromarray(page).save(into, "TIFF", dpi=(SCAN_DOTS, SCAN_DOTS))


def text(into: Path) -> None:
    """Two megabytes of running text in GB 18030."""
    sentences, made = _sentences(Random(SEED)), bytearray()
    while len(made) < TEXT_BYTES:
        made += f"{next(sentences)}\r\n".encode("gb18030")
    into.write_bytes(made)


def dbf(into: Path) -> None:
    """Fifty thousand rows of dBase III, in GBK: words, a date, a sum, whether it is so."""
    random = Random(SEED)
    fields = (
        (b"CODE", b"C", 12, 0), (b"NAME", b"C", 40, 0), (b"BORN", b"D", 8, 0), (b"PAY", b"N", 12, 2),
        (b"IS", b"L", 1, 0),
    )  # fmt: skip
    length = 1 + sum(width for _, _, width, _ in fields)
    with into.open("wb") as file:
        file.write(struct.pack("<B3BIHH17xBxx", 3, 99, 1, 1, TABLE_ROWS, 33 + 32 * len(fields), length, 0x4D))
        for name, kind, width, decimals in fields:
            file.write(struct.pack("<11sc4xBB14x", name, kind, width, decimals))
        file.write(b"\r")
        for row in range(TABLE_ROWS):
            name = "".join(random.choices(_WORDS, k=4)).encode("gbk").ljust(40)
            born = f"{random.randint(1930, 1999)}{random.randint(1, 12):02}{random.randint(1, 28):02}".encode()
            pay = f"{random.randint(1, 10**9) / 100:12.2f}".encode()
            file.write(b" " + f"{row:012}".encode() + name + born + pay + random.choice(b"TF").to_bytes())
        file.write(b"\x1a")


def html(into: Path) -> None:
    """Thirty pages with headings, paragraphs and a table on each."""
    sentences = _sentences(Random(SEED))
    cells = "".join("<tr>" + "".join(f"<td>{at * each}</td>" for at in range(5)) + "</tr>" for each in range(4))
    pages = (
        f'<h2 style="page-break-before:{"always" if at else "auto"}">第{at + 1}章</h2>'
        + "".join(f"<p>{next(sentences)}{next(sentences)}</p>" for _ in range(LINES_A_PAGE // 4))
        + f"<table border=1>{cells}</table>"
        for at in range(PAGES)
    )
    head = '<head><meta charset="utf-8"><title>规定</title></head>'
    into.write_text(f"<html>{head}<body>{''.join(pages)}</body></html>", encoding="utf-8")


def doc(into: Path) -> None:
    """The same, as Word wrote it until 2003."""
    _by_office(into, html, ".html", "MS Word 97", "--infilter=HTML (StarWriter)")


def rtf(into: Path) -> None:
    """The same in RTF."""
    _by_office(into, html, ".html", "Rich Text Format", "--infilter=HTML (StarWriter)")


def pdf(into: Path) -> None:
    """The same as PDF."""
    _by_office(into, html, ".html", "writer_pdf_Export", "--infilter=HTML (StarWriter)")


def xls(into: Path) -> None:
    """Five thousand rows of ten columns."""
    _by_office(into, _csv, ".csv", "MS Excel 97", "--infilter=CSV:44,34,76")


def ppt(into: Path) -> None:
    """Thirty slides of a heading and five lines."""
    _by_office(into, _flat_slides, ".fodp", "MS PowerPoint 97")


def _csv(into: Path) -> None:
    random = Random(SEED)
    with into.open("w", encoding="utf-8") as lines:
        for at in range(SHEET_ROWS):
            sums = [f"{random.random() * 1e6:.2f}" for _ in range(8)]
            lines.write(",".join([f"No{at:05}", "".join(random.choices(_WORDS, k=4)), *sums]) + "\n")


def _flat_slides(into: Path) -> None:
    sentences = _sentences(Random(SEED))
    spaces = "".join(
        f' xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for short, name in (("office", "office"), ("draw", "drawing"), ("text", "text"), ("svg", "svg-compatible"))
    )
    box = (
        '<draw:frame svg:x="2cm" svg:y="{top}cm" svg:width="24cm" svg:height="2cm"><draw:text-box><text:p>{text}'
        "</text:p></draw:text-box></draw:frame>"
    )
    slides = ""
    for at in range(SLIDES):
        lines = (box.format(top=1 + 3 * line, text=next(sentences)[:30]) for line in range(6))
        slides += f'<draw:page draw:name="{at + 1}">{"".join(lines)}</draw:page>'
    into.write_text(
        f'<?xml version="1.0" encoding="UTF-8"?><office:document{spaces} office:version="1.2" office:mimetype='
        f'"application/vnd.oasis.opendocument.presentation"><office:body><office:presentation>{slides}'
        "</office:presentation></office:body></office:document>",
        encoding="utf-8",
    )


def _by_office(into: Path, source: Callable[[Path], None], ending: str, kind: str, *words: str) -> None:
    """Have LibreOffice make `into` of what `source` writes."""
    first = into.with_name(f"source-{into.stem}{ending}")
    source(first)
    profile = f"-env:UserInstallation={(into.parent / 'profile').as_uri()}"
    to = ("--convert-to", f"{into.suffix[1:]}:{kind}", "--outdir", str(into.parent))
    _ran("soffice", profile, "--headless", *words, *to, str(first))
    first.with_suffix(into.suffix).rename(into)
    first.unlink()


def _ran(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


RECORDS: Mapping[str, Record] = {
    "wav-to-flac": Record("record.wav", "10 min in stereo, 44.1 kHz", wav),
    "video-to-ffv1": Record("record.avi", f"{VIDEO_SECONDS} s of 1080p, Motion JPEG", avi),
    "tiff-to-jp2": Record("record.tif", "40 megapixels in colour", tiff),
    "tiff-to-png": Record("record.tif", "40 megapixels in colour", tiff),
    "doc-to-pdfa2b": Record("record.doc", f"{PAGES} pages", doc),
    "doc-to-docx": Record("record.doc", f"{PAGES} pages", doc),
    "rtf-to-odt": Record("record.rtf", f"{PAGES} pages", rtf),
    "ppt-to-pdfa2b": Record("record.ppt", f"{SLIDES} slides", ppt),
    "html-to-pdfa2b": Record("record.html", f"{PAGES} pages", html),
    "pdf-to-pdfa2b": Record("record.pdf", f"{PAGES} pages", pdf),
    "xls-to-csv": Record("record.xls", f"{SHEET_ROWS} rows", xls),
    "xls-to-ods": Record("record.xls", f"{SHEET_ROWS} rows", xls),
    "text-gb18030-to-utf8": Record("record.txt", "2 MB", text),
    "dbase-to-csv": Record("record.dbf", f"{TABLE_ROWS} rows", dbf),
}
"""A record for each of these pathways."""
