"""Are owners told by real mail and webhook, without a secret ever standing where it could be read?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ops.policies import asking_for
from preserve.cli.exits import Exit
from tests.cli.program import Program
from tests.moulds import Moulds
from tests.post.servers import PASSWORD, USER, Posted, Taken, free_port, mail_server, webhook_server
from tests.sites.certificates import certificate


@pytest.fixture
def program(moulds: Moulds, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Program:
    """A home in which a store is away that should not be."""
    folder = moulds.live
    monkeypatch.setenv("PRESERVE_HOME", str(folder / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    program = Program(folder, capsys)

    def furnish() -> None:
        program("init")
        program("store", "add", "main", "--role", "primary", "--url", (folder / "main").as_uri())
        (folder / "policy.toml").write_text(asking_for(["primary"]), encoding="utf-8")
        program("policy", "register", folder / "policy.toml", "--reason", "a test")
        (folder / "main").rename(folder / "unplugged")

    moulds.cast("notified", furnish)
    return program


MAIL = ("--smtp", "mail.example.org:587", "--from", "a@example.org", "--to", "b@example.org")


def owners(program: Program) -> list[str]:
    return list(program.ask("notify", "list", code=Exit.FINDINGS)["without_address"])


def all_bytes(folder: Path) -> bytes:
    return b"".join((Path(parent) / name).read_bytes() for parent, _, names in os.walk(folder) for name in names)


def test_who_is_named_by_no_policy_is_not_said_to_be_told(program: Program) -> None:
    arguments = ("--webhook", "http://127.0.0.1:9/x")
    said = program("notify", "set", "head of sektion", *arguments)
    assert "no policy in force names head of sektion" in said and "is told from now on" not in said
    assert "no policy in force names head of sektion" in program("notify", "list", code=Exit.FINDINGS)
    assert "is told from now on" in program("notify", "set", owners(program)[0], *arguments)


def test_mail_with_a_password_over_tls_tells_what_is_wrong_and_then_that_it_is_over(program: Program) -> None:
    context, authority = certificate(program.folder)
    secret = program.folder / "secret"
    secret.write_text(f"{PASSWORD}\n")
    taken = Taken()
    named = owners(program)
    with mail_server(taken, starttls=context, auth=True) as port:
        for owner in named:
            program("notify", "set", owner, "--smtp", f"127.0.0.1:{port}", "--from", "preserve@example.org", "--to",
                    "duty@example.org", "--user", USER, "--secret-file", secret, "--ca-file", authority)  # fmt: skip
        assert program.ask("notify", "list")["without_address"] == []
        program("notify", "test", named[0])
        assert "nothing has happened" in taken.letters[0]["Subject"]
        sent = program.ask("notify", "send")["sent"]
        assert {each["new"] for each in sent} == {1}
        assert "store main does not answer" in taken.letters[1].get_content()
        assert "存储 main" in taken.letters[1].get_content()
        assert program.ask("notify", "send")["sent"] == []
    assert PASSWORD.encode() not in all_bytes(program.folder / "home")
    assert b"duty@example.org" not in (program.folder / "home" / "books.db").read_bytes()
    assert (program.folder / "home" / "addresses.json").stat().st_mode & 0o077 == 0


def test_a_webhook_is_told_by_run_and_its_failure_shows(program: Program) -> None:
    (program.folder / "secret").write_text("s3cr3t")
    posted = Posted()
    named = owners(program)
    with webhook_server(posted) as port:
        for owner in named:
            url = f"http://127.0.0.1:{port}/hook?key={{secret}}"
            program("notify", "set", owner, "--webhook", url, "--secret-file", program.folder / "secret")
        program("run", "--once")
        assert {each["kind"] for document in posted.documents for each in document["new"]} >= {"store away"}
        assert posted.paths[0] == "/hook?key=s3cr3t"
        posted.answers += [500] * 9
        assert program.ask("notify", "test", named[0], code=Exit.UNAVAILABLE)["error"]["kind"] == "unavailable"
    program("notify", "remove", named[0])
    assert named[0] in owners(program)
    program("notify", "remove", named[0], code=Exit.REFUSED)


def test_what_cannot_work_is_refused_before_it_is_kept(program: Program) -> None:
    (owner, *_) = owners(program)
    for wrong in (
        ["--webhook", "https://example.org/send?key=123"],
        ["--smtp", "mail.example.org"],
        ["--to", "duty@example.org"],
        ["--smtp", "a:b", "--from", "a@b", "--to", "c@d"],
        ["--smtp", "mail.example.org", "--from", "a@b\nBcc: x@y", "--to", "c@d"],
        [],
        [*MAIL, "--user", "preserve"],
        ["--webhook", "https://example.org/send?key={secret}"],
        [*MAIL, "--secret-file", program.folder / "secret"],
    ):
        program("notify", "set", owner, *wrong, code=Exit.MISUSED)
    assert not (program.folder / "home" / "addresses.json").exists()
    program("notify", "test", owner, code=Exit.REFUSED)


def test_a_secret_that_everybody_may_read_is_warned_of(program: Program) -> None:
    secret = program.folder / "secret"
    secret.write_text("s3cr3t")
    owner, url = owners(program)[0], "http://127.0.0.1:9/x?key={secret}"
    for mode, is_open in ((0o644, True), (0o640, False)):
        secret.chmod(mode)
        warned = f"every user of this machine may read the secret in {secret}"
        assert (warned in program("notify", "set", owner, "--webhook", url, "--secret-file", secret)) is is_open
        assert (warned in program("run", "--once")) is is_open
    passphrase = program.folder / "config" / "preserve" / "passphrase"
    passphrase.chmod(0o604)
    assert f"the secret in {passphrase}" in program("run", "--once")


def test_a_secret_that_cannot_be_read_now_is_told_of_before_it_is_needed(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    (owner, *_) = owners(program)
    secret = program.folder / "secret"
    said = program("notify", "set", owner, *MAIL, "--user", "preserve", "--secret-file", secret)
    assert "warning: the secret for telling" in said and "is told from now on" in said
    secret.write_text("x")
    monkeypatch.setenv("PRESERVE_NOTIFY_SECRET_FILE", str(secret))
    assert "the secret for telling" not in program("notify", "set", owner, *MAIL, "--user", "preserve")


def test_a_home_without_addresses_says_so_and_is_not_late(program: Program) -> None:
    assert program.ask("notify", "send")["set_up"] is False
    assert "No address is set" in program("notify", "list", code=Exit.FINDINGS)
    concerns = program.ask("status", code=Exit.FINDINGS)["concerns"]
    assert "late work" not in [each["kind"] for each in concerns]


def test_policy_check_names_owners_without_an_address(program: Program) -> None:
    missing = owners(program)
    (owner,) = program.ask("policy", "check", program.folder / "policy.toml")["without_address"]
    assert owner in missing
    for owner in missing:
        program("notify", "set", owner, "--webhook", f"http://127.0.0.1:{free_port()}/")
    assert program.ask("policy", "check", program.folder / "policy.toml")["without_address"] == []


def test_a_torn_file_of_addresses_is_refused_and_not_overwritten(program: Program) -> None:
    file = program.folder / "home" / "addresses.json"
    for torn in ("", "{", '{"format": "preserve-addresses/9", "addresses": {}}', '{"format": "preserve-addresses/1"}'):
        file.write_text(torn)
        program("notify", "set", "x", "--webhook", "http://127.0.0.1:1/", code=Exit.REFUSED)
        assert file.read_text() == torn
