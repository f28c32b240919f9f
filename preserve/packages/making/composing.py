"""Compose the packages of one accession: tag files, entries before the payload, the receipt as far as it is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from preserve.bags.parts import BagFacts
from preserve.bags.submission import Submission
from preserve.bags.tags import Oxum
from preserve.clock import moment_of
from preserve.model import events
from preserve.model.digests import Algorithm
from preserve.model.entries import AccessionEntry
from preserve.model.nouns import ObjectDigest, Receipt
from preserve.model.policy import Policy
from preserve.model.records import Record
from preserve.packages.making import describing
from preserve.packages.making.layout import Planned
from preserve.packages.making.packing import PackagePlan
from preserve.packages.making.planning import PayloadPlan, SubmissionPlan, head_entries
from preserve.packages.tar import FILE

_NOT_YET = ObjectDigest(0, "")


@dataclass(frozen=True, slots=True)
class Composed:
    """One package ready to be packed; `receipt` lacks what only packing gives."""

    plan: PackagePlan
    receipt: Receipt
    records: tuple[Record, ...]
    facts: BagFacts

    def payload_paths(self) -> Iterator[str]:
        """The paths of the payload files, beginning with `data/`."""
        for chunk in self.plan.payload.chunks():
            for plain in chunk:
                entry = Planned(*plain)
                if entry.kind == FILE:
                    yield f"data/{entry.path}"


def checked_algorithms(submission: Submission, policy: Policy) -> tuple[Algorithm, ...]:
    """Algorithms of a submitted bag that our own manifests do not have, and that are computed to check it."""
    return tuple(one for one in submission.algorithms if one not in policy.digests)


def compose(
    accession: AccessionEntry,
    policy: Policy,
    submission: Submission,
    records: Sequence[Record],
    planned: SubmissionPlan,
    profile: str | None = None,
) -> list[Composed]:
    """The packages of `accession`, in order, with their tag files written beside their spools.

    `profile` is the identifier of the BagIt profile that policy names.  Raises `Refused`.
    """
    judge = submission.judge() if submission.algorithms else None
    packages = []
    for number, payload in enumerate(planned.packages, 1):
        own = tuple(record for record in records if record.archival_code in payload.codes)
        created = moment_of(accession.accession_at)
        origin = describing.Origin(
            accession.id,
            created.date().isoformat(),
            number,
            len(planned.packages),
            submission.bag.elements if submission.bag else (),
            profile,
        )
        created_ns = int(created.timestamp()) * 1_000_000_000
        plan = PackagePlan(
            payload.package_id,
            created_ns,
            payload.folder,
            head_entries(
                payload.package_id,
                payload.folder,
                _written_tag_files(payload, origin, own),
                submission.tag_files,
                created_ns,
                submission.own_tag_files,
            ),
            payload.payload,
            policy.digests,
            checked_algorithms(submission, policy),
            judge,
            submission.require_rest,
        )
        receipt = _receipt(accession, policy, payload, own, origin)
        packages.append(Composed(plan, receipt, own, _facts(plan, origin, own)))
    return packages


def _facts(plan: PackagePlan, origin: describing.Origin, records: Sequence[Record]) -> BagFacts:
    """What the bag will say of itself, for a BagIt profile to judge."""
    oxum = Oxum(plan.payload.totals.payload_bytes, plan.payload.totals.files)
    tag_files = [entry.path for entry in plan.head if entry.kind == FILE]
    return BagFacts(
        version=(1, 0),
        encoding="UTF-8",
        elements=tuple(describing.elements(origin, records, oxum)),
        payload_manifests=tuple(plan.algorithms),
        tag_manifests=tuple(plan.algorithms),
        tag_files=(*tag_files, *plan.tail_names),
        payload=oxum,
        has_fetch=False,
    )


def _written_tag_files(payload: PayloadPlan, origin: describing.Origin, records: Sequence[Record]) -> list[str]:
    """Write the generated tag files into the package's scratch folder; their paths in the bag, in tar order."""
    totals = payload.payload.totals
    files = describing.tag_files(origin, records, Oxum(totals.payload_bytes, totals.files))
    for path, content in files.items():
        (payload.folder / path).parent.mkdir(exist_ok=True)
        (payload.folder / path).write_bytes(content)
    structure = [] if payload.structure is None else [payload.structure.relative_to(payload.folder).as_posix()]
    return [*files, *structure]


def _receipt(
    accession: AccessionEntry,
    policy: Policy,
    payload: PayloadPlan,
    records: Sequence[Record],
    origin: describing.Origin,
) -> Receipt:
    totals = payload.payload.totals
    return Receipt(
        package_id=payload.package_id,
        created_at=accession.accession_at,
        payload_files=totals.files,
        payload_bytes=totals.payload_bytes,
        records=len(records),
        policy=policy.name,
        policy_sha256=policy.sha256,
        algorithms=policy.digests,
        bag_bytes=0,
        blocks_root="",
        blocks=_NOT_YET,
        members=_NOT_YET,
        metadata=describing.catalog_metadata(records),
        part_of=(accession.id, origin.number, origin.count) if origin.count > 1 else None,
        written_by=events.TOOL,
    )
