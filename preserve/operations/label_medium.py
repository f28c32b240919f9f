"""Label a medium: lay a signed label, the list of what is on it, and the rescue kit on the medium itself."""

from __future__ import annotations

from preserve.model import events, medium_events
from preserve.model.medium_labels import FOLDER
from preserve.model.phrases import phrase
from preserve.packages import sealing
from preserve.packages.carriers import labelling
from preserve.packages.carriers.labelling import Laid
from preserve.packages.carriers.recognising import require_itself
from preserve.packages.kit import Kit
from preserve.state.notes import Signer
from preserve.workplace import Workplace


def label_medium(workplace: Workplace, number: str, signer: Signer, kit: Kit) -> Laid:
    """Lay a new generation of the label; the earlier ones stay, and findings about them are closed.

    Raises `Refused` for an unknown number or an older copy of the medium, `Unavailable` where the medium is not
    mounted, is another one, is under seal or takes nothing, `NoSpace`.
    """
    books = workplace.books
    medium = books.medium(number)
    books.store(medium.store)
    sealing.require_unsealed(books, medium.store)
    with workplace.claim(f"medium {number}"):
        require_itself(books, medium, workplace.stores[medium.store])
        laid = labelling.lay(workplace, medium, signer, kit)
        act, at = workplace.act, workplace.now()
        evidence = phrase("label {number} was laid and read back", number=laid.label.generation)
        about_labels = (each for each in books.findings(store=medium.store) if each.where.startswith(f"{FOLDER}/"))
        workplace.record(
            medium_events.medium_labelled(act, at, number, laid.label, laid.contents.packages),
            *(events.closed(act, at, finding.id, evidence) for finding in about_labels),
        )
    return laid
