"""The columns of the two tables of a risk log (FORMAT.md 15)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from preserve.model.formats.risk_log import FILES, RISKS

if TYPE_CHECKING:
    import pyarrow as pa

MARK, VERSION = b"preserve-risk-log", b"1"
KEPT_WITH_RISK = (
    "migration", "title", "phase", "job_type", "policy", "record_class", "approver", "executor", "auditor", "package",
    "number", "path", "path_bytes", "fate", "puid", "target_puid", "pathway", "pathway_version", "tool", "tool_version",
)  # fmt: skip
"""What a row of `risks` repeats of its file, so that it says something by itself."""


def files_schema() -> pa.Schema:
    """The table with one row for each file."""
    import pyarrow as pa

    return pa.schema(
        [*_circumstances(), *_file(), *_run(), *_judging(), *_decision()],
        metadata={MARK: VERSION, b"table": FILES.encode()},
    )


def risks_schema() -> pa.Schema:
    """The table with one row for each loss of each file."""
    import pyarrow as pa

    files = files_schema()
    return pa.schema(
        [
            *(files.field(name) for name in KEPT_WITH_RISK),
            ("risk", pa.int32()),
            ("property", pa.string()),
            ("type", pa.string()),
            ("severity", pa.string()),
            ("comparison", pa.string()),
            ("amount", pa.int64()),
            ("tolerance", pa.int64()),
            ("before", pa.string()),
            ("after", pa.string()),
            ("places", pa.list_(_strings("where", "before", "after"))),
            ("why", pa.string()),
            *((f"loss_{name}", pa.string()) for name in ("id", "type", "zh", "en", "severity", "property")),
            ("loss_at_most", pa.int64()),
            ("score", pa.int32()),
            *_decision(),
        ],
        metadata={MARK: VERSION, b"table": RISKS.encode()},
    )


def _picture() -> pa.DataType:
    import pyarrow as pa

    return pa.struct([("page", pa.int64()), ("before", pa.string()), ("after", pa.string()), ("unlike", pa.int64())])


def _strings(*names: str) -> pa.DataType:
    import pyarrow as pa

    return pa.struct([(name, pa.string()) for name in names])


def _circumstances() -> list[tuple[str, pa.DataType]]:
    import pyarrow as pa

    return [
        ("migration", pa.int32()),
        ("title", pa.string()),
        ("phase", pa.string()),
        ("job_type", pa.string()),
        ("trigger", pa.string()),
        ("reason", pa.string()),
        ("grounds", pa.list_(pa.string())),
        ("basis", pa.list_(_strings("zh", "en", "mark"))),
        ("policy", pa.string()),
        ("record_class", pa.string()),
        ("requirement", pa.string()),
        ("strategy", pa.string()),
        ("fixed_at", pa.string()),
        ("source_carrier", pa.string()),
        ("target_carrier", pa.string()),
        ("planner", pa.string()),
        ("approver", pa.string()),
        ("executor", pa.string()),
        ("auditor", pa.string()),
        ("originals_kept_until", pa.string()),
        ("rollback_tested", pa.bool_()),
        ("viewed", pa.int32()),
        ("sample", pa.int32()),
    ]


def _bytes_of_a_file() -> list[tuple[str, pa.DataType]]:
    import pyarrow as pa

    return [
        ("path", pa.string()),
        ("path_bytes", pa.binary()),
        ("bytes", pa.int64()),
        ("sha256", pa.string()),
        ("puid", pa.string()),
    ]


def _file() -> list[tuple[str, pa.DataType]]:
    import pyarrow as pa

    return [
        ("package", pa.string()),
        ("number", pa.int64()),
        *_bytes_of_a_file(),
        ("target_puid", pa.string()),
        ("pathway", pa.string()),
        ("pathway_version", pa.int32()),
        ("pathway_sha256", pa.string()),
        ("fate", pa.string()),
        ("why", pa.string()),
        ("verdict", pa.string()),
        ("made", pa.list_(pa.struct(_bytes_of_a_file()))),
    ]


def _run() -> list[tuple[str, pa.DataType]]:
    import pyarrow as pa

    limits = [
        ("seconds", pa.float64()),
        ("memory_bytes", pa.int64()),
        ("address_bytes", pa.int64()),
        ("scratch_bytes", pa.int64()),
        ("output_bytes", pa.int64()),
        ("output_files", pa.int64()),
        ("processes", pa.int64()),
        ("open_files", pa.int64()),
    ]
    return [
        ("tool", pa.string()),
        ("tool_version", pa.string()),
        ("parameters", pa.list_(pa.string())),
        ("fonts_sha256", pa.string()),
        ("limits", pa.struct(limits)),
        ("lacking", pa.list_(pa.string())),
        ("tool_seconds", pa.float64()),
        ("input_bytes", pa.int64()),
        ("output_bytes", pa.int64()),
        ("peak_memory_bytes", pa.int64()),
        ("tool_status", pa.int64()),
        ("tool_text", pa.string()),
        ("tool_complaints", pa.string()),
        ("tool_files", pa.int64()),
    ]


def _judging() -> list[tuple[str, pa.DataType]]:
    import pyarrow as pa

    return [
        ("validated", pa.list_(_strings("program", "version", "opinion", "text"))),
        ("measured", pa.list_(_strings("property", "before", "after"))),
        ("pictures", pa.list_(_picture())),
        ("judging_seconds", pa.float64()),
        ("at", pa.string()),
        ("risks", pa.int32()),
        ("loss_total", pa.int32()),
    ]


def _decision() -> list[tuple[str, pa.DataType]]:
    import pyarrow as pa

    return [
        ("accepted", pa.bool_()),
        ("decided_about", pa.string()),
        ("decided_by", pa.string()),
        ("decision_reason", pa.string()),
    ]
