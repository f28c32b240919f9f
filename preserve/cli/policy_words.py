"""What a policy will do, in plain words: one sentence for each thing it asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from preserve.cli.labels import element_label, element_value
from preserve.cli.messages import _, attribute_word, counted, is_chinese, printable, said, word
from preserve.cli.tables import byte_count
from preserve.model.nouns import Level
from preserve.model.parity import overhead_percent
from preserve.model.policy import (
    DAY_SECONDS,
    AuditRule,
    BackupRule,
    CopyRule,
    CopySet,
    IdentifyWhen,
    Policy,
    RecordClass,
)


@dataclass(frozen=True, slots=True)
class Told:
    """One sentence; `waits_for` is the command that will carry it out ("": nobody said which), None: it is done now."""

    text: str
    waits_for: str | None = None


_UNITS = (365 * DAY_SECONDS, DAY_SECONDS, 3600, 60)


def span(seconds: int) -> str:
    """A span of time in the largest unit that leaves no rest."""
    size = next(size for size in _UNITS if seconds % size == 0)
    count = seconds // size
    match size:
        case 31_536_000:
            return counted("{count} year", "{count} years", count)
        case 86_400:
            return counted("{count} day", "{count} days", count)
        case 3600:
            return counted("{count} hour", "{count} hours", count)
    return counted("{count} minute", "{count} minutes", count)


def days(count: int) -> str:
    """A span of days."""
    return span(count * DAY_SECONDS)


_AS_WRITTEN = ("retention_lock_days",)
"""Settings whose own name has a unit."""


def setting(key: str, value: str | int | None) -> tuple[str, str]:
    """A setting by the name that authors give it, and its value as people read it; a dash where it is not set."""
    for suffix, shown in (("_seconds", span), ("_days", days)):
        if key.endswith(suffix) and key not in _AS_WRITTEN:
            return key.removesuffix(suffix), shown(value) if isinstance(value, int) else "-"
    if key == "package_bytes" and isinstance(value, int):
        return key, byte_count(value)
    return key, "-" if value is None else printable(str(value))


def listed(words: Iterable[str]) -> str:
    """Words in a row."""
    return ("、" if is_chinese() else ", ").join(words)


def clauses(parts: Iterable[str]) -> str:
    """Parts of a sentence in a row."""
    return ("；" if is_chinese() else "; ").join(parts)


def _whole(parts: Iterable[str]) -> str:
    """A sentence of parts."""
    return clauses(parts) + ("。" if is_chinese() else ".")


def attributes(names: tuple[str, ...]) -> str:
    """Attributes of stores as people call them."""
    return listed(map(attribute_word, names))


def in_plain_words(policy: Policy) -> Iterator[Told]:
    """The sentences, in the order in which things happen to a record."""
    yield from map(Told, (_records(policy), *_intake(policy), *map(_copies, policy.copies), *_separation(policy)))
    yield from map(Told, (*_audits(policy), *_lock(policy), *_people(policy)))
    yield from map(Told, (*_work(policy), *_renewal(policy), *_notices(policy)))
    if policy.backup is not None:
        yield Told(_backup(policy.backup))
    yield from map(Told, (*_recovery(policy), *_drills(policy)))
    yield from map(Told, (*_copy_sets(policy), *_media(policy), *_formats(policy), *_migration(policy)))
    yield from (Told(text, "") for text in _distance(policy))


def _records(policy: Policy) -> str:
    records = policy.records
    if records is None or records == RecordClass():
        return _("It is for records of any kind.")
    parts = [
        said("fonds {fonds}", fonds=listed(records.fonds)) if records.fonds else "",
        said("category {categories}", categories=listed(records.categories)) if records.categories else "",
        said(
            "retention {retentions}", retentions=listed(element_value("retention", each) for each in records.retentions)
        )
        if records.retentions
        else "",
        word(records.importance) if records.importance else "",
    ]
    told = clauses(part for part in parts if part)
    return said("It is for these records: {records}.  Records described otherwise are refused.", records=told)


def _intake(policy: Policy) -> Iterator[str]:
    if policy.required_metadata:
        elements = listed(map(element_label, policy.required_metadata))
        yield said("A submission comes with metadata; each record has {elements}.", elements=elements)
    else:
        yield _("Submissions without metadata are taken in.")
    classes = listed(map(word, policy.classifications))
    yield said("Let in are {classes} records; state secrets are always refused.", classes=classes)
    yield said(
        "Packages hold up to {size}; each file is digested by {digests}; symbolic links: {links}.",
        size=byte_count(policy.package_bytes),
        digests=listed(policy.digests),
        links=word(policy.symlinks),
    )


def _copies(rule: CopyRule) -> str:
    parts = [said("copies on {role}: {count}", role=word(rule.role), count=rule.count)]
    if rule.medium_families:
        parts.append(said("on {media}", media=" / ".join(map(word, rule.medium_families))))
    if rule.parity_percent:
        parts.append(
            said(
                "each with parity, by which it survives alone that {percent} % of its sectors are bad (large packages"
                " take about {more} % more room)",
                percent=rule.parity_percent,
                more=overhead_percent(rule.parity_percent),
            )
        )
    return _whole(parts)


def _meaning(copy_set: CopySet) -> str:
    """What the letter on the label stands for."""
    meanings = {
        CopySet.SEALED: _("sealed"),
        CopySet.REFERENCE: _("for reference"),
        CopySet.OFFSITE: _("off-site"),
    }
    return meanings[copy_set]


def _separation(policy: Policy) -> Iterator[str]:
    rule = policy.separation
    if rule is None:
        return
    if rule.everywhere:
        yield said("No two copies may share their: {attributes}.", attributes=attributes(rule.everywhere))
    if rule.remote:
        yield said("The remote copy may share with no other its: {attributes}.", attributes=attributes(rule.remote))
    if rule.medium_families > 1 or rule.vendors > 1:
        yield said(
            "The copies are spread over media of {families} families and stores of {vendors} vendors at the least.",
            families=rule.medium_families,
            vendors=rule.vendors,
        )
    yield _("`preserve status` and `preserve policy check` tell where registered stores break this.")


def _audits(policy: Policy) -> Iterator[str]:
    yield said("Audit: {audit}.  `preserve status` tells what is overdue.", audit=_audit(policy.audit))
    for rule in policy.copies:
        if rule.audit is not None:
            yield said(
                "Copies on {role} are audited otherwise: {audit}.", role=word(rule.role), audit=_audit(rule.audit)
            )


def _audit(rule: AuditRule) -> str:
    if rule.level is Level.FULL:
        parts = [said("every byte is read again, nowhere later than after {span}", span=days(rule.every_days))]
    else:
        template = "{blocks} blocks of each package are read again, nowhere later than after {span}"
        parts = [said(template, blocks=rule.sample_blocks, span=days(rule.every_days))]
    if rule.full_every_days:
        parts.append(said("every byte within {span}", span=days(rule.full_every_days)))
    return clauses(parts)


def _lock(policy: Policy) -> Iterator[str]:
    if policy.retention_lock_days:
        yield said(
            "Stores that have object locks hold each object for {span}; nobody's key erases it before.",
            span=days(policy.retention_lock_days),
        )


def _work(policy: Policy) -> Iterator[str]:
    """What is done by the clock."""
    for rule in policy.copies:
        if rule.within_seconds:
            template = "Copies on {role} are there within {span} of the accession."
            yield said(template, role=word(rule.role), span=span(rule.within_seconds))
    for role, audit in ((None, policy.audit), *((rule.role, rule.audit) for rule in policy.copies)):
        if audit is not None and audit.run_every_days:
            values = {"rate": audit.rate_percent or 100, "span": days(audit.run_every_days)}
            where = word(role) if role else _("all stores")
            yield said("Of the copies on {where}, {rate} % are looked at in a run every {span}.", where=where, **values)


def _renewal(policy: Policy) -> Iterator[str]:
    if policy.lock_renew_before_days:
        yield said("The lock is renewed {span} before its end.", span=days(policy.lock_renew_before_days))


def _notices(policy: Policy) -> Iterator[str]:
    yield said("When something is wrong, {owner} is told.", owner=policy.notify)
    for step in policy.escalation:
        yield said("Where nobody has acted after {span}, {name} is told.", span=span(step.after_seconds), name=step.to)


def _backup(rule: BackupRule) -> str:
    parts = [said("The source is backed up every {span}", span=span(rule.every_seconds))]
    parts += [listed(map(word, rule.weekdays))] if rule.weekdays else []
    parts += [said("at {time}", time=rule.at)] if rule.at else []
    parts += [said("within {window}", window=rule.window)] if rule.window else []
    parts += [rule.timezone] if rule.timezone else []
    return _whole(parts)


def _recovery(policy: Policy) -> Iterator[str]:
    recovery = policy.recovery
    if recovery is None:
        return
    lost = (
        (_("the primary store"), recovery.rpo_seconds, recovery.rto_seconds),
        (_("the city"), recovery.city_lost_rpo_seconds, recovery.city_lost_rto_seconds),
    )
    for what, rpo, rto in lost:
        if rpo is not None:
            yield said("When {what} is lost, at most {span} of work is lost with it (RPO).", what=what, span=span(rpo))
        if rto is not None:
            yield said("When {what} is lost, all is back within {span} (RTO).", what=what, span=span(rto))


def _drills(policy: Policy) -> Iterator[str]:
    rule = policy.drills
    if rule is None:
        return
    roles = listed(map(word, rule.roles))
    yield said(
        "A recovery is rehearsed every {span}, from each of these alone: {roles}.",
        span=days(rule.every_days),
        roles=roles,
    )
    if rule.sample_packages:
        yield said("A rehearsal restores {count} packages drawn at random.", count=rule.sample_packages)
    if rule.full_every_days:
        yield said("Every {span} a rehearsal restores everything.", span=days(rule.full_every_days))
    if rule.without_catalog:
        yield _("A rehearsal does without the catalog and the home.")


def _formats(policy: Policy) -> Iterator[str]:
    rule = policy.formats
    if rule is None:
        return
    if rule.identify is IdentifyWhen.AT_INGEST:
        yield _("The formats of files are told right after the copies were made.")
    else:
        yield _("The formats of files are told by the runner, when nothing more urgent is due.")
    if rule.again_on_release:
        yield _("They are told once more when the signatures of formats changed.")


def _migration(policy: Policy) -> Iterator[str]:
    rule = policy.migration
    if rule is None:
        return
    yield _("Migrations of formats that a person began are gone on with by the runner, when nothing else is due.")
    if rule.window is not None:
        template = "Files are converted within {window} ({timezone}) alone."
        yield said(template, window=rule.window, timezone=rule.timezone)
    if rule.files_per_day is not None:
        yield said("At most {count} files are converted a day.", count=rule.files_per_day)
    yield _("Originals are kept beside what was made of them, always.")


def _copy_sets(policy: Policy) -> Iterator[str]:
    for copies in policy.copies:
        if copies.copy_set is not None:
            template = "Copies on {role} are set {letter} ({meaning})."
            letter, meaning = copies.copy_set.value, _meaning(copies.copy_set)
            yield said(template, role=word(copies.role), letter=letter, meaning=meaning)


def _media(policy: Policy) -> Iterator[str]:
    rules = policy.media
    if rules is None:
        return
    for kind, rule in rules.kinds.items():
        parts = [word(kind)]
        if rule.inspect_every_days:
            parts.append(said("inspected every {span}", span=days(rule.inspect_every_days)))
        if rule.rate_percent:
            parts.append(said("{rate} % of them", rate=rule.rate_percent))
        if rule.at_least:
            parts.append(said("{count} at the least", count=rule.at_least))
        if rule.life_days:
            parts.append(said("replaced after {span}", span=days(rule.life_days)))
        yield _whole(parts)
    if rules.superseded_hold_days:
        yield said("A medium that was replaced is kept for {span}.", span=days(rules.superseded_hold_days))
    if rules.reader_check_every_days:
        yield said("The drives are checked every {span}.", span=days(rules.reader_check_every_days))
    if rules.handover_rate_percent:
        yield said("At a hand-over {rate} % of the media are read.", rate=rules.handover_rate_percent)


def _people(policy: Policy) -> Iterator[str]:
    who = policy.responsible
    yield said(
        "Responsible are {leader} (leads), {manager} (manages) and {executor} (carries out).",
        leader=who.leader,
        manager=who.manager,
        executor=who.executor,
    )
    if policy.legal_basis:
        yield said("Legal basis: {basis}.", basis=clauses(policy.legal_basis))
    else:
        yield _("It names no legal basis.")


def _distance(policy: Policy) -> Iterator[str]:
    if policy.separation is not None and policy.separation.remote_distance_km:
        yield said("The remote copy is {distance} km away at the least.", distance=policy.separation.remote_distance_km)
