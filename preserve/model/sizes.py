"""Sizes in bytes as people read them."""

from __future__ import annotations


class Size(int):
    """A number of bytes.  In a sentence it says itself in the largest unit that suits: 1,536 B, 12.3 MiB."""

    def __str__(self) -> str:
        if self < 10_000:
            return f"{int(self):,} B"
        amount = float(self)
        for unit in ("KiB", "MiB", "GiB", "TiB"):
            amount /= 1024
            if amount < 1000:
                return f"{amount:.1f} {unit}"
        return f"{amount / 1024:,.1f} PiB"
