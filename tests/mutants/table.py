"""All mutants, by the ending of the result that they damage: one module a kind of file."""

from __future__ import annotations

from tests.mutants import images, office, pdfs, recordings, texts_mail_tables
from tests.mutants.mutant import Mutants

MUTANTS: Mutants = {
    ".csv": (*texts_mail_tables.TABLES, *office.SHEETS),
    ".docx": office.DOCX,
    ".eml": texts_mail_tables.MAIL,
    ".ods": office.ODS,
    ".odt": office.ODT,
    ".pdf": pdfs.MUTANTS,
    ".txt": texts_mail_tables.TEXTS,
    ".png": (*images.MUTANTS, images.PROFILE),
    ".jp2": images.MUTANTS,
    ".flac": recordings.SOUND,
    ".mkv": recordings.MOVING,
}
