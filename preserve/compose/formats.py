"""What the program knows of file formats, read into values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from preserve.errors import Misused, Tampered
from preserve.settings.shipped import format_data, own_signatures

if TYPE_CHECKING:
    from preserve.definitions.nara_matrix import NaraFile, NaraTable
    from preserve.model.formats.holdings import HoldingsRule
    from preserve.model.formats.identification import Identification, Release
    from preserve.model.formats.marks import MarkRule
    from preserve.model.formats.rating import Ratings
    from preserve.model.formats.registry import Reader
    from preserve.model.formats.risk_rule import RiskRule
    from preserve.operations.import_ratings import ImportRequest
    from preserve.operations.rate_formats import RatingRequest
    from preserve.ports import Identifier
    from preserve.state.books import Books
    from preserve.workplace import Workplace


def risk_rule() -> RiskRule:
    """The rule by which the risk of formats is scored.  Raises `Refused`, `Misused`."""
    from preserve.definitions.risk_rules import RISK_RULE, read_risk_rule

    return read_risk_rule(format_data(RISK_RULE), RISK_RULE)


def holdings_rule() -> HoldingsRule:
    """The factors of the risk of holdings.  Raises `Refused`, `Misused`."""
    from preserve.definitions.holdings_rules import HOLDINGS_RULE, read_holdings_rule

    return read_holdings_rule(format_data(HOLDINGS_RULE), HOLDINGS_RULE)


def mark_rule() -> MarkRule:
    """By which rule pathways are marked and weighed.  Raises `Refused`, `Misused`."""
    from preserve.definitions.mark_rules import MARK_RULE, read_mark_rule

    return read_mark_rule(format_data(MARK_RULE), MARK_RULE)


def format_ratings(books: Books) -> Ratings:
    """The register of formats and how endangered each is: by what the books hold of published ratings, and our own.

    Raises `Refused`, `Misused`, `Tampered`.
    """
    from preserve.definitions.format_register import (
        LOCAL_FORMATS,
        REGISTER,
        read_format_register,
        read_local_formats,
    )
    from preserve.model.formats.rating import Ratings
    from preserve.model.formats.rating_text import read_ratings_text

    rule = risk_rule()
    register = read_format_register(format_data(REGISTER), REGISTER)
    own = read_local_formats(format_data(LOCAL_FORMATS), LOCAL_FORMATS, register, rule)
    entry = books.format_ratings(rule.publisher)
    try:
        published = read_ratings_text(entry.text) if entry is not None else ()
    except ValueError as error:
        raise Tampered(
            "the ratings of formats in the books are not as this program writes them: {error}", error=str(error)
        ) from error
    return Ratings(rule, register, own, published)


def readers_alive(readers: Iterable[Reader], work: Path) -> dict[str, str]:
    """The versions of those readers that are on this machine, by id."""
    from preserve.formats.readers import readers_alive as asked

    return asked(readers, work)


def rating_request(workplace: Workplace) -> RatingRequest:
    """What the risk of the holdings is judged by.  Raises `Refused`, `Misused`, `Tampered`."""
    from preserve.compose.rules import policies
    from preserve.operations.rate_formats import RatingRequest

    return RatingRequest(
        holdings_rule(),
        format_ratings(workplace.books),
        policies(workplace.books),
        lambda readers: readers_alive(readers, workplace.work),
    )


def write_risk_history(books: Books, file: Path) -> None:
    """Write all that was recorded of the risk of holdings into `file`, as Parquet.  Raises `NoSpace`, `Refused`."""
    from preserve.formats.risk_history import write_history

    write_history(file, books.format_risks(), risk_rule())


def nara_request(files: Sequence[Path]) -> ImportRequest:
    """What is to be imported, from the CSV files that NARA publishes; the matrix must be among them.

    Raises `Misused` for a file that is none of them, or not as it was published, or given twice.
    """
    from preserve.definitions.nara_matrix import NaraFile, published_ratings, published_weights
    from preserve.model.digests import sha256
    from preserve.operations.import_ratings import ImportRequest

    contents = {file: _content(file) for file in files}
    tables = _tables(contents)
    matrix, weights, plans = (tables.get(kind) for kind in (NaraFile.MATRIX, NaraFile.WEIGHTS, NaraFile.PLANS))
    if matrix is None:
        raise Misused("the numbered matrix is not among the files given; import it together with the others")
    return ImportRequest(
        edition=matrix.edition,
        ratings=published_ratings(matrix, plans),
        weights=published_weights(weights) if weights else None,
        files={file.name: sha256(content).hex() for file, content in contents.items()},
    )


def _tables(contents: dict[Path, bytes]) -> dict[NaraFile, NaraTable]:
    from preserve.definitions.nara_matrix import read_nara_table

    tables: dict[NaraFile, NaraTable] = {}
    for file, content in contents.items():
        table = read_nara_table(content, file.name)
        if table.kind in tables:
            raise Misused(
                "{file} and {other} are the same kind of file; give each once", file=file, other=tables[table.kind].name
            )
        tables[table.kind] = table
    return tables


def _content(file: Path) -> bytes:
    from preserve.definitions.named_files import content_of
    from preserve.definitions.nara_matrix import LARGEST_BYTES

    content = content_of(file, LARGEST_BYTES)
    if content is None:
        raise Misused("{file} is too large for a table of format ratings", file=file)
    return content


def format_by_hand(books: Books, puid: str) -> Identification:
    """A format as a person names it, by PRONOM's identifier or ours; with the name that the books or the register know.

    Raises `Misused` for what is no identifier, `Refused`.
    """
    from preserve.definitions.format_register import REGISTER, is_identifier, read_format_register
    from preserve.model.formats.settlements import said_by_hand

    if not is_identifier(puid):
        raise Misused("{puid} is no identifier of a format; fmt/40, x-fmt/111 and preserve/ofd-1 are", puid=puid)
    known = books.format_name(puid)
    if known is not None:
        return said_by_hand(puid, known.name, known.version, known.mime)
    listed = read_format_register(format_data(REGISTER), REGISTER).of(puid)
    return said_by_hand(puid, listed.puids[puid] if listed is not None else "")


def release_in_use(books: Books) -> str:
    """The digest of the release that formats were last told with, if they are told with it on this machine; else one
    that nothing was told with.  Asked without starting the identifier, which takes a third of a second."""
    from preserve.state.identifications import ANY_RELEASE

    noted = books.noted_release()
    return noted.digest if noted is not None and is_in_use(noted) else ANY_RELEASE


def is_in_use(release: Release) -> bool:
    """Whether formats are told with this release on this machine; asked without starting the identifier."""
    from importlib.metadata import version

    from preserve.formats.siegfried import digest_of

    return release.own_sha256 == digest_of(own_signatures()) and f"(pygfried {version('pygfried')})" in release.tool


@contextmanager
def identifier(workplace: Workplace) -> Iterator[Identifier]:
    """Who tells formats apart: Siegfried and our own signatures; its processes end when it is left.

    Raises `Refused` where the installation lacks the signatures.
    """
    from preserve.formats.siegfried import SiegfriedIdentifier

    with SiegfriedIdentifier(workplace.work, own_signatures()) as siegfried:
        yield siegfried
