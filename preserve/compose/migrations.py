"""What migrations are planned and judged by: pathways, programs on this machine, what is known of formats now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from preserve.compose.pathways import format_register, pathways, programs_alive

if TYPE_CHECKING:
    from preserve.model.formats.watching import Circumstances
    from preserve.model.migrations import Migration, PilotEntry
    from preserve.state.books import Books


def circumstances(
    books: Books, tools: Mapping[str, str] | None = None
) -> Callable[[Migration, PilotEntry], Circumstances]:
    """How things are now, for any migration and its pilot.

    `tools` are versions of programs by id, as somebody noted them; None: this machine is asked.  What it returns raises
    `Refused`, `Misused`, `Tampered`.
    """
    from preserve.model.formats.watching import NOT_KNOWN, Circumstances, basis_of, formats_of

    register = format_register()
    known = {each.pathway.name: each.pathway for each in pathways(register)}
    release = books.noted_release()
    digest = NOT_KNOWN if release is None else release.digest

    def now(migration: Migration, pilot: PilotEntry) -> Circumstances:
        tried = [known[each.pathway] for each in pilot.outcomes if each.pathway in known]
        asked = {program for each in pilot.outcomes for program in each.tools}
        here = programs_alive(register, asked & set(register.readers)) if tools is None else tools
        return Circumstances(known, here, basis_of(register, digest, formats_of(pilot.basis.formats, tried)))

    return now
