"""Ingest: a submission becomes packages, each with a copy in every store that policy wants and that can be reached."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from preserve import chance
from preserve.bags.names import known_as
from preserve.bags.profiles import Profile
from preserve.bags.shapes import TakenAs
from preserve.bags.submission import open_submission
from preserve.definitions.metadata import RecordsFile, read_records
from preserve.durable import free_bytes
from preserve.errors import Refused
from preserve.model.digests import sha256
from preserve.model.policy import Policy
from preserve.packages import places
from preserve.packages.making.taking_in import UNDESCRIBED, CopyMade, IngestReport, Intake, PackageMade, take_in
from preserve.workplace import Workplace

__all__ = ["CopyMade", "IngestReport", "IngestRequest", "PackageMade", "ingest"]


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """What to take in: `source` is a folder, a tar or a bag; `metadata` describes its records.

    `profile` is the BagIt profile that the policy names.  `again` makes new packages even of a submission that was
    taken in before and has not changed since.  `taken_as` is what a person says that the source is.
    """

    source: Path
    policy: Policy
    metadata: Path | None = None
    profile: Profile | None = None
    again: bool = False
    taken_as: TakenAs | None = None


def ingest(workplace: Workplace, request: IngestRequest) -> IngestReport:
    """Take a submission in.

    Raises `Refused` with all that is wrong with the submission or its metadata, `NoSpace` where a store has too little
    room for it, and `Unavailable` when no store took a sound copy; nothing half-done is visible then, and the same
    command goes on where it was.
    """
    source = request.source.absolute()
    places.require_source_outside(workplace.books, workplace.home, source)
    work = workplace.work / f"ingest-{chance.token(8)}"
    (work / "submission").mkdir(parents=True)
    known = known_as(source)
    with workplace.claim(known), ExitStack() as resources:
        resources.callback(shutil.rmtree, work, ignore_errors=True)
        described = _described(request)
        submission = resources.enter_context(
            open_submission(
                source,
                work / "submission",
                keep_links=request.policy.keeps_links,
                unpack_limit_bytes=free_bytes(work),
                taken_as=request.taken_as,
            )
        )
        metadata = request.metadata
        named = (metadata.name, sha256(metadata.read_bytes()).hex()) if metadata else None
        intake = Intake(known, request.policy, described, named, request.profile, request.again)
        return take_in(workplace, intake, submission, work)


def _described(request: IngestRequest) -> RecordsFile:
    """The records of the metadata file, or none; refused where policy requires what nobody gave."""
    policy = request.policy
    if request.metadata is not None:
        return read_records(
            request.metadata,
            required=policy.required_metadata,
            allowed=policy.classifications,
            wanted=policy.records,
        )
    if policy.required_metadata:
        raise Refused(
            "policy {policy} requires metadata ({elements}); give a CSV or JSON file with --metadata",
            policy=policy.name,
            elements=", ".join(policy.required_metadata),
        )
    return UNDESCRIBED
