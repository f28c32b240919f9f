"""One command as it was called: by whom, on which home, wanting which kind of answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from preserve import environment
from preserve.cli import answers
from preserve.cli.answers import Document
from preserve.cli.exits import Exit
from preserve.cli.messages import _, said
from preserve.errors import Misused, Refused

if TYPE_CHECKING:
    from pathlib import Path

    from preserve.cli.progress import Told
    from preserve.model.nouns import Act
    from preserve.settings.home import Home
    from preserve.workplace import Workplace


@dataclass(slots=True)
class Call:
    """What the options common to all commands said."""

    home_given: str | None = None
    wants_json: bool = False
    command_line: str = ""
    """What was typed: the reason that the ledger gives where the person gave none."""
    act: Act | None = None
    """Who acts and why; None for a command that changes nothing."""
    is_reason_given: bool = False
    """Whether the person gave the reason, rather than the command line standing for it."""
    is_outside_window: bool = False
    """Whether the person wants stores reached that are out of their windows."""
    progress: Told | None = None
    is_answered: bool = False
    """Whether the one document was printed, or begun; what goes wrong from then on is told on standard error."""

    def actor(self) -> Act:
        """Who acts and why; who asks and changes nothing stands in no ledger."""
        from preserve.model.nouns import Act

        return self.act or Act("", "")

    def home(self) -> Home:
        """The home, which need not be there yet.  Raises `Misused`."""
        from preserve.settings.home import locate

        return locate(self.home_given)

    def has_home(self) -> bool:
        """Whether there is a home, for what can do without; one named on the command line had better be there."""
        try:
            return self.home_given is not None or self.home().is_made
        except (Misused, PermissionError):
            return False

    @contextmanager
    def workplace(
        self, *, patient: bool = True, opens_key: bool = True, compares: bool = True, source: str | None = None
    ) -> Iterator[Workplace]:
        """What an operation needs; when it is done, what it booked is published to the stores that can be reached.

        Before a command that books is given anything, the key that will sign must open (unless it is about that key, or
        cannot wait for it: not `opens_key`), and no store in reach may know more of the ledger than the home (unless it
        is about that: not `compares`).  Not `patient`: a store that does not answer at once is away.  `source` is the
        one store that is read, where it is one: that another contradicts the books is then told at the end alone.
        """
        from preserve import compose
        from preserve.cli.progress import told
        from preserve.settings.home import existing

        home = existing(self.home_given)
        to_read = self.act is None
        with (
            told() as progress,
            compose.workplace(
                home,
                self.actor(),
                progress,
                patient=patient,
                to_read=to_read,
                heeds_windows=not self.is_outside_window,
            ) as workplace,
        ):
            workplace = replace(workplace, is_attended=True)
            self.progress = progress
            if self.act is not None:
                if opens_key:
                    compose.require_key(home, workplace)
                if compares:
                    workplace = self._compared(workplace, source)
            yield workplace
            if self.act is not None:
                self._publish(home, workplace, must_sign=opens_key)

    def _compared(self, workplace: Workplace, source: str | None) -> Workplace:
        """The same workplace, knowing which stores are away."""
        from preserve import compose

        unreached = compose.require_abreast(workplace, source)
        machine = environment.machine_name()
        workplace.books.note_absences(machine, {each.store for each in unreached}, workplace.now())
        is_any_asked = len(unreached) < len(workplace.stores)
        away = [each.store for each in unreached if not (each.is_expected and is_any_asked)]
        if away:
            self.warn(
                "this home was not compared with what these stores know of its ledger, because they are away: {stores}",
                stores=", ".join(away),
            )
        return replace(workplace, away=frozenset(each.store for each in unreached))

    def _publish(self, home: Home, workplace: Workplace, *, must_sign: bool) -> None:
        from preserve import compose

        try:
            unreached = compose.publish(home, workplace)
        except Refused as error:
            if must_sign:
                raise
            self.warn("what was done stands in the books and is not signed yet: {why}", why=error)
            return
        for failure in unreached:
            if failure.is_expected:  # it is published when the store is there again, and nobody has to do anything
                continue
            self.warn(
                "the ledger could not be published to {store} ({why}); the next command that changes something"
                " catches up, or `preserve ledger publish`",
                store=failure.store,
                why=failure.error,
            )

    def answer(self, document: Document, lines: Iterable[str], code: Exit = Exit.WELL) -> Exit:
        """Say the result, as the caller wants it, and hand back how the command ends."""
        if self.progress is not None:
            self.progress.stop()
        self.is_answered = True
        if self.wants_json:
            answers.print_document(document)
        else:
            answers.print_lines(lines)
        return code

    def warn_of_open_secrets(self, files: Iterable[Path]) -> None:
        """Say which files with a secret every user of this machine may read.

        ssh refuses such a key; here that would leave the ledger unsigned, or nobody told, and systems that mount
        secrets for one container have them so.
        """
        from preserve.settings.secret_files import open_to_all

        for path in open_to_all(files):
            self.warn("every user of this machine may read the secret in {path}: `chmod 600 {path}`", path=path)

    def warn(self, template: str, **values: object) -> None:
        """Tell the person something beside the result."""
        answers.print_aside(_("warning: ") + said(template, **values))
