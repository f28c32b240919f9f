"""What is measured of mailboxes and messages: what is in them, who wrote when to whom, what it says, what is attached.

Mailboxes are read by Python's `mailbox`, which did not cut them up, and Outlook messages by python-oxmsg, which did not
convert them.
"""

from __future__ import annotations

import hashlib
import mailbox
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

from preserve.formats.converters.mail_parts import (
    CLEARSIGNED,
    TooManyPartsError,
    content,
    is_attachment,
    is_signature,
    name_of,
    parsed,
    parts,
    text_of,
    unfolded,
)
from preserve.formats.measuring.side import Side
from preserve.model.formats.properties import Measured, Property, Value
from preserve.model.phrases import phrase

if TYPE_CHECKING:
    from preserve.formats.measuring.outlook_parts import OutlookParts

MBOX, MSG, EML = ".mbox", ".msg", ".eml"
KINDS = {"fmt/278": EML, "fmt/950": EML, "fmt/720": MBOX}
"""What a format is, whatever the ending of its files."""
NO_MESSAGE = phrase("it is no mailbox and no message that can be read")
TOO_MANY = phrase("it has more parts, or parts within parts, than any honest message")
ADDRESSED = ("From", "Sender", "Reply-To", "To", "Cc", "Bcc")
NAMED = (*ADDRESSED, "Subject", "Date", "Message-ID", "In-Reply-To", "References")
MADE = re.compile(r"content-|mime-version|x-microsoft-attach", re.IGNORECASE)
"""Headers that tell how a message is put together: they change when it is put together otherwise."""
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
_SMIME_CLASS = re.compile(r"IPM\.Note\.(Secure|SMIME)", re.IGNORECASE)
_BLOCKS = {"p", "br", "div", "tr", "td", "th", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "hr"}
_UNSEEN = {"script", "style", "head", "title"}


@dataclass(frozen=True, slots=True)
class Letter:
    """One message as any reader tells it: named headers by name, all others in their order, the text, the lines of what
    is plain text, what is attached
    (name and digest, or that it is a message, whose text and attachments follow), which parts are signatures, and the
    digest of its bytes where it has bytes of its own."""

    headers: Mapping[str, str]
    others: tuple[tuple[str, str], ...]
    text: str
    lines: tuple[str, ...]
    attached: tuple[str, ...]
    signatures: tuple[str, ...]
    sha256: str = ""


def measure(side: Side, wanted: frozenset[Property]) -> Measured:
    """All of `wanted` that there is of messages (`preserve.formats.measuring.side`)."""
    try:
        letters = list(_letters(side))
    except TooManyPartsError:
        return Measured({}, dict.fromkeys(wanted, TOO_MANY))
    except _UNREADABLE:
        return Measured({}, dict.fromkeys(wanted, NO_MESSAGE))
    if not letters:
        return Measured({}, dict.fromkeys(wanted, NO_MESSAGE))
    return Measured({name: tell(letters) for name, tell in _PROPERTIES.items() if name in wanted}, {})


_UNREADABLE = (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError)
"""What readers raise of a broken file; what they do not foresee."""


def _letters(side: Side) -> Iterator[Letter]:
    kind = KINDS.get(side.origin_puid or side.puid) or side.origin or side.ending
    if side.is_result:
        for file in (each for each in side.files if each.suffix == EML):
            yield _of_bytes(file.read_bytes(), is_kept=kind == EML)
    elif kind == MSG:
        yield _of_outlook(side.files[0])
    elif kind == EML:
        yield _of_bytes(side.files[0].read_bytes(), is_kept=True)
    else:
        yield from _of_mailbox(side.files[0])


def _of_mailbox(file: Path) -> Iterator[Letter]:
    box = mailbox.mbox(file, create=False)
    try:
        for key in box.iterkeys():
            # `mailbox` takes any line that begins with "From " for a separator, and leaves what is quoted quoted.
            yield _of_bytes(_QUOTED.sub(rb"\1", box.get_bytes(key)))
    finally:
        box.close()


def _of_bytes(data: bytes, *, is_kept: bool = False) -> Letter:
    """One message; of a mailbox, line ends are not its own."""
    told = data if is_kept else data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removesuffix(b"\n")
    return replace(_of_message(parsed(data)), sha256=hashlib.sha256(told).hexdigest())


def _of_message(message: Message) -> Letter:
    plain: list[str] = []
    html: list[str] = []
    attached: list[str] = []
    signatures: list[str] = []
    within: list[Letter] = []
    for part in parts(message):
        kind = part.get_content_type()
        if is_signature(part):
            signatures.append(kind)
        if kind == "message/rfc822":
            inner = [_of_message(each) for each in _messages_in(part)]
            attached += [_told(each) for each in inner] or [name_of(part)]
            within += inner
        elif is_attachment(part):
            attached.append(f"{name_of(part)} {hashlib.sha256(content(part)).hexdigest()}")
        elif kind == "application/rtf":
            attached.append(_rich(content(part)))
        elif kind in ("text/plain", "text/html"):
            (plain if kind == "text/plain" else html).append(text_of(part))
    text = "\n".join([*plain, *map(_of_html, html)])
    signatures += [CLEARSIGNED] * text.count(CLEARSIGNED)
    pairs = [(name, unfolded(str(value))) for name, value in message.items()]
    return _with(Letter(*_headers(pairs), text, _lines(plain), tuple(attached), tuple(signatures)), within)


def _lines(plain: Sequence[str]) -> tuple[str, ...]:
    """Lines with all their white space; how a line ends, and empty lines at the end, are a matter of transport."""
    return tuple(line for each in plain for line in each.rstrip("\r\n").splitlines())


def _messages_in(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [each for each in payload if isinstance(each, Message)] if isinstance(payload, list) else []


def _told(within: Letter) -> str:
    """A message within a message is told by its subject: readers write its bytes anew."""
    return f"message: {within.headers.get('Subject', '')}"


def _rich(rtf: bytes) -> str:
    return f"body in RTF {hashlib.sha256(rtf).hexdigest()}"


def _with(letter: Letter, within: Sequence[Letter]) -> Letter:
    """A message with what those attached to it say and hold."""
    return replace(
        letter,
        text="\n".join([letter.text, *(each.text for each in within)]),
        lines=(*letter.lines, *(line for each in within for line in each.lines)),
        attached=(*letter.attached, *(f"within: {one}" for each in within for one in each.attached)),
    )


def _of_outlook(file: Path) -> Letter:
    from preserve.formats.measuring.outlook_parts import load  # takes a while to load, and few need it

    return _of_outlook_message(load(file))


def _of_outlook_message(message: OutlookParts) -> Letter:
    came = list(message.message_headers.items())
    there = {name.lower() for name, _ in came}
    sent = message.when.astimezone(UTC).isoformat() if message.when is not None else ""
    own = {"From": message.sender or "", "Subject": message.subject, "Date": sent, **_recipients(message.recipients)}
    own |= message.references
    pairs = came + [(name, value) for name, value in own.items() if name.lower() not in there]
    html, rtf = message.html, message.rtf
    plain = (message.body or "").rstrip("\0")
    text = "\n".join([plain, *([_of_html(html)] if html else [])])
    attached = [_rich(rtf)] if rtf and not html else []
    within = []
    for attachment, inner in message.parts:
        if inner is None:
            attached.append(_outlook_entry(attachment))
        else:
            within.append(_of_outlook_message(inner))
            attached.append(_told(within[-1]))
    signed = [message.message_class] if _SMIME_CLASS.match(message.message_class) else []
    signed += [CLEARSIGNED] * text.count(CLEARSIGNED)
    return _with(Letter(*_headers(pairs), text, _lines([plain]), tuple(attached), tuple(signed)), within)


def _recipients(recipients: Sequence[object]) -> dict[str, str]:
    by_type: dict[str, list[str]] = {}
    for each in recipients:
        kind = each.properties.int_prop_value(0x0C15)  # type: ignore[attr-defined]
        name, address = each.name, each.email_address  # type: ignore[attr-defined]
        by_type.setdefault({2: "Cc", 3: "Bcc"}.get(kind or 1, "To"), []).append(f'"{name}" <{address}>')
    return {name: ", ".join(each) for name, each in by_type.items()}


def _outlook_entry(attachment: object) -> str:
    data = attachment.file_bytes or b""  # type: ignore[attr-defined]
    return f"{attachment.file_name or ''} {hashlib.sha256(data).hexdigest()}"  # type: ignore[attr-defined]


def _headers(pairs: Sequence[tuple[str, str]]) -> tuple[dict[str, str], tuple[tuple[str, str], ...]]:
    """Named headers by name, and the others, without those that tell how a message is put together."""
    names = {name.lower(): name for name in NAMED}
    named: dict[str, str] = {}
    others = []
    for name, value in pairs:
        known = names.get(name.lower())
        if known is not None and value:
            named[known] = f"{named[known]}, {_canonical(known, value)}" if known in named else _canonical(known, value)
        elif known is None and not MADE.match(name):
            others.append((name, " ".join(value.split())))
    return named, tuple(others)


def _canonical(name: str, value: str) -> str:
    """A header as what it says, however it is written: addresses with their names, dates in universal time."""
    if name in ADDRESSED:
        found = getaddresses([value])
        return ", ".join(f"{who} <{at}>" if who and who != at else at for who, at in found if who or at) or value
    if name == "Date":
        try:
            return parsedate_to_datetime(value).astimezone(UTC).isoformat()
        except (ValueError, TypeError, OverflowError):
            return value
    return " ".join(value.split())


def _numbered(letters: Sequence[Letter]) -> Iterator[tuple[int, Letter]]:
    return enumerate(letters, 1)


def _of_headers(letters: Sequence[Letter]) -> dict[str, str]:
    return {f"{at} {name}": value for at, letter in _numbered(letters) for name, value in letter.headers.items()}


def _of_others(letters: Sequence[Letter]) -> dict[str, str]:
    """Headers beside those named; the second of a name is the second (`3 Received (2)`)."""
    found: dict[str, str] = {}
    for at, letter in _numbered(letters):
        seen: Counter[str] = Counter()
        for name, value in letter.others:
            seen[name.lower()] += 1
            found[f"{at} {name}" + (f" ({seen[name.lower()]})" if seen[name.lower()] > 1 else "")] = value
    return found


def _digest(letters: Sequence[Letter]) -> str:
    return hashlib.sha256("".join(letter.sha256 for letter in letters).encode()).hexdigest()


_PROPERTIES: Mapping[Property, Callable[[Sequence[Letter]], Value]] = {
    Property.MESSAGES: lambda letters: tuple(
        f"{each.headers.get('Message-ID', '')} {each.headers.get('Date', '')}".strip() for each in letters
    ),
    Property.HEADERS: _of_headers,
    Property.METADATA: _of_others,
    Property.TEXT: lambda letters: "\n".join(each.text for each in letters),
    Property.LINES: lambda letters: tuple(line for each in letters for line in each.lines),
    Property.ATTACHMENTS: lambda letters: tuple(
        f"{at} {one}" for at, each in _numbered(letters) for one in each.attached
    ),
    Property.SIGNATURES: lambda letters: tuple(
        f"{at} {one}" for at, each in _numbered(letters) for one in each.signatures
    ),
    Property.BYTES_BACK: _digest,
}


class _Text(HTMLParser):
    """The text of an HTML body, as it is read."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._unseen += tag in _UNSEEN
        if tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._unseen = max(0, self._unseen - (tag in _UNSEEN))
        if tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.pieces.append(data)


def _of_html(html: str) -> str:
    reader = _Text()
    reader.feed(html)
    reader.close()
    return "".join(reader.pieces)
