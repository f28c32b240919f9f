"""Validators of others that end with 0 whatever they found: run here so that their exit status tells.

`python -P -m preserve.formats.strict_validators jpylyzer|mediaconch|ffmpeg|verapdf FILE` ends with 0 where the file is
sound by what they print, and with 1 and their reasons otherwise.  Measured: mediaconch 23.03 and jpylyzer 2.2.1 end
with 0 over a truncated file, FFmpeg 5.1 over FFV1 whose checksums are wrong, and over FLAC of 32 bits, of which it
decodes nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

from preserve.errors import Refused, Unavailable
from preserve.processes import run_for_answer, run_for_pieces

MOST_SECONDS = 6 * 3600
"""Whoever started us bounds the time."""
SHOWN = 1000
MOST_REPORT = 16 * 1024 * 1024
"""Bytes of a report; a longer one is none."""
VERAPDF_PROFILE = "PDF/A-2B validation profile"


def complaint(validator: str, file: Path) -> str:
    """What a validator finds wrong with a file; "" where it is sound.  Raises `Refused`, `Unavailable` where the
    validator cannot be run."""
    return VALIDATORS[validator](file)


def _jpylyzer(file: Path) -> str:
    """A result is valid where it says so for the format; else the tests that failed."""
    from jpylyzer import jpylyzer  # it takes time to load, and only JPEG 2000 needs it

    found = jpylyzer.checkOneFile(str(file), "jp2")
    if found.findtext("isValid") == "True":
        return ""
    failed = [f"{each.tag}={each.text}" for each in found.find("tests").iter() if each.text == "False"]
    return ", ".join(failed)[:SHOWN] or "not valid"


def _mediaconch(file: Path) -> str:
    answer = run_for_answer(("mediaconch", str(file)), Path("/"), MOST_SECONDS)
    if answer.status == 0 and answer.text.startswith("pass!"):
        return ""
    return (answer.text.partition("\n")[2] or answer.complaints or "no answer").strip()[:SHOWN]


def _ffmpeg(file: Path) -> str:
    """Decodes every stream, and wants that something came of each and that nothing was complained about."""
    command = (
        "ffmpeg", "-nostdin", "-v", "error", "-protocol_whitelist", "file", "-xerror", "-err_detect", "explode",
        "-i", str(file), "-map", "0:v?", "-map", "0:a?", "-f", "framecrc", "-",
    )  # fmt: skip
    answer = run_for_answer(command, Path("/"), MOST_SECONDS)
    if answer.status != 0 or answer.complaints:
        return answer.complaints[:SHOWN] or f"exit status {answer.status}"
    lines = answer.text.splitlines()
    streams = {line.partition(":")[0].removeprefix("#tb ") for line in lines if line.startswith("#tb ")}
    silent = streams - {line.partition(",")[0].strip() for line in lines if line and not line.startswith("#")}
    return f"nothing is decoded of stream {min(silent)}" if silent or not streams else ""


def _verapdf(file: Path) -> str:
    """By its report in XML, which it prints if it is asked for no other, and which names the profile it judged by; for
    years it ended with 0 whatever it found.  Tried with reports as it prints them, and not with itself, which was not
    to be had."""
    text = bytearray()
    command = ("verapdf", "--flavour", "2b", "--maxfailuresdisplayed", "1", str(file))
    answer = run_for_pieces(
        command, Path("/"), MOST_SECONDS, lambda piece: text.extend(piece[: MOST_REPORT - len(text)])
    )
    try:
        report = ET.fromstring(bytes(text[max(text.find(b"<?xml"), 0) :]))  # noqa: S314 - bounded, and in the sandbox
    except ET.ParseError:
        said = answer.complaints or text.decode("utf-8", "replace")
        return f"no report, but exit status {answer.status}: {said}"[:SHOWN]
    found = report.findall("jobs/job/validationReport")
    judged = [(each.get("profileName"), each.get("jobEndStatus", "normal")) for each in found]
    if judged != [(VERAPDF_PROFILE, "normal")]:
        why = report.findtext(".//exceptionMessage") or answer.complaints or "no reason given"
        return f"it was not judged by the {VERAPDF_PROFILE}: {why}"[:SHOWN]
    failed = [each for each in found[0].iterfind("details/rule") if each.get("status") == "failed"]
    rules = [f"{each.get('clause')}-{each.get('testNumber')} {each.findtext('description')}" for each in failed]
    if found[0].get("isCompliant") == "true" and not failed:
        return ""
    return ("; ".join(rules) or "not compliant")[:SHOWN]


VALIDATORS: Mapping[str, Callable[[Path], str]] = {
    "jpylyzer": _jpylyzer, "mediaconch": _mediaconch, "ffmpeg": _ffmpeg, "verapdf": _verapdf,
}  # fmt: skip


if __name__ == "__main__":
    try:
        sys.exit(complaint(sys.argv[1], Path(sys.argv[2])) or 0)
    except (Refused, Unavailable) as why:
        sys.exit(str(why))
