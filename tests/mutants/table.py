"""All mutants, by the ending of the result that they damage: one module a kind of file."""

from __future__ import annotations

from tests.mutants import pdfs
from tests.mutants.mutant import Mutants

MUTANTS: Mutants = {
    ".pdf": pdfs.MUTANTS,
}
