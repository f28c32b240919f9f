"""A message (EML, RFC 5322) kept byte for byte, with a list of what is attached to it.

    python -m preserve.formats.converters.eml FOLDER FILE...

An EML is what others are converted to; what it lacks is only that its attachments, which may be obsolete, can be told
without opening it.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from preserve.errors import Refused
from preserve.formats.converters.calls import each_of
from preserve.formats.converters.mail_lists import LISTED, listed, row_of, write_list
from preserve.formats.converters.mail_parts import TooManyPartsError, parsed
from preserve.formats.converters.mbox import LARGEST_MESSAGE_BYTES


def convert(source: Path, folder: Path, number: str) -> None:
    """Make `1.eml` of a message, which is its copy, and `1-attachments.csv`.  Raises `Refused`."""
    if source.stat().st_size > LARGEST_MESSAGE_BYTES:
        raise Refused("the message is too long to be read")
    try:
        message = parsed(source.read_bytes())
        if not message.keys():
            raise Refused("there is no message in it")
        rows = [row_of(each) for each in listed(1, message)]
    except TooManyPartsError as error:
        raise Refused("the message has more parts than any honest one: {error}", error=error) from error
    shutil.copyfile(source, folder / f"{number}.eml")
    write_list(rows, folder / f"{number}{LISTED}")


def main(arguments: Sequence[str]) -> int:
    """Convert files, and say how it ended by the exit status."""
    folder, *files = arguments
    return each_of(files, Path(folder), convert)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
