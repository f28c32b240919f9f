"""What the registered policies and the shipped standards say, read into values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from preserve.errors import Misused, Refused
from preserve.model.nouns import Level, Receipt, Role
from preserve.model.policy import Policy
from preserve.settings.home import Home
from preserve.settings.shipped import profile_text
from preserve.settings.shipped import standard as shipped_standard
from preserve.state.books import Books

if TYPE_CHECKING:
    from preserve.bags.profiles import Profile
    from preserve.model.disaster_levels import Standard
    from preserve.model.medium_care import CareRules
    from preserve.model.thawing import ThawPrices
    from preserve.operations.assess import Rules
    from preserve.packages.kit import Kit


def policies(books: Books) -> dict[str, Policy]:
    """The newest version of each registered policy, by name.  Raises `Tampered`."""
    from preserve.definitions.registered import registered_policy

    newest = {entry.name: entry for entry in books.policies()}
    return {name: registered_policy(entry) for name, entry in newest.items()}


def policies_in_use(books: Books, among: Mapping[str, Policy]) -> dict[str, Policy]:
    """Those under which anything is kept or harvested: whose owners answer for this home.  Where there is none: all."""
    used = {each.policy for each in books.standings()}
    used.update(each.entry.policy for each in books.sources() if not each.is_retired)
    return {name: each for name, each in among.items() if name in used} or dict(among)


DEFAULT_POLICY = "default"


def policy(books: Books, name: str | None) -> Policy:
    """The newest version of the policy named; without a name, the only one there is, or `default`.

    Raises `Refused`, `Tampered`.
    """
    from preserve.definitions.registered import registered_policy

    names = {entry.name for entry in books.policies()}
    if name is None and len(names) > 1 and DEFAULT_POLICY in names:
        name = DEFAULT_POLICY
    return registered_policy(books.policy(name))


def policy_in_force(books: Books) -> Callable[[Receipt], Policy]:
    """Under which policy a package is kept now: the newest version of the one it was taken in under.

    Where the books know none of that name, the text that the receipt names counts.  What it returns raises `Refused`,
    `Tampered`.
    """
    from preserve.definitions.registered import registered_policy

    newest = policies(books)

    def in_force(receipt: Receipt) -> Policy:
        if receipt.policy not in newest:
            newest[receipt.policy] = registered_policy(books.policy_by_sha256(receipt.policy_sha256))
        return newest[receipt.policy]

    return in_force


def audited_alike_since(books: Books, kept_under: Policy, role: Role) -> str:
    """Since when the versions of a policy ask without a break for the audit rounds that it asks for now on a role.

    Raises `Tampered`.
    """
    from preserve.definitions.registered import registered_policy

    def rounds(each: Policy) -> tuple[Level, int | None, int | None]:
        rule = each.audit_on(role)
        return rule.level, rule.run_every_days, rule.rate_percent

    newest, *older = [entry for entry in reversed(books.policies()) if entry.name == kept_under.name]
    since = newest.registered_at
    for entry in older:
        if rounds(registered_policy(entry)) != rounds(kept_under):
            break
        since = entry.registered_at
    return since


FAULT_RATES = "fault-rates.toml"


DISASTER_LEVELS = "gbt-20988-2007.toml"


def disaster_levels() -> Standard:
    """The rules by which levels of disaster recovery are told.  Raises `Refused`, `Misused`."""
    from preserve.definitions.disaster_levels import read_standard

    return read_standard(shipped_standard(DISASTER_LEVELS), DISASTER_LEVELS)


def assessment_rules(books: Books | None) -> Rules:
    """What safety is judged by; without books, with nothing declared.  Raises `Refused`, `Misused`."""
    from preserve.definitions.disaster_levels import read_declarations
    from preserve.definitions.fault_rates import read_fault_model
    from preserve.operations.assess import Rules

    faults = read_fault_model(shipped_standard(FAULT_RATES), FAULT_RATES)
    standard = disaster_levels()
    entry = books.declarations(standard.name) if books is not None else None
    declared = read_declarations(entry.text, f"declarations, version {entry.version}", standard) if entry else ()
    return Rules(faults, standard, declared)


def medium_rules(books: Books) -> CareRules:
    """How media are cared for: the strictest of the policies in force, else the figures of the standards.

    Raises `Refused`, `Misused`, `Tampered`.
    """
    from preserve.definitions.standards import REQUIREMENTS, SOURCES, read_requirements
    from preserve.model.medium_care import care_rules

    texts = {name: shipped_standard(name) for name in (SOURCES, *REQUIREMENTS)}
    return care_rules(policies(books).values(), read_requirements(texts))


def profile(home: Home, kept_under: Policy) -> Profile | None:
    """The BagIt profile that a policy names: one of the home's own, or one that comes with the program.

    Raises `Refused` where there is none of that name, `Misused` where it is none.
    """
    if kept_under.profile is None:
        return None
    from preserve.bags.profiles import read_profile

    text = profile_text(home, kept_under.profile)
    if text is None:
        raise Refused(
            "policy {policy} names the BagIt profile {file}; put that file into {folder}",
            policy=kept_under.name,
            file=kept_under.profile,
            folder=home.profiles,
        )
    return read_profile(text, kept_under.profile)


def require_profile(home: Home | None, wanted: Policy, file: str, line: int) -> None:
    """Make sure that the BagIt profile that a policy names on a line of its file is there, and is one; without a home,
    among those that come with the program.

    Raises `Refused`, `Misused`.
    """
    from preserve.bags.profiles import read_profile

    if wanted.profile is None:
        return
    text = profile_text(home, wanted.profile)
    if text is None and home is None:
        raise Refused(
            "{file}, line {line}: the BagIt profile {profile} does not come with this program, and without a home"
            " nobody can tell whether it is there; say --home DIR, and put that file into DIR/profiles",
            file=file,
            line=line,
            profile=wanted.profile,
        )
    if text is None and home is not None:
        raise Refused(
            "{file}, line {line}: policy {policy} names the BagIt profile {profile}; put that file into {folder}",
            file=file,
            line=line,
            policy=wanted.name,
            profile=wanted.profile,
            folder=home.profiles,
        )
    read_profile(text or "", wanted.profile)


def kit() -> Kit:
    """What every store carries beside its packages."""
    from preserve.settings import shipped

    return shipped.kit()


COLD_STORAGE = "cold-storage.toml"


def thaw_prices(home: Home, file: Path | None = None) -> ThawPrices:
    """What thawing costs: by `file`, else by the home's own table, else by the one that comes with the program.

    Raises `Misused` for a file that holds no prices, `Refused` where there is none.
    """
    from preserve.definitions.thaw_prices import read_thaw_prices

    own = file or (home.thaw_prices if home.thaw_prices.is_file() else None)
    if own is None:
        return read_thaw_prices(shipped_standard(COLD_STORAGE), COLD_STORAGE)
    try:
        return read_thaw_prices(own.read_text(encoding="utf-8"), str(own))
    except (OSError, UnicodeDecodeError) as error:
        raise Misused("{file} cannot be read: {reason}", file=own, reason=str(error)) from error
