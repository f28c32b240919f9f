"""An Outlook message to EML (RFC 5322, RFC 2045), with a list of its attachments.

    python -m preserve.formats.converters.msg FOLDER FILE...

Neither tool that does this is used: msgconvert (Email::Outlook::Message 0.921) encodes Chinese bodies twice, and
extract-msg 0.57 writes no subject and parts addresses by semicolons.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from email.charset import QP, Charset
from email.encoders import encode_base64
from email.header import Header
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.parser import HeaderParser
from email.policy import compat32
from email.utils import format_datetime, formataddr
from itertools import count
from pathlib import Path

import compressed_rtf

from preserve.errors import Refused
from preserve.formats.converters.calls import each_of
from preserve.formats.converters.mail_lists import LISTED, listed, row_of, write_list
from preserve.formats.converters.outlook import (
    BadMessageError,
    OutlookAttachment,
    OutlookMessage,
    Properties,
    read_message,
    text_of,
)

SUBJECT, BODY, RTF, HTML, HEADERS, CODEPAGE = 0x0037, 0x1000, 0x1009, 0x1013, 0x007D, 0x3FDE
MESSAGE_ID, IN_REPLY_TO, REFERENCES = 0x1035, 0x1042, 0x1039
SENT, DELIVERED, CREATED = 0x0039, 0x0E06, 0x3007
SENDER = ((0x0C1A,), (0x5D01, 0x0C1F))
ON_BEHALF = ((0x0042,), (0x5D02, 0x0065))
DATA, LONG_NAME, SHORT_NAME, MEDIA_TYPE, CONTENT_ID, SHOWN = 0x3701, 0x3707, 0x3704, 0x370E, 0x3712, 0x3001
RECIPIENT_TYPE = 0x0C15
RECIPIENTS = {1: "To", 2: "Cc", 3: "Bcc"}
LARGEST_RTF_BYTES = 64 * 1024 * 1024
_TRANSPORT_OWN = re.compile(r"content-|mime-version|x-microsoft-attach", re.IGNORECASE)
_BREAK = re.compile(r"[\r\n]+[ \t]*")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+")


def convert(source: Path, folder: Path, number: str) -> None:
    """Make `1.eml` of a message, and `1.eml-attachments.csv` where it has any.  Raises `Refused`."""
    try:
        message = eml_of(read_message(str(source)), count(1))
    except BadMessageError as error:
        raise Refused("it is no Outlook message that can be read: {error}", error=str(error)) from error
    made = folder / f"{number}.eml"
    made.write_bytes(message.as_bytes(policy=compat32.clone(linesep="\r\n", max_line_length=None)))
    write_list([row_of(each) for each in listed(1, message)], made.with_name(f"{made.name}{LISTED}"))


def eml_of(message: OutlookMessage, numbers: Iterator[int]) -> Message:
    """A message in the form in which messages travel; `numbers` tell the boundaries in it apart."""
    made = _bodies(message, numbers)
    if message.attachments:
        whole = _multipart("mixed", numbers)
        whole.attach(made)
        for each in message.attachments:
            whole.attach(_attached(each, numbers))
        made = whole
    for name, value in headers_of(message):
        made[name] = _header(value)
    return made


def _multipart(subtype: str, numbers: Iterator[int]) -> Message:
    """The same message becomes the same bytes; and no part holds this boundary, as none holds an unencoded `=_`."""
    return MIMEMultipart(subtype, boundary=f"=_preserve_{next(numbers)}")


def headers_of(message: OutlookMessage) -> list[tuple[str, str]]:
    """The headers with which it came, and what its properties say beside them."""
    came = HeaderParser(policy=compat32).parsestr(message.text(HEADERS).lstrip("\r\n"))
    found = [(name, _BREAK.sub(" ", str(value))) for name, value in came.items() if not _TRANSPORT_OWN.match(name)]
    there = {name.lower() for name, _ in found}
    return found + [(name, value) for name, value in _from_properties(message) if value and name.lower() not in there]


def _from_properties(message: OutlookMessage) -> Iterator[tuple[str, str]]:
    properties = message.properties
    sender, behalf = (_address(properties, *each) for each in (SENDER, ON_BEHALF))
    yield "From", behalf or sender
    if sender != behalf and behalf:
        yield "Sender", sender
    by_type: dict[str, list[str]] = {}
    for each in message.recipients:
        type_ = each.get(RECIPIENT_TYPE)
        name = RECIPIENTS.get(type_, "To") if isinstance(type_, int) else "To"
        by_type.setdefault(name, []).append(_address(each, (0x3001,), (0x39FE, 0x3003)))
    for name in RECIPIENTS.values():
        yield name, ", ".join(by_type.get(name, ()))
    yield "Subject", message.text(SUBJECT)
    when = next((at for at in map(properties.get, (SENT, DELIVERED, CREATED)) if isinstance(at, datetime)), None)
    yield "Date", format_datetime(when) if when is not None else ""
    for name, id_ in (("Message-ID", MESSAGE_ID), ("In-Reply-To", IN_REPLY_TO), ("References", REFERENCES)):
        yield name, message.text(id_)


def _address(properties: Properties, names: Sequence[int], addresses: Sequence[int]) -> str:
    name, address = (_BREAK.sub(" ", text_of(properties, *ids)) for ids in (names, addresses))
    if not name or name == address:
        return address
    return _quoted(name, address)


def _quoted(name: str, address: str) -> str:
    """A name and an address; those of Exchange (`/O=…/CN=…`) stay readable, and are quoted."""
    try:
        return formataddr((name, address), charset="utf-8") if address.isascii() else f'"{name}" <{address}>'
    except (UnicodeError, ValueError):
        return f'"{name}" <{address}>'


def _header(value: str) -> str:
    return value if value.isascii() else Header(value, "utf-8").encode()


def _bodies(message: OutlookMessage, numbers: Iterator[int]) -> Message:
    """The text, as often as it is there: plain, HTML, and RTF where that is all there is of its layout."""
    parts: list[Message] = []
    html, rtf = message.properties.get(HTML), message.properties.get(RTF)
    if BODY in message.properties or not (html or rtf):
        parts.append(_plain(message.text(BODY)))
    if isinstance(html, str) and html:
        parts.append(_plain(html, "html"))
    elif isinstance(html, bytes) and html:
        parts.append(_of_bytes(html, "text", "html", _charset(message)))
    elif isinstance(rtf, bytes) and rtf:
        parts.append(_of_bytes(_rtf(rtf), "application", "rtf"))
    if len(parts) == 1:
        return parts[0]
    whole = _multipart("alternative", numbers)
    for each in parts:
        whole.attach(each)
    return whole


def _plain(text: str, subtype: str = "plain") -> Message:
    charset = Charset("utf-8")
    charset.body_encoding = QP
    # Half a surrogate pair is no character; UTF-8 cannot hold it.
    sound = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return MIMEText("\n".join(sound.splitlines()) + "\n" if sound else "", subtype, charset)  # type: ignore[arg-type]


def _of_bytes(data: bytes, main: str, subtype: str, charset: str = "") -> Message:
    part = MIMEBase(main, subtype)
    if charset:
        part.set_param("charset", charset)
    part.set_payload(data)
    encode_base64(part)
    return part


def _charset(message: OutlookMessage) -> str:
    """Of an HTML body, by its code page; IANA's name, or Microsoft's for what has none."""
    number = message.properties.get(CODEPAGE)
    names = {65001: "utf-8", 936: "gb18030", 54936: "gb18030", 950: "big5", 28591: "iso-8859-1", 20127: "us-ascii"}
    return names.get(number, f"windows-{number}") if isinstance(number, int) else "utf-8"


def _rtf(data: bytes) -> bytes:
    """[MS-OXRTFCP]; its header says how long the text is."""
    if len(data) < 16 or int.from_bytes(data[4:8], "little") > LARGEST_RTF_BYTES:
        raise BadMessageError("an RTF body of no sound length")
    try:
        return bytes(compressed_rtf.decompress(data))
    except (ValueError, IndexError, TypeError) as error:
        raise BadMessageError(f"an RTF body that cannot be read: {error}") from error


def _attached(attachment: OutlookAttachment, numbers: Iterator[int]) -> Message:
    properties = attachment.properties
    name = text_of(properties, LONG_NAME, SHORT_NAME, SHOWN)
    if attachment.message is not None:
        part: Message = MIMEBase("message", "rfc822")
        part.set_payload([eml_of(attachment.message, numbers)])
    else:
        said = text_of(properties, MEDIA_TYPE)
        main, _, subtype = (said if _MEDIA_TYPE.fullmatch(said) else "application/octet-stream").partition("/")
        if main in ("message", "multipart"):
            main, subtype = "application", "octet-stream"  # their bytes are kept as they are, and read by nobody
        data = properties.get(DATA, b"")
        part = _of_bytes(data if isinstance(data, bytes) else b"", main, subtype)
    if name.isascii():
        part.add_header("Content-Disposition", "attachment", filename=_BREAK.sub(" ", name))
    else:
        part.add_header("Content-Disposition", "attachment", filename=("utf-8", "", _BREAK.sub(" ", name)))
    if content_id := text_of(properties, CONTENT_ID):
        part["Content-ID"] = f"<{_BREAK.sub(' ', content_id)}>"
    return part


def main(arguments: Sequence[str]) -> int:
    """Convert files, and say how it ended by the exit status."""
    folder, *files = arguments
    return each_of(files, Path(folder), convert)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
