"""Exceptions, each named for the reaction it deserves; adapters translate theirs into these.

Damage is never an exception: it is a `Finding`.  A message is an English template and its values, so that
the command line can say the same sentence in Chinese; the template is what the translation catalogue keys on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial


class PreserveError(Exception):
    """Anything this program raises on purpose.  `template.format(**values)` is the English sentence."""

    def __init__(self, template: str, **values: object) -> None:
        super().__init__(template, values)
        self.template = template
        self.values = values

    def __str__(self) -> str:
        return self.template.format(**self.values)

    def __reduce__(self) -> tuple[Callable[[], PreserveError], tuple[()]]:
        """How it travels to another process, which raises the same."""
        return partial(type(self), self.template, **self.values), ()


class Refused(PreserveError):
    """Tell the person: the request is not acceptable, and nothing was changed (exit 3)."""


class Restless(Refused):
    """Tell the person, or, where nobody waits, look again: the source changed while it was read."""


class Unpackable(Refused):
    """Tell the person, or, where nobody waits, go on without them: some files of the source could not be read."""


class Misused(PreserveError):
    """Tell the person: the command line or a file given on it is malformed (exit 2)."""


class Unavailable(PreserveError):
    """Try later: a store, a link or a disk cannot serve now (exit 75).  Never read as "empty" or "damaged"."""


class NoSpace(Unavailable):
    """Try later, after space was freed: a disk or a store is full."""


class Away(Unavailable):
    """Try later, and not in a moment: a person has to act first (mount a medium, renew a key, mend a setting)."""


class Expected(Away):
    """Try later, and tell nobody: the store is away as it was registered to be (out of its window, not mounted)."""


class Barred(Away):
    """Tell the person: the store may well be there, and lets nobody in with the credentials at hand."""


class Unidentified(Away):
    """Tell the person, whatever the store is for: its place is there, and is not, or not provably, that store."""


class Frozen(Away):
    """Ask for it, and come back in hours or days: the store is there, and this object of it lies in cold storage."""


class Faltered(Unavailable):
    """Read again: one object did not come whole.  If others come, and this one never, it becomes `Unreadable`."""


class Tampered(PreserveError):
    """Stop and raise the alarm: evidence does not fit itself (exit 4)."""


class Behind(Tampered):
    """Stop, and catch up first: a store attests more of the ledger than the books have; booking now would fork it."""


class NotThere(PreserveError):
    """Book it as missing: the store answers, and has no object under this key."""


class Unreadable(PreserveError):
    """Book it as unreadable: the store answers for other keys, and fails again and again on this one."""


class AlreadyThere(PreserveError):
    """Compare and go on: an object under this key exists already and was left untouched."""


class GivenUp(PreserveError):
    """Let it be: the work that this belonged to was ended meanwhile, and nobody waits for what became of it."""


def is_interruption(error: BaseException | None) -> bool:
    """Whether work that ended so is taken up again where it was: a person stopped it, or somebody could not serve.

    Not for want of space: what lies there half-done is then in the way of what is whole.
    """
    return isinstance(error, KeyboardInterrupt | Unavailable) and not isinstance(error, NoSpace)
