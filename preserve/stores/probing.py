"""What a conformance probe says: what a store honours, what it does not, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from preserve.model.complaints import Complaint
from preserve.ports import Capabilities


class Severity(StrEnum):
    """How much a complaint of the probe matters."""

    REFUSE = "refuse"  # the place does not keep what it is given: it cannot be a store
    LIMITS = "limits"  # it can, with a safeguard less; the program behaves accordingly
    NOTE = "note"  # good to know


@dataclass(frozen=True, slots=True)
class ProbeComplaint(Complaint):
    """`code` is the name of the check; the sentence says what was found and, after the semicolon, what follows."""

    severity: Severity = Severity.NOTE


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """`ok` is false only where the place keeps wrong bytes, or breaks whole-or-nothing, create-only or the listing."""

    capabilities: Capabilities
    complaints: tuple[ProbeComplaint, ...]

    @property
    def ok(self) -> bool:
        return all(complaint.severity is not Severity.REFUSE for complaint in self.complaints)

    def joined(self, other: ProbeResult) -> ProbeResult:
        """Both results as one."""
        return ProbeResult({**self.capabilities, **other.capabilities}, self.complaints + other.complaints)


class Record:
    """What a probe under way has found so far."""

    def __init__(self, store: str) -> None:
        self._store = store
        self._capabilities: dict[str, bool] = {}
        self._complaints: list[ProbeComplaint] = []

    def honours(self, capability: str, does: bool) -> bool:
        """Note whether the store honours something; returns `does`."""
        self._capabilities[capability] = does
        return does

    def complain(self, severity: Severity, check: str, template: str, **values: object) -> None:
        """Note what is wrong; the template may name `{store}`."""
        named = {"store": self._store, **values}
        self._complaints.append(ProbeComplaint(check, self._store, template, named, severity))

    def refuse_unless(self, is_well: bool, check: str, template: str, **values: object) -> None:
        """Note a reason to refuse the store, unless all is well."""
        if not is_well:
            self.complain(Severity.REFUSE, check, template, **values)

    @property
    def capabilities(self) -> Mapping[str, bool]:
        """What is known so far."""
        return dict(self._capabilities)

    def result(self) -> ProbeResult:
        """What the probe found."""
        return ProbeResult(self.capabilities, tuple(self._complaints))
