"""Letters by mail (SMTP, RFC 5321), over TLS whose certificate is checked."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.utils import format_datetime

from preserve.clock import Clock
from preserve.errors import Refused, Unavailable
from preserve.model.addresses import Mail, Message, Tls
from preserve.post.deadline import ANSWER_SECONDS, WHOLE_SECONDS, ended_after
from preserve.post.trust import is_here, trusting


def send_mail(
    mail: Mail,
    message: Message,
    secret: str | None,
    clock: Clock,
    ca_file: str | None = None,
    whole_seconds: float = WHOLE_SECONDS,
) -> list[str]:
    """Hand the letter over to the server, which then answers for it.

    Returns for whom of several it did not take it.  Raises `Unavailable` where it did not take it at all, `Refused` for
    a setting that can never work.
    """
    if secret is not None and mail.tls is Tls.NONE and not is_here(mail.host):
        raise Refused("the password for {host} would go there in clear; set --tls starttls or implicit", host=mail.host)
    letter = _letter(mail, message, clock)
    opened: list[smtplib.SMTP] = []
    try:
        with ended_after(whole_seconds, lambda: opened[0].sock if opened else None):
            server = _connected(mail, ca_file, opened)
            if mail.user is not None and secret is not None:
                server.login(mail.user, secret)
            refused = server.send_message(letter, mail.sender, list(mail.to))
            with suppress(smtplib.SMTPException, OSError):  # it has the letter: how it says goodbye is its own affair
                server.quit()
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise Unavailable(
            "the mail server {host}:{port} did not take the letter ({why})",
            host=mail.host,
            port=mail.port,
            why=_why(error),
        ) from error
    finally:
        for server in opened:
            server.close()
    return sorted(refused)


def _connected(mail: Mail, ca_file: str | None, opened: list[smtplib.SMTP]) -> smtplib.SMTP:
    if mail.tls is Tls.IMPLICIT:
        server: smtplib.SMTP = smtplib.SMTP_SSL(timeout=ANSWER_SECONDS, context=trusting(ca_file))
    else:
        server = smtplib.SMTP(timeout=ANSWER_SECONDS)
    opened.append(server)
    # `connect` leaves the name that certificates are checked against to the constructor, which would connect at once.
    server._host = mail.host  # type: ignore[attr-defined]
    server.connect(mail.host, mail.port)
    if mail.tls is Tls.STARTTLS:
        server.starttls(context=trusting(ca_file))
    return server


def _letter(mail: Mail, message: Message, clock: Clock) -> EmailMessage:
    letter = EmailMessage()
    letter["From"] = _mailbox(mail.sender)
    letter["To"] = [_mailbox(each) for each in mail.to]
    letter["Subject"] = message.subject
    letter["Date"] = format_datetime(clock.now())
    letter["Message-ID"] = f"<{message.identifier}@preserve.invalid>"
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday replies
    letter.set_content(message.text)
    return letter


def _mailbox(text: str) -> Mailbox:
    return (
        Mailbox(addr_spec=text) if text.isascii() else Mailbox(username=text.split("@")[0], domain=text.split("@")[1])
    )


def _why(error: Exception) -> str:
    match error:
        case smtplib.SMTPRecipientsRefused():
            return ", ".join(f"{to}: {code} {_text(said)}" for to, (code, said) in error.recipients.items())
        case smtplib.SMTPResponseException():
            return f"{error.smtp_code} {_text(error.smtp_error)}"
        case ssl.SSLCertVerificationError():
            return error.verify_message
        case TimeoutError():
            return "timed out"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _text(said: bytes | str) -> str:
    """What the server said; it is no part of ours."""
    return said.decode("utf-8", "replace")[:500] if isinstance(said, bytes) else said[:500]
