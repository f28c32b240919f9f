"""A fault of this program in one piece of work: written down whole and told, and the others go on."""

from __future__ import annotations

import traceback
from contextlib import suppress

from preserve.durable import raise_if_full, write_file
from preserve.model.digests import sha256
from preserve.model.sentences import Sentence, sentence
from preserve.workplace import Workplace


def written_down(workplace: Workplace, subject: str, error: Exception) -> Sentence:
    """The traceback of a fault over some work goes to a file of the home and to the log, the same one once.

    Raises `NoSpace` where it is no fault of ours, but the home's disk that is full.
    """
    if isinstance(error, OSError):
        raise_if_full(error, workplace.home)
    trace = f"{subject}\n\n{''.join(traceback.format_exception(error))}"
    path = workplace.work.parent / f"fault-{sha256(trace.encode(errors='backslashreplace')).hex()[:10]}.txt"
    told = sentence(
        "a fault of the program over {subject} ({what}); please send us {path}",
        subject=subject, what=f"{type(error).__name__}: {error}", path=path,
    )  # fmt: skip
    if not path.exists():
        workplace.progress.alert(told.template, **told.values)
        workplace.progress.alert("{trace}", trace=trace)
        with suppress(OSError):
            write_file(path, trace.encode(errors="backslashreplace"), mode=0o600)
    return told
