"""The only module that draws lots: identifiers, samples, jitter."""

from __future__ import annotations

import random
import secrets

# Crockford's base 32 in lower case: no i, l, o, u, so that an operator can read an identifier over the telephone.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def token(length: int) -> str:
    """`length` characters of 5 random bits each, safe in keys and file names."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def repeatable(seed: str) -> random.Random:
    """A generator whose choices follow from `seed`: whoever knows it draws the same lots."""
    return random.Random(seed)  # noqa: S311 - meant to be repeated


def unpredictable() -> random.Random:
    """A generator whose choices nobody can foresee, as audit samples need it."""
    return random.SystemRandom()
