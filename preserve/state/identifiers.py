"""Readable names of findings, incidents, drills, settlements: a letter, and the number of the entry each began with."""

from __future__ import annotations

_FINDING, _INCIDENT, _DRILL, _SETTLEMENT = "F", "I", "D", "S"  # what ids begin with


def finding_id(number: int) -> str:
    """The readable name of the finding that ledger entry `number` opened."""
    return f"{_FINDING}-{number:06d}"


def finding_number(identifier: str) -> int:
    """The inverse of `finding_id`.  Raises ValueError for anything else."""
    return _number(_FINDING, identifier)


def incident_id(number: int) -> str:
    """The readable name of the incident that ledger entry `number` opened."""
    return f"{_INCIDENT}-{number:06d}"


def incident_number(identifier: str) -> int:
    """The inverse of `incident_id`.  Raises ValueError for anything else."""
    return _number(_INCIDENT, identifier)


def drill_id(number: int) -> str:
    """The readable name of the drill that ledger entry `number` tells of."""
    return f"{_DRILL}-{number:06d}"


def settlement_id(number: int) -> str:
    """The readable name of the settlement of files' formats that ledger entry `number` began."""
    return f"{_SETTLEMENT}-{number:06d}"


def _number(wanted: str, identifier: str) -> int:
    prefix, _, digits = identifier.partition("-")
    if prefix != wanted or not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"{identifier!r} does not begin with {wanted}- and go on with digits")
    return int(digits)
