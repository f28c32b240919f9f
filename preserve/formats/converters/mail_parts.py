"""The parts of a message (RFC 2045): what is read of it, what is attached, and what is signed; bounded, since a message
may hold thousands of parts, or messages within messages without end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesFeedParser
from email.policy import Compat32, compat32

MOST_PARTS = 10_000
DEEPEST = 50
FED_BYTES = 1024 * 1024
"""So much of a message is given to the parser at a time: the whole at once takes four bytes of memory for each."""
_ENCODED = re.compile(r"=\?[^?\s]+\?[bq]\?[^?]*\?=(?:\s+=\?[^?\s]+\?[bq]\?[^?]*\?=)*", re.IGNORECASE)
_FOLD = re.compile(r"\r?\n[ \t]*")
_SIGNED = re.compile(
    r"application/(x-)?(pkcs7-(mime|signature)|pgp-(signature|encrypted))|multipart/(signed|encrypted)"
)
CLEARSIGNED = "-----BEGIN PGP SIGNED MESSAGE-----"


class _AsTheyCame(Compat32):
    """Headers with the bytes they came with: Python would show bytes that nothing encodes as U+FFFD, and clients wrote
    whole subjects and names in raw GB 2312."""

    def header_fetch_parse(self, name: str, value: str) -> str:
        """The value itself; bytes that are not ASCII are lone surrogates in it."""
        return value


class TooManyPartsError(ValueError):
    """More parts, or deeper ones, than any honest message has."""


def parsed(data: bytes) -> Message:
    """A message.  Raises `TooManyPartsError`."""
    parser = BytesFeedParser(policy=_AsTheyCame())
    try:
        for at in range(0, len(data), FED_BYTES):
            parser.feed(data[at : at + FED_BYTES])
        return parser.close()
    except RecursionError as error:
        raise TooManyPartsError(f"parts within parts, more than {DEEPEST} deep") from error


def parts(message: Message, *, within_messages: bool = False) -> Iterator[Message]:
    """All parts that hold something, in their order; an attached message is one part, unless asked for what is within
    it too.  Raises `TooManyPartsError`."""
    left = MOST_PARTS
    stack = [(message, 0)]
    while stack:
        part, depth = stack.pop()
        left -= 1
        if left < 0 or depth > DEEPEST:
            raise TooManyPartsError(f"more than {MOST_PARTS} parts, or parts within parts more than {DEEPEST} deep")
        payload = part.get_payload()
        is_message = part.get_content_maintype() == "message"
        if isinstance(payload, list) and (within_messages or not is_message):
            stack.extend((each, depth + 1) for each in reversed(payload) if isinstance(each, Message))
        else:
            yield part


def content(part: Message) -> bytes:
    """The bytes of a part, without the encoding it travelled in; of an attached message, the message."""
    payload = part.get_payload()
    if isinstance(payload, list):
        return b"".join(each.as_bytes(policy=compat32) for each in payload if isinstance(each, Message))
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def is_attachment(part: Message) -> bool:
    """Whether a part is attached: it has a name, says so, or is nothing to be read."""
    if part.get_content_disposition() == "attachment" or part.get_filename() is not None:
        return True
    return part.get_content_type() not in ("text/plain", "text/html", "text/rtf", "application/rtf")


def is_signature(part: Message) -> bool:
    """Whether a part is a signature, or signed or encrypted by S/MIME or PGP."""
    return _SIGNED.fullmatch(part.get_content_type()) is not None


def name_of(part: Message) -> str:
    """The name of an attachment, decoded; never a path."""
    said = part.get_param("filename", None, "content-disposition") or part.get_param("name", "")
    if isinstance(said, tuple):  # RFC 2231: an encoding, a language, and each byte a character
        name = _piece(said[2].encode("raw-unicode-escape"), said[0])
    else:
        name = unfolded(str(said).strip())
    return re.split(r"[/\\]", name)[-1]


def text_of(part: Message) -> str:
    """The text of a part, in the encoding it says, or as nearly as can be."""
    data = content(part)
    for encoding in (str(part.get_content_charset("utf-8")), "utf-8", "gb18030"):
        try:
            return data.decode(encoding)
        except (LookupError, UnicodeDecodeError):
            continue
    return data.decode("latin-1")


def unfolded(value: str) -> str:
    """A header as it is read: in one line, encoded words decoded (RFC 2047), other bytes as UTF-8 or GB 18030."""
    text = _repaired(_FOLD.sub(" ", value))
    if not text.isascii():  # `decode_header` would write what is not of encoded words as escapes
        return " ".join(_ENCODED.sub(lambda words: _decoded(words[0]), text).split())
    return " ".join(_decoded(text).split())


def _decoded(text: str) -> str:
    """ASCII with its encoded words decoded; a character may be divided between two of them."""
    try:
        return "".join(_piece(piece, charset) for piece, charset in decode_header(text))
    except (HeaderParseError, ValueError):
        return text


def _piece(piece: bytes | str, charset: str | None) -> str:
    if isinstance(piece, str):
        return piece
    name = (charset or "").lower()
    try:
        return piece.decode("gb18030" if name in ("gb2312", "gbk") else name or "ascii", "replace")
    except LookupError:  # clients have names of their own (x-gbk, unknown-8bit)
        return _repaired(piece.decode("ascii", "surrogateescape"))


def _repaired(text: str) -> str:
    """Raw bytes of a header, which Python keeps as surrogates."""
    if text.isascii():
        return text
    data = text.encode("utf-8", "surrogateescape")
    for encoding in ("utf-8", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")
