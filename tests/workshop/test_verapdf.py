"""Is veraPDF's word taken as it means it?  A stand-in prints reports as veraPDF prints them (1.10 to 1.28)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from preserve.errors import Refused
from preserve.formats.strict_validators import complaint
from tests.workshop.bench import Bench

SOUND = (
    '<validationReport jobEndStatus="normal" profileName="PDF/A-2B validation profile"'
    ' statement="PDF file is compliant with Validation Profile requirements." isCompliant="true">'
    '<details passedRules="144" failedRules="0" passedChecks="601" failedChecks="0"></details></validationReport>'
)
RULE = (
    '<rule specification="ISO 19005-2:2011" clause="6.2.4.3" testNumber="2" status="failed" failedChecks="4">'
    "<description>DeviceRGB shall only be used with an output intent</description><object>PDDeviceRGB</object></rule>"
)
FAILED = SOUND.replace('isCompliant="true"', 'isCompliant="false"').replace("</details>", f"{RULE}</details>")
BROKEN = (
    '<taskException type="PARSE" isExecuted="true" isSuccess="false">'
    "<exceptionMessage>Exception: The file is no PDF</exceptionMessage></taskException>"
)


def report(job: str) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?><report><buildInformation><releaseDetails id="core" version="1.28.2"'
        ' buildDate="2025-07-15T16:07:00+03:00"></releaseDetails></buildInformation><jobs><job><item size="635">'
        f'<name>/in/1.pdf</name></item>{job}</job></jobs><batchSummary totalJobs="1"></batchSummary></report>'
    )


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], str]:
    def asked(answer: str, status: int) -> str:
        (tmp_path / "answer").write_text(answer)
        program = tmp_path / "verapdf"
        program.write_text(
            "#!/bin/sh\n"
            "if [ \"$1\" = --version ]; then echo 'veraPDF 1.28.2'; echo 'Built: Tue Jul 15'; exit 0; fi\n"
            f"echo 'WARNING: of Java' >&2; cat '{tmp_path}/answer'; exit {status}\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        return complaint("verapdf", tmp_path / "a.pdf")

    return asked


def test_a_sound_file_is_sound_whatever_java_warns_of(says: Callable[[str, int], str]) -> None:
    assert says(report(SOUND), 0) == ""
    assert says(report(SOUND.replace(' jobEndStatus="normal"', "")), 0) == "", "older ones do not say how the job ended"
    assert says(f"Picked up JAVA_TOOL_OPTIONS\n{report(SOUND)}", 0) == ""


@pytest.mark.parametrize(
    ("answer", "status", "told"),
    [
        (report(FAILED), 1, "6.2.4.3-2 DeviceRGB shall only be used with an output intent"),
        (report(FAILED), 0, "6.2.4.3-2"),
        (report(SOUND.replace('isCompliant="true"', 'isCompliant="false"')), 0, "not compliant"),
        (report(SOUND.replace("2B", "1B")), 0, "not judged by the PDF/A-2B validation profile"),
        (report(SOUND.replace('"normal"', '"timeout"')), 0, "not judged by"),
        (report(BROKEN), 7, "The file is no PDF"),
        (report(""), 0, "not judged by the PDF/A-2B validation profile: WARNING: of Java"),
        (report(SOUND)[:300], 0, "no report, but exit status 0"),
        ("", 134, "no report, but exit status 134: WARNING: of Java"),
        ("PASS /in/1.pdf", 0, "no report"),
    ],
)
def test_whatever_else_it_prints_the_file_does_not_pass(
    says: Callable[[str, int], str], answer: str, status: int, told: str
) -> None:
    assert told in says(answer, status)


def test_it_is_known_by_its_version_and_missed_by_nobody(says: Callable[[str, int], str], bench: Bench) -> None:
    pathway = bench.pathways["pdf-to-pdfa2b"]
    says(report(SOUND), 0)
    assert bench.workshop.tools(pathway)["verapdf"] == "1.28.2"


def test_where_it_is_absent_it_cannot_be_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refused):
        complaint("verapdf", tmp_path / "a.pdf")
