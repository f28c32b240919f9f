"""A million tiny files: does memory stay bounded, whatever the number of files?

One folder store, the real command: ingest, full audit, restore of one file, restore of everything and a comparison
with the source.  Each must end well, and none may hold more than 300 MiB (proportional set size, all processes).

    python -m ops.campaigns.million_files [--files 1000000] [--out FILE]
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ops.campaigns.service import Ended, Service, new_service
from ops.campaigns.telling import MEMORY_LIMIT_MIB, parser, say, table, tell, workshop

FILES_A_FOLDER = 1000
BYTES_A_FILE = 6_500
"""Of disk: the source and the restored file take a file system block each, the tar entry up to three sectors, and the
operations' lists some hundred bytes."""


@dataclass(frozen=True, slots=True)
class Step:
    """One act of the campaign and how it ended."""

    name: str
    ended: Ended

    @property
    def keeps_the_limit(self) -> bool:
        return self.ended.peak_mib < MEMORY_LIMIT_MIB


def name_of(number: int) -> str:
    """The path of one file; every tenth has a Chinese name."""
    name = f"件-{number:07d}.txt" if number % 10 == 0 else f"item-{number:07d}.txt"
    return f"卷{number // FILES_A_FOLDER:05d}/{name}"


def content_of(number: int) -> bytes:
    """Different for each file, and as short as a note."""
    return b"record %d\n" % number


def lay_out(folder: Path, files: int) -> None:
    """The submission: `files` tiny files, a thousand a folder."""
    for first in range(0, files, FILES_A_FOLDER):
        (folder / name_of(first)).parent.mkdir(parents=True)
        for number in range(first, min(files, first + FILES_A_FOLDER)):
            with open(folder / name_of(number), "xb", buffering=0) as file:
                file.write(content_of(number))


def difference(source: Path, restored: Path, files: int) -> str | None:
    """What of the restored tree is not as it was laid out, or None."""
    for number in range(files):
        path = name_of(number)
        try:
            content = (restored / path).read_bytes()
        except OSError as error:
            return f"{path}: {error}"
        if content != content_of(number):
            return f"{path}: other content"
        if os.stat(restored / path).st_mtime_ns != os.stat(source / path).st_mtime_ns:
            return f"{path}: other time"
    count = sum(len(names) for _, _, names in os.walk(restored))
    return None if count == files else f"{count} files instead of {files}"


def campaign(folder: Path, files: int) -> list[Step]:
    """All steps.  Raises AssertionError where one ends otherwise than it should."""
    source = folder / "source"
    lay_out(source, files)
    service = new_service(folder)
    service.promise("primary")
    service.store("main")
    steps = [_step(service, "ingest", "ingest", source)]
    made = steps[0].ended.document
    assert sum(package["files"] for package in made["packages"]) == files
    steps.append(_step(service, "full audit", "audit", "--level", "full"))
    assert steps[-1].ended.document["counts"]["sound"] == len(made["packages"])
    wanted, accession = name_of(files * 2 // 3), made["accession"]
    steps.append(_step(service, "restore of one file", "restore", accession, "--to", folder / "one", "--path", wanted))
    assert (folder / "one" / wanted).read_bytes() == content_of(files * 2 // 3)
    steps.append(_step(service, "restore of all", "restore", accession, "--to", folder / "all"))
    wrong = difference(source, folder / "all", files)
    assert wrong is None, wrong
    return steps


def _step(service: Service, name: str, *arguments: str | Path) -> Step:
    step = Step(name, service.must(*arguments))
    say(f"{name}: {step.ended.seconds:.1f} s, {step.ended.peak_mib:.0f} MiB")
    return step


def report(files: int, steps: list[Step]) -> str:
    """The table."""
    rows = [
        (
            step.name,
            f"{step.ended.seconds:.1f}",
            f"{step.ended.peak_mib:.0f}",
            "yes" if step.keeps_the_limit else "**no**",
        )
        for step in steps
    ]
    head = (f"{files:,} files", "seconds", "peak MiB", f"below {MEMORY_LIMIT_MIB} MiB")
    return table(head, rows)


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--files", type=int, default=1_000_000)
    chosen = arguments.parse_args()
    with workshop(chosen.folder, chosen.files * BYTES_A_FILE * 2) as folder:
        steps = campaign(folder, chosen.files)
        tell(report(chosen.files, steps), chosen.out)
    if not all(step.keeps_the_limit for step in steps):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
