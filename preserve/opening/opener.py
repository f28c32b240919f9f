"""The process in which documents are opened: `python -m preserve.opening.opener BYTES`.

The path of each file comes as a line of hex; the answer is a line of JSON: the verdict and why.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path

from preserve.model.phrases import phrase
from preserve.opening.bounded import bound
from preserve.opening.judges import FOREIGN, judge_of
from preserve.opening.verdicts import Broken, Opened, Opening, Unjudged


def main(memory_bytes: int) -> None:
    bound(memory_bytes)
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        verdict = judged(Path(os.fsdecode(bytes.fromhex(line.strip()))))
        _answer([verdict.opened.value, verdict.why])


def judged(path: Path) -> Opening:
    """Open one document.  What a reader raises over its bytes is a verdict; that the disk fails is none."""
    try:
        judge_of(path)(path)
    except Unjudged as unjudged:
        return Opening(Opened.UNJUDGED, str(unjudged))
    except Broken as broken:
        return Opening(Opened.BROKEN, str(broken))
    except MemoryError:
        return Opening(Opened.UNJUDGED, phrase("it takes more memory than is allowed"))
    except FOREIGN as error:
        if isinstance(error, OSError) and error.errno is not None:
            return Opening(Opened.UNJUDGED, phrase("it cannot be read: {why}", why=error.strerror))
        return Opening(Opened.BROKEN, f"{type(error).__name__}: {error}")
    return Opening(Opened.OPENS)


def _answer(value: object) -> None:
    sys.stdout.write(f"{json.dumps(value)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
