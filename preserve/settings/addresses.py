"""The addresses of a home: one JSON file that its owner alone may read.  Addresses are people's data, so that they do
not stand in the ledger, which is for ever; nor do secrets stand in them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from preserve.durable import write_file
from preserve.environment import variable
from preserve.errors import Refused
from preserve.model.addresses import Address, Mail, Tls, Webhook
from preserve.settings.home import Home

FILE = "addresses.json"
FORMAT = "preserve-addresses/1"
SECRET_VARIABLE = "PRESERVE_NOTIFY_SECRET_FILE"  # noqa: S105
CREDENTIAL = "preserve.notify"


def read_addresses(home: Home) -> dict[str, Address]:
    """Every address, by owner.  Raises `Refused` for a file that this program did not write."""
    path = home.path / FILE
    try:
        document = json.loads(path.read_bytes())
        if document["format"] != FORMAT:
            raise ValueError(document["format"])
        return {owner: _address(owner, each) for owner, each in sorted(document["addresses"].items())}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise Refused("{path} cannot be read: {why}", path=path, why=error.strerror) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(
            "{path} is not as this program writes it ({error}); set the file aside and set the addresses anew",
            path=path,
            error=repr(error),
        ) from error


def write_addresses(home: Home, addresses: Mapping[str, Address]) -> bytes:
    """Keep these and no others, whole or not at all; returns what was written.  Raises `Refused`, `NoSpace`."""
    document = {"format": FORMAT, "addresses": {owner: plain(each) for owner, each in sorted(addresses.items())}}
    content = (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()
    try:
        write_file(home.path / FILE, content, mode=0o600)
    except OSError as error:
        raise Refused("{path} cannot be written: {why}", path=home.path / FILE, why=error.strerror) from error
    return content


def plain(address: Address) -> dict[str, Any]:
    """An address as JSON has it."""
    mail = address.mail
    return {
        "mail": mail and {
            "host": mail.host, "port": mail.port, "sender": mail.sender, "to": list(mail.to), "tls": mail.tls.value,
            "user": mail.user,
        },
        "webhook": address.webhook and address.webhook.url,
        "secret_file": address.secret_file,
        "ca_file": address.ca_file,
    }  # fmt: skip


def _address(owner: str, said: Mapping[str, Any]) -> Address:
    mail = said["mail"]
    return Address(
        owner=owner,
        mail=mail
        and Mail(mail["host"], int(mail["port"]), mail["sender"], tuple(mail["to"]), Tls(mail["tls"]), mail["user"]),
        webhook=Webhook(said["webhook"]) if said["webhook"] else None,
        secret_file=said["secret_file"],
        ca_file=said["ca_file"],
    )


def secret_of(address: Address) -> str | None:
    """The secret that an address needs, read now; None where it needs none.

    It comes from the file that the address names, else from that which PRESERVE_NOTIFY_SECRET_FILE names, else from
    systemd's credentials (`preserve.notify`).  Raises `Refused`.
    """
    if not address.needs_secret:
        return None
    path = secret_file_of(address)
    if path is None:
        raise Refused(
            "no secret is named for telling {owner}; name a file with `preserve notify set --secret-file`, or in"
            " PRESERVE_NOTIFY_SECRET_FILE",
            owner=address.owner,
        )
    try:
        secret = path.read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "UTF-8"
        raise Refused(
            "the secret for telling {owner} cannot be read from {path}: {why}", owner=address.owner, path=path, why=why
        ) from error
    if not secret or not secret.isprintable():
        raise Refused("{path} holds no secret of one line, for telling {owner}", path=path, owner=address.owner)
    return secret


def secret_file_of(address: Address) -> Path | None:
    """The file from which the secret of an address is read; None where nobody named one."""
    named = address.secret_file or variable(SECRET_VARIABLE)
    if named:
        return Path(named)
    credentials = variable("CREDENTIALS_DIRECTORY")
    if credentials and (Path(credentials) / CREDENTIAL).exists():
        return Path(credentials) / CREDENTIAL
    return None
