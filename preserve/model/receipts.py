"""The receipt as JSON: what `receipt.json` and the ledger hold of a package (FORMAT.md 5)."""

from __future__ import annotations

import json
from typing import Any

from preserve.model import canonical
from preserve.model.digests import Algorithm
from preserve.model.keys import BAG, BLOCKS, MEMBERS
from preserve.model.nouns import ObjectDigest, Receipt

FORMAT = "preserve-receipt/1"
LARGEST_RECEIPT_BYTES = 1024 * 1024


def document(receipt: Receipt) -> dict[str, Any]:
    """The JSON object that `receipt.json` holds and that the ledger keeps too."""
    return {
        "format": FORMAT,
        "package_id": receipt.package_id,
        "created_at": receipt.created_at,
        "payload_files": receipt.payload_files,
        "payload_bytes": receipt.payload_bytes,
        "records": receipt.records,
        "policy": receipt.policy,
        "policy_sha256": receipt.policy_sha256,
        "algorithms": [algorithm.value for algorithm in receipt.algorithms],
        "block_bytes": receipt.block_bytes,
        "objects": {
            BAG: {"bytes": receipt.bag_bytes, "blocks_root": receipt.blocks_root},
            BLOCKS: {"bytes": receipt.blocks.bytes, "sha256": receipt.blocks.sha256},
            MEMBERS: {"bytes": receipt.members.bytes, "sha256": receipt.members.sha256},
        },
        "metadata": dict(receipt.metadata),
        "part_of": list(receipt.part_of) if receipt.part_of else None,
        "written_by": receipt.written_by,
    }


def encode(receipt: Receipt) -> bytes:
    """The bytes of `receipt.json`."""
    return canonical.encode(document(receipt))


def from_document(value: Any) -> Receipt:
    """The receipt a JSON object describes.  Raises ValueError when it does not describe one."""
    try:
        if value["format"] != FORMAT:
            raise ValueError(f"format {value['format']!r} is not {FORMAT!r}")
        objects = value["objects"]
        part_of = value["part_of"]
        return Receipt(
            package_id=str(value["package_id"]),
            created_at=str(value["created_at"]),
            payload_files=int(value["payload_files"]),
            payload_bytes=int(value["payload_bytes"]),
            records=int(value["records"]),
            policy=str(value["policy"]),
            policy_sha256=str(value["policy_sha256"]),
            algorithms=tuple(Algorithm(name) for name in value["algorithms"]),
            block_bytes=int(value["block_bytes"]),
            bag_bytes=int(objects[BAG]["bytes"]),
            blocks_root=str(objects[BAG]["blocks_root"]),
            blocks=ObjectDigest(int(objects[BLOCKS]["bytes"]), str(objects[BLOCKS]["sha256"])),
            members=ObjectDigest(int(objects[MEMBERS]["bytes"]), str(objects[MEMBERS]["sha256"])),
            metadata={str(name): str(text) for name, text in value["metadata"].items()},
            part_of=(str(part_of[0]), int(part_of[1]), int(part_of[2])) if part_of else None,
            written_by=str(value["written_by"]),
        )
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"not a receipt: {error!r}") from error


def decode(content: bytes) -> Receipt:
    """The inverse of `encode`.  Raises ValueError for anything else."""
    return from_document(json.loads(content))
