"""What does the memory cost in which blocks are filled?"""

from __future__ import annotations

from pathlib import Path

from preserve.packages.making.crew import Crew

BLOCK_BYTES = 16 * 1024 * 1024


def shared_kib() -> int:
    """Shared memory that this process has in use."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("RssShmem:")).split()[1])


def test_a_crew_at_rest_takes_no_room_and_can_go_on() -> None:
    with Crew(0, ["sha256"]) as crew:
        block = crew.memory(0, BLOCK_BYTES)
        block[:] = b"x" * BLOCK_BYTES
        filled = shared_kib()
        crew.rest()
        assert filled - shared_kib() >= BLOCK_BYTES // 1024
        block[:4] = b"more"
        assert bytes(block[:5]) == b"more\0"
