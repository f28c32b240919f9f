"""What of a source is left out: patterns as in `.gitignore` (gitignore(5)), so that nobody has to learn others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from preserve.errors import Refused

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


class Sieve:
    """Leaves out what fits a pattern in `exclude`, but for what fits one in `include` and lies in no folder left out.

    `left_out` counts files and folders; what lies in a folder that is left out is not looked at, and not counted.
    Raises `Refused` for what is no pattern.
    """

    def __init__(self, exclude: Sequence[str], include: Sequence[str]) -> None:
        self._spec = _spec([*exclude, *(f"!{pattern}" for pattern in include)])
        self.left_out = 0

    def leaves_out(self, path: bytes, is_folder: bool) -> bool:
        """Whether to leave out what lies at a path relative to the source, and count it."""
        if self._spec is None:
            return False
        text = path.decode("utf-8", "surrogateescape")
        is_out = self._spec.match_file(f"{text}/" if is_folder else text)
        self.left_out += is_out
        return is_out


def _spec(patterns: Sequence[str]) -> GitIgnoreSpec | None:
    if not patterns:
        return None
    from pathspec import GitIgnoreSpec
    from pathspec.patterns.gitignore import GitIgnorePatternError

    for pattern in patterns:
        try:
            GitIgnoreSpec.from_lines([pattern])
        except GitIgnorePatternError as error:
            raise Refused(
                "{pattern} is no pattern; write one as in .gitignore, such as *.tmp, /cache/ or **/~$*",
                pattern=pattern.removeprefix("!") or "!",
            ) from error
    return GitIgnoreSpec.from_lines(patterns)
