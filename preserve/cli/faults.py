"""An error that nobody foresaw: written down whole, told in one sentence with what to do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from preserve.cli.messages import printable, said
from preserve.errors import PreserveError

if TYPE_CHECKING:
    from preserve.cli.calls import Call


def report(call: Call, error: Exception, debug: bool) -> str:
    """Write the traceback to a file of the home (or show it, for --debug), and return the sentence for the person."""
    import traceback

    from preserve import chance

    trace = "".join(traceback.format_exception(error))
    what = printable(f"{type(error).__name__}: {error}")
    if debug:
        print(trace, file=sys.stderr)
        return said("a fault of the program ({what}); what was booked before it stands", what=what)
    try:
        path = _folder(call) / f"fault-{chance.token(10)}.txt"
        path.write_text(f"{call.command_line}\n\n{trace}", encoding="utf-8", errors="backslashreplace")
        path.chmod(0o600)
    except OSError:
        return said(
            "a fault of the program ({what}); what was booked before it stands; run the command again with --debug and"
            " send us what it shows",
            what=what,
        )
    return said(
        "a fault of the program ({what}); what was booked before it stands; please send us {path}, and try again",
        what=what,
        path=path,
    )


def _folder(call: Call) -> Path:
    import tempfile

    try:
        work = call.home().work
    except PreserveError:
        work = Path()
    return work if work.is_dir() and work != Path() else Path(tempfile.gettempdir())
