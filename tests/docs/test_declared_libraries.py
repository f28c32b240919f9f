"""Is each library that the program imports named in setup.py, and not there by the grace of another one?"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
_IMPORT = re.compile(r"^ *(?:from (?=[\w.]+ import )|import (?=[\w.]+(?: as \w+)?(?: *#.*)?$))(\w+)", re.MULTILINE)
STUBS = {"mypy_boto3_s3"}
"""Imported for types alone, which `requirements-dev.in` is for."""


def imported() -> Iterator[str]:
    """The first names of what is imported anywhere in a module, at its head or within."""
    for path in (CHECKOUT / "preserve").rglob("*.py"):
        yield from _IMPORT.findall(path.read_text("utf-8"))


def declared() -> set[str]:
    """The names in the requirements of setup.py, each as PyPI compares them (PEP 503)."""
    lists = [
        each
        for node in ast.walk(ast.parse((CHECKOUT / "setup.py").read_bytes()))
        if isinstance(node, ast.List)
        for each in node.elts
    ]
    said = [each.value for each in lists if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return {_plain(re.split(r"[\[<>=]", each)[0]) for each in said}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_each_library_that_is_imported_is_declared() -> None:
    known, foreign = packages_distributions(), set(imported()) - sys.stdlib_module_names - {"preserve"} - STUBS
    assert len(foreign) > 30
    missing = {module for module in foreign if not {_plain(each) for each in known[module]} & declared()}
    assert not missing, f"imported, and not named in setup.py: {sorted(missing)}"
