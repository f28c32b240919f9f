"""The acts of the demo, in order; each insists on what it must find."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ops.demo.make_samples import METADATA, lay_out
from ops.demo.stage import BUCKET, Stage, WentWrongError, as_typed, insist, tree
from ops.demo.words import Words
from preserve.cli.messages import resaid

_DIGEST = re.compile(r"\b([0-9a-f]{16})[0-9a-f]{48}\b")

DAMAGED_BLOCK = 1
BLOCK_BYTES = 16 * 1024 * 1024


Result = tuple[object, ...]
"""What an act has to tell, in the order in which its closing words name it."""


@dataclass(slots=True)
class Play:
    """What one act leaves for the next."""

    stage: Stage
    package: str = ""
    bag: Path = Path()


def start(play: Play) -> Result:
    """Two sites, each with credentials of its own."""
    play.stage.set_up()
    for name, site in play.stage.sites.items():
        print(f"      {name:<15} {site.endpoint}")
    return (len(play.stage.sites),)


def register(play: Play) -> Result:
    """A home and three stores that no single event can take together."""
    stage = play.stage
    stage.preserve("init")
    add = ("store", "add")
    stage.preserve(
        *add, "primary", "--role", "primary", "--url", stage.url("primary"), "--city", "甲市", "--medium", "disk"
    )
    for name, city in (("same_city", "甲市"), ("remote_offline", "乙市")):
        place = ("--city", city, "--site", name, "--credential-domain", name)
        stage.preserve(*add, name, "--role", name, "--url", stage.url(name), "--profile", name, *place)
    return (3,)


def ingest(play: Play) -> Result:
    """The sample records, as one package with three copies."""
    stage = play.stage
    lay_out(stage.submission)
    answer = stage.preserve("ingest", stage.submission, "--metadata", METADATA)
    insist("packages", len(answer.document["packages"]), 1)
    package = answer.document["packages"][0]
    play.package = package["id"]
    copies = {copy["store"]: copy["state"] for copy in package["copies"]}
    insist("copies", copies, dict.fromkeys(("primary", "same_city", "remote_offline"), "verified"))
    for store, state in copies.items():
        print(f"      {play.package}  {store:<15} {STATES[state]}")
    return package["files"], package["bytes"], len(copies)


def damage(play: Play) -> Result:
    """Flip one byte in the folder, and delete one object at the same-city site with its administrator's key."""
    stage = play.stage
    play.bag = next(stage.primary.glob(f"packages/*/{play.package}/bag.tar"))
    play.bag.chmod(0o644)
    with play.bag.open("r+b") as file:
        file.seek(DAMAGED_BLOCK * BLOCK_BYTES + 123_456)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 0x01]))
    key = f"packages/{play.package[-2:]}/{play.package}/members.parquet"
    stage.behind_its_back("same_city").delete_object(Bucket=BUCKET, Key=key)
    print(f"      {FLIPPED.filled(place=play.bag.relative_to(stage.folder), block=DAMAGED_BLOCK)}")
    print(f"      {DELETED.filled(place=f'same_city: {key}')}")
    return (2,)


def audit(play: Play) -> Result:
    """Every byte of every copy is read; both harms are found and named, and nothing else is."""
    findings = play.stage.preserve("audit", "--level", "full", wanted=1).document["findings"]
    for finding in findings:
        print(f"      {finding['store']}: {STATES[finding['condition']]}: {finding['where']}")
        print(f"        {EVIDENCE.filled(expected=_short(finding['expected']), found=_short(finding['found']))}")
    found = {(finding["store"], finding["condition"], Path(finding["where"]).name) for finding in findings}
    insist("findings", found, {("primary", "damaged", "bag.tar"), ("same_city", "missing", "members.parquet")})
    return (len(findings),)


def _short(evidence: str) -> str:
    """In the person's language, as the program itself would say it; digests are cut."""
    return _DIGEST.sub(r"\1…", resaid(evidence))


def repair(play: Play) -> Result:
    """Only the damaged block travels, from a copy where it is sound; the bad object is kept as evidence."""
    answer = play.stage.preserve("repair").document
    insist("not repaired", answer["not_repaired"], [])
    moved = answer["bytes_transferred"]
    whole = play.bag.stat().st_size
    if not 0 < moved < whole:
        raise WentWrongError(f"bytes transferred: {moved}, bag: {whole}")
    return moved, whole


def audit_again(play: Play) -> Result:
    """Everything is read once more, and everything is sound."""
    answer = play.stage.preserve("audit", "--level", "full").document
    insist("findings", answer["findings"], [])
    insist("sound", answer["counts"]["sound"], 3)
    return (answer["counts"]["sound"],)


def restore(play: Play) -> Result:
    """Restore from the remote site alone and compare each name, byte, time, mode and link."""
    target = play.stage.folder / "restored"
    play.stage.preserve("restore", play.package, "--to", target, "--from", "remote_offline")
    return _compared(target, play.stage.submission)


def rebuild(play: Play) -> Result:
    """Delete the home; make another from the remote store alone."""
    stage = play.stage
    shutil.rmtree(stage.home)
    store = ("--from", stage.url("remote_offline"), "--profile", "remote_offline")
    stage.preserve("rebuild", *store)
    stage.preserve("ledger", "verify")
    packages = stage.preserve("package", "list").document["packages"]
    insist("packages", [package["id"] for package in packages], [play.package])
    return (len(packages),)


def rescue(play: Play) -> Result:
    """The script that lies in every store brings everything back without the program."""
    target = play.stage.folder / "rescued"
    script = play.stage.primary / "rescue.py"
    print(f"    $ {as_typed('python3', script, 'restore', play.stage.primary, target)}")
    command = [sys.executable, "-I", str(script), "restore", str(play.stage.primary), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise WentWrongError(done.stdout + done.stderr)
    return _compared(target / play.package, play.stage.submission)


def drill(play: Play) -> Result:
    """A recovery from the remote site alone, as if catalog and home were lost: measured, and certified."""
    answer = play.stage.preserve("drill", "--from", "remote_offline", "--all", "--without-catalog").document
    insist("faults", answer["faults"], [])
    insist("verdict", answer["verdict"], "passed in part")  # the export of an old system opens with nothing of ours
    return answer["files"], answer["rto_seconds"]


def assess(play: Play) -> Result:
    """How safe that is, told by facts: a site over the network is not offline, and the service must say so."""
    answer = play.stage.preserve("policy", "assess", wanted=1).document
    for digit in answer["digits"]:
        verdict = MET if digit["met"] else NOT_MET
        reached = str(UNTOLD) if digit["reached"] is None else digit["reached"]
        print(f"      {verdict.filled(rule=RULES[digit['rule']], reached=reached, wanted=digit['wanted'])}")
    insist("falls short", answer["falls_short"], ["offline"])
    level = answer["disaster_recovery"]
    return level["by_elements"], len(level["missing"])


def _compared(found: Path, wanted: Path) -> Result:
    """Insist that both trees are the same, and say how many entries they have.  Links carry no time of their own."""
    ours, theirs = tree(found), tree(wanted)
    differing = [path for path in ours.keys() | theirs.keys() if _plain(ours.get(path)) != _plain(theirs.get(path))]
    insist("differences", differing, [])
    return (len(ours),)


def _plain(fact: tuple[str, str, int, int] | None) -> object:
    return fact[:2] if fact and fact[0] == "link" else fact


@dataclass(frozen=True, slots=True)
class Act:
    """One act of the play: what it shows, and what its result means in the closing table."""

    title: Words
    result: Words
    play: Callable[[Play], Result]


FLIPPED = Words("one bit flipped in {place}, block {block}", "{place} 第 {block} 块中有一位被翻转")
DELETED = Words("deleted: {place}", "已删除：{place}")
EVIDENCE = Words("expected {expected}, found {found}", "应为 {expected}，实为 {found}")
STATES = {
    "verified": Words("verified", "已核实"),
    "damaged": Words("DAMAGED", "损坏"),
    "missing": Words("MISSING", "缺失"),
}
RULES = {
    "copies": Words("copies", "副本"),
    "media": Words("kinds of carrier", "载体类别"),
    "offsite": Words("copies elsewhere", "异地副本"),
    "offline": Words("copies offline", "离线副本"),
    "errors": Words("errors", "差错"),
}
UNTOLD = Words("not told of every store", "未全部说明")
MET = Words("{rule}: {reached}, wanted {wanted}", "{rule}：{reached}，要求 {wanted}")
NOT_MET = Words("{rule}: {reached}, wanted {wanted}: NOT MET", "{rule}：{reached}，要求 {wanted}：未达到")
ACTS = (
    Act(
        Words("start two S3 sites", "启动两个 S3 站点"),
        Words("{0} sites, credentials of their own", "{0} 个站点，各有独立凭据"),
        start,
    ),
    Act(
        Words("make a home, register three stores", "建立主目录，登记三个存储"),
        Words("{0} stores", "{0} 个存储"),
        register,
    ),
    Act(
        Words("take sample records in", "接收样例档案"),
        Words("{0} files, {1:,} bytes, {2} copies read back", "{0} 个文件，{1:,} 字节，{2} 份副本均已读回核对"),
        ingest,
    ),
    Act(Words("damage copies behind the service's back", "绕过服务破坏副本"), Words("{0} harms", "{0} 处破坏"), damage),
    Act(
        Words("audit: read every byte", "核对：读取全部字节"),
        Words("{0} findings, both named", "发现 {0} 处，均已指明"),
        audit,
    ),
    Act(
        Words("repair, block by block", "逐块修复"),
        Words("{0:,} bytes travelled; the bag has {1:,}", "传输 {0:,} 字节；整个信息包为 {1:,} 字节"),
        repair,
    ),
    Act(Words("audit again", "再次核对"), Words("{0} copies, all sound", "{0} 份副本，全部完好"), audit_again),
    Act(
        Words("restore from the remote site alone", "仅从远端恢复"),
        Words("{0} entries, identical", "{0} 项，完全一致"),
        restore,
    ),
    Act(
        Words("lose the home, rebuild it from one store", "丢失主目录，从一个存储重建"),
        Words("{0} package, ledger verified", "{0} 个信息包，台账核验无误"),
        rebuild,
    ),
    Act(
        Words("restore without this program", "不用本程序恢复"),
        Words("{0} entries, identical", "{0} 项，完全一致"),
        rescue,
    ),
    Act(
        Words("rehearse the loss of all but the remote site", "演练只剩远端站点"),
        Words("{0} files back in {1:.1f} s, certified", "{1:.1f} 秒恢复 {0} 个文件，并出具证书"),
        drill,
    ),
    Act(
        Words("say how safe that is", "说明有多安全"),
        Words(
            "level {0} of GB/T 20988-2007; for the next there lack {1} things, named by `preserve policy assess`",
            "GB/T 20988-2007 第 {0} 级；距下一级还缺 {1} 项，`preserve policy assess` 逐项列出",
        ),
        assess,
    ),
)
