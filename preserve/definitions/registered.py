"""Read a policy that was registered: it passed the strict reading then, so TOML and the defaults are enough now.

The strict reader (`preserve.definitions.policies`) needs a library that takes longer to load than most commands take to
run.
"""

from __future__ import annotations

import hashlib
import tomllib

from preserve.definitions.policy_values import policy_from
from preserve.errors import Tampered
from preserve.model.entries import PolicyEntry
from preserve.model.policy import Policy


def registered_policy(entry: PolicyEntry) -> Policy:
    """The policy in the books.  Raises `Tampered` where its text is not the one that was registered."""
    try:
        if hashlib.sha256(entry.text.encode()).hexdigest() != entry.sha256:
            raise ValueError("its digest differs")
        return policy_from(tomllib.loads(entry.text), entry.sha256)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Tampered(
            "policy {policy}, version {version}, is not what was registered ({why}); check the books with"
            " `preserve ledger verify`",
            policy=entry.name,
            version=entry.version,
            why=str(error),
        ) from error
