"""What a migration is measured against: the tool of a pathway on the files of a folder, and nothing else.

python -m ops.bench.tool_alone PATHWAY FOLDER WORK [--sandboxed]

Two processes of the tool, each with half of the files in one call; or the workshop's way, in the sandbox.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from preserve.formats.siegfried import SiegfriedIdentifier
from preserve.model.formats.pathways import Pathway, filled_in
from preserve.settings.shipped import own_signatures
from tests.pathways.declarations import shipped
from tests.workshop.bench import Bench


def convert(pathway: Pathway, files: Sequence[Path], work: Path) -> int:
    """Have the tool convert files as it does by itself; how many results there are.  Raises `CalledProcessError`."""
    running = [_begun(pathway, half, work / str(number)) for number, half in enumerate((files[::2], files[1::2]))]
    for process in running:
        if process.wait() != 0:
            raise subprocess.CalledProcessError(process.returncode, process.args)
    return sum(1 for number in range(2) for _ in (work / str(number) / "made").iterdir())


def _begun(pathway: Pathway, files: Sequence[Path], work: Path) -> subprocess.Popen[bytes]:
    for folder in ("home", "made"):
        (work / folder).mkdir(parents=True)
    places = {"home": str(work / "home"), "output": str(work / "made"), "inputs": [str(file) for file in files]}
    return subprocess.Popen(filled_in(pathway.tool.command, places), stdout=subprocess.DEVNULL)


def convert_sandboxed(pathway: Pathway, files: Sequence[Path], work: Path) -> int:
    """Have the workshop convert files; how many results there are."""
    with SiegfriedIdentifier(work, own_signatures()) as identifier:  # which converting does not ask
        bench = Bench(work, identifier)
        outcomes = bench.convert(pathway, [bench.file(file, file.suffix, pathway.sources[0]) for file in files])
    return sum(1 for outcome in outcomes if outcome.files)


def main(name: str, folder: Path, work: Path, way: str = "") -> None:
    """Ends with 1 where something was not converted."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    work.mkdir()
    done = (convert_sandboxed if way == "--sandboxed" else convert)(shipped()[name], files, work)
    print(done)
    sys.exit(0 if done == len(files) else 1)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), *sys.argv[4:])
