"""Incidents (事件): what should not have happened in the running of the service, kept until somebody answered for it.

A finding says that bytes in a store are wrong; an incident that a safeguard did not do its work, or did it and waits
for a person.  Both are opened by an entry of the ledger, closed with evidence, and never deleted.
What evidence that is, and whether a person's word may stand for it, one table says for each kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from preserve.model.sentences import Sentence, sentence


class IncidentKind(StrEnum):
    """What sort of thing happened."""

    MISSED_RUN = "missed run"  # work that was due was not done when policy wanted it
    FAILED_WORK = "failed work"  # work was tried as often as it may be, and did not come to its end
    BRAKE = "brake"  # a source changed as no source should: what came of it is held back
    SILENT_CHANGE = "silent change"  # files of a source hold other bytes, though nobody changed them
    RESTLESS = "never at rest"  # files of a source are being changed at every harvest, and never taken
    UNTAKEN = "untaken"  # what lies in a source cannot be read or taken; in a drop folder, is refused or forgotten
    DRILL_FAILED = "drill failed"  # a rehearsal did not give everything back, or not in time
    MEDIUM = "medium"  # a removable medium is not what, or where, it should be
    CREDENTIALS = "credentials"  # a key may do what it must not
    CLOCK = "clock"  # the clock is not to be trusted
    SILENCE = "silence"  # the runner on a machine gives no sign of life any more
    NOTIFIER = "notifier"  # nobody could be told
    REOPENED = "migration reopened"  # what a migration was approved on is not as it was
    ENDANGERED = "format endangered"  # files in a format are worse off than when that was last recorded


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident: `subject` names what it is about (a source, a store, a policy), `what` says it in a sentence.

    There is at most one open incident of a kind about a subject.  `id` is given by the books when it is opened.
    """

    kind: IncidentKind
    subject: str
    what: str
    id: str = ""
    opened_at: str = ""
    closed_at: str | None = None
    closed_with: str | None = None

    @property
    def ending(self) -> Ending:
        """What ends it."""
        is_harm = self.kind is IncidentKind.CREDENTIALS and self.subject.startswith(CANARY_OF)
        return _HARM_DONE if is_harm else _ENDINGS[self.kind]

    @property
    def remedy(self) -> Sentence:
        """What to do about it, so that it ends."""
        return Sentence(self.ending.remedy.template, {"id": self.id, "subject": self.subject.removesuffix(DUE)})


CANARY_OF = "canary of "
"""What the subject begins with where somebody changed the canary of a store; else it is the store whose keys may."""
DUE = "/due"
"""What the subject ends with where a medium is not back or not looked at in time; else it is the medium itself."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What ends an incident: `remedy` says what to do, of {id} and {subject}.

    `by_word`: a person may close it, for a reason that the ledger keeps.  Not so where the harm still stands and can be
    looked at again by a command: then the word would hide what nothing else shows.
    """

    remedy: Sentence
    by_word: bool


_HARM_DONE = Ending(
    sentence(
        "take the keys out of use, audit the store, and find out who did it; `preserve incident close {id} --reason"
        " TEXT` closes it"
    ),
    by_word=True,
)

_ENDINGS: Mapping[IncidentKind, Ending] = {
    # Late work is seen without its incident, and work that fails is late in the end: the word hides neither.
    IncidentKind.MISSED_RUN: Ending(
        sentence("`preserve run --once` does what is due; it closes when that is late no longer"), by_word=True
    ),
    IncidentKind.FAILED_WORK: Ending(
        sentence(
            "mend what the work fails for; it closes when the work is done, which `preserve run --once` tries, or"
            " `preserve incident close {id} --reason TEXT` closes it"
        ),
        by_word=True,
    ),
    IncidentKind.BRAKE: Ending(
        sentence(
            "look at what moved in source {subject}; `preserve source release {subject} --reason TEXT` lets it be taken"
            " and closes this, `preserve source retire {subject} --reason TEXT` ends the source"
        ),
        by_word=False,
    ),
    # What a file of somebody else's should hold only people know; the next harvest looks again, and asks again.
    IncidentKind.SILENT_CHANGE: Ending(
        sentence(
            "look at the files; `preserve source restore {subject} --as-of MOMENT` gives back what was taken of them;"
            " it closes when a harvest reads them as they were, or changed, or `preserve incident close {id} --reason"
            " TEXT` closes it"
        ),
        by_word=True,
    ),
    IncidentKind.RESTLESS: Ending(
        sentence(
            "harvest source {subject} while nobody works in these files, or from a snapshot; it closes when they come"
            " to rest, or `preserve incident close {id} --reason TEXT` closes it"
        ),
        by_word=True,
    ),
    IncidentKind.UNTAKEN: Ending(
        sentence(
            "mend it, take it away, or leave it out (`preserve source add {subject} --exclude PATTERN`); it closes when"
            " nothing lies there that is refused or passed over, or `preserve incident close {id} --reason TEXT` closes"
            " it"
        ),
        by_word=True,
    ),
    IncidentKind.DRILL_FAILED: Ending(
        sentence(
            "mend what the certificate names; it closes when a drill passes that asks all that the failed ones asked:"
            " `preserve drill --from {subject}`, with --all or --without-catalog where those had it"
        ),
        by_word=False,
    ),
    IncidentKind.MEDIUM: Ending(
        sentence(
            "`preserve medium show {subject}` tells of it; it closes when the medium is back, inspected in time and"
            " sound (`preserve medium inspect {subject}`), or its store is retired"
        ),
        by_word=False,
    ),
    IncidentKind.CREDENTIALS: Ending(
        sentence("it closes when the keys are tried again and can do no harm: `preserve store canary {subject}`"),
        by_word=False,
    ),
    # Only a person knows that a clock is right after all, and that a machine will not come back.
    IncidentKind.CLOCK: Ending(
        sentence("set the clock right; where it is right, `preserve incident close {id} --reason TEXT` vouches for it"),
        by_word=True,
    ),
    IncidentKind.SILENCE: Ending(
        sentence(
            "start the runner on {subject} again; where none is to be expected there any more, `preserve incident close"
            " {id} --reason TEXT` says so"
        ),
        by_word=True,
    ),
    IncidentKind.NOTIFIER: Ending(
        sentence(
            "`preserve notify test` tries an address and `preserve notify set` mends one; it closes when a letter"
            " arrives, or `preserve incident close {id} --reason TEXT` closes it"
        ),
        by_word=True,
    ),
    IncidentKind.REOPENED: Ending(
        sentence(
            "`preserve migrate list` says what changed; it closes when the migration was tried and approved again, or"
            " all is as it was, or it is withdrawn"
        ),
        by_word=False,
    ),
    IncidentKind.ENDANGERED: Ending(
        sentence(
            "`preserve format risk` says why; it closes when a migration is planned, or the program is here again, or"
            " `preserve incident close {id} --reason TEXT` says that it is borne"
        ),
        by_word=True,
    ),
}
"""Every kind, in the order of `IncidentKind`."""
