"""Make the sample records that `make demo` takes in: Chinese and English, the formats that offices really deposit.

    python -m ops.demo.make_samples        writes ops/demo/samples anew; the same bytes each time

Names that a checkout cannot carry (GBK bytes, line feeds, NFC beside NFD, trailing dots) are made by `lay_out`, in the
folder of the demo.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import shutil
import unicodedata
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from ops.demo import office, pictures

SAMPLES = Path(__file__).with_name("samples")
METADATA = SAMPLES / "metadata.csv"
RECORDS = "records"

PLAN = "0001-WS·2024-永久-0001 关于报送电子档案灾备方案的请示"
FLOOD = "0001-WS·2024-D30-0002 Survey of flood damage in the repository"
LEGACY = "0001-KJ·2024-永久-0003 旧系统导出数据"
FORMED = 1_709_602_200  # 5 March 2024, 9:30 in Beijing: a checkout does not keep times

HEADINGS = ("档号", "题名", "全宗", "门类", "年度", "保管期限", "密级", "责任者", "日期", "路径")
ROWS = (
    "0001-WS·2024-永久-0001,关于报送电子档案灾备方案的请示,0001,WS,2024,永久,内部,市档案馆,2024-03-05",
    "0001-WS·2024-D30-0002,Survey of flood damage in the repository,0001,WS,2024,30年,公开,Zhang Wei,2024-07-12",
    "0001-KJ·2024-永久-0003,旧系统导出数据（含特殊文件名）,0001,KJ,2024,永久,公开,信息中心,2024-11-30",
)


def samples() -> dict[str, bytes]:
    """All files, by their path below `samples/`."""
    files = {f"{RECORDS}/{PLAN}/{name}": content for name, content in _plan().items()}
    files |= {f"{RECORDS}/{FLOOD}/{name}": content for name, content in _flood().items()}
    files |= {f"{RECORDS}/{LEGACY}/{name}": content for name, content in _legacy().items()}
    return {**files, "metadata.csv": _metadata()}


def _metadata() -> bytes:
    """UTF-8 with a mark, as spreadsheet programs write it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(HEADINGS)
    writer.writerows([*row.split(","), folder] for row, folder in zip(ROWS, (PLAN, FLOOD, LEGACY), strict=True))
    return text.getvalue().encode("utf-8-sig")


def _plan() -> dict[str, bytes]:
    title = "关于报送电子档案灾备方案的请示"
    body = [
        "市档案局：",
        "根据《中华人民共和国档案法》第三十九条，现将我馆电子档案同城异地备份与远端异地离线储存方案报上，请批示。",
        "一式三套：主存储一套、同城异地一套、远端异地离线一套，每季度抽检一次，每年演练一次。",
        "市档案馆　二〇二四年三月五日",
    ]
    rows: list[tuple[str | int, ...]] = [
        ("序号", "载体编号", "容量（GB）", "存放地点"),
        (1, "A-0001", 4000, "本馆库房"),
    ]
    rows += [(2, "B-0001", 4000, "同城灾备中心"), (3, "C-0001", 4000, "外省对口档案馆")]
    return {
        "正文.docx": office.docx([title, *body]),
        "附件1 备份数据清单.xlsx": office.xlsx(rows),
        "附件2 会议纪要.odt": office.odt(["会议纪要", "与会者一致同意灾备方案。", "Minutes: the plan was agreed to."]),
        "签发稿.ofd": office.ofd(title, [title, *(line[:28] for line in body)], created="2024-03-05"),
        "签发稿.pdf": office.pdf(title, [title, *(line[:34] for line in body)]),
        "公章.png": pictures.png(96, 96, _seal),
    }


def _flood() -> dict[str, bytes]:
    readings = "date,level_cm\n" + "".join(f"2024-07-{day:02},{180 + 7 * (day % 5)}\n" for day in range(1, 32))
    report = [
        "Survey of flood damage in the repository",
        "Shelves 14 to 19 were under water for six hours.",
        "无档案丢失。",
    ]
    return {
        "report.pdf": office.pdf(report[0], report),
        "level readings.csv": readings.encode(),
        "photo 01 (north wall).jpg": pictures.jpeg(40, 30, lambda x, y: (x * 5 + y * 3) % 200 + 30),
        "floor plan 300dpi.tif": pictures.tiff(240, 160, _grid(240, 160)),
        "Re_ 库房进水情况.eml": _letter(readings.encode()),
    }


def _legacy() -> dict[str, bytes]:
    note = "本文件以 GB18030 编码保存，是一九九八年旧系统的原样导出。㐀𠮷：两个扩展汉字。\r\n"
    table = "档号,题名,页数\r\n0001-1998-0001,关于防汛工作的通知,3\r\n0001-1998-0002,库房巡查记录,12\r\n"
    return {
        "说明(GB18030).txt": note.encode("gb18030"),
        "导出表.csv": table.encode("gb18030"),
        "index.html": "<!doctype html><meta charset=utf-8><title>旧系统</title><p>旧系统首页</p>\n".encode(),
        "empty.dat": b"",
    }


def _grid(width: int, height: int) -> bytes:
    """Black lines, 40 pixels apart, on white."""
    return bytes(0 if x % 40 == 0 or y % 40 == 0 else 255 for y in range(height) for x in range(width))


def _seal(x: int, y: int) -> tuple[int, int, int]:
    """A red ring with a red disc in it, on white."""
    distance = (x - 47.5) ** 2 + (y - 47.5) ** 2
    return (200, 30, 30) if 40**2 < distance < 46**2 or distance < 14**2 else (255, 255, 255)


def _letter(attachment: bytes) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["From"] = "库房管理员 <storeroom@archive.example>"
    message["To"] = "Zhang Wei <zhang.wei@archive.example>"
    message["Date"] = "Fri, 12 Jul 2024 17:05:00 +0800"
    message["Subject"] = "Re: 库房进水情况 water in the repository"
    message["Message-ID"] = "<20240712170500.1@archive.example>"
    message.set_content("水位读数见附件。\nReadings attached.\n")
    message.add_attachment(attachment, maintype="text", subtype="csv", filename="水位读数.csv")
    message.set_boundary("=_sample_boundary_1")
    return message.as_bytes()


AWKWARD_FOLDER = "特殊文件名 awkward names"
AWKWARD: dict[bytes, bytes] = {
    b"100% finished.txt": b"a percent sign\n",
    b"%0A is no line feed.txt": b"a percent sign and two hexadecimal digits\n",
    b"equals=sign.txt": b"an equals sign\n",
    b"=B5=B5.txt": b"looks like an escaped name\n",
    " 前后都有空格 ".encode(): b"blanks at both ends\n",
    b"trailing dot.": b"a dot at the end\n",
    b"two\nlines.txt": b"a line feed\n",
    b"carriage\rreturn.txt": b"a carriage return\n",
    b"-rf": b"looks like an option\n",
    b"a:b?c*.txt": b"not legal everywhere\n",
    b"back\\slash.txt": b"a backslash\n",
    unicodedata.normalize("NFC", "café.txt").encode(): b"composed\n",
    unicodedata.normalize("NFD", "café.txt").encode(): b"decomposed\n",
    "档案（国标码名称）.txt".encode("gbk"): b"a name in GBK\n",
    "㐀𠮷😀.txt".encode(): b"beyond the basic plane\n",
    ("长" * 83 + "ab.txt").encode(): b"a name of 255 bytes\n",
}


LARGE_SCAN = "大幅面扫描 large scan.tif"


def _large_scan() -> bytes:
    """A scan of 42 MB, so that a package has several blocks; noise, because noise does not compress."""
    width, height = 6000, 7000
    return pictures.tiff(width, height, hashlib.shake_256(b"map of the province").digest(width * height))


def lay_out(folder: Path) -> None:
    """Lay the sample records out in `folder` as a submission, with what a checkout cannot or should not carry."""
    shutil.copytree(SAMPLES / RECORDS, folder)
    (folder / FLOOD / LARGE_SCAN).write_bytes(_large_scan())
    awkward = folder / LEGACY / AWKWARD_FOLDER
    (awkward / "empty folder 空文件夹").mkdir(parents=True)
    for name, content in AWKWARD.items():
        with open(os.fsencode(awkward) + b"/" + name, "wb") as file:
            file.write(content)
    (awkward / "link to the request").symlink_to(f"../../{PLAN}/正文.docx")
    for place, folders, files in os.walk(os.fsencode(folder), topdown=False):
        for name in (*files, *folders, b"."):
            os.utime(os.path.join(place, name), (FORMED, FORMED), follow_symlinks=False)


def main() -> None:
    """Write `samples/` anew."""
    if SAMPLES.exists():
        shutil.rmtree(SAMPLES)
    for path, content in samples().items():
        place = SAMPLES / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


if __name__ == "__main__":
    main()
