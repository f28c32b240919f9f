"""Does the campaign over real documents find what each file is, and count what became of it?"""

from __future__ import annotations

from pathlib import Path

from ops.campaigns.pathways import identified, run
from preserve.model.formats.file_results import FileFate
from preserve.ports import Identifier
from tests.formats.converters import require
from tests.workshop.bench import Bench


def test_documents_are_identified_and_sent_along_the_pathways_that_are_for_them(
    tmp_path: Path, identifier: Identifier
) -> None:
    require("qpdf", "gs")
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "broken.pdf").write_bytes(b"%PDF-1.4\nno more\n%%EOF\n")
    (documents / "empty.pdf").write_bytes(b"")
    (documents / "other.txt").write_text("no PDF")
    bench = Bench(tmp_path, identifier)
    files = dict(identified(documents, identifier))
    assert {path.name: what.identification.puid for path, what in files.items()}["broken.pdf"] == "fmt/18"
    found = run(bench, bench.pathways["pdf-to-pdfa2b"], files)
    assert found is not None
    assert (found.fates, found.row()[:4]) == ({FileFate.FAILED: 1}, ("pdf-to-pdfa2b", 1, 0, 1))
    assert "broken.pdf: failed, it is not prepared" in found.why[0]
    assert run(bench, bench.pathways["wav-to-flac"], files) is None
