"""Acknowledge: a person answers for documents that a drill could not open, bound to their bytes, with the reason.

A document that was deposited broken would fail every drill for ever, and one of a kind that no program here opens would
leave every drill in part: somebody looks at it, asks the agency, and says so.  The certificates go on naming it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from preserve.errors import Misused, Refused, Tampered
from preserve.model import events
from preserve.model.digests import sha256
from preserve.model.drill_certificates import named_documents
from preserve.model.drills import Acknowledged, Document, DrillEntry
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class AcknowledgeRequest:
    """Documents that the certificate of `drill` names: those at `paths`, or all of them.

    `certificates` is the folder in which certificates lie.
    """

    drill: str
    certificates: Path
    paths: Sequence[str] = ()
    all_named: bool = False


def acknowledge(workplace: Workplace, request: AcknowledgeRequest) -> list[Acknowledged]:
    """Book for each document that the acting person answers for its bytes, for the reason of the act.

    Doing it again replaces what was said.  Raises `Misused` where neither paths nor all were asked for, `Refused` for
    an unknown drill, a certificate that is gone, or a path that it does not name; `Tampered` where the certificate is
    not the one that the ledger names.  Then nothing is booked.
    """
    if bool(request.paths) is request.all_named:
        raise Misused("say with --path which documents, or --all for all that the certificate names")
    drill = workplace.books.drill(request.drill)
    named = _named(drill, request.certificates / drill.certificate)
    chosen = list(named.values()) if request.all_named else [_at(path, named, drill) for path in request.paths]
    if not chosen:
        raise Refused("drill {drill} named no document: there is nothing to acknowledge", drill=drill.id)
    act, at = workplace.act, workplace.now()
    workplace.record(*(events.acknowledged(act, at, document, drill.id) for document in chosen))
    return [Acknowledged(document, drill.id, at, act.actor, act.reason) for document in chosen]


def withdraw(workplace: Workplace, digest: str) -> Acknowledged:
    """Book that nobody answers any more for the document whose SHA-256 begins with `digest` (hex).

    Raises `Refused` where that is none, or several.
    """
    known = [each for each in workplace.books.acknowledged() if each.document.sha256.startswith(digest.lower())]
    if len(known) != 1:
        raise Refused(
            "{count} acknowledged documents have a SHA-256 that begins with {digest}; `preserve drill acknowledged`"
            " names all",
            count=len(known),
            digest=digest,
        )
    workplace.record(events.acknowledgement_withdrawn(workplace.act, workplace.now(), known[0].document.sha256))
    return known[0]


def _named(drill: DrillEntry, certificate: Path) -> dict[str, Document]:
    try:
        content = certificate.read_bytes()
    except OSError as error:
        raise Refused(
            "the certificate {file} cannot be read ({reason}): hold the drill again, and acknowledge by that one",
            file=certificate,
            reason=error.strerror,
        ) from error
    if sha256(content).hex() != drill.certificate_sha256:
        raise Tampered(
            "the certificate {file} is not the one that drill {drill} wrote: its SHA-256 is another than the ledger's",
            file=certificate,
            drill=drill.id,
        )
    return {document.where: document for document in named_documents(content)}


def _at(path: str, named: dict[str, Document], drill: DrillEntry) -> Document:
    if path not in named:
        raise Refused(
            "the certificate of drill {drill} does not name {path}; it is written there as package/data/…",
            drill=drill.id,
            path=path,
        )
    return named[path]
