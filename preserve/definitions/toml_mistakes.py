"""Read TOML that a person wrote; what is none of it is told with its line and what to do, in the person's language."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from preserve.errors import Misused

_PLAIN = dict(zip("“”„＂‘’＝：［］【】，＃　", """\"\"\"\"''==[][],# """, strict=True))
"""What office programs and Chinese keyboards write, and what TOML takes in its place."""
_AT = re.compile(r"^(?P<reason>.*) \(at (?:line (?P<line>[0-9]+), column [0-9]+|end of document)\)$", re.DOTALL)

_SAID = {
    "Cannot overwrite a value": "{file}, line {line}: this is given a second time; keep one",
    "Cannot declare": "{file}, line {line}: this table stands a second time; put its settings together, or write [[…]]"
    " where there may be several",
    "Expected '=' after a key": "{file}, line {line}: a setting is written as name = value, a table as [name]",
    "Invalid value": "{file}, line {line}: a value is missing or cannot be read; text stands in plain quotation marks,"
    ' such as name = "text"',
    "Illegal character '\\n'": "{file}, line {line}: a quotation mark is never closed; text that goes over several"
    ' lines stands between """ and """',
    "Unterminated string": "{file}, line {line}: a quotation mark is never closed; text that goes over several"
    ' lines stands between """ and """',
    "Unclosed": "{file}, line {line}: a bracket is never closed",
    "Expected ']'": "{file}, line {line}: a bracket of this table's name is missing; write [name], or [[name]] where"
    " there may be several",
    "Expected newline": "{file}, line {line}: something follows the value; write each setting on a line of its own",
    "Unescaped": "{file}, line {line}: a backslash in a text is written twice, or the text in '…'",
}
"""What tomllib says first (Lib/tomllib/_parser.py), and what a person has to look for."""


def toml(text: str, file: str) -> dict[str, Any]:
    """The tables in `text`.  Raises `Misused` with the line of what is no TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _unsound(error, text, file) from error


def _unsound(error: tomllib.TOMLDecodeError, text: str, file: str) -> Misused:
    found = _AT.match(str(error))
    rows = text.splitlines()
    if found is None:
        return Misused("{file} is no sound TOML: {reason}", file=file, reason=error)
    line = int(found["line"]) if found["line"] else max(len(rows), 1)
    row = rows[line - 1] if line <= len(rows) else ""
    mark = next((character for character in row.partition("#")[0] if character in _PLAIN), None)
    if mark is not None:
        return Misused(
            "{file}, line {line}: {mark} is not what TOML writes; write {plain} instead, with an English keyboard",
            file=file,
            line=line,
            mark=mark,
            plain=_PLAIN[mark],
        )
    begin = next((begin for begin in _SAID if found["reason"].startswith(begin)), None)
    if begin is None:
        template = "{file}, line {line}: this is no sound TOML; its reader says: {reason}"
        return Misused(template, file=file, line=line, reason=found["reason"])
    return Misused(_SAID[begin], file=file, line=line)
