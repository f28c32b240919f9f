"""The process in which the Library of Congress's own reader judges bags: `python -m preserve.opening.reader BYTES`.

The folder of each bag comes as a line of hex; the answer is a line of JSON: null for a valid bag, else why it is none.
"""

from __future__ import annotations

import json
import logging
import os
import sys

from preserve.opening.bounded import bound


def main(memory_bytes: int) -> None:
    bound(memory_bytes)
    logging.disable(logging.CRITICAL)
    for line in sys.stdin:
        folder = os.fsdecode(bytes.fromhex(line.strip()))
        _answer(complaint(folder))


def complaint(folder: str) -> str | None:
    """Why the bag in `folder` is not valid.  What else goes wrong ends this process, and says nothing of the bag."""
    import bagit

    try:
        bagit.Bag(folder).validate()
    except bagit.BagError as error:
        return str(error) or type(error).__name__
    except UnicodeError as error:
        return repr(error)
    return None


def _answer(value: object) -> None:
    sys.stdout.write(f"{json.dumps(value)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
