"""LibreOffice: office documents, several to a call, since it starts for as long as it converts ten small ones.

Every call has a profile of its own, made anew: a macro or a setting of one document never meets the next call.  A call
that does not end well is worth nothing; its documents are converted again, each by itself, so that one that hangs or
crashes is found out and the others go on.
It takes random bytes, or text, for a document and says nothing: what a file is, is to be known before.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from preserve.formats.sandbox import Order, Sandbox, version_of
from preserve.model.formats.tool_runs import Limits, Outcome, Result

PROGRAM = "soffice"
AT_ONCE = 2
BATCH = 20
BEGIN_SECONDS, DOCUMENT_SECONDS = 60.0, 10.0
"""How long a call may take: its start, and each document of several; one by itself has `ALONE_SECONDS`."""
ALONE_SECONDS = 300.0
PDFA_2B = 'pdf:writer_pdf_Export:{"SelectPdfVersion":{"type":"long","value":"2"}}'
"""ISO 19005-2, level B, of a text document; `calc_pdf_Export` and `impress_pdf_Export` for tables and slides."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file to be converted, the ending that its format has, and the empty folder for what comes of it."""

    path: Path
    ending: str
    into: Path


class LibreOffice:
    """Converts documents, `at_once` calls at a time.  `scratch` is a folder of this command alone."""

    def __init__(self, sandbox: Sandbox, scratch: Path, *, at_once: int = AT_ONCE, batch: int = BATCH) -> None:
        self._sandbox = sandbox
        self._scratch = scratch
        self._at_once = at_once
        self._batch = batch
        with self._folder() as folder:
            self.version = version_of(sandbox, PROGRAM, ("--version",), Path(folder))

    def convert(
        self, documents: Sequence[Document], into_format: str, limits: Limits | None = None
    ) -> Iterator[Outcome]:
        """What became of each document, in their order; `into_format` is what `--convert-to` takes.

        `limits` are those of one document by itself.  Raises `NoSpace`.
        """
        alone = limits or Limits(seconds=ALONE_SECONDS)
        batches = [documents[at : at + self._batch] for at in range(0, len(documents), self._batch)]
        with ThreadPoolExecutor(self._at_once) as pool:
            for outcomes in pool.map(lambda batch: self._converted(batch, into_format, alone), batches):
                yield from outcomes

    def _converted(self, batch: Sequence[Document], into_format: str, alone: Limits) -> list[Outcome]:
        if len(batch) == 1:
            return self._called(batch, into_format, alone)
        together = replace(
            alone,
            seconds=min(BEGIN_SECONDS + DOCUMENT_SECONDS * len(batch), alone.seconds * len(batch)),
            output_files=alone.output_files * len(batch),
        )
        outcomes = self._called(batch, into_format, together)
        for number, (document, outcome) in enumerate(zip(batch, outcomes, strict=True)):
            if outcome.result is not Result.CONVERTED:
                outcomes[number] = self._called([document], into_format, alone)[0]
        return outcomes

    def _called(self, batch: Sequence[Document], into_format: str, limits: Limits) -> list[Outcome]:
        """One call.  Names are numbers here, so no two results have the same one."""
        arguments = (
            "-env:UserInstallation=file://{home}/profile", "--headless", "--norestore",
            "--convert-to", into_format, "--outdir", "{output}", "{inputs}",
        )  # fmt: skip
        inputs = tuple((document.path, document.ending) for document in batch)
        with self._folder() as folder:
            whole = self._sandbox.run(Order(PROGRAM, arguments, inputs, limits, self.version), Path(folder))
            return [_share(whole, Path(folder), number, document) for number, document in enumerate(batch, 1)]

    def _folder(self) -> tempfile.TemporaryDirectory[str]:
        return tempfile.TemporaryDirectory(dir=self._scratch)


def _share(whole: Outcome, folder: Path, number: int, document: Document) -> Outcome:
    """What a call made of one of its documents."""
    if whole.result is not Result.CONVERTED:
        return whole
    made = [name for name in whole.files if name.startswith((f"{number}.", f"{number}_"))]
    names = [f"document{name.removeprefix(str(number))}" for name in made]
    for name, final in zip(made, names, strict=True):
        (folder / name).rename(document.into / final)
    share = sum((document.into / name).stat().st_size for name in names)
    evidence = replace(whole.evidence, input_bytes=document.path.stat().st_size, output_bytes=share)
    return Outcome(Result.CONVERTED if share else Result.NO_OUTPUT, evidence, tuple(names))
