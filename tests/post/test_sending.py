"""Does a letter arrive, only where it should, and does a bad server neither keep us nor learn a secret?"""

from __future__ import annotations

import ssl
import time

import pytest

from preserve.clock import SystemClock
from preserve.errors import Misused, Refused, Unavailable
from preserve.model.addresses import Address, Mail, Message, Tls, Webhook, mail_address, server, webhook
from preserve.post.mail import send_mail
from preserve.post.posting import Posting
from preserve.post.webhooks import send_to_webhook
from tests.post.servers import PASSWORD, USER, Posted, Taken, broken_server, free_port, mail_server, webhook_server
from tests.sites.certificates import certificate

MESSAGE = Message(
    "0" * 32, "[preserve] 新增 1 项 / new: 1", "一号库损坏\nvault is damaged\n.\n", b'{"a": "\xe6\x96\x87"}'
)
CLOCK = SystemClock()


def mail(port: int, tls: Tls = Tls.NONE, user: str | None = None, to: tuple[str, ...] = ("duty@example.org",)) -> Mail:
    return Mail("127.0.0.1", port, "preserve@example.org", to, tls, user)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    context, public = certificate(tmp_path_factory.mktemp("certificate"))
    return context, str(public)


def test_a_letter_arrives_whole_in_both_languages_with_a_name_of_its_own() -> None:
    taken = Taken()
    with mail_server(taken) as port:
        assert send_mail(mail(port), MESSAGE, None, CLOCK) == []
    (letter,) = taken.letters
    assert letter["Subject"] == MESSAGE.subject
    assert letter.get_content().replace("\r\n", "\n") == MESSAGE.text
    assert letter["Message-ID"] == f"<{MESSAGE.identifier}@preserve.invalid>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert (letter["From"], letter["To"]) == ("preserve@example.org", "duty@example.org")


@pytest.mark.parametrize("way", [Tls.STARTTLS, Tls.IMPLICIT])
def test_a_password_goes_over_tls_to_a_server_that_proved_who_it_is(way: Tls, tls: tuple[ssl.SSLContext, str]) -> None:
    context, authority = tls
    taken = Taken()
    begun, at_once = (context, None) if way is Tls.STARTTLS else (None, context)
    with mail_server(taken, starttls=begun, implicit=at_once, auth=True) as port:
        send_mail(mail(port, way, USER), MESSAGE, PASSWORD, CLOCK, authority)
        assert len(taken.letters) == 1
        with pytest.raises(Unavailable, match="535"):
            send_mail(mail(port, way, USER), MESSAGE, "wrong", CLOCK, authority)
        with pytest.raises(Unavailable, match="self-signed"):
            send_mail(mail(port, way, USER), MESSAGE, PASSWORD, CLOCK)
    assert len(taken.letters) == 1


def test_a_server_that_offers_no_tls_gets_nothing() -> None:
    taken = Taken()
    with mail_server(taken) as port, pytest.raises(Unavailable, match="STARTTLS"):
        send_mail(mail(port, Tls.STARTTLS), MESSAGE, None, CLOCK)
    assert taken.letters == []


def test_a_password_never_leaves_this_machine_in_clear() -> None:
    elsewhere = Mail("192.0.2.1", 25, "preserve@example.org", ("duty@example.org",), Tls.NONE, USER)
    with pytest.raises(Refused, match="in clear"):
        send_mail(elsewhere, MESSAGE, PASSWORD, CLOCK)


def test_a_server_that_refuses_is_told_of_and_one_for_whom_it_refuses_keeps_no_other_from_it() -> None:
    taken = Taken(answers=["451 try again", "554 no"], refuses=frozenset(["gone@example.org"]))
    with mail_server(taken) as port:
        for code in ("451 try again", "554 no"):
            with pytest.raises(Unavailable, match=code):
                send_mail(mail(port), MESSAGE, None, CLOCK)
        with pytest.raises(Unavailable, match=r"gone@example\.org: 550"):
            send_mail(mail(port, to=("gone@example.org",)), MESSAGE, None, CLOCK)
        both = mail(port, to=("gone@example.org", "duty@example.org"))
        assert send_mail(both, MESSAGE, None, CLOCK) == ["gone@example.org"]
    assert len(taken.letters) == 1


@pytest.mark.parametrize("then", ["hang", "drip", "cut"])
@pytest.mark.parametrize("said", [b"", b"220 hello\r\n"])
def test_no_server_keeps_us_longer_than_the_limit(then: str, said: bytes) -> None:
    began = time.monotonic()
    with broken_server(said, then=then) as port:
        with pytest.raises(Unavailable):
            send_mail(mail(port), MESSAGE, None, CLOCK, whole_seconds=0.3)
        with pytest.raises(Unavailable):
            send_to_webhook(Webhook(f"http://127.0.0.1:{port}/"), MESSAGE, None, whole_seconds=0.3)
    assert time.monotonic() - began < 10


def test_nobody_there_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="refused"):
        send_mail(mail(free_port()), MESSAGE, None, CLOCK)
    with pytest.raises(Unavailable, match="refused"):
        send_to_webhook(Webhook(f"http://127.0.0.1:{free_port()}/"), MESSAGE, None)


def test_a_webhook_is_given_the_document_and_the_secret_in_its_place(tls: tuple[ssl.SSLContext, str]) -> None:
    context, authority = tls
    posted = Posted()
    with webhook_server(posted, context) as port:
        hook = Webhook(f"https://127.0.0.1:{port}/send?key={{secret}}&to=duty")
        send_to_webhook(hook, MESSAGE, "a/b c&d", authority)
        with pytest.raises(Unavailable, match="self-signed"):
            send_to_webhook(hook, MESSAGE, "a", None)
    assert posted.documents == [{"a": "文"}]
    assert posted.paths == ["/send?key=a%2Fb%20c%26d&to=duty"]
    assert posted.headers[0]["Idempotency-Key"] == MESSAGE.identifier


def test_a_robot_that_answers_200_and_took_nothing_is_told_of() -> None:
    """WeCom says so of a wrong key or form: every alarm went nowhere, and the notifier was well."""
    posted = Posted(says='{"errcode":40008,"errmsg":"无效的消息类型"}'.encode())
    with webhook_server(posted) as port:
        with pytest.raises(Unavailable, match="errcode 40008: 无效的消息类型"):
            send_to_webhook(Webhook(f"http://127.0.0.1:{port}/"), MESSAGE, None)
        for well in (b'{"errcode":0,"errmsg":"ok"}', b"ok", b"[1]", b"[" * 4000, b'{"errcode":1' + b" " * 9999):
            posted.says = well
            send_to_webhook(Webhook(f"http://127.0.0.1:{port}/"), MESSAGE, None)


def test_the_secret_of_a_webhook_does_not_go_elsewhere_in_clear() -> None:
    hook = Webhook("http://192.0.2.1/send?key={secret}")
    with pytest.raises(Refused, match="in clear"):
        send_to_webhook(hook, MESSAGE, "a", whole_seconds=0.3)


@pytest.mark.parametrize("status", [302, 400, 404, 429, 500, 503])
def test_a_webhook_that_does_not_take_it_is_told_of_and_a_redirection_is_not_followed(status: int) -> None:
    posted = Posted(answers=[status])
    with webhook_server(posted) as port, pytest.raises(Unavailable, match=str(status)):
        send_to_webhook(Webhook(f"http://127.0.0.1:{port}/here"), MESSAGE, "secret")
    assert posted.paths == ["/here"]


@pytest.mark.parametrize(
    "url",
    ["", "example.org/hook", "ftp://example.org/", "https://", "https://me:pw@example.org/",
     "https://example.org/send?key=123", "https://example.org/?access_token=a", "https://example.org/a\nb",
     "https://example.org:99999/"],
)  # fmt: skip
def test_what_is_no_webhook_or_holds_a_secret_in_clear_is_told(url: str) -> None:
    with pytest.raises(Misused) as told:
        webhook(url)
    assert "key=123" not in str(told.value) or "secret" not in url


@pytest.mark.parametrize("text", ["", "duty", "a@b@c", "a b@c", "a@b\nBcc: x@y", "<a@b>", "a@b, c@d"])
def test_what_is_no_mail_address_is_told(text: str) -> None:
    with pytest.raises(Misused):
        mail_address(text)


def test_a_mail_server_is_a_host_and_its_usual_port_unless_another_is_named() -> None:
    assert server("mail.example.org", Tls.STARTTLS) == ("mail.example.org", 587)
    assert server("mail.example.org", Tls.IMPLICIT) == ("mail.example.org", 465)
    assert server("[::1]:2525", Tls.NONE) == ("::1", 2525)
    for wrong in ("", "a:b", "smtp://a", "a:99999", "me@a:25"):
        with pytest.raises(Misused):
            server(wrong, Tls.NONE)


def test_a_way_that_needs_no_secret_goes_where_the_other_lacks_its_own() -> None:
    def secret_of(address: Address) -> str | None:
        if address.needs_secret:
            raise Refused("no secret")
        return None

    posted = Posted()
    with webhook_server(posted) as port:
        hook = Webhook(f"http://127.0.0.1:{port}/here")
        address = Address("owner", mail(free_port(), Tls.STARTTLS, USER), hook)
        assert "no secret" in str(Posting(CLOCK, secret_of).send(address, MESSAGE))
    assert posted.paths == ["/here"]
