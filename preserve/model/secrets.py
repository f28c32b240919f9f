"""Find secrets that somebody wrote where they would be kept for ever: in a command line, in a URL."""

from __future__ import annotations

import re

_WORD = r"(?:password|passwd|passphrase|pwd|secret[_-]?access[_-]?key|secret[_-]?key|secret|api[_-]?key|token)"
_VALUE = r"""(?P<secret>"[^"]+"|'[^']+'|[^\s"'&;|]+)"""
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"://[^/\s:@]*:(?P<secret>[^/\s@]+)@",  # user:password@host (RFC 3986, 3.2.1)
        rf"(?<![a-z0-9])(?:[a-z0-9]+[_-])*(?:pg|ssl|my|db)?{_WORD}={_VALUE}",  # PGPASSWORD=…, --password=…, ?token=…
        rf"(?<![a-z0-9])[a-z0-9]+_pass={_VALUE}",
        rf"(?<![a-z0-9-])--?(?!no-)(?:[a-z0-9]+[_-])*{_WORD}\s+{_VALUE}",
        r"(?<!\S)(?:-u\s*|--user[\s=]+)['\"]?[^\s:'\"]+:(?P<secret>[^\s'\"]+)",  # curl -u user:password
        rf"\b(?:mysql|mariadb)[a-z-]*\s(?:[^|;]*\s)?-p{_VALUE}",
        r"authorization:\s*(?:bearer|basic)\s+(?P<secret>[^\s'\"]+)",
        r"x-amz-signature=(?P<secret>[0-9a-f]+)",  # a signed URL is a key to what it names
        r"(?P<secret>-----BEGIN [A-Z ]*PRIVATE KEY-----)",
    )
)
_REFERENCE = re.compile(r"""["']?(?:\$|<|@|`|/dev/fd|file:|env:|-)""")
"""What only says where a secret lies: `$NAME`, `$(cat FILE)`, `@FILE`; or the next option."""


def secret_in(text: str) -> str | None:
    """The first secret in a command line or a URL; None where there is none that anybody would recognise.

    What refers to a variable or a file is none.
    """
    for pattern in _PATTERNS:
        for found in pattern.finditer(text):
            if not _REFERENCE.match(found["secret"]):
                return found["secret"]
    return None
