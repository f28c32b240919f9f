"""Sending one letter by every way that an address has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from preserve.clock import Clock
from preserve.errors import PreserveError, Refused, Unavailable
from preserve.model.addresses import Address, Message
from preserve.model.phrases import phrase
from preserve.post.mail import send_mail
from preserve.post.webhooks import send_to_webhook


@dataclass(frozen=True, slots=True)
class Posting:
    """Mail and webhooks: `preserve.operations.notify.Post`.  `secret_of` reads the secret of an address."""

    clock: Clock
    secret_of: Callable[[Address], str | None]

    def send(self, address: Address, message: Message) -> str | None:
        """Send it by both ways, where there are two: one that fails, or has no secret, does not keep the other."""
        outcomes = [_outcome(way) for way in self._ways(address, message)]
        failures = [each for each in outcomes if isinstance(each, PreserveError)]
        if failures and len(failures) == len(outcomes):
            raise failures[0]
        return str(failures[0]) if failures else next((each for each in outcomes if isinstance(each, str)), None)

    def _ways(self, address: Address, message: Message) -> Iterator[Callable[[], str | None]]:
        mail, webhook = address.mail, address.webhook
        if mail is not None:
            alone = replace(address, webhook=None)
            yield lambda: _not_for(send_mail(mail, message, self.secret_of(alone), self.clock, address.ca_file))
        if webhook is not None:
            only = replace(address, mail=None)
            yield lambda: send_to_webhook(webhook, message, self.secret_of(only), address.ca_file)


def _outcome(way: Callable[[], str | None]) -> str | PreserveError | None:
    try:
        return way()
    except (Unavailable, Refused) as error:
        return error


def _not_for(refused: list[str]) -> str | None:
    if not refused:
        return None
    return phrase("the mail server did not take the letter for {to}", to=", ".join(refused))
