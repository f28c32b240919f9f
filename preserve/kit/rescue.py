#!/usr/bin/env python3
# ruff: noqa: UP006, UP007, UP032, UP035, UP045, B905 - any Python from 3.6 on must run this file, in forty years too
"""Gets records back out of a store without the program that wrote it: one file, Python's standard library alone.

    python3 rescue.py list    STORE_FOLDER
    python3 rescue.py check   STORE_FOLDER [PACKAGE ...]
    python3 rescue.py restore STORE_FOLDER TARGET [PACKAGE ...] [--path GLOB] [--also OTHER_STORE_FOLDER]

Nothing in a store is ever written to.  What a store looks like is told in README.txt beside this file.  The chain of
evidence is: receipt.json -> blocks.sha256 -> blocks of bag.tar -> manifest in the bag -> file.  Files wholly in sound
blocks are put in place at once; a file that touches a damaged block waits until the manifest has spoken.  Where
there is parity.rs, what no copy at hand has sound is mended by it, if it can be.

Exit code: 0 all well, 1 something was found and reported, 2 the command could not be carried out.
"""

import argparse
import codecs
import errno
import fnmatch
import hashlib
import io
import itertools
import json
import os
import re
import stat
import sys
import tempfile
from typing import IO, Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple, Union

PIECE_BYTES = 1024 * 1024
DEFAULT_BLOCK_BYTES = 16 * 1024 * 1024
LARGEST_BLOCK_BYTES = 1024 * 1024 * 1024
LARGEST_RECEIPT_BYTES = 16 * 1024 * 1024
RECEIPT_NAMES = {
    *("format", "package_id", "created_at", "payload_files", "payload_bytes", "records", "policy", "policy_sha256"),
    *("algorithms", "block_bytes", "objects", "metadata", "part_of", "written_by"),
}
PACKAGE_ID = re.compile(r"[0-9]{8}-[0-9a-z]{1,40}$")
LARGEST_PAX_BYTES = 1024 * 1024
TAR_BLOCK = 512
ZEROS = b"\0" * TAR_BLOCK

# Each sentence in English, and below it in Chinese.
SENTENCES = """\
{package}: {object} is missing
{package}：缺少 {object}
{package}: {path} does not fit the rest of the package and is not used
{package}：{path} 与信息包其余部分不符，未采用
{package}: {path} belongs to package {other} and lies in the wrong place
{package}：{path} 属于信息包 {other}，放错了位置
{package}: it was found in {folder}, where it lies by mistake, and is taken from there
{package}：在 {folder} 中找到（系误放），从该处取用
{package}: nothing of it is here
{package}：此处没有它的任何内容
{package}: {path} is damaged, or of another format, and is not used
{package}：{path} 已损坏或格式不同，未采用
{package}: {path} cannot be read: {reason}
{package}：{path} 无法读取：{reason}
{package}: {path}: block {number} (from byte {offset}) is damaged
{package}：{path}：第 {number} 块（自第 {offset} 字节起）已损坏
{package}: block {number} was taken from {path}, where it is sound
{package}：第 {number} 块改取自 {path}，该处完好
{package}: no sound copy of block {number} is at hand
{package}：第 {number} 块没有完好的副本可用
{package}: block {number} was mended by {path}
{package}：第 {number} 块已由 {path} 修复
{package}: {object} was mended by {path}
{package}：{object} 已由 {path} 修复
{package}: {path} has {found} bytes and should have {expected}
{package}：{path} 为 {found} 字节，应为 {expected} 字节
{package}: the blocks of bag.tar cannot be checked; only the manifest in the bag vouches for the files
{package}：无法核对 bag.tar 的各块，只能依据包内清单核对文件
{package}: the tar cannot be understood from byte {offset} on; looking for the next file
{package}：tar 自第 {offset} 字节起有一段无法识别，正在寻找下一个文件
{package}: the tar ends too early
{package}：tar 过早结束
{package}: {path} is of a kind that no bag holds (tar type {kind}) and was left out
{package}：{path} 属于信息包中不应有的类型（tar 类型 {kind}），已略过
{package}: {path} would lie outside the target folder and was left out
{package}：{path} 会落到目标文件夹之外，已略过
{package}: the folder {path} lies in a damaged block; it is made only if a file needs it
{package}：文件夹 {path} 位于损坏的块中，仅在有文件需要时才建立
{package}: {path} is not listed in the manifest
{package}：清单中没有 {path}
{package}: {path} differs from the {algorithm} listed for it
{package}：{path} 与清单所列 {algorithm} 不符
{package}: a damaged line of the manifest names {path}; no file is lost by it
{package}：清单中损坏的一行写有 {path}；并没有因此丢失文件
{package}: LOST {path}
{package}：丢失 {path}
{package}: whole {path}
{package}：完好 {path}
{package}: there is no readable {name} in the bag
{package}：包内没有可读的 {name}
{package}: line {number} of {name} cannot be understood
{package}：{name} 第 {number} 行无法识别
{package}: {algorithm} was not checked, this Python does not know it (other digests were)
{package}：未核对 {algorithm}，本机 Python 不支持（其他摘要已核对）
{package}: line {number} of structure.jsonl cannot be understood; an original name or a link may be lost
{package}：structure.jsonl 第 {number} 行无法识别，可能丢失一个原始名称或链接
{package}: the receipt says {expected} files, {expected_bytes} bytes; the bag has {found}, {found_bytes}
{package}：回执记载 {expected} 个文件、{expected_bytes} 字节，包内有 {found} 个、{found_bytes} 字节
{package}: {path} exists already and differs; it was left alone (--overwrite replaces it)
{package}：{path} 已存在且内容不同，未改动（--overwrite 可替换）
{package}: {path} cannot be written: {reason}
{package}：{path} 无法写入：{reason}
{package}: nothing in it matches {glob}
{package}：没有与 {glob} 相符的文件
{package}: not in this store
{package}：此存储中没有这个信息包
{package}: sound, {whole} files
{package}：完好，{whole} 个文件
{package}: {whole} files are whole and none is lost, but see above
{package}：{whole} 个文件完好，无一丢失，但请看上面所列问题
{package}: DAMAGED, {whole} files are whole and {lost} are lost (listed above)
{package}：已损坏，{whole} 个文件完好，{lost} 个丢失（见上）
{package}: restored, {whole} files
{package}：已恢复，{whole} 个文件
{package}: {files} files, {bytes} bytes, {records} records, {created}, {title}
{package}：{files} 个文件，{bytes} 字节，{records} 件档案，{created}，{title}
All {packages} packages are well.
全部 {packages} 个信息包均无问题。
{problems} problems in {packages} packages, listed above.
{packages} 个信息包中共有 {problems} 个问题，见上。
The files lie in {target}, one folder for each package.
文件在 {target} 中，每个信息包一个文件夹。
Stopped. Run the same command again; what is there already is kept.
已中止。再次运行同一命令即可，已有的文件会保留。
{folder} holds no packages; give the folder that store.json lies in
{folder} 中没有信息包；请给出 store.json 所在的文件夹
{folder} is not a folder
{folder} 不是文件夹
the target {target} lies inside the store {store}; nothing may be written there
目标 {target} 在存储 {store} 之内；不得向其中写入任何内容
no space left for {path}; free some and run the same command again
没有空间写入 {path}；腾出空间后再次运行同一命令
Gets records back out of a store of `preserve`, without that program.
不依赖 preserve 程序，从其存储中取回档案。
show what the store holds
列出存储中的内容
read everything and report what is damaged
读取全部内容并报告损坏之处
check and write the files out under their original names
边核对边按原名写出文件
the folder that store.json lies in
store.json 所在的文件夹
an empty or new folder, with room for everything
空的或新的文件夹，须有足够空间
only these packages (default: all)
仅限这些信息包（默认全部）
only files whose original path matches, as '2024/*.pdf'; `*` also matches `/`
仅限原路径相符的文件，如 '2024/*.pdf'；`*` 也匹配 `/`
another copy of the store; damaged blocks are taken from there (may be repeated)
存储的另一副本；损坏的块从该处取得（可重复）
replace files in the target that differ
替换目标中内容不同的文件
also keep damaged files, as NAME.DAMAGED
损坏的文件也保留，名为 NAME.DAMAGED
name the whole files too
完好的文件也逐一列出
"""
CHINESE = dict(zip(SENTENCES.splitlines()[::2], SENTENCES.splitlines()[1::2]))


def speaks_chinese() -> bool:
    """Whether the person's locale is Chinese; the first variable that is set decides, as in POSIX."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if os.environ.get(variable):
            return os.environ[variable].lower().startswith("zh")
    return False


def said(template: str, **values: object) -> str:
    """A sentence in the person's language."""
    return (CHINESE[template] if speaks_chinese() else template).format(**values)


def shown(path: bytes) -> str:
    """A path on one line, without characters that a terminal would obey."""
    text = path.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


class CannotGoOn(Exception):  # noqa: N818 - named for the reaction
    """The command cannot be carried out at all."""


class Report:
    """Says what was found and counts it."""

    def __init__(self, package: str) -> None:
        self.package = package
        self.problems = 0

    def tell(self, template: str, **values: object) -> None:
        print(said(template, package=self.package, **values))

    def problem(self, template: str, **values: object) -> None:
        self.problems += 1
        self.tell(template, **values)


# ---------------------------------------------------------------------------------------- what lies in a store


class Source(NamedTuple):
    """One stored object: `bag.tar.g2` is generation 2 of `bag.tar`."""

    path: str
    generation: int


class Receipt(NamedTuple):
    """What receipt.json says."""

    content: bytes
    created_at: str
    files: int
    bytes: int
    records: int
    algorithms: List[str]
    title: str
    bag_bytes: int
    root: str
    digests: Dict[str, str]


class Blocks(NamedTuple):
    """The block digests of bag.tar, 32 bytes each."""

    total_bytes: int
    block_bytes: int
    digests: bytes


def package_folders(store: str) -> Dict[str, str]:
    """Package id -> folder.  A single package folder is taken as a store with one package."""
    if not os.path.isdir(store):
        raise CannotGoOn(said("{folder} is not a folder", folder=store))
    found = {}
    packages = os.path.join(store, "packages")
    for shard in sorted(os.listdir(packages)) if os.path.isdir(packages) else []:
        folder = os.path.join(packages, shard)
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            found[name] = os.path.join(folder, name)
    if not found and any(name.startswith(("bag.tar", "receipt.json")) for name in os.listdir(store)):
        found[os.path.basename(os.path.abspath(store))] = store
    if not found:
        raise CannotGoOn(said("{folder} holds no packages; give the folder that store.json lies in", folder=store))
    return found


def sources(folders: List[str], name: str) -> List[Source]:
    """All generations of an object in all copies, the first copy's and there the highest generation first."""
    found = []
    for folder in folders:
        here = []
        for entry in os.listdir(folder):
            match = re.match(re.escape(name) + r"(?:\.g([1-9][0-9]*))?$", entry)
            if match:
                here.append(Source(os.path.join(folder, entry), int(match.group(1) or 1)))
        found += sorted(here, key=lambda source: -source.generation)
    return found


def owner_of(path: str) -> Optional[str]:
    """The package that a receipt or a bag says it belongs to; None where it does not say."""
    try:
        with open(path, "rb") as file:
            if os.path.basename(path).startswith("bag.tar"):
                header = parse_header(file.read(TAR_BLOCK))
                said_there = header.name.split(b"/")[0].decode("ascii") if header else ""
            else:
                said_there = str(json.loads(file.read(LARGEST_RECEIPT_BYTES).decode("utf-8"))["package_id"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return said_there if PACKAGE_ID.match(said_there) else None


def owned(folders: List[str], name: str, package: str) -> List[Source]:
    """The generations of a receipt or bag that are of this package, or do not say that they are of another.

    In the folder of another package only what says so is of this one.
    """
    found = []
    for source in sources(folders, name):
        owner = owner_of(source.path)
        is_at_home = os.path.basename(os.path.dirname(os.path.abspath(source.path))) == package
        if owner == package or (owner is None and (is_at_home or len(folders) == 1)):
            found.append(source)
    return found


def owners_in(folder: str) -> Dict[str, str]:
    """The packages that receipts and bags in a folder say they belong to, each with one path that says so."""
    found: Dict[str, str] = {}
    for name in ("receipt.json", "bag.tar"):
        for source in sources([folder], name):
            owner = owner_of(source.path)
            if owner:
                found.setdefault(owner, source.path)
    return found


def read_receipt(content: bytes, package: str) -> Receipt:
    """Raises ValueError, KeyError or TypeError for what is not the receipt of this package."""
    said_there = json.loads(content.decode("utf-8"))
    if said_there["format"] != "preserve-receipt/1" or said_there["package_id"] != package:
        raise ValueError("another package, or another format")
    as_written = json.dumps(said_there, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")
    if as_written != content or set(said_there) != RECEIPT_NAMES:
        raise ValueError("not as it was written")
    objects = said_there["objects"]
    return Receipt(
        content,
        str(said_there["created_at"]),
        int(said_there["payload_files"]),
        int(said_there["payload_bytes"]),
        int(said_there["records"]),
        [str(name) for name in said_there["algorithms"]],
        str(said_there["metadata"].get("External-Description", "")),
        int(objects["bag.tar"]["bytes"]),
        str(objects["bag.tar"]["blocks_root"]),
        {name: str(facts["sha256"]) for name, facts in objects.items() if "sha256" in facts},
    )


def read_blocks(content: IO[bytes]) -> Tuple[Blocks, str]:
    """The block list of bag.tar and its root, counted anew.  Raises ValueError for what is not one."""
    if content.readline(100) != b"# preserve-blocks/1\n":
        raise ValueError("not a list of blocks")
    heading = re.match(
        rb"# object bag\.tar, (\d+) blocks of (\d+) bytes, (\d+) bytes, root [0-9a-f]{64}\n$", content.readline(300)
    )
    if not heading:
        raise ValueError("no blocks of bag.tar")
    count, block_bytes, total_bytes = (int(number) for number in heading.groups())
    if not 0 < block_bytes <= LARGEST_BLOCK_BYTES or count != -(-total_bytes // block_bytes):
        raise ValueError("impossible numbers")
    digests, root = bytearray(), hashlib.sha256()
    for number in range(count):
        line = re.match(rb"([0-9a-f]{64})  (\d+)\n$", content.readline(200))
        if not line or int(line.group(2)) != number * block_bytes:
            raise ValueError("line {} is damaged".format(number + 3))
        digests += bytes.fromhex(line.group(1).decode("ascii"))
        root.update(line.group(1) + b"\n")
    return Blocks(total_bytes, block_bytes, bytes(digests)), root.hexdigest()


def digest_of(path: Union[str, bytes]) -> str:
    running = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(PIECE_BYTES), b""):
            running.update(piece)
    return running.hexdigest()


def choose_evidence(folders: List[str], report: Report) -> Tuple[Optional[Receipt], Optional[Blocks]]:
    """The highest receipt that is one, and a block list that fits it; what does not fit is reported."""
    receipts, lists = _readable_receipts(folders, report), _readable_block_lists(folders, report)
    fitting = _fitting(receipts, lists)
    if fitting is None:
        _add_mended(folders, receipts, lists, report)
        fitting = _fitting(receipts, lists)
    if fitting is not None:
        _report_misfits(fitting[0], receipts, lists, report)
        return fitting
    if not receipts and lists:
        return None, lists[0][0]  # a list that fits its own root is evidence, if less
    report.problem(
        "{package}: the blocks of bag.tar cannot be checked; only the manifest in the bag vouches for the files"
    )
    return (receipts[0][0] if receipts else None), None


def _fitting(
    receipts: List[Tuple[Receipt, str]], lists: List[Tuple[Blocks, str, str]]
) -> Optional[Tuple[Receipt, Blocks]]:
    for receipt, _ in receipts:
        for blocks, root, _ in lists:
            if root == receipt.root and blocks.total_bytes == receipt.bag_bytes:
                return receipt, blocks
    return None


def _add_mended(
    folders: List[str], receipts: List[Tuple[Receipt, str]], lists: List[Tuple[Blocks, str, str]], report: Report
) -> None:
    """Receipts and block lists as parity gives them."""
    for parity in parities(folders, report.package):
        receipt, listing = parity.whole("receipt.json"), parity.whole("blocks.sha256")
        try:
            if receipt:
                receipts.append((read_receipt(receipt, report.package), parity.path))
                report.tell("{package}: {object} was mended by {path}", object="receipt.json", path=parity.path)
            if listing:
                blocks, root = read_blocks(io.BytesIO(listing))
                lists.append((blocks, root, parity.path))
                report.tell("{package}: {object} was mended by {path}", object="blocks.sha256", path=parity.path)
        except (ValueError, KeyError, TypeError, AttributeError):
            continue


def _report_misfits(
    chosen: Receipt, receipts: List[Tuple[Receipt, str]], lists: List[Tuple[Blocks, str, str]], report: Report
) -> None:
    for receipt, path in receipts:
        if receipt.content != chosen.content:
            report.problem("{package}: {path} does not fit the rest of the package and is not used", path=path)
    for _, root, path in lists:
        is_at_home = os.path.basename(os.path.dirname(os.path.abspath(path))) == report.package
        if root != chosen.root and is_at_home:
            report.problem("{package}: {path} does not fit the rest of the package and is not used", path=path)


def _readable_receipts(folders: List[str], report: Report) -> List[Tuple[Receipt, str]]:
    found = []
    candidates = owned(folders, "receipt.json", report.package)
    for source in candidates:
        try:
            with open(source.path, "rb") as file:
                found.append((read_receipt(file.read(LARGEST_RECEIPT_BYTES), report.package), source.path))
        except OSError as error:
            report.problem("{package}: {path} cannot be read: {reason}", path=source.path, reason=error.strerror)
        except (ValueError, KeyError, TypeError, AttributeError):
            report.problem("{package}: {path} is damaged, or of another format, and is not used", path=source.path)
    if not candidates:
        report.problem("{package}: {object} is missing", object="receipt.json")
    return found


def _readable_block_lists(folders: List[str], report: Report) -> List[Tuple[Blocks, str, str]]:
    found = []
    candidates = sources(folders, "blocks.sha256")
    for source in candidates:
        try:
            with open(source.path, "rb") as file:
                blocks, root = read_blocks(file)
            found.append((blocks, root, source.path))
        except (OSError, ValueError) as error:
            report.problem("{package}: {path} cannot be read: {reason}", path=source.path, reason=error)
    if not candidates:
        report.problem("{package}: {object} is missing", object="blocks.sha256")
    return found


def check_small_objects(folders: List[str], receipt: Receipt, report: Report) -> None:
    """Compare the objects whose whole digest the receipt has; the highest generation counts."""
    for name, expected in sorted(receipt.digests.items()):
        current = sources(folders[:1], name)[:1]
        if not current:
            if name != "blocks.sha256":  # that one was reported already
                report.problem("{package}: {object} is missing", object=name)
            continue
        try:
            if digest_of(current[0].path) != expected:
                report.problem(
                    "{package}: {path} does not fit the rest of the package and is not used", path=current[0].path
                )
        except OSError as error:
            report.problem("{package}: {path} cannot be read: {reason}", path=current[0].path, reason=error)


# ------------------------------------------------------------------------- parity, for bad sectors of a lone copy

CELL_BYTES = 4096
HEAD_BYTES = 512
PAGE_MAGIC = b"preserve-parity1"
PROTECTED = ("bag.tar", "members.parquet", "blocks.sha256", "receipt.json")
MOST_HELD_CELLS = 16384
FIELD_POLYNOMIAL = 0x11D

POWERS = [1]
while len(POWERS) < 510:
    POWERS.append(POWERS[-1] << 1 if POWERS[-1] < 128 else POWERS[-1] << 1 ^ FIELD_POLYNOMIAL)
LOGARITHMS = {value: exponent for exponent, value in enumerate(POWERS[:255])}


def product(left: int, right: int) -> int:
    """In GF(2^8)."""
    return POWERS[LOGARITHMS[left] + LOGARITHMS[right]] if left and right else 0


def reciprocal(value: int) -> int:
    return POWERS[(255 - LOGARITHMS[value]) % 255]


TIMES = [bytes(product(factor, value) for value in range(256)) for factor in range(256)]
"""What `bytes.translate` multiplies by."""


class Shape(NamedTuple):
    """Rows of data and of parity in each of so many stripes."""

    data: int
    parity: int
    stripes: int


def solved(
    shape: Shape, data: List[Optional[bytes]], parity: Callable[[int], Optional[bytes]]
) -> List[Optional[bytes]]:
    """The data cells of one stripe; those missing (None) are made up from parity cells, where there are enough."""
    missing = [row for row, cell in enumerate(data) if cell is None]
    equations: List[List[int]] = []
    sums: List[int] = []
    for row in range(shape.parity):
        cell = parity(row) if len(sums) < len(missing) else None
        if cell is not None:
            total = int.from_bytes(cell, "little")
            for column, known in enumerate(data):
                if known is not None:
                    factor = reciprocal((shape.data + row) ^ column)
                    total ^= int.from_bytes(known.translate(TIMES[factor]), "little")
            equations.append([reciprocal((shape.data + row) ^ column) for column in missing])
            sums.append(total)
            length = len(cell)
    if len(sums) < len(missing):
        return data
    for at in range(len(missing)):  # Gauss; no part of a Cauchy matrix is singular
        pivot = next(row for row in range(at, len(missing)) if equations[row][at])
        equations[at], equations[pivot] = equations[pivot], equations[at]
        sums[at], sums[pivot] = sums[pivot], sums[at]
        by = TIMES[reciprocal(equations[at][at])]
        equations[at] = [by[value] for value in equations[at]]
        sums[at] = int.from_bytes(sums[at].to_bytes(length, "little").translate(by), "little")
        for row in range(len(missing)):
            by = TIMES[equations[row][at]]
            if row != at:
                equations[row] = [value ^ by[of] for value, of in zip(equations[row], equations[at])]
                sums[row] ^= int.from_bytes(sums[at].to_bytes(length, "little").translate(by), "little")
    for at, row in enumerate(missing):
        data[row] = sums[at].to_bytes(length, "little")
    return data


def read_cells(path: str, offset: int, count: int) -> List[Optional[bytes]]:
    """So many cells of a file, the last one of it filled up with zeros; None for what cannot be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            file.seek(offset)
            content = b""
            while len(content) < count * CELL_BYTES:
                piece = file.read(count * CELL_BYTES - len(content))
                if not piece:
                    break
                content += piece
    except OSError:
        if count == 1:
            return [None]
        return read_cells(path, offset, count // 2) + read_cells(
            path, offset + count // 2 * CELL_BYTES, count - count // 2
        )
    cells = [content[at * CELL_BYTES : (at + 1) * CELL_BYTES] for at in range(count)]
    return [cell.ljust(CELL_BYTES, b"\0") if cell else None for cell in cells]


class Parity:
    """One parity.rs, and the objects of its package in the copies at hand.  Raises ValueError for what is none."""

    def __init__(self, path: str, folders: List[str], package: str) -> None:
        self.path = path
        head = self._find_head(package)
        self.sizes = [int(head["bytes"][name]) for name in PROTECTED]
        self._cells = Shape(*map(int, head["cells"]))
        self._pages = Shape(*map(int, head["pages"]))
        if min(*self._cells, *self._pages) < 1 or self._cells.data + self._cells.parity > 255:
            raise ValueError("the layout is impossible")
        self._head = {name: head[name] for name in head if name != "page"}
        self._total = sum(-(-size // CELL_BYTES) for size in self.sizes)
        self._parity_at = self._pages.data * self._pages.stripes * CELL_BYTES
        self._back_at = self._parity_at + self._cells.parity * self._cells.stripes * CELL_BYTES
        self._paths = [[source.path for source in sources(folders, name)] for name in PROTECTED]
        self._bodies: Dict[int, Optional[bytes]] = {}
        self._mended: Dict[int, bytes] = {}

    def _find_head(self, package: str) -> Dict[str, Any]:
        """What any sound page says; they all say the same."""
        count = os.path.getsize(self.path) // CELL_BYTES
        for at in itertools.chain.from_iterable(zip(range(count), range(count - 1, -1, -1))):
            (page,) = read_cells(self.path, at * CELL_BYTES, 1)
            if page is not None and page.startswith(PAGE_MAGIC) and is_sound_page(page):
                head = json.loads(page[48:HEAD_BYTES].decode("ascii"))
                if head["package"] == package:
                    return dict(head)
        raise ValueError("it has no sound page of this package")

    def mend(self, name: str, offset: int, length: int) -> Optional[bytes]:
        """So many bytes of an object; None where parity is not enough.  They prove nothing by themselves."""
        before = sum(-(-size // CELL_BYTES) for size in self.sizes[: PROTECTED.index(name)])
        first, within = before + offset // CELL_BYTES, offset % CELL_BYTES
        cells = [self._cell(number) for number in range(first, first + -(-(within + length) // CELL_BYTES))]
        if len(self._mended) + len(self._bodies) > MOST_HELD_CELLS:
            self._mended.clear()
            self._bodies.clear()
        return None if None in cells else b"".join(cell for cell in cells if cell)[within : within + length]

    def whole(self, name: str) -> Optional[bytes]:
        """An object, which must be small."""
        return self.mend(name, 0, self.sizes[PROTECTED.index(name)])

    def _cell(self, number: int) -> Optional[bytes]:
        cell = self._sound(number)
        if cell is None and number not in self._mended:
            stripe = number % self._cells.stripes
            rows = range(stripe, self._cells.data * self._cells.stripes, self._cells.stripes)
            before = [self._sound(each) for each in rows]
            after = solved(self._cells, list(before), lambda row: self._parity_cell(row * self._cells.stripes + stripe))
            for each, old, new in zip(rows, before, after):
                if old is None and new is not None:
                    self._mended[each] = new
        return self._mended.get(number) if cell is None else cell

    def _sound(self, number: int) -> Optional[bytes]:
        """A data cell from any copy in which it is as it was."""
        if number >= self._total:
            return bytes(CELL_BYTES)
        at = number
        for size, paths in zip(self.sizes, self._paths):
            if at < -(-size // CELL_BYTES):
                for path in paths:
                    (cell,) = read_cells(path, at * CELL_BYTES, 1)
                    if self._fits(number, cell):
                        return cell
                return None
            at -= -(-size // CELL_BYTES)
        return None

    def _parity_cell(self, number: int) -> Optional[bytes]:
        (cell,) = read_cells(self.path, self._parity_at + number * CELL_BYTES, 1)
        return cell if self._fits(self._total + number, cell) else None

    def _fits(self, number: int, cell: Optional[bytes]) -> bool:
        """Whether a cell has the digest that the index gives; one of which that is lost counts as bad."""
        each = (CELL_BYTES - HEAD_BYTES) // 8
        body = self._body(number // each)
        wanted = body and body[number % each * 8 : number % each * 8 + 8]
        return cell is not None and hashlib.sha256(cell).digest()[:8] == wanted

    def _body(self, page: int) -> Optional[bytes]:
        if page not in self._bodies:
            body = self._page(page, page * CELL_BYTES)
            if body is not None:
                self._bodies[page] = body
            else:
                self._mend_pages(page % self._pages.stripes)
        return self._bodies[page]

    def _mend_pages(self, stripe: int) -> None:
        stripes, first = self._pages.stripes, self._pages.data * self._pages.stripes
        rows = range(stripe, first, stripes)

        def back(row: int) -> Optional[bytes]:
            return self._page(first + row * stripes + stripe, self._back_at + (row * stripes + stripe) * CELL_BYTES)

        found = solved(self._pages, [self._page(page, page * CELL_BYTES) for page in rows], back)
        self._bodies.update(zip(rows, found))

    def _page(self, page: int, offset: int) -> Optional[bytes]:
        (found,) = read_cells(self.path, offset, 1)
        if found is None or not is_sound_page(found):
            return None
        head = json.loads(found[48:HEAD_BYTES].decode("ascii"))
        return found[HEAD_BYTES:] if head == dict(self._head, page=page) else None


def is_sound_page(page: bytes) -> bool:
    return page[:16] == PAGE_MAGIC and hashlib.sha256(page[48:]).digest() == page[16:48]


def parities(folders: List[str], package: str) -> List[Parity]:
    """All parity objects at hand that are of this package."""
    found = []
    for source in sources(folders, "parity.rs"):
        try:
            found.append(Parity(source.path, folders, package))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # it is not needed where the package is sound, and missed where it is not
    return found


# ---------------------------------------------------------------------------------- the bag, block by block


class Bag:
    """bag.tar as one stream of checked blocks, each from the first copy in which it is sound."""

    def __init__(
        self, copies: List[Source], blocks: Optional[Blocks], report: Report, folders: Optional[List[str]] = None
    ) -> None:
        self._report = report
        self._folders = folders or []
        self._parities: Optional[List[Parity]] = None
        self._copies = copies
        self._files: Dict[str, IO[bytes]] = {}
        self._blocks = blocks
        self._block_bytes = blocks.block_bytes if blocks else DEFAULT_BLOCK_BYTES
        self._total = blocks.total_bytes if blocks else self._longest()
        self._at = 0
        self._held = (-1, b"", True)  # number, content, sound
        self.doubtful = False
        """Whether anything read since this was last set to False came from a block that is not proven sound."""
        self._check_length()

    def _longest(self) -> int:
        return max((os.path.getsize(source.path) for source in self._copies), default=0)

    def _check_length(self) -> None:
        for source in self._copies[:1]:
            found = os.path.getsize(source.path)
            if found != self._total:
                self._report.problem(
                    "{package}: {path} has {found} bytes and should have {expected}",
                    path=source.path,
                    found=found,
                    expected=self._total,
                )

    @property
    def has_digests(self) -> bool:
        """Whether there is a block list; without one everything is doubtful, and nothing known to be damaged."""
        return self._blocks is not None

    def tell(self) -> int:
        """Where the next byte is read from."""
        return self._at

    def left(self) -> int:
        """How many bytes are still to come."""
        return self._total - self._at

    def read(self, most: int) -> bytes:
        """The next bytes, at most `most` and never across a block's end; empty at the end of the bag."""
        number = self._at // self._block_bytes
        if self._at >= self._total or most <= 0:
            return b""
        if self._held[0] != number:
            self._held = (number, *self._fetch(number))
        self.doubtful = self.doubtful or not self._held[2]
        start = self._at - number * self._block_bytes
        piece = self._held[1][start : start + most]
        self._at += len(piece)
        return piece

    def read_exactly(self, length: int) -> bytes:
        """`length` bytes (a small number), or fewer at the end of the bag."""
        pieces = []
        while length > 0:
            piece = self.read(length)
            if not piece:
                break
            pieces.append(piece)
            length -= len(piece)
        return b"".join(pieces)

    def skip(self, length: int) -> None:
        """Pass over bytes, still reading (and so checking) them."""
        while length > 0:
            piece = self.read(length)
            if not piece:
                return
            length -= len(piece)

    def _fetch(self, number: int) -> Tuple[bytes, bool]:
        """One block of the right length and whether it is proven sound; zeros where it cannot be read at all."""
        length = min(self._block_bytes, self._total - number * self._block_bytes)
        best = b""
        for position, source in enumerate(self._copies):
            content = self._read_from(source, number * self._block_bytes, length)
            if self._blocks is None and len(content) == length:
                return content, False
            if (
                self._blocks
                and hashlib.sha256(content).digest() == self._blocks.digests[number * 32 : number * 32 + 32]
            ):
                if position:
                    self._report.tell(
                        "{package}: block {number} was taken from {path}, where it is sound",
                        number=number,
                        path=source.path,
                    )
                return content, True
            self._report.problem(
                "{package}: {path}: block {number} (from byte {offset}) is damaged",
                path=source.path,
                number=number,
                offset=number * self._block_bytes,
            )
            best = max(best, content, key=len)
        mended = self._mended(number, length)
        if mended is not None:
            return mended, True
        self._report.problem("{package}: no sound copy of block {number} is at hand", number=number)
        return best + b"\0" * (length - len(best)), False

    def _mended(self, number: int, length: int) -> Optional[bytes]:
        """A block that no copy has sound, by parity, and proven."""
        if self._blocks is None:
            return None
        if self._parities is None:
            self._parities = parities(self._folders, self._report.package)
        for parity in self._parities:
            content = parity.mend("bag.tar", number * self._block_bytes, length)
            if content and hashlib.sha256(content).digest() == self._blocks.digests[number * 32 : number * 32 + 32]:
                self._report.tell("{package}: block {number} was mended by {path}", number=number, path=parity.path)
                return content
        return None

    def _read_from(self, source: Source, offset: int, length: int) -> bytes:
        try:
            if source.path not in self._files:
                self._files[source.path] = open(source.path, "rb", buffering=0)  # noqa: SIM115 - closed by `close`
            file = self._files[source.path]
            file.seek(offset)
            content = b""
            while len(content) < length:
                piece = file.read(length - len(content))
                if not piece:
                    break
                content = content + piece if content else piece
            return content
        except OSError as error:
            self._report.problem("{package}: {path} cannot be read: {reason}", path=source.path, reason=error)
            return b""

    def close(self) -> None:
        for file in self._files.values():
            file.close()


class Member(NamedTuple):
    """One header of the tar; its content is next in the bag."""

    name: bytes
    kind: bytes
    size: int
    mode: int
    mtime: int
    doubtful: bool


def number_in(field: bytes) -> int:
    """A number of a tar header.  Raises ValueError."""
    return int(field.strip(b" \0") or b"0", 8)


def parse_header(block: bytes) -> Optional[Member]:
    """IEEE 1003.1 "ustar Interchange Format"; None for what is not a header or is damaged."""
    if len(block) < TAR_BLOCK or block[257:262] != b"ustar":
        return None
    try:
        if number_in(block[148:156]) != sum(block[:148]) + 8 * 0x20 + sum(block[156:]):
            return None
        size, mode, mtime = number_in(block[124:136]), number_in(block[100:108]), number_in(block[136:148])
    except ValueError:
        return None
    name, prefix = block[:100].split(b"\0")[0], block[345:500].split(b"\0")[0]
    return Member(prefix + b"/" + name if prefix else name, block[156:157], size, mode, mtime, False)


def parse_pax(content: bytes) -> Dict[bytes, bytes]:
    """Records of a pax header.  Raises ValueError for a damaged one."""
    records = {}
    while content:
        length = int(content.split(b" ", 1)[0])
        record, content = content[:length], content[length:]
        keyword, equals, value = record[len(str(length)) + 1 : -1].partition(b"=")
        if len(record) != length or not equals or record[-1:] != b"\n":
            raise ValueError("damaged pax record")
        records[keyword] = value
    return records


def members(bag: Bag, report: Report) -> Iterator[Member]:
    """The members of the tar; where a header is damaged, go on with the next one that is whole."""
    pax: Dict[bytes, bytes] = {}
    astray = doubt = False  # no idea where the next header is; something that belongs to it is not proven sound
    while True:
        bag.doubtful = False
        start = bag.tell()
        block = bag.read_exactly(TAR_BLOCK)
        if len(block) < TAR_BLOCK:
            report.problem("{package}: the tar ends too early")
            return
        if block == ZEROS and not bag.doubtful and not astray:
            return
        header = parse_header(block)
        if header is None or header.size > bag.left():
            if block == ZEROS and bag.left() < TAR_BLOCK:
                return
            if not astray and block != ZEROS:
                report.problem(
                    "{package}: the tar cannot be understood from byte {offset} on; looking for the next file",
                    offset=start,
                )
            astray, doubt, pax = True, True, {}
        elif header.kind in (b"x", b"g"):
            found = _read_pax(bag, header.size)
            astray, doubt = found is None, doubt or bag.doubtful or found is None
            pax = (found or {}) if header.kind == b"x" else pax
        else:
            member = _with_pax(header, pax, doubt or bag.doubtful)
            pax, astray, doubt = {}, False, False
            end = bag.tell() + member.size + -member.size % TAR_BLOCK
            yield member
            bag.skip(end - bag.tell())


def _read_pax(bag: Bag, size: int) -> Optional[Dict[bytes, bytes]]:
    if size > LARGEST_PAX_BYTES:
        return None
    content = bag.read_exactly(size)
    bag.skip(-size % TAR_BLOCK)
    try:
        return parse_pax(content)
    except ValueError:
        return None


def _with_pax(header: Member, pax: Dict[bytes, bytes], doubtful: bool) -> Member:
    try:
        size = int(pax.get(b"size", header.size))
        mtime = int(float(pax.get(b"mtime", header.mtime)))
    except ValueError:
        size, mtime, doubtful = header.size, header.mtime, True
    return header._replace(name=pax.get(b"path", header.name), size=size, mtime=mtime, doubtful=doubtful)


# ------------------------------------------------------------------------------------------- original names


def is_name_in_bag(path: bytes, original: bytes) -> bool:
    """Whether `path` is what `original` is called in a bag: `=XX` for bytes that are no UTF-8, perhaps `~2` at its end.

    A name that would pass 255 bytes is cut and ends with `=~` and 8 digits of the original's SHA-256.
    """
    parts, names = path.split(b"/"), original.split(b"/")
    return len(parts) == len(names) and all(map(_is_escaped, parts, names))


def _is_escaped(part: bytes, name: bytes) -> bool:
    escaped = "".join(
        "={:02X}".format(ord(character) - 0xDC00) if 0xDC80 <= ord(character) <= 0xDCFF else character
        for character in name.decode("utf-8", "surrogateescape")
    ).encode("utf-8")
    cut = re.match(rb"(.*)=~" + hashlib.sha256(name).hexdigest()[:8].encode("ascii") + rb"(~[0-9]+)?$", part, re.DOTALL)
    return bool(cut and escaped.startswith(cut.group(1))) or re.sub(rb"~[0-9]+$", b"", part) in (escaped, name)


class Structure:
    """metadata/structure.jsonl: original names that could not stand in the bag, and symbolic links."""

    def __init__(self) -> None:
        self._names: Dict[bytes, bytes] = {}
        self.links: List[Tuple[bytes, bytes]] = []

    def read(self, file: IO[bytes], damaged: bool, report: Report) -> None:
        """Read the lines; where the file is damaged, only what vouches for itself is believed."""
        file.seek(0)
        for number, line in enumerate(file, 1):
            try:
                self._read_line(json.loads(line.decode("utf-8")), damaged)
            except (ValueError, KeyError, TypeError, AttributeError):
                report.problem(
                    "{package}: line {number} of structure.jsonl cannot be understood; "
                    "an original name or a link may be lost",
                    number=number,
                )

    def _read_line(self, entry: Dict[str, str], damaged: bool) -> None:
        path = entry["path"].encode("utf-8", "surrogateescape")
        name = bytes.fromhex(entry.get("name_bytes", ""))
        if damaged and ("link_to" in entry or not is_name_in_bag(path, name)):
            raise ValueError("nothing vouches for it")
        if "name_bytes" in entry:
            self._names[path] = name
        if "link_to" in entry:
            self.links.append((path, bytes.fromhex(entry["link_to"])))

    def original(self, path: bytes) -> bytes:
        """The original of a payload path; where only a folder above was renamed, that folder's."""
        if not self._names:
            return path
        above, rest = path, b""
        while above:
            if above in self._names:
                return self._names[above] + rest
            above, _, name = above.rpartition(b"/")
            rest = b"/" + name + rest
        return path


# ------------------------------------------------------------------------------------------------ the target


class Wanted(NamedTuple):
    """What a person asked for."""

    target: Optional[str]
    glob: Optional[str] = None
    overwrite: bool = False
    keep_damaged: bool = False
    verbose: bool = False

    def matches(self, path: bytes) -> bool:
        return self.glob is None or fnmatch.fnmatchcase(os.fsdecode(path), self.glob)


class Target:
    """One folder that files are written into, and never beside it: no link in it is followed, no `..` obeyed."""

    def __init__(self, root: bytes, wanted: Wanted, report: Report) -> None:
        self.root = root
        self._wanted = wanted
        self._report = report
        self._made = b""  # the folder that was made or looked at last
        self._times = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `finish`
        self._held: Dict[bytes, Tuple[bytes, Member]] = {}

    def _place(self, path: bytes) -> Optional[bytes]:
        """Where `path` belongs, its folder made; None (and reported) where that is not inside the target."""
        parts = path.split(b"/")
        place = os.path.join(self.root, *parts)
        foreign = os.name == "nt" and (b"\\" in path or b":" in path)
        if foreign or any(part in (b"", b".", b"..") or b"\0" in part for part in parts) or not self._make(parts[:-1]):
            self._report.problem(
                "{package}: {path} would lie outside the target folder and was left out", path=shown(path)
            )
            return None
        return place

    def _make(self, parts: List[bytes]) -> bool:
        """Make the folders of a place.  False where something else is in the way, a link to a folder included."""
        if self._made == os.path.join(self.root, *parts):
            return True
        folder = self.root
        for part in [b"", *parts]:
            folder = os.path.join(folder, part) if part else folder
            try:
                if not stat.S_ISDIR(os.lstat(folder).st_mode):
                    return False
            except FileNotFoundError:
                os.mkdir(folder)
        self._made = folder
        return True

    def folder(self, path: bytes, member: Member) -> None:
        """Make a folder; its time is set at the end, when nothing more is put into it."""
        place = self._place(path + b"/-")
        if place:
            entry = [os.path.dirname(place).hex(), member.mode & 0o777 | 0o700, member.mtime]
            self._times.write(json.dumps(entry).encode("ascii") + b"\n")

    def begin(self, path: bytes) -> Optional[Tuple[IO[bytes], bytes]]:
        """A new file beside the place of `path`, and its name, which is to be handed to `settle` or `hold`."""
        place = self._place(path)
        if place is None:
            return None
        descriptor, written = tempfile.mkstemp(prefix=b".rescue-", suffix=b".partial", dir=os.path.dirname(place))
        return open(descriptor, "wb", buffering=0), written

    def settle(self, path: bytes, written: bytes, member: Member) -> None:
        """Give a whole file its name, unless something else has it."""
        place = os.path.join(self.root, path)
        os.chmod(written, member.mode & 0o777)
        os.utime(written, (member.mtime, member.mtime))
        if not os.path.lexists(place) or (self._wanted.overwrite and not self._is_folder(place)):
            os.replace(written, place)
            return
        same = stat.S_ISREG(os.lstat(place).st_mode) and digest_of(place) == digest_of(written)
        os.unlink(written)
        if not same:
            self._say_occupied(place)

    def hold(self, path: bytes, written: bytes, member: Member) -> None:
        """Keep a file of which some byte is in doubt until the manifest has spoken."""
        self.judge(path, sound=False)
        self._held[path] = (written, member)

    def judge(self, path: bytes, sound: bool) -> None:
        """The manifest has spoken about `path`; does nothing for a file that is not held."""
        if path not in self._held:
            return
        written, member = self._held.pop(path)
        if sound:
            self.settle(path, written, member)
        elif self._wanted.keep_damaged:
            os.replace(written, os.path.join(self.root, path) + b".DAMAGED")
        else:
            os.unlink(written)

    def link(self, path: bytes, link_to: bytes) -> None:
        """Make a symbolic link; done after all files, so that none is ever written through one."""
        place = self._place(path)
        if place is None or (os.path.islink(place) and os.readlink(place) == link_to):
            return
        if os.path.lexists(place):
            if not self._wanted.overwrite or self._is_folder(place):
                self._say_occupied(place)
                return
            os.unlink(place)
        os.symlink(link_to, place)

    def finish(self) -> None:
        """Drop what the manifest never spoke about, and give the folders their modes and times."""
        for path in list(self._held):
            self.judge(path, sound=False)
        self._times.seek(0)
        for line in self._times:
            place, mode, mtime = json.loads(line.decode("ascii"))
            os.chmod(bytes.fromhex(place), mode)
            os.utime(bytes.fromhex(place), (mtime, mtime))
        self._times.close()

    @staticmethod
    def _is_folder(place: bytes) -> bool:
        return stat.S_ISDIR(os.lstat(place).st_mode)

    def _say_occupied(self, place: bytes) -> None:
        self._report.problem(
            "{package}: {path} exists already and differs; it was left alone (--overwrite replaces it)",
            path=shown(place),
        )


class Output:
    """One file on its way into a target; when writing fails, that is reported and the rest is only read."""

    def __init__(self, target: Optional[Target], path: bytes, member: Member, report: Report) -> None:
        self._target = target
        self._path = path
        self._member = member
        self._report = report
        self._file: Optional[IO[bytes]] = None
        self._written = b""
        self._try(self._open)

    def _open(self) -> None:
        opened = self._target.begin(self._path) if self._target else None
        if opened:
            self._file, self._written = opened

    def write(self, piece: bytes) -> None:
        """The next bytes."""
        if self._file:
            self._try(self._write_all, piece)

    def _write_all(self, piece: bytes) -> None:
        view = memoryview(piece)
        while self._file and view:
            view = view[self._file.write(view) :]

    def close(self, doubtful: bool) -> None:
        """All is written; put it in place, or hold it where some byte is in doubt."""
        if self._file and self._target:
            self._file.close()
            self._try(self._target.hold if doubtful else self._target.settle, self._path, self._written, self._member)
            self._file = None

    def abandon(self) -> None:
        """Remove what was written, unless `close` was reached."""
        if self._file:
            self._file.close()
            self._file = None
            os.unlink(self._written)

    def _try(self, act: Callable[..., None], *values: object) -> None:
        try:
            act(*values)
        except OSError as error:
            self.abandon()
            report_failed_write(error, self._path, self._report)


def report_failed_write(error: OSError, path: bytes, report: Report) -> None:
    """A full disk stops everything; anything else concerns this one file."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise CannotGoOn(said("no space left for {path}; free some and run the same command again", path=shown(path)))
    report.problem("{package}: {path} cannot be written: {reason}", path=shown(path), reason=error.strerror)


# ------------------------------------------------------------------------------------------------ one package


class Listed(NamedTuple):
    """A path and its digest, as a manifest has it or as it was read (then perhaps from a doubtful block)."""

    path: bytes
    digest: str
    doubtful: bool = False


def percent_encoded(path: bytes) -> bytes:
    return path.replace(b"%", b"%25").replace(b"\n", b"%0A").replace(b"\r", b"%0D")


def percent_decoded(written: bytes) -> bytes:
    """RFC 8493, 2.1.3: these three and no others."""
    return re.sub(rb"%(25|0[AaDd])", lambda found: bytes([int(found.group(1), 16)]), written)


def matched(manifest: Iterator[Listed], read: Iterator[Listed]) -> Iterator[Tuple[Optional[Listed], Optional[Listed]]]:
    """Pairs with the same path.  Both come in nearly the same order; only what is out of step is kept in memory."""
    listed: Dict[bytes, Listed] = {}
    found: Dict[bytes, Listed] = {}
    for one, other in itertools.zip_longest(manifest, read):
        if one:
            listed[one.path] = one
        if other:
            found[other.path] = other
        for path in {entry.path for entry in (one, other) if entry}:
            if path in listed and path in found:
                yield listed.pop(path), found.pop(path)
    for entry in listed.values():
        yield entry, None
    for entry in found.values():
        yield None, entry


class Digests:
    """The digests of the files that were read, spooled to disk: there may be millions of files."""

    def __init__(self, algorithms: List[str]) -> None:
        self._spools = {name: tempfile.TemporaryFile() for name in algorithms}  # noqa: SIM115 - nameless

    def start(self) -> "Dict[str, hashlib._Hash]":
        """New computations, one for each algorithm."""
        return {name: hashlib.new(name) for name in self._spools}

    def note(self, path: bytes, running: "Dict[str, hashlib._Hash]", doubtful: bool) -> None:
        """A file was read to its end."""
        for name, digest in running.items():
            line = b"%s %d %s\n" % (digest.hexdigest().encode("ascii"), doubtful, percent_encoded(path))
            self._spools[name].write(line)

    def all(self, algorithm: str) -> Iterator[Listed]:
        """What was noted, in that order."""
        self._spools[algorithm].seek(0)
        for line in self._spools[algorithm]:
            digest, doubtful, path = line[:-1].split(b" ", 2)
            yield Listed(percent_decoded(path), digest.decode("ascii"), doubtful == b"1")


class Extraction:
    """One package on its way out of its bag, and what is known of its files so far."""

    def __init__(self, package: str, algorithms: List[str], wanted: Wanted, report: Report) -> None:
        self._top = package.encode("ascii", "replace") + b"/"
        self._wanted = wanted
        self._report = report
        self._structure = Structure()
        self._payload_digests, self._tag_digests = Digests(algorithms), Digests(algorithms)
        self._manifests: Dict[bytes, IO[bytes]] = {}
        self._damaged_manifests: Set[bytes] = set()
        self.payload = self.about = None  # type: Optional[Target]
        if wanted.target is not None:
            place = os.path.join(os.fsencode(wanted.target), self._top[:-1])
            self.payload, self.about = Target(place, wanted, report), Target(place + b".about", wanted, report)
        self.files = self.bytes = self.matching = self._doubtful_files = 0
        self.whole = self.whole_bytes = 0
        self.lost: Set[bytes] = set()
        self.is_complete = False
        """Whether as many files and bytes were found as the receipt says, each under a name beyond doubt."""

    def read(self, bag: Bag) -> None:
        """Go through the bag once, writing out what is wanted."""
        for member in members(bag, self._report):
            path = member.name[len(self._top) :].rstrip(b"/")
            if not member.name.startswith(self._top):
                self._outside(member)
            elif member.kind == b"5":
                self._take_folder(path, member, damaged=member.doubtful and bag.has_digests)
            elif member.kind in (b"0", b"\0"):
                self._take_file(bag, path, member)
            else:
                self._report.problem(
                    "{package}: {path} is of a kind that no bag holds (tar type {kind}) and was left out",
                    path=shown(path),
                    kind=shown(member.kind),
                )

    def _outside(self, member: Member) -> None:
        if not member.doubtful:  # else it is debris of a damaged header
            self._report.problem(
                "{package}: {path} would lie outside the target folder and was left out", path=shown(member.name)
            )

    def _take_folder(self, path: bytes, member: Member, damaged: bool) -> None:
        if not path.startswith(b"data/"):
            return
        original = self._structure.original(path[len(b"data/") :])
        if damaged:  # perhaps the name too: nothing vouches for a folder but its block
            self._report.problem(
                "{package}: the folder {path} lies in a damaged block; it is made only if a file needs it",
                path=shown(original),
            )
        elif self.payload and self._wanted.glob is None:
            try:
                self.payload.folder(original, member)
            except OSError as error:
                report_failed_write(error, original, self._report)

    def _take_file(self, bag: Bag, path: bytes, member: Member) -> None:
        if path.startswith(b"data/"):
            original = self._structure.original(path[len(b"data/") :])
            self.files += 1
            self.bytes += member.size
            self.matching += self._wanted.matches(original)
            target = self.payload if self._wanted.matches(original) else None
            output = Output(target, original, member, self._report)
            self._doubtful_files += self._copy(bag, member, path, output, self._payload_digests)
            return
        spool = None
        if re.match(rb"(tag)?manifest-[a-z0-9]+\.txt$", path) or path == b"metadata/structure.jsonl":
            spool = self._manifests[path] = tempfile.TemporaryFile()  # noqa: SIM115 - gone with this object
        self._copy(bag, member, path, Output(self.about, path, member, self._report), self._tag_digests, spool)
        if path == b"metadata/structure.jsonl" and spool:
            self._structure.read(spool, path in self._damaged_manifests, self._report)

    def _copy(
        self, bag: Bag, member: Member, path: bytes, output: Output, digests: Digests, spool: Optional[IO[bytes]] = None
    ) -> bool:
        """Read one file's content once: for its digests, for the target, and (tag files) for ourselves.

        Returns whether any byte of it, or of its header, is in doubt.
        """
        running = digests.start()
        left = member.size
        try:
            while left:
                piece = bag.read(min(left, PIECE_BYTES))
                if not piece:
                    break
                left -= len(piece)
                for digest in running.values():
                    digest.update(piece)
                output.write(piece)
                if spool:
                    spool.write(piece)
            doubtful = member.doubtful or bag.doubtful or left > 0
            if spool and doubtful and bag.has_digests:
                self._damaged_manifests.add(path)
            digests.note(path, running, doubtful)
            output.close(doubtful)
            return doubtful
        finally:
            output.abandon()

    def compare_counts(self, receipt: Optional[Receipt]) -> None:
        """Set `is_complete`."""
        found = (self.files, self.bytes)
        self.is_complete = bool(receipt and found == (receipt.files, receipt.bytes) and not self._doubtful_files)

    def judge(self, algorithms: List[str]) -> None:
        """Hear the manifests: what is whole, what differs, what is lost."""
        for number, algorithm in enumerate(algorithms):
            for pair in self._pairs(b"tagmanifest-", algorithm, self._tag_digests):
                self._judge_tag_file(algorithm, *pair)
            for pair in self._pairs(b"manifest-", algorithm, self._payload_digests):
                self._judge_file(algorithm, number == 0, *pair)

    def _pairs(
        self, kind: bytes, algorithm: str, digests: Digests
    ) -> Iterator[Tuple[Optional[Listed], Optional[Listed]]]:
        name = kind + algorithm.encode("ascii") + b".txt"
        if name not in self._manifests:
            self._report.problem("{package}: there is no readable {name} in the bag", name=name.decode("ascii"))
            self._damaged_manifests.add(name)
            return matched(iter(()), digests.all(algorithm))
        return matched(self._lines(name, algorithm), digests.all(algorithm))

    def _lines(self, name: bytes, algorithm: str) -> Iterator[Listed]:
        length = hashlib.new(algorithm).digest_size * 2
        self._manifests[name].seek(0)
        for number, line in enumerate(self._manifests[name], 1):
            found = re.match(rb"([0-9a-fA-F]{%d})[ \t]+\*?(.+)$" % length, line.rstrip(b"\r\n"), re.DOTALL)
            if found:
                yield Listed(percent_decoded(found.group(2)), found.group(1).decode("ascii").lower())
            elif line.strip():
                self._report.problem(
                    "{package}: line {number} of {name} cannot be understood", number=number, name=name.decode("ascii")
                )

    def _judge_tag_file(self, algorithm: str, listed: Optional[Listed], found: Optional[Listed]) -> None:
        entry = listed or found
        if entry is None or entry.path.startswith(b"tagmanifest-"):
            return
        sound = bool(listed and found and listed.digest == found.digest)
        if not sound:
            self._report.problem(
                "{package}: {path} differs from the {algorithm} listed for it",
                path=shown(entry.path),
                algorithm=algorithm,
            )
        if self.about:
            self.about.judge(entry.path, sound)

    def _judge_file(self, algorithm: str, first: bool, listed: Optional[Listed], found: Optional[Listed]) -> None:
        entry = listed or found
        if entry is None or not entry.path.startswith(b"data/"):
            return
        original = self._structure.original(entry.path[len(b"data/") :])
        # A manifest that is damaged itself does not overrule the blocks a file lies in.
        manifest = b"manifest-" + algorithm.encode("ascii") + b".txt"
        damaged = manifest in self._damaged_manifests
        by_block = damaged and found is not None and not found.doubtful
        sound = by_block or bool(listed and found and listed.digest == found.digest)
        if self.payload and first:
            self.payload.judge(original, sound)
        if self._wanted.matches(original):
            only_a_line = listed is not None and damaged and self.is_complete
            self._tell_judgement(original, sound, first, listed is None and manifest in self._manifests, only_a_line)

    def _tell_judgement(self, original: bytes, sound: bool, first: bool, extra: bool, only_a_line: bool) -> None:
        path = shown(original)
        if sound and first:
            self.whole += 1
            if self._wanted.verbose:
                self._report.tell("{package}: whole {path}", path=path)
        elif sound or original in self.lost:
            return
        elif extra:
            self._report.problem("{package}: {path} is not listed in the manifest", path=path)
        elif only_a_line:
            self._report.problem(
                "{package}: a damaged line of the manifest names {path}; no file is lost by it", path=path
            )
        else:
            self.lost.add(original)
            self._report.problem("{package}: LOST {path}", path=path)

    def finish(self) -> None:
        """Make the links, then give the folders their times."""
        for path, link_to in self._structure.links:
            original = self._structure.original(path)
            if self._wanted.matches(original):
                self.matching += 1
                if self.payload:
                    try:
                        self.payload.link(original, link_to)
                    except OSError as error:
                        report_failed_write(error, original, self._report)

    def close(self) -> None:
        """Leave nothing half done in the target."""
        for target in (self.payload, self.about):
            if target:
                target.finish()


def usable_algorithms(receipt: Optional[Receipt], report: Report) -> List[str]:
    """What to compute: SHA-256, and what else the receipt names and this Python knows."""
    names = ["sha256"] + [name for name in (receipt.algorithms if receipt else []) if name != "sha256"]
    usable = []
    for name in names:
        try:
            hashlib.new(name)
            usable.append(name)
        except ValueError:
            report.tell(
                "{package}: {algorithm} was not checked, this Python does not know it (other digests were)",
                algorithm=name,
            )
    return usable


def report_misplaced(folders: List[str], report: Report) -> List[str]:
    """Tell what lies in the wrong place; the folders that have anything of the package."""
    kept = []
    for folder in folders:
        owners = owners_in(folder)
        others = sorted(set(owners) - {report.package})
        is_at_home = os.path.basename(os.path.abspath(folder)) == report.package
        if not is_at_home:
            report.tell(
                "{package}: it was found in {folder}, where it lies by mistake, and is taken from there", folder=folder
            )
        for other in others if is_at_home else []:
            report.problem(
                "{package}: {path} belongs to package {other} and lies in the wrong place",
                path=owners[other],
                other=other,
            )
        if report.package in owners or not others:
            kept.append(folder)
    return kept


def process(package: str, folders: List[str], wanted: Wanted) -> Report:
    """Check one package, and restore it if there is a target."""
    report = Report(package)
    folders = report_misplaced(folders, report)
    if not folders:
        report.problem("{package}: nothing of it is here")
        return report
    receipt, blocks = choose_evidence(folders, report)
    if receipt:
        check_small_objects(folders, receipt, report)
    copies = owned(folders, "bag.tar", package)
    if not copies:
        report.problem("{package}: {object} is missing", object="bag.tar")
        return report
    algorithms = usable_algorithms(receipt, report)
    bag, extraction = Bag(copies, blocks, report, folders), Extraction(package, algorithms, wanted, report)
    try:
        extraction.read(bag)
        extraction.compare_counts(receipt)
        extraction.judge(algorithms)
        extraction.finish()
    finally:
        extraction.close()
        bag.close()
    _sum_up(extraction, receipt, wanted, report)
    return report


def _sum_up(extraction: Extraction, receipt: Optional[Receipt], wanted: Wanted, report: Report) -> None:
    if receipt and not extraction.lost and (extraction.files, extraction.bytes) != (receipt.files, receipt.bytes):
        report.problem(
            "{package}: the receipt says {expected} files, {expected_bytes} bytes; the bag has {found}, {found_bytes}",
            expected=receipt.files,
            expected_bytes=receipt.bytes,
            found=extraction.files,
            found_bytes=extraction.bytes,
        )
    if wanted.glob is not None and not extraction.matching:
        report.problem("{package}: nothing in it matches {glob}", glob=wanted.glob)
    if extraction.lost:
        report.tell(
            "{package}: DAMAGED, {whole} files are whole and {lost} are lost (listed above)",
            whole=extraction.whole,
            lost=len(extraction.lost),
        )
    elif report.problems:
        report.tell("{package}: {whole} files are whole and none is lost, but see above", whole=extraction.whole)
    elif wanted.target is None:
        report.tell("{package}: sound, {whole} files", whole=extraction.whole)
    else:
        report.tell("{package}: restored, {whole} files", whole=extraction.whole)


# ---------------------------------------------------------------------------------------------- the commands


def chosen(stores: List[str], names: List[str]) -> Dict[str, List[str]]:
    """Package id -> its folders in `stores`, then those of others in which something of it lies by mistake.

    What was named and is nowhere has none.
    """
    found: Dict[str, List[str]] = {}
    strays: Dict[str, List[str]] = {}
    for store in stores:
        for package, folder in package_folders(store).items():
            found.setdefault(package, []).append(folder)
            for other in sorted(set(owners_in(folder)) - {package}):
                strays.setdefault(other, []).append(folder)
    for package, folders in strays.items():
        found.setdefault(package, []).extend(folders)
    return {name: found.get(name, []) for name in names or sorted(found)}


def run_all(groups: List[List[str]], names: List[str], wanted: Wanted) -> int:
    """Check or restore; each group of stores stands for one holding."""
    packages = problems = 0
    for stores in groups:
        for package, folders in chosen(stores, names).items():
            packages += 1
            if folders:
                problems += process(package, folders, wanted).problems
            else:
                print(said("{package}: not in this store", package=package))
                problems += 1
    if problems:
        print(said("{problems} problems in {packages} packages, listed above.", problems=problems, packages=packages))
    else:
        print(said("All {packages} packages are well.", packages=packages))
    return 1 if problems else 0


def list_packages(store: str) -> int:
    """What the receipts say; nothing else is read."""
    problems = 0
    for package, folders in chosen([store], []).items():
        report = Report(package)
        for receipt, _ in _readable_receipts(report_misplaced(folders, report), report)[:1]:
            report.tell(
                "{package}: {files} files, {bytes} bytes, {records} records, {created}, {title}",
                files=receipt.files,
                bytes=receipt.bytes,
                records=receipt.records,
                created=receipt.created_at,
                title=receipt.title or "-",
            )
        problems += report.problems
    return 1 if problems else 0


def make_target(target: str, stores: List[str]) -> None:
    """Make the target folder, which must not lie in a store."""
    for store in stores:
        inside = os.path.realpath(target) + os.sep
        if inside.startswith(os.path.realpath(store) + os.sep):
            raise CannotGoOn(
                said(
                    "the target {target} lies inside the store {store}; nothing may be written there",
                    target=target,
                    store=store,
                )
            )
    try:
        os.makedirs(target, exist_ok=True)
    except OSError as error:
        raise CannotGoOn("{}: {}".format(target, error.strerror)) from error


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="rescue.py", description=said("Gets records back out of a store of `preserve`, without that program.")
    )
    commands = top.add_subparsers(dest="command", metavar="list | check | restore")
    commands.required = True
    for name, words in (
        ("list", "show what the store holds"),
        ("check", "read everything and report what is damaged"),
        ("restore", "check and write the files out under their original names"),
    ):
        command = commands.add_parser(name, help=said(words), description=said(words))
        command.add_argument("store", metavar="STORE_FOLDER", help=said("the folder that store.json lies in"))
        if name == "restore":
            _add_restore_arguments(command)
        if name != "list":
            command.add_argument(
                "packages", metavar="PACKAGE", nargs="*", help=said("only these packages (default: all)")
            )
            also = said("another copy of the store; damaged blocks are taken from there (may be repeated)")
            command.add_argument("--also", metavar="STORE_FOLDER", action="append", default=[], help=also)
            command.add_argument("--verbose", action="store_true", help=said("name the whole files too"))
    return top


def _add_restore_arguments(command: argparse.ArgumentParser) -> None:
    path = "only files whose original path matches, as '2024/*.pdf'; `*` also matches `/`"
    target = "an empty or new folder, with room for everything"
    command.add_argument("target", metavar="TARGET", help=said(target))
    command.add_argument("--path", metavar="GLOB", help=said(path))
    command.add_argument("--overwrite", action="store_true", help=said("replace files in the target that differ"))
    command.add_argument("--keep-damaged", action="store_true", help=said("also keep damaged files, as NAME.DAMAGED"))


def carry_out(asked: argparse.Namespace) -> int:
    """Do what was asked; the exit code."""
    if asked.command == "list":
        return list_packages(asked.store)
    stores = [asked.store, *asked.also]
    if asked.command == "check":
        return run_all([[store] for store in stores], asked.packages, Wanted(None, verbose=asked.verbose))
    chosen(stores, asked.packages)  # complains of a wrong folder before anything is made
    make_target(asked.target, stores)
    wanted = Wanted(asked.target, asked.path, asked.overwrite, asked.keep_damaged, asked.verbose)
    code = run_all([stores], asked.packages, wanted)
    print(said("The files lie in {target}, one folder for each package.", target=asked.target))
    return code


def main(arguments: Optional[List[str]] = None) -> int:
    """The program; the exit code."""
    try:
        return carry_out(parser().parse_args(arguments))
    except CannotGoOn as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print(said("Stopped. Run the same command again; what is there already is kept."), file=sys.stderr)
    return 2


if __name__ == "__main__":
    # A name that the terminal cannot show must not end the rescue; where it claims to know ASCII only, it is modest.
    encoding = sys.stdout.encoding or "ascii"
    encoding = "utf-8" if codecs.lookup(encoding).name == "ascii" else encoding
    sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding, "backslashreplace", line_buffering=True)
    sys.stderr = io.TextIOWrapper(sys.stderr.buffer, encoding, "backslashreplace", line_buffering=True)
    sys.exit(main())
