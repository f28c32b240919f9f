"""What a source's own table says of the records that a harvest brings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from preserve.bags.submission import Submission
from preserve.definitions.coverage import Coverage
from preserve.definitions.metadata import RecordsFile, read_records
from preserve.model.digests import sha256
from preserve.model.policy import Policy
from preserve.model.sources import SourceEntry


def described_of(
    source: SourceEntry, policy: Policy, submission: Submission
) -> tuple[RecordsFile, tuple[str, str]] | None:
    """The records to which anything in a submission belongs, and name and SHA-256 of the table that describes them.

    None where the source has no table.  What no record covers is taken all the same.  Raises `Misused` where the table
    cannot be read, `Refused` for what it must not say.
    """
    if source.metadata is None:
        return None
    path = Path(source.metadata)
    described = read_records(
        path, required=policy.required_metadata, allowed=policy.classifications, wanted=policy.records
    )
    coverage = Coverage(described.records)
    for batch in submission.batches():
        for entry in batch:
            coverage.record_of(entry[1])
    named = (path.name, sha256(path.read_bytes()).hex())
    return replace(described, records=coverage.met()), named
